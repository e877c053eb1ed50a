//! Which bundle a file stands for, since it is its main executable.
//!
//! Specification 6.1 (3) (`DiskRep::bestGuess`, `_CFBundleCreateWithExecutableURLIfMightBeBundle`), and the nearest bundle around code
//! that was found beside what seals name.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::bundle::Layout;
use crate::source::{NodeId, Tree};

/// The main executables of the directories that were asked for theirs: files may be many, and the folders around them are few.
#[derive(Debug, Default)]
pub(super) struct MainExecutables(Mutex<HashMap<NodeId, MainExecutable>>);

/// What a directory says about its main executable.
#[derive(Debug, Clone, Copy, Default)]
struct MainExecutable {
    executable: Option<NodeId>,
    /// Whether macOS takes that file for the bundle.
    stands_for_bundle: bool,
}

impl MainExecutables {
    fn of<T: Tree + ?Sized>(&self, tree: &T, directory: NodeId) -> MainExecutable {
        // A poisoned lock only means that another thread ended early; the table is whole.
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&directory) {
            return *known;
        }
        let found =
            Layout::open(tree, directory, None).map_or(MainExecutable::default(), |layout| MainExecutable {
                executable: layout.executable,
                stands_for_bundle: layout
                    .executable
                    .is_some_and(|executable| layout.is_around(tree, executable)),
            });
        lock().insert(directory, found);
        found
    }
    /// The bundle that a file which a seal names stands for, since it is its main executable (`DiskRep::bestGuess`,
    /// `_CFBundleCreateWithExecutableURLIfMightBeBundle`).
    pub(super) fn bundle_of_main<T: Tree + ?Sized>(&self, tree: &T, node: NodeId) -> Option<NodeId> {
        let above = |node: NodeId| tree.node(node).parent;
        let mut directory = above(node)?;
        if tree.node(directory).text() == "MacOS" {
            directory = above(directory)?;
            if tree.node(directory).text() == "Executables" {
                directory = above(directory)?;
            }
            directory = above(directory)?;
        }
        let main = self.of(tree, directory);
        (main.executable == Some(node) && main.stands_for_bundle).then_some(directory)
    }

    /// The nearest directory above `node` that is a bundle with this main executable.
    pub(super) fn bundle_of<T: Tree + ?Sized>(&self, tree: &T, node: NodeId) -> Option<NodeId> {
        // Four levels: NAME.app/Contents/MacOS/NAME and NAME.framework/Versions/A/NAME. A version without a link to
        // it is a bundle by itself.
        let mut at = tree.node(node).parent;
        for _ in 0..4 {
            let directory = at?;
            let facts = tree.node(directory);
            let is_version = facts
                .parent
                .is_some_and(|parent| tree.node(parent).text() == "Versions");
            let is_candidate = is_version || directory == tree.root() || facts.text().contains('.');
            if is_candidate && self.of(tree, directory).executable == Some(node) {
                return Some(directory);
            }
            at = tree.node(directory).parent;
        }
        None
    }
}
