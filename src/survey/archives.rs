//! Looks for code in archives inside of the item: the notary service unpacks them, and Electron its own (catalogue R225, R233,
//! R244).
//!
//! Of a Mach-O file in one it is asked whether a certificate signed it, not whether the signature holds.

use super::archive_facts::ArchiveEvidence;
use super::archive_walk::{Walk, Wanted, heads};
use crate::container::{Allowance, ArchiveFormat, is_tar};
use crate::limits::Limits;
use crate::parallel;
use crate::source::{Bytes, NodeId, Tree};

/// What is looked into one after the other: the archive, and the members to look into, where they are known already.
type Rest = (Bytes, Option<Vec<Wanted>>);

/// An archive, and what is left to do.
struct Scanned {
    found: ArchiveEvidence,
    rest: Option<Rest>,
}

/// All archives of an item, in the order of the listing.
pub(super) fn archives<T: Tree + ?Sized>(tree: &T, limits: &Limits) -> Vec<ArchiveEvidence> {
    let listing = tree.listing();
    let files: Vec<NodeId> = listing
        .ids()
        .skip(1)
        .filter(|id| tree.node(*id).is_file() && ArchiveFormat::named(&tree.node(*id).name).is_some())
        .collect();
    let scanned = parallel::map(&files, 1, |node| scan(tree, *node, limits.archive_members));
    // One after the other: the budget is for all, and who gets it must not depend on threads.
    let mut budget = limits.archive_bytes;
    let mut all = Vec::new();
    for Scanned { mut found, rest } in scanned.into_iter().flatten() {
        if let Some((bytes, known)) = rest {
            let mut walk = Walk::new(found, budget, limits, tree.budget());
            walk.outermost(&bytes, known.as_deref());
            (found, budget) = walk.end();
            if !bytes.are_unchanged() {
                found = found.failed("the file changed while it was read".to_owned());
            }
        }
        if !found.is_empty() {
            all.push(found);
        }
    }
    all
}

/// Reads the first bytes of a file, and those of every member where a directory names them; `None` for what is no archive by its name.
fn scan<T: Tree + ?Sized>(tree: &T, node: NodeId, max_members: u64) -> Option<Scanned> {
    /// Enough for a header of tar.
    const HEAD: usize = 512;
    let name = &tree.node(node).name;
    let named = ArchiveFormat::named(name)?;
    let mut found = ArchiveEvidence::new(tree.path(node), named);
    // A file that cannot be read at all is said to be unread elsewhere as well.
    let over = |found| Some(Scanned { found, rest: None });
    let head = match tree.head(node, HEAD) {
        Ok(head) => head,
        Err(error) => return over(found.failed(error)),
    };
    let format = ArchiveFormat::of(name, &head).filter(|found| *found != ArchiveFormat::Tar || is_tar(&head));
    match format {
        Some(ArchiveFormat::Unread(what)) => {
            return over(found.failed(format!("it is {what}, which is not opened")));
        }
        // A script or program may stand in front of the archive.
        None if named != ArchiveFormat::Zip || head.is_empty() => {
            found.is_misnamed = is_misnamed(name, named, &head);
            return over(found);
        }
        _ => {}
    }
    let bytes = match tree.whole(node) {
        Ok(bytes) => bytes,
        Err(error) => return over(found.failed(error)),
    };
    let Some(reader) = named.reader().filter(|reader| reader.has_directory) else {
        let rest = Some((bytes, None));
        return Some(Scanned { found, rest });
    };
    let allowance = Allowance {
        name: "",
        members: max_members,
        bytes: 0,
        item: tree.budget(),
    };
    let wanted = match reader.open(&bytes, &allowance) {
        Ok(mut members) => heads(&mut *members, &mut found, tree.budget()),
        Err(failure) if failure.is_other && format.is_none() => {
            found.is_misnamed = is_misnamed(name, named, &head);
            return over(found);
        }
        Err(failure) => return over(found.failed(failure)),
    };
    let rest = (!wanted.is_empty()).then_some((bytes, Some(wanted)));
    Some(Scanned { found, rest })
}

/// Whether a file that is none has the name of an archive that the notary service unpacks. An empty file stands for nothing,
/// and so does a tar archive without members.
fn is_misnamed(name: &[u8], named: ArchiveFormat, head: &[u8]) -> bool {
    let is_unpacked = match named {
        ArchiveFormat::Zip | ArchiveFormat::Gzip => !head.is_empty(),
        ArchiveFormat::Tar => head.iter().any(|byte| *byte != 0),
        ArchiveFormat::Asar | ArchiveFormat::Unread(_) => false,
    };
    // Attributes of a file of that name have a rule of their own.
    is_unpacked && !name.starts_with(b"._")
}
