//! The names of one input: dense nodes, the ranges of their children, the texts of links, what could not be read.
//!
//! A listing outlives the input that it was made from, so evidence keeps it: what is there can be asked after the
//! contents are closed. `lookup` mimics a Mac's usual case-insensitive volume as a second try.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::resolve;
use super::{Gap, GapReason, Kind, Lookup, Node, NodeId, ResolveError};

/// All names of one input; the children of one directory have neighbouring ids.
#[derive(Debug)]
pub struct Listing {
    root: Node,
    rest: Vec<Node>,
    ids: Vec<NodeId>,
    ranges: BTreeMap<NodeId, Range<usize>>,
    links: BTreeMap<NodeId, Box<[u8]>>,
    gaps: Vec<Gap>,
    folded: Mutex<HashMap<NodeId, Arc<FoldedNames>>>,
}

/// The first entry under each name without its case.
pub(super) type FoldedNames = HashMap<String, NodeId>;

impl Listing {
    /// A listing of the root alone.
    pub(super) fn new(root: Node) -> Self {
        Self {
            root,
            rest: Vec::new(),
            ids: vec![NodeId(0)],
            ranges: BTreeMap::new(),
            links: BTreeMap::new(),
            gaps: Vec::new(),
            folded: Mutex::default(),
        }
    }

    /// The number of nodes; ids are below it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no node at all; never true.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// All ids, the root first; a directory stands before what is in it.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.ids.iter().copied()
    }

    /// What is known about a node; the root for an id that does not exist.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        id.0.checked_sub(1)
            .and_then(|index| usize::try_from(index).ok())
            .and_then(|index| self.rest.get(index))
            .unwrap_or(&self.root)
    }

    /// The entries of a directory sorted by the bytes of their names; empty for anything else.
    #[must_use]
    pub fn children(&self, id: NodeId) -> &[NodeId] {
        self.ranges
            .get(&id)
            .and_then(|range| self.ids.get(range.clone()))
            .unwrap_or_default()
    }

    /// The text of a symbolic link.
    #[must_use]
    pub fn link_target(&self, id: NodeId) -> Option<&[u8]> {
        self.links.get(&id).map(AsRef::as_ref)
    }

    /// What could not be read, in the order of the walk.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Finds a path below `from`, first by exact names, then without regard to case, without following links.
    ///
    /// Empty components and `.` are skipped; `..` and a leading `/` find nothing.
    #[must_use]
    pub fn lookup(&self, from: NodeId, relative: &str) -> Lookup {
        resolve::lookup(self, from, relative)
    }

    /// Follows a path and every link on it, at most `limit` (and never more than [`super::MAX_LINKS`]) links,
    /// without leaving the listing.
    ///
    /// # Errors
    /// See [`ResolveError`].
    pub fn resolve(&self, from: NodeId, relative: &str, limit: usize) -> Result<NodeId, ResolveError> {
        resolve::resolve(self, from, relative.as_bytes(), limit)
    }

    /// The path from the root with `/` between names; empty for the root.
    #[must_use]
    pub fn path(&self, id: NodeId) -> String {
        self.path_from(NodeId(0), id)
    }

    /// The path from a directory above `id`; from the root, if `from` is not above it.
    #[must_use]
    pub fn path_from(&self, from: NodeId, id: NodeId) -> String {
        String::from_utf8(self.joined(from, id))
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// The names between `from` and `id`, with `/` between them; made in one piece, since there may be many files.
    pub(super) fn joined(&self, from: NodeId, id: NodeId) -> Vec<u8> {
        let above = |id: NodeId| (id != from).then(|| self.node(id).parent).flatten();
        let mut length = 0_usize;
        let mut at = id;
        while let Some(parent) = above(at) {
            length = length.saturating_add(self.node(at).name.len()).saturating_add(1);
            at = parent;
        }
        let mut path = vec![b'/'; length.saturating_sub(1)];
        let mut room = path.as_mut_slice();
        let mut at = id;
        while let Some(parent) = above(at) {
            let name = &self.node(at).name;
            let start = room.len().saturating_sub(name.len());
            let Some((before, place)) = room.split_at_mut_checked(start) else {
                break;
            };
            place.copy_from_slice(name);
            let slash = before.len().saturating_sub(1);
            room = before.get_mut(..slash).unwrap_or_default();
            at = parent;
        }
        path
    }

    /// The entries of a directory by `fold` of their names: made once, since many names may be looked for in a large directory.
    pub(super) fn folded(&self, directory: NodeId, fold: fn(&[u8]) -> String) -> Arc<FoldedNames> {
        // A poisoned lock only means that another thread ended early; what is in the table is whole.
        let lock = || self.folded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&directory) {
            return Arc::clone(known);
        }
        let mut names = FoldedNames::new();
        for child in self.children(directory) {
            names.entry(fold(&self.node(*child).name)).or_insert(*child);
        }
        let names = Arc::new(names);
        lock().insert(directory, Arc::clone(&names));
        names
    }

    /// Records a gap.
    pub(super) fn gap(&mut self, node: NodeId, reason: GapReason) {
        self.gaps.push(Gap { node, reason });
    }

    /// Records the text of a link.
    pub(super) fn set_link(&mut self, id: NodeId, target: Vec<u8>) {
        self.links.insert(id, target.into());
    }

    /// Adds all entries of a directory, sorted here, and gives those that are directories or links.
    pub(super) fn fill(&mut self, directory: NodeId, mut entries: Vec<Node>) -> Vec<(NodeId, Kind)> {
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let start = self.ids.len();
        let mut open = Vec::new();
        for node in entries {
            let Ok(number) = u32::try_from(self.ids.len()) else {
                self.gap(
                    directory,
                    GapReason::NodeLimit(u64::try_from(self.ids.len()).unwrap_or(u64::MAX)),
                );
                break;
            };
            let id = NodeId(number);
            if std::str::from_utf8(&node.name).is_err() {
                self.gap(id, GapReason::NameNotUtf8);
            }
            if matches!(node.kind, Kind::Directory | Kind::Symlink) {
                open.push((id, node.kind));
            }
            self.ids.push(id);
            self.rest.push(node);
        }
        self.ranges.insert(directory, start..self.ids.len());
        open
    }
}
