//! What counts as one problem: findings of one rule that say the same, in however many files and architectures they occur.
//!
//! All numbers and the reports that people read use this meaning. Formats whose readers show a problem beside one file have an
//! entry for each file that it is about, and the list of findings in JSON one for each file and architecture. A finding that
//! names its own places is a problem by itself.

use std::collections::HashMap;
use std::hash::Hash;

use super::problem::Problems;
use super::{Settings, text};
use crate::finding::{Finding, Severity};
use crate::outcome::Outcome;

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

/// How many problems there are, and how many questions without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) errors: u64,
    pub(super) warnings: u64,
    pub(super) notes: u64,
    pub(super) open: u64,
}

impl Counts {
    /// Counts what is reported of an item.
    pub(super) fn of(outcome: &Outcome, settings: Settings<'_>) -> Self {
        if settings.has_findings {
            Self::of_check(outcome)
        } else {
            Self::of_problems(&Problems::of(outcome, settings))
        }
    }

    /// Counts what `check` reports of an item. There may be a million findings, so none is copied.
    pub(super) fn of_check(outcome: &Outcome) -> Self {
        let mut counts = Self::of_problems(&Problems::beside_findings(outcome));
        for cause in by_cause(outcome.findings()) {
            cause.first().iter().for_each(|first| counts.add(first.severity));
        }
        counts
    }

    /// Counts problems that are made already.
    pub(super) fn of_problems(all: &Problems) -> Self {
        let mut counts = Self::default();
        all.problems
            .iter()
            .for_each(|problem| counts.add(problem.severity));
        counts.open = u64::try_from(all.open().count()).unwrap_or(u64::MAX);
        counts
    }

    fn add(&mut self, severity: Severity) {
        let count = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
            Severity::Note => &mut self.notes,
        };
        *count = count.saturating_add(1);
    }

    /// The numbers that are not 0, in words: `1 error`, `2 notes`, `1 not decided`.
    pub(super) fn words(self) -> Vec<String> {
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let counts = [
            (self.errors, "error"),
            (self.warnings, "warning"),
            (self.notes, "note"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let mut words: Vec<String> = counts
            .map(|(count, noun)| text::counted(number(count), noun))
            .collect();
        words.extend((self.open > 0).then(|| format!("{} not decided", self.open)));
        words
    }
}
