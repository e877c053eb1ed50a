//! What could not be read, so that nothing may be concluded about it.

use super::{Family, Rule};
use crate::finding::Severity;

pub(super) const RULES: &[Rule] = &[Rule {
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
}];
