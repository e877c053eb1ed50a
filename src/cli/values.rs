//! The values that options take, and how they are read.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::finding::Target;
use crate::gatekeeper::Operation;
use crate::hash::{Kernel, KernelName};
use crate::limits::Limits;
use crate::macho::Architecture;
use crate::report::InspectionForm;
use crate::rule::{self, Rule};
use crate::time::UnixTime;
use crate::verify::{HostArchitecture, OsStatus};

/// A value of `--target`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Destination {
    #[default]
    Auto,
    DeveloperId,
    MacAppStore,
    Local,
}

impl Destination {
    /// The target, where one is demanded.
    pub(super) fn target(self) -> Option<Target> {
        match self {
            Self::Auto => None,
            Self::DeveloperId => Some(Target::DeveloperId),
            Self::MacAppStore => Some(Target::MacAppStore),
            Self::Local => Some(Target::Local),
        }
    }
}

/// A value of `--strict`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Strict {
    /// No strict rules, whatever else is asked for.
    None,
    /// Restrictions by their bits in Apple's flag word.
    Restrict(u32),
    /// A word that is none of these. What follows from it depends on the style.
    Wrong(String),
}

pub(super) const RESTRICT_SYMLINKS: u32 = 1 << 7;
pub(super) const RESTRICT_SIDEBAND: u32 = 1 << 9;

/// A name, also shortened, or a number as C reads it, cut to 32 bits at the first foreign character.
pub(super) fn parse_strict(text: &str) -> Result<Strict, Infallible> {
    let names = [
        ("symlinks", Strict::Restrict(RESTRICT_SYMLINKS)),
        ("sideband", Strict::Restrict(RESTRICT_SIDEBAND)),
        ("all", Strict::Restrict(RESTRICT_SYMLINKS | RESTRICT_SIDEBAND)),
        ("none", Strict::None),
    ];
    if text.is_empty() {
        return Ok(Strict::Restrict(RESTRICT_SYMLINKS | RESTRICT_SIDEBAND));
    }
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        let lower = text.to_ascii_lowercase();
        let (digits, radix) = match (lower.strip_prefix("0x"), lower.strip_prefix('0')) {
            (Some(hex), _) => (hex, 16),
            (None, Some(octal)) => (octal, 8),
            (None, None) => (lower.as_str(), 10),
        };
        let bits = digits
            .chars()
            .map_while(|digit| digit.to_digit(radix))
            .fold(0u32, |value, digit| value.wrapping_mul(radix).wrapping_add(digit));
        return Ok(Strict::Restrict(bits));
    }
    // Of `s` both names may be meant; Apple takes the first.
    let named = names.into_iter().find(|(name, _)| name.starts_with(text));
    Ok(named.map_or_else(|| Strict::Wrong(text.to_owned()), |(_, value)| value))
}

/// Form of a printed requirement.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum RequirementForm {
    /// The text that `codesign -d -r-` prints
    Text,
    /// Text that compiles to the same bytes
    Source,
    /// The binary form as hexadecimal digits
    Hex,
    /// The binary form
    Binary,
}

/// Whose output it is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Manner {
    /// This program's
    Sealcheck,
    /// That of Apple's codesign
    Codesign,
}

/// Format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

/// Format of a report about checked code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// For people
    Human,
    /// For programs
    Json,
    /// For programs: one line of JSON for each item
    Jsonl,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions, and the summary of the job
    Github,
    /// The code quality report of GitLab
    Gitlab,
    /// JUnit XML, for lists of test results
    Junit,
    /// Markdown, for comments on pull and merge requests
    Markdown,
}

/// Format of what `inspect` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum InspectFormat {
    /// For people
    Human,
    /// For programs
    Json,
    /// Team, signing identifier, cdhash and SHA-256 of every program, as `santactl fileinfo --json` prints them
    Santa,
}

impl InspectFormat {
    /// The form of the output for programs.
    pub(super) fn form(self) -> Option<InspectionForm> {
        match self {
            Self::Human => None,
            Self::Json => Some(InspectionForm::Json),
            Self::Santa => Some(InspectionForm::Santa),
        }
    }
}

/// A value of `--report`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReportFile {
    /// The format of the report.
    pub(super) format: ReportFormat,
    /// The file that it is written to.
    pub(super) path: PathBuf,
}

/// A format and a file, whose name need not be UTF-8.
pub(super) fn parse_report(text: &OsStr) -> Result<ReportFile, String> {
    let bytes = text.as_encoded_bytes();
    let names = ReportFormat::value_variants().iter();
    let names = names.filter_map(ValueEnum::to_possible_value);
    let names: Vec<_> = names.map(|value| value.get_name().to_owned()).collect();
    let wanted = || {
        format!(
            "FORMAT=FILE is wanted, with one of these formats: {}",
            names.join(", ")
        )
    };
    let at = bytes.iter().position(|byte| *byte == b'=').ok_or_else(wanted)?;
    let (name, file) = bytes.split_at_checked(at).ok_or_else(wanted)?;
    let name = String::from_utf8_lossy(name);
    let format = ReportFormat::from_str(&name, false).map_err(|_| wanted())?;
    match file.strip_prefix(b"=") {
        Some(b"-") => Err(format!(
            "- is standard output, to which the report of --format goes: use --format {} without --output",
            name.to_ascii_lowercase()
        )),
        Some(file) if !file.is_empty() => {
            let path = end_of(text, file).ok_or_else(|| "the name of the file is not Unicode".to_owned())?;
            Ok(ReportFile { format, path })
        }
        _ => Err(wanted()),
    }
}

/// The bytes at the end of a text as a path.
#[cfg(unix)]
fn end_of(_: &OsStr, end: &[u8]) -> Option<PathBuf> {
    Some(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(end).into())
}

/// The bytes at the end of a text as a path; `None` where it is not Unicode.
#[cfg(not(unix))]
fn end_of(text: &OsStr, end: &[u8]) -> Option<PathBuf> {
    let text = text.to_str()?;
    text.get(text.len().checked_sub(end.len())?..).map(PathBuf::from)
}

/// When to use colour.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Colour {
    /// On terminals
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// A kind of Mac.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum Host {
    /// Apple silicon
    #[default]
    Arm64,
    /// Intel
    #[value(name = "x86_64")]
    X86_64,
}

impl From<Host> for HostArchitecture {
    fn from(host: Host) -> Self {
        match host {
            Host::Arm64 => Self::Arm64,
            Host::X86_64 => Self::X86_64,
        }
    }
}

/// Form of printed entitlements.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Form {
    /// The listing of `codesign -d --entitlements -`
    Text,
    /// The property list of slot 5, as signed
    Xml,
    /// Decoded, as JSON
    Json,
    /// The DER of slot 7, as signed
    Der,
}

/// A rule that exists.
#[derive(Debug, Clone)]
pub(super) struct Known(pub(super) &'static Rule);

/// Whose output `assess` imitates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Assessor {
    /// Our own
    Sealcheck,
    /// `spctl --assess`
    Spctl,
    /// `syspolicy_check distribution`
    #[value(alias = "syspolicy_check")]
    SyspolicyCheck,
}

/// A type of `spctl`, also shortened.
pub(super) fn parse_operation(text: &str) -> Result<Operation, String> {
    [Operation::Execute, Operation::Install, Operation::Open]
        .into_iter()
        .find(|operation| !text.is_empty() && operation.name().starts_with(text))
        .ok_or_else(|| "one of execute, install, open".to_owned())
}

pub(super) fn parse_time(text: &str) -> Result<UnixTime, String> {
    UnixTime::from_rfc3339(text)
        .ok_or_else(|| "not a time like 2026-11-24T12:00:00Z or 2026-11-24".to_owned())
}

pub(super) fn parse_kernel(name: &str) -> Result<Kernel, String> {
    let name = match name {
        "auto" => KernelName::Auto,
        "portable" => KernelName::Portable,
        "sha-ni" => KernelName::ShaNi,
        "avx512" => KernelName::Avx512,
        _ => return Err("not auto, portable, sha-ni or avx512".to_owned()),
    };
    Kernel::new(name).ok_or_else(|| "this processor has not got its instructions".to_owned())
}

pub(super) fn parse_limit(text: &str) -> Result<(String, u64), String> {
    let (name, number) = text.split_once('=').ok_or("NAME=NUMBER is wanted")?;
    let number = number
        .parse()
        .map_err(|_| format!("{number} is no number of {name}"))?;
    if Limits::default().set(name, number) {
        return Ok((name.to_owned(), number));
    }
    let known = Limits::default().named().into_iter();
    let known: Vec<String> = known
        .map(|(name, unit, usual)| format!("{name}={usual} {unit}"))
        .collect();
    Err(format!(
        "there is no limit {name}, but these: {}",
        known.join(", ")
    ))
}

/// What `explain` is asked about.
#[derive(Debug, Clone)]
pub(super) enum Subject {
    /// A rule.
    Rule(&'static Rule),
    /// A status of `codesign`.
    Status(OsStatus),
}

/// A rule as [`parse_rule`] reads it, or a status by its number, its name or its message, also with the parentheses of a report.
pub(super) fn parse_subject(text: &str) -> Result<Subject, String> {
    let plain = text.trim().trim_start_matches('(').trim_end_matches(')');
    if let Some(status) = OsStatus::named(plain) {
        return Ok(Subject::Status(status));
    }
    if plain.parse::<i64>().is_ok() || plain.to_ascii_lowercase().starts_with("errsec") {
        return Err("sealcheck prints no such status".to_owned());
    }
    parse_rule(text).map(|Known(rule)| Subject::Rule(rule))
}

/// An architecture as `codesign -a` takes it: a name, or the numbers of its type and subtype.
pub(super) fn parse_architecture(text: &str) -> Result<String, String> {
    let (cpu_type, subtype) = text.split_once(',').unwrap_or((text, "0"));
    let by_number = cpu_type.parse().ok().zip(subtype.parse().ok());
    let named = match by_number {
        Some((cpu_type, subtype)) => Some(Architecture::new(cpu_type, subtype)),
        None => Architecture::from_name(text),
    };
    named.map(|found| found.to_string()).ok_or_else(|| {
        let hint = match text.contains(['.', '/']) {
            true => "; what spctl -a does is sealcheck assess",
            false => "",
        };
        format!("no such architecture; arm64, arm64e and x86_64 are usual{hint}")
    })
}

/// The only context of `spctl` that is read: that of a disk image which was downloaded.
pub(super) fn parse_context(text: &str) -> Result<String, String> {
    match text {
        "context:primary-signature" => Ok(text.to_owned()),
        _ => Err("only context:primary-signature is known, which is for disk images".to_owned()),
    }
}

/// The name of a file that is written, which standard output is not.
pub(super) fn parse_written(text: &OsStr) -> Result<PathBuf, String> {
    if text == "-" {
        return Err("- is standard output, and a file is wanted here; ./- is a file of this name".to_owned());
    }
    Ok(text.into())
}

/// An id, a number of the catalogue, or a headline of a report, such as `error[adhoc-signed] the code is …`.
pub(super) fn parse_rule(text: &str) -> Result<Known, String> {
    let pasted = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    let id = pasted.map_or(text, |(id, _)| id).trim();
    let catalogue = id.to_ascii_uppercase();
    let by_number = || {
        let is_it = |rule: &&'static Rule| rule.catalogue.split(", ").any(|number| number == catalogue);
        rule::all().into_iter().find(is_it)
    };
    rule::find(id)
        .or_else(by_number)
        .map(Known)
        .ok_or_else(|| match rule::nearest(id) {
            Some(near) => format!("no such rule; is {near} meant?"),
            None => "no such rule; `sealcheck rules` lists them".to_owned(),
        })
}
