//! The verdict of `codesign --verify --deep --strict`, folded from faults in Apple's order.
//!
//! Specification 11.2: creation; slice by slice (primary first) signature, special slots, pages; the seal; nested
//! code in the order of the scan; files added, modified, missing; strict rules. A fault without status never
//! changes the verdict, and neither does code that no seal names. What is not known here
//! leaves the verdict open unless a failure is already proven.

use std::collections::HashMap;

use super::{
    CodeObject, CodesignAnswer, CodesignFailure, CodesignFlags, CodesignVerdict, Evaluated, Fault, FaultKind,
    Nesting, NotJudged, OsStatus, RequirementFault, SidebandPlace, Stage,
};
use crate::bundle::{LayoutError, LayoutFault, ScanFault};
use crate::requirement::RequirementError;
use crate::source::Listing;
use crate::source::Unread;
use crate::subject::Unopened;

/// What could not be seen of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gaps {
    /// Something could not be read.
    pub has_unread: bool,
    /// The name of a budget that was reached, so that something was not read.
    pub limit: Option<&'static str>,
    /// Names are missing in the listing, so that what seems to be absent may be there.
    pub has_hidden: bool,
    /// The item was not opened.
    pub unopened: Option<Unopened>,
    /// The archive around the item, or the item itself, can be read in more than one way.
    pub has_container_faults: bool,
}

impl Gaps {
    /// What could not be seen of a tree.
    pub(super) fn of(unread: &[Unread], listing: &Listing) -> Self {
        Self {
            has_unread: !unread.is_empty(),
            limit: unread.iter().find_map(|unread| unread.limit),
            has_hidden: !listing.gaps().is_empty(),
            ..Self::default()
        }
    }
}

/// Folds the faults of the item and of everything nested in it.
#[must_use]
pub fn fold(code: &[CodeObject], gaps: Gaps, flags: &CodesignFlags) -> CodesignVerdict {
    let designated = code
        .first()
        .and_then(|item| item.slices.first()?.designated.as_ref())
        .and_then(|designated| match &designated.is_satisfied {
            Ok(answer) => *answer,
            // It cannot even be fetched, or is larger than the budget.
            Err(RequirementFault::Set | RequirementFault::Requirement(RequirementError::TooLong)) => None,
            Err(_) => Some(false),
        });
    let (answer, has_seen_nested) = judge(code, gaps, flags);
    CodesignVerdict::new(answer, designated, has_seen_nested)
}

/// The answer, and whether all nested code was verified before it was clear.
fn judge(code: &[CodeObject], gaps: Gaps, flags: &CodesignFlags) -> (CodesignAnswer, bool) {
    let open = |reason| (CodesignAnswer::NotJudged(reason), false);
    if let Some((object, fault)) = failure(code, 0, flags)
        && let Some(status) = fault.status()
    {
        // Without Info.plist nobody knows what belongs where.
        let is_dark = |other: &Fault| matches!(other.kind, FaultKind::InfoPlist(_));
        let is_dark = gaps.has_hidden || object.faults.iter().any(is_dark);
        if is_dark && fault.is_absence() {
            return open(match gaps.limit {
                Some(name) => NotJudged::Limit(name),
                None if gaps.has_hidden => NotJudged::Gap,
                None => NotJudged::Budget,
            });
        }
        let is_items = object.nesting == Nesting::Item;
        let has_seen_nested = flags.resources && is_items && fault.stage() > Stage::Scan;
        let failure = failed(object, fault, status, flags);
        return (CodesignAnswer::Invalid(failure), has_seen_nested);
    }
    // Only what the flags let validation reach.
    let is_seen = |object: &CodeObject| match object.nesting {
        Nesting::Item => true,
        Nesting::Sealed => flags.resources && (flags.deep || object.parent == Some(0)),
        Nesting::Found | Nesting::OtherVersion => false,
    };
    let judged = || code.iter().filter(|object| is_seen(object));
    let own = || code.first()?.faults.iter().find_map(Fault::budget);
    let not_judged = if let Some(unopened) = gaps.unopened {
        Some(NotJudged::Unopened(unopened))
    } else if let Some(name) = gaps.limit.or_else(own) {
        Some(NotJudged::Limit(name))
    } else if gaps.has_container_faults {
        Some(NotJudged::ContainerFaults)
    } else if gaps.has_unread {
        Some(NotJudged::Gap)
    } else if code.iter().any(has_reached_a_limit) {
        Some(NotJudged::Budget)
    } else if judged()
        .flat_map(|object| &object.slices)
        .filter_map(|slice| slice.identity.as_ref())
        .any(|identity| identity.is_timestamp_root_unknown)
    {
        Some(NotJudged::TimestampRoot)
    } else if judged().any(|object| object.requirement_pending) {
        Some(NotJudged::NestedRequirement)
    } else {
        None
    };
    // Each code object has to be evaluated, not only one of them.
    let is_evaluated = judged().all(|object| Evaluated::of(&object.slices).is_some());
    let all = || Evaluated::of(judged().flat_map(|object| &object.slices));
    let answer = match (not_judged, all().filter(|_| is_evaluated)) {
        (Some(reason), _) => CodesignAnswer::NotJudged(reason),
        (None, Some(evaluated)) => CodesignAnswer::Valid(evaluated),
        (None, None) => CodesignAnswer::NotJudged(NotJudged::NothingEvaluated),
    };
    (answer, flags.resources)
}

fn has_reached_a_limit(object: &CodeObject) -> bool {
    object.faults.iter().any(|fault| fault.limit().is_some())
}

fn failed(object: &CodeObject, fault: &Fault, status: OsStatus, flags: &CodesignFlags) -> CodesignFailure {
    let slice = fault.slice.and_then(|index| object.slices.get(index));
    // Structure, seal and creation errors name no architecture (native observations 1.3 and 5.2), and neither does
    // an unsigned slice that is not the primary one (specification 2.7), nor what is no error of Security's own
    // (`staticValidateCore` catches no `UnixError`), nor a detached signature, which is set before validation.
    let is_other_unsigned = fault.kind == FaultKind::Unsigned && fault.slice != Some(0);
    let names_architecture = matches!(
        fault.stage(),
        Stage::Signature | Stage::SpecialSlots | Stage::Pages | Stage::Requirement
    ) && !is_other_unsigned
        && !matches!(
            fault.kind,
            FaultKind::UnmeasuredSlices | FaultKind::MachO(_) | FaultKind::Detached(_)
        );
    let mut failure = CodesignFailure {
        status,
        subcomponent: (!object.path.is_empty() && !fault.is_of_the_system()).then(|| object.path.clone()),
        architecture: slice
            .filter(|_| names_architecture)
            .and_then(|slice| slice.architecture)
            .map(|architecture| architecture.to_string()),
        files_added: Vec::new(),
        files_modified: Vec::new(),
        files_missing: Vec::new(),
        attached_data: Vec::new(),
    };
    // What is collected is listed in full, whichever of it comes first; root and executable stop at their first.
    let collected = object.faults.iter().filter(|other| {
        fault.stage() == Stage::Resources
            && other.stage() == Stage::Resources
            && decides(object, other, flags)
    });
    let alone = std::iter::once(fault).filter(|fault| fault.stage() != Stage::Resources);
    let spelled = |path: &String| match &object.spelling {
        // The folder of a version has the dot in its path with which `BundleDiskRep::setup` asks for it.
        Some((real, shown)) if path == real => format!("{shown}/."),
        Some((real, shown)) => path
            .strip_prefix(real.as_str())
            .map_or(path.clone(), |rest| format!("{shown}{rest}")),
        None => path.clone(),
    };
    for fault in collected.chain(alone) {
        match &fault.kind {
            FaultKind::Resources {
                added,
                modified,
                missing,
                ..
            } => {
                failure.files_added.extend(added.iter().map(spelled));
                failure.files_modified.extend(modified.iter().map(spelled));
                failure.files_missing.extend(missing.iter().map(spelled));
            }
            FaultKind::LinkDestination => failure.files_modified.push(spelled(&fault.path)),
            FaultKind::Sideband { attribute, .. } => {
                failure.attached_data.push((spelled(&fault.path), attribute));
            }
            _ => {}
        }
    }
    failure.files_modified.sort();
    failure
        .attached_data
        .sort_by(|(one, _), (other, _)| one.cmp(other));
    failure
}

/// The fault that decides about object `index`.
pub(super) fn failure<'c>(
    code: &'c [CodeObject],
    index: usize,
    flags: &CodesignFlags,
) -> Option<(&'c CodeObject, &'c Fault)> {
    // What each object seals: there may be many in one.
    let mut sealed: HashMap<usize, Vec<usize>> = HashMap::new();
    for (at, child) in code.iter().enumerate() {
        if let (Some(parent), Nesting::Sealed) = (child.parent, child.nesting) {
            sealed.entry(parent).or_default().push(at);
        }
    }
    decide(code, &sealed, index, flags)
}

/// Returns the status with which `codesign` refuses code whose file is cut off: of what is wrong with its slices and with the signatures in
/// them, that comes first which it meets first. Slices are validated before the structure of the file (`SecStaticCode::staticValidate`,
/// `MachORep::strictValidate`).
pub(crate) fn status_of_cut_off(object: &CodeObject) -> Option<OsStatus> {
    let is_about_bytes = |fault: &&Fault| {
        matches!(
            fault.kind,
            FaultKind::Fat(_)
                | FaultKind::MachO(_)
                | FaultKind::SuperBlob(_)
                | FaultKind::Component { .. }
                | FaultKind::CodeDirectory { .. }
                | FaultKind::Unsigned
                | FaultKind::Pages { .. }
        ) && decides(object, fault, &CodesignFlags::default())
    };
    let first = object
        .faults
        .iter()
        .filter(is_about_bytes)
        .min_by_key(|fault| rank(fault));
    first.and_then(Fault::status)
}

/// The same, with what each object seals. The nesting budget bounds the recursion.
fn decide<'c>(
    code: &'c [CodeObject],
    sealed: &HashMap<usize, Vec<usize>>,
    index: usize,
    flags: &CodesignFlags,
) -> Option<(&'c CodeObject, &'c Fault)> {
    let object = code.get(index)?;
    let faults = || object.faults.iter().filter(|fault| decides(object, fault, flags));
    let own = |is_meant: &dyn Fn(Stage) -> bool| {
        faults()
            .filter(|fault| is_meant(fault.stage()))
            .min_by_key(|fault| rank(fault))
            .map(|fault| (object, fault))
    };
    if let Some(slice) = object.unmet_slice {
        // The requirement of the seal is asked for behind each slice; what follows is not reached.
        return faults()
            .filter(|fault| fault.stage() <= Stage::Requirement && fault.slice.unwrap_or_default() <= slice)
            .min_by_key(|fault| rank(fault))
            .map(|fault| (object, fault));
    }
    let sees_nested = flags.resources && (flags.deep || object.nesting == Nesting::Item);
    // What ends the scan, and code that fails in it, in the order of the walk.
    let thrown = || {
        let scan = faults()
            .filter(|fault| fault.stage() == Stage::Scan)
            .map(|fault| (fault.path.as_str(), (object, fault)));
        let children = sealed.get(&index).filter(|_| sees_nested);
        let nested = children
            .into_iter()
            .flatten()
            .filter_map(|at| Some((code.get(*at)?.path.as_str(), decide(code, sealed, *at, flags)?)));
        scan.chain(nested)
            .min_by(|(one, _), (other, _)| one.split('/').cmp(other.split('/')))
            .map(|(_, found)| found)
    };
    own(&|stage| stage < Stage::Scan)
        .or_else(thrown)
        .or_else(|| own(&|stage| stage > Stage::Scan))
}

/// Whether macOS would notice the fault: the seal's digest and the signed length are compared for the primary
/// slice only (specification 2.5 and 2.7), and the flags leave out the rest (11.4, 6.10).
fn decides(object: &CodeObject, fault: &Fault, flags: &CodesignFlags) -> bool {
    let stage = fault.stage();
    let slice = fault.slice.and_then(|index| object.slices.get(index));
    if slice.is_some_and(|slice| slice.is_duplicate) {
        return false;
    }
    let is_primary = fault.slice.unwrap_or_default() == 0;
    // With one architecture asked for, nested code is judged by its primary slice.
    let primary_only = stage == Stage::Seal
        || matches!(fault.kind, FaultKind::CodeLimit { .. })
        || flags.architecture.is_some();
    let is_shallow = !flags.deep && object.nesting != Nesting::Item;
    let is_left_out = match stage {
        Stage::Pages => is_shallow,
        Stage::Seal | Stage::WeakSeal | Stage::Scan | Stage::Resources => is_shallow || !flags.resources,
        // Quick checks do not look into `_CodeSignature`.
        Stage::Strict => is_shallow && is_about_meta(&fault.kind),
        Stage::Creation | Stage::Signature | Stage::SpecialSlots | Stage::Requirement => false,
    };
    let is_minded = match (&fault.kind, stage) {
        (FaultKind::LinkUnopened(_) | FaultKind::Sideband { .. }, _) => flags.minds_sideband(),
        (FaultKind::LinkDestination, _) => flags.minds_symlinks(),
        // What is outside of the item is not read; strict rules refuse the link to it by its text.
        (FaultKind::Bundle(LayoutError::Outside), _) => !flags.strict || !has_layout_fault(object),
        (FaultKind::Scan(ScanFault::NotSupported), _) | (_, Stage::WeakSeal | Stage::Strict) => flags.strict,
        _ => true,
    };
    fault.status().is_some() && (is_primary || !primary_only) && !is_left_out && is_minded
}

/// Returns true if the fault is about what `BundleDiskRep::validateMetaDirectory` reads.
fn is_about_meta(fault: &FaultKind) -> bool {
    matches!(
        fault,
        FaultKind::Layout(
            LayoutFault::MetaNotADirectory
                | LayoutFault::MetaLoop
                | LayoutFault::MetaOutside
                | LayoutFault::MetaNotAFile { .. }
                | LayoutFault::MetaGuest { .. }
        )
    )
}

fn has_layout_fault(object: &CodeObject) -> bool {
    let mut kinds = object.faults.iter().map(|fault| &fault.kind);
    kinds.any(|kind| matches!(kind, FaultKind::Layout(_)))
}

/// Slices are finished one after the other; later stages belong to the whole object. Of the strict faults of a
/// layout the numerically smallest status wins, then comes the executable: its length, then its structure
/// (specification 6.3 and 11.3).
/// Collected faults come in the order of the walk; what is missing is noticed behind it. The directory of the bundle
/// is looked at before the rest of its layout, the executable behind it (6.11).
fn rank(fault: &Fault) -> (u8, usize, Stage, u8, Option<OsStatus>, Option<&str>) {
    let slice = fault.slice.unwrap_or_default();
    let stage = fault.stage();
    match stage {
        Stage::Creation => (0, 0, stage, 0, None, None),
        Stage::Signature | Stage::SpecialSlots | Stage::Pages | Stage::Requirement => {
            (1, slice, stage, 0, None, None)
        }
        Stage::Strict => match fault.kind {
            FaultKind::Layout(
                LayoutFault::MetaNotADirectory
                | LayoutFault::MetaLoop
                | LayoutFault::MetaOutside
                | LayoutFault::MetaNotAFile { .. },
            ) => (2, 0, stage, 0, None, None),
            FaultKind::Sideband {
                on: SidebandPlace::Root,
                ..
            } => (2, 0, stage, 1, None, None),
            FaultKind::Layout(_) => (2, 0, stage, 2, fault.status(), None),
            FaultKind::Sideband { .. } => (2, 0, stage, 3, None, None),
            FaultKind::CodeLimit { .. } => (2, 0, stage, 4, None, None),
            FaultKind::FrameworkVersion { .. } => (2, 0, stage, 6, None, None),
            _ => (2, 0, stage, 5, None, None),
        },
        Stage::Resources => {
            let first = match &fault.kind {
                FaultKind::Resources { added, modified, .. } => added
                    .iter()
                    .chain(modified)
                    .min()
                    .map_or("\u{10ffff}", String::as_str),
                _ => fault.path.as_str(),
            };
            // Attributes are looked at before the seal of the same file: `min` keeps the first of equals, and they are
            // found first.
            (2, 0, stage, 0, None, Some(first))
        }
        _ => (2, 0, stage, 0, None, None),
    }
}
