//! The interface of formats that are opened: a container gives the tree of each item in it.
//!
//! A format is one folder of this module and one line in [`FORMATS`].

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use super::format::ContainerFormat;
use super::zip;
use crate::limits::Limits;
use crate::source::{Bytes, Container, SourceError, Tree, shown_path};

/// Opens a container by its bytes; the path is what the user calls it.
type Open = fn(Bytes, &Path, &Limits) -> Result<Arc<dyn Archive>, SourceError>;

/// Every format that is opened.
const FORMATS: [Format; 1] = [zip::FORMAT];

/// A format, and what opens a container of it.
pub(super) struct Format {
    pub(super) format: ContainerFormat,
    pub(super) open: Open,
}

/// A container that is open.
pub trait Archive: Debug + Send + Sync {
    /// The tree of what is at a path in it; of everything, where the path is empty.
    ///
    /// # Errors
    /// [`SourceError::NoSuchMember`]
    fn item(&self, inner: &Path, limits: &Limits) -> Result<Arc<dyn Tree>, SourceError>;

    /// The shortest path to a regular file in it that `inner` leads through, if it does.
    fn file_around<'p>(&self, inner: &'p Path) -> Option<&'p Path>;

    /// What is unusual about it.
    fn container(&self) -> Container;

    /// The same, with what is unusual about each item in it.
    fn container_of_all(&self) -> Container;
}

fn opener(format: ContainerFormat) -> Option<&'static Format> {
    FORMATS.iter().find(|known| known.format == format)
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
