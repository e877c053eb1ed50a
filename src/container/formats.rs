//! The formats of containers that are opened or looked through: one line for each.

use std::path::Path;
use std::sync::Arc;

use super::embedded::{ArchiveFormat, Known};
use super::format::ContainerFormat;
use super::members::Reader;
use super::opened::{Archive, Format};
use super::{asar, gzip, tar, zip};
use crate::limits::Limits;
use crate::source::{Bytes, SourceError, shown_path};

/// Every format that is opened.
const OPENED: [Format; 1] = [zip::FORMAT];
/// Every format that is looked through inside of a product.
const READERS: [Reader; 4] = [zip::READER, tar::READER, gzip::READER, asar::READER];

fn opener(format: ContainerFormat) -> Option<&'static Format> {
    OPENED.iter().find(|known| known.format == format)
}

/// Returns true if containers of this format are opened.
#[must_use]
pub fn is_opened(format: ContainerFormat) -> bool {
    opener(format).is_some()
}

/// Opens a container whose bytes are known; `path` is what it is called.
///
/// # Errors
/// [`SourceError::Container`] where it is not one, or one that is not opened.
pub fn open(
    format: ContainerFormat,
    data: Bytes,
    path: &Path,
    limits: &Limits,
) -> Result<Arc<dyn Archive>, SourceError> {
    match opener(format) {
        Some(known) => (known.open)(data, path, limits),
        None => Err(SourceError::Container {
            path: shown_path(path),
            reason: format.not_judged().to_owned(),
            limit: None,
        }),
    }
}

impl ArchiveFormat {
    /// What reads archives of this format; `None` for those that are not read.
    #[must_use]
    pub fn reader(self) -> Option<&'static Reader> {
        READERS.iter().find(|reader| reader.format == self)
    }

    /// What a file of this name is that begins so. Eight bytes are enough, but a tar archive is one only if [`is_tar`](super::is_tar) says
    /// so of its first block.
    #[must_use]
    pub fn of(name: &[u8], head: &[u8]) -> Option<Self> {
        let begins = |known: &&Known| match known.2.reader() {
            Some(reader) => (reader.begins)(head),
            None => !head.is_empty() && head.starts_with(known.1),
        };
        Self::known(name).find(begins).map(|known| known.2)
    }
}

#[cfg(test)]
mod tests {
    use super::ArchiveFormat;

    #[test]
    fn names_and_heads() {
        let zip = b"PK\x03\x04rest".as_slice();
        let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0];
        let of = |name: &str, head: &[u8]| ArchiveFormat::of(name.as_bytes(), head);
        for name in ["a.jar", "A.ZIP", "x.y.whl", ".zip"] {
            assert_eq!(of(name, zip), Some(ArchiveFormat::Zip), "{name}");
        }
        for name in ["jar", "a.jar.txt", "a.", "", "a.tgz", "a.asar"] {
            assert_eq!(of(name, zip), None, "{name}");
        }
        assert_eq!(of("a.jmod", b"JM\x01\x00PK\x03\x04"), Some(ArchiveFormat::Zip));
        for head in [b"PK\x05\x06".as_slice(), b"PK", b"JM\x01\x00", b""] {
            assert_eq!(of("a.jar", head), None, "{head:?}");
        }
        for name in ["a.tar.gz", "a.TGZ", "a.gz"] {
            assert_eq!(of(name, &gzip), Some(ArchiveFormat::Gzip), "{name}");
        }
        assert_eq!(
            of("app.asar", &[4, 0, 0, 0, 20, 0, 0, 0]),
            Some(ArchiveFormat::Asar)
        );
        assert_eq!(of("app.asar", &[4, 0, 0, 0, 0, 0, 0, 0]), None);
        assert!(matches!(
            of("a.tar.xz", b"\xfd7zXZ\0"),
            Some(ArchiveFormat::Unread(_))
        ));
        assert_eq!(of("a.xz", b"\xfd7zXZ\0"), None);
        assert_eq!(of("a.txz", b"text"), None);
    }
}
