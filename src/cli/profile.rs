//! `sealcheck profile`: a provisioning profile, or those of a bundle with what its code claims.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use super::course::Operands;
use super::exit::Exit;
use super::values::Format;
use super::{Session, complain, file, style};
use crate::budget::Budget;
use crate::profile::Profile;
use crate::report::{ProfileSubject, write_profile, write_profiles_json};
use crate::source::{SourceError, shown_path};
use crate::subject::Item;
use crate::survey::Survey;
use crate::verify::{CodeKind, CodeObject, Evidence, ProfileProblem};

/// First octet of a CMS: a SEQUENCE.
const SEQUENCE: u8 = 0x30;

/// What stands at one path.
enum Operand {
    Profile(String, Box<Result<Profile, ProfileProblem>>),
    Item(Box<(Evidence, Survey)>),
}

impl Operand {
    fn subjects(&self, session: &Session<'_>) -> Vec<ProfileSubject<'_>> {
        match self {
            Self::Item(item) => ProfileSubject::of_item(&item.0, &item.1),
            Self::Profile(path, profile) => {
                let profile = (**profile).as_ref();
                vec![ProfileSubject::of_file(path.clone(), profile, session.options.at)]
            }
        }
    }
}

pub(super) fn run(
    paths: &[PathBuf],
    format: Format,
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let (items, mut worst) = Operands::of_display(paths, session);
    let mut operands = Vec::new();
    for item in &items {
        match open(item, session) {
            Ok(operand) => operands.push(operand),
            Err(message) => {
                complain(&message);
                worst.worsen(Exit::NotJudged);
            }
        }
    }
    let mut all = Vec::new();
    for operand in &operands {
        let subjects = operand.subjects(session);
        if let (Operand::Item(item), true) = (operand, subjects.is_empty()) {
            let evidence = &item.0;
            let (why, status) = without_profile(evidence);
            complain(&format!("sealcheck: {}: {why}", evidence.path));
            worst.worsen(status);
        }
        all.extend(subjects);
    }
    for subject in &all {
        if subject.is_unread() {
            worst.worsen(Exit::NotJudged);
        } else if !subject.is_good() {
            worst.worsen(Exit::Failed);
        }
    }
    match format {
        Format::Json => write_profiles_json(&all, out)?,
        Format::Human => {
            for (index, subject) in all.iter().enumerate() {
                if index > 0 {
                    writeln!(out)?;
                }
                write_profile(subject, style(session.global), out)?;
            }
        }
    }
    Ok(worst)
}

/// What there is to say of an item without a profile. Only code that verifies is known to claim nothing that needs one.
fn without_profile(evidence: &Evidence) -> (&'static str, Exit) {
    let has_code = |object: &CodeObject| object.kind != CodeKind::Generic && !object.slices.is_empty();
    if !evidence.code.iter().any(has_code) {
        return ("neither a provisioning profile nor code", Exit::Failed);
    }
    match evidence.codesign.valid() {
        Some(true) => ("no provisioning profile, and no claim that needs one", Exit::Good),
        Some(false) => (
            "no provisioning profile; the code does not verify, so what it claims is not known",
            Exit::Failed,
        ),
        None => (
            "no provisioning profile; the code was not judged, so what it claims is not known",
            Exit::NotJudged,
        ),
    }
}

/// A file that begins like a CMS, or is called like a profile, is one; anything else is code.
fn open(item: &Item, session: &Session<'_>) -> Result<Operand, String> {
    let path = item.path.as_path();
    if item.unopened.is_none() && path.is_file() {
        let mut bytes = Vec::new();
        let limit = session.options.limits.profile;
        let most = limit.saturating_add(1);
        let read = |file: File| Ok(file.take(most).read_to_end(&mut bytes)?);
        let read = file::open(path).and_then(read);
        read.map_err(|error| format!("sealcheck: {}: {error}", path.display()))?;
        let extension = path.extension().and_then(|extension| extension.to_str());
        let is_named = matches!(extension, Some("provisionprofile" | "mobileprovision"));
        if is_named || bytes.first() == Some(&SEQUENCE) {
            let options = &session.options;
            let shown = shown_path(path);
            let profile = if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
                let path = shown.clone();
                Err(ProfileProblem::Unreadable(SourceError::TooLarge { path, limit }))
            } else {
                Profile::read(
                    &bytes,
                    &options.anchors,
                    &options.cache,
                    &options.limits,
                    &Budget::new(&options.limits),
                )
                .map_err(ProfileProblem::from)
            };
            return Ok(Operand::Profile(shown, Box::new(profile)));
        }
    }
    session.survey(item).map(|found| Operand::Item(Box::new(found)))
}
