//! When `codesign -d` prints requirements and entitlements, and what it says when it does not (native observations 6.4,
//! 9.1 and 9.4).

use crate::blob::Slot;
use crate::plist::{Dictionary, Value};
use crate::verify::{CodeObject, EntitlementsState, FaultKind, SlotProblem};

/// What `--entitlements` prints about a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Claim<'a> {
    /// There are none, so nothing.
    None,
    /// These.
    Entitlements(&'a Dictionary),
    /// A warning: the signature does not cover them, or covers others.
    Uncovered,
    /// That they cannot be validated, with exit status 65.
    Unprintable,
}

/// The warning of [`Claim::Uncovered`].
pub const UNCOVERED: &str =
    "warning: binary contains an invalid entitlements blob. The OS will ignore these entitlements.";
/// The complaint of [`Claim::Unprintable`].
pub const UNPRINTABLE: &str = "codesign: could not validate entitlement data";

/// What `--entitlements` prints about slice `index`.
#[must_use]
pub fn entitlements_of(object: &CodeObject, index: usize) -> Claim<'_> {
    let Some(slice) = object.slices.get(index) else {
        return Claim::None;
    };
    match (slice.entitlements_state, &slice.entitlements) {
        (EntitlementsState::Ignored | EntitlementsState::Changed | EntitlementsState::OtherSource, _) => {
            Claim::Uncovered
        }
        (EntitlementsState::DerMalformed, _) => Claim::Unprintable,
        (_, Some(entries)) if entries.iter().any(|(_, value)| is_mixed(value)) => Claim::Unprintable,
        (_, Some(entries)) => Claim::Entitlements(entries),
        (_, None) => Claim::None,
    }
}

/// Whether an array holds two kinds of simple values, for which Apple's listing has no form.
fn is_mixed(value: &Value) -> bool {
    match value {
        Value::Array(items) => {
            let mut simple = items
                .iter()
                .filter(|item| !matches!(item, Value::Array(_) | Value::Dictionary(_)))
                .map(Value::kind);
            let first = simple.next();
            simple.any(|kind| Some(kind) != first) || items.iter().any(is_mixed)
        }
        Value::Dictionary(entries) => entries.iter().any(|(_, value)| is_mixed(value)),
        _ => false,
    }
}

/// Whether `-r` fails for slice `index`: its requirements are not those that were signed.
#[must_use]
pub fn are_requirements_broken(object: &CodeObject, index: usize) -> bool {
    object.faults.iter().any(|fault| {
        fault.slice == Some(index)
            && matches!(
                fault.kind,
                FaultKind::SpecialSlot {
                    slot: Slot::REQUIREMENTS,
                    problem: SlotProblem::Modified | SlotProblem::Missing,
                }
            )
    })
}
