//! Rules about the form of entitlements (R106–R108).

use super::{Family, Rule};
use crate::blob::Slot;
use crate::finding::{Party, Severity};
use crate::verify::FaultKind;

const SIGN_AGAIN: &str = "sign again with the codesign of a current macOS, which writes both forms:  codesign -f -s \"Developer ID Application: NAME\" --entitlements FILE --options runtime --timestamp PATH";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "entitlements-malformed",
        family: Family::Entitlements,
        severity: Severity::Error,
        rejected_by: &[Party::Notary, Party::Amfi],
        title: "entitlements cannot be decoded",
        catalogue: "R106",
        explanation: "The entitlements are covered by the signature but are no valid property list, or no valid DER. codesign does not look into them; the notary service refuses them, and AMFI kills the process when it starts.",
        remedy: "check the file with plutil -lint, remove comments and anything that is not plain ASCII, and sign again:  codesign -f -s \"Developer ID Application: NAME\" --entitlements FILE --options runtime --timestamp PATH",
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::EntitlementsMalformed { slot, error } => {
                    let form = if *slot == Slot::ENTITLEMENTS {
                        "property list"
                    } else {
                        "DER"
                    };
                    Some(format!("the entitlements ({form}) cannot be decoded: {error}"))
                }
                _ => None,
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "der-xml-disagree",
        family: Family::Entitlements,
        severity: Severity::Error,
        rejected_by: &[Party::Amfi],
        title: "the two forms of the entitlements say different things",
        catalogue: "R108",
        explanation: "Entitlements are stored as XML (slot 5) and as DER (slot 7). Current systems read the DER, old systems and many tools the XML. If they differ, one reader grants what another never saw; AMFI refuses such code.",
        remedy: SIGN_AGAIN,
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::EntitlementsDiffer(differences) => {
                    let keys: Vec<_> = differences
                        .iter()
                        .take(5)
                        .map(|difference| format!("{} ({})", difference.key, difference.kind.text()))
                        .collect();
                    Some(format!(
                        "{} keys differ between XML and DER: {}",
                        differences.len(),
                        keys.join(", ")
                    ))
                }
                _ => None,
            });
        },
        ..Rule::BASE
    },
];
