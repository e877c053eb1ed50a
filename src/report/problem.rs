//! What the formats for pipelines report of an item: findings, failed verdicts, and what nobody could decide.
//!
//! `check` reports findings; `verify` and `assess` report their one verdict, as the findings belong to neither. A verdict
//! that failed is always among the problems, so that no format shows a failed item without one.

use std::collections::{BTreeMap, HashMap};

use super::cause::{by_cause, by_place};
use super::{Settings, container, place};
use crate::finding::{Finding, Party, Severity, fingerprint};
use crate::gatekeeper::{GatekeeperVerdict, Ruling};
use crate::outcome::Outcome;
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
    /// The first architecture, which is part of the fingerprint.
    architecture: Option<String>,
    /// The architectures at this path, if the problem is about this path alone.
    pub(super) architectures: Vec<String>,
    pub(super) message: String,
    /// The file that it is about, where it is about one, relative to the item.
    pub(super) file: String,
    /// The place and the line in the configuration, where it is about that.
    pub(super) decision: Option<(String, u64)>,
    /// The line of the file; the first, where the file has none.
    pub(super) line: u64,
    /// The files that it is about, with a word about each, where it is about several.
    pub(super) places: Vec<String>,
    /// The paths that it is about beside the first.
    pub(super) others: Vec<String>,
    /// True if the repairs of these differ.
    has_other_repairs: bool,
    /// Empty where there is none.
    pub(super) remedy: Repair,
}

/// Places that are named in a text.
const SHOWN: usize = 10;
/// Files of one finding with an entry of their own; code scanning takes no more results than 25,000.
const MAX_FILES: usize = 1_000;

/// Returns true if a finding names files of the item. Those of an archive around it are not in the item.
fn has_files(finding: &Finding) -> bool {
    !finding.places.is_empty() && finding.rule != HYGIENE
}

impl Problem {
    /// A problem of the item as a whole, without a repair.
    fn new(rule: &'static str, severity: Severity, message: String) -> Self {
        Self {
            rule,
            severity,
            path: String::new(),
            architecture: None,
            architectures: Vec::new(),
            message,
            file: String::new(),
            decision: None,
            line: 1,
            places: Vec::new(),
            others: Vec::new(),
            has_other_repairs: false,
            remedy: Repair::default(),
        }
    }

    /// The problem that findings with one cause are; `None` without a finding.
    fn of(cause: &[&Finding], settings: Settings<'_>) -> Option<Self> {
        let first = cause.first()?;
        let mut paths: Vec<(&str, Vec<String>)> = Vec::new();
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in cause {
            let index = *known.entry(&finding.path).or_insert(paths.len());
            match paths.get_mut(index) {
                Some((_, architectures)) => architectures.extend(finding.architecture.clone()),
                None => paths.push((&finding.path, finding.architecture.clone().into_iter().collect())),
            }
        }
        let mut problem = Self {
            path: first.path.clone(),
            architecture: first.architecture.clone(),
            file: match first.places.as_slice() {
                [only] if first.path.is_empty() => only.path.clone(),
                _ => first.path.clone(),
            },
            decision: decision(first, settings),
            line: first.line.unwrap_or(1),
            has_other_repairs: cause.iter().any(|finding| finding.remedy != first.remedy),
            remedy: first.remedy.clone(),
            ..Self::new(first.rule, first.severity, first.message.clone())
        };
        if let [(_, architectures)] = paths.as_mut_slice() {
            problem.architectures = std::mem::take(architectures);
            let places = first.places.iter();
            problem.places = places
                .map(|place| format!("{}: {}", place.path, place.note))
                .collect();
            return Some(problem);
        }
        let others = paths.iter().skip(1);
        problem.others = others.map(|(path, _)| (*path).to_owned()).collect();
        let places = paths.into_iter().map(|(path, architectures)| {
            let path = if path.is_empty() { "the item itself" } else { path };
            match architectures.as_slice() {
                [] => path.to_owned(),
                some => format!("{path}: {}", some.join(", ")),
            }
        });
        problem.places = places.collect();
        Some(problem)
    }

    /// The problem in each of its files. The text has no numbers, so that an entry stays the same when another file is repaired. Of very
    /// many files, the rest is one problem of the item.
    fn by_file(mut self, finding: &Finding) -> Vec<Self> {
        let title = rule_of(finding.rule).map_or(finding.message.as_str(), |rule| rule.title);
        let files = finding.places.iter().take(MAX_FILES);
        let mut problems: Vec<Self> = files
            .map(|place| Self {
                path: place.path.clone(),
                file: place.path.clone(),
                line: self.line,
                remedy: self.remedy.clone(),
                ..Self::new(self.rule, self.severity, format!("{}: {title}", place.note))
            })
            .collect();
        if finding.places.len() > MAX_FILES {
            self.places = self.places.into_iter().skip(MAX_FILES).collect();
            problems.push(self);
        }
        problems
    }

    /// What is wrong, where, and how to repair it; paragraphs stand apart by `gap`.
    pub(super) fn text(&self, gap: &str) -> String {
        let (shown, more) = self.shown_places();
        let places: Vec<_> = shown.iter().cloned().chain(more).collect();
        let remedy = match self.remedy.to_string().as_str() {
            "" => String::new(),
            remedy => format!("Repair: {remedy}"),
        };
        let parts = [self.headline(), places.join("\n"), remedy, self.likewise()];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(gap)
    }

    /// The message, with the architectures where it is about some.
    pub(super) fn headline(&self) -> String {
        match self.architectures.as_slice() {
            [] => self.message.clone(),
            some => format!("{} ({})", self.message, some.join(", ")),
        }
    }

    /// What is to be done in the other places, where that is not the same.
    pub(super) fn likewise(&self) -> String {
        match self.others.len() {
            _ if !self.has_other_repairs => String::new(),
            0 => String::new(),
            1 => "Likewise for the other place.".to_owned(),
            others => format!("Likewise for the other {others} places."),
        }
    }

    /// Where it is, with the line: in the configuration, or in a file of the item at this place. Signed code has no lines, so
    /// that is the first one, which every file has; an Info.plist in XML has some.
    pub(super) fn place(&self, item: &str) -> (String, u64) {
        let in_item = || (place::of(item, &self.file), self.line);
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
    /// How many more paths have the same question.
    more: usize,
    /// Whether it is a verdict or an expectation, without which the item is not good.
    pub(super) is_verdict: bool,
}

impl Unanswered {
    pub(super) fn text(&self) -> String {
        format!("not checked: {}", self.explained())
    }

    /// Why there is no answer, and how many more paths there are.
    pub(super) fn explained(&self) -> String {
        match self.more {
            0 => self.reason.clone(),
            more => format!("{} (and {more} more)", self.reason),
        }
    }

    pub(super) fn fingerprint(&self) -> String {
        fingerprint(self.rule, &self.path, None, &self.reason)
    }
}

/// What has an entry of its own in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entries {
    Causes,
    Places,
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

    /// The problems by cause: one may be about several files.
    pub(super) fn of(outcome: &Outcome, settings: Settings<'_>) -> Self {
        Self::made(outcome, settings, Entries::Causes)
    }

    /// The problems and the questions by path, for readers that show each beside one file and find it there again.
    pub(super) fn by_place(outcome: &Outcome, settings: Settings<'_>) -> Self {
        Self::made(outcome, settings, Entries::Places)
    }

    fn made(outcome: &Outcome, settings: Settings<'_>, entries: Entries) -> Self {
        let mut all = Self {
            place: outcome.place().to_owned(),
            problems: Vec::new(),
            unanswered: Vec::new(),
        };
        if settings.has_findings {
            all.findings(outcome, settings, entries);
            all.unknown(outcome, entries);
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
            _ => all.codesign(outcome, settings.has_findings),
        }
        all
    }

    /// What `check` reports of an item beside its findings.
    pub(super) fn beside_findings(outcome: &Outcome) -> Self {
        let mut all = Self {
            place: String::new(),
            problems: Vec::new(),
            unanswered: Vec::new(),
        };
        all.unknown(outcome, Entries::Causes);
        all.codesign(outcome, true);
        // As if the findings were among the problems.
        let mut findings = outcome.findings().iter();
        if findings.any(|finding| finding.severity == Severity::Error) {
            all.unanswered.retain(|open| open.rule != CODESIGN);
        }
        all
    }

    fn findings(&mut self, outcome: &Outcome, settings: Settings<'_>, entries: Entries) {
        let groups = match entries {
            Entries::Causes => by_cause(outcome.findings()),
            Entries::Places => by_place(outcome.findings()),
        };
        for group in &groups {
            let Some(problem) = Problem::of(group, settings) else {
                continue;
            };
            match group.first().filter(|_| entries == Entries::Places) {
                Some(first) if has_files(first) => self.problems.extend(problem.by_file(first)),
                _ => self.problems.push(problem),
            }
        }
    }

    /// The questions without an answer; by cause, the same about several paths is one.
    fn unknown(&mut self, outcome: &Outcome, entries: Entries) {
        let mut known: HashMap<(&str, &str, Option<&str>), usize> = HashMap::new();
        for unknown in &outcome.advice.unknown {
            let path = (entries == Entries::Places).then_some(unknown.path.as_str());
            let index = known
                .entry((unknown.rule, &unknown.reason, path))
                .or_insert(self.unanswered.len());
            match self.unanswered.get_mut(*index) {
                Some(same) => same.more = same.more.saturating_add(1),
                None => self.unanswered.push(Unanswered {
                    rule: unknown.rule,
                    path: unknown.path.clone(),
                    reason: unknown.reason.clone(),
                    more: 0,
                    is_verdict: unknown.is_expectation(),
                }),
            }
        }
    }

    fn reservations(&mut self, outcome: &Outcome) {
        let reservations = outcome.evidence.reservations().into_iter();
        self.problems.extend(reservations.map(|reservation| Problem {
            file: reservation.path.clone(),
            path: reservation.path,
            ..Problem::new(rule::NOT_ALL_VERIFIED.id, Severity::Note, reservation.text)
        }));
    }

    /// Faults of the archive, which are findings where those are asked for.
    fn container(&mut self, outcome: &Outcome) {
        for (message, places) in container::faults(&outcome.evidence) {
            let places = places.iter();
            let places = places.map(|place| format!("{}: {}", place.path, place.note));
            self.problems.push(Problem {
                places: places.collect(),
                ..Problem::new(HYGIENE, Severity::Error, message)
            });
        }
    }

    fn codesign(&mut self, outcome: &Outcome, has_findings: bool) {
        let verdict = &outcome.evidence.codesign;
        let is_explained = outcome.findings().iter().any(|finding| {
            finding.severity == Severity::Error && finding.rejected_by.contains(&Party::Codesign)
        });
        match verdict.valid() {
            // The finding says the same, and how to repair it.
            Some(false) if is_explained && has_findings => {}
            Some(false) => {
                let message = verdict.status().map_or("invalid".to_owned(), told);
                self.problems.push(Problem {
                    path: verdict.subcomponent().unwrap_or_default().to_owned(),
                    file: verdict.subcomponent().unwrap_or_default().to_owned(),
                    architecture: verdict.architecture().map(str::to_owned),
                    architectures: verdict.architecture().map(str::to_owned).into_iter().collect(),
                    ..Problem::new(CODESIGN, Severity::Error, message)
                });
            }
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
            Ruling::Rejected(_) | Ruling::Error(_) => {
                let message = match said.join("; ") {
                    said if said.is_empty() => "rejected".to_owned(),
                    said => format!("rejected: {said}"),
                };
                self.problems.push(Problem {
                    path: verdict.subcomponent.clone().unwrap_or_default(),
                    file: verdict.subcomponent.clone().unwrap_or_default(),
                    ..Problem::new(GATEKEEPER, Severity::Error, message)
                });
            }
        }
    }

    fn error(&mut self, rule: &'static str, message: &str) {
        let problem = Problem::new(rule, Severity::Error, message.to_owned());
        self.problems.push(problem);
    }

    fn unanswered(&mut self, rule: &'static str, reason: String) {
        self.unanswered.push(Unanswered {
            rule,
            path: String::new(),
            reason,
            more: 0,
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
