//! `inspect` for programs: everything about the code as JSON, and what rules of Santa are made from.
//!
//! JSON has the fields of the report of `check` for code, and beside them what only `inspect` shows: the digest of the file,
//! the requirements, the special slots. Santa decides about programs when they start, by the names that `santactl fileinfo
//! --json` prints; libraries have no entry.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::json::{Codesign, JsonOptions, Settings, Tool, codesign, options, tool};
use super::json_code::{Code, code};
use super::ticket::JsonTicket;
use super::{Unreadable, container};
use crate::trust::CertificateKind;
use crate::verify::{CodeObject, Evidence, SliceEvidence};

#[derive(Serialize)]
struct Head<'a> {
    schema_version: u32,
    tool: Tool,
    options: JsonOptions<'a>,
}

#[derive(Serialize)]
struct Inspected<'a> {
    path: &'a str,
    container: Option<&'a str>,
    parent: Option<&'a str>,
    codesign: Codesign<'a>,
    code: Vec<InspectedCode<'a>>,
    tickets: Vec<JsonTicket<'a>>,
}

#[derive(Serialize)]
struct InspectedCode<'a> {
    #[serde(flatten)]
    code: Code<'a>,
    executable: Option<&'a str>,
    executable_sha256: Option<String>,
}

/// What `santactl fileinfo --json` prints, as far as it is about the file and not about the Mac.
#[derive(Serialize)]
struct Program<'a> {
    #[serde(rename = "Path")]
    path: String,
    #[serde(rename = "SHA-256")]
    sha256: Option<String>,
    #[serde(rename = "Team ID")]
    team: Option<&'a str>,
    #[serde(rename = "Signing ID")]
    signing_id: Option<String>,
    #[serde(rename = "CDHash")]
    cdhash: Option<String>,
    /// Santa sees that of the slice that runs; a rule for a universal program needs each.
    #[serde(rename = "CDHashes")]
    cdhashes: BTreeMap<String, String>,
}

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InspectionForm {
    /// Everything, as JSON.
    Json,
    /// The programs, as Santa names them.
    Santa,
}

/// Shows items one after the other, and keeps none of them.
#[derive(Debug)]
pub struct Inspections<'a> {
    form: InspectionForm,
    settings: Settings<'a>,
    is_begun: bool,
    has_entries: bool,
}

impl<'a> Inspections<'a> {
    /// Shows items in this form.
    #[must_use]
    pub fn new(form: InspectionForm, settings: Settings<'a>) -> Self {
        Self {
            form,
            settings,
            is_begun: false,
            has_entries: false,
        }
    }

    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.is_begun {
            return Ok(());
        }
        self.is_begun = true;
        match self.form {
            InspectionForm::Santa => write!(out, "["),
            InspectionForm::Json => {
                let head = Head {
                    schema_version: 1,
                    tool: tool(),
                    options: options(self.settings),
                };
                let text = serde_json::to_string_pretty(&head)?;
                write!(out, "{},\n  \"items\": [", text.trim_end_matches("\n}"))
            }
        }
    }

    fn entry(&mut self, entry: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
        let indent = match self.form {
            InspectionForm::Santa => "  ",
            InspectionForm::Json => "    ",
        };
        let text = serde_json::to_string_pretty(entry)?;
        let comma = if self.has_entries { "," } else { "" };
        self.has_entries = true;
        write!(
            out,
            "{comma}\n{indent}{}",
            text.replace('\n', &format!("\n{indent}"))
        )
    }

    /// Shows an item.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn add(&mut self, evidence: &Evidence, out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        match self.form {
            InspectionForm::Json => self.entry(&inspected(evidence), out),
            InspectionForm::Santa => {
                let programs = evidence.code.iter().filter(|object| is_program(object));
                programs
                    .map(|object| program(evidence, object))
                    .try_for_each(|program| self.entry(&program, out))
            }
        }
    }

    /// Ends the output; Santa has no place for what could not be read.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn end(mut self, unreadable: &[Unreadable], out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        match (self.form, self.has_entries) {
            (InspectionForm::Santa, true) => writeln!(out, "\n]"),
            (InspectionForm::Santa, false) => writeln!(out, "]"),
            (InspectionForm::Json, has_entries) => {
                let end = if has_entries { "\n  ]" } else { "]" };
                let unreadable: Vec<_> = unreadable
                    .iter()
                    .map(
                        |unreadable| serde_json::json!({"path": unreadable.path, "error": unreadable.reason}),
                    )
                    .collect();
                let text = serde_json::to_string_pretty(&unreadable)?.replace('\n', "\n  ");
                writeln!(out, "{end},\n  \"unreadable\": {text}\n}}")
            }
        }
    }
}

fn inspected(evidence: &Evidence) -> Inspected<'_> {
    let around = evidence.container.as_ref();
    Inspected {
        path: &evidence.path,
        container: container::format(evidence),
        parent: around.map(|container| container.path.as_str()),
        codesign: codesign(evidence, None),
        code: evidence
            .code
            .iter()
            .map(|object| InspectedCode {
                code: code(evidence, object, true),
                executable: object.executable.as_deref(),
                executable_sha256: sha256(object),
            })
            .collect(),
        tickets: evidence.tickets.iter().map(JsonTicket::from).collect(),
    }
}

fn sha256(object: &CodeObject) -> Option<String> {
    object.file_digest.as_ref().map(ToString::to_string)
}

/// Returns true if a slice is a program; Santa is not asked about libraries.
fn is_program(object: &CodeObject) -> bool {
    let mut types = object.slices.iter().filter_map(|slice| slice.file_type);
    types.any(|found| found.is_execute())
}

fn program<'a>(evidence: &'a Evidence, object: &'a CodeObject) -> Program<'a> {
    let primary = object.slices.first();
    let cdhash = |slice: &SliceEvidence| slice.cdhash().map(|digest| digest.to_string());
    // As for `codesign -d`, the file itself, whatever the operand is called.
    let root = evidence.root.trim_end_matches('/');
    Program {
        path: match object.main_path().as_str() {
            "" => root.to_owned(),
            path => format!("{root}/{path}"),
        },
        sha256: sha256(object),
        team: primary.and_then(SliceEvidence::vouched_team),
        signing_id: primary.and_then(signing_id),
        cdhash: primary.and_then(cdhash),
        cdhashes: object
            .slices
            .iter()
            .filter_map(|slice| Some((slice.architecture?.to_string(), cdhash(slice)?)))
            .collect(),
    }
}

/// The identifier after the team, or after `platform` for Apple's own programs. Others have none: their identifiers are
/// not vouched for.
fn signing_id(slice: &SliceEvidence) -> Option<String> {
    let identifier = slice.identifier.as_deref()?;
    match slice.vouched_team() {
        Some(team) => Some(format!("{team}:{identifier}")),
        None if is_platform(slice) => Some(format!("platform:{identifier}")),
        None => None,
    }
}

/// Returns true if Apple signed the code as part of macOS.
fn is_platform(slice: &SliceEvidence) -> bool {
    let kind = slice.identity.as_ref().map(|identity| identity.kind);
    slice.platform != 0 && kind == Some(CertificateKind::AppleSoftware)
}
