//! Files in memory by their names: what a page in a browser, an updater or a test has instead of a disk.
//!
//! Names are paths with `/` between their parts, and are read like those of an archive: a file that cannot be put anywhere is not in
//! the tree, and is named by [`NamedBytes::unplaced`]. There are no links and no extended attributes.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Component, Path};
use std::sync::Arc;

use super::placing::{Named, SEPARATOR};
use super::{Bytes, Content, GapReason, Kind, Listing, Node, NodeId, SourceError, Tree, shown_path};
use crate::budget::Budget;
use crate::limits::Limits;

/// Bytes of the operand that stand for the facts about one file, as on a disk.
const FACTS: u64 = super::listing::FACTS;

/// One file.
#[derive(Debug, Clone)]
struct Entry {
    bytes: Arc<[u8]>,
    mode: Option<u32>,
}

/// Files by their paths, or one file.
#[derive(Debug, Clone, Default)]
pub struct NamedBytes {
    /// What all of it is called.
    name: String,
    /// By path, with [`SEPARATOR`] between its parts; the empty path, where all of it is one file.
    files: BTreeMap<Box<[u8]>, Entry>,
    unplaced: Vec<String>,
}

impl NamedBytes {
    /// One file of this name.
    #[must_use]
    pub fn file(name: &str, bytes: impl Into<Arc<[u8]>>) -> Self {
        let entry = Entry {
            bytes: bytes.into(),
            mode: None,
        };
        Self {
            name: name.to_owned(),
            files: BTreeMap::from([(Box::default(), entry)]),
            unplaced: Vec::new(),
        }
    }

    /// A folder of this name, which is empty at first.
    #[must_use]
    pub fn folder(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Adds a file to a folder by its path in it, with its permission bits where they are known (`0o7777`). A later file replaces an
    /// earlier one of the same path.
    pub fn add(&mut self, path: &str, bytes: impl Into<Arc<[u8]>>, mode: Option<u32>) {
        let entry = Entry {
            bytes: bytes.into(),
            mode: mode.map(|mode| mode & 0o7777),
        };
        match Named::of(path.as_bytes()) {
            Named::Path(place) => {
                self.files.insert(place, entry);
            }
            Named::Root | Named::Nowhere => self.unplaced.push(path.to_owned()),
        }
    }

    /// What all of it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the names that cannot be in the folder: those that are no paths in it, such as `../a`, and a file `a` beside a file `a/b`.
    /// In one file there can be none.
    #[must_use]
    pub fn unplaced(&self) -> Vec<String> {
        let is_file = self.files.keys().any(|path| path.is_empty());
        // What is in a folder follows a file of the folder's name at once.
        let next = self.files.keys().skip(1).map(Some).chain([None]);
        let in_the_way = self.files.keys().zip(next).filter(|(path, next)| {
            let below = next.and_then(|next| next.strip_prefix(&***path));
            let is_folder = below.is_some_and(|below| below.first() == Some(&SEPARATOR));
            !path.is_empty() && (is_file || is_folder)
        });
        let shown = |path: &[u8]| String::from_utf8_lossy(path).replace(char::from(SEPARATOR), "/");
        let in_the_way = in_the_way.map(|(path, _)| shown(path));
        self.unplaced.iter().cloned().chain(in_the_way).collect()
    }

    /// The bytes of the file at a path that begins with the name.
    pub(crate) fn bytes(&self, path: &Path) -> Option<&Arc<[u8]>> {
        let inner = path.strip_prefix(&self.name).ok()?;
        self.files.get(&*place(inner)?).map(|entry| &entry.bytes)
    }
}

/// A path as the files are sorted by.
fn place(inner: &Path) -> Option<Box<[u8]>> {
    let mut parts = Vec::new();
    for component in inner.components() {
        match component {
            Component::Normal(part) => parts.push(part.as_encoded_bytes()),
            _ => return None,
        }
    }
    Some(parts.join(&SEPARATOR).into())
}

/// A file or a folder in memory, with what is in it.
#[derive(Debug)]
pub struct MemoryTree {
    shown: String,
    listing: Arc<Listing>,
    limits: Limits,
    /// The bytes of files, by node.
    contents: BTreeMap<NodeId, Arc<[u8]>>,
}

/// A folder, while the tree is built.
#[derive(Default)]
struct Folder<'f> {
    folders: BTreeMap<&'f [u8], Folder<'f>>,
    files: BTreeMap<&'f [u8], &'f Entry>,
}

impl MemoryTree {
    /// The tree of what is at a path, which begins with the name of all.
    ///
    /// # Errors
    /// [`SourceError::NoSuchMember`]
    pub fn open(files: &NamedBytes, path: &Path, limits: &Limits) -> Result<Self, SourceError> {
        let shown = shown_path(path);
        let missing = || SourceError::NoSuchMember { path: shown.clone() };
        let inner = path.strip_prefix(&files.name).map_err(|_| missing())?;
        let start = place(inner).ok_or_else(missing)?;
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let budget = Arc::new(Budget::new(limits));
        if let Some(entry) = files.files.get(&start) {
            let root = node(name, Kind::File, entry, None);
            budget.allow(root.size.saturating_add(FACTS));
            return Ok(Self {
                shown,
                listing: Arc::new(Listing::new(root, budget)),
                limits: limits.clone(),
                contents: BTreeMap::from([(NodeId(0), Arc::clone(&entry.bytes))]),
            });
        }
        let mut root = Folder::default();
        let mut is_empty = true;
        for (place, entry) in &files.files {
            let below = match start.is_empty() {
                true => Some(&**place),
                false => place
                    .strip_prefix(&*start)
                    .and_then(|rest| rest.strip_prefix(&[SEPARATOR])),
            };
            let Some(below) = below else { continue };
            is_empty = false;
            root.put(below, entry);
            budget.allow(super::node::length(&entry.bytes).saturating_add(FACTS));
        }
        if is_empty && !start.is_empty() {
            return Err(missing());
        }
        let (listing, contents) = root.listed(name, limits, budget);
        Ok(Self {
            shown,
            listing: Arc::new(listing),
            limits: limits.clone(),
            contents,
        })
    }

    fn file(&self, id: NodeId) -> Result<&Arc<[u8]>, SourceError> {
        let path = || self.full_path(id);
        let found = self.contents.get(&id);
        found.ok_or_else(|| SourceError::NotRegular { path: path() })
    }
}

impl<'f> Folder<'f> {
    /// Puts a file into its folder. A file in the way of a folder gives way to it ([`NamedBytes::unplaced`]).
    fn put(&mut self, path: &'f [u8], entry: &'f Entry) {
        let mut parts = path.split(|byte| *byte == SEPARATOR).peekable();
        let mut at = self;
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                at.files.insert(part, entry);
                return;
            }
            at = at.folders.entry(part).or_default();
        }
    }

    /// The listing with this folder at its root, and the bytes of its files.
    fn listed(
        self,
        name: &[u8],
        limits: &Limits,
        budget: Arc<Budget>,
    ) -> (Listing, BTreeMap<NodeId, Arc<[u8]>>) {
        let mut listing = Listing::new(folder(name, None), budget);
        let mut contents = BTreeMap::new();
        let mut pending = VecDeque::from([(NodeId(0), 0_u64, self)]);
        while let Some((id, depth, at)) = pending.pop_front() {
            if listing.budget().is_spent() {
                break;
            }
            if depth >= limits.depth {
                listing.gap(id, GapReason::DepthLimit(limits.depth));
                continue;
            }
            let mut nodes: Vec<Node> = at.folders.keys().map(|name| folder(name, Some(id))).collect();
            let files = at
                .files
                .iter()
                .filter(|(name, _)| !at.folders.contains_key(*name));
            nodes.extend(files.map(|(name, entry)| node(name, Kind::File, entry, Some(id))));
            let room = limits
                .nodes
                .saturating_sub(u64::try_from(listing.len()).unwrap_or(u64::MAX));
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            if nodes.len() > room {
                listing.gap(id, GapReason::NodeLimit(limits.nodes));
                nodes.truncate(room);
            }
            listing.fill(id, nodes);
            let mut folders = at.folders;
            for child in listing.children(id).to_vec() {
                let name = listing.node(child).name.clone();
                if let Some(inner) = folders.remove(&*name) {
                    pending.push_back((child, depth.saturating_add(1), inner));
                } else if let Some(entry) = at.files.get(&*name) {
                    contents.insert(child, Arc::clone(&entry.bytes));
                }
            }
        }
        (listing, contents)
    }
}

fn node(name: &[u8], kind: Kind, entry: &Entry, parent: Option<NodeId>) -> Node {
    Node {
        name: name.into(),
        kind,
        mode: entry.mode,
        size: super::node::length(&entry.bytes),
        parent,
    }
}

fn folder(name: &[u8], parent: Option<NodeId>) -> Node {
    Node {
        name: name.into(),
        kind: Kind::Directory,
        mode: None,
        size: 0,
        parent,
    }
}

impl Tree for MemoryTree {
    fn listing(&self) -> &Arc<Listing> {
        &self.listing
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn full_path(&self, id: NodeId) -> String {
        super::node::joined(&self.shown, &self.path(id))
    }

    fn open(&self, id: NodeId) -> Result<Content<'_>, SourceError> {
        Ok(Content::Bytes(Bytes::from(Arc::clone(self.file(id)?))))
    }

    fn small(&self, id: NodeId, limit: u64) -> Result<Vec<u8>, SourceError> {
        let bytes = self.file(id)?;
        let path = || self.full_path(id);
        if super::node::length(bytes) > limit {
            return Err(SourceError::TooLarge { path: path(), limit });
        }
        let paid = self.budget().scan(bytes.len());
        paid.map_err(|_| SourceError::OverBudget { path: path() })?;
        Ok(bytes.to_vec())
    }

    fn head(&self, id: NodeId, count: usize) -> Result<Vec<u8>, SourceError> {
        let bytes = self.file(id)?;
        Ok(bytes.get(..count).unwrap_or(bytes).to_vec())
    }

    fn reads_ends(&self) -> bool {
        true
    }

    fn tail(&self, id: NodeId, count: usize) -> Result<Vec<u8>, SourceError> {
        let bytes = self.file(id)?;
        let start = bytes.len().saturating_sub(count);
        Ok(bytes.get(start..).unwrap_or_default().to_vec())
    }

    fn has_attributes(&self, _: NodeId) -> bool {
        false
    }

    fn for_each_chunk(&self, id: NodeId, visit: &mut (dyn FnMut(&[u8]) + Send)) -> Result<u64, SourceError> {
        let bytes = self.file(id)?;
        visit(bytes);
        Ok(super::node::length(bytes))
    }
}
