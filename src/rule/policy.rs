//! What a project has decided about findings: other severities, and ignores, each with its reason.
//!
//! A policy speaks of findings only. What codesign and Gatekeeper say stays as it is, and so does what could not be
//! decided: an ignore is no answer.

use crate::remedy::Step;
use globset::{GlobBuilder, GlobMatcher};
use thiserror::Error;

use super::check::sort;
use super::{Advice, Family, Rule, find};
use crate::finding::{Finding, Severity};
use crate::remedy::{Facts, General};
use crate::time::UnixTime;

/// How a path in a pattern names the item itself.
const ITEM: &str = ".";

/// What a project has decided.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Severities of rules, by their ids.
    pub severities: Vec<(&'static str, Severity)>,
    /// Findings that are not to be reported.
    pub ignores: Vec<Ignore>,
}

/// Findings of one rule that are not to be reported.
#[derive(Debug, Clone)]
pub struct Ignore {
    /// The rule's id.
    pub rule: &'static str,
    /// The names of items that it is about; all without it.
    pub item: Option<Pattern>,
    /// The paths in an item that it is about, `.` being the item itself; all without it.
    pub path: Option<Pattern>,
    /// Why; none on the command line.
    pub reason: Option<String>,
    /// From when on it is void.
    pub expires: Option<UnixTime>,
    /// Where it stands, such as `sealcheck.toml:12`.
    pub origin: String,
}

/// A pattern of paths: `*` and `?` stop at a slash, `**` does not; also `[…]` and `{a,b}`.
#[derive(Debug, Clone)]
pub struct Pattern(GlobMatcher);

/// A pattern that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a pattern: {0}")]
pub struct PatternError(String);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`] where brackets or braces are open or a range is wrong, or there is nothing at all.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError("it is empty and matches nothing".to_owned()));
        }
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        let glob = glob.map_err(|error| PatternError(error.kind().to_string()))?;
        Ok(Self(glob.compile_matcher()))
    }

    /// Whether the whole path is one of those meant.
    #[must_use]
    pub fn is_match(&self, path: &str) -> bool {
        self.0.is_match(path)
    }

    /// Returns its text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.glob().glob()
    }

    /// Returns true if it means the place of this path in an item; an empty path is the item itself.
    #[must_use]
    pub fn is_place(&self, path: &str) -> bool {
        self.is_match(if path.is_empty() { ITEM } else { path })
    }
}

/// What a run judges, as far as it decides whether an ignore without a match is one too many. An ignore that is about something else
/// than this run may be needed by the next one.
#[derive(Clone, Copy)]
pub struct Reach<'a> {
    /// No item is missing for which an ignore may have been meant, and everything in the items was judged.
    pub is_complete: bool,
    /// Returns true if an item of this name would be among the items of the run, so that none has it.
    pub covers: &'a dyn Fn(&Pattern) -> bool,
}

/// A finding that is counted instead of reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// The finding.
    pub finding: Finding,
    /// Why.
    pub by: Suppression,
}

/// Why a finding is not reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suppression {
    /// Somebody decided so.
    Ignored {
        /// Where that stands.
        origin: String,
        /// Why.
        reason: Option<String>,
    },
    /// It was there before.
    Known,
}

impl Suppression {
    /// The word in every output format.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ignored { .. } => "ignored",
            Self::Known => "known",
        }
    }
}

/// One item of a run: its name, without the folders around it, and what the rules said about it.
#[derive(Debug)]
pub struct Advised<'a> {
    /// The name.
    pub name: &'a str,
    /// The advice.
    pub advice: &'a mut Advice,
}

fn is_any(pattern: Option<&Pattern>, path: &str) -> bool {
    pattern.is_none_or(|pattern| pattern.is_place(path))
}

impl Ignore {
    fn is_about(&self, item: &str) -> bool {
        is_any(self.item.as_ref(), item)
    }

    fn is_expired(&self, at: UnixTime) -> bool {
        self.expires.is_some_and(|end| at >= end)
    }

    /// A finding is meant by its own path, or by those of all the files that it is about.
    fn matches(&self, item: &str, finding: &Finding) -> bool {
        let path = self.path.as_ref();
        let mut places = finding.places.iter();
        finding.rule == self.rule
            && self.is_about(item)
            && (is_any(path, &finding.path)
                || !finding.places.is_empty() && places.all(|place| is_any(path, &place.path)))
    }

    /// Whether it would have matched if everything had been decided and reported.
    fn may_match(&self, advice: &Advice) -> bool {
        let suppressed = advice.suppressed.iter().map(|suppressed| &suppressed.finding);
        let mut findings = advice.findings.iter().chain(suppressed);
        let mut unknown = advice.unknown.iter();
        findings.any(|finding| finding.consequences.contains(&self.rule))
            || unknown.any(|open| open.rule == self.rule && is_any(self.path.as_ref(), &open.path))
    }
}

impl Policy {
    /// Begins a run at a time that decides what has expired.
    #[must_use]
    pub fn begin(&self, at: UnixTime) -> Applied<'_> {
        Applied {
            policy: self,
            at,
            tallies: vec![Tally::default(); self.ignores.len()],
        }
    }

    /// Applies everything to all items of a run; what [`Applied::end`] finds is the last item's. All places that the ignores name count
    /// as places of the items.
    pub fn apply(&self, items: &mut [Advised<'_>], at: UnixTime, is_complete: bool) {
        let mut applied = self.begin(at);
        for item in &mut *items {
            applied.add(item, |_| true);
        }
        if let Some(last) = items.last_mut() {
            let covers = &|_: &Pattern| false;
            last.advice.add(applied.end(Reach { is_complete, covers }));
        }
    }

    fn apply_to(&self, item: &mut Advised<'_>, at: UnixTime, tallies: &mut [Tally]) {
        let mut kept = Vec::new();
        for mut finding in std::mem::take(&mut item.advice.findings) {
            let mut by = None;
            for (ignore, tally) in self.ignores.iter().zip(&mut *tallies) {
                if !ignore.is_expired(at) && ignore.matches(item.name, &finding) {
                    tally.is_used = true;
                    by.get_or_insert(ignore);
                }
            }
            match by {
                Some(ignore) => item.advice.suppressed.push(Suppressed {
                    finding,
                    by: Suppression::Ignored {
                        origin: ignore.origin.clone(),
                        reason: ignore.reason.clone(),
                    },
                }),
                None => {
                    finding.severity = self.severity(finding.rule).unwrap_or(finding.severity);
                    kept.push(finding);
                }
            }
        }
        sort(&mut kept);
        item.advice.findings = kept;
    }

    fn severity(&self, rule: &str) -> Option<Severity> {
        let mut known = self.severities.iter();
        known.find(|(id, _)| *id == rule).map(|(_, severity)| *severity)
    }

    fn unused(&self, origin: &str, message: &str) -> Finding {
        let rule = &UNUSED_IGNORE;
        Finding {
            rule: rule.id,
            severity: self.severity(rule.id).unwrap_or(rule.severity),
            rejected_by: rule.rejected_by.to_vec(),
            code: String::new(),
            path: String::new(),
            line: None,
            architecture: None,
            message: format!("{origin}: {message}"),
            places: Vec::new(),
            explanation: rule.explanation,
            remedy: General(rule.remedy).repair(),
            facts: Facts::default(),
            status: None,
            details: vec![("origin", origin.to_owned())],
            consequences: Vec::new(),
        }
    }
}

/// What is known of one ignore in the course of a run.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    /// It matched a finding.
    is_used: bool,
    /// Some item has the name that it is about.
    is_named: bool,
    /// Some item was asked for what it is about.
    is_asked: bool,
    /// In some item nobody knows whether it would match.
    is_open: bool,
}

/// A policy in the course of a run, which sees one item after the other and keeps none of them.
#[derive(Debug)]
pub struct Applied<'p> {
    policy: &'p Policy,
    at: UnixTime,
    tallies: Vec<Tally>,
}

impl Applied<'_> {
    /// Applies everything to the next item; `has_place` says whether the item has a place that a pattern means.
    pub fn add(&mut self, item: &mut Advised<'_>, has_place: impl Fn(&Pattern) -> bool) {
        self.policy.apply_to(item, self.at, &mut self.tallies);
        for (ignore, tally) in self.policy.ignores.iter().zip(&mut self.tallies) {
            if !ignore.is_about(item.name) {
                continue;
            }
            tally.is_named = true;
            // A name says that this item is meant. Without one, an ignore of places that are elsewhere is about another item.
            let is_meant = || ignore.item.is_some() || ignore.path.as_ref().is_none_or(&has_place);
            let rule = find(ignore.rule);
            let is_asked = rule.is_some_and(|rule| item.advice.applies(rule)) && is_meant();
            if is_asked || ignore.is_expired(self.at) {
                tally.is_asked = true;
                tally.is_open |= ignore.may_match(item.advice);
            }
        }
    }

    /// Returns a finding for each ignore that has ended, and for each that could have matched something in this run and did not.
    #[must_use]
    pub fn end(self, reach: Reach<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (ignore, tally) in self.policy.ignores.iter().zip(self.tallies) {
            let is_silent = tally.is_used || tally.is_open || !reach.is_complete;
            let is_nameless = || !tally.is_named && ignore.item.as_ref().is_some_and(reach.covers);
            let message = match (ignore.expires, &ignore.item) {
                (Some(end), _) if ignore.is_expired(self.at) && tally.is_asked => {
                    format!("the ignore of {} ended at {end}", ignore.rule)
                }
                _ if is_silent => continue,
                (_, Some(item)) if is_nameless() => {
                    format!(
                        "the ignore of {} is about {}, and no item has this name",
                        ignore.rule,
                        item.text()
                    )
                }
                _ if tally.is_asked => format!("the ignore of {} matches nothing", ignore.rule),
                _ => continue,
            };
            findings.push(self.policy.unused(&ignore.origin, &message));
        }
        findings
    }
}

/// Reported by [`Applied::end`], once for a run and not for each item.
const UNUSED_IGNORE: Rule = Rule {
    id: "unused-ignore",
    family: Family::Expectation,
    severity: Severity::Warning,
    title: "an ignore that matches nothing, or has ended",
    explanation: "An entry under [[ignore]] in sealcheck.toml, or an --ignore, could have matched a finding of the run and matches none: the problem was repaired, or the pattern is mistyped, and the entry would hide the next problem of its kind. Patterns match whole paths relative to the item; an entry for some items only says so with item. An entry about an item that this run does not have is not reported, and neither is one without item about a place that no item has, or one whose rule was not asked about all of the item. An entry that has ended is reported, too.",
    remedy: &[Step::Say(
        "remove the entry, or correct its pattern; if it has ended, repair the problem or decide anew",
    )],
    ..Rule::BASE
};

pub(super) const RULES: &[Rule] = &[UNUSED_IGNORE];
