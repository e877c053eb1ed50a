//! Findings that were there before: those are counted, new ones are reported.
//!
//! A finding is known by its fingerprint, which outlives a build, together with the name of the item. What the user
//! expects of this very run is never known.

use std::collections::BTreeSet;

use super::{Advised, Family, Suppressed, Suppression, find};
use crate::finding::{Finding, fingerprint};

/// The findings of an earlier run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The findings, in order.
    pub entries: BTreeSet<KnownFinding>,
}

/// A finding of an earlier run. Item and fingerprint make it known; the rest is for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownFinding {
    /// The item's name without the folders around it.
    pub item: String,
    /// The rule's id.
    pub rule: String,
    /// Path relative to the item.
    pub path: String,
    /// The architecture, where one was meant.
    pub architecture: Option<String>,
    /// What was wrong.
    pub message: String,
    /// The fingerprint.
    pub fingerprint: String,
}

/// Expectations are about the run at hand.
fn may_be_known(finding: &Finding) -> bool {
    find(finding.rule).is_some_and(|rule| rule.family != Family::Expectation)
}

fn fingerprint_of(finding: &Finding) -> String {
    fingerprint(
        finding.rule,
        &finding.path,
        finding.architecture.as_deref(),
        &finding.message,
    )
}

impl Baseline {
    /// All findings of these items.
    #[must_use]
    pub fn of(items: &[Advised<'_>]) -> Self {
        let findings = items
            .iter()
            .flat_map(|item| item.advice.findings.iter().map(|finding| (item.name, finding)));
        Self {
            entries: findings
                .filter(|(_, finding)| may_be_known(finding))
                .map(|(item, finding)| KnownFinding {
                    item: item.to_owned(),
                    rule: finding.rule.to_owned(),
                    path: finding.path.clone(),
                    architecture: finding.architecture.clone(),
                    message: finding.message.clone(),
                    fingerprint: fingerprint_of(finding),
                })
                .collect(),
        }
    }

    /// Counts what is known instead of reporting it.
    pub fn apply(&self, items: &mut [Advised<'_>]) {
        let known: BTreeSet<(&str, &str)> = self
            .entries
            .iter()
            .map(|entry| (entry.item.as_str(), entry.fingerprint.as_str()))
            .collect();
        for item in items {
            let is_known = |finding: &Finding| {
                may_be_known(finding) && known.contains(&(item.name, fingerprint_of(finding).as_str()))
            };
            let all = std::mem::take(&mut item.advice.findings);
            let (old, new): (Vec<_>, Vec<_>) = all.into_iter().partition(is_known);
            item.advice.findings = new;
            item.advice
                .suppressed
                .extend(old.into_iter().map(|finding| Suppressed {
                    finding,
                    by: Suppression::Known,
                }));
        }
    }
}
