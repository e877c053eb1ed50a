//! How the items of a run stand, and how many problems they have.

use super::Settings;
use super::counts::Counts;
use crate::outcome::Outcome;
use crate::verify::Product;

/// What a command says about one item in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It passed.
    Good,
    /// It did not.
    Bad,
    /// It is not known: Apple's servers decide.
    Open,
    /// It was not judged.
    NotJudged,
}

impl Standing {
    /// How the item stands by what was asked: everything, the codesign verdict, or Gatekeeper's.
    #[must_use]
    pub fn of(outcome: &Outcome, settings: Settings<'_>) -> Self {
        let status = if settings.is_assessment {
            let verdict = outcome.gatekeeper.as_ref();
            if outcome.evidence.has_container_faults() {
                return Self::Bad;
            }
            return match verdict.and_then(|verdict| verdict.accepted()) {
                Some(true) => Self::Good,
                Some(false) => Self::Bad,
                None if outcome.evidence.product() != Product::Mac => Self::NotJudged,
                None if outcome.evidence.codesign.not_judged().is_some() => Self::NotJudged,
                None => Self::Open,
            };
        } else if settings.has_findings {
            outcome.exit_status()
        } else {
            outcome.codesign_status()
        };
        match status {
            0 => Self::Good,
            4 => Self::NotJudged,
            _ => Self::Bad,
        }
    }
}

/// Numbers about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Items that passed.
    pub good: u64,
    /// Items that did not.
    pub bad: u64,
    /// Items about which Apple's servers decide.
    pub open: u64,
    /// Items that were not judged.
    pub not_judged: u64,
    /// Problems that are errors; the same in several files or architectures is one problem.
    pub errors: u64,
    /// Problems that are warnings.
    pub warnings: u64,
    /// Problems that are notes.
    pub notes: u64,
    /// Questions without an answer.
    pub questions: u64,
}

impl Summary {
    /// Counts an item.
    pub fn add(&mut self, outcome: &Outcome, settings: Settings<'_>) {
        let count = match Standing::of(outcome, settings) {
            Standing::Good => &mut self.good,
            Standing::Bad => &mut self.bad,
            Standing::Open => &mut self.open,
            Standing::NotJudged => &mut self.not_judged,
        };
        *count = count.saturating_add(1);
        let counts = Counts::of(outcome, settings);
        for (sum, count) in [
            (&mut self.errors, counts.errors),
            (&mut self.warnings, counts.warnings),
            (&mut self.notes, counts.notes),
            (&mut self.questions, counts.open),
        ] {
            *sum = sum.saturating_add(count);
        }
    }

    /// The problems and open questions of all items.
    pub(super) fn counts(&self) -> Counts {
        Counts {
            errors: self.errors,
            warnings: self.warnings,
            notes: self.notes,
            open: self.questions,
        }
    }

    /// All items.
    #[must_use]
    pub fn items(&self) -> u64 {
        let known = self.good.saturating_add(self.bad);
        known.saturating_add(self.open).saturating_add(self.not_judged)
    }
}
