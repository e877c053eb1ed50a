//! `sealcheck verify` and `sealcheck inspect`: the codesign verdict in Apple's words, and what `codesign -d` displays.
//!
//! With `--style codesign` streams, verbosity and exit status are Apple's too; otherwise everything goes to the report,
//! as with one `-v` more.

use std::io::{self, Write};
use std::path::PathBuf;

use super::arguments::{Command, Global, Reports};
use super::course::{Course, Operands};
use super::exit::Exit;
use super::outputs::{Outputs, report};
use super::values::{Manner, ReportFormat};
use super::{Session, complain, complain_as_apple, slice_of, style};
use crate::entitlements::to_text;
use crate::outcome::Outcome;
use crate::report::{
    Claim, DisplayStyle, Report, Run, Settings, Stream, Totals, UNCOVERED, UNPRINTABLE,
    are_requirements_broken, codesign_lines, entitlements_of, visible, write_display, write_line,
    write_requirements,
};
use crate::verify::{Evidence, OsStatus, SliceEvidence};

/// Apple's exit status where entitlements have no form to be printed in (EX_DATAERR); it ends the run.
const UNPRINTABLE_STATUS: Exit = Exit::Apple(65);

pub(super) fn run(
    paths: &[PathBuf],
    (reports, manner): (&Reports, Manner),
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let is_human = reports.format == ReportFormat::Human;
    let is_apple = is_human && manner == Manner::Codesign;
    let mut operands = match is_apple {
        true => Operands::plain(paths, session),
        false => Operands::expanded(paths, session),
    };
    let settings = session.settings(false);
    let is_many = operands.are_many();
    let human = |manner| -> Box<dyn Report> { Box::new(Lines::new(session, settings, manner, is_many)) };
    let main = report(reports.format, settings, || human(manner));
    // Apple's streams are those of the program; a file is ours.
    let outputs = Outputs::begin(reports, session.global, settings, main, || {
        human(Manner::Sealcheck)
    });
    let mut course = Course::new(session, settings, &mut operands, outputs, out);
    let mut first = Exit::Good;
    for item in &operands.items {
        let Some(outcome) = course.examine(item) else {
            first.keep_first(Exit::NotJudged);
            continue;
        };
        if is_apple {
            let status = codesign_lines(&outcome, session.global.verbose).status;
            first.keep_first(Exit::of(status));
        }
        course.add(&outcome, Exit::of(outcome.codesign_status()))?;
    }
    let worst = course.end()?;
    Ok(if is_apple { first } else { worst })
}

/// The report for people: the lines of `codesign --verify`.
struct Lines<'a> {
    session: &'a Session<'a>,
    manner: Manner,
    width: usize,
    totals: Totals<'a>,
}

impl<'a> Lines<'a> {
    fn new(session: &'a Session<'a>, settings: Settings<'a>, manner: Manner, is_many: bool) -> Self {
        Self {
            session,
            manner,
            width: style(session.global).width,
            totals: session.totals(settings, manner == Manner::Sealcheck, is_many),
        }
    }
}

impl Report for Lines<'_> {
    fn add(&mut self, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
        let global = self.session.global;
        let verbosity = match self.manner {
            Manner::Sealcheck => global.verbose.saturating_add(u8::from(!global.quiet)),
            Manner::Codesign => global.verbose,
        };
        for (stream, line) in &codesign_lines(outcome, verbosity).lines {
            match (self.manner, stream) {
                (Manner::Codesign, Stream::Error) => self.session.say_as_apple(line),
                (Manner::Codesign, Stream::Output) => writeln!(out, "{line}")?,
                (Manner::Sealcheck, _) => write_apple_line(line, &outcome.evidence.path, self.width, out)?,
            }
        }
        // Also where nothing else is reported: a good status is then true of less than the item.
        if self.manner == Manner::Sealcheck {
            write_reservations(&outcome.evidence, self.width, out)?;
        }
        self.totals.add(outcome, out)
    }

    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.totals.end(run, out)
    }
}

/// Writes what one of Apple's tools says about an operand: its words stay together, on a line of their own where there is no room.
pub(super) fn write_apple_line(
    line: &str,
    operand: &str,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let line = visible(line);
    let operand = visible(operand);
    let words = line
        .strip_prefix(&*operand)
        .and_then(|rest| rest.strip_prefix(": "));
    match words {
        Some(words) if line.chars().count() > width => writeln!(out, "{operand}:\n  {words}"),
        _ => writeln!(out, "{line}"),
    }
}

/// What the verdicts of an item leave out or take for granted, a line for each.
pub(super) fn write_reservations(evidence: &Evidence, width: usize, out: &mut dyn Write) -> io::Result<()> {
    for reservation in evidence.reservations() {
        let place = match reservation.path.as_str() {
            "" => evidence.path.clone(),
            path => format!("{}/{path}", evidence.path.trim_end_matches('/')),
        };
        write_line(&format!("{place}: {}", reservation.text), &place, width, out)?;
    }
    Ok(())
}

pub(super) fn inspect(
    paths: &[PathBuf],
    command: &Command,
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let Command::Inspect {
        arch,
        style,
        requirements,
        entitlements,
        ..
    } = command
    else {
        return Ok(Exit::Good);
    };
    let (items, mut worst) = match style {
        Manner::Sealcheck => Operands::of_display(paths, session),
        Manner::Codesign => (Operands::plain(paths, session).items, Exit::Good),
    };
    let worsen = |worst: &mut Exit, status| match style {
        Manner::Sealcheck => worst.worsen(status),
        Manner::Codesign => worst.keep_first(status),
    };
    for (index, item) in items.iter().enumerate() {
        let evidence = match session.examine(item) {
            Ok(evidence) => evidence,
            Err(message) => {
                complain(&message);
                worsen(&mut worst, Exit::NotJudged);
                continue;
            }
        };
        // Of an architecture that was asked for, nothing but its slice was looked at.
        let slice = match (slice_of(&evidence, None), arch) {
            (Ok(slice), _) => slice,
            (Err(message), None) => {
                complain(&format!("sealcheck: {message}"));
                worsen(&mut worst, Exit::Failed);
                continue;
            }
            (Err(_), Some(name)) => {
                complain(&format!("sealcheck: {}: no architecture {name}", evidence.path));
                worsen(&mut worst, Exit::Failed);
                continue;
            }
        };
        if slice.hash_type.is_none() {
            worsen(&mut worst, Exit::Failed);
        }
        match style {
            Manner::Sealcheck => {
                if index > 0 {
                    writeln!(out)?;
                }
                everything(&evidence, slice, session, out)?;
                if *entitlements {
                    worst.worsen(match claims(&evidence, slice, (false, true), session, out)? {
                        UNPRINTABLE_STATUS => Exit::Failed,
                        status => status,
                    });
                }
            }
            Manner::Codesign => {
                let style = DisplayStyle {
                    level: display_level(Manner::Codesign, session.global),
                    is_extended: false,
                    hides_requirements: *requirements,
                };
                let mut lines = Vec::new();
                write_display(&evidence, slice, style, &mut lines)?;
                session.say_as_apple(String::from_utf8_lossy(&lines).trim_end_matches('\n'));
                let asked = (*requirements, *entitlements);
                let status = claims(&evidence, slice, asked, session, out)?;
                worst.keep_first(status);
                if status == UNPRINTABLE_STATUS {
                    return Ok(status);
                }
            }
        }
    }
    Ok(worst)
}

/// Requirements and entitlements, as `codesign -d` prints them or refuses to; the exit status.
fn claims(
    evidence: &Evidence,
    slice: &SliceEvidence,
    (requirements, entitlements): (bool, bool),
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let Some(item) = evidence.code.first().filter(|_| slice.hash_type.is_some()) else {
        return Ok(Exit::Good);
    };
    let index = item
        .slices
        .iter()
        .position(|found| std::ptr::eq(found, slice))
        .unwrap_or_default();
    if requirements {
        if are_requirements_broken(item, index) {
            let message = OsStatus::SIGNATURE_FAILED.message();
            session.say_as_apple(&format!("{}: {message}", evidence.path));
            return Ok(Exit::Failed);
        }
        write_requirements(slice, false, out)?;
    }
    if !entitlements {
        return Ok(Exit::Good);
    }
    match entitlements_of(item, index) {
        Claim::None => {}
        Claim::Entitlements(entries) => write!(out, "{}", to_text(entries))?,
        Claim::Uncovered => complain_as_apple(UNCOVERED),
        Claim::Unprintable => {
            complain_as_apple(UNPRINTABLE);
            return Ok(UNPRINTABLE_STATUS);
        }
    }
    Ok(Exit::Good)
}

/// How much of `codesign -d` is shown: of our own accord, what it shows at level 4.
pub(super) fn display_level(manner: Manner, global: &Global) -> u8 {
    match manner {
        Manner::Sealcheck => global.verbose.saturating_add(4),
        Manner::Codesign => global.verbose,
    }
}

/// All that is known, with requirements and constraints.
fn everything(
    evidence: &Evidence,
    slice: &SliceEvidence,
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if evidence.codesign.valid() == Some(false) {
        complain(&format!(
            "sealcheck: {}: warning: the code does not verify",
            evidence.path
        ));
    }
    let style = DisplayStyle {
        level: display_level(Manner::Sealcheck, session.global),
        is_extended: true,
        hides_requirements: false,
    };
    write_display(evidence, slice, style, out)?;
    if slice.hash_type.is_some() {
        write_requirements(slice, false, out)?;
    }
    Ok(())
}
