//! What macOS makes of the entitlements in a signature (`SecStaticCode::entitlements` and `::component`).
//!
//! The DER form (slot 7) decides wherever it is in the signature, and the XML form (slot 5) counts only where there is no
//! DER form at all, covered or not. A form that no special slot covers, or that has another magic number, gives no
//! entitlements. What a claim means is not judged here.

use super::components::Components;
use super::{EntitlementsState, FaultKind, Options, SliceEvidence};
use crate::blob::Slot;
use crate::entitlements;
use crate::plist::Dictionary;

/// What one of the two forms gives.
enum Form {
    Absent,
    Covered,
    Ignored,
    Changed,
    OtherSource,
}

/// Finds out which form counts and decodes it; compares the two where both count. `faults` are those about the slots.
pub(super) fn read(
    facts: &mut SliceEvidence,
    components: &Components<'_>,
    faults: &mut Vec<FaultKind>,
    options: &Options,
) {
    let xml_form = form(facts, components, faults, Slot::ENTITLEMENTS);
    let der_form = form(facts, components, faults, Slot::ENTITLEMENTS_DER);
    let is_hidden = !matches!(der_form, Form::Absent | Form::Covered);
    if is_hidden {
        facts.entitlements_xml = None;
    }
    let xml = xml(facts, faults, options);
    let der = facts.entitlements_der.as_deref().map(entitlements::parse_der);
    let (state, claims) = match (der_form, xml_form, der, xml) {
        (Form::Covered, _, Some(Ok(der)), xml) => {
            if let Some(Some(xml)) = &xml {
                let differences = entitlements::compare(xml, &der);
                if !differences.is_empty() {
                    faults.push(FaultKind::EntitlementsDiffer(differences));
                }
            }
            (EntitlementsState::Known, Some(der))
        }
        (Form::Covered, _, Some(Err(error)), _) => {
            let slot = Slot::ENTITLEMENTS_DER;
            faults.push(FaultKind::EntitlementsMalformed {
                slot,
                error: error.into(),
            });
            (EntitlementsState::DerMalformed, None)
        }
        (Form::Absent, Form::Covered, _, Some(Some(xml))) if entitlements::has_der_form(&xml) => {
            (EntitlementsState::Known, Some(xml))
        }
        (Form::Absent, Form::Covered, _, Some(None)) => (EntitlementsState::XmlMalformed, None),
        (Form::Absent, Form::Absent, ..) => (EntitlementsState::None, None),
        (Form::OtherSource, ..) | (Form::Absent, Form::OtherSource, ..) => {
            (EntitlementsState::OtherSource, None)
        }
        (Form::Changed, ..) | (Form::Absent, Form::Changed, ..) => (EntitlementsState::Changed, None),
        (Form::Ignored | Form::Covered, ..) | (Form::Absent, Form::Ignored | Form::Covered, ..) => {
            (EntitlementsState::Ignored, None)
        }
    };
    if state == EntitlementsState::Ignored {
        facts.entitlements_xml = None;
    }
    facts.entitlements_state = state;
    facts.entitlements = claims;
}

fn form(facts: &SliceEvidence, components: &Components<'_>, faults: &[FaultKind], slot: Slot) -> Form {
    if components.get(slot).is_err() {
        return Form::OtherSource;
    }
    let Some(found) = facts.slots.iter().find(|found| found.slot == slot) else {
        return Form::Absent;
    };
    let payload = match slot {
        Slot::ENTITLEMENTS => &facts.entitlements_xml,
        _ => &facts.entitlements_der,
    };
    let has_other_magic = || {
        let is_that =
            |fault: &FaultKind| matches!(fault, FaultKind::SlotMagic { slot: found, .. } if *found == slot);
        faults.iter().any(is_that)
    };
    match payload {
        Some(_) => Form::Covered,
        None if !found.bound || has_other_magic() => Form::Ignored,
        None => Form::Changed,
    }
}

/// The property list, where it counts; the inner `None` if it cannot be decoded.
fn xml(facts: &SliceEvidence, faults: &mut Vec<FaultKind>, options: &Options) -> Option<Option<Dictionary>> {
    let payload = facts.entitlements_xml.as_deref()?;
    match entitlements::parse_xml(payload, &options.limits, &options.budget) {
        Ok(entries) => {
            let form = entitlements::check_xml(payload).err();
            faults.extend(form.map(FaultKind::EntitlementsForm));
            Some(Some(entries))
        }
        Err(error) => {
            let slot = Slot::ENTITLEMENTS;
            faults.push(FaultKind::EntitlementsMalformed { slot, error });
            Some(None)
        }
    }
}
