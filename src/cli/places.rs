//! Files that a run writes must not be what it checks, or in it: a report in a bundle is a file that was added after signing.
//!
//! A file in a folder of several items is in none of them, so a report may be written there. Links are followed, since the
//! place counts where the bytes arrive.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::exit::Exit;
use crate::subject::{Origin, Search};

/// Links that are followed to find the place of a file.
const MAX_LINKS: usize = 40;

/// Refuses a file that is an item, or in one.
///
/// # Errors
/// The message and the exit status.
pub(super) fn check(
    files: &[PathBuf],
    operands: &[PathBuf],
    origin: &Origin,
    search: &Search<'_>,
) -> Result<(), (String, Exit)> {
    for file in files {
        // Devices and pipes belong to no item.
        if fs::metadata(file).is_ok_and(|found| !found.is_file()) {
            continue;
        }
        let place = resolved(file);
        for operand in operands {
            let touches = |item: &Path| {
                existing(item).is_some_and(|item| item.starts_with(&place) || place.starts_with(item))
            };
            if !touches(operand) {
                continue;
            }
            let items = match origin.items(operand, search) {
                Ok(found) => found.paths(),
                Err(_) => vec![operand.clone()],
            };
            if let Some(item) = items.iter().find(|item| touches(item)) {
                return Err((refusal(file, item), Exit::Usage));
            }
        }
    }
    Ok(())
}

fn refusal(file: &Path, item: &Path) -> String {
    let (file, shown) = (file.display(), item.display());
    if item.is_dir() {
        format!(
            "sealcheck: {file}: this file would be in {shown}, which is checked: a file that is added after signing breaks the \
             signature; choose a place outside of it"
        )
    } else {
        format!("sealcheck: {file}: this file would replace {shown}, which is checked; choose another name")
    }
}

/// Returns the real path of an item, or of the archive that it is in. Returns `None` if there is neither.
fn existing(path: &Path) -> Option<PathBuf> {
    let mut found = path.ancestors().filter_map(|place| place.canonicalize().ok());
    let found = found.next()?;
    let is_itself = path.canonicalize().is_ok();
    (is_itself || found.is_file()).then_some(found)
}

/// Returns the real path of a file. If there is no file yet, this is the path that it will get. Links are followed, also one whose
/// destination does not exist yet.
pub(super) fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match (path.canonicalize(), fs::read_link(&path)) {
            (Ok(real), _) => return real,
            (Err(_), Ok(destination)) => path = path.with_file_name("").join(destination),
            (Err(_), Err(_)) => break,
        }
    }
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    let name = path.file_name().unwrap_or(OsStr::new(""));
    folder.map_or_else(|_| path.clone(), |folder| folder.join(name))
}
