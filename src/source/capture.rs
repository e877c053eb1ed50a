//! What is kept of a file that passes by: some of its bytes, and digests of its pages.
//!
//! A file that comes from front to back, such as a compressed member of an archive, is not held in memory. What will be asked about it is
//! guessed while it passes ([`Planner`](super::Planner)). A guess that is wrong costs time and changes no answer: the capture says what was asked for and
//! is missing, and the file passes by once more for exactly that.

use std::sync::{Mutex, PoisonError};

use crate::hash::{Digest, HashType};

/// Pages of a part of a file, each with a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Where the first page begins in the file.
    pub start: u64,
    /// Where the last page ends, which may be a shorter one.
    pub end: u64,
    /// Bytes in a page.
    pub page_size: u64,
    /// The hash type.
    pub hash_type: HashType,
}

/// What is to be kept of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wants {
    /// Bytes: where they begin in the file, and how many.
    pub(super) ranges: Vec<(u64, u64)>,
    /// Digests of pages.
    pub(super) runs: Vec<Run>,
    /// Digests of the whole file.
    pub(super) digests: Vec<HashType>,
}

/// Adds what is not there yet.
fn add<T: PartialEq>(to: &mut Vec<T>, new: T) {
    if !to.contains(&new) {
        to.push(new);
    }
}

impl Wants {
    /// Keeps the `length` bytes at `offset`.
    pub fn range(&mut self, offset: u64, length: u64) {
        if length > 0 {
            add(&mut self.ranges, (offset, length));
        }
    }

    /// Computes digests of pages.
    pub fn pages(&mut self, run: Run) {
        if run.start < run.end && run.page_size > 0 {
            add(&mut self.runs, run);
        }
    }

    /// Computes a digest of the whole file.
    pub fn digest(&mut self, hash_type: HashType) {
        add(&mut self.digests, hash_type);
    }

    /// Returns true if nothing is to be kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another one wants.
    pub fn add(&mut self, other: &Self) {
        for (offset, length) in &other.ranges {
            self.range(*offset, *length);
        }
        for run in &other.runs {
            self.pages(*run);
        }
        for hash_type in &other.digests {
            self.digest(*hash_type);
        }
    }
}

/// What was kept of a file.
#[derive(Debug, Default)]
pub struct Capture {
    size: u64,
    /// Bytes, and where they begin.
    pub(super) kept: Vec<(u64, Vec<u8>)>,
    pub(super) runs: Vec<(Run, Vec<u8>)>,
    pub(super) digests: Vec<(HashType, Digest)>,
    /// What it was asked for.
    asked: Mutex<Wants>,
    /// Whether it remembers what it was asked for and has.
    notes_all: bool,
}

impl Capture {
    /// A file of `size` bytes of which these are known, which remembers everything that it is asked for.
    pub(super) fn known(size: u64, start: u64, bytes: Vec<u8>) -> Self {
        Self {
            kept: vec![(start, bytes)],
            notes_all: true,
            ..Self::new(size)
        }
    }

    pub(super) fn new(size: u64) -> Self {
        Self {
            size,
            ..Self::default()
        }
    }

    /// The same with what was kept another time.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.kept.extend(other.kept);
        self.runs.extend(other.runs);
        self.digests.extend(other.digests);
        self
    }

    /// Length of the file in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What it was asked for and does not have. Nothing follows from what was read of it unless that is empty.
    #[must_use]
    pub fn missing(&self) -> Wants {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, note: impl FnOnce(&mut Wants)) {
        note(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Bytes of the file, which are inside of it.
    pub(super) fn range(&self, offset: u64, length: u64) -> Option<&[u8]> {
        if length == 0 {
            return Some(&[]);
        }
        let found = self.kept.iter().find_map(|(start, bytes)| {
            let at = offset.checked_sub(*start)?;
            crate::octets::range(bytes, at, length)
        });
        if found.is_none() || self.notes_all {
            self.note(|wants| wants.range(offset, length));
        }
        found
    }

    pub(super) fn pages(&self, run: Run) -> Option<&[u8]> {
        let found = self.runs.iter().find(|(known, _)| *known == run);
        if found.is_none() {
            self.note(|wants| wants.pages(run));
        }
        found.map(|(_, digests)| digests.as_slice())
    }

    pub(super) fn digest(&self, hash_type: HashType) -> Option<Digest> {
        let found = self.digests.iter().find(|(known, _)| *known == hash_type);
        if found.is_none() {
            self.note(|wants| wants.digest(hash_type));
        }
        found.map(|(_, digest)| *digest)
    }
}
