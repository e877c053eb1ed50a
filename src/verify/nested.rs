//! Examines the code that a seal names, and holds the requirements of the seal against it (specification 6.10).

use super::code_object::adopt;
use super::context::Context;
use super::links::Scope;
use super::verdict::failure;
use super::{CodeObject, FaultKind, Nesting, satisfies};
use crate::bundle::{Item, Layout, SealedItem};
use crate::requirement::Requirement;
use crate::source::{NodeId, Tree};

/// Examines the code at a node with everything in it: how it was found, how deep it is, and the seal that names it.
type Examine<'e> = &'e (dyn Fn(NodeId, Nesting, usize, &Scope<'_>) -> Vec<CodeObject> + Sync);

/// How code in a bundle is examined.
#[derive(Clone, Copy)]
pub(super) struct Nested<'e> {
    /// How deep it is.
    pub(super) depth: usize,
    /// What examines it.
    pub(super) examine: Examine<'e>,
}

/// What became of the requirement that a seal demands of nested code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demand {
    Met,
    Failed,
    /// It depends on what is not known here, or the code itself is at fault.
    Unknown,
    /// It is no requirement.
    Malformed,
}

/// Examines nested code and holds the seal's requirement against every slice (specification 6.10).
pub(super) fn nested<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    item: &Item<'_>,
    nested: Nested<'_>,
    scope: &Scope<'_>,
) -> (Vec<CodeObject>, Demand) {
    let mut group = (nested.examine)(item.node, Nesting::Sealed, nested.depth, scope);
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
        first.push(FaultKind::NestedReplaced, path, None);
    }
    other_versions(context, item, &requirement, nested, scope, &mut group);
    (group, demand)
}

/// Every other version of a nested framework must verify and satisfy the same requirement (specification 6.10,
/// `validateOtherVersions`).
fn other_versions<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    item: &Item<'_>,
    requirement: &Requirement,
    nested: Nested<'_>,
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
        let mut found = (nested.examine)(version, nesting, nested.depth.saturating_add(1), scope);
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
                first.push(FaultKind::FrameworkVersion { version, system }, path, None);
            }
        }
        for object in &mut found {
            object.nesting = nesting;
        }
        adopt(group, found);
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
                nested.push(FaultKind::Requirement(fault), path, Some(index));
                return Demand::Unknown;
            }
        }
    }
    result
}
