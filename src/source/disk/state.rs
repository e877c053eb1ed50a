//! Whether a file is still what it was: its length, and the times and numbers that the system keeps of it.

use std::fs::Metadata;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::Path;
#[cfg(not(unix))]
use std::time::SystemTime;

/// Which file it is, and when it was changed last. The time of the last change of its contents can be set back by whoever may
/// write to it; that of the last change of its facts cannot, and setting the former changes the latter.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileState {
    device: u64,
    number: u64,
    length: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    /// The same of its facts (`ctime`).
    changed: (i64, i64),
}

#[cfg(unix)]
impl From<&Metadata> for FileState {
    fn from(facts: &Metadata) -> Self {
        Self {
            device: facts.dev(),
            number: facts.ino(),
            length: facts.len(),
            modified: (facts.mtime(), facts.mtime_nsec()),
            changed: (facts.ctime(), facts.ctime_nsec()),
        }
    }
}

/// The length of a file and when it was changed and made, as far as the standard library tells: whoever may write to the file can set
/// the times back.
#[cfg(not(unix))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileState {
    length: u64,
    modified: Option<SystemTime>,
    created: Option<SystemTime>,
}

#[cfg(not(unix))]
impl From<&Metadata> for FileState {
    fn from(facts: &Metadata) -> Self {
        Self {
            length: facts.len(),
            modified: facts.modified().ok(),
            created: facts.created().ok(),
        }
    }
}

impl FileState {
    /// The state of the file at a path.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        Some(Self::from(&path.metadata().ok()?))
    }
}
