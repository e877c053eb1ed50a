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
