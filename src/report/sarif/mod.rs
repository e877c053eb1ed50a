//! SARIF 2.1.0 (OASIS Standard, March 2020), as GitHub's code scanning reads it ("SARIF support for code scanning").
//!
//! One run for all items, as services refuse several of one tool. URIs are relative to the root of the sources and contain
//! the item's path, also in a container; the base ids of the standard are ignored by code scanning. An item outside of
//! that root has an absolute URI. Code scanning shows results only, so an item without a verdict is a result besides a
//! notification of the run: nothing unchecked looks like a passed check. It makes one alert of each result, and reads the
//! first location only, so there is a result for each file that a problem is about; architectures share one.

mod log;
mod rules;

use std::collections::BTreeMap;
use std::io::{self, Write};

use log::{
    Artifact, Driver, Invocation, InvocationProperties, Location, Log, Notification, Physical, Reference,
    Region, ResultProperties, SarifResult, SarifRun, Target, Text, Tool,
};

use super::place::Fingerprints;
use super::problem::{Problem, Problems, UNREADABLE, Unanswered, rule_of};
use super::{Report, Run, Settings, place};
use crate::finding::Severity;
use crate::outcome::Outcome;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const HOME: &str = "https://crates.io/crates/sealcheck";
/// The name of the fingerprint that does not depend on the item's place; a new way to make it gets a new name.
const FINGERPRINT: &str = "sealcheck/v1";
/// The name of the only fingerprint that code scanning reads.
const LINE_FINGERPRINT: &str = "primaryLocationLineHash";

/// One log with one run. Its numbers come before the results, so all problems are kept until its end.
#[derive(Debug)]
pub struct Sarif<'a> {
    settings: Settings<'a>,
    items: Vec<Problems>,
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
        self.items.push(Problems::by_place(outcome, self.settings));
        Ok(())
    }

    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
        write(&self.items, run, out)
    }
}

fn write(items: &[Problems], run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    let rules = rules::all();
    let index_of = |id: &str| rules.iter().position(|rule| rule.id == id).unwrap_or_default();
    let mut fingerprints = Fingerprints::default();
    let mut results = Vec::new();
    let mut notifications = Vec::new();
    for all in items {
        for problem in &all.problems {
            let (place, line) = problem.place(&all.place);
            let mark = fingerprints.next(&place, &problem.fingerprint());
            results.push(result(problem, index_of(problem.rule), (&place, line), mark));
        }
        let open = all.open();
        for (unanswered, _) in open.filter(|(_, severity)| *severity == Severity::Error) {
            let place = place::of(&all.place, &unanswered.path);
            let mark = fingerprints.next(&place, &unanswered.fingerprint());
            let message = text(unanswered.text());
            results.push(plain(
                unanswered.rule,
                index_of(unanswered.rule),
                message,
                (&place, 1),
                mark,
            ));
        }
        notifications.extend(all.unanswered.iter().map(|unanswered| {
            let place = place::of(&all.place, &unanswered.path);
            notification(unanswered, index_of(unanswered.rule), &place)
        }));
    }
    for unreadable in run.unreadable {
        let message = || text(format!("cannot be read: {}", unreadable.reason));
        let mark = fingerprints.next(&unreadable.place, &unreadable.reason);
        let index = index_of(UNREADABLE);
        results.push(plain(UNREADABLE, index, message(), (&unreadable.place, 1), mark));
        notifications.push(Notification {
            level: Severity::Error.name(),
            message: message(),
            associated_rule: None,
            locations: vec![location((&unreadable.place, 1))],
        });
    }
    notifications.extend(run.left_out.iter().map(|left_out| Notification {
        level: Severity::Note.name(),
        message: text(left_out.text()),
        associated_rule: None,
        locations: vec![location((&left_out.place, 1))],
    }));
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [SarifRun {
            invocations: [Invocation {
                execution_successful: is_everything_judged(run),
                exit_code: run.exit_status,
                tool_execution_notifications: notifications,
                properties: InvocationProperties {
                    config: run.settings.config.map(str::to_owned),
                    has_apple_anchor: run.settings.has_apple_anchor,
                },
            }],
            artifacts: items.iter().map(|all| target(&all.place)).collect(),
            column_kind: "utf16CodeUnits",
            results,
            tool: Tool {
                driver: Driver {
                    name: env!("CARGO_PKG_NAME"),
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    information_uri: HOME,
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

fn result(problem: &Problem, index: usize, place: (&str, u64), mark: String) -> SarifResult {
    let mut result = plain(problem.rule, index, text(problem.text("\n\n")), place, mark);
    result.level = problem.severity.name();
    result
        .partial_fingerprints
        .insert(FINGERPRINT, problem.fingerprint());
    let architecture = problem.architectures.join(", ");
    result.properties = (!architecture.is_empty()).then_some(ResultProperties { architecture });
    result
}

fn plain(
    rule_id: &'static str,
    rule_index: usize,
    message: Text,
    place: (&str, u64),
    mark: String,
) -> SarifResult {
    SarifResult {
        rule_id,
        rule_index,
        level: Severity::Error.name(),
        message,
        locations: [location(place)],
        partial_fingerprints: BTreeMap::from([(LINE_FINGERPRINT, mark)]),
        properties: None,
    }
}

fn notification(unanswered: &Unanswered, index: usize, place: &str) -> Notification {
    let level = if unanswered.is_verdict {
        Severity::Error
    } else {
        Severity::Warning
    };
    Notification {
        level: level.name(),
        message: text(unanswered.text()),
        associated_rule: rule_of(unanswered.rule).map(|rule| Reference { id: rule.id, index }),
        locations: vec![location((place, 1))],
    }
}

/// The item itself, so that a log also names the items without results.
fn target(place: &str) -> Target {
    Target {
        location: Artifact {
            uri: place::uri(place),
        },
        roles: ["analysisTarget"],
    }
}

fn location((place, line): (&str, u64)) -> Location {
    Location {
        physical_location: Physical {
            artifact_location: Artifact {
                uri: place::uri(place),
            },
            region: Region::begin(line),
        },
    }
}

fn text(text: String) -> Text {
    Text { text }
}
