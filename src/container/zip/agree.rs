//! Whether those who read an archive in ZIP form by its directory, and those who read it from front to back, get the same
//! (`spec/containers.md` 1.3): what the header in front of each member and the descriptor behind it say, and headers between
//! members, which the directory does not know.
//!
//! Apple's own tools take sides: libarchive goes by the directory for sizes and by the local header for names, and by local headers
//! alone where it reads from a pipe. Not compared: times, versions, and extra fields other than those for sizes and names.

use memchr::memmem;

use super::directory::{DEFLATED, ENCRYPTED, LOCAL_SIZE, Member, STORED, Zip, extra64, is_renamed};
use super::numbers::{length, u16_at, u32_at, u64_at};
use crate::container::codec::{Deflated, Inflater, Stop};
use crate::octets::range;

/// Encryption in its forms, and names in UTF-8 (APPNOTE 4.4.4), which both headers must have alike.
const AGREEING_FLAGS: u16 = ENCRYPTED | 1 << 11;
/// A descriptor behind the data says what the header in front of it leaves out.
const DESCRIPTOR: u16 = 1 << 3;
const DESCRIPTOR_MAGIC: &[u8] = b"PK\x07\x08";
const LOCAL_MAGIC: &[u8] = b"PK\x03\x04";
/// Bytes that are inflated at a time.
const PIECE: usize = 64 << 10;
/// What may follow `PK` where a reader from front to back goes on or stops: a member, the directory, its ends.
const MARKS: [[u8; 2]; 4] = [[3, 4], [1, 2], [5, 6], [6, 6]];

/// What the header in front of a member says.
struct Local<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    checksum: u32,
    compressed: u64,
    size: u64,
    is_renamed: bool,
}

impl<'a> Local<'a> {
    fn at(data: &'a [u8], at: u64) -> Option<Self> {
        let header = range(data, at, LOCAL_SIZE)?;
        let (name_length, extra_length) = (u16_at(header, 26)?.into(), u16_at(header, 28)?.into());
        let name_at = at.checked_add(LOCAL_SIZE)?;
        let name = range(data, name_at, name_length)?;
        let extra = range(data, name_at.checked_add(name_length)?, extra_length)?;
        // Both are in the extra field, or none of them (APPNOTE 4.5.3).
        let wide = extra64(extra);
        let value = |offset, wide_at| match u32_at(header, offset)? {
            u32::MAX => u64_at(wide, wide_at).or(Some(u32::MAX.into())),
            value => Some(value.into()),
        };
        Some(Self {
            name,
            flags: u16_at(header, 6)?,
            method: u16_at(header, 8)?,
            checksum: u32_at(header, 14)?,
            compressed: value(18, 8)?,
            size: value(22, 0)?,
            is_renamed: is_renamed(name, extra),
        })
    }

    fn agrees(&self, member: &Member<'_>) -> bool {
        // Whoever writes to a pipe knows it only afterwards; newer versions of the Finder know the size.
        let is_same = |local: u64, central: u64| local == central || (self.has_descriptor() && local == 0);
        self.name == member.name
            && !self.is_renamed
            && !member.is_renamed
            && self.method == member.method
            && (self.flags ^ member.flags) & AGREEING_FLAGS == 0
            && is_same(self.checksum.into(), member.checksum.into())
            && is_same(self.compressed, member.compressed)
            && is_same(self.size, member.size)
    }

    fn has_descriptor(&self) -> bool {
        self.flags & DESCRIPTOR != 0
    }
}

/// The length of the descriptor that `data` starts with, in whichever of its forms: with its magic or without, with sizes of 32 bits
/// or of 64 (APPNOTE 4.3.9).
fn descriptor(data: &[u8], member: &Member<'_>) -> Option<u64> {
    let checksum = member.checksum.to_le_bytes();
    let sizes = [member.compressed, member.size];
    let narrow = sizes.map(|size| u32::try_from(size).ok().map(u32::to_le_bytes));
    let narrow = match narrow {
        [Some(compressed), Some(size)] => Some([checksum, compressed, size].concat()),
        _ => None,
    };
    let wide = [checksum.as_slice(), &sizes.map(u64::to_le_bytes).concat()].concat();
    let forms = narrow.into_iter().chain([wide]);
    let mut marked = forms.clone().map(|form| [DESCRIPTOR_MAGIC, &form].concat());
    let mut plain = forms;
    let is_there = |form: &Vec<u8>| data.starts_with(form);
    // Nobody who reads from front to back finds the end of stored data without the magic.
    let unmarked = || plain.find(is_there).filter(|_| member.method != STORED);
    let found = marked.find(is_there).or_else(unmarked)?;
    Some(length(&found))
}

impl<'a> Zip<'a> {
    /// Whether the header in front of a member or the descriptor behind it says something else than the directory, or cannot be
    /// read; or whether the member seems to end earlier for those who read from front to back.
    ///
    /// `budget` is the number of bytes that may be inflated to find out; where they are not enough, it is.
    #[must_use]
    pub fn is_ambiguous(&self, member: &Member<'_>, budget: &mut u64) -> bool {
        let mut agrees = || {
            let local = Local::at(self.data, member.header)?;
            let start = self.start(member)?;
            let packed = range(self.data, start, member.compressed)?;
            let is_whole = !local.has_descriptor()
                || (self.descriptor_behind(member).is_some() && !ends_early(packed, member, budget));
            Some(local.agrees(member) && is_whole)
        };
        agrees() != Some(true)
    }

    /// Names of members that only those see who read from front to back, one for each place; empty where it is another kind of header.
    #[must_use]
    pub fn hidden(&self) -> Vec<&'a [u8]> {
        let span = |member: &Member<'_>| {
            let end = self.start(member)?.checked_add(member.compressed)?;
            let is_streamed = || Some(Local::at(self.data, member.header)?.has_descriptor());
            let behind = is_streamed()
                .unwrap_or_default()
                .then(|| self.descriptor_behind(member));
            let end = end.checked_add(behind.flatten().unwrap_or_default())?;
            Some(member.header..end)
        };
        let mut spans: Vec<_> = self.members.iter().filter_map(span).collect();
        spans.extend([self.directory.clone(), self.end..self.end]);
        spans.sort_unstable_by_key(|span| span.start);
        let mut at = 0;
        let mut found = Vec::new();
        for span in spans {
            let gap = span.start.checked_sub(at);
            found.extend(gap.and_then(|length| marked(range(self.data, at, length)?)));
            at = span.end.max(at);
        }
        found
    }

    /// The length of the descriptor behind a member's data.
    fn descriptor_behind(&self, member: &Member<'_>) -> Option<u64> {
        let end = self.start(member)?.checked_add(member.compressed)?;
        let rest = self.data.get(usize::try_from(end).ok()?..)?;
        descriptor(rest, member)
    }
}

/// The first header in a gap, by the name in it. What stands there else is nobody's business: zeros for alignment, or signatures of
/// other systems.
fn marked(gap: &[u8]) -> Option<&[u8]> {
    let is_mark = |at: &usize| {
        let mark = gap
            .get(at.saturating_add(2)..)
            .and_then(|rest| rest.first_chunk());
        mark.is_some_and(|mark| MARKS.contains(mark))
    };
    let at = memmem::find_iter(gap, b"PK").find(is_mark)?;
    let header = gap.get(at..).filter(|header| header.starts_with(LOCAL_MAGIC));
    let name = header.and_then(|header| range(header, LOCAL_SIZE, u16_at(header, 26)?.into()));
    Some(name.unwrap_or_default())
}

/// Whether a member whose length stands behind it seems to end before that: where a deflated stream ends, or where a stored one has a
/// descriptor that fits what is in front of it (`zip_read_data_none` in libarchive), and other members could follow.
fn ends_early(packed: &[u8], member: &Member<'_>, budget: &mut u64) -> bool {
    match member.method {
        STORED => memmem::find_iter(packed, DESCRIPTOR_MAGIC).any(|at| {
            let at = u64::try_from(at).unwrap_or(u64::MAX);
            let size = at.saturating_add(8);
            u32_at(packed, size).map(u64::from) == Some(at) || u64_at(packed, size) == Some(at)
        }),
        DEFLATED if marked(packed).is_some() => {
            // Rarely by chance, so that hardly anything is inflated twice.
            let Some(left) = budget.checked_sub(member.size) else {
                return true;
            };
            *budget = left;
            !ends_at_the_end(packed, member.size)
        }
        _ => false,
    }
}

/// Returns true if a deflated stream of at most `size` bytes ends where `packed` does.
fn ends_at_the_end(packed: &[u8], size: u64) -> bool {
    let mut stream = Deflated::new(packed, Inflater::default());
    let mut buffer = vec![0; PIECE];
    let mut found = 0_u64;
    loop {
        let (count, stop) = stream.fill(&mut buffer);
        found = found.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        match stop {
            Stop::End => return stream.rest().is_empty(),
            Stop::Full if found <= size => {}
            _ => return false,
        }
    }
}
