//! One item with its verdicts, its evidence and its findings: what reports print, and what a program decides by.
//!
//! Nothing is decided here but the exit status, which is a part of the contract with scripts.

mod objection;

pub use objection::{Objection, ObjectionKind};

use crate::finding::{Finding, Severity};
use crate::gatekeeper::GatekeeperVerdict;
use crate::rule::Advice;
use crate::survey::Survey;
use crate::verify::{Evidence, RequirementAnswer, RequirementFault};

/// One item with everything that is to be said about it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Facts and the codesign verdict.
    pub evidence: Evidence,
    /// What Gatekeeper would say; `None` where that was not asked for, or options left out part of the item.
    pub gatekeeper: Option<GatekeeperVerdict>,
    /// Further facts, for the rules; nothing where nobody asked them.
    pub(crate) survey: Survey,
    /// Findings, and rules that could not be decided.
    pub advice: Advice,
    /// Whether the code satisfies a requirement that the user gave; the outer `None` where none was given.
    pub(crate) explicit_requirement: Option<Result<Option<bool>, RequirementFault>>,
    /// How long it took, where somebody has measured it.
    pub seconds: Option<f64>,
    /// Where the item is, relative to the root of the sources; an absolute path outside of it. `None` where no root is known.
    pub place: Option<String>,
}

impl Outcome {
    /// An item that Gatekeeper was not asked about yet.
    #[must_use]
    pub fn new(evidence: Evidence, survey: Survey, advice: Advice) -> Self {
        Self {
            evidence,
            survey,
            gatekeeper: None,
            advice,
            explicit_requirement: None,
            seconds: None,
            place: None,
        }
    }

    /// Returns whether the code satisfies the requirement that the user gave; `None` where none was given.
    #[must_use]
    pub fn requirement(&self) -> Option<RequirementAnswer> {
        self.explicit_requirement.as_ref().map(|answer| match answer {
            Ok(Some(true)) => RequirementAnswer::Met,
            Ok(None) => RequirementAnswer::not_known(&self.evidence.codesign),
            Ok(Some(false)) | Err(_) => RequirementAnswer::NotMet,
        })
    }

    /// The problems, errors first.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.advice.findings
    }

    #[cfg(feature = "report")]
    /// Where the item is: from the root of the sources where that is known, else the place that links lead to.
    pub(crate) fn place(&self) -> &str {
        self.place.as_deref().unwrap_or(&self.evidence.root)
    }

    /// The exit status of the contract: 0 good, 1 failed or error findings, 3 a requirement is not met, 4 not
    /// judged, or an expectation could not be decided.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        let errors = self
            .findings()
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        match self.answer_status() {
            1 => 1,
            _ if errors => 1,
            0 if self.advice.has_open_expectation() || self.survey.has_unread_archive() => 4,
            status => status,
        }
    }

    /// The exit status of the codesign verdict alone: 0 valid, 1 not, 3 valid but a requirement is not met, 4 not
    /// judged (specification 11.5). An archive that can be read in more than one way fails, as it does where findings count.
    #[must_use]
    pub fn codesign_status(&self) -> u8 {
        match self.answer_status() {
            _ if self.evidence.has_container_faults() => 1,
            status => status,
        }
    }

    /// The exit status of the answer of `codesign`.
    fn answer_status(&self) -> u8 {
        let verdict = &self.evidence.codesign;
        let explicit = self.explicit_requirement.as_ref();
        let is_unmet = verdict.satisfies_designated_requirement() == Some(false)
            || explicit.is_some_and(|found| !matches!(found, Ok(Some(true) | None)));
        match verdict.valid() {
            Some(false) => 1,
            _ if is_unmet => 3,
            None => 4,
            Some(true) if matches!(explicit, Some(Ok(None))) => 4,
            Some(true) => 0,
        }
    }
}
