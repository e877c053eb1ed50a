//! `sealcheck entitlements`: what the code claims, of one architecture; the listing says who may claim it.
//!
//! Prints only entitlements that macOS reads, complains about those that it does not, and warns where the code itself was
//! changed.

use std::io::{self, Write};
use std::path::PathBuf;

use super::course::Operands;
use super::exit::Exit;
use super::values::Form;
use super::{Session, complain, complain_unsigned, slice_of};
use crate::entitlements::to_remarked_text;
use crate::plist::dictionary_to_json;
use crate::verify::{EntitlementsState, SliceEvidence};

pub(super) fn run(
    paths: &[PathBuf],
    form: Form,
    architecture: Option<&str>,
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let (items, mut worst) = Operands::of_display(paths, session);
    for item in &items {
        let evidence = match session.examine(item) {
            Ok(evidence) => evidence,
            Err(message) => {
                complain(&message);
                worst.worsen(Exit::NotJudged);
                continue;
            }
        };
        let slice = match slice_of(&evidence, architecture) {
            Ok(slice) => slice,
            Err(message) => {
                complain(&format!("sealcheck: {message}"));
                worst.worsen(Exit::Failed);
                continue;
            }
        };
        if slice.hash_type.is_none() {
            complain_unsigned(&evidence);
            worst.worsen(Exit::Failed);
            continue;
        }
        if evidence.codesign.valid() == Some(false) {
            complain(&format!(
                "sealcheck: {}: warning: the code does not verify",
                evidence.path
            ));
        }
        if let Some(problem) = problem(slice.entitlements_state) {
            complain(&format!("sealcheck: {}: {problem}", evidence.path));
            worst.worsen(Exit::Failed);
        }
        if items.len() > 1 && matches!(form, Form::Text) {
            writeln!(out, "{}:", evidence.path)?;
        }
        print(slice, form, out)?;
    }
    Ok(worst)
}

/// Why macOS reads no entitlements although there are some.
fn problem(state: EntitlementsState) -> Option<&'static str> {
    Some(match state {
        EntitlementsState::None | EntitlementsState::Known => return None,
        EntitlementsState::Ignored => {
            "the signature has entitlements that macOS ignores: it does not cover them, or they are not what their slot demands"
        }
        EntitlementsState::XmlMalformed | EntitlementsState::DerMalformed => {
            "the entitlements cannot be decoded"
        }
        EntitlementsState::Changed => "the entitlements changed after signing",
        EntitlementsState::OtherSource => "the entitlements come from another place than the CodeDirectory",
    })
}

/// Code without entitlements prints nothing, as with `codesign`.
fn print(slice: &SliceEvidence, form: Form, out: &mut dyn Write) -> io::Result<()> {
    match form {
        Form::Text => slice
            .entitlements
            .as_ref()
            .map_or(Ok(()), |found| write!(out, "{}", to_remarked_text(found))),
        Form::Json => slice
            .entitlements
            .as_ref()
            .map_or(Ok(()), |found| writeln!(out, "{:#}", dictionary_to_json(found))),
        Form::Xml => slice
            .entitlements_xml
            .as_ref()
            .map_or(Ok(()), |bytes| out.write_all(bytes)),
        Form::Der => slice
            .entitlements_der
            .as_ref()
            .map_or(Ok(()), |bytes| out.write_all(bytes)),
    }
}
