//! The report for people: what it is, the code in it, the problems with their repair, the verdict last.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};

use super::Outcome;
use crate::finding::{Finding, Severity};
use crate::verify::{CodeObject, SignatureKind};

/// How the report looks.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Whether marks may be other than ASCII.
    pub unicode: bool,
    /// More `-v` show more: 1 all details, 2 digests and slots.
    pub verbosity: u8,
    /// Only problems.
    pub quiet: bool,
}

const GOOD: Ansi = AnsiColor::Green.on_default();
const BAD: Ansi = AnsiColor::Red.on_default().bold();
const DOUBTFUL: Ansi = AnsiColor::Yellow.on_default();
const STRONG: Ansi = Ansi::new().bold();

/// Writes the report about one item. Colour codes are left in; the caller's stream strips them where needed.
///
/// # Errors
/// Those of `out`.
pub fn write(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if !style.quiet {
        writeln!(out, "{STRONG}{}{STRONG:#}", outcome.evidence.path)?;
        for object in &outcome.evidence.code {
            write_object(object, style, out)?;
        }
        writeln!(out)?;
    }
    for finding in &outcome.findings {
        write_finding(finding, style, out)?;
    }
    if style.quiet {
        Ok(())
    } else {
        write_verdict(outcome, style, out)
    }
}

fn write_object(object: &CodeObject, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if !object.path.is_empty() {
        writeln!(out, "  {}", object.path)?;
    }
    writeln!(out, "  {}", object.format)?;
    for slice in &object.slices {
        let architecture = slice
            .architecture
            .map(|arch| arch.to_string())
            .unwrap_or_default();
        let signature = match slice.signature {
            SignatureKind::Unsigned => "not signed",
            SignatureKind::Adhoc => "signed ad hoc",
            SignatureKind::LinkerSigned => "signed ad hoc by the linker",
            SignatureKind::Cms => "signed with a certificate (identity not evaluated)",
        };
        write!(out, "  {architecture:<8} {signature}")?;
        if let Some(identifier) = &slice.identifier {
            write!(out, " as {identifier}")?;
        }
        if let Some(team) = &slice.team_id {
            write!(out, ", team {team}")?;
        }
        writeln!(out)?;
        if style.verbosity >= 2 {
            if let Some(version) = slice.code_directory_version {
                writeln!(
                    out,
                    "           CodeDirectory v={version:x} flags={} pages={}",
                    slice.flags, slice.pages
                )?;
            }
            for cdhash in &slice.cdhashes {
                writeln!(
                    out,
                    "           cdhash {}={}",
                    cdhash.hash_type,
                    cdhash.truncated()
                )?;
            }
            for slot in &slice.slots {
                let length = slot
                    .length
                    .map_or("missing".to_owned(), |length| format!("{length} bytes"));
                let bound = if slot.bound { "" } else { ", not covered" };
                writeln!(
                    out,
                    "           slot {:>2} {}: {length}{bound}",
                    slot.slot.0, slot.slot
                )?;
            }
        }
    }
    Ok(())
}

fn write_finding(finding: &Finding, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let colour = match finding.severity {
        Severity::Error => BAD,
        Severity::Warning => DOUBTFUL,
        Severity::Note => Ansi::new(),
    };
    let parties: Vec<_> = finding.rejected_by.iter().map(|party| party.name()).collect();
    write!(
        out,
        "{colour}{}[{}]{colour:#} {}",
        finding.severity, finding.rule, finding.message
    )?;
    if !parties.is_empty() {
        write!(out, "  (rejected by {})", parties.join(", "))?;
    }
    writeln!(out)?;
    match (&finding.path, &finding.architecture) {
        (path, Some(architecture)) if path.is_empty() => writeln!(out, "  in architecture {architecture}")?,
        (path, None) if path.is_empty() => {}
        (path, Some(architecture)) => writeln!(out, "  {path} ({architecture})")?,
        (path, None) => writeln!(out, "  {path}")?,
    }
    let shown = if style.verbosity == 0 { 5 } else { usize::MAX };
    for detail in finding.details.iter().take(shown) {
        writeln!(out, "  {detail}")?;
    }
    let hidden = finding.details.len().saturating_sub(shown);
    if hidden > 0 {
        writeln!(out, "  and {hidden} more (-v shows all)")?;
    }
    if let Some(status) = finding.status {
        writeln!(out, "  apple:  {status}")?;
    }
    writeln!(out, "  repair: {}\n", finding.remedy)
}

fn write_verdict(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &outcome.evidence.codesign;
    let (yes, no) = if style.unicode {
        ("✓", "✗")
    } else {
        ("ok", "FAILED")
    };
    write!(out, "  codesign    ")?;
    match verdict.valid {
        Some(true) => writeln!(out, "{GOOD}{yes}{GOOD:#} valid on disk")?,
        Some(false) => {
            let text = verdict
                .status
                .map(|status| status.to_string())
                .unwrap_or_default();
            write!(out, "{BAD}{no}{BAD:#} {text}")?;
            if let Some(path) = &verdict.subcomponent {
                write!(out, "  in subcomponent: {path}")?;
            }
            if let Some(architecture) = &verdict.architecture {
                write!(out, "  in architecture: {architecture}")?;
            }
            writeln!(out)?;
        }
        None => {
            let why = verdict.not_judged.map_or("not judged", |reason| reason.text());
            writeln!(out, "{DOUBTFUL}?{DOUBTFUL:#} {why}")?;
        }
    }
    writeln!(out, "  gatekeeper  {DOUBTFUL}?{DOUBTFUL:#} not evaluated")?;
    let count = |severity| {
        outcome
            .findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match (errors, warnings) {
        (0, 0) => write!(out, "  problems    none")?,
        _ => write!(out, "  problems    {errors} errors, {warnings} warnings")?,
    }
    let statistics = outcome.evidence.statistics;
    writeln!(
        out,
        "    {} code objects, {} slices, {} bytes of code hashed",
        outcome.evidence.code.len(),
        statistics.slices,
        statistics.bytes_hashed
    )?;
    if errors > 0 {
        writeln!(
            out,
            "              sealcheck explain RULE shows the background of each"
        )?;
    }
    Ok(())
}
