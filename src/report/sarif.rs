//! SARIF 2.1.0 (OASIS Standard, March 2020), as code scanning services read it.
//!
//! One run for all items, as services refuse several of one tool. Paths are relative to the item, which
//! `originalUriBaseIds` locates: a bundle by its folder, a file by the folder around it. Questions without an answer are
//! notifications of the run, not results: they say nothing about the code.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::problem::{Problem, Problems, Unanswered, VERDICTS, rule_of};
use super::{Outcome, Report, Run, Settings};
use crate::finding::{Party, Severity};
use crate::rule;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The name under which the fingerprint stands; a new way to make it gets a new name.
const FINGERPRINT: &str = "sealcheck/v1";

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [SarifRun<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRun<'a> {
    tool: Tool,
    invocations: [Invocation; 1],
    original_uri_base_ids: BTreeMap<String, Base>,
    column_kind: &'static str,
    results: Vec<SarifResult<'a>>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    rules: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: &'static str,
    short_description: Text,
    full_description: Text,
    help: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<&'static str>,
    default_configuration: Configuration,
    properties: Properties,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Properties {
    tags: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    exit_code: u8,
    tool_execution_notifications: Vec<Notification>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<InvocationProperties>,
}

#[derive(Serialize)]
struct InvocationProperties {
    config: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    level: &'static str,
    message: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    associated_rule: Option<Reference>,
    locations: Vec<Location>,
}

#[derive(Serialize)]
struct Reference {
    id: &'static str,
    index: usize,
}

#[derive(Serialize)]
struct Base {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: [Location; 1],
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<ResultProperties<'a>>,
}

#[derive(Serialize)]
struct ResultProperties<'a> {
    architecture: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<String>,
}

/// Where the paths of one item lead.
#[derive(Debug)]
struct Anchor {
    base: String,
    uri: String,
    /// The name of an item that is a file.
    file: Option<String>,
}

/// One log with one run. Its rules stand in front of the results, so all problems are kept until its end.
#[derive(Debug)]
pub struct Sarif<'a> {
    settings: Settings<'a>,
    items: Vec<(Anchor, Problems)>,
}

impl<'a> Sarif<'a> {
    /// A report made in this way.
    #[must_use]
    pub fn new(settings: Settings<'a>) -> Self {
        Self {
            settings,
            items: Vec::new(),
        }
    }
}

impl Report for Sarif<'_> {
    fn add(&mut self, outcome: &Outcome, _out: &mut dyn Write) -> io::Result<()> {
        let anchor = anchor(outcome, self.items.len());
        self.items.push((anchor, Problems::of(outcome, self.settings)));
        Ok(())
    }

    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
        write(&self.items, run, out)
    }
}

fn write(all: &[(Anchor, Problems)], run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    let rules = rules(all.iter().map(|(_, problems)| problems));
    let index_of = |id: &str| rules.iter().position(|rule| rule.id == id).unwrap_or_default();
    let mut results = Vec::new();
    let mut notifications = Vec::new();
    for (anchor, all) in all {
        results.extend(
            all.problems
                .iter()
                .map(|problem| result(problem, index_of(problem.rule), anchor)),
        );
        notifications.extend(
            all.unanswered
                .iter()
                .map(|unanswered| notification(unanswered, index_of(unanswered.rule), anchor)),
        );
    }
    notifications.extend(run.unreadable.iter().map(|unreadable| Notification {
        level: "error",
        message: text(format!("cannot be read: {}", unreadable.reason)),
        associated_rule: None,
        locations: vec![location(Artifact {
            uri: encoded(&unreadable.path),
            uri_base_id: None,
        })],
    }));
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [SarifRun {
            invocations: [Invocation {
                execution_successful: is_everything_judged(run),
                exit_code: run.exit_status,
                tool_execution_notifications: notifications,
                properties: run.settings.config.map(|config| InvocationProperties {
                    config: config.to_owned(),
                }),
            }],
            original_uri_base_ids: all
                .iter()
                .map(|(anchor, _)| {
                    (
                        anchor.base.clone(),
                        Base {
                            uri: anchor.uri.clone(),
                        },
                    )
                })
                .collect(),
            column_kind: "utf16CodeUnits",
            results,
            tool: Tool {
                driver: Driver {
                    name: env!("CARGO_PKG_NAME"),
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    rules,
                },
            },
        }],
    };
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

/// Returns true if every item was judged. The exit status alone does not tell, since failed items take precedence; that
/// only Apple's servers know a verdict of Gatekeeper is an answer.
fn is_everything_judged(run: Run<'_>) -> bool {
    let is_open = !run.settings.is_assessment && run.summary.open > 0;
    run.exit_status != 4 && run.unreadable.is_empty() && !is_open
}

/// The rules that the log refers to, in the order of the documentation, then the verdicts.
fn rules<'a>(all: impl Iterator<Item = &'a Problems>) -> Vec<Descriptor> {
    let mut ids: Vec<&str> = Vec::new();
    for problems in all {
        ids.extend(problems.problems.iter().map(|problem| problem.rule));
        ids.extend(problems.unanswered.iter().map(|unanswered| unanswered.rule));
    }
    ids.sort_unstable();
    ids.dedup();
    let is_used = |id: &str| ids.binary_search(&id).is_ok();
    let documented = rule::all().into_iter().filter(|rule| is_used(rule.id));
    let documented = documented.map(|rule| Descriptor {
        id: rule.id,
        short_description: text(rule.title.to_owned()),
        full_description: text(rule.explanation.to_owned()),
        help: text(format!("{}\n\nRepair: {}", rule.explanation, rule.remedy)),
        help_uri: Some(rule.reference).filter(|address| !address.is_empty()),
        default_configuration: Configuration {
            level: rule.severity.name(),
        },
        properties: Properties {
            tags: std::iter::once(rule.family.code())
                .chain(rule.rejected_by.iter().copied().map(Party::name))
                .collect(),
        },
    });
    let verdicts = VERDICTS.iter().filter(|verdict| is_used(verdict.id));
    let verdicts = verdicts.map(|verdict| Descriptor {
        id: verdict.id,
        short_description: text(verdict.title.to_owned()),
        full_description: text(verdict.text.to_owned()),
        help: text(verdict.text.to_owned()),
        help_uri: None,
        default_configuration: Configuration {
            level: Severity::Error.name(),
        },
        properties: Properties { tags: Vec::new() },
    });
    documented.chain(verdicts).collect()
}

fn result<'a>(problem: &'a Problem, index: usize, anchor: &Anchor) -> SarifResult<'a> {
    SarifResult {
        rule_id: problem.rule,
        rule_index: index,
        level: problem.severity.name(),
        message: text(problem.text("\n\n")),
        locations: [location(artifact(&problem.path, anchor))],
        partial_fingerprints: BTreeMap::from([(FINGERPRINT, problem.fingerprint())]),
        properties: problem
            .architecture
            .as_deref()
            .map(|architecture| ResultProperties { architecture }),
    }
}

fn notification(unanswered: &Unanswered, index: usize, anchor: &Anchor) -> Notification {
    Notification {
        level: if unanswered.is_verdict { "error" } else { "warning" },
        message: text(format!("not checked: {}", unanswered.reason)),
        associated_rule: rule_of(unanswered.rule).map(|rule| Reference { id: rule.id, index }),
        locations: vec![location(artifact(&unanswered.path, anchor))],
    }
}

fn anchor(outcome: &Outcome, index: usize) -> Anchor {
    let evidence = &outcome.evidence;
    let root = evidence.root.trim_end_matches('/');
    let is_file = evidence
        .code
        .first()
        .is_none_or(|object| object.main_path().is_empty());
    let (folder, file) = match root.rsplit_once('/') {
        Some((folder, name)) if is_file => (folder, Some(name.to_owned())),
        _ => (root, None),
    };
    Anchor {
        base: format!("ITEM-{}", index.saturating_add(1)),
        uri: format!("file://{}/", encoded(folder)),
        file,
    }
}

fn artifact(path: &str, anchor: &Anchor) -> Artifact {
    let uri = match (path, &anchor.file) {
        ("", Some(name)) => encoded(name),
        ("", None) => "./".to_owned(),
        (path, _) => encoded(path),
    };
    Artifact {
        uri,
        uri_base_id: Some(anchor.base.clone()),
    }
}

fn location(artifact_location: Artifact) -> Location {
    Location {
        physical_location: Physical { artifact_location },
    }
}

fn text(text: String) -> Text {
    Text { text }
}

/// A path as part of a URI: everything but unreserved characters and slashes in percent encoding (RFC 3986, 2.1).
fn encoded(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(encoded("A b/ü%:#"), "A%20b/%C3%BC%25%3A%23");
    }
}
