//! Reads as much of a file as is needed to recognize a container.

use super::detect::{CONTAINER_HEAD, CONTAINER_LONG_HEAD, CONTAINER_TAIL, Ends, is_zip_with_prefix};
use super::embedded::is_zip;
use super::format::ContainerFormat;
use crate::source::{NodeId, SourceError, Tree};

/// Bytes of a file in an archive whose end is read; to reach it, everything before it must be unpacked.
const TAIL_IN_ARCHIVE: u64 = 16 << 20;

/// The format of the container that a regular file is; `None` if it is not one.
///
/// # Errors
/// [`SourceError`] where the file cannot be read.
pub fn container_format<T: Tree + ?Sized>(
    tree: &T,
    id: NodeId,
) -> Result<Option<ContainerFormat>, SourceError> {
    let head = tree.head(id, CONTAINER_HEAD)?;
    container_format_of(tree, id, &head)
}

/// The same for a file whose first [`CONTAINER_HEAD`] bytes are known.
///
/// # Errors
/// [`SourceError`] where the file cannot be read.
pub fn container_format_of<T: Tree + ?Sized>(
    tree: &T,
    id: NodeId,
    head: &[u8],
) -> Result<Option<ContainerFormat>, SourceError> {
    let node = tree.node(id);
    let tail = match tree.reads_ends() || node.size <= TAIL_IN_ARCHIVE {
        true => tree.tail(id, CONTAINER_TAIL)?,
        false => Vec::new(),
    };
    let ends = Ends {
        name: &node.name,
        size: node.size,
        head,
        tail: &tail,
    };
    let long;
    let ends = match ends.needs_more() {
        true => {
            long = tree.head(id, CONTAINER_LONG_HEAD)?;
            Ends { head: &long, ..ends }
        }
        false => ends,
    };
    let found = ends.container();
    let is_by_end = found == Some(ContainerFormat::Zip) && !is_zip(head) && !ends.is_named_zip();
    if is_by_end && !is_zip_with_prefix(&tree.whole(id)?, tree.limits().archive_members) {
        // Four bytes at the end of something else.
        return Ok(None);
    }
    Ok(found)
}
