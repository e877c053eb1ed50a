//! `sealcheck assess`: Gatekeeper's verdict in the words of `spctl` or of `syspolicy_check`.

use std::io::{self, Write};
use std::path::PathBuf;

use super::arguments::{Assessor, ReportFormat};
use super::{Session, UNREADABLE, complain, refused, report};
use crate::gatekeeper::{self, Operation};
use crate::report::{Outcome, Run, spctl_lines, syspolicy_status, write_syspolicy, write_syspolicy_json};

/// Levels of `-v` with which `spctl` tells source and origin.
const ALL: u8 = 2;

pub(super) fn run(
    paths: &[PathBuf],
    operation: Operation,
    (format, style): (ReportFormat, Assessor),
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<u8> {
    let mut outcomes = Vec::new();
    let mut unreadable = Vec::new();
    let mut worst = 0;
    for path in paths {
        let mut outcome = match session.examine(path, true) {
            Ok(outcome) => outcome,
            Err(error) => {
                unreadable.push(refused(path, &error));
                worst = worst.max(UNREADABLE);
                continue;
            }
        };
        outcome.gatekeeper = gatekeeper::assess(&outcome.evidence, operation);
        let status = match (format, style) {
            (ReportFormat::Json, Assessor::SyspolicyCheck) => {
                write_syspolicy_json(&outcome, out)?;
                syspolicy_status(&outcome)
            }
            (ReportFormat::Human, Assessor::SyspolicyCheck) => {
                write_syspolicy(&outcome, out)?;
                syspolicy_status(&outcome)
            }
            (ReportFormat::Human, style) => say(&outcome, style, session, out)?,
            _ => exit_status(&outcome),
        };
        worst = worst.max(status);
        outcomes.push(outcome);
    }
    if (format, style) != (ReportFormat::Json, Assessor::SyspolicyCheck) {
        let run = Run {
            settings: session.settings(false),
            unreadable: &unreadable,
            exit_status: worst,
        };
        report(&outcomes, format, run, out)?;
    }
    Ok(worst)
}

fn exit_status(outcome: &Outcome) -> u8 {
    outcome
        .gatekeeper
        .as_ref()
        .map_or(UNREADABLE, |verdict| match verdict.condition {
            // What could not be read is not judged at all.
            Some(_) if verdict.source.is_none() && verdict.status.is_none() => UNREADABLE,
            _ => verdict.exit_status(),
        })
}

fn say(outcome: &Outcome, style: Assessor, session: &Session<'_>, out: &mut dyn Write) -> io::Result<u8> {
    let Some(verdict) = &outcome.gatekeeper else {
        complain(&format!("sealcheck: {}: not evaluated", outcome.evidence.path));
        return Ok(UNREADABLE);
    };
    let verbosity = match style {
        Assessor::Sealcheck => ALL,
        _ => session.global.verbose,
    };
    let operand = &outcome.evidence.path;
    for line in spctl_lines(operand, verdict, verbosity) {
        match style {
            Assessor::Spctl => complain(&line),
            _ => writeln!(out, "{line}")?,
        }
    }
    if let (Some(condition), Assessor::Sealcheck) = (&verdict.condition, style) {
        writeln!(out, "{condition}")?;
    }
    Ok(exit_status(outcome))
}
