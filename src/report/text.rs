//! Small helpers for text: wrapping, numbers for people, paths inside of paths.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::remedy::{Part, Repair};
use crate::rule::Suppressed;
use crate::time::UnixTime;

/// Breaks `text` at spaces into lines of at most `width` characters; longer words stand alone.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let needed = line.chars().count().saturating_add(word.chars().count());
        if !line.is_empty() && needed >= width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// Writes a line in lines of at most `width` columns, broken at spaces. A path stays whole, since it is copied: `path`, if it is in the line,
/// and what looks like one between colons. What would change a terminal is written out.
///
/// # Errors
/// Those of `out`.
pub fn write_line(line: &str, path: &str, width: usize, out: &mut dyn Write) -> io::Result<()> {
    const MARGIN: &str = "  ";
    // Stands for a space in a path while the line is broken.
    const GLUE: &str = "\u{0}";
    let line = visible(line);
    if line.chars().count() <= width {
        return writeln!(out, "{line}");
    }
    let path = visible(path);
    let glued = path.replace(' ', GLUE);
    let line = if path.is_empty() {
        line.into_owned()
    } else {
        line.replace(&*path, &glued)
    };
    let is_path = |part: &&str| part.split(' ').next().is_some_and(|word| word.contains('/'));
    let parts = line.split(": ").map(|part| match Some(part).filter(is_path) {
        Some(part) => part.replace(' ', GLUE),
        None => part.to_owned(),
    });
    let line = parts.collect::<Vec<_>>().join(": ");
    let room = width.saturating_sub(MARGIN.len());
    for (index, part) in wrap(&line, room).iter().enumerate() {
        let margin = if index == 0 { "" } else { MARGIN };
        writeln!(out, "{margin}{}", part.replace(GLUE, " "))?;
    }
    Ok(())
}

/// A repair in lines of at most `width` characters. A longer command is broken between words, as a shell reads it.
pub(super) fn repair(repair: &Repair, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, part) in repair.parts.iter().enumerate() {
        lines.extend(self::part(part, index == 0, width));
    }
    lines
}

/// A part of a repair in lines.
pub(super) fn part(part: &Part, is_first: bool, width: usize) -> Vec<String> {
    let words = part.announcement();
    let words = match (is_first, words.is_empty()) {
        (true, _) => format!("repair: {words}"),
        (false, _) => words,
    };
    let mut lines = match words.is_empty() {
        true => Vec::new(),
        false => wrap(&visible(words.trim_end()), width),
    };
    lines.extend(commands(part, width));
    lines
}

/// The commands of a part in lines.
pub(super) fn commands(part: &Part, width: usize) -> Vec<String> {
    let lines = part.commands.iter();
    lines
        .flat_map(|command| command.lines(width.saturating_sub(2)))
        .map(|line| format!("  {}", visible(&line)))
        .collect()
}

/// Text of the item as it may be shown on a terminal: what would move the cursor, colour, hide, break or turn round a line
/// is written out, as in `\u{1b}`.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_harmful = |character: char| {
        character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().map(|character| {
        if is_harmful(character) {
            character.escape_unicode().to_string()
        } else {
            character.to_string()
        }
    });
    Cow::Owned(escaped.collect())
}

/// `1 file`, `3 files`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// `2 ignored`, `3 known`: problems that are not reported, where there are any. The same about several slices or files is
/// one, as in the report.
pub(super) fn suppressed(all: &[Suppressed]) -> Vec<String> {
    let count = |by| {
        let those = all.iter().filter(|found| found.by.name() == by);
        let problems: BTreeSet<_> = those
            .map(|found| (found.finding.rule, found.finding.message.as_str()))
            .collect();
        problems.len()
    };
    ["ignored", "known"]
        .into_iter()
        .map(|by| (count(by), by))
        .filter(|(count, _)| *count > 0)
        .map(|(count, by)| format!("{count} {by}"))
        .collect()
}

/// A number of bytes in decimal units with at most one digit after the point.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    let mut tenths = bytes.saturating_mul(10);
    let mut unit = "bytes";
    for next in UNITS {
        if tenths < 10_000 {
            break;
        }
        tenths = tenths.saturating_add(500) / 1000;
        unit = next;
    }
    let (whole, rest) = (tenths / 10, tenths % 10);
    if rest == 0 || whole >= 100 {
        format!("{whole} {unit}")
    } else {
        format!("{whole}.{rest} {unit}")
    }
}

/// The day of a point in time, in UTC.
pub(super) fn date(time: UnixTime) -> String {
    let (year, month, day, ..) = time.to_utc();
    format!("{year:04}-{month:02}-{day:02}")
}

/// A time span for people.
pub(super) fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", (seconds * 1000.0).max(1.0))
    } else {
        format!("{seconds:.1} s")
    }
}

/// The last component of a path.
pub(super) fn file_name(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        Some((_, name)) if !name.is_empty() && name != "." && name != ".." => name,
        _ => path,
    }
}

/// Whether `path` is `folder` or lies in it.
pub(super) fn is_in(folder: &str, path: &str) -> bool {
    folder.is_empty() || below_or_same(folder, path).is_some()
}

fn below_or_same<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('/')
    }
}

/// The path from `folder` to what lies in it; `path` itself, where it does not.
pub(super) fn below<'p>(folder: &str, path: &'p str) -> &'p str {
    if folder.is_empty() {
        return path;
    }
    below_or_same(folder, path).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_at_spaces() {
        assert_eq!(wrap("aa bb cc", 6), ["aa bb", "cc"]);
        assert_eq!(wrap("a-long-word b", 4), ["a-long-word", "b"]);
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(4_894_000), "4.9 MB");
        assert_eq!(size(256_000_000), "256 MB");
        assert_eq!(size(999_999), "1 MB");
        assert_eq!(
            (counted(1, "file"), counted(0, "file")),
            ("1 file".into(), "0 files".into())
        );
    }

    #[test]
    fn paths_in_folders() {
        assert!(is_in("a/b", "a/b") && is_in("a/b", "a/b/c") && !is_in("a/b", "a/bc"));
        assert_eq!(below("a", "a/b/c"), "b/c");
        assert_eq!((file_name("x/y.app/"), file_name("..")), ("y.app", ".."));
    }
}
