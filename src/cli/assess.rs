//! `sealcheck assess`: Gatekeeper's verdict in the words of `spctl` or of `syspolicy_check`.

use std::io::{self, Write};
use std::path::PathBuf;

use super::course::{Course, Operands, report};
use super::exit::Exit;
use super::values::{Assessor, ReportFormat};
use super::verify::write_reservations;
use super::{Session, complain};
use crate::gatekeeper::{self, Operation, Ruling};
use crate::report::{
    Outcome, Totals, container_lines, spctl_lines, syspolicy_status, visible, write_syspolicy,
    write_syspolicy_json,
};

/// Levels of `-v` with which `spctl` tells source and origin.
const ALL: u8 = 2;

pub(super) fn run(
    paths: &[PathBuf],
    operation: Operation,
    (format, style): (ReportFormat, Assessor),
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let is_syspolicy = style == Assessor::SyspolicyCheck;
    let is_own = style == Assessor::Sealcheck;
    let mut operands = match (format, is_own) {
        (ReportFormat::Human, false) => Operands::plain(paths),
        _ if is_syspolicy => Operands::plain(paths),
        _ => Operands::expanded(paths, session),
    };
    let settings = session.settings(false);
    let mut totals = Totals::new(settings);
    totals.is_wanted = operands.are_many() && is_own;
    totals.is_quiet = session.global.quiet;
    totals.lists_skipped = is_own && !session.global.quiet && session.global.verbose > 0;
    let report = match (format, is_syspolicy) {
        (ReportFormat::Json, true) => Box::new(totals),
        _ => report(format, settings, totals),
    };
    let mut course = Course::new(session, settings, &mut operands, report, out);
    for item in &operands.items {
        let Some(mut outcome) = course.examine(item) else {
            continue;
        };
        outcome.gatekeeper = Some(gatekeeper::assess(&outcome.evidence, operation));
        let status = course.say(|out| match (format, style) {
            (ReportFormat::Json, Assessor::SyspolicyCheck) => {
                write_syspolicy_json(&outcome, out)?;
                Ok(Exit::of(syspolicy_status(&outcome)))
            }
            (ReportFormat::Human, Assessor::SyspolicyCheck) => {
                write_syspolicy(&outcome, out)?;
                Ok(Exit::of(syspolicy_status(&outcome)))
            }
            (ReportFormat::Human, style) => say(&outcome, style, session, out),
            _ => Ok(exit_status(&outcome)),
        })?;
        course.add(&outcome, status)?;
    }
    course.end()
}

fn exit_status(outcome: &Outcome) -> Exit {
    if outcome.evidence.has_container_faults() {
        return Exit::Failed;
    }
    outcome
        .gatekeeper
        .as_ref()
        .map_or(Exit::NotJudged, |verdict| Exit::of(verdict.exit_status()))
}

fn say(outcome: &Outcome, style: Assessor, session: &Session<'_>, out: &mut dyn Write) -> io::Result<Exit> {
    let Some(verdict) = &outcome.gatekeeper else {
        complain(&format!("sealcheck: {}: not evaluated", outcome.evidence.path));
        return Ok(Exit::NotJudged);
    };
    let verbosity = match style {
        Assessor::Sealcheck if session.global.quiet && matches!(verdict.ruling, Ruling::Accepted(_)) => 0,
        Assessor::Sealcheck => ALL,
        _ => session.global.verbose,
    };
    let operand = &outcome.evidence.path;
    for line in spctl_lines(operand, verdict, verbosity) {
        match style {
            Assessor::Spctl => session.say_as_apple(&line),
            _ => writeln!(out, "{}", visible(&line))?,
        }
    }
    if style == Assessor::Sealcheck {
        write_reservations(&outcome.evidence, out)?;
        for line in container_lines(&outcome.evidence) {
            writeln!(out, "{}", visible(&line))?;
        }
    }
    if let (Ruling::Undetermined(condition), Assessor::Sealcheck) = (&verdict.ruling, style) {
        writeln!(out, "{condition}")?;
    }
    Ok(exit_status(outcome))
}
