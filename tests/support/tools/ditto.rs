//! `ditto`: unpacks and packs archives in ZIP form, with links and modes.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::{Refusal, Shell};
use crate::support::zip::{Member, members, zip};

pub fn run(shell: &Shell, arguments: &[&str]) -> Result<(), Refusal> {
    let options: Vec<&str> = arguments
        .iter()
        .copied()
        .filter(|word| word.starts_with('-'))
        .collect();
    let paths: Vec<&str> = arguments
        .iter()
        .copied()
        .filter(|word| !word.starts_with('-'))
        .collect();
    let [from, to] = paths.as_slice() else {
        return Err("two paths are needed".into());
    };
    if options == ["-x", "-k"] {
        return unpack(&shell.read(from)?, &shell.at(to));
    }
    if !options.starts_with(&["-c", "-k"]) {
        return Err("no such form of ditto".into());
    }
    let mut all = members(&shell.at(from));
    if !options.contains(&"--keepParent") {
        let above = Path::new(from).file_name().unwrap().as_bytes().len() + 1;
        all = all
            .into_iter()
            .filter(|member| member.name.len() > above)
            .map(|member| Member {
                name: member.name[above..].to_vec(),
                ..member
            })
            .collect();
    }
    shell.write(&shell.at(to), &zip(&all))
}

fn unpack(archive: &[u8], folder: &Path) -> Result<(), Refusal> {
    let half = |at: usize| usize::from(u16::from_le_bytes(archive[at..at + 2].try_into().unwrap()));
    let word = |at: usize| u32::from_le_bytes(archive[at..at + 4].try_into().unwrap()) as usize;
    let end = archive
        .windows(4)
        .rposition(|bytes| bytes == b"PK\x05\x06")
        .ok_or("no archive")?;
    let mut at = word(end + 16);
    for _ in 0..half(end + 10) {
        let (mode, header) = (word(at + 38) >> 16, word(at + 42));
        let name = String::from_utf8(archive[at + 46..at + 46 + half(at + 28)].to_vec()).unwrap();
        let start = header + 30 + half(header + 26) + half(header + 28);
        let packed = &archive[start..start + word(at + 20)];
        let contents = match half(at + 10) {
            0 => packed.to_vec(),
            _ => miniz_oxide::inflate::decompress_to_vec(packed).map_err(|error| error.to_string())?,
        };
        let path = folder.join(&name);
        if name.ends_with('/') {
            fs::create_dir_all(&path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if mode & 0o170_000 == 0o120_000 {
                symlink(std::ffi::OsStr::from_bytes(&contents), &path).unwrap();
            } else {
                fs::write(&path, contents).unwrap();
                let mode = if mode == 0 { 0o644 } else { mode as u32 & 0o7777 };
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            }
        }
        at += 46 + half(at + 28) + half(at + 30) + half(at + 32);
    }
    Ok(())
}
