//! What will be asked about a Mach-O file that passes by: the plan of the *speculative pager*.
//!
//! The CodeDirectory is at the end of a slice, and its pages are before it. Load commands at the beginning say where the signature will be
//! and how long, and from that follows which pages it has digests of: signers reserve 32 bytes for each digest of SHA-256, and pages have
//! 4,096 bytes or, as newer ones for Apple silicon, 16,384. Older signatures have digests of SHA-1 as well. A guess that is wrong is
//! noticed when the CodeDirectory is read: then the file passes by again.

use super::{Fat, Slice, command_bytes, is_macho, type_of};
use crate::hash::HashType;
use crate::octets::u32_be;
use crate::source::{Planner, Run, View, Wants};

/// The usual sizes of pages.
const SMALL_PAGE: u64 = 4096;
const LARGE_PAGE: u64 = 16_384;
/// Bytes of the digests of one page by SHA-256 alone, and with SHA-1.
const ONE_DIGEST: u64 = 32;
const TWO_DIGESTS: u64 = 52;
/// Bytes at the beginning that are always asked for.
const START: usize = 4096;

/// Plans for one file, whatever it is.
#[derive(Debug, Default)]
pub struct CodePlan {
    /// Whether digests of pages are wanted.
    with_pages: bool,
    /// Slices whose turn has not come, the last one of the file first: where they begin, and their length.
    rest: Vec<(u64, u64)>,
}

impl CodePlan {
    /// For whoever reads headers and load commands.
    #[must_use]
    pub fn headers() -> Self {
        Self::default()
    }

    /// For whoever compares the pages with the signature as well.
    #[must_use]
    pub fn pages() -> Self {
        Self {
            with_pages: true,
            ..Self::default()
        }
    }

    /// Asks for everything that a reader of the slice asks for, and guesses the pages.
    fn slice(&self, known: View<'_>, offset: u64, size: u64, wants: &mut Wants) {
        let bytes = known.part(offset, size);
        let Ok(slice) = Slice::parse(bytes, offset, size) else {
            return;
        };
        let _ = slice.signature_space();
        let Some(place) = slice.code_signature.filter(|_| self.with_pages) else {
            return;
        };
        let covered = u64::from(place.offset).min(bytes.len());
        let after = bytes.len().saturating_sub(covered);
        let reserved = match u64::from(place.size) {
            0 => after,
            size => size.min(after),
        };
        let mut pages = |page_size, hash_type| {
            wants.pages(Run {
                start: offset,
                end: offset.saturating_add(covered),
                page_size,
                hash_type,
            });
        };
        let digests = |size: u64| covered.div_ceil(SMALL_PAGE).saturating_mul(size);
        if reserved < digests(ONE_DIGEST) {
            return pages(LARGE_PAGE, HashType::Sha256);
        }
        pages(SMALL_PAGE, HashType::Sha256);
        if reserved >= digests(TWO_DIGESTS) {
            pages(SMALL_PAGE, HashType::Sha1);
        }
    }

    /// Where the next slice begins.
    fn next(&self, start: u64) -> Option<u64> {
        let mut rest = self.rest.iter().rev().map(|(offset, _)| *offset);
        rest.find(|offset| *offset > start)
    }
}

impl Planner for CodePlan {
    fn look(&mut self, known: View<'_>, start: u64) -> (Wants, Option<u64>) {
        let mut wants = Wants::default();
        if start == 0 {
            // What the readers will ask for before they come to a slice.
            let head = known.head(START);
            let _ = (type_of(known), is_macho(known), command_bytes(known));
            if !u32_be(head, 0).is_some_and(Fat::is_magic) {
                if is_macho(known) {
                    self.slice(known, 0, known.len(), &mut wants);
                }
                return (wants, None);
            }
            if let Ok(fat) = Fat::parse(known) {
                self.rest = fat
                    .architectures
                    .iter()
                    .map(|entry| (entry.offset, entry.size))
                    .collect();
                self.rest.sort_by_key(|(offset, _)| std::cmp::Reverse(*offset));
            }
            return (wants, self.next(start));
        }
        for (offset, size) in self.rest.iter().filter(|(offset, _)| *offset == start) {
            self.slice(known, *offset, *size, &mut wants);
        }
        (wants, self.next(start))
    }
}
