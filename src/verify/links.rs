//! Where the sealed links of a bundle lead.
//!
//! Specification 6.13, native observations 3.2 and 3.3 (`validateSymlinkResource`, and the `open` of every resource
//! under the sideband rule). Nothing outside of the item is ever looked at: a link that leaves it is judged by its text.

use super::Nesting;
use crate::bundle::{Layout, Rules};
use crate::source::{MAX_LINKS, NodeId, ResolveError, Tree};

/// Links that `open` follows after the sealed one: the kernel's 32 with that one included.
const MAX_OPENED: usize = 31;

/// Places at the top of a seal that `BundleDiskRep::adjustResources` leaves out whatever the rules say.
const EXCLUDED: [&str; 3] = ["_CodeSignature", "CodeResources", "_MASReceipt"];

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
    support: NodeId,
    rules: &'a Rules,
    main_path: Option<&'a str>,
    /// Links in the path by which macOS arrives at `support`; the system follows them again with every file.
    links_before: usize,
    outer: Option<&'a Scope<'a>>,
}

impl<'a> Scope<'a> {
    /// The scope of one bundle. Other versions of a framework are opened by their real paths (`validateOtherVersions`), so
    /// the links around them do not count.
    pub(super) fn new(
        layout: &'a Layout,
        rules: &'a Rules,
        outer: Option<&'a Scope<'a>>,
        nesting: Nesting,
    ) -> Self {
        let around = outer
            .filter(|_| nesting == Nesting::Sealed)
            .map_or(0, |outer| outer.links_before);
        Self {
            support: layout.support,
            rules,
            main_path: layout.main_path.as_deref(),
            links_before: around.saturating_add(layout.links_to_support),
            outer,
        }
    }

    /// Returns true if the seal covers `path`, which is relative to the support directory (`ResourceBuilder::includes`).
    fn includes(&self, path: &str) -> bool {
        let is_main = |path: &str| self.main_path == Some(path);
        if let Some((first, _)) = path.split_once('/')
            && (EXCLUDED.contains(&first) || is_main(first))
        {
            return is_main(first);
        }
        is_main(path) || (!EXCLUDED.contains(&path) && self.rules.find(path).is_some_and(|rule| !rule.omit))
    }
}

/// What the system says when the link is opened; links out of the item are assumed to lead somewhere.
pub(super) fn opened<T: Tree + ?Sized>(tree: &T, scope: &Scope<'_>, link: NodeId) -> Option<LinkProblem> {
    let text = tree.link_target(link)?;
    let parent = tree.node(link).parent?;
    if text.starts_with(b"/") {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    match tree.resolve(parent, text, MAX_OPENED.saturating_sub(scope.links_before)) {
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
    // `realpath` does not mind a slash after a file.
    let limit = MAX_LINKS.saturating_sub(scope.links_before);
    let Ok(found) = tree.resolve(parent, text.trim_end_matches('/'), limit) else {
        return Some(LinkProblem::NotAllowed);
    };
    let path = tree.path(found);
    let mut scope = Some(scope);
    while let Some(at) = scope {
        // The resource root itself is allowed (native observation 3.2).
        if found == at.support {
            return None;
        }
        if let Some(rest) = rest_of_text(&tree.path(at.support), &path) {
            return (!at.includes(&rest)).then_some(LinkProblem::NotAllowed);
        }
        scope = at.outer;
    }
    Some(LinkProblem::NotAllowed)
}

/// What remains of a path that begins with the text of `root`: Apple's code compares no separator, and leaves out the one byte
/// after the root whatever it is. Nothing where the path begins otherwise.
fn rest_of_text(root: &str, path: &str) -> Option<String> {
    if root.is_empty() {
        return Some(path.to_owned());
    }
    let rest = path.strip_prefix(root)?.as_bytes();
    let rest = rest.get(1..).unwrap_or_default();
    Some(String::from_utf8_lossy(rest).into_owned())
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
