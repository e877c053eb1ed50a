//! The SuperBlob: an index of typed blobs, and the BlobWrapper around opaque payloads.
//!
//! Specification 1.1–1.4: `BlobCore::validateBlob`, `SuperBlobCore::validateBlob` and
//! `EmbeddedSignatureBlob::component` of Apple's sources. As there, entries need not be sorted, unique or
//! free of overlap, and the first entry of a type decides, even if it has no blob; the oddities are facts for the rules to
//! judge.

use thiserror::Error;

use super::Slot;
use crate::limits::SUPERBLOB_ENTRIES;
use crate::octets::{range, u32_be};

/// Magic numbers of specification 1.1.
pub mod magic {
    /// One requirement.
    pub const REQUIREMENT: u32 = 0xfade_0c00;
    /// A set of requirements.
    pub const REQUIREMENTS: u32 = 0xfade_0c01;
    /// CodeDirectory.
    pub const CODE_DIRECTORY: u32 = 0xfade_0c02;
    /// SuperBlob of an embedded signature.
    pub const EMBEDDED_SIGNATURE: u32 = 0xfade_0cc0;
    /// SuperBlob of a detached signature for several architectures.
    pub const DETACHED_SIGNATURE: u32 = 0xfade_0cc1;
    /// Wrapper around an opaque payload.
    pub const BLOB_WRAPPER: u32 = 0xfade_0b01;
    /// Entitlements, a property list.
    pub const ENTITLEMENTS: u32 = 0xfade_7171;
    /// Entitlements in DER.
    pub const ENTITLEMENTS_DER: u32 = 0xfade_7172;
    /// Launch and library constraints.
    pub const CONSTRAINT: u32 = 0xfade_8181;
}

/// Size of magic and length, which open every blob.
const HEADER: u64 = 8;
/// Size of the header and the count of a SuperBlob.
const INDEX: u64 = 12;
/// Size of one index entry.
const ENTRY: u64 = 8;

/// Why a blob could not be read. Offsets and lengths are in bytes from the start of the SuperBlob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BlobError {
    /// Fewer bytes than a header.
    #[error("blob header does not fit in {available} bytes")]
    Truncated {
        /// Bytes that are there.
        available: u64,
    },
    /// Another magic number than the one that belongs here.
    #[error("blob magic is {found:#010x}, expected {expected:#010x}")]
    Magic {
        /// The magic that belongs here.
        expected: u32,
        /// The magic that was found.
        found: u32,
    },
    /// The length field is too small, or larger than the space.
    #[error("blob length {length} does not fit in {available} bytes")]
    Length {
        /// The length field.
        length: u32,
        /// Bytes that are there.
        available: u64,
    },
    /// The index is larger than the SuperBlob.
    #[error("superblob of {length} bytes cannot hold an index of {count} entries")]
    Index {
        /// The count field.
        count: u32,
        /// The length field of the SuperBlob.
        length: u32,
    },
    /// An entry points into the index or past the end.
    #[error("{slot} at offset {offset} lies outside the superblob")]
    Entry {
        /// The type of the entry.
        slot: Slot,
        /// The offset field.
        offset: u32,
    },
    /// There is no signature for this architecture.
    #[error("the detached signature has none for {slot}")]
    Missing {
        /// The CPU type, or 0 for the part that is common to all.
        slot: Slot,
    },
    /// More entries than the reader's budget.
    #[error("superblob index has {count} entries, more than the limit of {SUPERBLOB_ENTRIES}")]
    TooManyEntries {
        /// The count field.
        count: u32,
    },
}

/// One entry of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexEntry<'a> {
    /// The type field.
    pub slot: Slot,
    /// Offset of the blob from the start of the SuperBlob; 0 in an entry without a blob.
    pub offset: u32,
    /// The whole blob, header included; empty in an entry without a blob.
    pub data: &'a [u8],
}

impl IndexEntry<'_> {
    /// Returns true if the entry has no blob: the type is in the index, and the component is absent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offset == 0
    }

    /// Returns true if the blob has no room for its own magic and length, although it is inside the SuperBlob.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        !self.is_empty() && u64::try_from(self.data.len()).is_ok_and(|length| length < HEADER)
    }

    /// The blob's own magic.
    #[must_use]
    pub fn magic(&self) -> Option<u32> {
        u32_be(self.data, 0)
    }
}

/// A SuperBlob whose index has been checked.
#[derive(Debug, Clone)]
pub struct SuperBlob<'a> {
    data: &'a [u8],
    entries: Vec<IndexEntry<'a>>,
}

impl<'a> SuperBlob<'a> {
    /// Reads the SuperBlob with magic `expected` at the start of `space`, which may be longer than it.
    ///
    /// # Errors
    /// See [`BlobError`]; Apple answers every one of them with errSecCSSignatureInvalid but [`BlobError::TooManyEntries`], a budget of ours.
    pub fn parse(space: &'a [u8], expected: u32) -> Result<Self, BlobError> {
        let available = u64::try_from(space.len()).unwrap_or(u64::MAX);
        let truncated = BlobError::Truncated { available };
        let found = u32_be(space, 0).ok_or(truncated)?;
        let length = u32_be(space, 4).ok_or(truncated)?;
        if found != expected {
            return Err(BlobError::Magic { expected, found });
        }
        let data = range(space, 0, u64::from(length)).ok_or(BlobError::Length { length, available })?;
        let count = u32_be(data, 8).ok_or(BlobError::Length { length, available })?;
        let index_end = u64::from(count).saturating_mul(ENTRY).saturating_add(INDEX);
        if index_end > u64::from(length) {
            return Err(BlobError::Index { count, length });
        }
        if count > SUPERBLOB_ENTRIES {
            return Err(BlobError::TooManyEntries { count });
        }
        let mut superblob = Self {
            data,
            entries: Vec::new(),
        };
        for number in 0..u64::from(count) {
            let at = INDEX.saturating_add(number.saturating_mul(ENTRY));
            let (Some(slot), Some(offset)) = (u32_be(data, at), u32_be(data, at.saturating_add(4))) else {
                return Err(BlobError::Index { count, length });
            };
            let slot = Slot(slot);
            let data = if offset == 0 {
                &[][..]
            } else {
                let error = BlobError::Entry { slot, offset };
                if u64::from(offset) < index_end {
                    return Err(error);
                }
                // A length below 8 passes here: whoever uses the blob notices it.
                let sub_length = u32_be(data, u64::from(offset).saturating_add(4)).ok_or(error)?;
                range(data, u64::from(offset), u64::from(sub_length)).ok_or(error)?
            };
            superblob.entries.push(IndexEntry { slot, offset, data });
        }
        Ok(superblob)
    }

    /// The bytes of the SuperBlob itself, without what follows it.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// All entries in index order.
    #[must_use]
    pub fn entries(&self) -> &[IndexEntry<'a>] {
        &self.entries
    }

    /// The blob of the first entry of this type, header included (`SuperBlobCore::find`). If that entry has no blob, a
    /// later one of the same type does not count.
    #[must_use]
    pub fn find(&self, slot: Slot) -> Option<&'a [u8]> {
        self.entries
            .iter()
            .find(|entry| entry.slot == slot)
            .filter(|entry| !entry.is_empty())
            .map(|entry| entry.data)
    }

    /// The component in `slot` as its special slot hashes it: a whole blob, or the payload of a wrapper.
    ///
    /// # Errors
    /// [`BlobError::Magic`] when a wrapped component is not in a BlobWrapper (errSecCSSignatureInvalid).
    pub fn component(&self, slot: Slot) -> Result<Option<&'a [u8]>, BlobError> {
        match self.find(slot) {
            None => Ok(None),
            Some(blob) if slot.is_blob() => Ok(Some(blob)),
            Some(blob) => unwrap(blob, magic::BLOB_WRAPPER).map(Some),
        }
    }
}

/// The payload of the blob `blob`, which must have the magic `expected` and exactly its own length.
///
/// # Errors
/// [`BlobError::Truncated`], [`BlobError::Magic`] or [`BlobError::Length`].
pub fn unwrap(blob: &[u8], expected: u32) -> Result<&[u8], BlobError> {
    let available = u64::try_from(blob.len()).unwrap_or(u64::MAX);
    let truncated = BlobError::Truncated { available };
    let found = u32_be(blob, 0).ok_or(truncated)?;
    let length = u32_be(blob, 4).ok_or(truncated)?;
    if found != expected {
        return Err(BlobError::Magic { expected, found });
    }
    if u64::from(length) != available {
        return Err(BlobError::Length { length, available });
    }
    blob.get(8..).ok_or(truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(magic: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = magic.to_be_bytes().to_vec();
        bytes.extend(u32::try_from(payload.len() + 8).unwrap().to_be_bytes());
        bytes.extend(payload);
        bytes
    }

    fn superblob(entries: &[(u32, Option<Vec<u8>>)]) -> Vec<u8> {
        let mut index = Vec::new();
        let mut body = Vec::new();
        let start = 12 + 8 * entries.len();
        for (slot, blob) in entries {
            index.extend(slot.to_be_bytes());
            let offset = blob.as_ref().map_or(0, |_| start + body.len());
            index.extend(u32::try_from(offset).unwrap().to_be_bytes());
            body.extend(blob.clone().unwrap_or_default());
        }
        let mut payload = u32::try_from(entries.len()).unwrap().to_be_bytes().to_vec();
        payload.extend(index);
        payload.extend(body);
        blob(magic::EMBEDDED_SIGNATURE, &payload)
    }

    fn parse(bytes: &[u8]) -> Result<SuperBlob<'_>, BlobError> {
        SuperBlob::parse(bytes, magic::EMBEDDED_SIGNATURE)
    }

    #[test]
    fn first_entry_of_a_type_wins_and_offset_zero_is_absent() {
        let first = blob(magic::REQUIREMENTS, b"one");
        let bytes = superblob(&[
            (2, Some(first.clone())),
            (2, Some(blob(magic::REQUIREMENTS, b"two"))),
            (5, None),
            (0x10000, Some(blob(magic::BLOB_WRAPPER, b"cms"))),
            (3, Some(blob(magic::REQUIREMENTS, b"not a wrapper"))),
        ]);
        let mut longer = bytes.clone();
        longer.extend([0; 100]);
        let parsed = parse(&longer).unwrap();
        assert_eq!(parsed.data().len(), bytes.len());
        assert_eq!(parsed.component(Slot::REQUIREMENTS).unwrap(), Some(&first[..]));
        assert_eq!(parsed.component(Slot::ENTITLEMENTS), Ok(None));
        let empty = parsed.entries().iter().filter(|entry| entry.is_empty());
        assert_eq!(
            empty.map(|entry| entry.slot).collect::<Vec<_>>(),
            [Slot::ENTITLEMENTS]
        );
        assert_eq!(parsed.component(Slot::SIGNATURE), Ok(Some(&b"cms"[..])));
        assert!(matches!(
            parsed.component(Slot::RESOURCE_DIRECTORY),
            Err(BlobError::Magic { .. })
        ));
    }

    /// `SuperBlobCore::find` returns at the first entry of a type, whatever follows.
    #[test]
    fn an_entry_without_blob_hides_later_ones() {
        let set = blob(magic::REQUIREMENTS, b"set");
        let cms = blob(magic::BLOB_WRAPPER, b"cms");
        for (slot, later) in [(2, &set), (0x10000, &cms)] {
            let hidden = superblob(&[(slot, None), (slot, Some(later.clone()))]);
            assert_eq!(parse(&hidden).unwrap().component(Slot(slot)), Ok(None));
            let found = superblob(&[(slot, Some(later.clone())), (slot, None)]);
            assert_eq!(parse(&found).unwrap().find(Slot(slot)), Some(&later[..]));
        }
    }

    /// Rows 1, 2 and 12 of specification 12.A. `SuperBlobCore::validateBlob` has no smallest length for what is in it.
    #[test]
    fn index_and_entries_are_bounded() {
        let good = superblob(&[(2, Some(blob(magic::REQUIREMENTS, b"abcd")))]);
        let mut bytes = good.clone();
        bytes[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(matches!(
            parse(&bytes),
            Err(BlobError::Index { count: u32::MAX, .. })
        ));
        for offset in [1u32, 19, 33, u32::MAX] {
            let mut bytes = good.clone();
            bytes[16..20].copy_from_slice(&offset.to_be_bytes());
            assert!(matches!(parse(&bytes), Err(BlobError::Entry { .. })), "{offset}");
        }
        for length in [13u32, u32::MAX] {
            let mut bytes = good.clone();
            bytes[24..28].copy_from_slice(&length.to_be_bytes());
            assert!(matches!(parse(&bytes), Err(BlobError::Entry { .. })), "{length}");
        }
        for length in [0u32, 4, 7] {
            let mut bytes = good.clone();
            bytes[24..28].copy_from_slice(&length.to_be_bytes());
            let parsed = parse(&bytes).unwrap();
            assert!(parsed.entries()[0].is_cut(), "{length}");
            let used = parsed.component(Slot::REQUIREMENTS).unwrap().unwrap();
            assert_eq!(used.len(), length as usize);
        }
        for end in 0..good.len() {
            assert!(parse(&good[..end]).is_err());
        }
    }
}
