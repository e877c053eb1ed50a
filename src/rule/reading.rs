//! What could not be read, so that nothing may be concluded about it.

use super::{Family, Rule};
use crate::finding::Severity;

pub(super) const RULES: &[Rule] = &[NOT_FULLY_READ, LIMIT_REACHED];

const NOT_FULLY_READ: Rule = Rule {
    id: "not-fully-read",
    family: Family::Files,
    severity: Severity::Warning,
    rejected_by: &[],
    title: "part of the item could not be read",
    catalogue: "",
    explanation: "A file or folder could not be read, or is over a limit. What is in it was not checked, so the item is not judged as a whole: sealcheck never takes silence for a pass.",
    remedy: "make everything in the item readable for the user who runs sealcheck:  chmod -R u+rX PATH",
    check: |check| {
        for unread in &check.evidence().unread {
            check.file(&unread.path, unread.reason.clone());
        }
    },
    ..Rule::BASE
};

const LIMIT_REACHED: Rule = Rule {
    id: "limit-reached",
    family: Family::Files,
    severity: Severity::Warning,
    rejected_by: &[],
    title: "a limit of sealcheck was reached",
    catalogue: "",
    explanation: "Something in the item is larger, deeper or more numerous than sealcheck reads, so that no input can take all memory or time. macOS has no such limit: what lies behind it was not checked, and the item is not judged. Products do not come near; files that were made to confuse do.",
    remedy: "find out where the file comes from; where it is meant to be so, raise the limit if it is one that can be set:  sealcheck check --limit NAME=NUMBER PATH",
    check: |check| {
        let evidence = check.evidence();
        for fault in evidence.code.iter().flat_map(|object| &object.faults) {
            if let Some(limit) = fault.limit() {
                check.file(&fault.path, limit);
            }
        }
    },
    ..Rule::BASE
};
