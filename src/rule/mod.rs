//! Rules: evidence in, findings out.
//!
//! A rule has a stable id, a documentation that `sealcheck explain` prints, and a function that looks at one
//! item's evidence. Families live in one file each. The catalogue's numbers (R002 …) stand beside the ids.

mod entitlements;
mod signature;
mod structure;

use crate::finding::{Finding, Party, Severity};
use crate::verify::{CodeObject, Evidence, Fault, SliceEvidence};

/// A rule and its documentation.
pub struct Rule {
    /// Stable id in kebab case.
    pub id: &'static str,
    /// Severity of its findings.
    pub severity: Severity,
    /// Who rejects such code.
    pub rejected_by: &'static [Party],
    /// One line: what is wrong.
    pub title: &'static str,
    /// Background: what it means and what usually causes it.
    pub explanation: &'static str,
    /// How to repair it.
    pub remedy: &'static str,
    /// Looks for the problem.
    pub(crate) check: fn(&'static Rule, &Evidence, &mut Vec<Finding>),
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rule")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Every rule, in the order of the documentation.
#[must_use]
pub fn all() -> Vec<&'static Rule> {
    signature::RULES
        .iter()
        .chain(structure::RULES)
        .chain(entitlements::RULES)
        .collect()
}

/// The rule with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    all().into_iter().find(|rule| rule.id == id)
}

/// All findings about one item: errors first, then by rule and place.
#[must_use]
pub fn check(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in all() {
        (rule.check)(rule, evidence, &mut findings);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

impl Rule {
    /// A finding of this rule about a fault of `object`.
    fn finding(&'static self, object: &CodeObject, fault: &Fault, message: String) -> Finding {
        let architecture = fault
            .slice
            .filter(|_| object.slices.len() > 1)
            .and_then(|index| object.slices.get(index))
            .and_then(|slice| slice.architecture)
            .map(|architecture| architecture.to_string());
        Finding {
            rule: self.id,
            severity: self.severity,
            rejected_by: self.rejected_by,
            path: fault.path.clone(),
            architecture,
            message,
            details: Vec::new(),
            remedy: self.remedy,
            status: fault.status(),
        }
    }
}

/// Every fault of every code object, for which `describe` has a message.
fn each_fault(
    rule: &'static Rule,
    evidence: &Evidence,
    findings: &mut Vec<Finding>,
    describe: impl Fn(&Fault, Option<&SliceEvidence>) -> Option<String>,
) {
    for object in &evidence.code {
        for fault in &object.faults {
            let slice = fault.slice.and_then(|index| object.slices.get(index));
            if let Some(message) = describe(fault, slice) {
                findings.push(rule.finding(object, fault, message));
            }
        }
    }
}
