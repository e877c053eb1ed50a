//! A container that subjects are in: its path, its format, and the container around it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::container::ContainerFormat;
use crate::limits::ARCHIVE_DEPTH;

/// A container that was opened on the way to a subject. Its contents are with the [`Origin`](super::Origin), so that those of many
/// containers are not in memory at once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    path: PathBuf,
    format: ContainerFormat,
    parent: Option<Arc<Self>>,
    level: usize,
}

impl Opened {
    /// A container that is in no other one.
    pub(super) fn outermost(path: PathBuf, format: ContainerFormat) -> Self {
        Self {
            path,
            format,
            parent: None,
            level: 1,
        }
    }

    /// A container in another one; the limit where that is in too many.
    pub(super) fn member(parent: &Arc<Self>, path: PathBuf, format: ContainerFormat) -> Result<Self, usize> {
        let level = parent.level.saturating_add(1);
        if level > ARCHIVE_DEPTH {
            return Err(ARCHIVE_DEPTH);
        }
        Ok(Self {
            path,
            format,
            parent: Some(Arc::clone(parent)),
            level,
        })
    }

    /// Its path, with those of the containers around it before it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is.
    #[must_use]
    pub fn format(&self) -> ContainerFormat {
        self.format
    }

    /// The container around it.
    #[must_use]
    pub fn parent(&self) -> Option<&Arc<Self>> {
        self.parent.as_ref()
    }

    /// The number of containers down to this one: 1 for one that is in no other.
    #[must_use]
    pub fn level(&self) -> usize {
        self.level
    }

    /// Its path in the container around it; its own where there is none.
    pub(super) fn place(&self) -> &Path {
        match &self.parent {
            Some(parent) => parent.inner(&self.path),
            None => &self.path,
        }
    }

    /// The rest of a path that leads into it.
    pub(super) fn inner<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(&self.path).unwrap_or(path)
    }
}
