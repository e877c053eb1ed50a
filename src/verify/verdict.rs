//! The verdict of `codesign --verify --deep --strict`, folded from faults in Apple's order.
//!
//! Specification 11.2: creation; slice by slice (primary first) signature, special slots, pages; the seal; nested
//! code in the order of the scan; files added, modified, missing; strict rules. A fault without status never
//! changes the verdict, and neither does code that no seal names. What is not known here
//! leaves the verdict open unless a failure is already proven.

use super::{CodeObject, Fault, FaultKind, Nesting, OsStatus, Stage};
use crate::cms::CmsError;
use crate::trust::IdentityFault;

/// What `codesign` would answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CodesignVerdict {
    /// Valid, invalid, or `None`: not judged.
    pub valid: Option<bool>,
    /// The status of an invalid item.
    pub status: Option<OsStatus>,
    /// Path of the nested code object that failed.
    pub subcomponent: Option<String>,
    /// The architecture that failed, where the failure belongs to one.
    pub architecture: Option<String>,
    /// Files that the failing object's seal does not know.
    pub files_added: Vec<String>,
    /// Files that changed.
    pub files_modified: Vec<String>,
    /// Files that are gone.
    pub files_missing: Vec<String>,
    /// Whether the primary slice satisfies its own designated requirement; `None` when nobody knows.
    pub satisfies_designated_requirement: Option<bool>,
    /// Why there is no verdict.
    pub not_judged: Option<NotJudged>,
}

/// Why there is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotJudged {
    /// The root of a timestamp is not at hand; a Mac may trust it or not.
    TimestampRoot,
    /// A requirement that a seal demands of nested code depends on what is not known here.
    NestedRequirement,
    /// Part of the item could not be read.
    Gap,
    /// A budget was reached.
    Budget,
}

impl NotJudged {
    /// A sentence for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::TimestampRoot => {
                "not judged: the timestamp's root is not Apple's; --trust-anchor names roots that count as trusted"
            }
            Self::NestedRequirement => {
                "not judged: a requirement on nested code depends on what only a Mac knows"
            }
            Self::Gap => "not judged: part of the item could not be read",
            Self::Budget => "not judged: a limit was reached",
        }
    }
}

/// Folds the faults of the item and of everything nested in it. `has_gaps`: part of it could not be read.
#[must_use]
pub fn fold(code: &[CodeObject], has_gaps: bool) -> CodesignVerdict {
    let mut verdict = judge(code, has_gaps);
    verdict.satisfies_designated_requirement = code
        .first()
        .and_then(|item| item.slices.first()?.designated.as_ref())
        .and_then(|designated| designated.is_satisfied.as_ref().ok().copied().flatten());
    verdict
}

fn judge(code: &[CodeObject], has_gaps: bool) -> CodesignVerdict {
    if let Some((object, fault)) = failure(code, 0) {
        return failed(object, fault);
    }
    let judged = || code.iter().filter(|object| object.nesting != Nesting::Found);
    let has = |kind: &FaultKind| {
        judged()
            .flat_map(|object| &object.faults)
            .any(|fault| fault.kind == *kind)
    };
    let not_judged = if has_gaps {
        Some(NotJudged::Gap)
    } else if has(&FaultKind::TooDeep) || judged().any(has_reached_a_budget) {
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
    CodesignVerdict {
        valid: not_judged.is_none().then_some(true),
        not_judged,
        ..Default::default()
    }
}

fn has_reached_a_budget(object: &CodeObject) -> bool {
    object.faults.iter().any(|fault| {
        matches!(
            fault.kind,
            FaultKind::Identity(IdentityFault::Decode(CmsError::TooMany { .. }))
        )
    })
}

fn failed(object: &CodeObject, fault: &Fault) -> CodesignVerdict {
    let slice = fault.slice.and_then(|index| object.slices.get(index));
    // Structure, seal and creation errors name no architecture (native observations 1.3 and 5.2), and neither does
    // an unsigned slice that is not the primary one (specification 2.7).
    let is_other_unsigned = fault.kind == FaultKind::Unsigned && fault.slice != Some(0);
    let names_architecture = matches!(
        fault.stage(),
        Stage::Signature | Stage::SpecialSlots | Stage::Pages | Stage::Requirement
    ) && !is_other_unsigned;
    let mut verdict = CodesignVerdict {
        valid: Some(false),
        status: fault.status(),
        subcomponent: (!object.path.is_empty()).then(|| object.path.clone()),
        architecture: slice
            .filter(|_| names_architecture)
            .and_then(|slice| slice.architecture)
            .map(|architecture| architecture.to_string()),
        ..Default::default()
    };
    if let FaultKind::Resources {
        added,
        modified,
        missing,
        ..
    } = &fault.kind
    {
        verdict.files_added.clone_from(added);
        verdict.files_modified.clone_from(modified);
        verdict.files_missing.clone_from(missing);
    }
    verdict
}

/// The fault that decides about object `index`. Recursion is bounded by the nesting budget of the engine.
fn failure(code: &[CodeObject], index: usize) -> Option<(&CodeObject, &Fault)> {
    let object = code.get(index)?;
    let before_nested = |stage: Stage| stage <= Stage::Scan;
    let own = |nested_done: bool| {
        let faults = object
            .faults
            .iter()
            .filter(move |fault| decides(fault) && before_nested(fault.stage()) != nested_done);
        faults
            .min_by_key(|fault| rank(fault))
            .map(|fault| (object, fault))
    };
    let nested = || {
        code.iter()
            .enumerate()
            .filter(|(_, child)| child.parent == Some(index) && child.nesting == Nesting::Sealed)
            .find_map(|(child, _)| failure(code, child))
    };
    own(false).or_else(nested).or_else(|| own(true))
}

/// Whether macOS would notice the fault: the seal's digest and the signed length are compared for the primary
/// slice only (specification 2.5 and 2.7).
fn decides(fault: &Fault) -> bool {
    let is_primary = fault.slice.unwrap_or_default() == 0;
    let primary_only = fault.stage() == Stage::Seal || matches!(fault.kind, FaultKind::CodeLimit { .. });
    fault.status().is_some() && (is_primary || !primary_only)
}

/// Slices are finished one after the other; later stages belong to the whole object. Of the strict faults of a
/// layout the numerically smallest status wins, then comes the executable: its length, then its structure
/// (specification 6.3 and 11.3).
fn rank(fault: &Fault) -> (u8, usize, Stage, u8, Option<OsStatus>) {
    let slice = fault.slice.unwrap_or_default();
    let stage = fault.stage();
    match stage {
        Stage::Creation => (0, 0, stage, 0, None),
        Stage::Signature | Stage::SpecialSlots | Stage::Pages | Stage::Requirement => {
            (1, slice, stage, 0, None)
        }
        Stage::Strict => match fault.kind {
            FaultKind::Layout(_) => (2, 0, stage, 0, fault.status()),
            FaultKind::CodeLimit { .. } => (2, 0, stage, 1, None),
            _ => (2, 0, stage, 2, None),
        },
        _ => (2, 0, stage, 0, None),
    }
}
