//! Storage of a listing: dense nodes, the ranges of their children, the texts of links.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Gap, GapReason, Kind, Node, NodeId};

/// A listing in which the children of one directory have neighbouring ids.
#[derive(Debug)]
pub(super) struct Arena {
    root: Node,
    rest: Vec<Node>,
    ids: Vec<NodeId>,
    ranges: BTreeMap<NodeId, Range<usize>>,
    links: BTreeMap<NodeId, Box<[u8]>>,
    gaps: Vec<Gap>,
}

impl Arena {
    /// A listing of the root alone.
    pub(super) fn new(root: Node) -> Self {
        Self {
            root,
            rest: Vec::new(),
            ids: vec![NodeId(0)],
            ranges: BTreeMap::new(),
            links: BTreeMap::new(),
            gaps: Vec::new(),
        }
    }

    /// The number of nodes.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// A node; the root for an id that does not exist.
    pub(super) fn node(&self, id: NodeId) -> &Node {
        id.0.checked_sub(1)
            .and_then(|index| usize::try_from(index).ok())
            .and_then(|index| self.rest.get(index))
            .unwrap_or(&self.root)
    }

    /// The entries of a directory.
    pub(super) fn children(&self, id: NodeId) -> &[NodeId] {
        self.ranges
            .get(&id)
            .and_then(|range| self.ids.get(range.clone()))
            .unwrap_or_default()
    }

    /// The text of a link.
    pub(super) fn link(&self, id: NodeId) -> Option<&[u8]> {
        self.links.get(&id).map(AsRef::as_ref)
    }

    /// What could not be read.
    pub(super) fn gaps(&self) -> &[Gap] {
        &self.gaps
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
                self.gap(directory, GapReason::NodeLimit(self.ids.len()));
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
