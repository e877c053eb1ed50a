//! What lies where no seal reaches: attached data, places that every seal leaves out, strangers in `_CodeSignature`.
//!
//! Specification 6.11 and 6.12, native observations 5.3 and 7.1.

use super::context::Context;
use super::{CodeObject, Fault, FaultKind, Oddity, SidebandPlace, SignatureFiles};
use crate::blob::Slot;
use crate::bundle::{Layout, LayoutFault};
use crate::codedir::CodeDirectoryFlags;
use crate::source::{NodeId, Tree};

/// The attributes that strict validation refuses (specification 6.11, native observation 7.1). Of root and executable
/// only the first counts.
pub(super) fn sideband<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    node: NodeId,
    on: SidebandPlace,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !context.tree.has_attributes(node) {
        return faults;
    }
    for attribute in ["com.apple.ResourceFork", "com.apple.FinderInfo"] {
        let value = match context.tree.attribute(node, attribute) {
            Ok(value) => value,
            Err(error) => {
                faults.push(Fault {
                    kind: FaultKind::Unreadable(error),
                    path: context.tree.path(node),
                    slice: None,
                });
                break;
            }
        };
        // The system stores neither an empty fork nor information that is all zeros.
        if value.is_some_and(|value| value.iter().any(|byte| *byte != 0)) {
            faults.push(Fault {
                kind: FaultKind::Sideband { attribute, on },
                path: context.tree.path(node),
                slice: None,
            });
            if on != SidebandPlace::Resource {
                break;
            }
        }
    }
    faults
}

/// What lies where every seal leaves it out, other than what belongs there (specification 6.12).
pub(super) fn hiding_places<T: Tree + ?Sized>(tree: &T, layout: &Layout, object: &mut CodeObject) {
    let mut pending = Vec::new();
    for name in ["_MASReceipt", "CodeResources"] {
        let place = tree.lookup(layout.support, name).id();
        pending.extend(place.filter(|place| tree.node(*place).is_directory()));
    }
    while let Some(directory) = pending.pop() {
        for child in tree.children(directory) {
            let path = tree.path_from(layout.support, *child);
            if tree.node(*child).is_directory() {
                pending.push(*child);
            } else if path != "_MASReceipt/receipt" {
                object.push(FaultKind::Oddity(Oddity::HidingPlace), tree.path(*child), None);
            }
        }
    }
}

/// Strangers in `_CodeSignature`: a CodeResources that no special slot binds, and files that are no part of the
/// signature (specification 6.11, native observation 5.3). An empty CodeSignature is tolerated.
pub(super) fn guests<T: Tree + ?Sized>(
    tree: &T,
    layout: &Layout,
    files: &SignatureFiles,
    object: &mut CodeObject,
) {
    let Some(primary) = object.slices.first().filter(|slice| slice.hash_type.is_some()) else {
        return;
    };
    let is_bound = primary
        .slots
        .iter()
        .any(|slot| slot.slot == Slot::RESOURCE_DIRECTORY && slot.bound);
    let first = Slot::ALTERNATE_CODE_DIRECTORY.0;
    let alternates = (first..)
        .take_while(|number| files.contains_key(&Slot(*number)))
        .last()
        .unwrap_or_default();
    let is_adhoc = primary.flags.contains(CodeDirectoryFlags::ADHOC);
    let is_used = |slot: Slot| match slot {
        Slot::SIGNATURE if files.get(&slot).is_some_and(Vec::is_empty) => true,
        _ if !primary.is_signed_beside => false,
        Slot::SIGNATURE => !is_adhoc,
        Slot::CODE_DIRECTORY => true,
        Slot(number) if number >= first => number <= alternates,
        Slot(number) => number <= primary.special_slots,
    };
    let mut strangers: Vec<NodeId> = layout
        .signature_files
        .iter()
        .filter(|(slot, _)| !is_used(*slot))
        .map(|(_, node)| *node)
        .collect();
    strangers.extend(layout.code_resources.filter(|_| !is_bound));
    for node in strangers {
        // A link that stands for it is another fault.
        let name = tree.node(node).text().into_owned();
        let kind = FaultKind::Layout(LayoutFault::MetaGuest { name });
        object.push(kind, tree.path(node), None);
    }
}
