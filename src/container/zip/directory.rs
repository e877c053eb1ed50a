//! The central directory of an archive in ZIP form, and its members (PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5).
//!
//! Bytes may stand in front of the archive, as in self-extracting ones and in jmods. An archive whose members share bytes is
//! refused as a whole: no writer makes one, and a small file could hold any amount of data. What else tools may read in
//! another way is not looked for here ([`Zip::is_ambiguous`], [`Zip::hidden`]).

use std::ops::Range;

use super::end::End;
use super::error::{MemberError, ZipError};
use super::numbers::{u16_at, u32_at};
use crate::octets::range;

const ENTRY: u32 = 0x0201_4b50;
const ENTRY_SIZE: u64 = 46;
const LOCAL: u32 = 0x0403_4b50;
pub(super) const LOCAL_SIZE: u64 = 30;
/// The extra field with sizes of 64 bits.
const EXTRA64: u16 = 1;
/// The extra field with the name in UTF-8.
const EXTRA_NAME: u16 = 0x7075;
/// Encryption, encryption of another kind, and an encrypted directory (APPNOTE 4.4.4).
pub(super) const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
pub(super) const STORED: u16 = 0;
pub(super) const DEFLATED: u16 = 8;
/// Deflate makes at most 1,032 bytes of one (258 of two bits, and a rest).
pub(super) const MAX_RATIO: u64 = 1032;

/// One entry of the central directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its path as stored.
    pub name: &'a [u8],
    /// Its size when it is unpacked, as the directory says.
    pub size: u64,
    /// APPNOTE 4.4.4.
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) compressed: u64,
    /// Offset of its local header in the file.
    pub(super) header: u64,
    /// CRC-32 of its contents.
    pub(super) checksum: u32,
    /// The system whose attributes follow: the high byte of "version made by" (APPNOTE 4.4.2).
    pub(super) host: u8,
    pub(super) attributes: u32,
    /// Whether an extra field gives it another name.
    pub(super) is_renamed: bool,
}

impl Member<'_> {
    /// The name as text; bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.name).into_owned()
    }

    /// The bytes of the archive that stand for it: its data, both headers and its name in each.
    #[must_use]
    pub fn stored(&self) -> u64 {
        const HEADERS: u64 = LOCAL_SIZE + ENTRY_SIZE;
        let names = u64::try_from(self.name.len().saturating_mul(2)).unwrap_or(u64::MAX);
        self.compressed.saturating_add(names).saturating_add(HEADERS)
    }

    /// Returns the most bytes that its data can make when it is unpacked: what the directory says, unless no stream of its length holds
    /// so much.
    #[must_use]
    pub fn unpacked_at_most(&self) -> u64 {
        self.size.min(self.compressed.saturating_mul(MAX_RATIO))
    }

    /// Whether a password protects it.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.flags & ENCRYPTED != 0
    }

    /// Whether it stands for a folder.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.name.ends_with(b"/") && self.size == 0
    }
}

/// An archive: its members in the order of the directory.
#[derive(Debug, Clone)]
pub struct Zip<'a> {
    pub(super) data: &'a [u8],
    /// Its members.
    pub members: Vec<Member<'a>>,
    /// Bytes in front of the archive.
    pub leading: u64,
    /// Bytes behind the end record and its comment.
    pub trailing: u64,
    /// Whether the records at its end contradict each other, so that another tool may find another directory.
    pub is_doubtful: bool,
    /// Where the directory stands.
    pub(super) directory: Range<u64>,
    /// Where the records behind it start.
    pub(super) end: u64,
}

impl<'a> Zip<'a> {
    /// Reads the central directory.
    ///
    /// # Errors
    /// [`ZipError`]
    pub fn parse(data: &'a [u8], max_members: u64) -> Result<Self, ZipError> {
        let end = End::find(data).ok_or(ZipError::NoEnd)?;
        let is_entry = |at: u64| end.size == 0 || u32_at(data, at) == Some(ENTRY);
        // The directory stands right before its end; what is missing in its offset stands in front of the archive.
        let start = end
            .at
            .checked_sub(end.size)
            .filter(|start| *start >= end.offset && is_entry(*start));
        let (start, base, is_elsewhere) = match start {
            Some(start) => (start, start.saturating_sub(end.offset), false),
            None if is_entry(end.offset) => (end.offset, 0, true),
            None => return Err(ZipError::Directory),
        };
        let directory = range(data, start, end.size).ok_or(ZipError::Directory)?;
        let mut members = Vec::new();
        let mut at = 0;
        while at < end.size {
            let broken = ZipError::Entry {
                offset: start.saturating_add(at),
            };
            if length_of(&members) >= max_members {
                return Err(ZipError::TooMany { limit: max_members });
            }
            let (member, next) = entry(directory, at, base).ok_or(broken)?;
            members.push(member);
            at = next;
        }
        let found = length_of(&members);
        let counted = if end.is_short { found & 0xffff } else { found };
        if counted != end.count {
            let counted = end.count;
            return Err(ZipError::Count { counted, found });
        }
        let zip = Self {
            data,
            members,
            leading: base,
            trailing: end.trailing,
            is_doubtful: end.is_doubtful || is_elsewhere,
            directory: start..start.saturating_add(end.size),
            end: end.at,
        };
        zip.overlap()
            .map_or(Ok(zip), |offset| Err(ZipError::Overlap { offset }))
    }

    /// Where a member begins before another one ends, or one that does not end before the directory.
    fn overlap(&self) -> Option<u64> {
        let mut places: Vec<(u64, u64)> = self
            .members
            .iter()
            .filter_map(|member| {
                let start = self.start(member)?;
                Some((member.header, start.checked_add(member.compressed)?))
            })
            .collect();
        places.sort_unstable();
        let pairs = places.iter().zip(places.iter().skip(1));
        let shared = pairs
            .filter(|((_, end), (start, _))| end > start)
            .map(|(_, (start, _))| *start);
        let Range { start, end } = self.directory;
        let inside = places
            .iter()
            .filter(|(from, to)| *from < end && *to > start)
            .map(|(from, _)| *from);
        shared.chain(inside).next()
    }

    /// Where the data of a member starts, behind its local header.
    pub(super) fn start(&self, member: &Member<'_>) -> Option<u64> {
        let header = range(self.data, member.header, LOCAL_SIZE)?;
        if u32_at(header, 0)? != LOCAL {
            return None;
        }
        let (name, extra) = (u16_at(header, 26)?, u16_at(header, 28)?);
        member
            .header
            .checked_add(LOCAL_SIZE)?
            .checked_add(u64::from(name))?
            .checked_add(u64::from(extra))
    }

    /// The data of a member as it stands in the archive.
    pub(super) fn packed(&self, member: &Member<'_>) -> Result<&'a [u8], MemberError> {
        if member.is_encrypted() {
            return Err(MemberError::Encrypted);
        }
        self.start(member)
            .and_then(|start| range(self.data, start, member.compressed))
            .ok_or(MemberError::Place)
    }
}

fn length_of(members: &[Member<'_>]) -> u64 {
    u64::try_from(members.len()).unwrap_or(u64::MAX)
}

/// The entry at this offset of the directory, and where the next one starts. `base` is where the archive starts.
fn entry(directory: &[u8], at: u64, base: u64) -> Option<(Member<'_>, u64)> {
    let fixed = range(directory, at, ENTRY_SIZE)?;
    if u32_at(fixed, 0)? != ENTRY {
        return None;
    }
    let lengths = [28, 30, 32].map(|offset| u16_at(fixed, offset).map(u64::from));
    let [Some(name_length), Some(extra_length), Some(comment_length)] = lengths else {
        return None;
    };
    let name_at = at.checked_add(ENTRY_SIZE)?;
    let extra_at = name_at.checked_add(name_length)?;
    let comment_at = extra_at.checked_add(extra_length)?;
    let name = range(directory, name_at, name_length)?;
    let extra = range(directory, extra_at, extra_length)?;
    let mut wide = extra64(extra);
    // Each value that does not fit stands in the extra field, in this order (APPNOTE 4.5.3).
    let mut value = |offset: u64| -> Option<u64> {
        match u32_at(fixed, offset)? {
            u32::MAX => {
                let (value, rest) = wide.split_first_chunk::<8>()?;
                wide = rest;
                Some(u64::from_le_bytes(*value))
            }
            value => Some(u64::from(value)),
        }
    };
    let (size, compressed, header) = (value(24)?, value(20)?, value(42)?);
    let member = Member {
        name,
        size,
        flags: u16_at(fixed, 8)?,
        method: u16_at(fixed, 10)?,
        compressed,
        header: base.checked_add(header)?,
        checksum: u32_at(fixed, 16)?,
        host: u16_at(fixed, 4)?.to_be_bytes()[0],
        attributes: u32_at(fixed, 38)?,
        is_renamed: is_renamed(name, extra),
    };
    Some((member, comment_at.checked_add(comment_length)?))
}

/// The extra field with values of 64 bits; empty where there is none.
pub(super) fn extra64(extra: &[u8]) -> &[u8] {
    fields(extra)
        .find(|(id, _)| *id == EXTRA64)
        .map_or(&[], |(_, value)| value)
}

/// Whether an extra field has another name in UTF-8, by which some tools go (APPNOTE 4.6.9: version, checksum, name).
pub(super) fn is_renamed(name: &[u8], extra: &[u8]) -> bool {
    let is_other = |value: &[u8]| value.get(5..).is_some_and(|other| other != name);
    fields(extra).any(|(id, value)| id == EXTRA_NAME && is_other(value))
}

/// The extra fields as far as they can be read (APPNOTE 4.5.1).
fn fields(mut extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (id, size) = (u16_at(extra, 0)?, u16_at(extra, 2)?);
        let value = range(extra, 4, size.into())?;
        extra = extra
            .get(usize::from(size).saturating_add(4)..)
            .unwrap_or_default();
        Some((id, value))
    })
}
