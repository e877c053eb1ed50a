//! The lines of `codesign --verify -v` (specification 11.5, native observations 1, 2 and 4), all on one stream.
//!
//! Paths inside of the operand are absolute, as Apple prints them; the operand is as the user typed it.

use std::io::{self, Write};

use super::Outcome;
use crate::verify::RequirementFault;

/// How to print the verdict.
#[derive(Debug, Clone, Copy)]
pub struct CodesignStyle {
    /// Only failures, without lists of files: `codesign --verify` without `-v`.
    pub quiet: bool,
}

/// Writes the codesign verdict of one item.
///
/// # Errors
/// Those of `out`.
pub fn write(outcome: &Outcome, style: CodesignStyle, out: &mut dyn Write) -> io::Result<()> {
    let operand = &outcome.evidence.path;
    let verdict = &outcome.evidence.codesign;
    if outcome.evidence.has_substituted_anchor && !style.quiet {
        writeln!(out, "{operand}: a root of --apple-anchor counts as Apple's")?;
    }
    match verdict.valid {
        Some(false) => return failure(outcome, style, out),
        Some(true) if style.quiet => {}
        Some(true) if verdict.is_partial => {
            writeln!(out, "{operand}: valid on disk (not all contents verified)")?;
        }
        Some(true) => writeln!(out, "{operand}: valid on disk")?,
        None => {
            let why = verdict.not_judged.map_or("not judged", |reason| reason.text());
            writeln!(out, "{operand}: {why}")?;
        }
    }
    match verdict.satisfies_designated_requirement {
        Some(true) if !style.quiet => writeln!(out, "{operand}: satisfies its Designated Requirement")?,
        Some(false) => writeln!(out, "{operand}: does not satisfy its designated Requirement")?,
        _ => {}
    }
    match &outcome.explicit_requirement {
        Some(Ok(Some(true))) if !style.quiet => writeln!(out, "{operand}: explicit requirement satisfied"),
        // The name is literal in Apple's program.
        Some(Ok(Some(false))) => writeln!(
            out,
            "test-requirement: code failed to satisfy specified code requirement(s)"
        ),
        Some(Err(fault)) => unevaluated(fault, out),
        Some(Ok(None)) => writeln!(
            out,
            "{operand}: explicit requirement not judged: it depends on what only a Mac knows"
        ),
        _ => Ok(()),
    }
}

fn unevaluated(fault: &RequirementFault, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "test-requirement: the requirement cannot be evaluated: {fault}"
    )
}

fn failure(outcome: &Outcome, style: CodesignStyle, out: &mut dyn Write) -> io::Result<()> {
    let operand = &outcome.evidence.path;
    let verdict = &outcome.evidence.codesign;
    let message = verdict.status.map_or("invalid", |status| status.message());
    writeln!(out, "{operand}: {message}")?;
    let absolute = |path: &str| match (outcome.evidence.root.trim_end_matches('/'), path) {
        (root, "") => root.to_owned(),
        (root, path) => format!("{root}/{path}"),
    };
    if let Some(path) = &verdict.subcomponent {
        writeln!(out, "In subcomponent: {}", absolute(path))?;
    }
    if let Some(architecture) = &verdict.architecture {
        writeln!(out, "In architecture: {architecture}")?;
    }
    if style.quiet {
        return Ok(());
    }
    for (what, paths) in [
        ("added", &verdict.files_added),
        ("modified", &verdict.files_modified),
        ("missing", &verdict.files_missing),
    ] {
        for path in paths {
            writeln!(out, "file {what}: {}", absolute(path))?;
        }
    }
    for (path, attribute) in &verdict.attached_data {
        writeln!(
            out,
            "file with invalid attached data: Disallowed xattr {attribute} found on {}",
            absolute(path)
        )?;
    }
    Ok(())
}
