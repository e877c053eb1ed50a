//! The bundle of a main executable: macOS takes the path of such a file for its bundle (`DiskRep::bestFileGuess`,
//! `_CFBundleCreateWithExecutableURLIfMightBeBundle`; specification 6.1, native observation 7.4).
//!
//! Another name of the same file, a hard link, is a file by itself. Not looked at: bundles farther out.

use std::path::Path;
use std::sync::Arc;

use crate::bundle::Layout;
use crate::limits::Limits;
#[cfg(feature = "fs")]
use crate::source::DirectoryTree;
use crate::source::{Archive, ArchiveTree, MemoryTree, NamedBytes, Tree};

/// Where an Info.plist of a bundle may be, from the bundle's folder.
#[cfg(feature = "fs")]
const INFO_PLACES: [&str; 4] = ["Contents", "Support Files", "Resources", "."];

/// The folder that is the bundle, if the file at this path is the main executable of one: the one around it, or around `MacOS`.
fn folder_around(file: &Path) -> Option<&Path> {
    let mut folder = file.parent()?;
    if folder.file_name().is_some_and(|name| name == "MacOS") {
        folder = folder.parent()?;
        if folder.file_name().is_some_and(|name| name == "Executables") {
            folder = folder.parent()?;
        }
        folder = folder.parent()?;
    }
    Some(folder)
}

/// Returns true if the tree of `folder` is a bundle with the main executable `file`.
fn is_bundle_of<T: Tree>(tree: &T, folder: &Path, file: &Path) -> bool {
    let Ok(layout) = Layout::open(tree, tree.root(), None) else {
        return false;
    };
    // What its executable is called is not known.
    layout.is_info_unread
        || layout.executable.is_some_and(|executable| {
            folder.join(tree.path(executable)) == file && layout.is_around(tree, executable)
        })
}

/// The bundle around the file that `tree` is.
#[cfg(feature = "fs")]
pub(super) fn bundle_on_disk(tree: &DirectoryTree, limits: &Limits) -> Option<DirectoryTree> {
    if !tree.node(tree.root()).is_file() {
        return None;
    }
    let file = tree.base();
    let folder = folder_around(file)?;
    // The whole disk is no bundle, and neither is a folder without an Info.plist where one may be, unless it is called like the file.
    folder.file_name()?;
    let has_info = INFO_PLACES.iter().any(|place| {
        let names = std::fs::read_dir(folder.join(place)).into_iter().flatten();
        names.flatten().any(|entry| {
            let name = entry.file_name();
            name.eq_ignore_ascii_case("Info.plist") || name.eq_ignore_ascii_case("Info-macos.plist")
        })
    });
    if !has_info && folder.file_stem() != file.file_name() {
        return None;
    }
    let bundle = DirectoryTree::open(folder, limits).ok()?;
    is_bundle_of(&bundle, folder, file).then_some(bundle)
}

/// The bundle around the file `inner` in an archive, which `tree` is. An archive is no bundle, whatever is at its top.
pub(super) fn bundle_in_archive(
    tree: &ArchiveTree,
    archive: &Arc<Archive>,
    inner: &Path,
    limits: &Limits,
) -> Option<ArchiveTree> {
    if !tree.node(tree.root()).is_file() {
        return None;
    }
    let folder = folder_around(inner)?;
    folder.file_name()?;
    let bundle = ArchiveTree::new(Arc::clone(archive), folder, limits).ok()?;
    is_bundle_of(&bundle, folder, inner).then_some(bundle)
}

/// The bundle around the file at `path` in memory, which `tree` is.
pub(super) fn bundle_in_memory(
    tree: &MemoryTree,
    files: &NamedBytes,
    path: &Path,
    limits: &Limits,
) -> Option<MemoryTree> {
    if !tree.node(tree.root()).is_file() {
        return None;
    }
    let folder = folder_around(path)?;
    folder.file_name()?;
    let bundle = MemoryTree::open(files, folder, limits).ok()?;
    is_bundle_of(&bundle, folder, path).then_some(bundle)
}
