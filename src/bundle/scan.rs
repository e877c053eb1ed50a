//! The walk over a bundle's files against its seal.
//!
//! Specification 6.8 (`ResourceBuilder::scan`, `SecStaticCode::validateResource`): what is added, missing or of
//! the wrong kind is decided here; which files must be hashed and which nested code verified is listed. Links are
//! never followed. Names are compared byte by byte with the seal, as `CFEqual` does; the main executable is left out also where its
//! name is stored in another Unicode form than Info.plist has it.

use super::{Layout, Rules, Seal, SealEntry, SealedItem};
use crate::hash::HashType;
use crate::source::{Kind, Lookup, NodeId, Tree, differs_in_form_only};

/// Steps of looking at one node, the rules left out.
const PER_NODE: u64 = 8;

/// A sealed path that exists and still has to be judged.
#[derive(Debug, Clone)]
pub struct Item<'s> {
    /// Path from the support directory.
    pub path: &'s str,
    /// The node.
    pub node: NodeId,
    /// Its entry in the seal.
    pub entry: &'s SealEntry,
    /// What has to be done with it.
    pub kind: ItemKind,
}

/// What has to be done with an [`Item`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// Hash it.
    File,
    /// Verify it as code.
    Nested,
}

/// A fault that ends Apple's scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScanFault {
    /// A `.DS_Store` that is a link (errSecCSDSStoreSymlink).
    DsStoreSymlink,
    /// A folder with the name of a bundle where a plain file is sealed (EISDIR).
    IsADirectory,
    /// Neither file, directory nor link; strict only (errSecCSResourceNotSupported).
    NotSupported,
    /// The seal's entry makes no sense (errSecCSResourcesInvalid).
    MalformedEntry,
}

/// What the walk found.
#[derive(Debug, Clone, Default)]
pub struct Scan<'s> {
    /// What is left to judge, in the order of the walk.
    pub items: Vec<Item<'s>>,
    /// Links that the seal knows, in the order of the walk.
    pub links: Vec<(&'s str, NodeId)>,
    /// All links that the rules do not leave out, in the order of the walk: each is opened before it is compared.
    pub opened: Vec<NodeId>,
    /// Other nodes that the rules do not leave out and that are no items: added, or of another kind than sealed.
    pub others: Vec<NodeId>,
    /// Paths that the seal does not know.
    pub added: Vec<String>,
    /// Sealed paths that are of another kind, or links with another text.
    pub modified: Vec<String>,
    /// Sealed paths that are not there and not optional, sorted.
    pub missing: Vec<String>,
    /// Faults with their paths, in the order of the walk; those about what is not there come last.
    pub faults: Vec<(String, ScanFault)>,
}

/// Walks the support directory of `layout`. Files are sealed by a digest of each of `hash_types`, the chosen one last.
#[must_use]
pub fn scan<'s, T: Tree + ?Sized>(
    tree: &T,
    layout: &Layout,
    seal: &'s Seal,
    hash_types: &[HashType],
) -> Scan<'s> {
    let mut walk = Walk {
        tree,
        seal,
        hash_types,
        main: layout.main_path.as_deref(),
        main_in_another_form: main_in_another_form(tree, layout),
        found: Scan::default(),
        seen: vec![false; seal.entries.len()],
        next: 0,
    };
    // Depth is bounded by the tree's own limit; an explicit stack keeps the native one out of it. The path is made in one place:
    // there may be many files, and the beginning is still that of the folder when the next one in it comes.
    let mut path = String::new();
    let mut stack: Vec<(NodeId, usize)> = children(tree, layout.support, 0);
    while let Some((node, folder)) = stack.pop() {
        if tree.budget().step(PER_NODE).is_err() {
            // Nothing is said about the item.
            return Scan::default();
        }
        path.truncate(folder);
        if folder > 0 {
            path.push('/');
        }
        path.push_str(&tree.node(node).text());
        if walk.visit(node, &path) {
            stack.extend(children(tree, node, path.len()));
        }
    }
    let Walk { mut found, seen, .. } = walk;
    // What was not met must be well formed, too, and optional (`checkOptionalResource`).
    for ((path, entry), _) in seal.entries.iter().zip(seen).filter(|(_, is_seen)| !is_seen) {
        if entry.item == SealedItem::Malformed {
            found.faults.push((path.to_owned(), ScanFault::MalformedEntry));
        } else if !entry.optional {
            if tree.budget().retain(kept(path)).is_err() {
                return Scan::default();
            }
            found.missing.push(path.to_owned());
        }
    }
    found
}

/// Bytes of a path in all lists that it gets into: that of the scan, of the fault, and of the verdict.
fn kept(path: &str) -> usize {
    path.len().saturating_add(size_of::<String>()).saturating_mul(3)
}

/// The main file, where it is found only in another Unicode form than that of `main_path`.
fn main_in_another_form<T: Tree + ?Sized>(tree: &T, layout: &Layout) -> Option<NodeId> {
    let path = layout.main_path.as_deref()?;
    match tree.lookup(layout.support, path) {
        Lookup::Folded(node) => {
            differs_in_form_only(path, &tree.path_from(layout.support, node)).then_some(node)
        }
        Lookup::Exact(_) | Lookup::Missing => None,
    }
}

/// Children in reverse, so that a stack hands them out in order, each with the length of the folder's path.
fn children<T: Tree + ?Sized>(tree: &T, node: NodeId, folder: usize) -> Vec<(NodeId, usize)> {
    let children = tree.children(node).iter().rev();
    children.map(|child| (*child, folder)).collect()
}

struct Walk<'t, 's, T: ?Sized> {
    tree: &'t T,
    seal: &'s Seal,
    hash_types: &'t [HashType],
    /// The main file, in the spelling that macOS arrives at.
    main: Option<&'t str>,
    main_in_another_form: Option<NodeId>,
    found: Scan<'s>,
    /// Which entries of the seal were met, by their number.
    seen: Vec<bool>,
    /// The entry behind the last one that was met.
    next: usize,
}

impl<'s, T: Tree + ?Sized> Walk<'_, 's, T> {
    /// Judges one node; says whether it is a folder that is to be entered.
    fn visit(&mut self, node: NodeId, path: &str) -> bool {
        // Apple's code excludes these at the top level, whatever the rules say, with all they contain.
        if matches!(path, "_CodeSignature" | "CodeResources" | "_MASReceipt")
            || self.main == Some(path)
            || self.main_in_another_form == Some(node)
        {
            return false;
        }
        let facts = self.tree.node(node);
        let rules: &Rules = &self.seal.rules;
        match facts.kind {
            Kind::Directory => {
                let nested = rules.find(path).is_some_and(|rule| rule.nested);
                if !nested || !facts.text().contains('.') {
                    return true;
                }
                self.sealed(node, path, Kind::Directory);
            }
            Kind::Symlink => {
                if facts.text().eq_ignore_ascii_case(".DS_Store") {
                    self.fault(path, ScanFault::DsStoreSymlink);
                } else if rules.find(path).is_some_and(|rule| !rule.omit) {
                    self.sealed(node, path, Kind::Symlink);
                }
            }
            Kind::File => {
                if rules.find(path).is_some_and(|rule| !rule.omit) {
                    self.sealed(node, path, Kind::File);
                }
            }
            Kind::Other => self.fault(path, ScanFault::NotSupported),
        }
        false
    }

    fn fault(&mut self, path: &str, fault: ScanFault) {
        let _ = self.tree.budget().retain(kept(path));
        self.found.faults.push((path.to_owned(), fault));
    }

    /// The table of outcomes in specification 6.8.
    fn sealed(&mut self, node: NodeId, path: &str, kind: Kind) {
        if kind == Kind::Symlink {
            self.found.opened.push(node);
        }
        let items = self.found.items.len();
        self.compare(node, path, kind);
        if kind != Kind::Symlink && self.found.items.len() == items {
            self.found.others.push(node);
        }
    }

    /// Compares one node with its entry in the seal.
    fn compare(&mut self, node: NodeId, path: &str, kind: Kind) {
        let entries = &self.seal.entries;
        let number = entries.find(path, self.next);
        let found = number.and_then(|number| Some((number, entries.entry(number)?)));
        let Some((number, (path, entry))) = found else {
            // Version 1 ignores links that it does not know.
            if kind != Kind::Symlink || self.seal.version >= 2 {
                // The next node is not visited, if that was too much.
                let _ = self.tree.budget().retain(kept(path));
                self.found.added.push(path.to_owned());
            }
            return;
        };
        // The next node is not visited, if that was too much.
        let _ = self.tree.budget().retain(size_of::<Item<'_>>());
        self.next = number.saturating_add(1);
        if let Some(seen) = self.seen.get_mut(number) {
            *seen = true;
        }
        if kind == Kind::Symlink {
            self.found.links.push((path, node));
        }
        let item = |kind| Item {
            path,
            node,
            entry,
            kind,
        };
        let has_digest = |hash_type| entry.digest(hash_type).is_some();
        match (&entry.item, kind) {
            // There is nothing to compare with (`ResourceSeal::hash`): the chosen digest is asked for whatever is there, those of
            // the other CodeDirectories once a file is read.
            (SealedItem::File { .. }, _) if !self.hash_types.last().is_some_and(|best| has_digest(*best)) => {
                self.fault(path, ScanFault::MalformedEntry);
            }
            (SealedItem::File { .. }, Kind::File)
                if !self.hash_types.iter().all(|kind| has_digest(*kind)) =>
            {
                self.fault(path, ScanFault::MalformedEntry);
            }
            (SealedItem::File { .. }, Kind::File) => self.found.items.push(item(ItemKind::File)),
            (SealedItem::Nested { .. }, Kind::File | Kind::Directory) => {
                self.found.items.push(item(ItemKind::Nested));
            }
            (SealedItem::Symlink { target }, Kind::Symlink)
                if self.tree.link_target(node) == Some(target.as_bytes()) => {}
            // Apple opens it like a file (specification 6.8 (8)).
            (SealedItem::File { .. }, Kind::Directory) => {
                self.fault(path, ScanFault::IsADirectory);
                self.found.modified.push(path.to_owned());
            }
            (SealedItem::Malformed, _) => self.fault(path, ScanFault::MalformedEntry),
            _ => self.found.modified.push(path.to_owned()),
        }
    }
}
