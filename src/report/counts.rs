//! How many problems there are, by severity.

use super::cause::by_cause;
use super::problem::Problems;
use super::{Settings, text};
use crate::finding::Severity;
use crate::outcome::Outcome;

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
