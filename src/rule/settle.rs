//! The last step of every finding: its severity follows the parties that still reject the code.
//!
//! A rule says what is unusual and who minds in general. Here the verdicts about this item are compared with that, once for all rules:
//! - `codesign` and Gatekeeper reject nothing in an item that they accept;
//! - the notary service has accepted what a valid ticket lists: a ticket is issued for exactly that CodeDirectory;
//! - App Store Connect is asked only about what goes there, and has accepted what Apple's store signed;
//! - no party rejects Apple's own software.
//!
//! What no party rejects is not an error. What every party that minds has accepted is a note. Of Apple's own code, and of code for
//! other systems than macOS, only what a party still rejects is reported.
//!
//! Demands of the user, and what could not be read, are not advice and stay as they are.

use std::collections::HashMap;

use super::oddity::FORGEABLE;
use super::reading;
use super::zip_archive::HYGIENE;
use super::{Family, Rule};
use crate::finding::{Finding, Party, Severity, Target};
use crate::gatekeeper::{assess, fitting_operation};
use crate::trust::CertificateKind;
use crate::verify::{
    CodeObject, CodesignFlags, Coverage, Evidence, Fault, Nesting, Product, SliceEvidence, ticket_coverage,
};

/// Rules about Apple's own code in other people's products.
const ABOUT_APPLES_CODE: [&str; 1] = ["system-program-copied"];

/// Who accepted the item, or a part of it.
pub(super) struct Acceptance<'e> {
    target: Target,
    product: Product,
    /// `codesign` finds the item valid.
    codesign: bool,
    /// Gatekeeper accepts the item.
    gatekeeper: bool,
    /// The notary service accepted the item with everything in it.
    notary: bool,
    objects: HashMap<&'e str, &'e CodeObject>,
}

impl<'e> Acceptance<'e> {
    /// Where only the integrity of an item is judged, the parties are those of the system that it is made for.
    pub(super) fn of(evidence: &'e Evidence, target: Target, is_integrity_only: bool) -> Self {
        let verdict = &evidence.codesign;
        // What the options leave out was not accepted.
        let is_whole = evidence.flags == CodesignFlags::default();
        let is_valid = is_whole
            && verdict.valid() == Some(true)
            && verdict.satisfies_designated_requirement() == Some(true);
        let gatekeeper = assess(evidence, fitting_operation(evidence));
        let objects = evidence.code.iter().map(|object| (object.path.as_str(), object));
        Self {
            target,
            product: if is_integrity_only {
                evidence.product()
            } else {
                Product::Mac
            },
            codesign: is_valid,
            gatekeeper: gatekeeper.accepted() == Some(true),
            notary: is_valid && is_notarized_as_a_whole(evidence),
            objects: objects.collect(),
        }
    }

    /// Gives a finding its parties and severity. Returns false if there is nothing left to report.
    pub(super) fn settle(&self, rule: &Rule, finding: &mut Finding) -> bool {
        if is_no_advice(rule) {
            return true;
        }
        let is_apples = self.is_apples(finding, is_apples_own) && !ABOUT_APPLES_CODE.contains(&rule.id);
        let is_from_store = self.is_apples(finding, is_from_store);
        let is_listed = self.is_listed(finding);
        let accepted = |party: Party| match party {
            Party::Codesign => self.codesign,
            Party::Gatekeeper => self.gatekeeper,
            Party::Notary => self.notary || is_listed || is_apples || is_from_store,
            Party::AppStore => is_apples || is_from_store,
            Party::Amfi => is_apples || is_from_store,
            Party::Dyld | Party::MacOs => is_apples,
        };
        let had_parties = !finding.rejected_by.is_empty();
        finding.rejected_by.retain(|party| !accepted(*party));
        let has_accepted_all = had_parties && finding.rejected_by.is_empty();
        finding.rejected_by.retain(|party| self.is_asked(*party));
        if !finding.rejected_by.is_empty() {
            return true;
        }
        let most = if has_accepted_all {
            Severity::Note
        } else {
            Severity::Warning
        };
        finding.severity = finding.severity.min(most);
        !is_apples && self.product == Product::Mac
    }

    /// Returns true if the party judges such an item at all.
    fn is_asked(&self, party: Party) -> bool {
        match (self.product, party) {
            (Product::Mac, Party::AppStore) => self.target == Target::MacAppStore,
            (Product::Mac, _) | (_, Party::Codesign) => true,
            // Devices verify what they run as Macs do; simulators and Xcode do not.
            (Product::Device(_), Party::Amfi) => true,
            _ => false,
        }
    }

    /// The slices that the finding is about, with their code; none where it is not about code that is known.
    fn slices(&self, finding: &Finding) -> Option<(&'e CodeObject, impl Iterator<Item = &'e SliceEvidence>)> {
        let object = *self.objects.get(finding.code.as_str())?;
        let architecture = finding.architecture.clone();
        let is_meant = move |slice: &&SliceEvidence| match &architecture {
            None => true,
            Some(name) => slice.architecture.is_some_and(|found| found.to_string() == *name),
        };
        Some((object, object.slices.iter().filter(is_meant)))
    }

    /// Returns true if a valid ticket lists all slices that the finding is about, and they are as they were then.
    fn is_listed(&self, finding: &Finding) -> bool {
        self.slices(finding).is_some_and(|(object, slices)| {
            is_unbroken(object) && all(slices, |slice| slice.notarized == Some(true))
        })
    }

    /// Returns true if Apple signed all slices that the finding is about, and nothing is wrong with them.
    fn is_apples(&self, finding: &Finding, is_wanted: fn(CertificateKind) -> bool) -> bool {
        self.slices(finding).is_some_and(|(object, slices)| {
            is_unbroken(object)
                && all(slices, |slice| {
                    let identity = slice.identity.as_ref();
                    identity.is_some_and(|identity| identity.faults.is_empty() && is_wanted(identity.kind))
                })
        })
    }
}

fn is_apples_own(kind: CertificateKind) -> bool {
    kind == CertificateKind::AppleSoftware
}

fn is_from_store(kind: CertificateKind) -> bool {
    matches!(kind, CertificateKind::MacAppStore | CertificateKind::TestFlight)
}

/// Returns true if validation found nothing wrong with the code itself.
fn is_unbroken(object: &CodeObject) -> bool {
    object.faults.iter().all(|fault: &Fault| fault.status().is_none())
}

/// Returns true if there is at least one, and the condition holds for all.
fn all<'s>(
    mut slices: impl Iterator<Item = &'s SliceEvidence>,
    holds: impl Fn(&SliceEvidence) -> bool,
) -> bool {
    slices.next().is_some_and(&holds) && slices.all(holds)
}

/// Returns true if a ticket lists the item, and all code that its seals name by a requirement only. Everything else is sealed by its
/// contents, and the service saw it as it is.
fn is_notarized_as_a_whole(evidence: &Evidence) -> bool {
    let coverage = ticket_coverage(&evidence.code, &evidence.tickets);
    let is_listed = |(object, slices): (&CodeObject, &Vec<Coverage>)| {
        let mut assessed = slices
            .iter()
            .enumerate()
            .filter(|(index, _)| object.is_assessed(*index));
        let is_own = object.nesting == Nesting::Item;
        !slices.is_empty()
            && assessed.all(|(_, coverage)| match coverage {
                Coverage::Covered => true,
                Coverage::NotNeeded => !is_own,
                Coverage::NotCovered | Coverage::CannotJudge | Coverage::Unsigned => false,
            })
    };
    let named = evidence.code.iter().zip(&coverage);
    let mut named = named
        .filter(|(object, _)| matches!(object.nesting, Nesting::Item | Nesting::Sealed))
        .peekable();
    named.peek().is_some() && named.all(is_listed)
}

/// Returns true if findings of the rule are no advice: demands of the user, what could not be read or is ambiguous, and a signature of
/// somebody else that a stranger may have put his own beside. Every party accepts that, but nobody vouches for it.
fn is_no_advice(rule: &Rule) -> bool {
    rule.family == Family::Expectation
        || rule.id == HYGIENE
        || rule.id == FORGEABLE
        || reading::RULES.iter().any(|other| other.id == rule.id)
}

/// Returns true if the rule is about the integrity of an item, so that it applies to code for any system.
pub(super) fn is_about_integrity(rule: &Rule) -> bool {
    let rejects = |party| rule.rejected_by.contains(&party);
    is_no_advice(rule) || rejects(Party::Codesign) || rule.family == Family::Signature && rejects(Party::Amfi)
}
