//! Finding nodes by path: the lookup without links, and the only code that follows links.
//!
//! Behaves like `realpath` on a usual Mac volume, which finds names in any case and in any Unicode form: `..` is the physical
//! parent, at most 33 links. Not done: absolute targets (they leave the tree by definition).

use unicode_normalization::UnicodeNormalization;

use super::listing::steps_of_search;
use super::{Kind, Listing, Lookup, NodeId, ResolveError};

/// The most links that are followed on the way to one target, as `realpath` does.
pub const MAX_LINKS: usize = 33;

/// The most pending path components of one resolution; longer paths than any system's `PATH_MAX` count as a loop.
const MAX_COMPONENTS: usize = 16_384;

/// Entries of a directory that are gone through one by one where a name is not there as it is written.
const MAX_WITHOUT_INDEX: usize = 64;

/// Steps of finding a name in a table: the name is folded, kept for a moment, and hashed.
const STEPS_PER_TABLE: u64 = 10;

/// One entry of a directory by name; what it cost is added to `steps`.
fn child(tree: &Listing, directory: NodeId, name: &[u8], steps: &mut u64) -> Lookup {
    let scanned = |bytes: usize| u64::try_from(bytes / 8).unwrap_or(u64::MAX);
    let children = tree.children(directory);
    *steps = steps
        .saturating_add(steps_of_search(children.len()))
        .saturating_add(scanned(name.len()));
    if let Ok(index) = children.binary_search_by(|&id| tree.node(id).name.as_ref().cmp(name)) {
        return children
            .get(index)
            .map_or(Lookup::Missing, |&id| Lookup::Exact(id));
    }
    // Without an index, where that costs little.
    if children.len() <= MAX_WITHOUT_INDEX && name.is_ascii() && tree.is_ascii(directory) {
        let count = u64::try_from(children.len()).unwrap_or(u64::MAX);
        *steps = steps.saturating_add(count);
        let found = children
            .iter()
            .find(|&&id| tree.node(id).name.eq_ignore_ascii_case(name));
        return found.map_or(Lookup::Missing, |&id| Lookup::Folded(id));
    }
    let found = tree.folded(directory, fold).get(&fold(name)).copied();
    *steps = steps
        .saturating_add(STEPS_PER_TABLE)
        .saturating_add(scanned(name.len().saturating_mul(4)));
    found.map_or(Lookup::Missing, Lookup::Folded)
}

/// The name without its case and its Unicode form.
pub(crate) fn fold(name: &[u8]) -> String {
    if name.is_ascii() {
        return String::from_utf8_lossy(&name.to_ascii_lowercase()).into_owned();
    }
    let text = String::from_utf8_lossy(name);
    text.nfd().flat_map(char::to_lowercase).nfd().collect()
}

/// Returns true if two names or paths are the same but for their Unicode form.
#[must_use]
pub fn differs_in_form_only(one: &str, other: &str) -> bool {
    one != other && !one.is_ascii() && !other.is_ascii() && one.nfd().eq(other.nfd())
}

impl Listing {
    /// Finds a path below `from`, first by exact names, then without regard to case, without following links.
    ///
    /// Empty components and `.` are skipped; `..` and a leading `/` find nothing.
    #[must_use]
    pub fn lookup(&self, from: NodeId, relative: &str) -> Lookup {
        lookup(self, from, relative)
    }

    /// Follows a path and every link on it, at most `limit` (and never more than [`MAX_LINKS`]) links,
    /// without leaving the listing.
    ///
    /// # Errors
    /// See [`ResolveError`].
    pub fn resolve(&self, from: NodeId, relative: &str, limit: usize) -> Result<NodeId, ResolveError> {
        resolve(self, from, relative.as_bytes(), limit).map(|(found, _)| found)
    }

    /// The number of links that [`Listing::resolve`] follows on this path; zero where the path leads nowhere.
    #[must_use]
    pub fn links_on(&self, from: NodeId, relative: &str) -> usize {
        let found = resolve(self, from, relative.as_bytes(), MAX_LINKS);
        found.map_or(0, |(_, links)| links)
    }
}

/// See [`Listing::lookup`].
fn lookup(tree: &Listing, from: NodeId, relative: &str) -> Lookup {
    let mut steps = 0;
    let found = look_up(tree, from, relative, &mut steps);
    match tree.budget().step(steps) {
        Ok(()) => found,
        // Nothing is said about the item.
        Err(_) => Lookup::Missing,
    }
}

fn look_up(tree: &Listing, from: NodeId, relative: &str, steps: &mut u64) -> Lookup {
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
        match child(tree, at, name.as_bytes(), steps) {
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
fn push<'p>(pending: &mut Vec<&'p [u8]>, path: &'p [u8]) -> Result<(), ResolveError> {
    if path.is_empty() {
        return Err(ResolveError::Missing);
    }
    // A slash at the end asks for a directory, as `.` does.
    if path.ends_with(b"/") {
        pending.push(b".");
    }
    pending.extend(path.rsplit(|&byte| byte == b'/').filter(|part| !part.is_empty()));
    if pending.len() > MAX_COMPONENTS {
        Err(ResolveError::Loop)
    } else {
        Ok(())
    }
}

/// See [`Listing::resolve`]; also returns the number of links on the way.
fn resolve(
    tree: &Listing,
    from: NodeId,
    relative: &[u8],
    limit: usize,
) -> Result<(NodeId, usize), ResolveError> {
    let mut steps = 0;
    let found = follow(tree, from, relative, limit, &mut steps);
    tree.budget().step(steps).map_err(|_| ResolveError::OverBudget)?;
    found
}

fn follow(
    tree: &Listing,
    from: NodeId,
    relative: &[u8],
    limit: usize,
    steps: &mut u64,
) -> Result<(NodeId, usize), ResolveError> {
    let most = limit.min(MAX_LINKS);
    let mut left = most;
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
        pending.push(&*node.name);
        at = node.parent.ok_or(ResolveError::Escapes)?;
    }
    while let Some(name) = pending.pop() {
        *steps = steps.saturating_add(1);
        if tree.node(at).kind != Kind::Directory {
            return Err(ResolveError::NotDirectory);
        }
        match name {
            b"." => continue,
            b".." => {
                at = tree.node(at).parent.ok_or(ResolveError::Escapes)?;
                continue;
            }
            _ => {}
        }
        let next = child(tree, at, name, steps).id().ok_or(ResolveError::Missing)?;
        if tree.node(next).kind != Kind::Symlink {
            at = next;
            continue;
        }
        left = left.checked_sub(1).ok_or(ResolveError::Loop)?;
        let target = tree.link_target(next).ok_or(ResolveError::Missing)?;
        if target.starts_with(b"/") {
            return Err(ResolveError::Escapes);
        }
        // One link may stand for thousands of names, so each is paid for before the next.
        let due = std::mem::take(steps);
        tree.budget().step(due).map_err(|_| ResolveError::OverBudget)?;
        push(&mut pending, target)?;
    }
    Ok((at, most.saturating_sub(left)))
}
