//! Every reason not to trust an item, gathered from all verdicts.

use std::fmt;

use super::Outcome;
use crate::finding::{Finding, Party, Severity};
use crate::gatekeeper::{GatekeeperVerdict, Ruling};
use crate::rule::{self, Unknown};
use crate::verify::RequirementAnswer;

/// A reason not to trust an item. Its text is one sentence: who says what, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Objection {
    /// What is wrong, or what is not known.
    pub kind: ObjectionKind,
    /// Returns true if something is wrong. False if it is not known whether something is wrong, because that was not or could not
    /// be checked.
    pub is_proven: bool,
    /// How bad it is, or would be.
    pub severity: Severity,
    /// Who rejects the item for it, or might.
    pub rejected_by: Vec<Party>,
    /// The file or bundle, relative to the item; empty for the item itself.
    pub path: String,
    /// The architecture, where one is meant.
    pub architecture: Option<String>,
    /// A sentence for people, without the name of the rule or the tool.
    pub message: String,
}

/// What a reason not to trust an item is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObjectionKind {
    /// The answer of `codesign`.
    Codesign,
    /// Options that leave out part of the item.
    Options,
    /// The designated requirement of the item.
    DesignatedRequirement,
    /// A requirement of the caller.
    Requirement,
    /// The answer of Gatekeeper.
    Gatekeeper,
    /// The rule of this id.
    Rule(&'static str),
    /// A place that could not be read.
    Unread,
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not_known = if self.is_proven { "" } else { "not known: " };
        match self.kind {
            ObjectionKind::Gatekeeper => write!(f, "gatekeeper: {}", self.message),
            ObjectionKind::Rule(rule) => write!(f, "{rule}: {not_known}{}", self.message),
            ObjectionKind::Unread => write!(f, "not read: {}: {}", self.path, self.message),
            ObjectionKind::Codesign
            | ObjectionKind::Options
            | ObjectionKind::DesignatedRequirement
            | ObjectionKind::Requirement => write!(f, "codesign: {}", self.message),
        }
    }
}

impl Objection {
    /// An error of the item as a whole.
    fn new(kind: ObjectionKind, is_proven: bool, party: Party, message: impl Into<String>) -> Self {
        Self {
            kind,
            is_proven,
            severity: Severity::Error,
            rejected_by: vec![party],
            path: String::new(),
            architecture: None,
            message: message.into(),
        }
    }

    fn of_finding(finding: &Finding) -> Self {
        Self {
            kind: ObjectionKind::Rule(finding.rule),
            is_proven: true,
            severity: finding.severity,
            rejected_by: finding.rejected_by.clone(),
            path: finding.path.clone(),
            architecture: finding.architecture.clone(),
            message: finding.message.clone(),
        }
    }

    /// `None` for a rule that no party rejects an item for: it finds a warning at most.
    fn of_unknown(unknown: &Unknown) -> Option<Self> {
        let rule = rule::find(unknown.rule);
        let is_warning =
            rule.is_some_and(|rule| rule.severity != Severity::Error && rule.rejected_by.is_empty());
        (!is_warning).then(|| Self {
            kind: ObjectionKind::Rule(unknown.rule),
            is_proven: false,
            severity: rule.map_or(Severity::Error, |rule| rule.severity),
            rejected_by: rule.map_or(Vec::new(), |rule| rule.rejected_by.to_vec()),
            path: unknown.path.clone(),
            architecture: None,
            message: unknown.reason.clone(),
        })
    }
}

impl Outcome {
    /// Every reason not to trust the item: what is wrong, and what was not or could not be checked. It is
    /// empty only where `codesign` finds the item valid with all that is in it, Gatekeeper accepts it on the evidence at
    /// hand, and no rule finds an error or does not know whether there is one. Warnings are no reasons.
    #[must_use]
    pub fn objections(&self) -> Vec<Objection> {
        let mut reasons = Vec::new();
        reasons.extend(self.object_to_signature());
        self.object_to_options(&mut reasons);
        self.object_to_requirements(&mut reasons);
        reasons.extend(match &self.gatekeeper {
            Some(verdict) => object_to_gatekeeper(verdict),
            None => Some(Objection::new(
                ObjectionKind::Gatekeeper,
                false,
                Party::Gatekeeper,
                "not asked",
            )),
        });
        let findings = self.findings().iter();
        let errors = findings.filter(|finding| finding.severity == Severity::Error);
        reasons.extend(errors.map(Objection::of_finding));
        reasons.extend(self.advice.unknown.iter().filter_map(Objection::of_unknown));
        reasons.extend(self.evidence.unread.iter().map(|found| Objection {
            path: found.path.clone(),
            rejected_by: Vec::new(),
            ..Objection::new(ObjectionKind::Unread, false, Party::Codesign, &found.reason)
        }));
        reasons
    }

    fn object_to_signature(&self) -> Option<Objection> {
        let verdict = &self.evidence.codesign;
        let kind = ObjectionKind::Codesign;
        let object = |is_proven, message: String| Objection::new(kind, is_proven, Party::Codesign, message);
        if let Some(failure) = verdict.failure() {
            return Some(Objection {
                path: failure.subcomponent.clone().unwrap_or_default(),
                architecture: failure.architecture.clone(),
                ..object(true, failure.status.message().into())
            });
        }
        let reason = verdict.not_judged()?;
        Some(object(false, reason.to_string()))
    }

    fn object_to_options(&self, reasons: &mut Vec<Objection>) {
        let flags = &self.evidence.flags;
        if !flags.resources || !flags.deep || flags.architecture.is_some() {
            reasons.push(Objection::new(
                ObjectionKind::Options,
                false,
                Party::Codesign,
                "the options left out part of the item",
            ));
        }
    }

    fn object_to_requirements(&self, reasons: &mut Vec<Objection>) {
        let designated = self.evidence.codesign.designated_requirement();
        let explicit = self.requirement();
        for (kind, name, answer) in [
            (
                ObjectionKind::DesignatedRequirement,
                "the designated requirement",
                Some(designated),
            ),
            (ObjectionKind::Requirement, "the requirement", explicit),
        ] {
            let object = |is_proven, message| Objection::new(kind, is_proven, Party::Codesign, message);
            reasons.extend(match answer {
                None | Some(RequirementAnswer::Met) => None,
                Some(RequirementAnswer::NotMet) => Some(object(true, format!("{name} is not met"))),
                Some(RequirementAnswer::NotKnown(reason)) => {
                    let message = format!("it is not known whether {name} is met: {reason}");
                    Some(object(false, message))
                }
            });
        }
    }
}

fn object_to_gatekeeper(verdict: &GatekeeperVerdict) -> Option<Objection> {
    let source = verdict.source.unwrap_or("no rule matches");
    let kind = ObjectionKind::Gatekeeper;
    let object = |is_proven, message| Objection {
        path: verdict.subcomponent.clone().unwrap_or_default(),
        ..Objection::new(kind, is_proven, Party::Gatekeeper, message)
    };
    match &verdict.ruling {
        Ruling::Accepted(_) => None,
        Ruling::Rejected(_) => Some(object(true, format!("rejected, {source}"))),
        // Apple's tool prints nothing but the error.
        Ruling::Error(status) => Some(object(true, status.message().to_owned())),
        Ruling::Undetermined(condition) => Some(object(false, format!("not known: {condition}"))),
        Ruling::NotJudged(reason) | Ruling::NotApplicable(reason) => Some(object(false, reason.clone())),
    }
}
