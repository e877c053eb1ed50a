//! How the report for people looks.

use anstyle::{AnsiColor, Style as Ansi};

/// How the report looks.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Whether marks may be other than ASCII.
    pub unicode: bool,
    /// More `-v` show more: 1 all code and all files, 2 digests and slots.
    pub verbosity: u8,
    /// Only problems.
    pub quiet: bool,
    /// Columns to fill.
    pub width: usize,
}

impl Style {
    pub(in crate::report) fn yes(self) -> &'static str {
        if self.unicode { "✓" } else { "ok" }
    }

    pub(in crate::report) fn no(self) -> &'static str {
        if self.unicode { "✗" } else { "FAILED" }
    }

    pub(in crate::report) fn separator(self) -> &'static str {
        if self.unicode { " · " } else { ", " }
    }
}

pub(in crate::report) const GOOD: Ansi = AnsiColor::Green.on_default();
pub(in crate::report) const BAD: Ansi = AnsiColor::Red.on_default().bold();
pub(in crate::report) const DOUBTFUL: Ansi = AnsiColor::Yellow.on_default();
pub(in crate::report) const STRONG: Ansi = Ansi::new().bold();
pub(in crate::report) const FAINT: Ansi = Ansi::new().dimmed();
