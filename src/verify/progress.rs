//! Counters that a caller may watch from another thread while a verification runs.

use std::sync::atomic::{AtomicU64, Ordering};

/// How far a verification has come; the numbers only grow.
#[derive(Debug, Default)]
pub struct Progress {
    files: AtomicU64,
    bytes: AtomicU64,
    expected: AtomicU64,
}

impl Progress {
    /// Sealed files and code objects done.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// Bytes of code and of sealed files hashed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes of all files, of which nearly all are hashed; 0 until the item is listed.
    #[must_use]
    pub fn expected_bytes(&self) -> u64 {
        self.expected.load(Ordering::Relaxed)
    }

    pub(super) fn expect(&self, bytes: u64) {
        self.expected.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn add_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_bytes(&self, count: u64) {
        self.bytes.fetch_add(count, Ordering::Relaxed);
    }
}
