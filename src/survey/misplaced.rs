//! Finds provisioning profiles where macOS does not look for any (technical note TN3125).

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::source::Tree;
use crate::verify::{CodeKind, CodeObject};

/// Paths that are kept for one bundle; one is enough to understand.
const MAX_MISPLACED: usize = 16;

/// Finds every other profile in the item, by the index of the innermost bundle around it.
pub(super) fn misplaced_profiles<T: Tree + ?Sized>(
    tree: &T,
    code: &[CodeObject],
) -> BTreeMap<usize, Vec<String>> {
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let in_place: HashSet<String> = code
        .iter()
        .filter_map(|object| Some(object.profile.as_ref()?.path.clone()))
        .collect();
    // Of several with one path the last one counts.
    let bundles: HashMap<String, usize> = code
        .iter()
        .enumerate()
        .filter(|(_, object)| matches!(object.kind, CodeKind::Bundle(_)))
        .map(|(index, object)| (object.path.clone(), index))
        .collect();
    for node in tree.listing().ids() {
        let facts = tree.node(node);
        let is_profile = [".provisionprofile", ".mobileprovision"].iter().any(|extension| {
            let start = facts.name.len().checked_sub(extension.len());
            let end = start.and_then(|start| facts.name.get(start..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(extension.as_bytes()))
        });
        if !is_profile || facts.is_directory() {
            continue;
        }
        let path = tree.path(node);
        if in_place.contains(&path) {
            continue;
        }
        let folders = path.rmatch_indices('/').filter_map(|(at, _)| path.get(..at));
        let owner = folders.chain(std::iter::once("")).find_map(|folder| {
            tree.budget().scan(folder.len()).ok()?;
            bundles.get(folder)
        });
        if let Some(owner) = owner {
            let paths = found.entry(*owner).or_default();
            if paths.len() < MAX_MISPLACED {
                paths.push(path);
            }
        }
    }
    found
}
