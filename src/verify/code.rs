//! Examines one code object with everything nested in it: a file, or a bundle with its seal.
//!
//! Specification 6.5–6.10. Nested code is examined in parallel; the order of the result depends on names only.
//! The requirement that a seal demands of nested code is not evaluated here yet; the object says so.

use rayon::prelude::*;

use super::{BoundFiles, CodeKind, CodeObject, Fault, FaultKind, Nesting, SealEvidence, SignatureKind};
use super::{SliceEvidence, examine};
use crate::blob::Slot;
use crate::bundle::{Item, ItemKind, Layout, Scan, Seal, SealEntry, SealedItem, scan};
use crate::hash::{HashType, Hasher};
use crate::macho::{Architecture, MachO, Slice, is_macho};
use crate::source::{NodeId, SourceError, Tree};

/// Bundles inside of bundles; Apple has no limit, real products nest at most six deep.
const MAX_NESTING: usize = 64;
/// Budget for a CodeResources: 100,000 files take some 30 MiB.
const MAX_CODE_RESOURCES: u64 = 512 << 20;
/// Budget for an Info.plist.
const MAX_INFO_PLIST: u64 = 16 << 20;

/// The object at `node`, then everything that its seal names as code, depth first.
pub(super) fn object<T: Tree + ?Sized>(
    tree: &T,
    node: NodeId,
    nesting: Nesting,
    depth: usize,
) -> Result<Vec<CodeObject>, SourceError> {
    let mut object = CodeObject {
        path: tree.path(node),
        kind: CodeKind::Generic,
        format: "generic".to_owned(),
        nesting,
        requirement_pending: nesting == Nesting::Sealed,
        parent: None,
        slices: Vec::new(),
        seal: None,
        faults: Vec::new(),
    };
    if depth > MAX_NESTING {
        push(&mut object, FaultKind::TooDeep, tree.path(node), None);
        return Ok(vec![object]);
    }
    if !tree.node(node).is_directory() {
        file(tree, node, BoundFiles::default(), &mut object)?;
        return Ok(vec![object]);
    }
    let layout = match Layout::open(tree, node) {
        Ok(layout) => layout,
        Err(error) => {
            push(&mut object, FaultKind::Bundle(error), tree.path(node), None);
            return Ok(vec![object]);
        }
    };
    object.kind = CodeKind::Bundle(layout.kind);
    let read = |node: Option<NodeId>, limit| node.map(|node| tree.small(node, limit)).transpose();
    let info_plist = read(layout.info_plist, MAX_INFO_PLIST)?;
    let code_resources = read(layout.code_resources, MAX_CODE_RESOURCES)?;
    let files = BoundFiles {
        is_bundle: true,
        info_plist: info_plist.as_deref(),
        code_resources: code_resources.as_deref(),
    };
    match layout.executable {
        Some(executable) => file(tree, executable, files, &mut object)?,
        None => push(&mut object, FaultKind::Unsigned, tree.path(node), None),
    }
    object.format = match layout.executable {
        Some(_) => format!("{}{}", layout.format_prefix(), object.format),
        None => layout.format_prefix().to_owned(),
    };
    for fault in &layout.faults {
        push(
            &mut object,
            FaultKind::Layout(fault.clone()),
            tree.path(node),
            None,
        );
    }
    let nested = resources(tree, &layout, code_resources.as_deref(), &mut object, depth)?;
    let mut objects = vec![object];
    for mut group in nested {
        // Indices inside of a group count from its own first object.
        let base = objects.len();
        for (index, object) in group.iter_mut().enumerate() {
            object.parent = Some(match (index, object.parent) {
                (0, _) | (_, None) => 0,
                (_, Some(parent)) => parent.saturating_add(base),
            });
        }
        objects.extend(group);
    }
    Ok(objects)
}

fn push(object: &mut CodeObject, kind: FaultKind, path: String, slice: Option<usize>) {
    object.faults.push(Fault { kind, path, slice });
}

/// The executable at `node`: every slice, primary first.
fn file<T: Tree + ?Sized>(
    tree: &T,
    node: NodeId,
    files: BoundFiles<'_>,
    object: &mut CodeObject,
) -> Result<(), SourceError> {
    let path = tree.path(node);
    let bytes = tree.bytes(node)?;
    if !is_macho(&bytes) {
        push(object, FaultKind::Unsigned, path, None);
        return Ok(());
    }
    if object.kind == CodeKind::Generic {
        object.kind = CodeKind::MachO;
    }
    let macho = match MachO::parse(&bytes) {
        Ok(macho) => macho,
        Err(error) => {
            push(object, FaultKind::MachO(error), path, None);
            return Ok(());
        }
    };
    for layout in macho.fat.iter().flat_map(|fat| &fat.faults) {
        push(object, FaultKind::Fat(*layout), path.clone(), None);
    }
    let slices = in_order(&macho);
    let examined: Vec<_> = slices.par_iter().map(|slice| examine(slice, files)).collect();
    for (index, (facts, faults)) in examined.into_iter().enumerate() {
        for kind in faults {
            push(object, kind, path.clone(), Some(index));
        }
        object.slices.push(facts);
    }
    compare_teams(object, &path);
    object.format = format(&macho);
    Ok(())
}

/// All signed slices must name the primary slice's team (specification 2.7).
fn compare_teams(object: &mut CodeObject, path: &str) {
    let Some((primary, others)) = object.slices.split_first() else {
        return;
    };
    let signed = |slice: &SliceEvidence| slice.signature != SignatureKind::Unsigned;
    let mut faults = Vec::new();
    for (index, slice) in (1..).zip(others) {
        if signed(primary) && signed(slice) && slice.team_id != primary.team_id {
            let (primary, other) = (primary.team_id.clone(), slice.team_id.clone());
            let kind = FaultKind::TeamDiffersBetweenSlices { primary, other };
            faults.push(Fault {
                kind,
                path: path.to_owned(),
                slice: Some(index),
            });
        }
    }
    object.faults.extend(faults);
}

/// The primary slice first, then the others by architecture.
fn in_order<'m, 'a>(macho: &'m MachO<'a>) -> Vec<&'m Slice<'a>> {
    let mut slices: Vec<_> = macho.slices.iter().collect();
    // An Apple silicon host prefers arm64e, which sorts before arm64; without either, the first in the file.
    let arm = slices
        .iter()
        .map(|slice| slice.architecture)
        .filter(|found| found.is_arm64())
        .min();
    let primary = arm.or_else(|| slices.first().map(|slice| slice.architecture));
    slices.sort_by_key(|slice| (Some(slice.architecture) != primary, slice.architecture));
    slices
}

/// `Mach-O thin (arm64)` or `Mach-O universal (x86_64 arm64)`.
fn format(macho: &MachO<'_>) -> String {
    let mut architectures: Vec<Architecture> = macho.slices.iter().map(|slice| slice.architecture).collect();
    architectures.sort();
    architectures.dedup();
    let names: Vec<_> = architectures.iter().map(ToString::to_string).collect();
    let word = if macho.fat.is_some() { "universal" } else { "thin" };
    format!("Mach-O {word} ({})", names.join(" "))
}

/// Checks the seal of a bundle; gives the nested code, one group per sealed object.
fn resources<T: Tree + ?Sized>(
    tree: &T,
    layout: &Layout,
    code_resources: Option<&[u8]>,
    object: &mut CodeObject,
    depth: usize,
) -> Result<Vec<Vec<CodeObject>>, SourceError> {
    let place = tree.path(layout.root);
    let Some(primary) = object.slices.first().filter(|slice| slice.hash_type.is_some()) else {
        return Ok(Vec::new());
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
        return Ok(Vec::new());
    };
    let seal = match Seal::parse(bytes) {
        Ok(seal) => seal,
        Err(error) => {
            push(object, FaultKind::Seal(error), place, None);
            return Ok(Vec::new());
        }
    };
    object.seal = Some(SealEvidence {
        version: seal.version,
        rules: seal.rules.len(),
        files: seal.entries.len(),
    });
    let prefix = if tree.lookup(layout.support, "Resources").id().is_some() {
        "Resources/"
    } else {
        ""
    };
    if seal.version < 2 {
        push(object, FaultKind::SealVersion1, place.clone(), None);
    } else if seal.rules.are_weak(seal.version, prefix) {
        push(object, FaultKind::SealWeak, place.clone(), None);
    }
    let found = scan(tree, layout, &seal);
    judge(tree, layout, found, &hash_types, object, depth)
}

/// Hashes the sealed files and examines the sealed code, in parallel.
fn judge<T: Tree + ?Sized>(
    tree: &T,
    layout: &Layout,
    found: Scan<'_>,
    hash_types: &[HashType],
    object: &mut CodeObject,
    depth: usize,
) -> Result<Vec<Vec<CodeObject>>, SourceError> {
    let support = tree.path(layout.support);
    let from_item = |path: &String| {
        if support.is_empty() {
            path.clone()
        } else {
            format!("{support}/{path}")
        }
    };
    let (files, code): (Vec<Item<'_>>, Vec<Item<'_>>) = found
        .items
        .into_iter()
        .partition(|item| item.kind == ItemKind::File);
    let changed: Vec<_> = files
        .par_iter()
        .filter(|item| !matches!(is_intact(tree, item.node, item.entry, hash_types), Ok(true)))
        .map(|item| item.path.clone())
        .collect();
    let mut modified: Vec<String> = found.modified.iter().chain(&changed).map(from_item).collect();
    modified.sort();
    let added: Vec<String> = found.added.iter().map(from_item).collect();
    let missing: Vec<String> = found.missing.iter().map(from_item).collect();
    for (path, fault) in &found.faults {
        push(object, FaultKind::Scan(*fault), from_item(path), None);
    }
    if !(added.is_empty() && modified.is_empty() && missing.is_empty()) {
        push(
            object,
            FaultKind::Resources {
                added,
                modified,
                missing,
            },
            tree.path(layout.root),
            None,
        );
    }
    code.par_iter().map(|item| nested(tree, item, depth)).collect()
}

fn nested<T: Tree + ?Sized>(tree: &T, item: &Item<'_>, depth: usize) -> Result<Vec<CodeObject>, SourceError> {
    let mut group = object(tree, item.node, Nesting::Sealed, depth.saturating_add(1))?;
    let SealedItem::Nested {
        cdhash: Some(sealed), ..
    } = &item.entry.item
    else {
        return Ok(group);
    };
    if let Some(first) = group.first_mut() {
        let is_same = first
            .slices
            .iter()
            .flat_map(|slice| &slice.cdhashes)
            .any(|cdhash| cdhash.truncated().as_bytes() == sealed.as_slice());
        if !is_same && !first.slices.is_empty() {
            let path = first.path.clone();
            push(first, FaultKind::NestedReplaced, path, None);
        }
    }
    Ok(group)
}

/// Whether the file has the sealed digest of every hash type that the CodeDirectories use.
fn is_intact<T: Tree + ?Sized>(
    tree: &T,
    node: NodeId,
    entry: &SealEntry,
    hash_types: &[HashType],
) -> Result<bool, SourceError> {
    let mut hasher = Hasher::new(hash_types);
    tree.for_each_chunk(node, &mut |chunk| hasher.update(chunk))?;
    Ok(hash_types.iter().all(
        |hash_type| match (entry.digest(*hash_type), hasher.digest(*hash_type)) {
            // Apple compares as many bytes as the digest has; longer sealed values pass (specification 6.8).
            (Some(sealed), Some(found)) => sealed.starts_with(found.as_bytes()),
            _ => false,
        },
    ))
}
