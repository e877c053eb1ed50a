//! JSON, schema version 1: a frozen copy of what the contract promises.
//!
//! Fields may be added, never renamed. The structures here are independent of the evidence on purpose, so that
//! the inside may change without changing what other programs read. What has not been evaluated is `null`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::ticket::JsonTicket;
use super::{Outcome, container};
use crate::finding::{Finding, Target};
use crate::gatekeeper::{GatekeeperVerdict, Operation};
use crate::macho::BuildVersion;
use crate::plist::dictionary_to_json;
use crate::rule::{self, Suppressed, Suppression, Unknown};
use crate::time::UnixTime;
use crate::verify::{
    CodeObject, CodesignFailure, CodesignVerdict, HostArchitecture, OsStatus, Reservation, SliceEvidence,
};

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
struct Codesign<'a> {
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
struct Code<'a> {
    path: &'a str,
    kind: &'static str,
    format: &'a str,
    identifier: Option<&'a str>,
    team_id: Option<&'a str>,
    info_plist: Option<serde_json::Value>,
    sealed_resources: Option<SealedResources>,
    slices: Vec<JsonSlice<'a>>,
}

#[derive(Serialize)]
struct SealedResources {
    version: u32,
    rules: usize,
    files: usize,
}

#[derive(Serialize)]
struct JsonSlice<'a> {
    arch: Option<String>,
    signature: &'static str,
    cdhash: Option<String>,
    cdhashes: serde_json::Map<String, serde_json::Value>,
    flags: Vec<&'static str>,
    code_directory_version: Option<String>,
    page_size: Option<u64>,
    pages: u64,
    pages_bad: u64,
    platform: Option<&'a str>,
    min_os: Option<String>,
    sdk: Option<String>,
    runtime_version: Option<String>,
    authorities: Option<Vec<&'a str>>,
    signed_time: Option<String>,
    timestamp: Option<String>,
    notarized: Option<bool>,
    designated_requirement: Option<String>,
    entitlements: Option<serde_json::Value>,
    constraints: Option<serde_json::Value>,
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
    remedy: &'a str,
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
    let verdict = &evidence.codesign;
    let failure = verdict.failure();
    let files = |list: fn(&CodesignFailure) -> &[String]| failure.map(list).unwrap_or_default();
    let status = if verdict.valid() == Some(true) {
        Some(0)
    } else {
        verdict.status().map(|status| status.0)
    };
    Item {
        path: &evidence.path,
        container: container::format(evidence),
        parent: evidence
            .container
            .as_ref()
            .map(|container| container.path.as_str()),
        codesign: Codesign {
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
            satisfies_requirement: match &outcome.explicit_requirement {
                Some(Ok(answer)) => *answer,
                Some(Err(_)) => Some(false),
                None => None,
            },
            reservations: evidence
                .reservations()
                .into_iter()
                .map(|Reservation { path, text }| JsonReservation { path, message: text })
                .collect(),
        },
        gatekeeper: gatekeeper(outcome.gatekeeper.as_ref()),
        code: evidence.code.iter().map(code).collect(),
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
            code_objects: evidence.code.len(),
            slices: evidence.statistics.slices,
            bytes_hashed: evidence.statistics.bytes_hashed,
            seconds: outcome.seconds,
        },
    }
}

/// Apple's name of the status, or the word for an item without a verdict.
fn status_name(verdict: &CodesignVerdict) -> Option<&'static str> {
    match verdict.valid() {
        None => Some("not-judged"),
        Some(_) => verdict.status().map(|status| status.name()),
    }
}

fn code(object: &CodeObject) -> Code<'_> {
    let primary = object.slices.first();
    Code {
        path: &object.path,
        kind: object.kind.name(),
        format: &object.format,
        identifier: primary.and_then(|slice| slice.identifier.as_deref()),
        team_id: primary.and_then(|slice| slice.team_id.as_deref()),
        info_plist: object.info_plist.as_ref().map(dictionary_to_json),
        sealed_resources: object.seal.as_ref().map(|seal| SealedResources {
            version: seal.version,
            rules: seal.rules,
            files: seal.files,
        }),
        slices: object.slices.iter().map(slice).collect(),
    }
}

fn slice(slice: &SliceEvidence) -> JsonSlice<'_> {
    let build = slice.build_version;
    JsonSlice {
        arch: slice.architecture.map(|architecture| architecture.to_string()),
        signature: slice.signature.name(),
        cdhash: slice.cdhashes.last().map(|cdhash| cdhash.truncated().to_string()),
        cdhashes: slice
            .cdhashes
            .iter()
            .map(|cdhash| (cdhash.hash_type.to_string(), cdhash.full.to_string().into()))
            .collect(),
        flags: slice.flags.names(),
        code_directory_version: slice
            .code_directory_version
            .map(|version| format!("{version:#x}")),
        page_size: slice.page_size,
        pages: slice.pages,
        pages_bad: slice.pages_bad,
        platform: build.as_ref().map(BuildVersion::platform_name),
        min_os: build.map(|build| BuildVersion::text(build.min_os)),
        sdk: build.map(|build| BuildVersion::text(build.sdk)),
        runtime_version: slice.runtime_version.map(BuildVersion::text),
        authorities: slice.identity.as_ref().map(|identity| {
            identity
                .chain
                .iter()
                .map(|certificate| certificate.summary())
                .collect()
        }),
        signed_time: slice
            .identity
            .as_ref()
            .and_then(|identity| Some(identity.signing_time?.to_string())),
        timestamp: slice
            .identity
            .as_ref()
            .and_then(|identity| Some(identity.timestamp.as_ref()?.time.to_string())),
        notarized: slice.notarized,
        designated_requirement: slice
            .designated
            .as_ref()
            .map(|designated| designated.requirement.to_string()),
        entitlements: slice.entitlements.as_ref().map(dictionary_to_json),
        constraints: constraints(slice),
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

/// Launch and library constraints by Apple's names; one that cannot be decoded is `null`.
fn constraints(slice: &SliceEvidence) -> Option<serde_json::Value> {
    let all: serde_json::Map<String, serde_json::Value> = slice
        .constraints
        .iter()
        .map(|(slot, decoded)| (slot.to_string(), decoded.as_ref().map(dictionary_to_json).into()))
        .collect();
    (!all.is_empty()).then(|| all.into())
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
        remedy: &finding.remedy,
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
