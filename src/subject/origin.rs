//! Where operands are, a disk or files in memory, and what was opened on the way to them.
//!
//! The container that was opened last is kept, with those in it that lead to the last subject, for all of its subjects, as long as the
//! file on disk is the same.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::opened::Opened;
use crate::container::{self, Archive, container_format};
use crate::limits::Limits;
#[cfg(feature = "fs")]
use crate::source::{DirectoryTree, FileState};
use crate::source::{MemoryTree, NamedBytes, SourceError, Tree, shown_path};

/// Where operands are. Copies of it share what was opened.
#[derive(Debug, Clone, Default)]
pub struct Origin(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// What is in memory, if that is read instead of a disk.
    files: Option<Arc<NamedBytes>>,
    /// The outermost container first.
    kept: Mutex<Vec<Kept>>,
}

/// A container that is open.
#[derive(Debug)]
struct Kept {
    container: Arc<Opened>,
    limits: Limits,
    state: State,
    /// Bytes in memory of this container and of those around it.
    held: u64,
    archive: Arc<dyn Archive>,
}

/// What a file on disk was when it was opened; nothing for what is in memory or in another container.
#[cfg(feature = "fs")]
type State = Option<FileState>;
#[cfg(not(feature = "fs"))]
type State = ();

/// A container that is open, with the bytes in memory of it and of those around it.
type Found = (Arc<dyn Archive>, u64);

impl Origin {
    /// Reads what is in memory, and nothing else.
    #[must_use]
    pub fn in_memory(files: Arc<NamedBytes>) -> Self {
        Self(Arc::new(Shared {
            files: Some(files),
            ..Shared::default()
        }))
    }

    /// What is at a path that leads into no container.
    pub(super) fn tree(&self, path: &Path, limits: &Limits) -> Result<Arc<dyn Tree>, SourceError> {
        if let Some(files) = &self.0.files {
            return Ok(Arc::new(MemoryTree::open(files, path, limits)?));
        }
        #[cfg(feature = "fs")]
        return Ok(Arc::new(DirectoryTree::open(path, limits)?));
        #[cfg(not(feature = "fs"))]
        Err(SourceError::NoSuchMember {
            path: shown_path(path),
        })
    }

    /// The file that a path leads through, if it does.
    fn file_around<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        if let Some(files) = &self.0.files {
            let mut ancestors = path.ancestors().skip(1);
            return ancestors.find(|ancestor| files.bytes(ancestor).is_some());
        }
        #[cfg(feature = "fs")]
        return crate::source::file_around(path);
        #[cfg(not(feature = "fs"))]
        None
    }

    /// The innermost container that a path leads into, such as `b.zip` for `a.zip/b.zip/Acme.app`; `None` where no file on the way is one
    /// that can be opened.
    ///
    /// # Errors
    /// [`SourceError`] where one of the containers cannot be read, or there are too many of them.
    pub(super) fn around(&self, path: &Path, limits: &Limits) -> Result<Option<Arc<Opened>>, SourceError> {
        let Some(file) = self.file_around(path) else {
            return Ok(None);
        };
        let tree = self.tree(file, limits);
        let format = tree.and_then(|tree| container_format(&*tree, tree.root()));
        let Some(format) = format
            .ok()
            .flatten()
            .filter(|format| container::is_opened(*format))
        else {
            return Ok(None);
        };
        let mut container = Arc::new(Opened::outermost(file.to_owned(), format));
        loop {
            let archive = self.open(&container, limits)?;
            let Some(file) = archive.file_around(container.inner(path)) else {
                break;
            };
            // Where it is no container, the reader of the outer format says what is wrong.
            let tree = archive.item(file, limits)?;
            let found = container_format(&*tree, tree.root())?;
            let format = found.unwrap_or(container.format());
            let file = container.path().join(file);
            let inner = Opened::member(&container, file, format).map_err(|limit| SourceError::TooDeep {
                path: shown_path(path),
                limit,
            })?;
            container = Arc::new(inner);
        }
        Ok(Some(container))
    }

    /// A container, opened now or before.
    ///
    /// # Errors
    /// [`SourceError`] where it cannot be read.
    pub(super) fn open(
        &self,
        container: &Arc<Opened>,
        limits: &Limits,
    ) -> Result<Arc<dyn Archive>, SourceError> {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.find(&mut kept, container, limits)
            .map(|(archive, _)| archive)
    }

    /// The same, while nobody else opens one.
    fn find(
        &self,
        kept: &mut Vec<Kept>,
        container: &Arc<Opened>,
        limits: &Limits,
    ) -> Result<Found, SourceError> {
        let outer = match container.parent() {
            Some(parent) => Some(self.find(kept, parent, limits)?),
            None => None,
        };
        let state = match &outer {
            Some(_) => State::default(),
            None => self.state(container.path()),
        };
        let index = container.level().saturating_sub(1);
        if let Some(known) = kept.get(index)
            && known.container.path() == container.path()
            && known.limits == *limits
            && known.state == state
        {
            return Ok((Arc::clone(&known.archive), known.held));
        }
        kept.truncate(index);
        let (data, held) = match outer {
            None => {
                let tree = self.tree(container.path(), limits)?;
                (tree.whole(tree.root())?, 0)
            }
            Some((archive, held)) => {
                // All containers on the way stay in memory.
                let mut rest = limits.clone();
                rest.archive_memory = rest.archive_memory.saturating_sub(held);
                let tree = archive.item(container.place(), &rest)?;
                let data = tree.whole(tree.root())?;
                let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
                (data, held.saturating_add(length))
            }
        };
        let archive = container::open(container.format(), data, container.path(), limits)?;
        kept.push(Kept {
            container: Arc::clone(container),
            limits: limits.clone(),
            state,
            held,
            archive: Arc::clone(&archive),
        });
        Ok((archive, held))
    }

    #[cfg(feature = "fs")]
    fn state(&self, path: &Path) -> State {
        match self.0.files {
            Some(_) => None,
            None => FileState::at(path),
        }
    }

    #[cfg(not(feature = "fs"))]
    #[expect(clippy::unused_self, reason = "it has a disk with the feature")]
    fn state(&self, _: &Path) -> State {}

    /// Returns true if what a path names is on a disk.
    #[cfg(feature = "fs")]
    pub(super) fn is_disk(&self) -> bool {
        self.0.files.is_none()
    }
}
