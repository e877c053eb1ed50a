//! The file of `--baseline`: JSON, one entry a finding, sorted, so that a review sees what became known.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::exit::Exit;
use super::file;
use crate::rule::{Baseline, KnownFinding};

const VERSION: u32 = 1;
/// Bytes of a baseline: some hundred thousand findings.
const MAX_BASELINE: u64 = 64 << 20;

#[derive(Serialize, Deserialize)]
struct File {
    schema_version: u32,
    findings: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    item: String,
    rule: String,
    path: String,
    arch: Option<String>,
    message: String,
    fingerprint: String,
}

/// Reads a baseline.
///
/// # Errors
/// The message and the exit status.
pub(super) fn read(path: &Path) -> Result<Baseline, (String, Exit)> {
    let name = path.display();
    let bytes = file::read(path, MAX_BASELINE)
        .map_err(|error| (format!("sealcheck: {name}: {error}"), Exit::NotJudged))?;
    let file: File = serde_json::from_slice(&bytes)
        .map_err(|error| (format!("sealcheck: {name}: no baseline: {error}"), Exit::Usage))?;
    if file.schema_version != VERSION {
        let version = file.schema_version;
        let message = format!("sealcheck: {name}: a baseline of version {version}, not {VERSION}");
        return Err((message, Exit::Usage));
    }
    let entries = file.findings.into_iter().map(|entry| KnownFinding {
        item: entry.item,
        rule: entry.rule,
        path: entry.path,
        architecture: entry.arch,
        message: entry.message,
        fingerprint: entry.fingerprint,
    });
    Ok(Baseline {
        entries: entries.collect::<BTreeSet<_>>(),
    })
}

/// Writes a baseline, all of it or nothing.
///
/// # Errors
/// What went wrong.
pub(super) fn write(path: &Path, baseline: &Baseline) -> std::io::Result<()> {
    let entries = baseline.entries.iter().map(|entry| Entry {
        item: entry.item.clone(),
        rule: entry.rule.clone(),
        path: entry.path.clone(),
        arch: entry.architecture.clone(),
        message: entry.message.clone(),
        fingerprint: entry.fingerprint.clone(),
    });
    let file = File {
        schema_version: VERSION,
        findings: entries.collect(),
    };
    let mut text = serde_json::to_string_pretty(&file)?;
    text.push('\n');
    file::write(path, text.as_bytes())
}
