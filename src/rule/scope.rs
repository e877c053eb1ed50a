//! What has to be judged for a finding to be true.
//!
//! With `--arch`, as with `codesign -a`, one architecture of the item's main executable is judged, and its others are not read. "Is for
//! x86_64 only" or "no program claims this" is then not known. A finding of such a rule becomes *not decided*; the rules about one
//! architecture are not affected.

use super::{Advice, Rule, Unknown};
use crate::verify::{CodeObject, Evidence};

/// What a rule has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One architecture of one file.
    Slice,
    /// All architectures of the code that the finding is about.
    File,
    /// All architectures of all code in the item: the rule looks for something anywhere, or compares code.
    Item,
}

/// Why a finding that needs all architectures is not decided.
pub(super) const REASON: &str = "with --arch, no other architecture was looked at";

impl Scope {
    /// Takes back what a rule found without the facts that it needs.
    pub(super) fn withdraw(self, rule: &Rule, evidence: &Evidence, advice: &mut Advice) {
        let is_partial = |object: &CodeObject| !object.unread_architectures.is_empty();
        if self == Self::Slice || !evidence.code.iter().any(is_partial) {
            return;
        }
        let mut open = Vec::new();
        advice.findings.retain(|finding| {
            let mut about = evidence.code.iter().filter(|object| object.path == finding.code);
            let is_open = self == Self::Item || about.any(is_partial);
            if is_open {
                open.push(Unknown {
                    rule: rule.id,
                    path: finding.path.clone(),
                    reason: REASON.to_owned(),
                });
            }
            !is_open
        });
        open.dedup();
        advice.unknown.extend(open);
    }
}
