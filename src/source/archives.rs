//! The archives that the items of a run are read from: the one that was opened last, and those in it that lead to the last item.
//!
//! They are on disk, or in memory ([`Archives::in_memory`]).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "fs")]
use super::disk;
use super::{Archive, MemoryTree, NamedBytes, SourceError, Tree, container_format, shown_path};
use crate::archive::ContainerFormat;
use crate::limits::{ARCHIVE_DEPTH, Limits};

/// The archive that was opened last, with the archives in it that lead to the last item, for all of its items, as long as the
/// file is the same.
#[derive(Debug, Clone, Default)]
pub struct Archives(Arc<Mutex<Chain>>);

/// An archive, and archives that are each a member of the one before, with the path of that member.
#[derive(Debug, Default)]
struct Chain {
    /// What is in memory, if that is read instead of a disk.
    files: Option<Arc<NamedBytes>>,
    outer: Option<Outer>,
    inner: Vec<(PathBuf, Arc<Archive>)>,
}

/// The outermost archive.
#[derive(Debug)]
enum Outer {
    /// In memory.
    Memory(PathBuf, Arc<Archive>),
    /// On disk, and what the file was when it was opened.
    #[cfg(feature = "fs")]
    Disk(disk::FileState, Arc<Archive>),
}

impl Chain {
    /// The archive at a path that leads into no other one.
    fn outer(&mut self, path: &Path, limits: &Limits) -> Result<Arc<Archive>, SourceError> {
        let Some(files) = self.files.clone() else {
            return self.on_disk(path, limits);
        };
        match &self.outer {
            Some(Outer::Memory(known, archive)) if known == path && archive.has_limits(limits) => {
                return Ok(Arc::clone(archive));
            }
            _ => {}
        }
        let Some(bytes) = files.bytes(path) else {
            let path = shown_path(path);
            return Err(SourceError::NoSuchMember { path });
        };
        self.inner.clear();
        let archive = Arc::new(Archive::of(Arc::clone(bytes).into(), path, limits)?);
        self.outer = Some(Outer::Memory(path.to_owned(), Arc::clone(&archive)));
        Ok(archive)
    }

    #[cfg(feature = "fs")]
    fn on_disk(&mut self, path: &Path, limits: &Limits) -> Result<Arc<Archive>, SourceError> {
        let state = disk::FileState::at(path);
        if let (Some(Outer::Disk(known, archive)), Some(state)) = (self.outer.as_ref(), state)
            && *known == state
            && archive.path == shown_path(path)
            && archive.has_limits(limits)
        {
            return Ok(Arc::clone(archive));
        }
        let archive = Arc::new(disk::open_archive(path, limits)?);
        self.inner.clear();
        self.outer = state.map(|state| Outer::Disk(state, Arc::clone(&archive)));
        Ok(archive)
    }

    #[cfg(not(feature = "fs"))]
    #[expect(clippy::unused_self, reason = "it has a disk with the feature")]
    fn on_disk(&mut self, path: &Path, _: &Limits) -> Result<Arc<Archive>, SourceError> {
        let path = shown_path(path);
        Err(SourceError::NoSuchMember { path })
    }

    /// The member at `path` of the archive at this level, which is itself an archive.
    fn member(
        &mut self,
        level: usize,
        archive: &Arc<Archive>,
        path: &Path,
    ) -> Result<Arc<Archive>, SourceError> {
        if let Some((known, found)) = self.inner.get(level)
            && known == path
        {
            return Ok(Arc::clone(found));
        }
        self.inner.truncate(level);
        let found = Arc::new(archive.member(path)?);
        self.inner.push((path.to_owned(), Arc::clone(&found)));
        Ok(found)
    }

    /// The outermost archive that a path leads into, and the rest of the path.
    fn around<'p>(
        &mut self,
        path: &'p Path,
        limits: &Limits,
    ) -> Result<Option<(Arc<Archive>, &'p Path)>, SourceError> {
        if let Some(files) = self.files.clone() {
            let Some((outer, rest)) = archive_around(&files, path, limits) else {
                return Ok(None);
            };
            return Ok(Some((self.outer(outer, limits)?, rest)));
        }
        #[cfg(feature = "fs")]
        if let Some((outer, rest)) = disk::archive_around(path, limits) {
            return Ok(Some((self.outer(outer, limits)?, rest)));
        }
        Ok(None)
    }
}

/// The archive in memory that a path leads into, and the path in it.
fn archive_around<'p>(files: &NamedBytes, path: &'p Path, limits: &Limits) -> Option<(&'p Path, &'p Path)> {
    let archive = path
        .ancestors()
        .skip(1)
        .find(|ancestor| files.bytes(ancestor).is_some())?;
    let tree = MemoryTree::open(files, archive, limits).ok()?;
    let format = container_format(&tree, tree.root());
    let inner = path.strip_prefix(archive).ok()?;
    matches!(format, Ok(Some(ContainerFormat::Zip))).then_some((archive, inner))
}

impl Archives {
    /// Reads what is in memory, and nothing else.
    #[must_use]
    pub fn in_memory(files: Arc<NamedBytes>) -> Self {
        let chain = Chain {
            files: Some(files),
            ..Chain::default()
        };
        Self(Arc::new(Mutex::new(chain)))
    }

    /// What is in memory, if that is read instead of a disk.
    #[must_use]
    pub fn memory(&self) -> Option<Arc<NamedBytes>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .files
            .clone()
    }

    /// An archive that is in no other one, opened now or before.
    ///
    /// # Errors
    /// [`SourceError`] where it cannot be read.
    pub fn open(&self, path: &Path, limits: &Limits) -> Result<Arc<Archive>, SourceError> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .outer(path, limits)
    }

    /// The innermost archive that a path leads into, such as `b.zip` for `a.zip/b.zip/Acme.app`, and the path in it; `None` where no
    /// file on the way is an archive.
    ///
    /// # Errors
    /// [`SourceError`] where one of the archives cannot be read, or there are too many of them.
    pub fn around(
        &self,
        path: &Path,
        limits: &Limits,
    ) -> Result<Option<(Arc<Archive>, PathBuf)>, SourceError> {
        let mut chain = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((mut archive, mut rest)) = chain.around(path, limits)? else {
            return Ok(None);
        };
        let mut level = 0_usize;
        while let Some((member, inner)) = archive.split(rest) {
            level = level.saturating_add(1);
            if level >= ARCHIVE_DEPTH {
                let path = shown_path(path);
                return Err(SourceError::TooDeep {
                    path,
                    limit: ARCHIVE_DEPTH,
                });
            }
            archive = chain.member(level.saturating_sub(1), &archive, member)?;
            rest = inner;
        }
        Ok(Some((archive, rest.to_owned())))
    }

    /// The archive at a path, which may itself lead into an archive.
    ///
    /// # Errors
    /// See [`Self::around`].
    pub fn at(&self, path: &Path, limits: &Limits) -> Result<Arc<Archive>, SourceError> {
        // As if something in it were asked for.
        match self.around(&path.join("_"), limits)? {
            Some((archive, rest)) if rest == Path::new("_") => Ok(archive),
            _ => self.open(path, limits),
        }
    }
}
