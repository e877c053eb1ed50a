//! One code object in JSON, version 1: its fields in reports, and in the output of `inspect` what is in its signature.

use serde::Serialize;

use super::display::write_requirements;
use crate::macho::BuildVersion;
use crate::octets::hex;
use crate::plist::dictionary_to_json;
use crate::verify::{CodeObject, Evidence, SliceEvidence};

#[derive(Serialize)]
pub(super) struct Code<'a> {
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
    #[serde(flatten)]
    inspected: Option<InspectedSlice>,
}

/// What only `inspect` shows of a slice.
#[derive(Serialize)]
struct InspectedSlice {
    certificates: Option<Vec<JsonCertificate>>,
    requirements: Option<String>,
    slots: Vec<JsonSlot>,
}

/// A certificate of the chain, that of the signer first.
#[derive(Serialize)]
struct JsonCertificate {
    name: String,
    sha256: String,
}

/// A component of the signature.
#[derive(Serialize)]
struct JsonSlot {
    slot: String,
    length: Option<u64>,
    bound: bool,
    digest: Option<String>,
}

/// One code object; with everything that is in its signature, if it is inspected.
pub(super) fn code<'e>(evidence: &'e Evidence, object: &'e CodeObject, is_inspected: bool) -> Code<'e> {
    let primary = object.slices.first();
    Code {
        path: &object.path,
        kind: evidence.kind_name(object),
        format: &object.format,
        identifier: primary.and_then(|slice| slice.identifier.as_deref()),
        team_id: primary.and_then(|slice| slice.team_id.as_deref()),
        info_plist: object.info_plist.as_ref().map(dictionary_to_json),
        sealed_resources: object.seal.as_ref().map(|seal| SealedResources {
            version: seal.version,
            rules: seal.rules,
            files: seal.files,
        }),
        slices: object
            .slices
            .iter()
            .map(|found| slice(found, is_inspected))
            .collect(),
    }
}

fn slice(slice: &SliceEvidence, is_inspected: bool) -> JsonSlice<'_> {
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
        inspected: is_inspected.then(|| inspected(slice)),
    }
}

fn inspected(slice: &SliceEvidence) -> InspectedSlice {
    let mut text = Vec::new();
    // Nothing fails that writes into memory.
    let is_written = write_requirements(slice, false, &mut text).is_ok();
    let text = String::from_utf8_lossy(&text).trim_end().to_owned();
    InspectedSlice {
        certificates: slice.identity.as_ref().map(|identity| {
            let chain = identity.chain.iter();
            let certificate = chain.map(|certificate| JsonCertificate {
                name: certificate.summary().to_owned(),
                sha256: hex(certificate.sha256()),
            });
            certificate.collect()
        }),
        requirements: Some(text).filter(|text| is_written && slice.hash_type.is_some() && !text.is_empty()),
        slots: slice
            .slots
            .iter()
            .map(|found| JsonSlot {
                slot: found.slot.to_string(),
                length: found.length,
                bound: found.bound,
                digest: found.digest.as_ref().map(ToString::to_string),
            })
            .collect(),
    }
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
