//! What all reports have in common: they are made item by item, and end with what there is to say about the run.

use std::io::{self, Write};

use super::{Settings, Summary};
use crate::outcome::Outcome;
use crate::subject::Skipped;

/// An operand that could not be read at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The operand, as the user typed it.
    pub path: String,
    /// Why.
    pub reason: String,
    /// Where it is, as `Outcome::place`.
    pub place: String,
}

/// An item that a configuration leaves out of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path.
    pub path: String,
    /// Why.
    pub reason: String,
    /// The entry of the configuration, such as `sealcheck.toml:12`.
    pub origin: String,
    /// Where it is, as `Outcome::place`.
    pub place: String,
}

impl LeftOut {
    /// A sentence for reports that have one for each entry.
    pub(super) fn text(&self) -> String {
        format!("left out of the run: {} ({})", self.reason, self.origin)
    }
}

/// What stands for items that are left out where other entries have a rule.
pub(super) const LEFT_OUT: &str = "left-out";

/// What a report says about the run beside its items.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// How the report was made.
    pub settings: Settings<'a>,
    /// Operands of which there is no outcome.
    pub unreadable: &'a [Unreadable],
    /// What was left out because it is harmless.
    pub skipped: &'a Skipped,
    /// What a configuration leaves out.
    pub left_out: &'a [LeftOut],
    /// The items by how they stand.
    pub summary: Summary,
    /// The exit status of the program.
    pub exit_status: u8,
}

/// A report that is made item by item. Nothing of an item is kept but what the rest of the report needs, so that a run
/// over many does not take the memory of all.
pub trait Report {
    /// Adds an item.
    ///
    /// # Errors
    /// Those of `out`.
    fn add(&mut self, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what stands at the end.
    ///
    /// # Errors
    /// Those of `out`.
    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()>;
}
