//! The named budgets of a tree; every one can be lowered or raised by the caller.
//!
//! Apple's tools have no such budgets; reaching one is a [`super::Gap`], so the verdict is "not judged".

/// The budgets of one tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Nodes of one tree, the root included; default 2,000,000.
    pub nodes: usize,
    /// Directories on the way from the root to a node; default 512.
    pub depth: usize,
    /// Files of at least this many bytes are mapped, smaller ones are read; default 1 MiB.
    pub map_from: u64,
    /// Bytes handed over at once when a file is streamed; default 256 KiB.
    pub chunk: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            nodes: 2_000_000,
            depth: 512,
            map_from: 1 << 20,
            chunk: 256 << 10,
        }
    }
}
