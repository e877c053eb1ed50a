//! All rules as SARIF describes them, the same in every log: code scanning compares the logs of two commits, and expects
//! them to differ in their results only.

use super::log::{Configuration, Descriptor, Help, Properties, Text};
use crate::finding::{Party, Severity};
use crate::report::markup;
use crate::report::problem::{VERDICTS, VerdictRule};
use crate::rule::{self, Rule};

/// The tag of rules whose results count as security alerts, as a score for them requires.
const SECURITY: &str = "security";

/// The documented rules in the order of the documentation, then the verdicts.
pub(super) fn all() -> Vec<Descriptor> {
    let documented = rule::all().into_iter().map(documented);
    documented.chain(VERDICTS.iter().map(verdict)).collect()
}

fn documented(rule: &Rule) -> Descriptor {
    let mut paragraphs = vec![markup::inline(rule.explanation)];
    paragraphs.extend(markup::repair(&rule.general_remedy().repair()));
    if !rule.apple.is_empty() {
        paragraphs.push(format!("Apple says: {}", markup::code(rule.apple)));
    }
    if !rule.reference.is_empty() {
        paragraphs.push(format!("More: <{}>", rule.reference));
    }
    Descriptor {
        id: rule.id,
        short_description: text(rule.title),
        full_description: text(rule.explanation),
        help: Help {
            text: format!("{}\n\nRepair: {}", rule.explanation, rule.general_remedy()),
            markdown: paragraphs.join("\n\n"),
        },
        help_uri: Some(rule.reference).filter(|address| !address.is_empty()),
        default_configuration: Configuration {
            level: rule.severity.name(),
        },
        properties: Properties {
            tags: [SECURITY, rule.family.code()]
                .into_iter()
                .chain(rule.rejected_by.iter().copied().map(Party::name))
                .collect(),
            precision: precision(rule.severity),
            security_severity: score(rule.severity, rule.rejected_by),
        },
    }
}

fn verdict(verdict: &VerdictRule) -> Descriptor {
    Descriptor {
        id: verdict.id,
        short_description: text(verdict.title),
        full_description: text(verdict.text),
        help: Help {
            text: verdict.text.to_owned(),
            markdown: verdict.text.to_owned(),
        },
        help_uri: None,
        default_configuration: Configuration {
            level: Severity::Error.name(),
        },
        properties: Properties {
            tags: vec![SECURITY],
            precision: precision(Severity::Error),
            security_severity: score(Severity::Error, verdict.parties),
        },
    }
}

/// How often a result is true. An error follows from what Apple's systems do; a note is a matter of judgment.
fn precision(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "very-high",
        Severity::Warning => "high",
        Severity::Note => "medium",
    }
}

/// The score of code scanning: from 7.0 on it is *high*, by which a pull request fails unless the repository decides
/// otherwise, so errors and only errors are. Code that does not verify is not what its author signed.
fn score(severity: Severity, parties: &[Party]) -> &'static str {
    match severity {
        Severity::Error if parties.contains(&Party::Codesign) => "8.5",
        Severity::Error => "7.5",
        Severity::Warning => "5.0",
        Severity::Note => "2.0",
    }
}

fn text(text: &str) -> Text {
    Text {
        text: text.to_owned(),
    }
}
