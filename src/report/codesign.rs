//! The lines of `codesign --verify` at every verbosity, and its exit status (specification 11.5, native observations
//! 1, 2 and 4).
//!
//! Paths inside of the operand are absolute, as Apple prints them; the operand is as the user typed it.

use super::container_lines;
use crate::outcome::Outcome;
use crate::verify::{CodesignAnswer, CodesignFailure, Nesting, OsStatus, RequirementFault};

/// Where `codesign` prints a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// What `codesign --verify` says about one operand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CodesignLines {
    /// Lines without their ends, in order.
    pub lines: Vec<(Stream, String)>,
    /// 0 valid, 1 not, 3 a requirement is not met; 4, which Apple's tool does not have: not judged.
    pub status: u8,
}

impl CodesignLines {
    fn error(&mut self, line: String) {
        self.lines.push((Stream::Error, line));
    }

    fn output(&mut self, line: String) {
        self.lines.push((Stream::Output, line));
    }

    /// The first status that is not 0 is kept.
    fn end(&mut self, status: u8) {
        if self.status == 0 {
            self.status = status;
        }
    }
}

/// The lines about one item; `verbosity` counts `-v`.
#[must_use]
pub fn lines(outcome: &Outcome, verbosity: u8) -> CodesignLines {
    let evidence = &outcome.evidence;
    let operand = &evidence.path;
    let verdict = &evidence.codesign;
    let mut out = CodesignLines::default();
    let root = evidence.root.trim_end_matches('/');
    let absolute = |path: &str| match path {
        "" => root.to_owned(),
        path => format!("{root}/{path}"),
    };
    if evidence.has_substituted_anchor && verbosity > 0 {
        out.error(format!("{operand}: a root of --apple-anchor counts as Apple's"));
    }
    if verbosity > 1 {
        progress(outcome, &absolute, &mut out);
    }
    match verdict.answer() {
        CodesignAnswer::Invalid(found) => {
            failure(operand, found, verbosity, &absolute, &mut out);
            container_lines(evidence)
                .into_iter()
                .for_each(|line| out.error(line));
            return out;
        }
        CodesignAnswer::Valid(_) if verbosity > 0 => {
            let part = if evidence.flags.resources {
                ""
            } else {
                " (not all contents verified)"
            };
            out.error(format!("{operand}: valid on disk{part}"));
        }
        CodesignAnswer::Valid(_) => {}
        CodesignAnswer::NotJudged(reason) => {
            out.error(format!("{operand}: {reason}"));
            for line in container_lines(evidence) {
                out.error(line);
                out.end(1);
            }
            out.end(4);
        }
    }
    // Without -v, codesign does not ask for the designated requirement at all.
    if verbosity > 0 {
        match verdict.satisfies_designated_requirement() {
            Some(true) => out.error(format!("{operand}: satisfies its Designated Requirement")),
            Some(false) => {
                out.error(format!("{operand}: does not satisfy its designated Requirement"));
                out.end(3);
            }
            None if is_set_malformed(outcome) => {
                out.error(format!("{operand}: {}", OsStatus::REQ_INVALID.message()));
                out.error(format!("{operand}: cannot retrieve designated requirement"));
                out.end(1);
            }
            None => {}
        }
    }
    match &outcome.explicit_requirement {
        Some(Ok(Some(true))) if verbosity > 0 => {
            out.error(format!("{operand}: explicit requirement satisfied"));
        }
        // The name is literal in Apple's program.
        Some(Ok(Some(false)) | Err(_)) => {
            out.error("test-requirement: code failed to satisfy specified code requirement(s)".to_owned());
            out.end(3);
        }
        Some(Ok(None)) => {
            out.error(format!(
                "{operand}: explicit requirement not judged: it depends on what only a Mac knows"
            ));
            out.end(4);
        }
        _ => {}
    }
    out
}

/// Whether the primary slice's requirement set cannot be read, which nobody notices who does not ask for it.
fn is_set_malformed(outcome: &Outcome) -> bool {
    let primary = outcome.evidence.code.first().and_then(|item| item.slices.first());
    primary
        .and_then(|slice| slice.designated.as_ref())
        .is_some_and(|designated| designated.is_satisfied == Err(RequirementFault::Set))
}

/// `--prepared:` and `--validated:` of nested code, the former in front of what is nested in it. How far macOS comes
/// before nested code fails varies from run to run, so nothing is said about it then.
fn progress(outcome: &Outcome, absolute: &impl Fn(&str) -> String, out: &mut CodesignLines) {
    let evidence = &outcome.evidence;
    let verdict = &evidence.codesign;
    if !verdict.has_seen_nested {
        return;
    }
    // Objects stand in front of what they hold; those that are still open, innermost last.
    let mut open: Vec<usize> = Vec::new();
    let end = |at: usize, out: &mut CodesignLines| {
        if let Some(object) = evidence.code.get(at) {
            out.error(format!("--validated:{}", absolute(&object.path)));
        }
    };
    for (index, object) in evidence.code.iter().enumerate() {
        let is_reached = evidence.flags.deep || object.parent == Some(0);
        // What fails the requirement of its seal is not prepared any more.
        if object.nesting != Nesting::Sealed || !is_reached || object.unmet_slice.is_some() {
            continue;
        }
        while open.last().is_some_and(|last| Some(*last) != object.parent) {
            end(open.pop().unwrap_or_default(), out);
        }
        out.error(format!("--prepared:{}", absolute(&object.path)));
        open.push(index);
    }
    while let Some(at) = open.pop() {
        end(at, out);
    }
}

fn failure(
    operand: &str,
    failure: &CodesignFailure,
    verbosity: u8,
    absolute: &impl Fn(&str) -> String,
    out: &mut CodesignLines,
) {
    let message = failure.status.message();
    out.error(format!("{operand}: {message}"));
    out.end(1);
    if let Some(path) = &failure.subcomponent {
        out.error(format!("In subcomponent: {}", absolute(path)));
    }
    if let Some(architecture) = &failure.architecture {
        out.error(format!("In architecture: {architecture}"));
    }
    if verbosity == 0 {
        return;
    }
    for (what, paths) in [
        ("added", &failure.files_added),
        ("modified", &failure.files_modified),
        ("missing", &failure.files_missing),
    ] {
        for path in paths {
            out.output(format!("file {what}: {}", absolute(path)));
        }
    }
    for (path, attribute) in &failure.attached_data {
        out.output(format!(
            "file with invalid attached data: Disallowed xattr {attribute} found on {}",
            absolute(path)
        ));
    }
}
