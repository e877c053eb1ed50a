//! One item: something that gets a verdict of its own, or of which a report says that it was not judged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::main_executable;
use super::opened::Opened;
use super::origin::Origin;
use super::unopened::Unopened;
use crate::container::ContainerFormat;
use crate::limits::Limits;
use crate::source::{Container, SourceError, Tree};

/// One item.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Item {
    /// Its path, with the operand before it; it may lead into containers. Names need not be UTF-8.
    pub path: PathBuf,
    /// Why it is not opened, where the search has shown that already.
    pub unopened: Option<Unopened>,
    origin: Origin,
    way: Way,
    /// The names in it, where the search has listed them already.
    pub(super) listed: Option<Arc<dyn Tree>>,
}

/// How to get to an item.
#[derive(Debug, Clone)]
enum Way {
    /// Not known: the path may lead into containers.
    Unknown,
    /// It is in no container.
    Direct,
    /// It is in this container.
    In(Arc<Opened>),
}

/// Two items are the same if they have the same path; what is at hand of them is no part of what they are.
impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        (&self.path, self.unopened) == (&other.path, other.unopened)
    }
}

impl Eq for Item {}

impl Item {
    pub(super) fn new(
        origin: &Origin,
        path: PathBuf,
        container: Option<Arc<Opened>>,
        unopened: Option<Unopened>,
    ) -> Self {
        Self {
            path,
            unopened,
            origin: origin.clone(),
            way: container.map_or(Way::Direct, Way::In),
            listed: None,
        }
    }

    /// What is at a path on disk, which may lead into containers.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Origin::default().item(path)
    }

    /// The innermost container that it is in.
    ///
    /// # Errors
    /// [`SourceError`] where one of the containers on the way cannot be read.
    pub fn parent(&self, limits: &Limits) -> Result<Option<Arc<Opened>>, SourceError> {
        match &self.way {
            Way::Unknown => self.origin.around(&self.path, limits),
            Way::Direct => Ok(None),
            Way::In(container) => Ok(Some(Arc::clone(container))),
        }
    }

    /// What is unusual about the container that it is in.
    ///
    /// # Errors
    /// [`SourceError`] where one of the containers on the way cannot be read.
    pub fn container(&self, limits: &Limits) -> Result<Option<Container>, SourceError> {
        let parent = self.parent(limits)?;
        let open = |parent| {
            self.origin
                .open(&parent, limits)
                .map(|archive| archive.container())
        };
        parent.map(open).transpose()
    }

    /// What is unusual about the item as a container, with all that is in it.
    ///
    /// # Errors
    /// [`SourceError`] where it cannot be opened.
    pub fn as_container(&self, format: ContainerFormat, limits: &Limits) -> Result<Container, SourceError> {
        let container = Arc::new(Opened::outermost(self.path.clone(), format));
        let archive = self.origin.open(&container, limits)?;
        Ok(archive.container_of_all())
    }

    /// Its tree. A main executable stands for its bundle, as on a Mac.
    ///
    /// # Errors
    /// [`SourceError`] where it cannot be read.
    pub fn tree(&self, limits: &Limits) -> Result<Arc<dyn Tree>, SourceError> {
        let parent = self.parent(limits)?;
        let tree = match &self.listed {
            Some(tree) => Arc::clone(tree),
            None => self.origin.open_at(&self.path, parent.as_ref(), limits)?,
        };
        if !tree.node(tree.root()).is_file() {
            return Ok(tree);
        }
        let bundle = match parent {
            Some(parent) => {
                let archive = self.origin.open(&parent, limits)?;
                let file = parent.inner(&self.path);
                main_executable::bundle_around(&*tree, file, |folder| archive.item(folder, limits))
            }
            None => self.bundle_around(&*tree, limits),
        };
        Ok(bundle.unwrap_or(tree))
    }

    /// The bundle around a file that is in no container.
    fn bundle_around(&self, tree: &dyn Tree, limits: &Limits) -> Option<Arc<dyn Tree>> {
        let place = tree.place();
        #[cfg(feature = "fs")]
        if self.origin.is_disk() && !main_executable::may_be_in_bundle(&place) {
            return None;
        }
        main_executable::bundle_around(tree, &place, |folder| self.origin.tree(folder, limits))
    }

    #[cfg(feature = "cli")]
    /// Drops the names in it, so that those of many items are not in memory at once.
    pub(crate) fn forget_names(&mut self) {
        self.listed = None;
    }
}

impl Origin {
    /// What is at a path, which may lead into containers.
    #[must_use]
    pub fn item(&self, path: &Path) -> Item {
        Item {
            way: Way::Unknown,
            ..Item::new(self, path.to_owned(), None, None)
        }
    }

    /// What is at a path, in this container if there is one.
    pub(super) fn open_at(
        &self,
        path: &Path,
        container: Option<&Arc<Opened>>,
        limits: &Limits,
    ) -> Result<Arc<dyn Tree>, SourceError> {
        match container {
            Some(container) => self.open(container, limits)?.item(container.inner(path), limits),
            None => self.tree(path, limits),
        }
    }
}
