//! Holds the files of a bundle against its seal, and examines the code that the seal names.
//!
//! Specification 6.6–6.10 (`SecStaticCode::validateResources`). Files and nested code are judged in parallel.

use std::collections::HashSet;

use super::code::{Context, below, object, push};
use super::files;
use super::links::{self, Scope};
use super::outside::sideband;
use super::verdict::failure;
use super::{CodeObject, Fault, FaultKind, Nesting, Oddity, SealEvidence, SidebandPlace, satisfies};
use crate::blob::Slot;
use crate::bundle::{Item, ItemKind, Layout, Scan, ScanFault, Seal, SealedItem, scan};
use crate::hash::HashType;
use crate::parallel;
use crate::requirement::Requirement;
use crate::source::{MAX_LINKS, NodeId, SourceError, Tree};
use crate::timing::Phase;

/// Files whose attributes one task asks for: a question is a few system calls.
const ATTRIBUTES_PER_TASK: usize = 256;

/// Checks the seal of a bundle; gives the nested code, one group per sealed object.
pub(super) fn judge<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    layout: &Layout,
    code_resources: Option<&[u8]>,
    object: &mut CodeObject,
    depth: usize,
    outer: Option<&Scope<'_>>,
) -> Vec<Vec<CodeObject>> {
    let tree = context.tree;
    let place = tree.path(layout.root);
    let Some(primary) = object.slices.first().filter(|slice| slice.hash_type.is_some()) else {
        return Vec::new();
    };
    let slot = primary
        .slots
        .iter()
        .find(|slot| slot.slot == Slot::RESOURCE_DIRECTORY);
    let mut hash_types: Vec<HashType> = primary.cdhashes.iter().map(|cdhash| cdhash.hash_type).collect();
    hash_types.dedup();
    let (Some(bytes), true) = (code_resources, slot.is_some_and(|slot| slot.bound)) else {
        // A digest without file is reported by the slot itself.
        if !slot.is_some_and(|slot| slot.bound) {
            push(object, FaultKind::SealAbsent, place, None);
        }
        return Vec::new();
    };
    let seal = match Seal::parse_within(bytes, tree.limits(), tree.budget()) {
        Ok(seal) => seal,
        Err(error) => {
            let place = layout.code_resources.map_or(place, |node| tree.path(node));
            push(object, FaultKind::Seal(error), place, None);
            return Vec::new();
        }
    };
    object.seal = Some(SealEvidence {
        version: seal.version,
        rules: seal.rules.len(),
        files: seal.entries.len(),
        lists_ticket: seal.entries.get("CodeResources").is_some(),
    });
    if seal.rules.are_weak(seal.version, layout.resources_prefix) {
        push(object, FaultKind::SealWeak, place.clone(), None);
    }
    if seal.version < 2 {
        push(object, FaultKind::SealVersion1, place.clone(), None);
    }
    for (sealed, _) in seal.entries.iter().filter(|(path, _)| escapes(path)) {
        let sealed = sealed.to_owned();
        push(
            object,
            FaultKind::Oddity(Oddity::SealedPathEscapes { sealed }),
            place.clone(),
            None,
        );
    }
    let found = scan(tree, layout, &seal, &hash_types);
    if tree.budget().is_spent() {
        return Vec::new();
    }
    let scope = Scope::new(layout, &seal.rules, outer, object.nesting);
    sealed_links(context, &found, &scope, object);
    items(context, &scope, layout, found, &hash_types, object, depth)
}

/// Whether a sealed path could lead out of the bundle.
fn escapes(path: &str) -> bool {
    path.starts_with('/') || path.split('/').any(|part| part == "..")
}

/// Where the sealed links lead.
fn sealed_links<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    found: &Scan<'_>,
    scope: &Scope<'_>,
    object: &mut CodeObject,
) {
    for link in &found.opened {
        if let Some(problem) = links::opened(context.tree, scope, *link) {
            let place = context.tree.path(*link);
            push(object, FaultKind::LinkUnopened(problem), place, None);
        }
    }
    let changed: HashSet<&str> = found.modified.iter().map(String::as_str).collect();
    for (path, link) in &found.links {
        let place = context.tree.path(*link);
        // Of a link with another text than sealed, the destination does not matter.
        if !changed.contains(path) {
            let fault = match links::destination(context.tree, scope, *link) {
                Some(_) => Some(FaultKind::LinkDestination),
                None => links::assumed(context.tree, *link).map(|target| FaultKind::AssumedLink { target }),
            };
            if let Some(kind) = fault {
                push(object, kind, place, None);
            }
        }
    }
}

/// Hashes the sealed files and examines the sealed code.
fn items<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    scope: &Scope<'_>,
    layout: &Layout,
    found: Scan<'_>,
    hash_types: &[HashType],
    object: &mut CodeObject,
    depth: usize,
) -> Vec<Vec<CodeObject>> {
    let support = context.tree.path(layout.support);
    let from_item = |path: &str| below(&support, path);
    let (files, code): (Vec<&Item<'_>>, Vec<&Item<'_>>) =
        found.items.iter().partition(|item| item.kind == ItemKind::File);
    let readings = files::read(context, &files, hash_types);
    let mut known = readings.iter().map(|reading| reading.may_have_attributes);
    let suspects = found
        .items
        .iter()
        .filter(|item| item.kind != ItemKind::File || known.next().unwrap_or(true))
        .map(|item| item.node)
        .chain(found.others.iter().copied())
        .chain(found.opened.iter().copied());
    object
        .faults
        .extend(attached_data(context, &suspects.collect::<Vec<_>>()));
    let mut modified: Vec<String> = found.modified.iter().map(|path| from_item(path)).collect();
    for (file, reading) in files.iter().zip(readings) {
        match reading.intact {
            Ok(true) => {}
            Ok(false) => modified.push(from_item(file.path)),
            Err(error) => push(object, FaultKind::Unreadable(*error), from_item(file.path), None),
        }
    }
    let added: Vec<String> = found.added.iter().map(|path| from_item(path)).collect();
    let missing: Vec<String> = found.missing.iter().map(|path| from_item(path)).collect();
    for (path, fault) in &found.faults {
        push(object, FaultKind::Scan(*fault), from_item(path), None);
    }
    let judge = |item: &&Item<'_>| {
        let options = context.options;
        options.measure(Phase::Other, || nested(context, item, depth, scope))
    };
    let judged = parallel::map(&code, 1, judge);
    let mut groups = Vec::new();
    let mut failed = Vec::new();
    for (item, (group, demand)) in code.iter().zip(judged) {
        match demand {
            Demand::Met | Demand::Unknown => {}
            Demand::Failed => failed.push(from_item(item.path)),
            Demand::Malformed => {
                let kind = FaultKind::Scan(ScanFault::MalformedEntry);
                push(object, kind, from_item(item.path), None);
            }
        }
        groups.push(group);
    }
    modified.extend(failed.iter().cloned());
    modified.sort();
    if !(added.is_empty() && modified.is_empty() && missing.is_empty()) {
        let kind = FaultKind::Resources {
            added,
            modified,
            missing,
            nested: failed,
        };
        push(object, kind, context.tree.path(layout.root), None);
    }
    groups
}

/// Resource forks and Finder information of what the walk met, before any of it is compared with the seal (`validateResource`).
/// Links are opened: what counts is the destination, under the name of the link.
fn attached_data<T: Tree + ?Sized>(context: &Context<'_, T>, nodes: &[NodeId]) -> Vec<Fault> {
    let tree = context.tree;
    let ask = |node: &NodeId| {
        let opened = match (tree.link_target(*node), tree.node(*node).parent) {
            (None, _) | (_, None) => *node,
            (Some(_), Some(parent)) => {
                let name = tree.node(*node).text();
                match tree.resolve(parent, &name, MAX_LINKS) {
                    Ok(destination) => destination,
                    // That it leads nowhere is a fault of its own; what is outside of the item is not read.
                    Err(_) => return Vec::new(),
                }
            }
        };
        let mut faults = sideband(context, opened, SidebandPlace::Resource);
        for fault in &mut faults {
            fault.path = tree.path(*node);
        }
        faults
    };
    let ask = |node: &NodeId| context.options.measure(Phase::Contents, || ask(node));
    let found = parallel::map(nodes, ATTRIBUTES_PER_TASK, ask);
    found.into_iter().flatten().collect()
}

/// What became of the requirement that a seal demands of nested code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    Met,
    Failed,
    /// It depends on what is not known here, or the code itself is at fault.
    Unknown,
    /// It is no requirement.
    Malformed,
}

/// Examines nested code and holds the seal's requirement against every slice (specification 6.10).
fn nested<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    item: &Item<'_>,
    depth: usize,
    scope: &Scope<'_>,
) -> (Vec<CodeObject>, Demand) {
    let depth = depth.saturating_add(1);
    let mut group = object(context, item.node, Nesting::Sealed, depth, Some(scope))
        .unwrap_or_else(|error| vec![unreadable(context, item.node, Nesting::Sealed, error)]);
    let SealedItem::Nested { requirement, cdhash } = &item.entry.item else {
        return (group, Demand::Malformed);
    };
    let Ok(requirement) = Requirement::from_text(requirement) else {
        return (group, Demand::Malformed);
    };
    let Some(first) = group.first_mut() else {
        return (group, Demand::Unknown);
    };
    let demand = demand(first, &requirement);
    first.requirement_pending = demand == Demand::Unknown;
    let cdhashes: Vec<_> = first.slices.iter().flat_map(|slice| &slice.cdhashes).collect();
    let is_same = cdhash.as_ref().is_none_or(|sealed| {
        cdhashes
            .iter()
            .any(|cdhash| cdhash.truncated().as_bytes() == sealed.as_slice())
    });
    if demand == Demand::Met && !is_same {
        let path = first.path.clone();
        push(first, FaultKind::NestedReplaced, path, None);
    }
    other_versions(context, item, &requirement, depth, scope, &mut group);
    (group, demand)
}

/// Every other version of a nested framework must verify and satisfy the same requirement (specification 6.10,
/// `validateOtherVersions`).
fn other_versions<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    item: &Item<'_>,
    requirement: &Requirement,
    depth: usize,
    scope: &Scope<'_>,
    group: &mut Vec<CodeObject>,
) {
    let tree = context.tree;
    if !item.path.ends_with(".framework") {
        return;
    }
    let Ok(layout) = Layout::open(tree, item.node, None) else {
        return;
    };
    for version in layout.other_versions {
        let nesting = Nesting::OtherVersion;
        let mut found = object(context, version, nesting, depth.saturating_add(1), Some(scope))
            .unwrap_or_else(|error| vec![unreadable(context, version, nesting, error)]);
        let is_unmet = found
            .first_mut()
            .is_none_or(|first| demand(first, requirement) == Demand::Failed);
        let failed = failure(&found, 0, &context.options.flags);
        let system = failed
            .filter(|(_, fault)| fault.is_of_the_system())
            .and_then(|(_, fault)| fault.status());
        if is_unmet || failed.is_some() {
            let path = tree.path(item.node);
            let version = tree.path(version);
            if let Some(first) = group.first_mut() {
                push(first, FaultKind::FrameworkVersion { version, system }, path, None);
            }
        }
        // Indices inside of a group count from its own first object.
        let base = group.len();
        for (index, object) in found.iter_mut().enumerate() {
            object.parent = Some(match (index, object.parent) {
                (0, _) | (_, None) => 0,
                (_, Some(parent)) => parent.saturating_add(base),
            });
            object.nesting = nesting;
        }
        group.extend(found);
    }
}

/// The first slice that does not satisfy the requirement decides; what cannot be evaluated is a fault of the code.
fn demand(nested: &mut CodeObject, requirement: &Requirement) -> Demand {
    let path = nested.main_path();
    let signed: Vec<_> = nested
        .slices
        .iter()
        .enumerate()
        .filter(|(_, slice)| slice.hash_type.is_some() && !slice.is_duplicate)
        .map(|(index, slice)| (index, satisfies(slice, requirement)))
        .collect();
    let mut result = if signed.is_empty() {
        Demand::Unknown
    } else {
        Demand::Met
    };
    for (index, answer) in signed {
        match answer {
            Ok(Some(true)) => {}
            Ok(Some(false)) => {
                nested.unmet_slice = Some(index);
                return Demand::Failed;
            }
            Ok(None) => result = Demand::Unknown,
            Err(fault) => {
                push(nested, FaultKind::Requirement(fault), path, Some(index));
                return Demand::Unknown;
            }
        }
    }
    result
}

/// A code object that could not even be opened.
pub(super) fn unreadable<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    node: NodeId,
    nesting: Nesting,
    error: SourceError,
) -> CodeObject {
    let path = context.tree.path(node);
    let mut object = CodeObject::new(path.clone(), "unreadable", nesting);
    // The file that failed may lie inside of the object.
    let root = context.tree.full_path(context.tree.root());
    let inside = error
        .path()
        .and_then(|path| path.strip_prefix(&root)?.strip_prefix('/'));
    let place = inside.map_or(path, str::to_owned);
    push(&mut object, FaultKind::Unreadable(error), place, None);
    object
}
