//! What the formats for pipelines report of an item: findings, failed verdicts, and what nobody could decide.
//!
//! `check` reports findings; `verify` and `assess` report their one verdict, as the findings belong to neither. A verdict
//! that failed is always among the problems, so that no format shows a failed item without one.

use super::{Outcome, Settings, container, place};
use crate::finding::{Finding, Party, Severity, fingerprint};
use crate::gatekeeper::{GatekeeperVerdict, Ruling};
use crate::remedy::Repair;
use crate::rule::{self, HYGIENE, Rule};
use crate::verify::OsStatus;

/// What stands for a verdict where other problems have a rule.
pub(super) const VERDICTS: [VerdictRule; 4] = [
    VerdictRule {
        id: CODESIGN,
        title: "codesign --verify fails",
        text: "The verdict of `codesign --verify` about this item. `sealcheck check` says what is the matter and how to repair it.",
        parties: &[Party::Codesign],
    },
    VerdictRule {
        id: GATEKEEPER,
        title: "Gatekeeper does not accept the item",
        text: "The verdict of `spctl --assess` about this item. `sealcheck check` says what is the matter and how to repair it.",
        parties: &[Party::Gatekeeper],
    },
    VerdictRule {
        id: REQUIREMENT,
        title: "a requirement is not met",
        text: "The code does not satisfy its own designated requirement, or the one that was given with `-R`.",
        parties: &[Party::Codesign],
    },
    VerdictRule {
        id: UNREADABLE,
        title: "an operand or something in it cannot be read",
        text: "There is no verdict about what cannot be read, so it does not count as good. The message gives the reason.",
        parties: &[],
    },
];

const CODESIGN: &str = "codesign-verdict";
const GATEKEEPER: &str = "gatekeeper-verdict";
const REQUIREMENT: &str = "requirement-verdict";
/// The problem of an operand without an outcome.
pub(super) const UNREADABLE: &str = "unreadable";

/// The documentation of a verdict.
pub(super) struct VerdictRule {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    /// Who gives the verdict.
    pub(super) parties: &'static [Party],
}

/// One problem of an item.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) rule: &'static str,
    pub(super) severity: Severity,
    /// Relative to the item; empty for the item itself.
    pub(super) path: String,
    pub(super) architecture: Option<String>,
    pub(super) message: String,
    /// The file that it is about, where it is about one, relative to the item.
    pub(super) file: String,
    /// The place and the line in the configuration, where it is about that.
    pub(super) decision: Option<(String, u64)>,
    /// The files that it is about, with a word about each, where it is about several.
    pub(super) places: Vec<String>,
    /// Empty where there is none.
    pub(super) remedy: Repair,
}

/// Places that are named in a text.
const SHOWN: usize = 10;

impl Problem {
    /// What is wrong, where, and how to repair it; paragraphs stand apart by `gap`.
    pub(super) fn text(&self, gap: &str) -> String {
        let (shown, more) = self.shown_places();
        let places: Vec<_> = shown.iter().cloned().chain(more).collect();
        let remedy = match self.remedy.to_string().as_str() {
            "" => String::new(),
            remedy => format!("Repair: {remedy}"),
        };
        let parts = [self.message.clone(), places.join("\n"), remedy];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(gap)
    }

    /// Where it is, with the line: in the configuration, or in a file of the item at this place. Signed code has no lines, so
    /// that is the first one, which every file has.
    pub(super) fn place(&self, item: &str) -> (String, u64) {
        let in_item = || (place::of(item, &self.file), 1);
        self.decision.clone().unwrap_or_else(in_item)
    }

    /// The files that a text names, and how many it does not.
    pub(super) fn shown_places(&self) -> (&[String], Option<String>) {
        let hidden = self.places.len().saturating_sub(SHOWN);
        let more = (hidden > 0).then(|| format!("and {hidden} more"));
        (self.places.get(..SHOWN).unwrap_or(&self.places), more)
    }

    pub(super) fn fingerprint(&self) -> String {
        fingerprint(self.rule, &self.path, self.architecture.as_deref(), &self.message)
    }
}

/// A question that has no answer: neither passed nor failed.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) rule: &'static str,
    pub(super) path: String,
    pub(super) reason: String,
    /// Whether it is a verdict or an expectation, without which the item is not good.
    pub(super) is_verdict: bool,
}

impl Unanswered {
    pub(super) fn text(&self) -> String {
        format!("not checked: {}", self.reason)
    }

    pub(super) fn fingerprint(&self) -> String {
        fingerprint(self.rule, &self.path, None, &self.reason)
    }
}

/// Everything that is to be reported of one item; it outlives the item's evidence.
#[derive(Debug)]
pub(super) struct Problems {
    /// Where the item is, from the root of the sources where that is known.
    pub(super) place: String,
    pub(super) problems: Vec<Problem>,
    pub(super) unanswered: Vec<Unanswered>,
}

impl Problems {
    /// The open questions for readers that know problems only, each with the severity of its problem: without the answer to a
    /// question about a verdict, the item is not good. That codesign gave no verdict is left out where an error says why, as
    /// the finding about a container does.
    pub(super) fn open(&self) -> impl Iterator<Item = (&Unanswered, Severity)> {
        let mut problems = self.problems.iter();
        let has_error = problems.any(|problem| problem.severity == Severity::Error);
        let unanswered = self.unanswered.iter();
        let shown = unanswered.filter(move |open| open.rule != CODESIGN || !has_error);
        shown.map(|open| {
            let severity = if open.is_verdict {
                Severity::Error
            } else {
                Severity::Warning
            };
            (open, severity)
        })
    }

    pub(super) fn of(outcome: &Outcome, settings: Settings<'_>) -> Self {
        let mut all = Self {
            place: outcome.place().to_owned(),
            problems: Vec::new(),
            unanswered: Vec::new(),
        };
        if settings.has_findings {
            all.findings(outcome, settings);
        } else {
            all.container(outcome);
            all.reservations(outcome);
        }
        // `assess` is asked for Gatekeeper alone, to which code that does not verify is no different.
        match &outcome.gatekeeper {
            Some(verdict) if !settings.has_findings => all.gatekeeper(verdict),
            None if !settings.has_findings && settings.is_assessment => {
                all.unanswered(GATEKEEPER, "not evaluated".to_owned());
            }
            _ => all.codesign(outcome),
        }
        all
    }

    fn findings(&mut self, outcome: &Outcome, settings: Settings<'_>) {
        self.problems.extend(outcome.findings().iter().map(|finding| {
            Problem {
                rule: finding.rule,
                severity: finding.severity,
                path: finding.path.clone(),
                architecture: finding.architecture.clone(),
                message: finding.message.clone(),
                file: match finding.places.as_slice() {
                    [only] if finding.path.is_empty() => only.path.clone(),
                    _ => finding.path.clone(),
                },
                decision: decision(finding, settings),
                places: finding
                    .places
                    .iter()
                    .map(|place| format!("{}: {}", place.path, place.note))
                    .collect(),
                remedy: finding.remedy.clone(),
            }
        }));
        let unknown = outcome.advice.unknown.iter().map(|unknown| Unanswered {
            rule: unknown.rule,
            path: unknown.path.clone(),
            reason: unknown.reason.clone(),
            is_verdict: unknown.is_expectation(),
        });
        self.unanswered.extend(unknown);
    }

    fn reservations(&mut self, outcome: &Outcome) {
        let reservations = outcome.evidence.reservations().into_iter();
        self.problems.extend(reservations.map(|reservation| Problem {
            rule: rule::NOT_ALL_VERIFIED.id,
            severity: Severity::Note,
            file: reservation.path.clone(),
            decision: None,
            path: reservation.path,
            architecture: None,
            message: reservation.text,
            places: Vec::new(),
            remedy: Repair::default(),
        }));
    }

    /// Faults of the archive, which are findings where those are asked for.
    fn container(&mut self, outcome: &Outcome) {
        for (message, places) in container::faults(&outcome.evidence) {
            self.problems.push(Problem {
                rule: HYGIENE,
                severity: Severity::Error,
                path: String::new(),
                file: String::new(),
                decision: None,
                architecture: None,
                message,
                places: places
                    .iter()
                    .map(|place| format!("{}: {}", place.path, place.note))
                    .collect(),
                remedy: Repair::default(),
            });
        }
    }

    fn codesign(&mut self, outcome: &Outcome) {
        let verdict = &outcome.evidence.codesign;
        let is_explained = outcome.findings().iter().any(|finding| {
            finding.severity == Severity::Error && finding.rejected_by.contains(&Party::Codesign)
        });
        match verdict.valid() {
            // The finding says the same, and how to repair it.
            Some(false) if is_explained && !self.problems.is_empty() => {}
            Some(false) => self.problems.push(Problem {
                rule: CODESIGN,
                severity: Severity::Error,
                path: verdict.subcomponent().unwrap_or_default().to_owned(),
                file: verdict.subcomponent().unwrap_or_default().to_owned(),
                decision: None,
                architecture: verdict.architecture().map(str::to_owned),
                message: verdict.status().map_or("invalid".to_owned(), told),
                places: Vec::new(),
                remedy: Repair::default(),
            }),
            Some(true) => {}
            None => {
                let reason = verdict.not_judged().map(|reason| reason.to_string());
                self.unanswered(CODESIGN, reason.unwrap_or_default());
            }
        }
        if verdict.valid() == Some(false) {
            return;
        }
        if verdict.satisfies_designated_requirement() == Some(false) {
            self.error(REQUIREMENT, "does not satisfy its designated requirement");
        }
        match &outcome.explicit_requirement {
            Some(Ok(Some(false)) | Err(_)) => {
                self.error(REQUIREMENT, "does not satisfy the requirement that was given");
            }
            Some(Ok(None)) => self.unanswered(
                REQUIREMENT,
                "the requirement that was given depends on what only a Mac knows".to_owned(),
            ),
            Some(Ok(Some(true))) | None => {}
        }
    }

    fn gatekeeper(&mut self, verdict: &GatekeeperVerdict) {
        let source = verdict.source.map(|source| format!("source={source}"));
        let words = [
            verdict.status().map(told),
            verdict.condition().map(str::to_owned),
            source,
        ];
        let said: Vec<_> = words.into_iter().flatten().collect();
        match verdict.ruling {
            Ruling::Accepted(_) => {}
            Ruling::Undetermined(_) | Ruling::NotJudged(_) | Ruling::NotApplicable(_) => {
                self.unanswered(GATEKEEPER, said.join("; "));
            }
            Ruling::Rejected(_) | Ruling::Error(_) => self.problems.push(Problem {
                rule: GATEKEEPER,
                severity: Severity::Error,
                path: verdict.subcomponent.clone().unwrap_or_default(),
                file: verdict.subcomponent.clone().unwrap_or_default(),
                decision: None,
                architecture: None,
                message: match said.join("; ") {
                    said if said.is_empty() => "rejected".to_owned(),
                    said => format!("rejected: {said}"),
                },
                places: Vec::new(),
                remedy: Repair::default(),
            }),
        }
    }

    fn error(&mut self, rule: &'static str, message: &str) {
        self.problems.push(Problem {
            rule,
            severity: Severity::Error,
            path: String::new(),
            file: String::new(),
            decision: None,
            architecture: None,
            message: message.to_owned(),
            places: Vec::new(),
            remedy: Repair::default(),
        });
    }

    fn unanswered(&mut self, rule: &'static str, reason: String) {
        self.unanswered.push(Unanswered {
            rule,
            path: String::new(),
            reason,
            is_verdict: true,
        });
    }
}

/// The place of an entry in the configuration, which the finding names as `sealcheck.toml:12`.
fn decision(finding: &Finding, settings: Settings<'_>) -> Option<(String, u64)> {
    let mut details = finding.details.iter();
    let (_, origin) = details.find(|(name, _)| *name == "origin")?;
    let (file, line) = origin.rsplit_once(':')?;
    let place = settings.config_place.filter(|_| settings.config == Some(file))?;
    Some((place.to_owned(), line.parse().ok()?))
}

/// Apple's message with its number.
fn told(status: OsStatus) -> String {
    format!("{} ({})", status.message(), status.0)
}

/// The documented rule behind an id; `None` for a verdict.
pub(super) fn rule_of(id: &str) -> Option<&'static Rule> {
    rule::find(id)
}
