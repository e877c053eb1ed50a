//! The names of one input: dense nodes, the ranges of their children, the texts of links, what could not be read.
//!
//! A listing outlives the input that it was made from, so evidence keeps it: what is there can be asked after the
//! contents are closed. `lookup` mimics a Mac's usual case-insensitive volume as a second try.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{Gap, GapReason, Kind, Node, NodeId};
use crate::budget::Budget;
use crate::limits::Limits;

/// Bytes that a node takes beside its name, with its id and the overhead of memory for the name.
const NODE: usize = size_of::<Node>() + size_of::<NodeId>() + 16;
/// Bytes of the operand that stand for the facts about one node, as on a disk.
pub(super) const FACTS: u64 = 256;

/// All names of one input; the children of one directory have neighbouring ids.
#[derive(Debug)]
pub struct Listing {
    root: Node,
    rest: Vec<Node>,
    ids: Vec<NodeId>,
    ranges: BTreeMap<NodeId, Range<usize>>,
    links: BTreeMap<NodeId, Box<[u8]>>,
    /// Directories in which names are not in ASCII.
    foreign: HashSet<NodeId>,
    gaps: Vec<Gap>,
    folded: Mutex<HashMap<NodeId, Arc<FoldedNames>>>,
    /// Made when it is first asked for.
    around_gaps: OnceLock<HashMap<NodeId, GapPlace>>,
    budget: Arc<Budget>,
}

/// Where a node is in relation to gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GapPlace {
    /// It is incomplete itself.
    At,
    /// Something in it is incomplete.
    Above,
}

/// The first entry under each name without its case.
pub(super) type FoldedNames = HashMap<String, NodeId>;

impl Listing {
    /// A listing of the root alone, for an item with this budget.
    pub(crate) fn new(root: Node, budget: Arc<Budget>) -> Self {
        Self {
            root,
            rest: Vec::new(),
            ids: vec![NodeId(0)],
            ranges: BTreeMap::new(),
            links: BTreeMap::new(),
            foreign: HashSet::new(),
            gaps: Vec::new(),
            folded: Mutex::default(),
            around_gaps: OnceLock::new(),
            budget,
        }
    }

    /// What the item may cost, and what it has cost so far. Paths, lookups and resolved links are charged here.
    #[must_use]
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// The listing of one file of which nothing but the name is known.
    #[must_use]
    pub fn of_file(name: &[u8], limits: &Limits) -> Self {
        let file = Node {
            name: name.into(),
            kind: Kind::File,
            mode: None,
            size: 0,
            parent: None,
        };
        Self::new(file, Arc::new(Budget::new(limits)))
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

    /// Whether names below this path, or the path itself, may be missing: something could not be read there, or on the way there.
    /// Names that are not UTF-8 are taken for each other.
    #[must_use]
    pub fn may_hide_names(&self, path: &str) -> bool {
        if self.gaps.is_empty() || self.budget.scan(path.len()).is_err() {
            return !self.gaps.is_empty();
        }
        let gaps = self.around_gaps.get_or_init(|| self.gap_places());
        let mut at = NodeId(0);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            match gaps.get(&at) {
                // Nothing below it is missing.
                None => return false,
                Some(GapPlace::At) => return true,
                Some(GapPlace::Above) => {}
            }
            if name.contains(char::REPLACEMENT_CHARACTER) {
                return true;
            }
            let children = self.children(at);
            let _ = self.budget.step(steps_of_search(children.len()));
            let Ok(index) = children.binary_search_by(|&id| self.node(id).name.as_ref().cmp(name.as_bytes()))
            else {
                return false;
            };
            at = children.get(index).copied().unwrap_or(at);
        }
        gaps.contains_key(&at)
    }

    /// The nodes with gaps, and the folders around them.
    fn gap_places(&self) -> HashMap<NodeId, GapPlace> {
        let mut places = HashMap::new();
        for gap in &self.gaps {
            places.insert(gap.node, GapPlace::At);
        }
        for gap in &self.gaps {
            let mut above = self.node(gap.node).parent;
            while let Some(folder) = above.filter(|folder| !places.contains_key(folder)) {
                places.insert(folder, GapPlace::Above);
                above = self.node(folder).parent;
            }
        }
        let kept = places.len().saturating_mul(size_of::<(NodeId, GapPlace)>());
        // The next charge says so, if that was too much.
        let _ = self.budget.scan(kept).and_then(|()| self.budget.retain(kept));
        places
    }

    /// The path from the root with `/` between names; empty for the root.
    #[must_use]
    pub fn path(&self, id: NodeId) -> String {
        self.path_from(NodeId(0), id)
    }

    /// The path from the root, for what is kept until the item is judged; its bytes are charged.
    #[must_use]
    pub fn kept_path(&self, id: NodeId) -> String {
        let path = self.path(id);
        match self.budget.retain(path.len()) {
            Ok(()) => path,
            Err(_) => String::new(),
        }
    }

    /// The bytes of every path from the root, by the numbers of the nodes.
    #[must_use]
    pub fn path_lengths(&self) -> Vec<usize> {
        let mut lengths: Vec<usize> = Vec::with_capacity(self.len());
        for id in self.ids() {
            let node = self.node(id);
            // A folder comes before what is in it.
            let above = node.parent.and_then(|parent| usize::try_from(parent.0).ok());
            lengths.push(match above.and_then(|above| lengths.get(above)) {
                None => 0,
                Some(0) => node.name.len(),
                Some(above) => above.saturating_add(1).saturating_add(node.name.len()),
            });
        }
        lengths
    }

    /// The path from a directory above `id`; from the root, if `from` is not above it. Empty where the budget is spent,
    /// since nothing is said about the item then.
    #[must_use]
    pub fn path_from(&self, from: NodeId, id: NodeId) -> String {
        String::from_utf8(self.joined(from, id))
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// The names between `from` and `id`, with `/` between them; made in one piece, since there may be many files.
    pub(super) fn joined(&self, from: NodeId, id: NodeId) -> Vec<u8> {
        let above = |id: NodeId| (id != from).then(|| self.node(id).parent).flatten();
        let (mut length, mut names) = (0_usize, 0_u64);
        let mut at = id;
        while let Some(parent) = above(at) {
            length = length.saturating_add(self.node(at).name.len()).saturating_add(1);
            names = names.saturating_add(1);
            at = parent;
        }
        if self
            .budget
            .step(names)
            .and_then(|()| self.budget.scan(length))
            .is_err()
        {
            return Vec::new();
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

    /// Returns true if all names in a directory are in ASCII.
    pub(super) fn is_ascii(&self, directory: NodeId) -> bool {
        !self.foreign.contains(&directory)
    }

    /// The entries of a directory by `fold` of their names: made once, since many names may be looked for in a large directory.
    pub(super) fn folded(&self, directory: NodeId, fold: fn(&[u8]) -> String) -> Arc<FoldedNames> {
        // A poisoned lock only means that another thread ended early; what is in the table is whole.
        let lock = || self.folded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&directory) {
            return Arc::clone(known);
        }
        let mut names = FoldedNames::new();
        let mut kept = 0_usize;
        for child in self.children(directory) {
            let name = fold(&self.node(*child).name);
            kept = kept.saturating_add(name.len()).saturating_add(NODE);
            names.entry(name).or_insert(*child);
        }
        let names = Arc::new(names);
        // Threads that made the same table meanwhile drop theirs; one charge is made, whoever was first.
        match lock().entry(directory) {
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(place) => {
                // The next charge says so, if that was too much.
                let _ = self.budget.scan(kept).and_then(|()| self.budget.retain(kept));
                Arc::clone(place.insert(names))
            }
        }
    }

    /// Throws tables away that were made for lookups, so that whoever needs them next pays for them again.
    pub(crate) fn forget_tables(&self) {
        let mut tables = self.folded.lock().unwrap_or_else(PoisonError::into_inner);
        tables.clear();
    }

    /// Records a gap.
    pub(crate) fn gap(&mut self, node: NodeId, reason: GapReason) {
        self.gaps.push(Gap { node, reason });
    }

    /// Records the text of a link.
    pub(crate) fn set_link(&mut self, id: NodeId, target: Vec<u8>) {
        let _ = self.budget.retain(target.len().saturating_add(NODE));
        self.links.insert(id, target.into());
    }

    /// Adds all entries of a directory, sorted here, and gives those that are directories or links.
    pub(crate) fn fill(&mut self, directory: NodeId, mut entries: Vec<Node>) -> Vec<(NodeId, Kind)> {
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
            let kept = node.name.len().saturating_add(NODE);
            // Who fills the listing asks whether the budget is spent, before the next directory.
            let _ = self.budget.scan(kept).and_then(|()| self.budget.retain(kept));
            if std::str::from_utf8(&node.name).is_err() {
                self.gap(id, GapReason::NameNotUtf8);
            }
            if !node.name.is_ascii() {
                self.foreign.insert(directory);
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

/// Steps of a search among so many sorted names: two for each of them that is compared, since they are all over the memory.
pub(super) fn steps_of_search(names: usize) -> u64 {
    u64::from(usize::BITS.saturating_sub(names.leading_zeros()))
        .saturating_add(1)
        .saturating_mul(2)
}
