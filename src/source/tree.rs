//! The interface between an input and everything that reads it.
//!
//! Names come from a [`Listing`], which every kind of input makes of its own; contents are the tree's.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use super::content::{Way, for_each_piece, read_to_end};
use super::{Bytes, Container, Content, Gap, Listing, Lookup, Node, NodeId, ResolveError, SourceError, View};
use crate::budget::Budget;
use crate::hash::{Digest, HashType, Hasher};
use crate::limits::Limits;

/// Bytes at the start of a file that a capture has where it has any.
const START: usize = 4096;

/// One input: an immutable listing, with access to the contents of its regular files.
pub trait Tree: Debug + Send + Sync {
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

    /// Where the root really is, links resolved.
    fn place(&self) -> PathBuf {
        self.full_path(self.root()).into()
    }

    /// What is unusual about the container that the tree comes from, as far as it was read; `None` for a disk, and for bytes in memory.
    fn container(&self) -> Option<Container> {
        None
    }

    /// Returns true if nothing was written to the container since it was opened.
    fn is_unchanged(&self) -> bool {
        true
    }

    /// The contents of a regular file. Everything else that is read of a file goes through this, unless the tree knows a quicker way.
    ///
    /// # Errors
    /// [`SourceError`] where the file cannot be read.
    fn open(&self, id: NodeId) -> Result<Content<'_>, SourceError>;

    /// The budgets for reading it.
    fn limits(&self) -> &Limits;

    /// All of a regular file, in memory unless it can be mapped. Who needs parts of it or digests asks for those ([`judge_file`](super::judge_file)).
    ///
    /// # Errors
    /// [`SourceError`] where the file cannot be read, or is larger than what may be in memory at once.
    fn whole(&self, id: NodeId) -> Result<Bytes, SourceError> {
        let mut pieces = match self.open(id)?.way() {
            Way::Bytes(bytes) => return Ok(bytes),
            Way::Captured(_) => return Err(not_kept(self, id)),
            Way::Pieces(pieces) => pieces,
        };
        if pieces.size() > self.limits().archive_memory {
            return Err(too_much(self, id));
        }
        let mut bytes = Vec::new();
        read_to_end(&mut *pieces, &mut bytes)?;
        Ok(bytes.into())
    }

    /// The contents of a regular file of at most `limit` bytes.
    ///
    /// # Errors
    /// [`SourceError`] where the file cannot be read or is larger.
    fn small(&self, id: NodeId, limit: u64) -> Result<Vec<u8>, SourceError> {
        let content = self.open(id)?;
        if self.node(id).size > limit {
            let path = self.full_path(id);
            return Err(SourceError::TooLarge { path, limit });
        }
        match content.way() {
            Way::Bytes(bytes) => Ok(bytes.to_vec()),
            Way::Captured(capture) => {
                let kept = View::from(capture).range(0, capture.size());
                kept.map(<[u8]>::to_vec).ok_or_else(|| not_kept(self, id))
            }
            Way::Pieces(mut pieces) => {
                let mut bytes = Vec::new();
                read_to_end(&mut *pieces, &mut bytes).map(|()| bytes)
            }
        }
    }

    /// The first `count` bytes of a regular file, fewer if it is shorter.
    ///
    /// # Errors
    /// [`SourceError`] where the file cannot be read.
    fn head(&self, id: NodeId, count: usize) -> Result<Vec<u8>, SourceError> {
        match self.open(id)?.way() {
            Way::Bytes(bytes) => Ok(bytes.get(..count).unwrap_or(&bytes).to_vec()),
            Way::Captured(capture) => {
                let count = u64::try_from(count).unwrap_or(u64::MAX).min(capture.size());
                let kept = View::from(capture).range(0, count);
                kept.map(<[u8]>::to_vec).ok_or_else(|| not_kept(self, id))
            }
            Way::Pieces(mut pieces) => {
                let size = usize::try_from(pieces.size()).unwrap_or(usize::MAX);
                let mut head = vec![0; count.min(size.saturating_add(1))];
                let count = pieces.fill(&mut head)?;
                head.truncate(count);
                Ok(head)
            }
        }
    }

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

    /// Hands the contents of a regular file over in pieces, and gives their total length. Other threads may call `visit`, but only one at
    /// a time and in the order of the file.
    ///
    /// # Errors
    /// [`SourceError`] where the file cannot be read to its end.
    fn for_each_chunk(&self, id: NodeId, visit: &mut (dyn FnMut(&[u8]) + Send)) -> Result<u64, SourceError> {
        match self.open(id)?.way() {
            Way::Pieces(mut pieces) => for_each_piece(&mut *pieces, visit),
            Way::Captured(_) => Err(not_kept(self, id)),
            Way::Bytes(bytes) => {
                bytes.chunks(self.limits().chunk.max(1)).for_each(visit);
                Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
        }
    }

    /// The digests of a regular file by each of these types. `visit` sees its bytes, or as many of the first ones as were kept.
    ///
    /// # Errors
    /// [`SourceError`] where the file cannot be read to its end.
    fn digests(
        &self,
        id: NodeId,
        hash_types: &[HashType],
        visit: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Vec<Digest>, SourceError> {
        let mut hasher = Hasher::new(hash_types);
        let mut hash = |chunk: &[u8]| {
            visit(chunk);
            hasher.update(chunk);
        };
        match self.open(id)?.way() {
            Way::Pieces(mut pieces) => drop(for_each_piece(&mut *pieces, &mut hash)?),
            Way::Bytes(bytes) => bytes.chunks(self.limits().chunk.max(1)).for_each(hash),
            Way::Captured(capture) => {
                visit(View::from(capture).head(START));
                let digest = |hash_type: &HashType| capture.digest(*hash_type);
                let digests: Option<Vec<_>> = hash_types.iter().map(digest).collect();
                return digests.ok_or_else(|| not_kept(self, id));
            }
        }
        Ok(digests_of(&hasher, hash_types))
    }

    /// Adds the contents of a regular file to `buffer`, and says whether it may have extended attributes; after an error
    /// the buffer is what it was before.
    ///
    /// # Errors
    /// [`SourceError`] where the file cannot be read.
    fn append(&self, id: NodeId, buffer: &mut Vec<u8>) -> Result<bool, SourceError> {
        match self.open(id)?.way() {
            Way::Pieces(mut pieces) => read_to_end(&mut *pieces, buffer)?,
            Way::Bytes(bytes) => buffer.extend_from_slice(&bytes),
            Way::Captured(capture) => {
                let kept = View::from(capture).range(0, capture.size());
                buffer.extend_from_slice(kept.ok_or_else(|| not_kept(self, id))?);
            }
        }
        Ok(self.has_attributes(id))
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

/// The digests of a regular file that is read in pieces, and not opened as a whole.
#[cfg(feature = "fs")]
pub(super) fn streamed_digests<T: Tree + ?Sized>(
    tree: &T,
    id: NodeId,
    hash_types: &[HashType],
    visit: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<Vec<Digest>, SourceError> {
    let mut hasher = Hasher::new(hash_types);
    tree.for_each_chunk(id, &mut |chunk| {
        visit(chunk);
        hasher.update(chunk);
    })?;
    Ok(digests_of(&hasher, hash_types))
}

/// The digests of these types.
fn digests_of(hasher: &Hasher, hash_types: &[HashType]) -> Vec<Digest> {
    let digests = hash_types.iter();
    digests
        .filter_map(|hash_type| hasher.digest(*hash_type))
        .collect()
}

/// The file is larger than what may be in memory at once.
pub(super) fn too_much<T: Tree + ?Sized>(tree: &T, id: NodeId) -> SourceError {
    SourceError::Budget {
        path: tree.full_path(id),
        name: "archive-memory",
        limit: tree.limits().archive_memory,
    }
}

/// What is asked for has passed by and was not kept.
pub(super) fn not_kept<T: Tree + ?Sized>(tree: &T, id: NodeId) -> SourceError {
    SourceError::Unread {
        path: tree.full_path(id),
        reason: "it was not kept when it was read".to_owned(),
    }
}
