//! Small files that begin and end like containers which sealcheck does not open.

use super::archive::{gzip, tar, tar_file};

/// A disk image in UDIF form: data, and the trailer of 512 bytes (`koly`, version 4) in which its signature would be found.
pub fn disk_image() -> Vec<u8> {
    let mut image = vec![0x78; 4096];
    let mut trailer = b"koly".to_vec();
    trailer.extend(4_u32.to_be_bytes());
    trailer.extend(512_u32.to_be_bytes());
    trailer.resize(512, 0);
    image.extend(trailer);
    image
}

/// A flat package: the header of a xar archive, and a table of contents that nobody reads.
pub fn package() -> Vec<u8> {
    let mut package = b"xar!".to_vec();
    package.extend(28_u16.to_be_bytes());
    package.extend(1_u16.to_be_bytes());
    package.extend(64_u64.to_be_bytes());
    package.extend(128_u64.to_be_bytes());
    package.extend(1_u32.to_be_bytes());
    package.extend([0x5a; 64]);
    package
}

/// A tar archive with one file, compressed with gzip.
pub fn tarball() -> Vec<u8> {
    gzip(&tar(&[tar_file("Acme.app/Contents/MacOS/acme", b"a program")]))
}

/// What begins like an image of a volume: bytes at an offset.
pub fn volume(offset: usize, magic: &[u8]) -> Vec<u8> {
    let mut image = vec![0; offset];
    image.extend(magic);
    image.resize(image.len().max(40_000), 0);
    image
}
