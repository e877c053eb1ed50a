//! What is known while one signature is examined.

use super::components::Components;
use super::{FaultKind, Options, SliceEvidence};
use crate::macho::Slice;
use crate::source::View;

/// What a signature covers.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// One slice of a Mach-O file.
    Slice(&'a Slice<'a>),
    /// A file that is no Mach-O, as a whole.
    File(View<'a>),
}

impl<'a> Subject<'a> {
    pub(super) fn data(self) -> View<'a> {
        match self {
            Self::Slice(slice) => slice.data,
            Self::File(data) => data,
        }
    }
}

/// One signature: what it covers, where its components come from, and what was found so far.
pub(super) struct Examination<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) options: &'a Options,
    pub(super) components: Components<'a>,
    pub(super) is_bundle: bool,
    pub(super) facts: SliceEvidence,
    pub(super) faults: Vec<FaultKind>,
}

/// Bytes that there are.
pub(super) fn length(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}
