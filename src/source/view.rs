//! The bytes of a file as its readers see them: all of them, or what of them was kept.
//!
//! A reader that asks a capture for bytes which were not kept gets nothing, and the capture remembers that it was asked: what was read
//! then counts for nothing ([`Capture::missing`]).

use super::Capture;
use super::capture::Run;
use crate::hash::{Digest, HashType, PageGeometry};
use crate::octets;

/// A file, or a part of one.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    bytes: Held<'a>,
    /// Where the part begins in the file.
    start: u64,
    length: u64,
}

#[derive(Debug, Clone, Copy)]
enum Held<'a> {
    /// All bytes of the file.
    All(&'a [u8]),
    Some(&'a Capture),
}

impl<'a> From<&'a [u8]> for View<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self {
            bytes: Held::All(bytes),
            start: 0,
            length: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        }
    }
}

impl<'a> From<&'a Vec<u8>> for View<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::from(bytes.as_slice())
    }
}

impl<'a> From<&'a Capture> for View<'a> {
    fn from(capture: &'a Capture) -> Self {
        Self {
            bytes: Held::Some(capture),
            start: 0,
            length: capture.size(),
        }
    }
}

impl<'a> View<'a> {
    /// Its length in bytes.
    #[must_use]
    pub fn len(self) -> u64 {
        self.length
    }

    /// Returns true if it has no bytes.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.length == 0
    }

    /// The `length` bytes at `offset`; `None` when they are not wholly inside, or were not kept.
    #[must_use]
    pub fn range(self, offset: u64, length: u64) -> Option<&'a [u8]> {
        if offset.checked_add(length)? > self.length {
            return None;
        }
        let at = self.start.checked_add(offset)?;
        match self.bytes {
            Held::All(bytes) => octets::range(bytes, at, length),
            Held::Some(capture) => capture.range(at, length),
        }
    }

    /// The first `count` bytes, fewer if there are not so many.
    #[must_use]
    pub fn head(self, count: usize) -> &'a [u8] {
        let count = u64::try_from(count).unwrap_or(u64::MAX).min(self.length);
        self.range(0, count).unwrap_or_default()
    }

    /// The big-endian 32-bit integer at `offset`.
    #[must_use]
    pub fn u32_be(self, offset: u64) -> Option<u32> {
        octets::u32_be(self.range(offset, 4)?, 0)
    }

    /// The `length` bytes at `offset` as a file of their own, cut where this one ends.
    #[must_use]
    pub fn part(self, offset: u64, length: u64) -> Self {
        let offset = offset.min(self.length);
        Self {
            bytes: self.bytes,
            start: self.start.saturating_add(offset),
            length: length.min(self.length.saturating_sub(offset)),
        }
    }

    /// All bytes, where they are at hand.
    #[must_use]
    pub fn whole(self) -> Option<&'a [u8]> {
        match self.bytes {
            Held::All(bytes) => octets::range(bytes, self.start, self.length),
            Held::Some(_) => None,
        }
    }

    /// The digests of pages that are at hand instead of the bytes, one after the other; `None` where they are not.
    #[must_use]
    pub fn page_digests(self, geometry: PageGeometry, hash_type: HashType) -> Option<&'a [u8]> {
        let Held::Some(capture) = self.bytes else {
            return None;
        };
        let page_size = geometry.page_size.unwrap_or(geometry.limit);
        // No more than there are slots for: pages may be short and the file long.
        let slots = geometry.count.saturating_mul(page_size);
        let covered = geometry.limit.min(self.length).min(slots);
        if covered == 0 {
            return Some(&[]);
        }
        capture.pages(Run {
            start: self.start,
            end: self.start.saturating_add(covered),
            page_size,
            hash_type,
        })
    }

    /// The digest of all bytes; `None` where it was not computed when they passed by.
    #[must_use]
    pub fn digest(self, hash_type: HashType) -> Option<Digest> {
        match self.bytes {
            Held::All(_) => self.whole().map(|bytes| hash_type.digest(bytes)),
            Held::Some(capture) => capture.digest(hash_type),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Wants;
    use super::*;

    #[test]
    fn a_view_ends_where_its_part_does() {
        let bytes: Vec<u8> = (0..100).collect();
        let part = View::from(&bytes).part(10, 20);
        assert_eq!((part.len(), part.whole()), (20, Some(&bytes[10..30])));
        assert_eq!(part.range(0, 20), Some(&bytes[10..30]));
        assert_eq!(part.range(1, 20), None);
        assert_eq!(part.range(u64::MAX, 2), None);
        assert_eq!(part.head(500), &bytes[10..30]);
        assert_eq!(part.part(15, 20).whole(), Some(&bytes[25..30]));
        assert!(part.part(200, 1).is_empty());
        assert_eq!(part.u32_be(17), None);
    }

    /// As many digests as the CodeDirectory has slots for, however large the file is and however small its pages.
    #[test]
    fn no_more_digests_are_asked_for_than_there_are_slots() {
        let capture = Capture::new(1 << 40);
        let geometry = PageGeometry {
            limit: 1 << 39,
            page_size: Some(2),
            count: 3,
        };
        assert_eq!(
            View::from(&capture).page_digests(geometry, HashType::Sha256),
            None
        );
        let mut wants = Wants::default();
        wants.pages(Run {
            start: 0,
            end: 6,
            page_size: 2,
            hash_type: HashType::Sha256,
        });
        assert_eq!(capture.missing(), wants);
        let none = PageGeometry { count: 0, ..geometry };
        assert_eq!(
            View::from(&capture).page_digests(none, HashType::Sha256),
            Some(&[][..])
        );
    }
}
