//! Programs that were signed as the main executable of a bundle which macOS does not recognize any more.
//!
//! Without Info.plist, or with one that cannot be read or names another file, the program in `Contents/MacOS` is a file by itself for
//! `codesign`: it covers an Info.plist and a seal that are not there, and its claims have no profile. All of that follows from what is
//! wrong with the bundle. Only the special slot of the resource seal tells such a program from one that never was a main executable.

use std::collections::HashMap;

use super::check::above;
use crate::blob::Slot;
use crate::verify::{CodeKind, CodeObject, Evidence, Fault, FaultKind, SlotProblem};

/// Why macOS does not find the main executable of a bundle.
pub(super) const UNRECOGNIZED: &[&str] = &["not-a-bundle", "info-plist-invalid", "bundle-executable-missing"];

/// The bundles without a main executable, by the paths of the code that findings about them are about.
pub(super) struct Displaced<'e>(HashMap<&'e str, &'e str>);

impl<'e> Displaced<'e> {
    /// Finds them; none where the budget is spent.
    pub(super) fn of(evidence: &'e Evidence) -> Self {
        let code = evidence.searched();
        let objects: HashMap<&str, &CodeObject> =
            code.iter().map(|object| (object.path.as_str(), object)).collect();
        let mut bundles = HashMap::new();
        for object in code {
            if has_info_plist_only(object) {
                bundles.insert(object.path.as_str(), object.path.as_str());
            }
            let folders = object.path.matches('/').count().saturating_add(1);
            let looked = object.path.len().saturating_mul(folders);
            if !was_main_executable(object) || evidence.budget().scan(looked).is_err() {
                continue;
            }
            let around = above(&object.path).find_map(|path| objects.get(path));
            if let Some(bundle) = around.filter(|bundle| has_no_program(bundle)) {
                bundles.insert(object.path.as_str(), bundle.path.as_str());
            }
        }
        Self(bundles)
    }

    /// Returns the path of the bundle, where the code at this path is one or was signed as the main executable of one.
    pub(super) fn bundle(&self, path: &str) -> Option<&'e str> {
        self.0.get(path).copied()
    }
}

/// Returns the programs that were signed as the main executable of the bundle at this path.
pub(super) fn programs<'e>(evidence: &'e Evidence, bundle: &str) -> Vec<&'e str> {
    let displaced = Displaced::of(evidence);
    let mut programs: Vec<&str> = displaced
        .0
        .into_iter()
        .filter(|(path, around)| *around == bundle && *path != bundle)
        .map(|(path, _)| path)
        .collect();
    programs.sort_unstable();
    programs
}

/// Returns true if the signature of a file covers a resource seal, which only main executables of bundles do.
fn was_main_executable(object: &CodeObject) -> bool {
    let is_seal_missing = |fault: &Fault| {
        matches!(
            fault.kind,
            FaultKind::SpecialSlot {
                slot: Slot::RESOURCE_DIRECTORY,
                problem: SlotProblem::Missing,
            }
        )
    };
    object.kind == CodeKind::MachO && object.faults.iter().any(is_seal_missing)
}

/// Returns true if macOS finds no program in the bundle.
fn has_no_program(object: &CodeObject) -> bool {
    object.slices.iter().all(|slice| slice.architecture.is_none())
}

/// Returns true if the signature of a bundle would have to cover Info.plist, since there is no main executable.
fn has_info_plist_only(object: &CodeObject) -> bool {
    let info_plist = object.info_plist_file.as_ref().map(|file| &file.path);
    info_plist.is_some() && object.executable.as_ref() == info_plist
}
