//! Text in styles that is broken between words, so that no line is wider than the report.
//!
//! A word that is wider by itself, such as a path, is not broken: it must be copied whole.

use std::fmt::Display;
use std::io::{self, Write};

use anstyle::Style as Ansi;

use crate::report::text;

/// Words, each of one or more pieces in a style.
#[derive(Debug, Default)]
pub(super) struct Paragraph {
    words: Vec<Vec<(Ansi, String)>>,
}

impl Paragraph {
    /// Adds text. Its first word continues the last one, unless there is a space between them. What would change a terminal is
    /// written out.
    #[must_use]
    pub(super) fn add(mut self, style: Ansi, text: impl Display) -> Self {
        let text = text.to_string();
        for (index, piece) in text::visible(&text).split(' ').enumerate() {
            if index > 0 || self.words.is_empty() {
                self.words.push(Vec::new());
            }
            if let (Some(word), false) = (self.words.last_mut(), piece.is_empty()) {
                word.push((style, piece.to_owned()));
            }
        }
        self
    }

    /// Adds text without a style.
    #[must_use]
    pub(super) fn plain(self, text: impl Display) -> Self {
        self.add(Ansi::new(), text)
    }

    /// Writes lines of at most `width` columns: `first` begins the first line, `margin` the others.
    ///
    /// # Errors
    /// Those of `out`.
    pub(super) fn write(
        &self,
        (first, margin): (&str, &str),
        width: usize,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        write!(out, "{first}")?;
        let mut column = first.chars().count();
        let mut is_begun = false;
        let mut current = Ansi::new();
        for word in self.words.iter().filter(|word| !word.is_empty()) {
            let length = word.iter().map(|(_, piece)| piece.chars().count()).sum();
            let end = column
                .saturating_add(usize::from(is_begun))
                .saturating_add(length);
            if is_begun && end > width {
                write!(out, "{current:#}\n{margin}")?;
                current = Ansi::new();
                column = margin.chars().count().saturating_add(length);
            } else {
                if is_begun {
                    write!(out, " ")?;
                }
                column = end;
            }
            is_begun = true;
            for (style, piece) in word {
                if *style != current {
                    write!(out, "{current:#}{style}")?;
                    current = *style;
                }
                write!(out, "{piece}")?;
            }
        }
        writeln!(out, "{current:#}")
    }
}

/// Returns the columns of a text, without the codes of its styles.
pub(super) fn columns(text: &str) -> usize {
    let mut is_code = false;
    let shown = text.chars().filter(|character| {
        let was_code = is_code;
        is_code = match character {
            '\u{1b}' => true,
            'm' => false,
            _ => is_code,
        };
        !was_code && !is_code
    });
    shown.count()
}

/// Writes a line that has its styles already, in lines of at most `width` columns. What does not fit is below the last column of the line, or
/// indented where there is no room.
///
/// # Errors
/// Those of `out`.
pub(super) fn write_styled(line: &str, width: usize, out: &mut dyn Write) -> io::Result<()> {
    if columns(line) <= width {
        return writeln!(out, "{line}");
    }
    let text = line.trim_start_matches(' ');
    let indent = line.len().saturating_sub(text.len());
    let value = text.find("  ").and_then(|at| text.split_at_checked(at));
    let value = value.map(|(name, rest)| {
        let rest = rest.trim_start_matches(' ');
        let name = text.len().saturating_sub(rest.len()).max(name.len());
        (
            indent.saturating_add(columns(text.get(..name).unwrap_or(text))),
            rest,
        )
    });
    let fits = |word: &str, margin: usize| margin.saturating_add(columns(word)) <= width;
    let margin = match value {
        Some((margin, rest)) if rest.split(' ').all(|word| fits(word, margin)) => margin,
        _ => indent.saturating_add(2),
    };
    let mut column = indent;
    write!(out, "{:indent$}", "")?;
    let mut is_begun = false;
    let mut spaces = 0_usize;
    for word in text.split(' ') {
        let length = columns(word);
        if is_begun {
            spaces = spaces.saturating_add(1);
        }
        if word.is_empty() {
            continue;
        }
        let end = column.saturating_add(spaces).saturating_add(length);
        if is_begun && end > width {
            write!(out, "\n{:margin$}{word}", "")?;
            column = margin.saturating_add(length);
        } else {
            write!(out, "{:spaces$}{word}", "")?;
            column = end;
        }
        is_begun = true;
        spaces = 0;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_only_and_keep_their_style() {
        let strong = Ansi::new().bold();
        let text = Paragraph::default()
            .add(strong, "error[rule]")
            .plain(" one two\u{1b} ")
            .add(strong, "three four averylongword");
        let mut out = Vec::new();
        text.write(("  ", "    "), 16, &mut out).unwrap();
        let expected = format!(
            "  {strong}error[rule]{strong:#}\n    one\n    two\\u{{1b}}\n    {strong}three four{strong:#}\n    {strong}averylongword{strong:#}\n"
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
