//! Which files begin like Mach-O, so that no file is read twice for that.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::macho::begins_as_macho;
use crate::source::NodeId;

/// Which files begin like Mach-O, as far as they were read.
#[derive(Debug)]
pub(super) struct Heads(Vec<AtomicU8>);

impl Heads {
    const UNREAD: u8 = 0;
    const OTHER: u8 = 1;
    const MACHO: u8 = 2;

    /// Nothing was read yet of `count` nodes.
    pub(super) fn new(count: usize) -> Self {
        Self((0..count).map(|_| AtomicU8::new(Self::UNREAD)).collect())
    }

    fn place(&self, node: NodeId) -> Option<&AtomicU8> {
        self.0.get(usize::try_from(node.0).ok()?)
    }

    /// Remembers how the file of `size` bytes begins.
    pub(super) fn remember(&self, node: NodeId, start: &[u8], size: u64) {
        if let Some(place) = self.place(node) {
            let found = if begins_as_macho(start, size) {
                Self::MACHO
            } else {
                Self::OTHER
            };
            place.store(found, Ordering::Relaxed);
        }
    }

    /// Whether the file begins like Mach-O; `None` when it was not read.
    pub(super) fn is_macho(&self, node: NodeId) -> Option<bool> {
        match self.place(node)?.load(Ordering::Relaxed) {
            Self::MACHO => Some(true),
            Self::OTHER => Some(false),
            _ => None,
        }
    }
}
