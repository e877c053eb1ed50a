//! The items that an operand stands for, in the order of their names.
//!
//! A bundle, a program or a container that is not opened stands for itself. A folder that is not a bundle and an archive in ZIP
//! form stand for everything in them that a Mac user would open: bundles, Mach-O files, scripts for Terminal, and containers.
//! Archives in ZIP form are opened, also those in other archives. What cannot be opened is an item that is *not judged*.
//! What is left out is harmless, and is listed with the reason.
//!
//! Not done: scripts that a shell runs are not items, because Gatekeeper does not check them.

use std::path::PathBuf;

use super::item::Item;
use crate::limits::Limits;
use crate::source::Unread;

/// Entries that are named where a report lists what was left out.
const MAX_SKIPPED: usize = 1000;

/// What is left out of a run because it is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Skipped {
    /// How many entries.
    pub count: u64,
    /// The first of them, each with the reason.
    pub named: Vec<(String, &'static str)>,
}

impl Skipped {
    pub(super) fn add(&mut self, path: impl FnOnce() -> String, reason: &'static str) {
        self.count = self.count.saturating_add(1);
        if self.named.len() < MAX_SKIPPED {
            self.named.push((path(), reason));
        }
    }

    /// Adds what another operand leaves out.
    pub fn extend(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        let room = MAX_SKIPPED.saturating_sub(self.named.len());
        self.named.extend(other.named.into_iter().take(room));
    }
}

/// How items are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'l> {
    /// Budgets for reading.
    pub limits: &'l Limits,
    /// True if an operand that is a file without code, and no container, is left out of the items.
    pub only_code: bool,
}

/// What an operand stands for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Items {
    /// The items, sorted by their paths.
    pub items: Vec<Item>,
    /// Places where more items may be, but which cannot be read.
    pub unread: Vec<Unread>,
    /// What is left out.
    pub skipped: Skipped,
}

impl Items {
    /// The paths of the items.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        self.items.iter().map(|item| item.path.clone()).collect()
    }
}
