//! The records at the end of an archive in ZIP form, which say where its directory is (PKWARE APPNOTE 4.3.14 to 4.3.16).
//!
//! Tools look for them in different ways: the first or the last that fits, the one with 64 bits always or only where the other has
//! no room. Where that could lead them to different directories, the end is doubtful (`spec/containers.md` 1.2).

use memchr::memmem;

use super::numbers::{length, u16_at, u32_at, u64_at};
use crate::octets::range;

const END: &[u8] = b"PK\x05\x06";
const END_SIZE: u64 = 22;
const END64: u32 = 0x0606_4b50;
const END64_SIZE: u64 = 56;
const LOCATOR64: u32 = 0x0706_4b50;
const LOCATOR64_SIZE: u64 = 20;
/// The longest comment behind the end record.
const MAX_COMMENT: u64 = 0xffff;

/// What the end record says, and where the directory ends.
pub(super) struct End {
    /// Number of members.
    pub(super) count: u64,
    /// Whether the count has 16 bits, so that some writers let it wrap.
    pub(super) is_short: bool,
    pub(super) size: u64,
    pub(super) offset: u64,
    pub(super) at: u64,
    /// Bytes behind it.
    pub(super) trailing: u64,
    /// Whether there are others, or they contradict each other.
    pub(super) is_doubtful: bool,
}

impl End {
    pub(super) fn find(data: &[u8]) -> Option<Self> {
        let last = length(data).checked_sub(END_SIZE)?;
        let first = last.saturating_sub(MAX_COMMENT);
        let window = range(data, first, length(data).checked_sub(first)?)?;
        let mut found = None;
        let mut is_doubtful = false;
        for start in memmem::rfind_iter(window, END) {
            let at = first.checked_add(u64::try_from(start).ok()?)?;
            let (Some(rest), Some(comment)) = (last.checked_sub(at), u16_at(data, at.saturating_add(20)))
            else {
                continue;
            };
            match found {
                None if u64::from(comment) <= rest => found = Some((at, rest.checked_sub(comment.into())?)),
                // It stands in the comment of the one that counts, where other tools may find it first.
                None => is_doubtful = true,
                // One in front that ends where the file does. An archive in the archive has one that does not.
                Some(_) => is_doubtful |= u64::from(comment) == rest,
            }
        }
        let (at, trailing) = found?;
        let number = |offset| at.checked_add(offset).and_then(|at| u16_at(data, at));
        let count = number(10)?;
        // Archives in several files, of which nobody makes any: the first one where this is not.
        let is_split = [4, 6]
            .iter()
            .any(|offset| !matches!(number(*offset), Some(0 | u16::MAX)));
        let short = Self {
            trailing,
            count: count.into(),
            is_short: true,
            size: u32_at(data, at.checked_add(12)?)?.into(),
            offset: u32_at(data, at.checked_add(16)?)?.into(),
            at,
            is_doubtful: is_doubtful || is_split || number(8)? != count,
        };
        Some(short.widened(data))
    }

    /// What the record with 64 bits says, where a locator right before this one names it.
    fn widened(mut self, data: &[u8]) -> Self {
        let locator = self
            .at
            .checked_sub(LOCATOR64_SIZE)
            .filter(|at| u32_at(data, *at) == Some(LOCATOR64));
        let Some(locator) = locator else {
            return self;
        };
        // Where something stands in front of the archive, the offset leads elsewhere.
        let named = u64_at(data, locator.saturating_add(8));
        let mut places = [locator.checked_sub(END64_SIZE), named]
            .into_iter()
            .flatten()
            .filter(|at| u32_at(data, *at) == Some(END64));
        let at = places.next();
        // Tools that go by the locator find another one.
        self.is_doubtful |= places.any(|other| Some(other) != at);
        let wide = at.and_then(|at| {
            let value = |offset| u64_at(data, at.checked_add(offset)?);
            Some((at, value(24)?, value(32)?, value(40)?, value(48)?))
        });
        let Some((at, here, count, size, offset)) = wide else {
            self.is_doubtful = true;
            return self;
        };
        let has_room = |short: u64, most: u32, wide: u64| short != u64::from(most) && short != wide;
        let differs = has_room(self.count, 0xffff, count)
            || has_room(self.size, u32::MAX, size)
            || has_room(self.offset, u32::MAX, offset);
        Self {
            count,
            is_short: false,
            size,
            offset,
            at,
            trailing: self.trailing,
            is_doubtful: self.is_doubtful || differs || here != count,
        }
    }
}
