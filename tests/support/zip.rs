//! Writes archives in ZIP form from folders, as `ditto` and others do, with whatever is to be wrong in them.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use miniz_oxide::deflate::compress_to_vec;

/// One member; fields may lie.
#[derive(Clone, Default)]
pub struct Member {
    pub name: Vec<u8>,
    /// The name in the header in front of the data, where that is another one.
    pub local_name: Option<Vec<u8>>,
    pub contents: Vec<u8>,
    pub is_deflated: bool,
    /// Kind and permissions; 0 where nothing is written.
    pub mode: u32,
    /// The system that wrote it: 3 for Unix, 0 for DOS.
    pub host: u8,
    pub flags: u16,
    pub method: Option<u16>,
    /// Added to the checksum.
    pub damage: u32,
    /// Flags in the header in front of the data, where those are other ones.
    pub local_flags: Option<u16>,
    /// Checksum, compressed size and size there, where those are other ones.
    pub local_numbers: Option<[u32; 3]>,
    /// Extra fields there, and in the directory.
    pub local_extra: Vec<u8>,
    pub extra: Vec<u8>,
    /// What stands in front of that header, and behind the data.
    pub gap: Vec<u8>,
    pub descriptor: Vec<u8>,
    /// The compressed data, where it is none that these contents give.
    pub packed: Option<Vec<u8>>,
}

impl Member {
    pub fn file(name: &str, contents: &[u8]) -> Self {
        Self {
            name: name.into(),
            contents: contents.to_vec(),
            mode: 0o100_644,
            host: 3,
            ..Self::default()
        }
    }

    fn packed(&self) -> Vec<u8> {
        match (&self.packed, self.is_deflated) {
            (Some(packed), _) => packed.clone(),
            (None, true) => compress_to_vec(&self.contents, 6),
            (None, false) => self.contents.clone(),
        }
    }

    /// Checksum, compressed size and size.
    pub fn numbers(&self) -> [u32; 3] {
        let sizes = [self.packed().len(), self.contents.len()].map(|size| size as u32);
        let checksum = crc32(&self.contents).wrapping_add(self.damage);
        [checksum, sizes[0], sizes[1]]
    }

    /// As whoever cannot go back writes it: the numbers stand behind the data.
    pub fn streamed(self, has_magic: bool, is_wide: bool) -> Self {
        let [checksum, sizes @ ..] = self.numbers();
        let magic: &[u8] = if has_magic { b"PK\x07\x08" } else { b"" };
        let mut descriptor = [magic, &checksum.to_le_bytes()].concat();
        for size in sizes {
            descriptor.extend(size.to_le_bytes());
            descriptor.extend(&[0; 4][..if is_wide { 4 } else { 0 }]);
        }
        Self {
            flags: self.flags | 8,
            local_numbers: Some([0; 3]),
            descriptor,
            ..self
        }
    }
}

pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    })
}

/// A bundle and everything in it, deflated, links as links.
pub fn members(path: &Path) -> Vec<Member> {
    let mut all = Vec::new();
    collect(path, path.file_name().unwrap().as_bytes(), &mut all);
    all
}

fn collect(path: &Path, name: &[u8], all: &mut Vec<Member>) {
    let facts = fs::symlink_metadata(path).unwrap();
    let mode = facts.permissions().mode();
    let with = |name: Vec<u8>, contents: Vec<u8>| Member {
        name,
        is_deflated: !contents.is_empty(),
        contents,
        mode,
        host: 3,
        ..Member::default()
    };
    if facts.is_symlink() {
        let target = fs::read_link(path).unwrap();
        all.push(with(name.to_vec(), target.as_os_str().as_bytes().to_vec()));
    } else if facts.is_dir() {
        all.push(with([name, b"/"].concat(), Vec::new()));
        let mut inner: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap()).collect();
        inner.sort_by_key(fs::DirEntry::file_name);
        for entry in inner {
            let name = [name, b"/", entry.file_name().as_bytes()].concat();
            collect(&entry.path(), &name, all);
        }
    } else {
        all.push(with(name.to_vec(), fs::read(path).unwrap()));
    }
}

/// The members, and the directory; `start` is where the archive begins in its file.
pub fn parts(members: &[Member], start: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        file.extend(&member.gap);
        let header = (start + file.len()) as u32;
        let shared = |name: &[u8], flags: u16, numbers: [u32; 3], extra: &[u8]| {
            let mut bytes = Vec::new();
            let method = member.method.unwrap_or(if member.is_deflated { 8 } else { 0 });
            for value in [20, flags, method, 0, 0] {
                bytes.extend(value.to_le_bytes());
            }
            for value in numbers {
                bytes.extend(value.to_le_bytes());
            }
            for value in [name, extra] {
                bytes.extend((value.len() as u16).to_le_bytes());
            }
            bytes
        };
        let local = member.local_name.as_ref().unwrap_or(&member.name);
        let numbers = member.numbers();
        file.extend(b"PK\x03\x04");
        file.extend(shared(
            local,
            member.local_flags.unwrap_or(member.flags),
            member.local_numbers.unwrap_or(numbers),
            &member.local_extra,
        ));
        file.extend(local);
        file.extend(&member.local_extra);
        file.extend(member.packed());
        file.extend(&member.descriptor);
        directory.extend(b"PK\x01\x02");
        directory.extend([20, member.host]);
        directory.extend(shared(&member.name, member.flags, numbers, &member.extra));
        directory.extend([0; 6]);
        directory.extend((member.mode << 16).to_le_bytes());
        directory.extend(header.to_le_bytes());
        directory.extend(&member.name);
        directory.extend(&member.extra);
    }
    (file, directory)
}

/// The record at the end, with a comment.
pub fn end(count: u16, size: u32, offset: u32, comment: &[u8]) -> Vec<u8> {
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    for _ in 0..2 {
        end.extend(count.to_le_bytes());
    }
    for value in [size, offset] {
        end.extend(value.to_le_bytes());
    }
    end.extend((comment.len() as u16).to_le_bytes());
    end.extend(comment);
    end
}

/// The record with 64 bits and its locator, for the end of the directory.
pub fn end64(count: u64, size: u64, offset: u64) -> Vec<u8> {
    let mut end = b"PK\x06\x06".to_vec();
    end.extend(44_u64.to_le_bytes());
    end.extend([45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for value in [count, count, size, offset] {
        end.extend(value.to_le_bytes());
    }
    end.extend(b"PK\x06\x07\0\0\0\0");
    end.extend((offset + size).to_le_bytes());
    end.extend(1_u32.to_le_bytes());
    end
}

/// The archive of these members.
pub fn zip(members: &[Member]) -> Vec<u8> {
    let (file, directory) = parts(members, 0);
    let end = end(
        members.len() as u16,
        directory.len() as u32,
        file.len() as u32,
        b"",
    );
    [file, directory, end].concat()
}
