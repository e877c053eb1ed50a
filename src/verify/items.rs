//! The items that an operand stands for, in the order of their names.
//!
//! A bundle, a program or a container that is not opened stands for itself. A folder that is not a bundle and an archive in ZIP
//! form stand for everything in them that a Mac user would open: bundles, Mach-O files, scripts for Terminal, and containers.
//! Archives in ZIP form are opened, also those in other archives. What cannot be opened is an item that is *not judged*.
//! What is left out is harmless, and is listed with the reason.
//!
//! Not done: scripts that a shell runs are not items, because Gatekeeper does not check them.

use std::path::{Path, PathBuf};
#[cfg(feature = "fs")]
use std::sync::Arc;

use super::item_walk::Walk;
use super::{Options, Unread};
use crate::archive::ContainerFormat;
#[cfg(feature = "fs")]
use crate::source::DirectoryTree;
use crate::source::{ArchiveTree, MemoryTree, SourceError};
use crate::timing::Phase;

/// Entries that are named where a report lists what was left out.
const MAX_SKIPPED: usize = 1000;

/// One item: something that gets a verdict of its own, or of which a report says that it was not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its path, with the operand before it; it may lead into archives. Names need not be UTF-8.
    pub path: PathBuf,
    /// Why it is not opened, where the search has shown that already.
    pub unopened: Option<Unopened>,
    /// The names in it, where the search has listed them already.
    pub(super) listed: Listed,
}

/// What is at hand of an item. It is no part of what the item is, so that all of them are equal.
#[derive(Debug, Clone, Default)]
pub(super) struct Listed(#[cfg(feature = "fs")] pub(super) Option<Arc<DirectoryTree>>);

impl PartialEq for Listed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Listed {}

/// Why an item is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unopened {
    /// A container that cannot be opened yet.
    Container(ContainerFormat),
    /// A link that leads out of the folder or archive that was given.
    Link,
    /// A pipe, socket or device.
    Special,
    /// Something that cannot be read.
    Unreadable,
}

impl Unopened {
    /// What it is, with its article.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Container(format) => format.noun(),
            Self::Link => "a link that leads out of the operand",
            Self::Special => "a pipe, a socket or a device",
            Self::Unreadable => "something that cannot be read",
        }
    }

    /// Why there is no verdict.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Container(format) => format.not_judged(),
            Self::Link => "not judged: this link leads out of the operand, and sealcheck does not follow it",
            Self::Special => {
                "not judged: this is a pipe, a socket or a device, which sealcheck does not open"
            }
            Self::Unreadable => "not judged: it cannot be read",
        }
    }
}

/// What is left out of a run because it is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Skipped {
    /// How many entries.
    pub count: u64,
    /// The first of them, each with the reason.
    pub named: Vec<(String, &'static str)>,
}

impl Skipped {
    pub(super) fn add(&mut self, path: impl FnOnce() -> String, reason: &'static str) {
        self.count = self.count.saturating_add(1);
        if self.named.len() < MAX_SKIPPED {
            self.named.push((path(), reason));
        }
    }

    /// Adds what another operand leaves out.
    pub fn extend(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        let room = MAX_SKIPPED.saturating_sub(self.named.len());
        self.named.extend(other.named.into_iter().take(room));
    }
}

/// What an operand stands for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Items {
    /// The items, sorted by their paths.
    pub items: Vec<Item>,
    /// Places where more items may be, but which cannot be read.
    pub unread: Vec<Unread>,
    /// What is left out.
    pub skipped: Skipped,
}

impl Item {
    /// The operand itself, whatever it is.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            unopened: None,
            listed: Listed::default(),
        }
    }

    #[cfg(feature = "cli")]
    /// Drops the names in it, so that those of many items are not in memory at once.
    pub(crate) fn forget_names(&mut self) {
        self.listed = Listed::default();
    }
}

impl Items {
    /// The paths of the items.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        self.items.iter().map(|item| item.path.clone()).collect()
    }
}

/// Looks for the items that the operand at `path` stands for. An operand in which there are none stands for itself.
///
/// # Errors
/// [`SourceError`] where the operand cannot be read.
pub fn items(path: &Path, options: &Options) -> Result<Items, SourceError> {
    options.measure(Phase::Listing, || find(path, options))
}

fn find(path: &Path, options: &Options) -> Result<Items, SourceError> {
    let mut walk = Walk::new(options);
    let listed = if let Some((archive, inner)) = options.archives.around(path, &options.limits)? {
        let level = archive.level();
        let tree = ArchiveTree::new(archive, &inner, &options.limits)?;
        walk.operand(&tree, path, level)?;
        Listed::default()
    } else if let Some(files) = options.archives.memory() {
        walk.operand(&MemoryTree::open(&files, path, &options.limits)?, path, 0)?;
        Listed::default()
    } else {
        on_disk(&mut walk, path)?
    };
    let mut found = walk.end();
    if let [only] = found.items.as_mut_slice()
        && only.path == path
        && only.unopened.is_none()
    {
        // It may have a million names.
        only.listed = listed;
    }
    let is_skipped = options.only_code && found.skipped.count > 0;
    if found.items.is_empty() && found.unread.is_empty() && !is_skipped {
        found.items.push(Item::at(path));
    }
    Ok(found)
}

/// Looks for items in a folder or a file on disk.
#[cfg(feature = "fs")]
fn on_disk(walk: &mut Walk<'_>, path: &Path) -> Result<Listed, SourceError> {
    let tree = DirectoryTree::open(path, &walk.options.limits)?;
    walk.operand(&tree, path, 0)?;
    Ok(Listed(Some(Arc::new(tree))))
}

#[cfg(not(feature = "fs"))]
fn on_disk(_: &mut Walk<'_>, path: &Path) -> Result<Listed, SourceError> {
    Err(SourceError::NoSuchMember {
        path: crate::source::shown_path(path),
    })
}
