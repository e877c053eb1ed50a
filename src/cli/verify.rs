//! `sealcheck verify` and `sealcheck inspect`: the codesign verdict in Apple's words, and what `codesign -d` displays.
//!
//! With `--style codesign` streams, verbosity and exit status are Apple's too; otherwise everything goes to the report,
//! as with one `-v` more.

use std::io::{self, Write};
use std::path::PathBuf;

use super::arguments::{Command, Format, Global, Manner};
use super::{Session, UNREADABLE, complain, slice_of};
use crate::entitlements::to_text;
use crate::report::{DisplayStyle, Stream, codesign_lines, write_display, write_json, write_requirements};
use crate::verify::{Evidence, SliceEvidence};

pub(super) fn run(
    paths: &[PathBuf],
    (format, manner): (Format, Manner),
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<u8> {
    let mut outcomes = Vec::new();
    let (mut first, mut worst) = (0, 0);
    for path in paths {
        let outcome = match session.examine(path) {
            Ok(outcome) => outcome,
            Err(error) => {
                complain(&format!("sealcheck: {error}"));
                worst = worst.max(UNREADABLE);
                first = if first == 0 { UNREADABLE } else { first };
                continue;
            }
        };
        if matches!(format, Format::Human) {
            let own = u8::from(!session.global.quiet);
            let verbosity = match manner {
                Manner::Sealcheck => session.global.verbose.saturating_add(own),
                Manner::Codesign => session.global.verbose,
            };
            let said = codesign_lines(&outcome, verbosity);
            first = if first == 0 { said.status } else { first };
            for (stream, line) in said.lines {
                match (manner, stream) {
                    (Manner::Codesign, Stream::Error) => complain(&line),
                    _ => writeln!(out, "{line}")?,
                }
            }
        }
        worst = worst.max(outcome.codesign_status());
        outcomes.push(outcome);
    }
    if matches!(format, Format::Json) {
        write_json(&outcomes, session.settings(false), out)?;
    }
    match (format, manner) {
        (Format::Human, Manner::Codesign) => Ok(first),
        _ => Ok(worst),
    }
}

pub(super) fn inspect(
    paths: &[PathBuf],
    command: &Command,
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<u8> {
    let Command::Inspect {
        arch,
        style,
        requirements,
        entitlements,
        ..
    } = command
    else {
        return Ok(0);
    };
    let mut worst = 0;
    for (index, path) in paths.iter().enumerate() {
        let evidence = match session.examine(path) {
            Ok(outcome) => outcome.evidence,
            Err(error) => {
                complain(&format!("sealcheck: {error}"));
                worst = worst.max(UNREADABLE);
                continue;
            }
        };
        let slice = match slice_of(&evidence, arch.as_deref()) {
            Ok(slice) => slice,
            Err(message) => {
                complain(&format!("sealcheck: {message}"));
                worst = worst.max(1);
                continue;
            }
        };
        if slice.hash_type.is_none() {
            worst = worst.max(1);
        }
        match style {
            Manner::Sealcheck => {
                if index > 0 {
                    writeln!(out)?;
                }
                everything(&evidence, slice, session, out)?;
            }
            Manner::Codesign => {
                let style = DisplayStyle {
                    level: display_level(Manner::Codesign, session.global),
                    is_extended: false,
                    hides_requirements: *requirements,
                };
                let mut lines = Vec::new();
                write_display(&evidence, slice, style, &mut lines)?;
                complain(String::from_utf8_lossy(&lines).trim_end_matches('\n'));
                if *requirements {
                    write_requirements(slice, false, out)?;
                }
                if let Some(found) = slice.entitlements.as_ref().filter(|_| *entitlements) {
                    write!(out, "{}", to_text(found))?;
                }
            }
        }
    }
    Ok(worst)
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
    if evidence.codesign.valid == Some(false) {
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
