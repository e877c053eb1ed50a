//! Holds the files of a bundle against its seal, and examines the code that the seal names.
//!
//! Specification 6.6–6.10 (`SecStaticCode::validateResources`). Files and nested code are judged in parallel.

use std::collections::HashSet;

use super::code_object::below;
use super::context::Context;
use super::files;
use super::links::{self, Scope};
use super::nested::{Demand, Nested, nested as examine_nested};
use super::unsealed::sideband;
use super::{CodeObject, Fault, FaultKind, Oddity, SealEvidence, SidebandPlace};
use crate::blob::Slot;
use crate::bundle::{Item, ItemKind, Layout, Scan, ScanFault, Seal, scan};
use crate::hash::HashType;
use crate::parallel;
use crate::source::{MAX_LINKS, NodeId, Tree};
use crate::timing::Phase;

/// Files whose attributes one task asks for: a question is a few system calls.
const ATTRIBUTES_PER_TASK: usize = 256;

/// Checks the seal of a bundle; gives the nested code, one group per sealed object.
pub(super) fn judge<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    layout: &Layout,
    code_resources: Option<&[u8]>,
    object: &mut CodeObject,
    nested: Nested<'_>,
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
            object.push(FaultKind::SealAbsent, place, None);
        }
        return Vec::new();
    };
    let seal = match Seal::parse_within(bytes, tree.limits(), tree.budget()) {
        Ok(seal) => seal,
        Err(error) => {
            let place = layout.code_resources.map_or(place, |node| tree.path(node));
            object.push(FaultKind::Seal(error), place, None);
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
        object.push(FaultKind::SealWeak, place.clone(), None);
    }
    if seal.version < 2 {
        object.push(FaultKind::SealVersion1, place.clone(), None);
    }
    for (sealed, _) in seal.entries.iter().filter(|(path, _)| escapes(path)) {
        let sealed = sealed.to_owned();
        object.push(
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
    items(context, &scope, layout, found, &hash_types, object, nested)
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
            object.push(FaultKind::LinkUnopened(problem), place, None);
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
                object.push(kind, place, None);
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
    nested: Nested<'_>,
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
            Err(error) => object.push(FaultKind::Unreadable(*error), from_item(file.path), None),
        }
    }
    let added: Vec<String> = found.added.iter().map(|path| from_item(path)).collect();
    let missing: Vec<String> = found.missing.iter().map(|path| from_item(path)).collect();
    for (path, fault) in &found.faults {
        object.push(FaultKind::Scan(*fault), from_item(path), None);
    }
    let judge = |item: &&Item<'_>| {
        let options = context.options;
        options.measure(Phase::Other, || examine_nested(context, item, nested, scope))
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
                object.push(kind, from_item(item.path), None);
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
        object.push(kind, context.tree.path(layout.root), None);
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
