//! `sealcheck inspect --format json|santa`: what is in signatures, for programs.

use std::io::{self, Write};
use std::path::PathBuf;

use super::course::Operands;
use super::exit::Exit;
use super::{Session, complain};
use crate::report::{InspectionForm, Inspections, Unreadable};
use crate::source::shown_path;
use crate::subject::Item;
use crate::verify::Evidence;

/// Shows the items. Those that cannot be read are on standard error, and in JSON.
pub(super) fn run(
    paths: &[PathBuf],
    form: InspectionForm,
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let mut operands = Operands::expanded(paths, session);
    let mut unreadable = operands.take_unreadable();
    let mut worst = if unreadable.is_empty() {
        Exit::Good
    } else {
        Exit::NotJudged
    };
    let mut shown = Inspections::new(form, session.settings(false));
    for item in &operands.items {
        match session.examine(item) {
            Ok(evidence) => {
                worst.worsen(status(&evidence, form));
                shown.add(&evidence, out)?;
            }
            Err(message) => {
                complain(&message);
                worst.worsen(Exit::NotJudged);
                unreadable.push(refused(item, &message));
            }
        }
    }
    shown.end(&unreadable, out)?;
    Ok(worst)
}

/// The exit status of one item: unsigned code is 1, as for people. What Santa shall allow must also verify.
fn status(evidence: &Evidence, form: InspectionForm) -> Exit {
    let path = &evidence.path;
    let object = evidence.code.first();
    let Some(slice) = object.and_then(|object| object.slices.first()) else {
        complain(&format!("sealcheck: {path}: no code"));
        return Exit::Failed;
    };
    let verdict = &evidence.codesign;
    match (verdict.valid(), form) {
        _ if slice.hash_type.is_none() => Exit::Failed,
        (Some(true), _) => Exit::Good,
        (Some(false), _) => {
            complain(&format!("sealcheck: {path}: warning: the code does not verify"));
            match form {
                InspectionForm::Json => Exit::Good,
                InspectionForm::Santa => Exit::Failed,
            }
        }
        (None, InspectionForm::Json) => Exit::Good,
        (None, InspectionForm::Santa) => {
            complain(&format!("sealcheck: {path}: warning: the code was not judged"));
            Exit::NotJudged
        }
    }
}

fn refused(item: &Item, message: &str) -> Unreadable {
    let path = shown_path(&item.path);
    let reason = message.strip_prefix("sealcheck: ").unwrap_or(message);
    let reason = reason.strip_prefix(&format!("{path}: ")).unwrap_or(reason);
    Unreadable {
        reason: reason.to_owned(),
        place: path.clone(),
        path,
    }
}
