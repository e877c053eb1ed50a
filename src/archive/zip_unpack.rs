//! What a Mac makes of the members of an archive in ZIP form: their kinds and modes, and their contents with the checksum
//! (PKWARE APPNOTE 4.4; `spec/containers.md` 1.3 and 1.5).

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::zip::{DEFLATED, Member, MemberError, STORED, Zip};

/// Systems whose attributes hold a Unix mode: Unix, and macOS by its own number.
const WITH_MODES: [u8; 2] = [3, 19];
const DOS_DIRECTORY: u32 = 0x10;
/// How far back a deflated stream may refer; it is handed out in pieces of that size.
const WINDOW: usize = 32 << 10;
const TYPE: u32 = 0o170_000;

/// What a member is, by its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link; the contents are its text.
    Symlink,
    /// A pipe, socket or device.
    Other,
}

impl Member<'_> {
    /// The same with another name, such as one that outlives the archive's.
    #[must_use]
    pub fn named<'n>(&self, name: &'n [u8]) -> Member<'n> {
        Member {
            name,
            size: self.size,
            flags: self.flags,
            method: self.method,
            compressed: self.compressed,
            header: self.header,
            checksum: self.checksum,
            host: self.host,
            attributes: self.attributes,
            is_renamed: self.is_renamed,
        }
    }

    /// Kind and permission bits that Unix gave it; `None` where another system made the archive, or nothing was written.
    #[must_use]
    pub fn unix(&self) -> Option<(MemberKind, u32)> {
        let mode = self.attributes >> 16;
        if !WITH_MODES.contains(&self.host) || mode == 0 {
            return None;
        }
        let kind = match mode & TYPE {
            0 if self.name.ends_with(b"/") => MemberKind::Directory,
            // Apple's libarchive goes by the name, and so does everyone where there is nothing that a file could hold.
            0o100_000 if self.is_directory() => MemberKind::Directory,
            0 | 0o100_000 => MemberKind::File,
            0o040_000 => MemberKind::Directory,
            0o120_000 => MemberKind::Symlink,
            _ => MemberKind::Other,
        };
        Some((kind, mode & 0o7777))
    }

    /// Kind and permission bits with which it is unpacked.
    #[must_use]
    pub fn unpacked(&self) -> (MemberKind, u32) {
        let is_folder = self.name.ends_with(b"/") || self.attributes & DOS_DIRECTORY != 0;
        self.unix().unwrap_or(if is_folder {
            (MemberKind::Directory, 0o755)
        } else {
            (MemberKind::File, 0o644)
        })
    }

    /// Whether its name says that it is a folder and its attributes do not, or the other way round.
    #[must_use]
    pub fn has_two_kinds(&self) -> bool {
        let is_folder = self.unpacked().0 == MemberKind::Directory;
        is_folder != self.name.ends_with(b"/")
    }

    /// The method, where it is one that no tool of macOS unpacks.
    #[must_use]
    pub fn foreign_method(&self) -> Option<u16> {
        (![STORED, DEFLATED].contains(&self.method)).then_some(self.method)
    }
}

impl<'a> Zip<'a> {
    /// An archive whose members are known already.
    #[must_use]
    pub fn over(data: &'a [u8]) -> Self {
        Self {
            data,
            members: Vec::new(),
            leading: 0,
            trailing: 0,
            is_doubtful: false,
            directory: 0..0,
            end: 0,
        }
    }

    /// Hands the contents of a member over from front to back, in pieces; only at the end it is known whether they are whole.
    /// `visit` says whether it wants more.
    ///
    /// # Errors
    /// [`MemberError`]
    pub fn pieces(
        &self,
        member: &Member<'_>,
        visit: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), MemberError> {
        let packed = self.packed(member)?;
        let mut checksum = crc32fast::Hasher::new();
        let mut size = 0_u64;
        let mut wants_more = true;
        let mut rest = 0;
        let mut take = |piece: &[u8]| {
            checksum.update(piece);
            size = size.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            wants_more = visit(piece);
            // No more than the directory says: the rest proves nothing.
            wants_more && size <= member.size
        };
        match member.method {
            STORED => drop(take(packed)),
            DEFLATED => rest = inflate(packed, &mut take)?,
            method => return Err(MemberError::Method { method }),
        }
        if !wants_more {
            return Ok(());
        }
        if size != member.size {
            return Err(MemberError::Size);
        }
        if checksum.finalize() != member.checksum {
            return Err(MemberError::Checksum);
        }
        // Tools that read from front to back take it for the next member.
        if rest > 0 {
            return Err(MemberError::Rest);
        }
        Ok(())
    }
}

/// Hands over what a stream holds, and gives the number of bytes that are left behind it.
pub(super) fn inflate(mut rest: &[u8], take: &mut dyn FnMut(&[u8]) -> bool) -> Result<usize, MemberError> {
    let mut state = Box::<DecompressorOxide>::default();
    let mut window = vec![0; WINDOW];
    let mut at = 0;
    loop {
        let (status, read, written) = decompress(&mut state, rest, &mut window, at, 0);
        rest = rest.get(read..).unwrap_or_default();
        let end = at.saturating_add(written);
        let wants_more = take(window.get(at..end).unwrap_or_default());
        at = if end >= WINDOW { 0 } else { end };
        match status {
            TINFLStatus::Done => return Ok(rest.len()),
            _ if !wants_more => return Ok(rest.len()),
            TINFLStatus::HasMoreOutput if written > 0 => {}
            _ => return Err(MemberError::Deflate),
        }
    }
}
