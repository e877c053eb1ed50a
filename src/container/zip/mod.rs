//! Archives in ZIP form (PKWARE APPNOTE 6.3.10), as Apple's tools unpack them: the central directory, one reader of members, and trees of
//! the items in an archive.
//!
//! Not done: access control lists, names in other encodings than UTF-8, encrypted members, archives in several files.

use std::path::Path;
use std::sync::Arc;

use super::format::ContainerFormat;
use super::opened::{Archive, Format};
use crate::limits::Limits;
use crate::source::{Container, SourceError, Tree};

mod agree;
mod archive;
mod directory;
mod end;
mod error;
mod faults;
mod indexed;
mod listing;
mod member;
mod members;
mod numbers;
mod tree;
mod unpack;

pub use archive::ZipArchive;
pub use directory::{Member, Zip};
pub use error::{MemberError, ZipError};
pub use member::Unpacker;
pub(super) use members::READER;
pub use tree::ZipTree;
pub use unpack::MemberKind;

/// How archives in ZIP form are opened.
pub(super) const FORMAT: Format = Format {
    format: ContainerFormat::Zip,
    open: |data, path, limits| Ok(Arc::new(OpenZip(Arc::new(ZipArchive::of(data, path, limits)?)))),
};

/// An archive that its trees share.
#[derive(Debug)]
struct OpenZip(Arc<ZipArchive>);

impl Archive for OpenZip {
    fn item(&self, inner: &Path, limits: &Limits) -> Result<Arc<dyn Tree>, SourceError> {
        Ok(Arc::new(ZipTree::new(Arc::clone(&self.0), inner, limits)?))
    }

    fn file_around<'p>(&self, inner: &'p Path) -> Option<&'p Path> {
        self.0.file_around(inner)
    }

    fn container(&self) -> Container {
        self.0.container()
    }

    fn container_of_all(&self) -> Container {
        self.0.container_of_all()
    }
}
