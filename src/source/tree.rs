//! The interface between an input and everything that reads it.
//!
//! Names come from a [`Listing`], which every kind of input makes of its own; contents are the tree's.

use std::sync::Arc;

use super::{Bytes, Gap, Listing, Lookup, Node, NodeId, ResolveError, SourceError};
use crate::budget::Budget;
use crate::limits::Limits;

/// One input: an immutable listing, with access to the contents of its regular files.
pub trait Tree: Sync {
    /// Its names.
    fn listing(&self) -> &Arc<Listing>;

    /// See [`Listing::budget`].
    fn budget(&self) -> &Arc<Budget> {
        self.listing().budget()
    }

    /// The root: a directory, or the only file.
    fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// See [`Listing::len`].
    fn len(&self) -> usize {
        self.listing().len()
    }

    /// See [`Listing::is_empty`].
    fn is_empty(&self) -> bool {
        self.listing().is_empty()
    }

    /// See [`Listing::node`].
    fn node(&self, id: NodeId) -> &Node {
        self.listing().node(id)
    }

    /// See [`Listing::children`].
    fn children(&self, id: NodeId) -> &[NodeId] {
        self.listing().children(id)
    }

    /// See [`Listing::link_target`].
    fn link_target(&self, id: NodeId) -> Option<&[u8]> {
        self.listing().link_target(id)
    }

    /// See [`Listing::gaps`].
    fn gaps(&self) -> &[Gap] {
        self.listing().gaps()
    }

    /// The node's path as the user knows it: the operand, then the path inside.
    fn full_path(&self, id: NodeId) -> String;

    /// The contents of a regular file.
    fn bytes(&self, id: NodeId) -> Result<Bytes, SourceError>;

    /// The budgets for reading it.
    fn limits(&self) -> &Limits;

    /// The contents of a regular file of at most `limit` bytes.
    fn small(&self, id: NodeId, limit: u64) -> Result<Vec<u8>, SourceError>;

    /// The first `count` bytes of a regular file, fewer if it is shorter.
    fn head(&self, id: NodeId, count: usize) -> Result<Vec<u8>, SourceError>;

    /// Returns true if the end of a file can be read without reading all of it.
    fn reads_ends(&self) -> bool {
        false
    }

    /// The last `count` bytes of a regular file, fewer if it is shorter.
    ///
    /// # Errors
    /// [`SourceError`] where the file cannot be read.
    fn tail(&self, id: NodeId, count: usize) -> Result<Vec<u8>, SourceError> {
        let mut tail = Vec::new();
        self.for_each_chunk(id, &mut |chunk| {
            tail.extend_from_slice(chunk.get(chunk.len().saturating_sub(count)..).unwrap_or_default());
            tail.drain(..tail.len().saturating_sub(count));
        })?;
        Ok(tail)
    }

    /// Hands the contents of a regular file over in pieces, and gives their total length.
    fn for_each_chunk(&self, id: NodeId, visit: &mut dyn FnMut(&[u8])) -> Result<u64, SourceError>;

    /// Adds the contents of a regular file to `buffer`, and says whether it may have extended attributes; after an error
    /// the buffer is what it was before.
    fn append(&self, id: NodeId, buffer: &mut Vec<u8>) -> Result<bool, SourceError> {
        let start = buffer.len();
        match self.for_each_chunk(id, &mut |chunk| buffer.extend_from_slice(chunk)) {
            Ok(_) => Ok(self.has_attributes(id)),
            Err(error) => {
                buffer.truncate(start);
                Err(error)
            }
        }
    }

    /// Whether a node may have extended attributes; one question instead of one for each name.
    fn has_attributes(&self, _id: NodeId) -> bool {
        true
    }

    /// An extended attribute of a node, links not followed; also under the name that Linux demands (`user.NAME`).
    ///
    /// # Errors
    /// [`SourceError`] where it is not known whether the node has it.
    fn attribute(&self, _id: NodeId, _name: &str) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(None)
    }

    /// See [`Listing::lookup`].
    fn lookup(&self, from: NodeId, relative: &str) -> Lookup {
        self.listing().lookup(from, relative)
    }

    /// See [`Listing::resolve`].
    ///
    /// # Errors
    /// See [`ResolveError`].
    fn resolve(&self, from: NodeId, relative: &str, limit: usize) -> Result<NodeId, ResolveError> {
        self.listing().resolve(from, relative, limit)
    }

    /// See [`Listing::links_on`].
    fn links_on(&self, from: NodeId, relative: &str) -> usize {
        self.listing().links_on(from, relative)
    }

    /// See [`Listing::path`].
    fn path(&self, id: NodeId) -> String {
        self.listing().path(id)
    }

    /// See [`Listing::path_from`].
    fn path_from(&self, from: NodeId, id: NodeId) -> String {
        self.listing().path_from(from, id)
    }
}
