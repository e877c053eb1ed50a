//! Decides what an entry of a folder or archive is: code, a container, or harmless.
//!
//! The kernel runs neither object files nor debug symbols, so files that are both by type and by name are left out. An object
//! file under another name is an item, because `codesign` and old kernels take one for code.

use crate::bundle::{BundleKind, Layout, MainFile};
use crate::container::{CONTAINER_HEAD, ContainerFormat, container_format_of, named_folder};
use crate::hash::Kernel;
use crate::macho::{CodePlan, FileType, MachO, begins_as_macho, thin_file_type};
use crate::source::{MAX_LINKS, NodeId, ResolveError, SourceError, Tree, View, Wants, judge_file};

/// The folder to which the usual link in a disk image leads.
const APPLICATIONS: &[u8] = b"/Applications";
/// Folders without code that macOS opens as one document, which runs something.
const DOCUMENTS: [&str; 3] = ["workflow", "scptd", "action"];
/// Files that Terminal runs when they are opened.
const SCRIPTS: [&str; 2] = ["command", "tool"];
/// Folders with debug symbols.
const SYMBOLS: &str = "dSYM";
/// Names of object files.
const OBJECTS: [&str; 3] = ["o", "lo", "obj"];

/// What a regular file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// Code, or a script that macOS runs when it is opened.
    Code,
    /// A container.
    Container(ContainerFormat),
    /// Harmless, for this reason.
    Skipped(&'static str),
}

/// What the file at a node is.
///
/// # Errors
/// [`SourceError`] where it cannot be read.
pub(super) fn entry(tree: &dyn Tree, id: NodeId) -> Result<Entry, SourceError> {
    let node = tree.node(id);
    let head = tree.head(id, CONTAINER_HEAD)?;
    if begins_as_macho(&head, node.size) {
        let reason = symbols(tree, id, &head)?;
        return Ok(reason.map_or(Entry::Code, Entry::Skipped));
    }
    if has_extension(&node.text(), &SCRIPTS) {
        return Ok(Entry::Code);
    }
    Ok(match container_format_of(tree, id, &head)? {
        Some(format) => Entry::Container(format),
        None if head.is_empty() => Entry::Skipped("an empty file"),
        None => Entry::Skipped("neither code nor a container"),
    })
}

fn has_extension(name: &str, known: &[&str]) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|found| known.iter().any(|known| found.eq_ignore_ascii_case(known)))
}

/// Why a Mach-O file is not code that runs: all of its slices are debug symbols, or object files in a file with such a name.
fn symbols(tree: &dyn Tree, id: NodeId, head: &[u8]) -> Result<Option<&'static str>, SourceError> {
    let is_named_object = has_extension(&tree.node(id).text(), &OBJECTS);
    let types: Vec<FileType> = match thin_file_type(head) {
        Some(file_type) => vec![file_type],
        // Of a universal file the headers of all slices must be read: only where the place or the name is that of symbols.
        None if is_named_object || is_in_symbols(tree, id) => {
            let types = |file: View<'_>| {
                let file = MachO::parse(file).ok()?;
                Some(file.slices.iter().map(|slice| slice.file_type).collect())
            };
            let (kernel, wants) = (Kernel::default(), Wants::default());
            match judge_file(tree, id, kernel, &wants, &mut CodePlan::headers(), types)? {
                Some(types) => types,
                None => return Ok(None),
            }
        }
        None => return Ok(None),
    };
    let all = |wanted| types.iter().all(|found| *found == wanted);
    Ok(if all(FileType::DSYM) {
        Some("debug symbols")
    } else if is_named_object && all(FileType::OBJECT) {
        Some("an object file")
    } else {
        None
    })
}

/// Returns true if a folder around the node has the name of debug symbols.
fn is_in_symbols(tree: &dyn Tree, id: NodeId) -> bool {
    let mut at = id;
    while let Some(parent) = tree.node(at).parent {
        if has_extension(&tree.node(parent).text(), &[SYMBOLS]) {
            return true;
        }
        at = parent;
    }
    false
}

/// Why a link is left out; `None` if it leads out of the tree.
pub(super) fn link(tree: &dyn Tree, id: NodeId) -> Option<&'static str> {
    let target = tree.link_target(id).unwrap_or_default();
    if target.strip_suffix(b"/").unwrap_or(target) == APPLICATIONS {
        return Some("a link to the folder Applications");
    }
    match tree.resolve(id, "", MAX_LINKS) {
        Ok(_) => Some("a link to something else in the operand"),
        // Where a budget is spent, it is not known where the link leads.
        Err(ResolveError::Escapes | ResolveError::OverBudget) => None,
        Err(ResolveError::Missing | ResolveError::Loop | ResolveError::NotDirectory) => {
            Some("a link that leads nowhere")
        }
    }
}

/// The format of a container that is a folder: a sparse bundle, or a package with the files of one.
pub(super) fn package_folder(tree: &dyn Tree, folder: NodeId) -> Option<ContainerFormat> {
    let format = named_folder(&tree.node(folder).name)?;
    let has = |place: &str| tree.lookup(folder, place).id().is_some();
    let is_one = match format {
        ContainerFormat::DiskImage => has("bands") || has("Info.plist"),
        _ => {
            let contents = tree.lookup(folder, "Contents").id();
            contents.is_some_and(|contents| {
                let names = tree.children(contents).iter().map(|id| tree.node(*id).text());
                let is_part = |name: &str| {
                    let name = name.to_ascii_lowercase();
                    name == "info.plist" || name.starts_with("archive.") || name.ends_with(".dist")
                };
                names.into_iter().any(|name| is_part(&name))
            })
        }
    };
    is_one.then_some(format)
}

/// Returns true if a folder among others is judged as a whole.
pub(super) fn is_bundle(tree: &dyn Tree, folder: NodeId) -> bool {
    let name = tree.node(folder).text();
    if BundleKind::of_name(&name).is_some() || has_extension(&name, &DOCUMENTS) {
        return true;
    }
    // Debug symbols have an Info.plist; code in them must be seen.
    if has_extension(&name, &[SYMBOLS]) {
        return false;
    }
    Layout::open(tree, folder, None).is_ok_and(|layout| {
        layout.info_plist.is_some() && (layout.executable.is_some() || layout.code_resources.is_some())
    })
}

/// Returns true if the folder that is the operand is judged as a whole. A folder with no more than an executable of its own name is not:
/// nothing seals what else is in it.
pub(super) fn is_operand_bundle(tree: &dyn Tree) -> bool {
    let root = tree.root();
    let name = tree.node(root).text();
    if BundleKind::of_name(&name).is_some() || has_extension(&name, &DOCUMENTS) {
        return true;
    }
    Layout::open(tree, root, None).is_ok_and(|layout| {
        layout.info_plist.is_some()
            || layout.code_resources.is_some()
            || layout.main_kind != MainFile::Executable
    })
}

/// The format of the container that the root of a tree is, if it is one. Code is never taken for a container, as for `codesign`.
pub fn format_of(tree: &dyn Tree) -> Result<Option<ContainerFormat>, SourceError> {
    let root = tree.root();
    if !tree.node(root).is_file() {
        return Ok(None);
    }
    match entry(tree, root) {
        Ok(Entry::Container(format)) => Ok(Some(format)),
        // Why a member cannot be unpacked is evidence.
        Ok(_) | Err(SourceError::Member { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
