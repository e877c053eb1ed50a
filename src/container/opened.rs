//! The interface of formats that are opened: a container gives the tree of each item in it.
//!
//! A format is one folder of this module and one line in `formats`.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use super::format::ContainerFormat;
use crate::limits::Limits;
use crate::source::{Bytes, Container, SourceError, Tree};

/// Opens a container by its bytes; the path is what the user calls it.
type Open = fn(Bytes, &Path, &Limits) -> Result<Arc<dyn Archive>, SourceError>;

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
