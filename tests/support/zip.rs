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
}

fn crc32(bytes: &[u8]) -> u32 {
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

/// The archive of these members.
pub fn zip(members: &[Member]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let start = file.len() as u32;
        let packed = match member.is_deflated {
            true => compress_to_vec(&member.contents, 6),
            false => member.contents.clone(),
        };
        let shared = |name: &[u8]| {
            let mut bytes = Vec::new();
            let method = member.method.unwrap_or(if member.is_deflated { 8 } else { 0 });
            for value in [20, member.flags, method, 0, 0] {
                bytes.extend(value.to_le_bytes());
            }
            for value in [
                crc32(&member.contents).wrapping_add(member.damage),
                packed.len() as u32,
                member.contents.len() as u32,
            ] {
                bytes.extend(value.to_le_bytes());
            }
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes.extend([0; 2]);
            bytes
        };
        let local = member.local_name.as_ref().unwrap_or(&member.name);
        file.extend(b"PK\x03\x04");
        file.extend(shared(local));
        file.extend(local);
        file.extend(&packed);
        directory.extend(b"PK\x01\x02");
        directory.extend([20, member.host]);
        directory.extend(shared(&member.name));
        directory.extend([0; 6]);
        directory.extend((member.mode << 16).to_le_bytes());
        directory.extend(start.to_le_bytes());
        directory.extend(&member.name);
    }
    let start = file.len() as u32;
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        file.extend((members.len() as u16).to_le_bytes());
    }
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0; 2]);
    file
}
