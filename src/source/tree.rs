//! The interface between an input and everything that reads it.
//!
//! `lookup` mimics a Mac's usual case-insensitive volume as a second try; it never follows links.

use super::resolve;
use super::{Bytes, Gap, Lookup, Node, NodeId, ResolveError, SourceError};

/// An immutable listing of one input, with access to the contents of its regular files.
pub trait Tree: Sync {
    /// The root: a directory, or the only file.
    fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// The number of nodes; ids are below it.
    fn len(&self) -> usize;

    /// Whether there is no node at all; never true for an opened tree.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is known about a node. An id of another tree gives the root.
    fn node(&self, id: NodeId) -> &Node;

    /// The entries of a directory sorted by the bytes of their names; empty for anything else.
    fn children(&self, id: NodeId) -> &[NodeId];

    /// The text of a symbolic link.
    fn link_target(&self, id: NodeId) -> Option<&[u8]>;

    /// What could not be read, in the order of the walk.
    fn gaps(&self) -> &[Gap];

    /// The node's path as the user knows it: the operand, then the path inside.
    fn full_path(&self, id: NodeId) -> String;

    /// The contents of a regular file.
    fn bytes(&self, id: NodeId) -> Result<Bytes, SourceError>;

    /// The contents of a regular file of at most `limit` bytes.
    fn small(&self, id: NodeId, limit: u64) -> Result<Vec<u8>, SourceError>;

    /// The first `count` bytes of a regular file, fewer if it is shorter.
    fn head(&self, id: NodeId, count: usize) -> Result<Vec<u8>, SourceError>;

    /// Hands the contents of a regular file over in pieces, and gives their total length.
    fn for_each_chunk(&self, id: NodeId, visit: &mut dyn FnMut(&[u8])) -> Result<u64, SourceError>;

    /// An extended attribute of a node, links not followed; also under the name that Linux demands (`user.NAME`).
    fn attribute(&self, _id: NodeId, _name: &str) -> Option<Vec<u8>> {
        None
    }

    /// Finds a path below `from`, first by exact names, then without regard to case, without following links.
    ///
    /// Empty components and `.` are skipped; `..` and a leading `/` find nothing.
    fn lookup(&self, from: NodeId, relative: &str) -> Lookup {
        resolve::lookup(self, from, relative)
    }

    /// Follows a path and every link on it, at most `limit` (and never more than [`super::MAX_LINKS`]) links,
    /// without leaving the tree.
    fn resolve(&self, from: NodeId, relative: &str, limit: usize) -> Result<NodeId, ResolveError> {
        resolve::resolve(self, from, relative.as_bytes(), limit)
    }

    /// The path from the root with `/` between names; empty for the root.
    fn path(&self, id: NodeId) -> String {
        self.path_from(self.root(), id)
    }

    /// The path from a directory above `id`; from the root, if `from` is not above it.
    fn path_from(&self, from: NodeId, id: NodeId) -> String {
        let mut names = Vec::new();
        let mut at = id;
        while at != from {
            let node = self.node(at);
            let Some(parent) = node.parent else { break };
            names.push(node.text());
            at = parent;
        }
        names.reverse();
        names.join("/")
    }
}
