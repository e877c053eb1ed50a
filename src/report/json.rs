//! JSON, schema version 1: a frozen copy of what the contract promises.
//!
//! Fields may be added, never renamed. The structures here are independent of the evidence on purpose, so that
//! the inside may change without changing what other programs read. What has not been evaluated is `null`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::container;
use super::json_code::{Code, code};
use super::ticket::JsonTicket;
use crate::finding::{Finding, Target};
use crate::gatekeeper::{GatekeeperVerdict, Operation};
use crate::outcome::Outcome;
use crate::rule::{self, Suppressed, Suppression, Unknown};
use crate::time::UnixTime;
use crate::timing::Phase;
use crate::verify::{CodesignFailure, CodesignVerdict, Evidence, HostArchitecture, OsStatus, Reservation};

#[derive(Serialize)]
pub(super) struct JsonOptions<'a> {
    at: String,
    host_arch: &'static str,
    target: &'static str,
    deep: bool,
    strict: bool,
    requirement: Option<&'a str>,
    expected: &'a [String],
    config: Option<&'a str>,
    has_apple_anchor: bool,
}

#[derive(Serialize)]
pub(super) struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
pub(super) struct Item<'a> {
    path: &'a str,
    container: Option<&'a str>,
    parent: Option<&'a str>,
    codesign: Codesign<'a>,
    gatekeeper: Gatekeeper<'a>,
    code: Vec<Code<'a>>,
    tickets: Vec<JsonTicket<'a>>,
    target: &'static str,
    findings: Option<Vec<JsonFinding<'a>>>,
    unknown: Option<Vec<JsonUnknown<'a>>>,
    suppressed: Option<Vec<JsonSuppressed<'a>>>,
    stats: Stats,
}

#[derive(Serialize)]
pub(super) struct Codesign<'a> {
    valid: Option<bool>,
    status: Option<i32>,
    status_name: Option<&'static str>,
    message: Option<Cow<'static, str>>,
    subcomponent: Option<&'a str>,
    architecture: Option<&'a str>,
    files_added: &'a [String],
    files_modified: &'a [String],
    files_missing: &'a [String],
    attached_data: Vec<AttachedData<'a>>,
    satisfies_designated_requirement: Option<bool>,
    satisfies_requirement: Option<bool>,
    reservations: Vec<JsonReservation>,
}

/// What a verdict leaves out or takes for granted.
#[derive(Serialize)]
struct JsonReservation {
    path: String,
    message: String,
}

#[derive(Serialize)]
struct AttachedData<'a> {
    path: &'a str,
    attribute: &'a str,
}

#[derive(Serialize)]
struct Gatekeeper<'a> {
    operation: &'static str,
    accepted: Option<bool>,
    source: Option<&'static str>,
    origin: Option<&'a str>,
    message: Option<&'a str>,
    status: Option<i32>,
    subcomponent: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    rule: &'a str,
    severity: &'static str,
    rejected_by: Vec<&'static str>,
    path: &'a str,
    arch: Option<&'a str>,
    message: &'a str,
    detail: serde_json::Value,
    remedy: String,
    apple: Option<Apple>,
    help_uri: Option<&'a str>,
    consequences: &'a [&'static str],
}

#[derive(Serialize)]
struct Apple {
    status: i32,
    text: &'static str,
}

#[derive(Serialize)]
struct Stats {
    files: u64,
    code_objects: usize,
    slices: u64,
    bytes_hashed: u64,
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phases: Option<BTreeMap<&'static str, JsonPhase>>,
}

/// What a phase of the work took.
#[derive(Serialize)]
struct JsonPhase {
    seconds: f64,
    bytes: Option<u64>,
}

/// What all phases took, where that was asked for.
fn phases(evidence: &Evidence) -> Option<BTreeMap<&'static str, JsonPhase>> {
    let phase = |phase: &Phase| {
        let found = evidence.time(*phase)?;
        let phase_time = JsonPhase {
            seconds: found.time.as_secs_f64(),
            bytes: phase.has_bytes().then_some(found.bytes),
        };
        Some((phase.name(), phase_time))
    };
    Phase::ALL.iter().map(phase).collect()
}

/// What the report says about how it was made.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// The Mac whose choice of slices was followed.
    pub host_architecture: HostArchitecture,
    /// The time for which the verdicts hold.
    pub at: UnixTime,
    /// The requirement that the user gave, as text.
    pub requirement: Option<&'a str>,
    /// What the user expects of every item, a line for each.
    pub expected: &'a [String],
    /// The file with decisions about findings.
    pub config: Option<&'a str>,
    /// Where that file is, as `Outcome::place`.
    pub config_place: Option<&'a str>,
    /// Whether roots count as Apple's that are not.
    pub has_apple_anchor: bool,
    /// Whether nested code was verified in full.
    pub deep: bool,
    /// Whether strict rules applied.
    pub strict: bool,
    /// Where the code is meant to go, where that was demanded.
    pub target: Option<Target>,
    /// Whether findings were asked for; without them they are `null`.
    pub has_findings: bool,
    /// Whether Gatekeeper's verdict alone was asked for.
    pub is_assessment: bool,
}

pub(super) fn tool() -> Tool {
    Tool {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
    }
}

pub(super) fn options(settings: Settings<'_>) -> JsonOptions<'_> {
    JsonOptions {
        at: settings.at.to_string(),
        host_arch: settings.host_architecture.name(),
        target: settings.target.map_or("auto", Target::name),
        deep: settings.deep,
        strict: settings.strict,
        requirement: settings.requirement,
        expected: settings.expected,
        config: settings.config,
        has_apple_anchor: settings.has_apple_anchor,
    }
}

pub(super) fn item<'a>(outcome: &'a Outcome, settings: Settings<'a>) -> Item<'a> {
    let evidence = &outcome.evidence;
    Item {
        path: &evidence.path,
        container: container::format(evidence),
        parent: evidence
            .container
            .as_ref()
            .map(|container| container.path.as_str()),
        codesign: codesign(
            evidence,
            match &outcome.explicit_requirement {
                Some(Ok(answer)) => *answer,
                Some(Err(_)) => Some(false),
                None => None,
            },
        ),
        gatekeeper: gatekeeper(outcome.gatekeeper.as_ref()),
        code: evidence
            .code
            .iter()
            .map(|object| code(evidence, object, false))
            .collect(),
        tickets: evidence.tickets.iter().map(JsonTicket::from).collect(),
        target: outcome.advice.target.name(),
        findings: settings
            .has_findings
            .then(|| outcome.findings().iter().map(finding).collect()),
        unknown: settings
            .has_findings
            .then(|| outcome.advice.unknown.iter().map(unknown).collect()),
        suppressed: settings
            .has_findings
            .then(|| outcome.advice.suppressed.iter().map(suppressed).collect()),
        stats: Stats {
            files: evidence.statistics.files,
            code_objects: evidence.code.iter().filter(|object| object.is_code()).count(),
            slices: evidence.statistics.slices,
            bytes_hashed: evidence.statistics.bytes_hashed,
            seconds: outcome.seconds,
            phases: phases(evidence),
        },
    }
}

/// The codesign verdict, and whether the requirement is met that the user gave.
pub(super) fn codesign(evidence: &Evidence, satisfies_requirement: Option<bool>) -> Codesign<'_> {
    let verdict = &evidence.codesign;
    let failure = verdict.failure();
    let files = |list: fn(&CodesignFailure) -> &[String]| failure.map(list).unwrap_or_default();
    let status = if verdict.valid() == Some(true) {
        Some(0)
    } else {
        verdict.status().map(|status| status.0)
    };
    Codesign {
        valid: verdict.valid(),
        status,
        status_name: status_name(verdict),
        message: verdict
            .status()
            .map(|status| status.message().into())
            .or_else(|| verdict.not_judged().map(|reason| reason.to_string().into())),
        subcomponent: verdict.subcomponent(),
        architecture: verdict.architecture(),
        files_added: files(|failure| &failure.files_added),
        files_modified: files(|failure| &failure.files_modified),
        files_missing: files(|failure| &failure.files_missing),
        attached_data: failure
            .into_iter()
            .flat_map(|failure| &failure.attached_data)
            .map(|(path, attribute)| AttachedData { path, attribute })
            .collect(),
        satisfies_designated_requirement: verdict.satisfies_designated_requirement(),
        satisfies_requirement,
        reservations: evidence
            .reservations()
            .into_iter()
            .map(|Reservation { path, text }| JsonReservation { path, message: text })
            .collect(),
    }
}

/// Apple's name of the status, or the word for an item without a verdict.
fn status_name(verdict: &CodesignVerdict) -> Option<&'static str> {
    match verdict.valid() {
        None => Some("not-judged"),
        Some(_) => verdict.status().map(|status| status.name()),
    }
}

fn gatekeeper(verdict: Option<&GatekeeperVerdict>) -> Gatekeeper<'_> {
    let Some(verdict) = verdict else {
        return Gatekeeper {
            operation: Operation::Execute.name(),
            accepted: None,
            source: None,
            origin: None,
            message: Some("not evaluated"),
            status: None,
            subcomponent: None,
        };
    };
    let reason = verdict.status().map(OsStatus::message);
    Gatekeeper {
        operation: verdict.operation.name(),
        accepted: verdict.accepted(),
        source: verdict.source,
        origin: verdict.origin.as_deref(),
        message: reason.or(verdict.condition()),
        status: verdict.status().map(|status| status.0),
        subcomponent: verdict.subcomponent.as_deref(),
    }
}

/// Paths by what is the matter with them, such as `{"added": ["a", "b"]}`, and facts by their names.
fn detail(finding: &Finding) -> serde_json::Value {
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for place in &finding.places {
        places.entry(place.note).or_default().push(&place.path);
    }
    let mut detail: BTreeMap<&str, serde_json::Value> = places
        .into_iter()
        .map(|(note, paths)| (note, paths.into()))
        .collect();
    for (name, value) in &finding.details {
        detail.insert(name, value.as_str().into());
    }
    serde_json::json!(detail)
}

fn finding(finding: &Finding) -> JsonFinding<'_> {
    JsonFinding {
        rule: finding.rule,
        severity: finding.severity.name(),
        rejected_by: finding.rejected_by.iter().map(|party| party.name()).collect(),
        path: &finding.path,
        arch: finding.architecture.as_deref(),
        message: &finding.message,
        detail: detail(finding),
        remedy: finding.remedy.to_string(),
        apple: finding.status.map(|status| Apple {
            status: status.0,
            text: status.message(),
        }),
        help_uri: rule::find(finding.rule)
            .map(|rule| rule.reference)
            .filter(|address| !address.is_empty()),
        consequences: &finding.consequences,
    }
}

/// A rule that could not be decided.
#[derive(Serialize)]
struct JsonUnknown<'a> {
    rule: &'static str,
    path: &'a str,
    reason: &'a str,
}

fn unknown(unknown: &Unknown) -> JsonUnknown<'_> {
    JsonUnknown {
        rule: unknown.rule,
        path: &unknown.path,
        reason: &unknown.reason,
    }
}

/// A finding that is not reported.
#[derive(Serialize)]
struct JsonSuppressed<'a> {
    rule: &'static str,
    severity: &'static str,
    path: &'a str,
    arch: Option<&'a str>,
    message: &'a str,
    by: &'static str,
    reason: Option<&'a str>,
}

fn suppressed(suppressed: &Suppressed) -> JsonSuppressed<'_> {
    let finding = &suppressed.finding;
    JsonSuppressed {
        rule: finding.rule,
        severity: finding.severity.name(),
        path: &finding.path,
        arch: finding.architecture.as_deref(),
        message: &finding.message,
        by: suppressed.by.name(),
        reason: match &suppressed.by {
            Suppression::Ignored { reason, .. } => reason.as_deref(),
            Suppression::Known => None,
        },
    }
}
