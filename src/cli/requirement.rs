//! `sealcheck requirement`: shows, compiles and tests code requirements, and reads the requirement of `-R`.
//!
//! As with `codesign -R` and `csreq -r`, a requirement is the name of a file with text or its binary form, `-` for
//! standard input, or text behind `=`. For the command `requirement`, what is not the name of a file counts as text, too.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::arguments::RequirementCommand;
use super::course::Operands;
use super::exit::Exit;
use super::file::InputError;
use super::spelling::misspelled;
use super::values::RequirementForm;
use super::{Session, complain, complain_unsigned, file, slice_of};
use crate::report::write_requirements;
use crate::requirement::{Compiled, Requirement, RequirementSet, SyntaxError};
use crate::verify::satisfies;

/// Budget for a requirement file; Apple's own are below 1 KiB.
const MAX_REQUIREMENT: u64 = 16 << 20;
/// The first byte of every binary form.
const BINARY: u8 = 0xfa;

/// A requirement that cannot be used.
pub(super) struct Unusable {
    /// Why.
    pub(super) message: String,
    /// Whether its file could not be read.
    is_unread: bool,
}

impl Unusable {
    fn new(message: String) -> Self {
        Self {
            message,
            is_unread: false,
        }
    }

    /// The message with the exit status, which is this one where the file was read.
    pub(super) fn with(self, status: Exit) -> (String, Exit) {
        let status = if self.is_unread { Exit::NotJudged } else { status };
        (self.message, status)
    }
}

pub(super) fn run(
    command: &RequirementCommand,
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    match command {
        RequirementCommand::Show {
            paths, arch, source, ..
        } => show(paths, arch.as_deref(), *source, session, out),
        RequirementCommand::Parse { requirement, format } => parse(requirement, *format, out),
        RequirementCommand::Test {
            requirement, paths, ..
        } => test(requirement, paths, session, out),
    }
}

fn show(
    paths: &[PathBuf],
    architecture: Option<&str>,
    is_source: bool,
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let (items, mut worst) = Operands::of_display(paths, session);
    for item in &items {
        match session.examine(item) {
            Ok(evidence) => match slice_of(&evidence, architecture) {
                Ok(slice) if slice.hash_type.is_none() => {
                    complain_unsigned(&evidence);
                    worst.worsen(Exit::Failed);
                }
                Ok(slice) => {
                    if items.len() > 1 {
                        writeln!(out, "{}:", evidence.path)?;
                    }
                    write_requirements(slice, is_source, out)?;
                }
                Err(message) => {
                    complain(&format!("sealcheck: {message}"));
                    worst.worsen(Exit::Failed);
                }
            },
            Err(message) => {
                complain(&message);
                worst.worsen(Exit::NotJudged);
            }
        }
    }
    Ok(worst)
}

fn parse(text: &str, form: RequirementForm, out: &mut dyn Write) -> io::Result<Exit> {
    let compiled = match compile(text) {
        Ok(compiled) => compiled,
        Err(unusable) => {
            // As csreq.
            let (message, status) = unusable.with(Exit::Failed);
            complain(&message);
            return Ok(status);
        }
    };
    let blob = match &compiled {
        Compiled::One(requirement) => requirement.to_blob(),
        Compiled::Set(set) => set.to_blob(),
    };
    match (form, &compiled) {
        (RequirementForm::Binary, _) => out.write_all(&blob)?,
        (RequirementForm::Hex, _) => {
            for byte in &blob {
                write!(out, "{byte:02x}")?;
            }
            writeln!(out)?;
        }
        (RequirementForm::Source, Compiled::One(requirement)) => {
            writeln!(out, "{}", requirement.to_source())?
        }
        (RequirementForm::Source, Compiled::Set(set)) => write!(out, "{}", set.to_source())?,
        (RequirementForm::Text, Compiled::One(requirement)) => writeln!(out, "{requirement}")?,
        (RequirementForm::Text, Compiled::Set(set)) => write!(out, "{set}")?,
    }
    Ok(Exit::Good)
}

/// Every slice by itself, since that is what one wants to know about a requirement.
fn test(text: &str, paths: &[PathBuf], session: &Session<'_>, out: &mut dyn Write) -> io::Result<Exit> {
    let requirement = match single(text) {
        Ok(requirement) => requirement,
        Err(unusable) => {
            let (message, status) = unusable.with(Exit::Failed);
            complain(&message);
            return Ok(status);
        }
    };
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
        if evidence.codesign.valid() == Some(false) {
            complain(&format!(
                "sealcheck: {}: warning: the code does not verify",
                evidence.path
            ));
        }
        let slices = evidence.code.first().map(|object| object.slices.as_slice());
        for slice in slices.unwrap_or_default() {
            let architecture = slice
                .architecture
                .map(|found| format!(" ({found})"))
                .unwrap_or_default();
            let (answer, status) = match slice.hash_type.map(|_| satisfies(slice, &requirement)) {
                None => ("not signed".to_owned(), Exit::Failed),
                Some(Ok(Some(true))) => ("satisfied".to_owned(), Exit::Good),
                Some(Ok(Some(false))) => ("not satisfied".to_owned(), Exit::Denied),
                Some(Ok(None)) => (
                    "not judged: it depends on what only a Mac knows".to_owned(),
                    Exit::NotJudged,
                ),
                Some(Err(fault)) => (format!("cannot be evaluated: {fault}"), Exit::Denied),
            };
            writeln!(out, "{}{architecture}: {answer}", evidence.path)?;
            worst.worsen(status);
        }
        match (evidence.codesign.valid(), evidence.codesign.not_judged()) {
            (Some(false), _) => worst.worsen(Exit::Failed),
            (_, Some(reason)) => {
                complain(&format!("sealcheck: {}: {reason}", evidence.path));
                worst.worsen(Exit::NotJudged);
            }
            _ => {}
        }
    }
    Ok(worst)
}

/// The one requirement that `-R` gives: text behind `=`, else the name of a file, as codesign reads it.
pub(super) fn of_option(argument: &str) -> Result<Requirement, Unusable> {
    if !argument.starts_with('=') && read(argument).is_none() {
        return Err(Unusable::new(format!(
            "sealcheck: -R {argument}: there is no such file; text needs an equals sign before it: -R '={argument}'"
        )));
    }
    single(argument)
}

/// The one requirement that an argument gives.
fn single(argument: &str) -> Result<Requirement, Unusable> {
    match compile(argument)? {
        Compiled::One(requirement) => Ok(requirement),
        Compiled::Set(_) => {
            let message = "sealcheck: a single requirement is needed, this is a set of requirements";
            Err(Unusable::new(message.to_owned()))
        }
    }
}

fn compile(argument: &str) -> Result<Compiled, Unusable> {
    let text = match argument.strip_prefix('=') {
        Some(text) => text.to_owned(),
        None => {
            let bytes = match read(argument) {
                Some(bytes) => bytes.map_err(|error| Unusable {
                    message: format!("sealcheck: {argument}: {error}"),
                    is_unread: true,
                })?,
                None => argument.as_bytes().to_vec(),
            };
            let say = |what: String| Unusable::new(format!("sealcheck: {argument}: {what}"));
            if bytes.first() == Some(&BINARY) {
                return binary(&bytes).map_err(|error| say(error.to_string()));
            }
            String::from_utf8(bytes).map_err(|_| say("neither text nor a requirement".to_owned()))?
        }
    };
    Compiled::from_text(&text).map_err(|error| Unusable::new(syntax(&error, &text)))
}

/// The lines of Apple's `csreq` (native observations 6.2): two, and one for each fault; then ours about words that are nearly
/// words of the language.
fn syntax(error: &SyntaxError, text: &str) -> String {
    let mut lines =
        format!("error: invalid or corrupted code requirement(s)\nRequirement syntax error(s):\n{error}");
    for (word, near) in misspelled(text) {
        lines.push_str(&format!("\nsealcheck: {word}: did you mean \"{near}\"?"));
    }
    lines
}

fn binary(bytes: &[u8]) -> Result<Compiled, crate::requirement::RequirementError> {
    match RequirementSet::from_blob(bytes) {
        Ok(set) => Ok(Compiled::Set(set)),
        Err(_) => Requirement::from_blob(bytes).map(Compiled::One),
    }
}

/// The content of a file or of standard input; `None` when there is no such file. A folder is none: its name may be a
/// requirement.
fn read(name: &str) -> Option<Result<Vec<u8>, InputError>> {
    if name == "-" {
        return Some(file::read_from(io::stdin(), MAX_REQUIREMENT));
    }
    let path = Path::new(name);
    let is_there = !path.is_dir() && path.symlink_metadata().is_ok();
    is_there.then(|| file::read(path, MAX_REQUIREMENT))
}
