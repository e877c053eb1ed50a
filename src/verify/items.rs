//! The items in a folder that is no bundle, or in an archive: bundles and Mach-O files, in the order of their names.
//!
//! Bundles are not entered, as what is in them is judged with them, and links are not followed, as what they lead to has a
//! place of its own. Where macOS would take any folder with an Info.plist for a bundle, one without a bundle's name is
//! passed through here unless it also has an executable or a seal: an archive of Xcode has none, and apps lie in it.
//! Passed over are object files and debug symbols (`.dSYM`), which nobody signs.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::Unread;
use crate::bundle::{BundleKind, Layout};
use crate::limits::Limits;
use crate::macho::{is_macho, is_never_signed};
use crate::source::{Archive, ArchiveTree, DirectoryTree, GapReason, NodeId, SourceError, Tree};

/// Bytes of a Mach-O header up to its file type.
const HEAD: usize = 16;
/// Files whose first bytes one task reads.
const HEADS_PER_TASK: usize = 256;

/// What was found in a folder. Names that are not UTF-8 lead somewhere all the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Items {
    /// The items, each with the folder in front of its path.
    pub paths: Vec<PathBuf>,
    /// Places where more may be.
    pub unread: Vec<Unread>,
}

/// Looks for the items in a folder or in an archive; `None` where the path is neither, or an item itself.
///
/// # Errors
/// [`SourceError`] when the path cannot be read.
pub fn items(path: &Path, limits: &Limits) -> Result<Option<Items>, SourceError> {
    if Archive::is_one(path) {
        let archive = Archive::open(path, limits)?;
        let tree = ArchiveTree::new(archive.into(), Path::new(""), limits)?;
        return Ok(Some(search(&tree, path, limits)));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !path.is_dir() || BundleKind::of_name(&name).is_some() {
        return Ok(None);
    }
    let tree = DirectoryTree::open(path, limits)?;
    if Layout::open(&tree, tree.root(), None).is_ok() {
        return Ok(None);
    }
    Ok(Some(search(&tree, path, limits)))
}

/// The items in a tree that is none itself; none where there is more to look at than its budget allows.
fn search<T: Tree>(tree: &T, path: &Path, limits: &Limits) -> Items {
    let found = found(tree, path, limits);
    match tree.budget().spent() {
        None => found,
        Some(over) => Items {
            paths: Vec::new(),
            unread: vec![Unread {
                path: tree.full_path(tree.root()),
                reason: over.to_string(),
                limit: Some(over.resource.name()),
            }],
        },
    }
}

fn found<T: Tree>(tree: &T, path: &Path, limits: &Limits) -> Items {
    let mut folders = vec![tree.root()];
    let (mut found, mut files) = (Vec::new(), Vec::new());
    let mut seen = HashSet::from([tree.root()]);
    while let Some(folder) = folders.pop() {
        for child in tree.children(folder) {
            let node = tree.node(*child);
            match node.is_directory() {
                true if node.text().ends_with(".dSYM") => {}
                true if is_bundle(tree, *child) => found.push(*child),
                true => {
                    seen.insert(*child);
                    folders.push(*child);
                }
                false if node.is_file() => files.push(*child),
                false => {}
            }
        }
    }
    let mut unread: Vec<Unread> = tree
        .gaps()
        .iter()
        .filter(|gap| seen.contains(&gap.node) && gap.reason != GapReason::NameNotUtf8)
        .map(|gap| Unread {
            path: tree.full_path(gap.node),
            reason: gap.reason.to_string(),
            limit: gap.reason.budget(),
        })
        .collect();
    let read = |node: &NodeId| tree.head(*node, HEAD);
    let heads: Vec<_> = files.par_iter().with_min_len(HEADS_PER_TASK).map(read).collect();
    for (node, head) in files.into_iter().zip(heads) {
        match head {
            Ok(head) if is_macho(&head) && !is_never_signed(&head) => found.push(node),
            Ok(_) => {}
            Err(error) => unread.push(Unread::new(tree.full_path(node), &error)),
        }
    }
    let mut paths: Vec<_> = found.into_iter().map(|node| place(tree, path, node)).collect();
    paths.sort();
    let most = usize::try_from(limits.items).unwrap_or(usize::MAX);
    if paths.len() > most {
        paths.truncate(most);
        unread.push(Unread {
            path: tree.full_path(tree.root()),
            reason: format!("there are more than {most} items (items)"),
            limit: Some("items"),
        });
    }
    unread.sort_by(|one, other| one.path.cmp(&other.path));
    Items { paths, unread }
}

/// Whether a folder is judged as a whole.
fn is_bundle<T: Tree>(tree: &T, folder: NodeId) -> bool {
    if BundleKind::of_name(&tree.node(folder).text()).is_some() {
        return true;
    }
    Layout::open(tree, folder, None).is_ok_and(|layout| {
        layout.info_plist.is_some() && (layout.executable.is_some() || layout.code_resources.is_some())
    })
}

/// The path of a node, byte by byte as it stands on disk.
fn place<T: Tree>(tree: &T, folder: &Path, node: NodeId) -> PathBuf {
    let mut names = Vec::new();
    let mut at = node;
    while let Some(parent) = tree.node(at).parent {
        names.push(OsStr::from_bytes(&tree.node(at).name));
        at = parent;
    }
    let mut path = folder.to_owned();
    path.extend(names.into_iter().rev());
    path
}
