//! Looks at one operand and gathers its evidence: the item, the code that its seals name, and code that merely
//! lies in it.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::code::{self, Context};
use super::files::Heads;
use super::item_entry::{Entry, entry};
use super::main_executable;
use super::mains::{Mains, bundle_of};
use super::tickets::TicketStore;
use super::{
    CodeKind, CodeObject, Evidence, Fault, FaultKind, Item, LaunchdJob, Nesting, Oddity, Options, OsStatus,
    ProfileEvidence, Statistics, TicketEvidence, Unopened, Unread, archives, launchd, profiles, resources,
};
use crate::archive::ContainerFormat;
use crate::budget::OverBudget;
use crate::macho::{MACHO_HEAD, begins_as_macho, needs_macho_head};
use crate::parallel;
#[cfg(feature = "fs")]
use crate::source::DirectoryTree;
use crate::source::{ArchiveTree, Gap, Listing, MemoryTree, NodeId, SourceError, Tree, shown_path};

/// Files whose first bytes one task reads.
const HEADS_PER_TASK: usize = 256;

/// Verifies one item of `items`.
///
/// # Errors
/// [`SourceError`] when it cannot be read. Every defect of the code itself is evidence, not an error.
pub fn verify_item(item: &Item, options: &Options) -> Result<Evidence, SourceError> {
    let Some(unopened) = item.unopened else {
        #[cfg(feature = "fs")]
        if let Some(tree) = &item.listed.0 {
            return verify_on_disk(&item.path, tree, options);
        }
        return verify(&item.path, options);
    };
    let mut evidence = not_opened(&item.path, unopened, options);
    if let Some((archive, _)) = options.archives.around(&item.path, &options.limits)? {
        evidence.container = Some(archive.container());
    }
    evidence.judge();
    Ok(evidence)
}

/// Verifies the code at `path`, which may lead into archives: `Acme.zip/Acme.app`.
///
/// # Errors
/// [`SourceError`] when it cannot be read. Every defect of the code itself is evidence, not an error.
pub fn verify(path: &Path, options: &Options) -> Result<Evidence, SourceError> {
    if let Some((archive, inner)) = options.archives.around(path, &options.limits)? {
        let open = |inner: &Path| ArchiveTree::new(Arc::clone(&archive), inner, &options.limits);
        let tree = open(&inner)?;
        let tree = main_executable::bundle_around(&tree, &inner, open).unwrap_or(tree);
        let format = format_of(&tree)?;
        let mut evidence = match refusal(format, options) {
            Some(unopened) => not_opened(path, unopened, options),
            None => verify_tree(&tree, options)?,
        };
        // Nothing follows from the bytes of an archive that another process was writing.
        if !tree.is_unchanged() {
            return Err(SourceError::Changed {
                path: tree.container().path,
            });
        }
        evidence.path = shown_path(path);
        evidence.container = Some(tree.container());
        evidence.format = format;
        evidence.judge();
        return Ok(evidence);
    }
    if let Some(files) = options.archives.memory() {
        let open = |path: &Path| MemoryTree::open(&files, path, &options.limits);
        let tree = open(path)?;
        let tree = main_executable::bundle_around(&tree, path, open).unwrap_or(tree);
        return verify_root(path, &tree, tree.full_path(tree.root()), options);
    }
    #[cfg(feature = "fs")]
    return verify_on_disk(path, &DirectoryTree::open(path, &options.limits)?, options);
    #[cfg(not(feature = "fs"))]
    Err(SourceError::NoSuchMember {
        path: shown_path(path),
    })
}

/// Verifies the code at `path`, which `tree` has listed.
#[cfg(feature = "fs")]
fn verify_on_disk(path: &Path, tree: &DirectoryTree, options: &Options) -> Result<Evidence, SourceError> {
    let open = |folder: &Path| DirectoryTree::open(folder, &options.limits);
    let bundle = main_executable::may_be_in_bundle(tree.base())
        .then(|| main_executable::bundle_around(tree, tree.base(), open));
    let bundle = bundle.flatten();
    let tree = bundle.as_ref().unwrap_or(tree);
    verify_root(path, tree, shown_path(tree.base()), options)
}

/// Verifies the code at the root of `tree`, which is called `path` and really is at `root`.
fn verify_root<T: Tree>(
    path: &Path,
    tree: &T,
    root: String,
    options: &Options,
) -> Result<Evidence, SourceError> {
    let format = format_of(tree)?;
    if let Some(unopened) = refusal(format, options) {
        let mut evidence = not_opened(path, unopened, options);
        evidence.root = root;
        return Ok(evidence);
    }
    let mut evidence = verify_tree(tree, options)?;
    evidence.path = shown_path(path);
    evidence.root = root;
    evidence.format = format;
    // One with a signature of its own is a file like others.
    let is_signed = evidence.codesign.status() != Some(OsStatus::UNSIGNED);
    if format == Some(ContainerFormat::Zip) && !is_signed && !options.containers_are_files {
        let archive = options.archives.open(path, &options.limits);
        evidence.as_archive = archive.ok().map(|archive| archive.container_of_all());
    }
    evidence.judge();
    Ok(evidence)
}

/// The format of the container that the root of a tree is, if it is one. Code is never taken for a container, as for `codesign`.
fn format_of<T: Tree>(tree: &T) -> Result<Option<ContainerFormat>, SourceError> {
    let root = tree.root();
    if !tree.node(root).is_file() {
        return Ok(None);
    }
    let found = entry(tree, root);
    match found {
        Ok(Entry::Container(format)) => Ok(Some(format)),
        // Why a member cannot be unpacked is evidence.
        Ok(_) | Err(SourceError::Member { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Why a container of this format is not opened. Archives in ZIP form are.
fn refusal(format: Option<ContainerFormat>, options: &Options) -> Option<Unopened> {
    let format = format.filter(|format| *format != ContainerFormat::Zip)?;
    // The signature of a disk image is in the image itself, where it is not read yet.
    let is_file = options.containers_are_files && format != ContainerFormat::DiskImage;
    (!is_file).then_some(Unopened::Container(format))
}

/// The evidence about an item that is not opened: there is none but its name.
fn not_opened(path: &Path, unopened: Unopened, options: &Options) -> Evidence {
    let shown = shown_path(path);
    let name = path.file_name().unwrap_or_default();
    let listing = Arc::new(Listing::of_file(name.as_encoded_bytes(), &options.limits));
    let mut evidence = Evidence::of_code(shown, Vec::new(), listing, options);
    evidence.unopened = Some(unopened);
    if let Unopened::Container(format) = unopened {
        evidence.format = Some(format);
    }
    evidence.judge();
    evidence
}

/// Verifies the code at the root of `tree`. An item whose budget is spent is not judged as a whole: how far its reading came
/// depends on threads, so that nothing of it is told but the budget.
///
/// # Errors
/// [`SourceError`] when the main file of the root cannot be read.
pub fn verify_tree<T: Tree + ?Sized>(tree: &T, options: &Options) -> Result<Evidence, SourceError> {
    let options = &Options {
        budget: Arc::clone(tree.budget()),
        ..options.clone()
    };
    if let Some(over) = tree.budget().spent() {
        return Ok(given_up(tree, options, over));
    }
    let before = tree.budget().cost();
    let mut gathered = gather(tree, options);
    if tree.budget().is_spent() && parallel::threads() > 1 {
        // Which of two budgets is spent first depends on threads, unless there is only one.
        drop(gathered);
        tree.budget().rewind(before);
        tree.listing().forget_tables();
        gathered = parallel::alone(|| gather(tree, options));
    }
    match tree.budget().spent() {
        Some(over) => Ok(given_up(tree, options, over)),
        None => gathered,
    }
}

/// The evidence about an item that is not judged.
fn given_up<T: Tree + ?Sized>(tree: &T, options: &Options, over: OverBudget) -> Evidence {
    let mut item = CodeObject::new(String::new(), "unreadable", Nesting::Item);
    code::push(&mut item, FaultKind::Budget(over), String::new(), None);
    let path = tree.full_path(tree.root());
    Evidence::of_code(path, vec![item], Arc::clone(tree.listing()), options)
}

fn gather<T: Tree + ?Sized>(tree: &T, options: &Options) -> Result<Evidence, SourceError> {
    if let Some(progress) = &options.progress {
        let sizes = nodes(tree).map(|id| tree.node(id)).filter(|node| node.is_file());
        progress.expect(sizes.fold(0, |sum, node| sum.saturating_add(node.size)));
    }
    let mut tickets = TicketStore::open(tree, options);
    let context = Context {
        tree,
        options,
        tickets: &tickets,
        heads: &Heads::new(tree.len()),
        mains: &Mains::default(),
    };
    let mut code = match code::object(&context, tree.root(), Nesting::Item, 0, None) {
        // Why a member cannot be unpacked is a fact about the item, which its archive explains.
        Err(error @ (SourceError::Member { .. } | SourceError::Budget { .. })) => {
            vec![resources::unreadable(&context, tree.root(), Nesting::Item, error)]
        }
        found => found?,
    };
    let mut known: HashSet<String> = code
        .iter()
        .filter_map(|object| object.executable.clone())
        .collect();
    let mut unread: Vec<Unread> = tree.gaps().iter().map(|gap| unread_gap(tree, gap)).collect();
    let mut files = macho_files(&context, &mut unread);
    // Nothing is known about what is in a bundle of which a part of its own was not read.
    let dark: Vec<String> = code
        .iter()
        .filter(|object| is_dark(object, tree.listing()))
        .map(inside)
        .collect();
    files.retain(|file| {
        let path = tree.path(*file);
        !dark.iter().any(|folder| path.starts_with(folder.as_str()))
    });
    // Those at one depth at a time: what a bundle seals lies as deep as its executable, or deeper.
    for files in files.chunk_by(|one, other| depth(tree, *one) == depth(tree, *other)) {
        for (file, group) in found_code(&context, files, &known) {
            if known.contains(&tree.path(file)) {
                continue;
            }
            for mut object in group {
                // Its seal may name code that was found before.
                if object
                    .executable
                    .as_ref()
                    .is_some_and(|path| known.contains(path))
                {
                    continue;
                }
                known.extend(object.executable.clone());
                object.nesting = Nesting::Found;
                object.parent = Some(0);
                if is_sealed_as_data(&object) {
                    let path = object.path.clone();
                    code::push(&mut object, FaultKind::Oddity(Oddity::BundleAsData), path, None);
                }
                code.push(object);
            }
        }
    }
    if let Some(item) = code.first_mut() {
        for (path, other) in collisions(tree) {
            code::push(
                item,
                FaultKind::Oddity(Oddity::NamesCollide { other }),
                path,
                None,
            );
        }
    }
    profiles::find_misplaced(tree, &mut code);
    tickets.add_embedded(&mut code, options);
    let launchd_jobs = launchd::jobs(tree);
    unread.extend(code.iter().flat_map(unread_parts));
    unread.extend(tickets.tickets.iter().filter_map(TicketEvidence::unread));
    unread.extend(launchd_jobs.iter().filter_map(LaunchdJob::unread).cloned());
    unread.sort_by(|one, other| (&one.path, one.limit).cmp(&(&other.path, other.limit)));
    unread.dedup();
    let path = tree.full_path(tree.root());
    let mut evidence = Evidence {
        unread,
        tickets: tickets.tickets,
        launchd_jobs,
        statistics: statistics(tree, &code),
        ..Evidence::of_code(path, code, Arc::clone(tree.listing()), options)
    };
    if !options.skips_archives {
        evidence.archives = archives::archives(tree, options);
    }
    evidence.judge();
    Ok(evidence)
}

/// What each of these files is, in their order; those that are known already are left out. They are judged in parallel, so that
/// the seal of one may name another that was judged for nothing.
fn found_code<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    files: &[NodeId],
    known: &HashSet<String>,
) -> Vec<(NodeId, Vec<CodeObject>)> {
    let judge = |file: &NodeId| {
        let tree = context.tree;
        if known.contains(&tree.path(*file)) {
            return None;
        }
        let node = bundle_of(context, *file).unwrap_or(*file);
        let group = code::object(context, node, Nesting::Found, 1, None)
            .unwrap_or_else(|error| vec![resources::unreadable(context, node, Nesting::Found, error)]);
        Some((*file, group))
    };
    parallel::map(files, 1, judge).into_iter().flatten().collect()
}

/// Number of folders between a node and the root.
fn depth<T: Tree + ?Sized>(tree: &T, node: NodeId) -> usize {
    tree.path(node).matches('/').count()
}

/// A bundle among the resources: for the seal, a folder of files.
fn is_sealed_as_data(object: &CodeObject) -> bool {
    let is_bundle = matches!(object.kind, CodeKind::Bundle(_));
    is_bundle && object.path.split('/').any(|part| part == "Resources")
}

/// Names in one folder that a case-insensitive volume takes for one; the path of each, and the name before it.
fn collisions<T: Tree + ?Sized>(tree: &T) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for directory in nodes(tree).filter(|id| tree.node(*id).is_directory()) {
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
                found.push((tree.path(*child), tree.node(other).text().into_owned()));
            }
        }
    }
    found
}

fn unread_gap<T: Tree + ?Sized>(tree: &T, gap: &Gap) -> Unread {
    Unread {
        path: tree.path(gap.node),
        reason: gap.reason.to_string(),
        limit: gap.reason.budget(),
    }
}

/// Returns true if the code object is a bundle whose own files could not be read, or that was not entered.
fn is_dark(object: &CodeObject, listing: &Listing) -> bool {
    let is_unread = |fault: &Fault| fault.unread().is_some() || fault.limit().is_some();
    let is_hidden = || listing.may_hide_names(&object.path);
    object.slices.is_empty()
        && (object.faults.iter().any(is_unread) || object.faults.iter().any(Fault::is_absence) && is_hidden())
}

/// What the paths in a code object begin with.
fn inside(object: &CodeObject) -> String {
    match object.path.as_str() {
        "" => String::new(),
        path => format!("{path}/"),
    }
}

/// What could not be read of a code object.
fn unread_parts(object: &CodeObject) -> impl Iterator<Item = Unread> {
    let profile = object.profile.as_ref().and_then(ProfileEvidence::unread);
    object.faults.iter().filter_map(Fault::unread).chain(profile)
}

fn statistics<T: Tree + ?Sized>(tree: &T, code: &[CodeObject]) -> Statistics {
    let slices = || code.iter().flat_map(|object| &object.slices);
    Statistics {
        files: nodes(tree)
            .filter(|id| tree.node(*id).is_file())
            .fold(0, |sum, _| sum.saturating_add(1)),
        slices: slices()
            .filter(|slice| slice.architecture.is_some())
            .fold(0, |sum, _| sum.saturating_add(1)),
        bytes_hashed: slices().fold(0, |sum, slice| sum.saturating_add(slice.bytes_hashed)),
    }
}

fn nodes<T: Tree + ?Sized>(tree: &T) -> impl Iterator<Item = NodeId> {
    (0..u32::try_from(tree.len()).unwrap_or(u32::MAX)).map(NodeId)
}

/// Returns true if the file at the node begins like Mach-O.
fn begins<T: Tree + ?Sized>(tree: &T, node: NodeId) -> Result<bool, SourceError> {
    // There may be many, and nothing can be said about them.
    if tree.node(node).size == 0 {
        return Ok(false);
    }
    let mut head = tree.head(node, 8)?;
    if needs_macho_head(&head) {
        head = tree.head(node, MACHO_HEAD)?;
    }
    Ok(begins_as_macho(&head, tree.node(node).size))
}

/// All files that start like Mach-O, those of outer folders first, so that a bundle is met before what it seals.
fn macho_files<T: Tree + ?Sized>(context: &Context<'_, T>, unread: &mut Vec<Unread>) -> Vec<NodeId> {
    let tree = context.tree;
    if !tree.node(tree.root()).is_directory() {
        return Vec::new();
    }
    // What no seal covers was not read yet.
    let files: Vec<NodeId> = nodes(tree).filter(|id| tree.node(*id).is_file()).collect();
    let read = |node: &NodeId| match context.heads.is_macho(*node) {
        Some(known) => Ok(known),
        None => begins(tree, *node),
    };
    let begins = parallel::map(&files, HEADS_PER_TASK, read);
    let mut found = Vec::new();
    for (node, is_macho) in files.into_iter().zip(begins) {
        match is_macho {
            Ok(true) => found.push(node),
            Ok(false) => {}
            Err(error) => {
                unread.push(Unread::new(tree.path(node), &error));
            }
        }
    }
    found.sort_by_cached_key(|node| (depth(tree, *node), tree.path(*node)));
    found
}
