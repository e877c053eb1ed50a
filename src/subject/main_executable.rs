//! The bundle of a main executable: macOS takes the path of such a file for its bundle (`DiskRep::bestFileGuess`,
//! `_CFBundleCreateWithExecutableURLIfMightBeBundle`; specification 6.1, native observation 7.4).
//!
//! Another name of the same file, a hard link, is a file by itself. Not looked at: bundles farther out.

use std::path::Path;
use std::sync::Arc;

use crate::bundle::Layout;
#[cfg(feature = "fs")]
use crate::source::has_name;
use crate::source::{SourceError, Tree};

/// Where an Info.plist of a bundle may be, from the bundle's folder.
#[cfg(feature = "fs")]
const INFO_PLACES: [&str; 4] = ["Contents", "Support Files", "Resources", "."];
/// The names of it.
#[cfg(feature = "fs")]
const INFO_NAMES: [&str; 2] = ["Info.plist", "Info-macos.plist"];

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
fn is_bundle_of(tree: &dyn Tree, folder: &Path, file: &Path) -> bool {
    let Ok(layout) = Layout::open(tree, tree.root(), None) else {
        return false;
    };
    // What its executable is called is not known.
    layout.is_info_unread
        || layout.executable.is_some_and(|executable| {
            folder.join(tree.path(executable)) == file && layout.is_around(tree, executable)
        })
}

/// The bundle around the file at the root of `tree`, which is at the path `file`; `open` opens a folder. An archive is no bundle, whatever
/// is at its top, and neither is a whole disk.
pub(super) fn bundle_around(
    tree: &dyn Tree,
    file: &Path,
    open: impl FnOnce(&Path) -> Result<Arc<dyn Tree>, SourceError>,
) -> Option<Arc<dyn Tree>> {
    if !tree.node(tree.root()).is_file() {
        return None;
    }
    let folder = folder_around(file)?;
    folder.file_name()?;
    let bundle = open(folder).ok()?;
    is_bundle_of(&*bundle, folder, file).then_some(bundle)
}

/// Returns true if the folder around a file on disk may be its bundle, so that it is worth listing: there is an Info.plist where one may be,
/// or the folder is called like the file.
#[cfg(feature = "fs")]
pub(super) fn may_be_in_bundle(file: &Path) -> bool {
    let Some(folder) = folder_around(file) else {
        return false;
    };
    let has_info = |place: &str| has_name(&folder.join(place), &INFO_NAMES);
    INFO_PLACES.iter().any(|place| has_info(place)) || folder.file_stem() == file.file_name()
}
