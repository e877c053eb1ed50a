//! Rules: evidence in, findings out.
//!
//! A rule has a stable id, a documentation that `sealcheck explain` prints, and a function that looks at one
//! item's evidence. Families live in one file each. The catalogue's numbers (R002 …) stand beside the ids.

mod entitlements;
mod identity;
mod oddity;
mod reading;
mod seal;
mod signature;
mod structure;

use crate::finding::{Finding, Party, Place, Severity};
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
    /// Numbers of the project's catalogue of rules.
    pub catalogue: &'static str,
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
        .chain(identity::RULES)
        .chain(seal::RULES)
        .chain(structure::RULES)
        .chain(oddity::RULES)
        .chain(entitlements::RULES)
        .chain(reading::RULES)
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

/// What a rule has to say about one fault.
struct Description {
    message: String,
    places: Vec<Place>,
}

impl From<String> for Description {
    fn from(message: String) -> Self {
        Self {
            message,
            places: Vec::new(),
        }
    }
}

impl From<&str> for Description {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

impl Rule {
    /// A finding of this rule at `path`; `code` is the path of the code object to repair.
    fn finding(
        &'static self,
        evidence: &Evidence,
        code: &str,
        path: String,
        description: Description,
    ) -> Finding {
        Finding {
            rule: self.id,
            severity: self.severity,
            rejected_by: self.rejected_by,
            path,
            architecture: None,
            message: description.message,
            places: description.places,
            explanation: self.explanation,
            remedy: remedy(self.remedy, &evidence.path, code),
            status: None,
        }
    }
}

/// Puts the path of the code object in the place of `PATH`, quoted for a shell.
fn remedy(template: &str, item: &str, code: &str) -> String {
    let path = if code.is_empty() {
        quoted(item)
    } else {
        quoted(&format!("{}/{code}", item.trim_end_matches('/')))
    };
    let text = template.replace("PATH", &path);
    if code.is_empty() || text == template {
        text
    } else {
        format!("{text}   and then everything around it, {} last", quoted(item))
    }
}

fn quoted(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@%=:,".contains(&byte);
    if !path.is_empty() && path.bytes().all(is_plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

/// The architecture that a fault belongs to, where the code has several.
fn architecture(object: &CodeObject, fault: &Fault) -> Option<String> {
    let slice = object.slices.get(fault.slice?)?;
    Some(slice.architecture?.to_string())
}

/// Every fault of every code object, for which `describe` has something to say.
fn each_fault<D: Into<Description>>(
    rule: &'static Rule,
    evidence: &Evidence,
    findings: &mut Vec<Finding>,
    describe: impl Fn(&Fault, Option<&SliceEvidence>) -> Option<D>,
) {
    for object in &evidence.code {
        for fault in &object.faults {
            let slice = fault.slice.and_then(|index| object.slices.get(index));
            if let Some(description) = describe(fault, slice) {
                findings.push(Finding {
                    architecture: architecture(object, fault),
                    status: fault.status(),
                    ..rule.finding(evidence, &object.path, fault.path.clone(), description.into())
                });
            }
        }
    }
}
