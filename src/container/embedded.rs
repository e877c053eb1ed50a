//! Which kind of archive a file is, by its name and its first bytes.
//!
//! The notary service goes by the name as well, and by which names is not known in full. Both must fit here: what is
//! called an archive and is none holds no code, and what has another name the service does not unpack.

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// In ZIP form: jars, wheels and the like.
    Zip,
    /// Tar, not compressed.
    Tar,
    /// One file or a tar archive, compressed with gzip.
    Gzip,
    /// Electron's.
    Asar,
    /// One that is not read, and what it is called.
    Unread(&'static str),
}

/// The end of a name with its dot, how such files begin, and what they are.
pub(super) struct Known(&'static str, pub(super) &'static [u8], pub(super) ArchiveFormat);

const XZ: &[u8] = b"\xfd7zXZ\0";
const BZIP2: &[u8] = b"BZh";
const ZSTANDARD: &[u8] = b"\x28\xb5\x2f\xfd";

/// The longer ends come first.
const KNOWN: [Known; 24] = [
    Known(".zip", &[], ArchiveFormat::Zip),
    Known(".jar", &[], ArchiveFormat::Zip),
    Known(".war", &[], ArchiveFormat::Zip),
    Known(".ear", &[], ArchiveFormat::Zip),
    Known(".jmod", &[], ArchiveFormat::Zip),
    Known(".whl", &[], ArchiveFormat::Zip),
    Known(".egg", &[], ArchiveFormat::Zip),
    Known(".nupkg", &[], ArchiveFormat::Zip),
    Known(".tar", &[], ArchiveFormat::Tar),
    Known(".tgz", &[], ArchiveFormat::Gzip),
    Known(".gz", &[], ArchiveFormat::Gzip),
    Known(".asar", &[], ArchiveFormat::Asar),
    Known(
        ".tar.xz",
        XZ,
        ArchiveFormat::Unread("a tar archive compressed with xz"),
    ),
    Known(
        ".txz",
        XZ,
        ArchiveFormat::Unread("a tar archive compressed with xz"),
    ),
    Known(
        ".tar.bz2",
        BZIP2,
        ArchiveFormat::Unread("a tar archive compressed with bzip2"),
    ),
    Known(
        ".tbz2",
        BZIP2,
        ArchiveFormat::Unread("a tar archive compressed with bzip2"),
    ),
    Known(
        ".tbz",
        BZIP2,
        ArchiveFormat::Unread("a tar archive compressed with bzip2"),
    ),
    Known(
        ".tar.zst",
        ZSTANDARD,
        ArchiveFormat::Unread("a tar archive compressed with zstd"),
    ),
    Known(
        ".tzst",
        ZSTANDARD,
        ArchiveFormat::Unread("a tar archive compressed with zstd"),
    ),
    Known(
        ".7z",
        b"7z\xbc\xaf\x27\x1c",
        ArchiveFormat::Unread("a 7-Zip archive"),
    ),
    Known(".pkg", b"xar!", ArchiveFormat::Unread(ArchiveFormat::PACKAGE)),
    Known(
        ".xip",
        b"xar!",
        ArchiveFormat::Unread("a signed archive of Apple's (xip)"),
    ),
    // What it begins with depends on what is in it.
    Known(".dmg", &[], ArchiveFormat::Unread(ArchiveFormat::DISK_IMAGE)),
    Known(
        ".sparseimage",
        b"sprs",
        ArchiveFormat::Unread(ArchiveFormat::DISK_IMAGE),
    ),
];

impl ArchiveFormat {
    /// What disk images are called.
    pub const DISK_IMAGE: &'static str = "a disk image";
    /// What flat installer packages are called.
    pub const PACKAGE: &'static str = "an installer package";

    /// How archives with a name of this end are packed, and how they begin.
    pub(super) fn known(name: &[u8]) -> impl Iterator<Item = &'static Known> {
        KNOWN.iter().filter(move |known| {
            let start = name.len().checked_sub(known.0.len());
            let end = start.and_then(|start| name.get(start..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(known.0.as_bytes()))
        })
    }

    /// What a file is by its name alone, in whatever case it is written.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::known(name).next().map(|known| known.2)
    }
}

/// Whether a file begins like an archive in ZIP form; a jmod has four bytes in front of it (JDK, `jdk.internal.jmod.JmodFile`).
#[must_use]
pub(super) fn is_zip(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"JM\x01\x00").unwrap_or(head);
    head.starts_with(b"PK\x03\x04")
}
