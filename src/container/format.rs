//! The formats of containers, also of those that are not opened, and what reports call them.

/// What a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContainerFormat {
    /// An archive in ZIP form, also under another name (`.ipa`, `.jar`).
    Zip,
    /// A tar archive, compressed or not.
    Tar,
    /// A cpio archive, compressed or not.
    Cpio,
    /// A disk image in any of Apple's forms, or of an optical disk.
    DiskImage,
    /// An installer package: a flat one (xar), or a folder.
    Package,
    /// A signed archive of Apple's (`.xip`).
    Xip,
    /// A xar archive whose name says no more.
    Xar,
    /// An Apple Archive (`.aar`), or a stream of Apple's compression tool.
    AppleArchive,
    /// A 7-Zip archive.
    SevenZip,
    /// A RAR archive.
    Rar,
    /// A StuffIt archive.
    StuffIt,
    /// Code or a container that is compressed with gzip, or what cannot be read of it.
    Gzip,
    /// Something compressed with xz.
    Xz,
    /// Something compressed with bzip2.
    Bzip2,
    /// Something compressed with Zstandard.
    Zstandard,
    /// Something compressed with lzip.
    Lzip,
    /// Something compressed with compress (`.Z`).
    Compress,
}

impl ContainerFormat {
    /// The name in machine-readable reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// The name for people, with its article.
    #[must_use]
    pub fn noun(self) -> &'static str {
        self.words().1
    }

    /// Why there is no verdict about a container that is not opened.
    #[must_use]
    pub fn not_judged(self) -> &'static str {
        self.words().2
    }

    /// Name, noun, and reason.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        macro_rules! words {
            ($name:literal, $noun:literal) => {
                (
                    $name,
                    $noun,
                    concat!(
                        "not judged: this is ",
                        $noun,
                        ", which sealcheck cannot open yet"
                    ),
                )
            };
        }
        match self {
            Self::Zip => words!("zip", "an archive in ZIP form"),
            Self::Tar => words!("tar", "a tar archive"),
            Self::Cpio => words!("cpio", "a cpio archive"),
            Self::DiskImage => words!("dmg", "a disk image"),
            Self::Package => words!("pkg", "an installer package"),
            Self::Xip => words!("xip", "a signed archive (xip)"),
            Self::Xar => words!("xar", "a xar archive"),
            Self::AppleArchive => words!("aar", "an Apple Archive"),
            Self::SevenZip => words!("7z", "a 7-Zip archive"),
            Self::Rar => words!("rar", "a RAR archive"),
            Self::StuffIt => words!("sit", "a StuffIt archive"),
            Self::Gzip => words!("gz", "a file compressed with gzip"),
            Self::Xz => words!("xz", "a file compressed with xz"),
            Self::Bzip2 => words!("bz2", "a file compressed with bzip2"),
            Self::Zstandard => words!("zst", "a file compressed with Zstandard"),
            Self::Lzip => words!("lz", "a file compressed with lzip"),
            Self::Compress => words!("z", "a file compressed with compress"),
        }
    }

    /// Returns true if the archive can be unpacked with tar.
    #[must_use]
    pub fn is_for_tar(self) -> bool {
        matches!(
            self,
            Self::Tar | Self::Cpio | Self::SevenZip | Self::Rar | Self::Xar | Self::Xip
        )
    }
}
