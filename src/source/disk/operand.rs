//! What is asked about paths on disk before anything is listed.

use std::ffi::OsStr;
use std::path::Path;

/// The file that a path leads through, if it does: what is in it is not on the disk.
pub(crate) fn file_around(path: &Path) -> Option<&Path> {
    path.ancestors().skip(1).find(|ancestor| ancestor.is_file())
}

/// Returns true if a folder has something with one of these names, whatever the case of its letters.
pub(crate) fn has_name(folder: &Path, names: &[&str]) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let is_one = |name: &OsStr| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    entries.flatten().any(|entry| is_one(&entry.file_name()))
}
