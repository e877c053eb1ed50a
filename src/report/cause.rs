//! What counts as one problem: findings of one rule that say the same, in however many files and architectures they occur.
//!
//! All numbers and the reports that people read use this meaning. Formats whose readers show a problem beside one file have an
//! entry for each file that it is about, and the list of findings in JSON one for each file and architecture. A finding that
//! names its own places is a problem by itself.

use std::collections::HashMap;
use std::hash::Hash;

use crate::finding::Finding;

/// The findings by cause, in the order of the first of each. No list is empty.
pub(super) fn by_cause(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    grouped(findings, |finding| {
        let is_alone = !finding.places.is_empty();
        let key = (finding.rule, finding.severity, finding.message.as_str());
        (!is_alone).then_some(key)
    })
}

/// The findings of each cause by path, in the same order: those of one list differ in the architecture only.
pub(super) fn by_place(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let causes = by_cause(findings).into_iter();
    causes
        .flat_map(|cause| grouped(cause, |finding| Some(finding.path.as_str())))
        .collect()
}

/// The findings with the same key, in the order of the first of each; one without a key is alone.
fn grouped<'f, K: Eq + Hash>(
    findings: impl IntoIterator<Item = &'f Finding>,
    key: impl Fn(&'f Finding) -> Option<K>,
) -> Vec<Vec<&'f Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    // There may be a finding for every file.
    let mut known: HashMap<K, usize> = HashMap::new();
    for finding in findings {
        let key = key(finding);
        let same = key.as_ref().and_then(|key| known.get(key));
        match same.and_then(|index| groups.get_mut(*index)) {
            Some(group) => group.push(finding),
            None => {
                known.extend(key.map(|key| (key, groups.len())));
                groups.push(vec![finding]);
            }
        }
    }
    groups
}
