//! What a Mac makes of the members of an archive in ZIP form: their kinds and modes (PKWARE APPNOTE 4.4.2 and 4.4.15).

use super::directory::{DEFLATED, Member, STORED, Zip};

/// Systems whose attributes hold a Unix mode: Unix, and macOS by its own number.
const WITH_MODES: [u8; 2] = [3, 19];
const DOS_DIRECTORY: u32 = 0x10;
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
}
