//! Recognizes containers: files that hold other files and that a Mac opens (archives, disk images, packages).
//!
//! The contents decide: the first bytes, and the last ones for disk images (the `koly` trailer of `hdiutil`) and for
//! archives in ZIP form with something before them. The name is a second sign. It tells formats apart that begin alike, and a
//! file that has the name of a container but unknown contents still counts as one, because nothing is known about it.
//! A file that is compressed with gzip counts as a container only if it holds one, which its first block shows.
//! Not checked: whether the container is intact, and old images without header or trailer under other names.

use super::codec::{Stream, is_gzip};
use super::embedded::is_zip;
use super::format::ContainerFormat;
use super::tar::is_tar;
use super::zip::Zip;
use crate::octets::{Endian, range, u32_be};

/// Bytes at the start of a file that are enough to recognize it, except where `Ends::needs_more` says otherwise; also enough for
/// the table of a universal file.
pub const CONTAINER_HEAD: usize = 2048;
/// Bytes at the end of a file that are enough to recognize it.
pub(super) const CONTAINER_TAIL: usize = 512;
/// Bytes at the start of a file where an optical disk or a long header of gzip must be read.
pub(super) const CONTAINER_LONG_HEAD: usize = 96 << 10;
/// Where the first volume descriptor of an optical disk is (ECMA-119, 6.2.1), and what it begins with.
const ISO_DESCRIPTOR: u64 = 32_768;
const ISO_MAGIC: &[u8] = b"\x01CD001\x01";
/// Bytes of an empty tar archive in the usual record size.
const EMPTY_TAR: u64 = 10_240;
/// Bytes of a block of a tar archive.
const TAR_BLOCK: u64 = 512;

/// What is read of a file to recognize it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends<'a> {
    /// Its name without folders.
    pub name: &'a [u8],
    /// Its size in bytes.
    pub size: u64,
    /// Its first bytes: [`CONTAINER_HEAD`] of them, [`CONTAINER_LONG_HEAD`] where [`Ends::needs_more`] says so.
    pub head: &'a [u8],
    /// Its last bytes, [`CONTAINER_TAIL`] of them; empty where they were not read.
    pub tail: &'a [u8],
}

/// How tools call archives, by the end of the name, and how such files begin. Longer ends come first.
const NAMED: [(&str, ContainerFormat); 33] = [
    (".tar.gz", ContainerFormat::Tar),
    (".tar.xz", ContainerFormat::Tar),
    (".tar.bz2", ContainerFormat::Tar),
    (".tar.zst", ContainerFormat::Tar),
    (".tar.lz", ContainerFormat::Tar),
    (".tar.z", ContainerFormat::Tar),
    (".tar", ContainerFormat::Tar),
    (".tgz", ContainerFormat::Tar),
    (".txz", ContainerFormat::Tar),
    (".tbz", ContainerFormat::Tar),
    (".tbz2", ContainerFormat::Tar),
    (".tzst", ContainerFormat::Tar),
    (".taz", ContainerFormat::Tar),
    (".cpio", ContainerFormat::Cpio),
    (".cpgz", ContainerFormat::Cpio),
    (".pax", ContainerFormat::Cpio),
    (".zip", ContainerFormat::Zip),
    (".ipa", ContainerFormat::Zip),
    (".dmg", ContainerFormat::DiskImage),
    (".smi", ContainerFormat::DiskImage),
    (".iso", ContainerFormat::DiskImage),
    (".cdr", ContainerFormat::DiskImage),
    (".toast", ContainerFormat::DiskImage),
    (".sparseimage", ContainerFormat::DiskImage),
    (".pkg", ContainerFormat::Package),
    (".mpkg", ContainerFormat::Package),
    (".xip", ContainerFormat::Xip),
    (".xar", ContainerFormat::Xar),
    (".aea", ContainerFormat::AppleArchive),
    (".7z", ContainerFormat::SevenZip),
    (".rar", ContainerFormat::Rar),
    (".sit", ContainerFormat::StuffIt),
    (".sitx", ContainerFormat::StuffIt),
];

/// How formats begin that the first bytes alone show.
const MAGIC: [(&[u8], ContainerFormat); 26] = [
    (b"xar!", ContainerFormat::Xar),
    (b"koly", ContainerFormat::DiskImage),
    (b"encrcdsa", ContainerFormat::DiskImage),
    (b"sprs", ContainerFormat::DiskImage),
    (b"7z\xbc\xaf\x27\x1c", ContainerFormat::SevenZip),
    (b"Rar!\x1a\x07", ContainerFormat::Rar),
    (b"SIT!", ContainerFormat::StuffIt),
    (b"StuffIt (c)", ContainerFormat::StuffIt),
    (b"StuffIt!", ContainerFormat::StuffIt),
    (b"AA01", ContainerFormat::AppleArchive),
    (b"YAA1", ContainerFormat::AppleArchive),
    (b"AEA1", ContainerFormat::AppleArchive),
    (b"pbzx", ContainerFormat::AppleArchive),
    (b"pbze", ContainerFormat::AppleArchive),
    (b"pbz4", ContainerFormat::AppleArchive),
    (b"pbzz", ContainerFormat::AppleArchive),
    (b"pbzb", ContainerFormat::AppleArchive),
    (b"pbz-", ContainerFormat::AppleArchive),
    (b"070701", ContainerFormat::Cpio),
    (b"070702", ContainerFormat::Cpio),
    (b"070707", ContainerFormat::Cpio),
    (b"\xfd7zXZ\0", ContainerFormat::Xz),
    (b"\x28\xb5\x2f\xfd", ContainerFormat::Zstandard),
    (b"LZIP\x01", ContainerFormat::Lzip),
    (b"\x1f\x9d", ContainerFormat::Compress),
    (b"\x1f\xa0", ContainerFormat::Compress),
];

impl Ends<'_> {
    /// Returns true if the longer head has to be read before [`Self::container`] is asked.
    #[must_use]
    pub(super) fn needs_more(&self) -> bool {
        if self.size <= length(self.head) || length(self.head) >= length_of(CONTAINER_LONG_HEAD) {
            return false;
        }
        let is_blank =
            range(self.head, 0, TAR_BLOCK).is_some_and(|block| block.iter().all(|byte| *byte == 0));
        is_blank
            || named(self.name) == Some(ContainerFormat::DiskImage)
            || is_gzip(self.head) && inflated_block(self.head).is_none()
    }

    /// Returns true if the name is that of an archive in ZIP form.
    #[must_use]
    pub(super) fn is_named_zip(&self) -> bool {
        named(self.name) == Some(ContainerFormat::Zip)
    }

    /// The format of the container that this file is; `None` if it is not one.
    #[must_use]
    pub(super) fn container(&self) -> Option<ContainerFormat> {
        if self.is_companion() {
            return None;
        }
        let named = named(self.name);
        if self.size == 0 {
            // Cut short: whoever opens it sees that it is damaged.
            return named;
        }
        match self.by_contents() {
            // What the contents do not say, the name does.
            Some(ContainerFormat::Xar) => Some(match named {
                Some(named @ (ContainerFormat::Xip | ContainerFormat::Package)) => named,
                _ => ContainerFormat::Xar,
            }),
            Some(
                packed @ (ContainerFormat::Xz
                | ContainerFormat::Bzip2
                | ContainerFormat::Zstandard
                | ContainerFormat::Lzip
                | ContainerFormat::Compress),
            ) => Some(match named {
                Some(named @ (ContainerFormat::Tar | ContainerFormat::Cpio)) => named,
                _ => packed,
            }),
            Some(found) => Some(found),
            None => named.filter(|named| *named != ContainerFormat::Tar || !self.is_empty_tar()),
        }
    }

    /// An AppleDouble file has the name of the file whose attributes it holds.
    fn is_companion(&self) -> bool {
        self.name.starts_with(b"._") && u32_be(self.head, 0) == Some(0x0005_1607)
    }

    fn is_empty_tar(&self) -> bool {
        self.size <= EMPTY_TAR && self.head.iter().all(|byte| *byte == 0)
    }

    fn by_contents(&self) -> Option<ContainerFormat> {
        let (head, tail) = (self.head, self.tail);
        // An archive in ZIP form comes last: it can be opened, and what else the file is must not be missed for it.
        if is_udif_trailer(tail) || tail.ends_with(b"cdsaencr") || is_raw_image(head) {
            return Some(ContainerFormat::DiskImage);
        }
        if is_tar(head) {
            return Some(ContainerFormat::Tar);
        }
        if is_zip(head) || head.starts_with(b"PK\x05\x06") || head.starts_with(b"PK\x07\x08PK\x03\x04") {
            return Some(ContainerFormat::Zip);
        }
        let magic = MAGIC.iter().find(|(magic, _)| head.starts_with(magic));
        if let Some((_, format)) = magic {
            return Some(*format);
        }
        if is_bzip2(head) {
            return Some(ContainerFormat::Bzip2);
        }
        if is_gzip(head) {
            return self.in_gzip();
        }
        // Old cpio archives in binary form begin with a number of two bytes only.
        let is_old_cpio = head.starts_with(b"\xc7\x71") || head.starts_with(b"\x71\xc7");
        if is_old_cpio && named(self.name) == Some(ContainerFormat::Cpio) {
            return Some(ContainerFormat::Cpio);
        }
        let is_end = tail.len() >= 22 && memchr::memmem::find(tail, b"PK\x05\x06").is_some();
        is_end.then_some(ContainerFormat::Zip)
    }

    /// What the first block inside of a gzip file shows. Unreadable blocks count as a container, since nothing is known.
    fn in_gzip(&self) -> Option<ContainerFormat> {
        let Some(block) = inflated_block(self.head) else {
            return Some(ContainerFormat::Gzip);
        };
        let inner = Ends {
            name: &[],
            size: length(&block),
            head: &block,
            tail: &[],
        };
        if is_tar(&block) {
            return Some(ContainerFormat::Tar);
        }
        if starts_as_macho(&block) {
            return Some(ContainerFormat::Gzip);
        }
        if is_gzip(&block) {
            return Some(ContainerFormat::Gzip);
        }
        match inner.by_contents() {
            Some(ContainerFormat::Cpio) => Some(ContainerFormat::Cpio),
            found => found.map(|_| ContainerFormat::Gzip),
        }
    }
}

/// Returns true if the archive in ZIP form with something before it can be read; others only look like one at their end.
#[must_use]
pub(super) fn is_zip_with_prefix(bytes: &[u8], max_members: u64) -> bool {
    !is_zip(bytes) && Zip::parse(bytes, max_members).is_ok_and(|zip| !zip.members.is_empty())
}

/// The format that a name stands for, in any case.
fn named(name: &[u8]) -> Option<ContainerFormat> {
    let known = NAMED.iter().find(|(end, _)| ends_with(name, end));
    known.map(|(_, format)| *format)
}

/// Returns true if the name has this end, in any case, and something before it.
fn ends_with(name: &[u8], end: &str) -> bool {
    let start = name.len().checked_sub(end.len()).filter(|start| *start > 0);
    let found = start.and_then(|start| name.get(start..));
    found.is_some_and(|found| found.eq_ignore_ascii_case(end.as_bytes()))
}

/// The format that a folder's name stands for: a sparse bundle, or a package that is a folder.
#[must_use]
pub fn named_folder(name: &[u8]) -> Option<ContainerFormat> {
    if ends_with(name, ".sparsebundle") {
        return Some(ContainerFormat::DiskImage);
    }
    let is_package = ends_with(name, ".pkg") || ends_with(name, ".mpkg");
    is_package.then_some(ContainerFormat::Package)
}

/// The trailer of a UDIF image: its magic, version 4, and its own size.
fn is_udif_trailer(tail: &[u8]) -> bool {
    let start = tail.len().checked_sub(CONTAINER_TAIL);
    let trailer = start.and_then(|start| tail.get(start..));
    trailer.is_some_and(|trailer| trailer.starts_with(b"koly") && u32_be(trailer, 8) == Some(512))
}

/// Raw images: APFS, a GUID or Apple partition map, HFS+ and HFSX, an optical disk.
fn is_raw_image(head: &[u8]) -> bool {
    let at = |offset: u64, magic: &[u8]| range(head, offset, length(magic)) == Some(magic);
    at(32, b"NXSB")
        || at(512, b"EFI PART")
        || at(0, b"ER") && at(512, b"PM")
        || at(1024, b"H+\0\x04")
        || at(1024, b"HX\0\x05")
        || at(ISO_DESCRIPTOR, ISO_MAGIC)
}

/// The header of bzip2, and the first block or the end.
fn is_bzip2(head: &[u8]) -> bool {
    let is_level = head.get(3).is_some_and(|level| (b'1'..=b'9').contains(level));
    let block = range(head, 4, 6);
    let is_block = block == Some(b"\x31\x41\x59\x26\x53\x59") || block == Some(b"\x17\x72\x45\x38\x50\x90");
    head.starts_with(b"BZh") && is_level && is_block
}

/// The first block of what is compressed with gzip, shorter where there is no more; `None` where it cannot be read from these
/// bytes.
fn inflated_block(head: &[u8]) -> Option<Vec<u8>> {
    let mut block = Vec::new();
    let mut stream = Stream::gzip(head, TAR_BLOCK).ok()?;
    match stream.read(TAR_BLOCK, &mut block) {
        Ok(()) => Some(block),
        Err(_) => None,
    }
}

/// The magic numbers of Mach-O, thin and universal; a Java class counts as well, which does no harm here.
fn starts_as_macho(head: &[u8]) -> bool {
    const THIN: [u32; 4] = [0xfeed_face, 0xfeed_facf, 0xcefa_edfe, 0xcffa_edfe];
    let magic = Endian::Big.u32(head, 0);
    magic.is_some_and(|magic| THIN.contains(&magic) || matches!(magic, 0xcafe_babe | 0xcafe_babf))
}

fn length(bytes: &[u8]) -> u64 {
    length_of(bytes.len())
}

fn length_of(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, head: &[u8], tail: &[u8]) -> Option<ContainerFormat> {
        let ends = Ends {
            name: name.as_bytes(),
            size: length(head).max(length(tail)),
            head,
            tail,
        };
        ends.container()
    }

    #[test]
    fn contents_decide_before_names() {
        let mut koly = b"koly\0\0\0\x04\0\0\x02\0".to_vec();
        koly.resize(CONTAINER_TAIL, 0);
        for name in ["Acme.dmg", "Acme", "Acme.zip"] {
            assert_eq!(of(name, b"PK\x03\x04", &koly), Some(ContainerFormat::DiskImage));
        }
        assert_eq!(of("Acme.bin", b"xar!", b""), Some(ContainerFormat::Xar));
        assert_eq!(of("Acme.PKG", b"xar!", b""), Some(ContainerFormat::Package));
        assert_eq!(of("Xcode.xip", b"xar!", b""), Some(ContainerFormat::Xip));
        assert_eq!(of("a.aar", b"AA01", b""), Some(ContainerFormat::AppleArchive));
        assert_eq!(of("a.aar", b"PK\x03\x04", b""), Some(ContainerFormat::Zip));
        assert_eq!(of("a.tar.xz", b"\xfd7zXZ\0", b""), Some(ContainerFormat::Tar));
        assert_eq!(of("a", b"\xfd7zXZ\0", b""), Some(ContainerFormat::Xz));
        assert_eq!(of("a.txt", b"BZh91AY&SY", b""), Some(ContainerFormat::Bzip2));
        assert_eq!(of("a.txt", b"BZh text", b""), None);
    }

    #[test]
    fn names_count_where_contents_say_nothing() {
        assert_eq!(of("Acme.dmg", b"\0text", b""), Some(ContainerFormat::DiskImage));
        assert_eq!(of("ACME.ZIP", b"text", b""), Some(ContainerFormat::Zip));
        assert_eq!(of("Acme.dmg", b"", b""), Some(ContainerFormat::DiskImage));
        assert_eq!(of("Acme.tar.gz", b"", b""), Some(ContainerFormat::Tar));
        assert_eq!(of("Acme", b"", b""), None);
        assert_eq!(of(".zip", b"text", b""), None);
        assert_eq!(of("._Acme.dmg", b"\0\x05\x16\x07", b""), None);
        assert_eq!(of("empty.tar", &[0; 1024], b""), None);
        assert_eq!(of("notes.txt", b"text", b"text"), None);
    }
}
