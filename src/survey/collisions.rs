//! Finds names in one folder that a usual Mac volume takes for one, because they differ in case only.
//!
//! Not compared: names that differ in their normal form.

use std::collections::HashMap;

use crate::source::{NodeId, Tree};

/// A name that differs from another one in the same folder in case only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// Path relative to the item.
    pub path: String,
    /// The other name.
    pub other: String,
}

/// Names in one folder that a case-insensitive volume takes for one.
pub(super) fn collisions<T: Tree + ?Sized>(tree: &T) -> Vec<Collision> {
    let mut found = Vec::new();
    for directory in tree.listing().ids().filter(|id| tree.node(*id).is_directory()) {
        // Names that are all in lower case differ by more.
        let is_plain = |id: &NodeId| {
            let name = &tree.node(*id).name;
            name.iter()
                .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
        };
        if tree.children(directory).iter().all(is_plain) {
            continue;
        }
        let mut names: HashMap<String, NodeId> = HashMap::new();
        for child in tree.children(directory) {
            let folded = tree.node(*child).text().to_lowercase();
            if let Some(other) = names.insert(folded, *child) {
                found.push(Collision {
                    path: tree.path(*child),
                    other: tree.node(other).text().into_owned(),
                });
            }
        }
    }
    found
}
