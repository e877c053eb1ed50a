//! `sealcheck assess`: Gatekeeper's verdict in the words of `spctl` or of `syspolicy_check`.

use std::io::{self, Write};
use std::path::PathBuf;

use super::arguments::Reports;
use super::course::{Course, Operands};
use super::exit::Exit;
use super::outputs::{Outputs, report};
use super::values::{Assessor, ReportFormat};
use super::verify::{write_apple_line, write_reservations};
use super::{Session, complain};
use crate::gatekeeper::{self, Operation, Ruling};
use crate::outcome::Outcome;
use crate::report::{
    Report, Run, Settings, Totals, assessment_lines, container_lines, spctl_lines, syspolicy_status,
    write_line, write_syspolicy, write_syspolicy_json,
};

/// Levels of `-v` with which `spctl` tells source and origin.
const ALL: u8 = 2;

pub(super) fn run(
    paths: &[PathBuf],
    operation: Operation,
    (reports, style): (&Reports, Assessor),
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let is_syspolicy = style == Assessor::SyspolicyCheck;
    let is_own = style == Assessor::Sealcheck;
    let mut operands = match (reports.format, is_own) {
        (ReportFormat::Human, false) => Operands::plain(paths, session),
        _ if is_syspolicy => Operands::plain(paths, session),
        _ => Operands::expanded(paths, session),
    };
    let settings = session.settings(false);
    let is_many = operands.are_many();
    let human = |style| -> Box<dyn Report> { Box::new(Lines::new(session, settings, style, is_many)) };
    let main = match (reports.format, is_syspolicy) {
        (ReportFormat::Json, true) => Box::new(SyspolicyJson),
        (format, _) => report(format, settings, || human(style)),
    };
    // The streams of Apple's tools are those of the program; a file is ours.
    let outputs = Outputs::begin(reports, session.global, settings, main, || {
        human(Assessor::Sealcheck)
    });
    let mut course = Course::new(session, settings, &mut operands, outputs, out);
    for item in &operands.items {
        let Some(mut outcome) = course.examine(item) else {
            continue;
        };
        outcome.gatekeeper = Some(gatekeeper::assess(&outcome.evidence, operation));
        let status = match (reports.format, style) {
            (ReportFormat::Json | ReportFormat::Human, Assessor::SyspolicyCheck) => {
                Exit::of(syspolicy_status(&outcome))
            }
            _ => exit_status(&outcome),
        };
        course.add(&outcome, status)?;
    }
    course.end()
}

/// What `syspolicy_check --json` prints.
struct SyspolicyJson;

impl Report for SyspolicyJson {
    fn add(&mut self, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
        write_syspolicy_json(outcome, out)
    }

    fn end(&mut self, _run: Run<'_>, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// The report for people: the lines of the tool that is imitated.
struct Lines<'a> {
    session: &'a Session<'a>,
    style: Assessor,
    totals: Totals<'a>,
}

impl<'a> Lines<'a> {
    fn new(session: &'a Session<'a>, settings: Settings<'a>, style: Assessor, is_many: bool) -> Self {
        Self {
            session,
            style,
            totals: session.totals(settings, style == Assessor::Sealcheck, is_many),
        }
    }
}

impl Report for Lines<'_> {
    fn add(&mut self, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
        match self.style {
            Assessor::SyspolicyCheck => write_syspolicy(outcome, out)?,
            Assessor::Sealcheck | Assessor::Spctl => say(outcome, self.style, self.session, out)?,
        }
        self.totals.add(outcome, out)
    }

    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.totals.end(run, out)
    }
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

fn say(outcome: &Outcome, style: Assessor, session: &Session<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(verdict) = &outcome.gatekeeper else {
        complain(&format!("sealcheck: {}: not evaluated", outcome.evidence.path));
        return Ok(());
    };
    let verbosity = match style {
        Assessor::Sealcheck if session.global.quiet && matches!(verdict.ruling, Ruling::Accepted(_)) => 0,
        Assessor::Sealcheck => ALL,
        _ => session.global.verbose,
    };
    let operand = &outcome.evidence.path;
    let width = super::style(session.global).width;
    let lines = match style {
        Assessor::Sealcheck => assessment_lines(operand, verdict, verbosity),
        _ => spctl_lines(operand, verdict, verbosity),
    };
    for line in lines {
        match style {
            Assessor::Spctl => session.say_as_apple(&line),
            _ => write_apple_line(&line, operand, width, out)?,
        }
    }
    if style == Assessor::Sealcheck {
        write_reservations(&outcome.evidence, width, out)?;
        for line in container_lines(&outcome.evidence) {
            write_line(&line, operand, width, out)?;
        }
    }
    if let (Ruling::Undetermined(condition), Assessor::Sealcheck) = (&verdict.ruling, style) {
        write_line(condition, "", width, out)?;
    }
    Ok(())
}
