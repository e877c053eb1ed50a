//! Finding nodes by path: the lookup without links, and the only code that follows links.
//!
//! Behaves like `realpath` on a case-insensitive Mac volume: `..` is the physical parent, at most 33 links.
//! Not done: Unicode normalisation, absolute targets (they leave the tree by definition).

use super::{Kind, Listing, Lookup, NodeId, ResolveError};

/// The most links that are followed on the way to one target, as `realpath` does.
pub const MAX_LINKS: usize = 33;

/// The most pending path components of one resolution; longer paths than any system's `PATH_MAX` count as a loop.
const MAX_COMPONENTS: usize = 16_384;

/// Entries of a directory that are gone through one by one where a name is not there as it is written.
const MAX_WITHOUT_INDEX: usize = 64;

/// One entry of a directory by name.
fn child(tree: &Listing, directory: NodeId, name: &[u8]) -> Lookup {
    let children = tree.children(directory);
    if let Ok(index) = children.binary_search_by(|&id| tree.node(id).name.as_ref().cmp(name)) {
        return children
            .get(index)
            .map_or(Lookup::Missing, |&id| Lookup::Exact(id));
    }
    let folded = fold(name);
    if children.len() > MAX_WITHOUT_INDEX {
        let found = tree.folded(directory, fold).get(&folded).copied();
        return found.map_or(Lookup::Missing, Lookup::Folded);
    }
    let found = children.iter().find(|&&id| {
        let other = &tree.node(id).name;
        if name.is_ascii() && other.is_ascii() {
            other.eq_ignore_ascii_case(name)
        } else {
            fold(other) == folded
        }
    });
    found.map_or(Lookup::Missing, |&id| Lookup::Folded(id))
}

/// The name without its case.
pub(super) fn fold(name: &[u8]) -> String {
    String::from_utf8_lossy(name)
        .chars()
        .flat_map(char::to_lowercase)
        .collect()
}

/// See [`Listing::lookup`].
pub(super) fn lookup(tree: &Listing, from: NodeId, relative: &str) -> Lookup {
    if relative.starts_with('/') {
        return Lookup::Missing;
    }
    let mut at = from;
    let mut exact = true;
    for name in relative
        .split('/')
        .filter(|name| !name.is_empty() && *name != ".")
    {
        if name == ".." {
            return Lookup::Missing;
        }
        match child(tree, at, name.as_bytes()) {
            Lookup::Exact(id) => at = id,
            Lookup::Folded(id) => {
                exact = false;
                at = id;
            }
            Lookup::Missing => return Lookup::Missing,
        }
    }
    if exact {
        Lookup::Exact(at)
    } else {
        Lookup::Folded(at)
    }
}

/// Pushes the components of a path so that the first one is popped first.
fn push(pending: &mut Vec<Vec<u8>>, path: &[u8]) -> Result<(), ResolveError> {
    if path.is_empty() {
        return Err(ResolveError::Missing);
    }
    // A slash at the end asks for a directory, as `.` does.
    if path.ends_with(b"/") {
        pending.push(b".".to_vec());
    }
    pending.extend(
        path.rsplit(|&byte| byte == b'/')
            .filter(|part| !part.is_empty())
            .map(<[u8]>::to_vec),
    );
    if pending.len() > MAX_COMPONENTS {
        Err(ResolveError::Loop)
    } else {
        Ok(())
    }
}

/// See [`Listing::resolve`].
pub(super) fn resolve(
    tree: &Listing,
    from: NodeId,
    relative: &[u8],
    limit: usize,
) -> Result<NodeId, ResolveError> {
    let mut left = limit.min(MAX_LINKS);
    let mut pending = Vec::new();
    if relative.starts_with(b"/") {
        return Err(ResolveError::Escapes);
    }
    if !relative.is_empty() {
        push(&mut pending, relative)?;
    }
    let mut at = from;
    if tree.node(at).kind == Kind::Symlink {
        // Start at the link's own directory, so that the start is followed like any other link.
        let node = tree.node(at);
        pending.push(node.name.to_vec());
        at = node.parent.ok_or(ResolveError::Escapes)?;
    }
    while let Some(name) = pending.pop() {
        if tree.node(at).kind != Kind::Directory {
            return Err(ResolveError::NotDirectory);
        }
        match name.as_slice() {
            b"." => continue,
            b".." => {
                at = tree.node(at).parent.ok_or(ResolveError::Escapes)?;
                continue;
            }
            _ => {}
        }
        let next = child(tree, at, &name).id().ok_or(ResolveError::Missing)?;
        if tree.node(next).kind != Kind::Symlink {
            at = next;
            continue;
        }
        left = left.checked_sub(1).ok_or(ResolveError::Loop)?;
        let target = tree.link_target(next).ok_or(ResolveError::Missing)?;
        if target.starts_with(b"/") {
            return Err(ResolveError::Escapes);
        }
        push(&mut pending, target)?;
    }
    Ok(at)
}
