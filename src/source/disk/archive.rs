//! Archives on disk: finds the one that a path leads into, and opens it.

use std::path::Path;

use super::{DirectoryTree, whole_at};
use crate::archive::ContainerFormat;
use crate::limits::Limits;
use crate::source::{Archive, SourceError, Tree, container_format, shown_path};

/// Returns true if a file is an archive that can be opened: it begins like one, or its directory can be read although something
/// is in front of the archive.
fn is_archive(path: &Path, limits: &Limits) -> bool {
    // A folder would be listed.
    let tree = path.is_file().then(|| DirectoryTree::open(path, limits));
    let Some(Ok(tree)) = tree else {
        return false;
    };
    tree.node(tree.root()).is_file()
        && matches!(
            container_format(&tree, tree.root()),
            Ok(Some(ContainerFormat::Zip))
        )
}

/// The archive on disk that a path leads into, and the path in it.
pub(in crate::source) fn archive_around<'p>(path: &'p Path, limits: &Limits) -> Option<(&'p Path, &'p Path)> {
    let archive = path.ancestors().skip(1).find(|ancestor| ancestor.is_file())?;
    let inner = path.strip_prefix(archive).ok()?;
    is_archive(archive, limits).then_some((archive, inner))
}

/// Reads the directory of an archive.
///
/// # Errors
/// [`SourceError`] where it cannot be read.
pub(in crate::source) fn open_archive(path: &Path, limits: &Limits) -> Result<Archive, SourceError> {
    let shown = || shown_path(path);
    let real = path
        .canonicalize()
        .map_err(|error| SourceError::io(shown(), &error))?;
    Archive::of(whole_at(&real, &shown, limits)?, path, limits)
}
