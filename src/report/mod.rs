//! Output: formats what was found and decides nothing.
//!
//! Writers are passed in; only this module and `cli` produce text for people or tools.

mod cause;
mod claims;
mod codesign;
mod container;
mod display;
mod document;
mod gatekeeper;
mod github;
mod gitlab;
mod human;
mod inspection;
mod json;
mod json_code;
mod jsonl;
mod junit;
mod markdown;
mod markup;
mod place;
mod problem;
mod profile;
mod rules;
mod sarif;
mod summary;
mod syspolicy;
mod text;
mod ticket;

pub use claims::{Claim, UNCOVERED, UNPRINTABLE, are_requirements_broken, entitlements_of};
pub use codesign::{CodesignLines, Stream, lines as codesign_lines};
pub use container::container_lines;
pub use display::{DisplayStyle, write as write_display, write_requirements};
pub use document::Json;
pub use gatekeeper::{assessment_lines, spctl_lines};
pub use github::Github;
pub use gitlab::Gitlab;
pub use human::{Human, Style, Totals, write as write_human, write_profile};
pub use inspection::{InspectionForm, Inspections};
pub use json::Settings;
pub use jsonl::JsonLines;
pub use junit::Junit;
pub use markdown::Markdown;
pub use profile::{ProfileSubject, write_profiles_json};
pub use rules::{explain, write_rules, write_rules_json, write_rules_page};
pub use sarif::Sarif;
pub use summary::{Standing, Summary};
pub use text::visible;
pub use ticket::{Tickets, write as write_ticket, write_json as write_ticket_json};

pub use syspolicy::{syspolicy_status, write_syspolicy, write_syspolicy_json};

use std::io::{self, Write};

use crate::finding::{Finding, Severity};
use crate::gatekeeper::GatekeeperVerdict;
use crate::rule::Advice;
use crate::verify::{Evidence, RequirementFault, Skipped};

/// One item with everything that is to be said about it.
#[derive(Debug)]
pub struct Outcome {
    /// Facts and the codesign verdict.
    pub evidence: Evidence,
    /// What Gatekeeper would say; `None` where that was not asked for, or options left out part of the item.
    pub gatekeeper: Option<GatekeeperVerdict>,
    /// Findings, and rules that could not be decided.
    pub advice: Advice,
    /// Whether the code satisfies a requirement that the user gave; the outer `None` where none was given.
    pub explicit_requirement: Option<Result<Option<bool>, RequirementFault>>,
    /// How long it took, where somebody has measured it.
    pub seconds: Option<f64>,
    /// Where the item is, relative to the root of the sources; an absolute path outside of it. `None` where no root is known.
    pub place: Option<String>,
}

/// An operand that could not be read at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The operand, as the user typed it.
    pub path: String,
    /// Why.
    pub reason: String,
    /// Where it is, as `Outcome::place`.
    pub place: String,
}

/// An item that a configuration leaves out of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path.
    pub path: String,
    /// Why.
    pub reason: String,
    /// The entry of the configuration, such as `sealcheck.toml:12`.
    pub origin: String,
}

/// What a report says about the run beside its items.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// How the report was made.
    pub settings: Settings<'a>,
    /// Operands of which there is no outcome.
    pub unreadable: &'a [Unreadable],
    /// What was left out because it is harmless.
    pub skipped: &'a Skipped,
    /// What a configuration leaves out.
    pub left_out: &'a [LeftOut],
    /// The items by how they stand.
    pub summary: Summary,
    /// The exit status of the program.
    pub exit_status: u8,
}

/// A report that is made item by item. Nothing of an item is kept but what the rest of the report needs, so that a run
/// over many does not take the memory of all.
pub trait Report {
    /// Adds an item.
    ///
    /// # Errors
    /// Those of `out`.
    fn add(&mut self, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what stands at the end.
    ///
    /// # Errors
    /// Those of `out`.
    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()>;
}

impl Outcome {
    /// The problems, errors first.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.advice.findings
    }

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
            0 if self.advice.has_open_expectation() || self.has_unread_archive() => 4,
            status => status,
        }
    }

    /// Returns true if a limit kept an archive in the item from being looked into.
    fn has_unread_archive(&self) -> bool {
        let archives = &self.evidence.archives;
        let mut unread = archives.iter().flat_map(|archive| &archive.unread);
        unread.any(|unread| unread.limit.is_some())
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
