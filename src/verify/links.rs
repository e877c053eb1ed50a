//! Where the sealed links of a bundle lead.
//!
//! Specification 6.13, native observations 3.2 and 3.3 (`validateSymlinkResource`, and the `open` of every resource
//! under the sideband rule). Nothing outside of the item is ever looked at: a link that leaves it is judged by its text.

use crate::bundle::{Layout, Rules};
use crate::source::{Kind, MAX_LINKS, NodeId, ResolveError, Tree};

/// Links that `open` follows behind the sealed one: the kernel's 32 with that one included.
const MAX_OPENED: usize = 31;

/// What is wrong with the destination of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkProblem {
    /// It does not exist (ENOENT).
    Missing,
    /// Too many links on the way (ELOOP).
    Loop,
    /// A file where a directory is needed (ENOTDIR).
    NotADirectory,
    /// Outside of the bundle, or not covered by the seal (errSecCSInvalidSymlink).
    NotAllowed,
}

/// The bundle whose seal covers a link, and the bundles around it.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) support: NodeId,
    pub(super) rules: &'a Rules,
    pub(super) main: NodeId,
    pub(super) outer: Option<&'a Scope<'a>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(layout: &Layout, rules: &'a Rules, outer: Option<&'a Scope<'a>>) -> Self {
        Self {
            support: layout.support,
            rules,
            main: layout.main,
            outer,
        }
    }

    /// Whether the seal covers the node at `path` from the support directory (`ResourceBuilder::includes`).
    fn includes(&self, node: NodeId, path: &str) -> bool {
        let first = path.split('/').next().unwrap_or_default();
        if node == self.main || path.is_empty() {
            return true;
        }
        let is_excluded = matches!(first, "_CodeSignature" | "CodeResources" | "_MASReceipt");
        !is_excluded && self.rules.find(path).is_some_and(|rule| !rule.omit)
    }
}

/// What the system says when the link is opened; links out of the item are assumed to lead somewhere.
pub(super) fn opened<T: Tree + ?Sized>(tree: &T, link: NodeId) -> Option<LinkProblem> {
    let text = tree.link_target(link)?;
    let parent = tree.node(link).parent?;
    if text.starts_with(b"/") {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    match tree.resolve(parent, text, MAX_OPENED) {
        // Without a budget nothing is said about the item.
        Ok(_) | Err(ResolveError::Escapes | ResolveError::OverBudget) => None,
        Err(ResolveError::Missing) => Some(LinkProblem::Missing),
        Err(ResolveError::Loop) => Some(LinkProblem::Loop),
        Err(ResolveError::NotDirectory) => Some(LinkProblem::NotADirectory),
    }
}

/// The destination of a link that leads out of the item, where nothing is looked at.
pub(super) fn assumed<T: Tree + ?Sized>(tree: &T, link: NodeId) -> Option<String> {
    let text = tree.link_target(link)?;
    text.starts_with(b"/")
        .then(|| String::from_utf8_lossy(text).into_owned())
}

/// Whether the link leads where strict validation allows it.
pub(super) fn destination<T: Tree + ?Sized>(
    tree: &T,
    scope: &Scope<'_>,
    link: NodeId,
) -> Option<LinkProblem> {
    let text = tree.link_target(link)?;
    let Ok(text) = std::str::from_utf8(text) else {
        return Some(LinkProblem::NotAllowed);
    };
    if text.starts_with('/') {
        let path = normalized(text);
        let is_system = ["/System/", "/Library/"]
            .iter()
            .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()));
        return (!is_system).then_some(LinkProblem::NotAllowed);
    }
    let parent = tree.node(link).parent?;
    // `realpath` does not mind a slash behind a file.
    let Ok(found) = tree.resolve(parent, text.trim_end_matches('/'), MAX_LINKS) else {
        return Some(LinkProblem::NotAllowed);
    };
    let mut scope = Some(scope);
    while let Some(at) = scope {
        if is_below(tree, at.support, found) {
            let path = tree.path_from(at.support, found);
            return (!at.includes(found, &path)).then_some(LinkProblem::NotAllowed);
        }
        scope = at.outer;
    }
    Some(LinkProblem::NotAllowed)
}

fn is_below<T: Tree + ?Sized>(tree: &T, directory: NodeId, node: NodeId) -> bool {
    let mut at = Some(node);
    while let Some(id) = at {
        if id == directory {
            return tree.node(directory).kind == Kind::Directory;
        }
        at = tree.node(id).parent;
    }
    false
}

/// An absolute path without `.`, `..` and doubled slashes.
fn normalized(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}
