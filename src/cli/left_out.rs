//! Items that a configuration leaves out of a run: `[[ignore]]` with `item` and without `rule`.
//!
//! A path that the command line names itself is never left out. The file in the working folder leaves nothing out where the
//! command line makes demands, since it cannot weaken them. What is left out is reported and counted; where nothing else is
//! left, nothing was judged.

use std::fs;
use std::path::{Path, PathBuf};

use super::complain;
use crate::report::LeftOut;
use crate::rule::Pattern;
use crate::source::shown_path;
use crate::time::UnixTime;

/// One entry of a configuration.
#[derive(Debug, Clone)]
pub(super) struct Omission {
    /// The name of the item or of a folder or archive around it, or the path below the operand of one of these.
    pub(super) item: Pattern,
    /// Why.
    pub(super) reason: String,
    /// From when on it is void.
    pub(super) expires: Option<UnixTime>,
    /// The place of the entry, such as `sealcheck.toml:12`.
    pub(super) origin: String,
}

impl Omission {
    /// Returns true if the item below this operand is meant: by its name, by its path from the operand or by its path as the command line
    /// spells it. The operand itself never is.
    fn is_about(&self, item: &Path, operand: &Path) -> bool {
        let Ok(below) = item.strip_prefix(operand) else {
            return false;
        };
        // Whoever leaves an archive or a folder out means what is in it.
        let mut places = below.ancestors();
        places.any(|place| !place.as_os_str().is_empty() && is_place(&self.item, place, operand))
    }
}

/// Returns true if the pattern means a place below an operand.
fn is_place(pattern: &Pattern, place: &Path, operand: &Path) -> bool {
    let whole = operand.join(place);
    let mut names = [place.file_name().map(Path::new), Some(place), Some(plain(&whole))]
        .into_iter()
        .flatten();
    names.any(|name| pattern.is_match(&shown_path(name)))
}

/// A path without `./` before it.
fn plain(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}

/// The places where a run looks for items: whether an item that it does not have could have been there.
#[derive(Debug, Default)]
pub(super) struct Reached {
    /// Operands with items in them.
    folders: Vec<PathBuf>,
    /// Operands that are items themselves.
    items: Vec<PathBuf>,
}

impl Reached {
    /// Adds an operand, with the items that were found in it.
    pub(super) fn add<'i>(&mut self, operand: &Path, mut items: impl Iterator<Item = &'i Path>) {
        let is_item = items.any(|item| item == operand);
        let list = if is_item {
            &mut self.items
        } else {
            &mut self.folders
        };
        list.push(operand.to_owned());
    }

    /// Returns true if an item that the pattern means would be among those of the run. It would not where the run looks into no folder, where
    /// the command line names the item itself, and where the working folder has it outside of the folders of the run.
    pub(super) fn covers(&self, pattern: &Pattern) -> bool {
        let is_operand = |operand: &PathBuf| {
            let name = operand.file_name().map(Path::new);
            let mut names = name.into_iter().chain([plain(operand)]);
            names.any(|name| pattern.is_match(&shown_path(name)))
        };
        let mut operands = self.folders.iter().chain(&self.items);
        if self.folders.is_empty() || operands.any(is_operand) {
            return false;
        }
        !is_elsewhere(pattern, &self.folders)
    }
}

/// Files and folders that are looked at for an item that the run does not have.
const MAX_SEEN: usize = 20_000;

/// Returns true if a file or folder that the pattern means is, or may be, in the working folder and not in these folders of the run.
fn is_elsewhere(pattern: &Pattern, folders: &[PathBuf]) -> bool {
    let is_of_run = |path: &Path| folders.iter().any(|folder| plain(folder) == path);
    if is_of_run(Path::new("")) {
        return false;
    }
    let mut left = MAX_SEEN;
    let mut queue = vec![PathBuf::from(".")];
    while let Some(folder) = queue.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            return true;
        };
        for entry in entries.flatten() {
            let Some(fewer) = left.checked_sub(1) else {
                return true;
            };
            left = fewer;
            let path = entry.path();
            let path = plain(&path);
            if is_of_run(path) {
                continue;
            }
            // The path from any folder that may be an operand of another run.
            let mut rest = path.components();
            while !rest.as_path().as_os_str().is_empty() {
                if pattern.is_match(&shown_path(rest.as_path())) {
                    return true;
                }
                rest.next();
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                queue.push(path.to_path_buf());
            }
        }
    }
    false
}

/// Applies the entries of one run.
pub(super) struct Omissions<'a> {
    /// Each entry that has not ended, and whether it was used.
    entries: Vec<(&'a Omission, bool)>,
    /// What was left out so far.
    pub(super) left_out: Vec<LeftOut>,
}

impl<'a> Omissions<'a> {
    /// Begins a run at this time, and warns about entries that have ended.
    pub(super) fn begin(all: &'a [Omission], at: UnixTime) -> Self {
        let mut entries = Vec::new();
        for omission in all {
            if omission.expires.is_some_and(|end| at >= end) {
                complain(&format!(
                    "sealcheck: warning: {}: this ignore has ended and leaves nothing out; remove it",
                    omission.origin
                ));
            } else {
                entries.push((omission, false));
            }
        }
        Self {
            entries,
            left_out: Vec::new(),
        }
    }

    /// Returns true, and reports it, if the item is left out.
    pub(super) fn leaves_out(&mut self, item: &Path, operand: &Path) -> bool {
        let mut by = None;
        for (omission, is_used) in &mut self.entries {
            if omission.is_about(item, operand) {
                *is_used = true;
                by.get_or_insert(*omission);
            }
        }
        let Some(omission) = by else { return false };
        let path = shown_path(item);
        complain(&format!(
            "sealcheck: {path}: left out: {} ({})",
            omission.reason, omission.origin
        ));
        self.left_out.push(LeftOut {
            path,
            reason: omission.reason.clone(),
            origin: omission.origin.clone(),
            place: String::new(),
        });
        true
    }

    /// Warns about entries that no item matched, although it would have been reached.
    pub(super) fn end(self, reached: &Reached) -> Vec<LeftOut> {
        for (omission, is_used) in &self.entries {
            if !is_used && reached.covers(&omission.item) {
                complain(&format!(
                    "sealcheck: warning: {}: no item of the run is called {:?}; correct this name, or remove the ignore",
                    omission.origin,
                    omission.item.text()
                ));
            }
        }
        self.left_out
    }
}
