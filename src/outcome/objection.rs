//! Every reason not to trust an item, gathered from all verdicts.

use super::Outcome;
use crate::finding::Severity;
use crate::gatekeeper::Ruling;
use crate::rule;

impl Outcome {
    /// Every reason not to trust the item, one sentence each: what is wrong, and what was not or could not be checked. It is
    /// empty only where `codesign` finds the item valid with all that is in it, Gatekeeper accepts it on the evidence at
    /// hand, and no rule finds an error or does not know whether there is one. Warnings are no reasons.
    #[must_use]
    pub fn objections(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        self.object_to_signature(&mut reasons);
        self.object_to_gatekeeper(&mut reasons);
        let errors = self
            .findings()
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        reasons.extend(errors.map(|finding| format!("{}: {}", finding.rule, finding.message)));
        // What no party rejects is a warning at most.
        let may_be_error = |rule: &str| {
            rule::find(rule)
                .is_none_or(|rule| rule.severity == Severity::Error || !rule.rejected_by.is_empty())
        };
        let unknown = self.advice.unknown.iter();
        let unknown = unknown.filter(|found| may_be_error(found.rule));
        reasons.extend(unknown.map(|found| format!("{}: not known: {}", found.rule, found.reason)));
        let unread = self.evidence.unread.iter();
        reasons.extend(unread.map(|found| format!("not read: {}: {}", found.path, found.reason)));
        reasons
    }

    fn object_to_signature(&self, reasons: &mut Vec<String>) {
        let verdict = &self.evidence.codesign;
        match (verdict.valid(), verdict.status()) {
            (Some(true), _) => {}
            (Some(false), Some(status)) => reasons.push(format!("codesign: {}", status.message())),
            (Some(false), None) => reasons.push("codesign: not valid".to_owned()),
            (None, _) => {
                let reason = verdict.not_judged();
                reasons.extend(reason.map(|reason| format!("codesign: {reason}")));
            }
        }
        let flags = &self.evidence.flags;
        if !flags.resources || !flags.deep || flags.architecture.is_some() {
            reasons.push("codesign: the options left out part of the item".to_owned());
        }
        match verdict.satisfies_designated_requirement() {
            Some(true) => {}
            Some(false) => reasons.push("codesign: the designated requirement is not met".to_owned()),
            None => {
                reasons.push("codesign: nobody knows whether the designated requirement is met".to_owned())
            }
        }
        match &self.explicit_requirement {
            None | Some(Ok(Some(true))) => {}
            Some(Ok(None)) => {
                reasons.push("codesign: nobody knows whether the requirement is met".to_owned())
            }
            Some(_) => reasons.push("codesign: the requirement is not met".to_owned()),
        }
    }

    fn object_to_gatekeeper(&self, reasons: &mut Vec<String>) {
        let Some(verdict) = &self.gatekeeper else {
            reasons.push("gatekeeper: not asked".to_owned());
            return;
        };
        let source = verdict.source.unwrap_or("no rule matches");
        match &verdict.ruling {
            Ruling::Accepted(_) => {}
            Ruling::Rejected(_) | Ruling::Error(_) => reasons.push(format!("gatekeeper: rejected, {source}")),
            Ruling::Undetermined(condition) => reasons.push(format!("gatekeeper: not known: {condition}")),
            Ruling::NotJudged(reason) | Ruling::NotApplicable(reason) => {
                reasons.push(format!("gatekeeper: {reason}"))
            }
        }
    }
}
