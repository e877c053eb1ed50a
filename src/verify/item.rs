//! Gathers the evidence about one item: its own code, the code that its seals name, and code that no seal names.

use std::collections::HashSet;
use std::sync::Arc;

use super::code::{object, object_or_unreadable, unreadable};
use super::context::Context;
use super::heads::Heads;
use super::item_evidence::sort_unread;
use super::main_executables::MainExecutables;
use super::tickets::TicketStore;
use super::{
    CodeKind, CodeObject, Evidence, Fault, FaultKind, Nesting, Oddity, Options, ProfileEvidence, Statistics,
    TicketEvidence,
};
use crate::budget::OverBudget;
use crate::macho::{MACHO_HEAD, begins_as_macho, needs_macho_head};
use crate::parallel;
use crate::source::{Gap, Listing, NodeId, SourceError, Tree, Unread};
use crate::timing::Phase;

/// Files whose first bytes one task reads.
const HEADS_PER_TASK: usize = 256;

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

/// The evidence about an item that is not judged, because its budget is spent.
pub(crate) fn given_up<T: Tree + ?Sized>(tree: &T, options: &Options, over: OverBudget) -> Evidence {
    let mut item = CodeObject::new(String::new(), "unreadable", Nesting::Item);
    item.push(FaultKind::Budget(over), String::new(), None);
    let path = tree.full_path(tree.root());
    Evidence::of_code(path, vec![item], Arc::clone(tree.listing()), options)
}

fn gather<T: Tree + ?Sized>(tree: &T, options: &Options) -> Result<Evidence, SourceError> {
    if let Some(progress) = &options.progress {
        let sizes = nodes(tree).map(|id| tree.node(id)).filter(|node| node.is_file());
        progress.expect(sizes.fold(0, |sum, node| sum.saturating_add(node.size)));
    }
    let mut tickets = options.measure(Phase::Certificates, || TicketStore::open(tree, options));
    let context = Context {
        tree,
        options,
        tickets: &tickets,
        heads: &Heads::new(tree.len()),
        main_executables: &MainExecutables::default(),
    };
    let mut code = match object(&context, tree.root(), Nesting::Item, 0, None) {
        // Why a member cannot be unpacked is a fact about the item, which its archive explains.
        Err(error @ (SourceError::Member { .. } | SourceError::Budget { .. })) => {
            vec![unreadable(&context, tree.root(), Nesting::Item, error)]
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
                    object.push(FaultKind::Oddity(Oddity::BundleAsData), path, None);
                }
                code.push(object);
            }
        }
    }
    options.measure(Phase::Certificates, || tickets.add_embedded(&mut code, options));
    unread.extend(code.iter().flat_map(unread_parts));
    unread.extend(tickets.tickets.iter().filter_map(TicketEvidence::unread));
    sort_unread(&mut unread);
    let path = tree.full_path(tree.root());
    let mut evidence = Evidence {
        unread,
        tickets: tickets.tickets,
        statistics: statistics(tree, &code),
        ..Evidence::of_code(path, code, Arc::clone(tree.listing()), options)
    };
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
        let node = context.main_executables.bundle_of(tree, *file).unwrap_or(*file);
        let group = object_or_unreadable(context, node, Nesting::Found, 1, None);
        Some((*file, group))
    };
    let judge = |file: &NodeId| context.options.measure(Phase::Other, || judge(file));
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
        None => context.options.measure(Phase::Contents, || begins(tree, *node)),
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
