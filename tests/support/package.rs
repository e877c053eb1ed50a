//! Unpacks installer packages (xar, with payloads in cpio) and reads the ticket that is stapled to one, so that the apps in real packages
//! can be judged. Only what the packages of the corpus use: one payload with gzip around cpio in its portable form.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use miniz_oxide::inflate::{decompress_to_vec, decompress_to_vec_zlib};

/// What the trailer of a stapled package begins with, and how long it is.
const TRAILER: (&[u8], usize) = (b"t8lr", 16);

fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    bytes[at..at + length]
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

fn octal(bytes: &[u8]) -> usize {
    usize::from_str_radix(std::str::from_utf8(bytes).unwrap(), 8).unwrap()
}

/// The text between two others, and what is after it.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<(&'a str, &'a str)> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end)
}

/// The contents of a gzip file without optional fields.
fn gunzip(bytes: &[u8]) -> Vec<u8> {
    assert_eq!(
        bytes[..4],
        [0x1f, 0x8b, 8, 0],
        "a gzip file without optional fields"
    );
    decompress_to_vec(&bytes[10..bytes.len() - 8]).unwrap()
}

/// Writes what an archive in cpio's portable form holds; companion files with attributes are left out, as the Installer merges them.
fn cpio(bytes: &[u8], folder: &Path) {
    let mut at = 0;
    loop {
        let header = &bytes[at..at + 76];
        assert_eq!(&header[..6], b"070707");
        let (mode, name, size) = (
            octal(&header[18..24]),
            octal(&header[59..65]),
            octal(&header[65..76]),
        );
        let path = std::str::from_utf8(&bytes[at + 76..at + 76 + name - 1]).unwrap();
        let body = &bytes[at + 76 + name..at + 76 + name + size];
        at += 76 + name + size;
        if path == "TRAILER!!!" {
            return;
        }
        if path.rsplit('/').next().unwrap().starts_with("._") {
            continue;
        }
        let place = folder.join(path);
        match mode >> 12 {
            4 => fs::create_dir_all(&place).unwrap(),
            0o12 => symlink(std::str::from_utf8(body).unwrap(), &place).unwrap(),
            _ => {
                fs::create_dir_all(place.parent().unwrap()).unwrap();
                fs::write(&place, body).unwrap();
                fs::set_permissions(&place, fs::Permissions::from_mode(mode as u32 & 0o777)).unwrap();
            }
        }
    }
}

/// Unpacks the payload of the package into the folder; gives the ticket that is stapled to it.
pub fn unpack(package: &Path, folder: &Path) -> Option<Vec<u8>> {
    let bytes = fs::read(package).unwrap();
    assert_eq!(&bytes[..4], b"xar!");
    let (header, length) = (number(&bytes, 4, 2), number(&bytes, 8, 8));
    let toc = decompress_to_vec_zlib(&bytes[header..header + length]).unwrap();
    let toc = String::from_utf8(toc).unwrap();
    // Extended attributes have offsets as well; the data of a file come first or last, with its name beside.
    for file in toc
        .split("<file ")
        .filter(|file| file.contains("<name>Payload</name>"))
    {
        let (data, _) = between(file, "<data>", "</data>").unwrap();
        let value = |name: &str| -> usize {
            let (text, _) = between(data, &format!("<{name}>"), &format!("</{name}>")).unwrap();
            text.parse().unwrap()
        };
        let start = header + length + value("offset");
        cpio(&gunzip(&bytes[start..start + value("length")]), folder);
    }
    let trailer = &bytes[bytes.len() - TRAILER.1..];
    let start = bytes.windows(4).rposition(|found| found == b"s8ch")?;
    assert_eq!(&trailer[..4], TRAILER.0);
    Some(bytes[start..bytes.len() - TRAILER.1].to_vec())
}
