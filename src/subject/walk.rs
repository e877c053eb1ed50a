//! Walks through a folder or a container and collects items ([`Items`]), depth first.
//!
//! Bundles are not entered, because everything in them is judged with them. Links are not followed: what they lead to has a place
//! of its own, or is outside of the operand and not judged. macOS takes any folder with an Info.plist for a bundle; here a folder
//! without a bundle's name also needs an executable or a signature, because an archive of Xcode has neither and holds apps.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entry::{Entry, entry, is_bundle, is_operand_bundle, link, package_folder};
use super::item::Item;
use super::items::{Items, Search};
use super::opened::Opened;
use super::origin::Origin;
use super::unopened::Unopened;
use crate::container::{self, ContainerFormat};
use crate::parallel;
use crate::source::{GapReason, NodeId, SourceError, Tree, Unread, shown_path};

/// Files whose first bytes one task reads.
const HEADS_PER_TASK: usize = 64;
/// What a report says of an archive without items.
const NO_CODE: &str = "no code was found in this archive";

/// The innermost container around what is looked at.
type Around<'c> = Option<&'c Arc<Opened>>;

/// A walk through one operand.
pub(super) struct Walk<'o> {
    origin: &'o Origin,
    search: &'o Search<'o>,
    found: Items,
    /// Bytes of archives in archives that may still be unpacked.
    left: u64,
}

impl<'o> Walk<'o> {
    pub(super) fn new(origin: &'o Origin, search: &'o Search<'o>) -> Self {
        Self {
            origin,
            search,
            found: Items::default(),
            left: search.limits.archive_bytes,
        }
    }

    /// What was found, in the order of paths.
    pub(super) fn end(mut self) -> Items {
        let limits = self.search.limits;
        self.found.items.sort_by(|one, other| one.path.cmp(&other.path));
        let most = usize::try_from(limits.items).unwrap_or(usize::MAX);
        if let Some(first) = self.found.items.get(most) {
            let reason = format!("there are more than {most} items, of which this is the first (items)");
            self.found.unread.push(Unread {
                path: shown_path(&first.path),
                reason,
                limit: Some("items"),
            });
            self.found.items.truncate(most);
        }
        self.found.unread.sort_by(|one, other| one.path.cmp(&other.path));
        self.found.skipped.named.sort();
        self.found
    }

    /// Adds the items that the operand at the root of `tree` stands for. `container` is around the tree.
    pub(super) fn operand(
        &mut self,
        tree: &dyn Tree,
        path: &Path,
        container: Around<'_>,
    ) -> Result<(), SourceError> {
        let root = tree.root();
        if tree.node(root).is_directory() {
            match package_folder(tree, root) {
                Some(format) => self.add(path.to_owned(), Some(Unopened::Container(format)), container),
                None if is_operand_bundle(tree) => self.add(path.to_owned(), None, container),
                None => self.folder(tree, path, container),
            }
            return Ok(());
        }
        match entry(tree, root)? {
            Entry::Container(format) if container::is_opened(format) => {
                self.container(path, format, container, None)?;
            }
            Entry::Skipped(reason) if self.search.only_code => {
                self.found.skipped.add(|| tree.full_path(root), reason);
            }
            _ => self.add(path.to_owned(), None, container),
        }
        Ok(())
    }

    fn add(&mut self, path: PathBuf, unopened: Option<Unopened>, container: Around<'_>) {
        self.found
            .items
            .push(Item::new(self.origin, path, container.cloned(), unopened));
    }

    /// Looks through a folder and everything below it.
    fn folder(&mut self, tree: &dyn Tree, path: &Path, container: Around<'_>) {
        let (items, unread) = (self.found.items.len(), self.found.unread.len());
        let mut folders = vec![tree.root()];
        let mut files = Vec::new();
        let mut seen = HashSet::from([tree.root()]);
        while let Some(folder) = folders.pop() {
            for child in tree.children(folder) {
                let node = tree.node(*child);
                let place = || place(tree, path, *child);
                if node.is_directory() {
                    match package_folder(tree, *child) {
                        Some(format) => self.add(place(), Some(Unopened::Container(format)), container),
                        None if is_bundle(tree, *child) => self.add(place(), None, container),
                        None => {
                            seen.insert(*child);
                            folders.push(*child);
                        }
                    }
                } else if node.is_file() {
                    files.push(*child);
                } else if node.is_symlink() {
                    seen.insert(*child);
                    match link(tree, *child) {
                        None => self.add(place(), Some(Unopened::Link), container),
                        Some(reason) => self.found.skipped.add(|| tree.full_path(*child), reason),
                    }
                } else {
                    self.add(place(), Some(Unopened::Special), container);
                }
            }
        }
        let gaps = tree.gaps().iter();
        let gaps = gaps.filter(|gap| seen.contains(&gap.node) && gap.reason != GapReason::NameNotUtf8);
        self.found.unread.extend(gaps.map(|gap| Unread {
            path: tree.full_path(gap.node),
            reason: gap.reason.to_string(),
            limit: gap.reason.budget(),
        }));
        let read = |node: &NodeId| entry(tree, *node);
        let entries = parallel::map(&files, HEADS_PER_TASK, read);
        for (node, entry) in files.into_iter().zip(entries) {
            self.file(tree, node, entry, path, container);
        }
        if let Some(over) = tree.budget().spent() {
            // How far the search came depends on threads, so none of it counts.
            self.found.items.truncate(items);
            self.found.unread.truncate(unread);
            self.found.unread.push(Unread {
                path: tree.full_path(tree.root()),
                reason: over.to_string(),
                limit: Some(over.resource.name()),
            });
        }
    }

    fn file(
        &mut self,
        tree: &dyn Tree,
        node: NodeId,
        entry: Result<Entry, SourceError>,
        path: &Path,
        container: Around<'_>,
    ) {
        let at = || place(tree, path, node);
        match entry {
            Ok(Entry::Code) => self.add(at(), None, container),
            Ok(Entry::Skipped(reason)) => self.found.skipped.add(|| tree.full_path(node), reason),
            Ok(Entry::Container(format)) if container::is_opened(format) => {
                let packed = container.map(|_| tree.node(node).size);
                if let Err(error) = self.container(&at(), format, container, packed) {
                    self.found.unread.push(Unread::new(tree.full_path(node), &error));
                }
            }
            Ok(Entry::Container(format)) => self.add(at(), Some(Unopened::Container(format)), container),
            Err(error) => self.found.unread.push(Unread::new(tree.full_path(node), &error)),
        }
    }

    /// Looks through a container at `path`; `packed` is its size if it is a member of another one.
    fn container(
        &mut self,
        path: &Path,
        format: ContainerFormat,
        container: Around<'_>,
        packed: Option<u64>,
    ) -> Result<(), SourceError> {
        let limits = self.search.limits;
        let opened = match container {
            None => Ok(Opened::outermost(path.to_owned(), format)),
            Some(outer) => Opened::member(outer, path.to_owned(), format),
        };
        let Ok(opened) = opened.map(Arc::new) else {
            self.add(path.to_owned(), Some(Unopened::Container(format)), container);
            return Ok(());
        };
        if let Some(size) = packed {
            let Some(left) = self.left.checked_sub(size) else {
                let reason = format!(
                    "over the limit of {} bytes for all that is unpacked from archives (archive-bytes)",
                    limits.archive_bytes
                );
                self.found.unread.push(Unread {
                    path: shown_path(path),
                    reason,
                    limit: Some("archive-bytes"),
                });
                return Ok(());
            };
            self.left = left;
        }
        let archive = self.origin.open(&opened, limits)?;
        let tree = archive.item(Path::new(""), limits)?;
        let (items, unread) = (self.found.items.len(), self.found.unread.len());
        self.folder(&*tree, path, Some(&opened));
        if self.found.items.len() > items {
            // Each of them reports what is wrong with the archive.
        } else if archive.container().has_faults() {
            self.add(path.to_owned(), None, container);
        } else if self.found.unread.len() == unread {
            let shown = || shown_path(path);
            self.found.skipped.add(shown, NO_CODE);
        }
        Ok(())
    }
}

/// The path of a node, byte by byte as it is on disk.
fn place(tree: &dyn Tree, folder: &Path, node: NodeId) -> PathBuf {
    let mut names = Vec::new();
    let mut at = node;
    while let Some(parent) = tree.node(at).parent {
        names.push(crate::source::file_name(&tree.node(at).name));
        at = parent;
    }
    let mut path = folder.to_owned();
    path.extend(names.into_iter().rev());
    path
}
