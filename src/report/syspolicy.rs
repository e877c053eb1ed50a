//! The output of `syspolicy_check distribution`, as text and as JSON, for tools that read it.
//!
//! Catalogue 0.3, measured from public logs; Apple documents no schema. Known titles are used where one fits; any other
//! reason for which the notary service or Gatekeeper would refuse the item stands under "Codesign Error".

use std::collections::HashSet;
use std::io::{self, Write};

use serde::Serialize;

use crate::finding::{Finding, Party, Severity};
use crate::gatekeeper::Ruling;
use crate::outcome::Outcome;
use crate::verify::OsStatus;

/// Between the heading and each problem.
const RULE: &str = "---------------------------------------------------------------";
const DOCUMENTATION: &str =
    "https://developer.apple.com/documentation/security/notarizing-macos-software-before-distribution";

/// One entry of the tool's output.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
struct Entry {
    #[serde(rename = "SyspolicyCheckErrorLevel")]
    level: &'static str,
    #[serde(rename = "SyspolicyCheckShortError")]
    title: &'static str,
    #[serde(rename = "SyspolicyCheckLongError")]
    error: String,
    #[serde(rename = "SyspolicyCheckAdvice")]
    advice: String,
    #[serde(rename = "SyspolicyCheckErrorFile")]
    file: String,
    #[serde(rename = "SyspolicyCheckDocumentationLink")]
    documentation: &'static str,
    #[serde(rename = "SyspolicyCheckAdditionalInformation")]
    information: &'static str,
}

#[derive(Serialize)]
struct Output {
    output: Vec<Entry>,
}

/// The exit status of the tool: 0, or 70 where it has found something.
#[must_use]
pub fn syspolicy_status(outcome: &Outcome) -> u8 {
    match entries(outcome).is_empty() {
        false => 70,
        // The tool has no word for it.
        true if outcome.evidence.codesign.valid().is_none() => 4,
        true => 0,
    }
}

/// Writes what the tool prints about one app.
///
/// # Errors
/// Those of `out`.
pub fn write_syspolicy(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let entries = entries(outcome);
    if let (true, Some(reason)) = (entries.is_empty(), outcome.evidence.codesign.not_judged()) {
        return writeln!(out, "{}: {reason}", outcome.evidence.path);
    }
    if entries.is_empty() {
        return writeln!(
            out,
            "App passed all pre-distribution checks and is ready for distribution."
        );
    }
    writeln!(out, "App has failed one or more pre-distribution checks.")?;
    for entry in entries {
        writeln!(out, "{RULE}\n{}", entry.title)?;
        let fields = [
            ("File", entry.file.as_str()),
            ("Severity", entry.level),
            ("Full Error", &entry.error),
            ("Type", entry.information),
            ("Suggested Fix", &entry.advice),
            ("Documentation", entry.documentation),
        ];
        for (name, value) in fields {
            writeln!(out, "    {name}: {value}")?;
        }
    }
    Ok(())
}

/// Writes the tool's JSON about one app.
///
/// # Errors
/// Those of `out`.
pub fn write_syspolicy_json(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let output = Output {
        output: entries(outcome),
    };
    serde_json::to_writer_pretty(&mut *out, &output)?;
    writeln!(out)
}

fn entries(outcome: &Outcome) -> Vec<Entry> {
    let root = outcome.evidence.root.trim_end_matches('/');
    let mut entries: Vec<Entry> = Vec::new();
    let is_broken = outcome.evidence.codesign.valid() == Some(false)
        || outcome
            .gatekeeper
            .as_ref()
            .is_some_and(|verdict| matches!(verdict.ruling, Ruling::Error(_)));
    if is_broken {
        let verdict = &outcome.evidence.codesign;
        let text = verdict.status().map(OsStatus::message);
        let file = match verdict.subcomponent() {
            Some(path) => format!("{root}/{path}"),
            None => root.to_owned(),
        };
        entries.push(Entry {
            level: "Fatal",
            title: "Codesign Error",
            error: text.unwrap_or("the code signature is not valid").to_owned(),
            advice: "Sign the app again, nested code first, and change nothing afterwards.".to_owned(),
            file,
            documentation: DOCUMENTATION,
            information: "Notary Error",
        });
    }
    let mut known: HashSet<Entry> = entries.iter().cloned().collect();
    for finding in outcome.findings() {
        let Some(entry) = entry(finding, root, is_broken) else {
            continue;
        };
        // One for each file; architectures are not told apart.
        if known.insert(entry.clone()) {
            entries.push(entry);
        }
    }
    entries
}

fn entry(finding: &Finding, root: &str, is_broken: bool) -> Option<Entry> {
    let refuses = |party| finding.rejected_by.contains(&party);
    let (level, title, error, information) = match finding.rule {
        "ticket-missing" => (
            "Fatal",
            "Notary Ticket Missing",
            "A Notarization ticket is not stapled to this application.",
            "Distribution Error",
        ),
        "adhoc-signed" => (
            "Warning",
            "Adhoc Signed App",
            "This app is adhoc signed. While it may run locally, adhoc signed apps are not suitable for distribution.",
            "Distribution Error",
        ),
        "code-in-resources" => (
            "Warning",
            "Incorrect Bundle Structure",
            "Resources directory contains Mach-o binaries.",
            "Distribution Error",
        ),
        // What breaks the signature has been said.
        _ if is_broken && refuses(Party::Codesign) => return None,
        _ if finding.severity == Severity::Error
            && (refuses(Party::Notary) || refuses(Party::Gatekeeper)) =>
        {
            (
                "Fatal",
                "Codesign Error",
                finding.message.as_str(),
                "Notary Error",
            )
        }
        _ => return None,
    };
    Some(Entry {
        level,
        title,
        error: error.to_owned(),
        advice: finding.remedy.to_string(),
        file: match finding.path.as_str() {
            "" => root.to_owned(),
            path => format!("{root}/{path}"),
        },
        documentation: DOCUMENTATION,
        information,
    })
}
