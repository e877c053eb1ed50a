//! Looks at one operand and gathers its evidence: the item, the code that its seals name, and code that merely
//! lies in it.

use std::collections::HashSet;
use std::path::Path;

use super::{CodeObject, CodesignVerdict, Nesting, code, fold};
use crate::bundle::Layout;
use crate::macho::is_macho;
use crate::source::{DirectoryTree, Limits, NodeId, SourceError, Tree};

/// What to verify and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Budgets for reading.
    pub limits: Limits,
}

/// Numbers about the work done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Regular files in the item.
    pub files: u64,
    /// Slices examined.
    pub slices: u64,
    /// Bytes of code hashed.
    pub bytes_hashed: u64,
}

/// Everything known about one item.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The operand as given.
    pub path: String,
    /// The item's code objects: itself first, then nested code.
    pub code: Vec<CodeObject>,
    /// What `codesign` would answer.
    pub codesign: CodesignVerdict,
    /// Places that could not be read, so that nothing follows from what was not found there.
    pub gaps: Vec<String>,
    /// Numbers about the work.
    pub statistics: Statistics,
}

/// Verifies the code at `path`.
///
/// # Errors
/// [`SourceError`] when it cannot be read. Every defect of the code itself is evidence, not an error.
pub fn verify(path: &Path, options: &Options) -> Result<Evidence, SourceError> {
    let tree = DirectoryTree::open(path, &options.limits)?;
    let mut code = code::object(&tree, tree.root(), Nesting::Item, 0)?;
    let mut known: HashSet<String> = code.iter().map(|object| object.path.clone()).collect();
    for node in unsealed_code(&tree, &known)? {
        if known.insert(tree.path(node)) {
            for mut object in code::object(&tree, node, Nesting::Found, 1)? {
                object.nesting = Nesting::Found;
                object.parent = Some(0);
                known.insert(object.path.clone());
                code.push(object);
            }
        }
    }
    let gaps: Vec<String> = tree.gaps().iter().map(|gap| tree.path(gap.node)).collect();
    let codesign = fold(&code, !gaps.is_empty());
    let slices = || code.iter().flat_map(|object| &object.slices);
    let statistics = Statistics {
        files: nodes(&tree)
            .filter(|id| tree.node(*id).is_file())
            .fold(0, |sum, _| sum.saturating_add(1)),
        slices: slices().fold(0, |sum, _| sum.saturating_add(1)),
        bytes_hashed: slices().fold(0, |sum, slice| sum.saturating_add(slice.bytes_hashed)),
    };
    Ok(Evidence {
        path: path.to_string_lossy().into_owned(),
        code,
        codesign,
        gaps,
        statistics,
    })
}

fn nodes<T: Tree + ?Sized>(tree: &T) -> impl Iterator<Item = NodeId> {
    (0..u32::try_from(tree.len()).unwrap_or(u32::MAX)).map(NodeId)
}

/// Mach-O files that no seal names as code, or the bundles that they are the main executable of.
fn unsealed_code<T: Tree + ?Sized>(tree: &T, known: &HashSet<String>) -> Result<Vec<NodeId>, SourceError> {
    let mut found = Vec::new();
    if !tree.node(tree.root()).is_directory() {
        return Ok(found);
    }
    for node in nodes(tree).filter(|id| tree.node(*id).is_file()) {
        if !is_macho(&tree.head(node, 8)?) {
            continue;
        }
        match bundle_of(tree, node) {
            Some(bundle) => found.push(bundle),
            None if !known.contains(&tree.path(node)) => found.push(node),
            None => {}
        }
    }
    found.sort_by_key(|node| tree.path(*node));
    Ok(found)
}

/// The nearest directory above `node` that is a bundle with this main executable.
fn bundle_of<T: Tree + ?Sized>(tree: &T, node: NodeId) -> Option<NodeId> {
    // Four levels: NAME.app/Contents/MacOS/NAME and NAME.framework/Versions/A/NAME.
    let mut at = tree.node(node).parent;
    for _ in 0..4 {
        let directory = at?;
        let is_candidate = directory == tree.root() || tree.node(directory).text().contains('.');
        if is_candidate && Layout::open(tree, directory).is_ok_and(|found| found.executable == Some(node)) {
            return Some(directory);
        }
        at = tree.node(directory).parent;
    }
    None
}
