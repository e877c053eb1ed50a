//! `sealcheck verify` and `sealcheck inspect`: the codesign verdict in Apple's words, and what `codesign -d` displays.

use std::io::{self, Write};
use std::path::PathBuf;

use super::arguments::Format;
use super::{Session, UNREADABLE, complain, slice_of};
use crate::report::{
    CodesignStyle, DisplayStyle, write_codesign, write_display, write_json, write_requirements,
};

pub(super) fn run(
    paths: &[PathBuf],
    format: Format,
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<u8> {
    let mut outcomes = Vec::new();
    let mut worst = 0;
    for path in paths {
        match session.examine(path) {
            Ok(outcome) => {
                worst = worst.max(outcome.codesign_status());
                if matches!(format, Format::Human) {
                    let style = CodesignStyle {
                        quiet: session.global.quiet,
                    };
                    write_codesign(&outcome, style, out)?;
                }
                outcomes.push(outcome);
            }
            Err(error) => {
                complain(&format!("sealcheck: {error}"));
                worst = worst.max(UNREADABLE);
            }
        }
    }
    if matches!(format, Format::Json) {
        write_json(&outcomes, session.settings(false), out)?;
    }
    Ok(worst)
}

pub(super) fn inspect(
    paths: &[PathBuf],
    architecture: Option<&str>,
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<u8> {
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
        let slice = match slice_of(&evidence, architecture) {
            Ok(slice) => slice,
            Err(message) => {
                complain(&format!("sealcheck: {message}"));
                worst = worst.max(1);
                continue;
            }
        };
        if index > 0 {
            writeln!(out)?;
        }
        if evidence.codesign.valid == Some(false) {
            complain(&format!(
                "sealcheck: {}: warning: the code does not verify",
                evidence.path
            ));
        }
        let style = DisplayStyle {
            slots: session.global.verbose > 0,
        };
        write_display(&evidence, slice, style, out)?;
        if slice.hash_type.is_some() {
            write_requirements(slice, false, out)?;
        } else {
            worst = worst.max(1);
        }
    }
    Ok(worst)
}
