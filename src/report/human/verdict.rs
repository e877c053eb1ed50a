//! The last three lines: codesign, gatekeeper, problems.

use std::io::{self, Write};

use super::{BAD, DOUBTFUL, FAINT, GOOD, Style, problems};
use crate::finding::{Severity, Target};
use crate::gatekeeper::{Operation, Ruling};
use crate::report::gatekeeper::sentence;
use crate::report::{Outcome, text};
use crate::verify::RequirementFault;

/// Stands under what is said of a verdict.
const MARGIN: &str = "              ";

pub(super) fn write(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    codesign(outcome, style, out)?;
    for text in reservations(outcome) {
        for line in text::wrap(&text, style.width.saturating_sub(MARGIN.len())) {
            writeln!(out, "{MARGIN}{line}")?;
        }
    }
    if let Some(answer) = &outcome.explicit_requirement {
        requirement(answer, style, out)?;
    }
    gatekeeper(outcome, style, out)?;
    let count = problems::counts(outcome.findings());
    let words: Vec<_> = [
        (count(Severity::Error), "error"),
        (count(Severity::Warning), "warning"),
        (count(Severity::Note), "note"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, word)| text::counted(number, word))
    .collect();
    let none = words.is_empty().then(|| "none".to_owned());
    let suppressed = text::suppressed(&outcome.advice.suppressed);
    let problems: Vec<_> = none.iter().chain(&words).chain(&suppressed).cloned().collect();
    let problems = problems.join(", ");
    let statistics = outcome.evidence.statistics;
    let time = outcome
        .seconds
        .map(|seconds| format!(" in {}", text::duration(seconds)))
        .unwrap_or_default();
    let statistics = format!(
        "{}, {}, {}, {} of code{time}",
        text::counted(outcome.evidence.code.len(), "code object"),
        text::counted(usize::try_from(statistics.slices).unwrap_or(usize::MAX), "slice"),
        text::counted(usize::try_from(statistics.files).unwrap_or(usize::MAX), "file"),
        text::size(statistics.bytes_hashed),
    );
    // A column of its own where there is room, else as near as it fits, else below.
    let room = style
        .width
        .saturating_sub(MARGIN.len().saturating_add(2))
        .saturating_sub(statistics.chars().count());
    if problems.chars().count() <= room {
        let column = room.min(24);
        writeln!(
            out,
            "  problems    {problems:<column$}  {FAINT}{statistics}{FAINT:#}"
        )?;
    } else {
        writeln!(
            out,
            "  problems    {problems}\n{MARGIN}{FAINT}{statistics}{FAINT:#}"
        )?;
    }
    if words.is_empty() {
        Ok(())
    } else {
        writeln!(
            out,
            "{MARGIN}{FAINT}sealcheck explain RULE shows the background of each{FAINT:#}"
        )
    }
}

/// What the verdicts leave out or take for granted, in sentences.
fn reservations(outcome: &Outcome) -> impl Iterator<Item = String> {
    let all = outcome.evidence.reservations().into_iter();
    all.map(|reservation| match reservation.path.as_str() {
        "" => format!("but {}", reservation.text),
        path => format!("but {}: {}", text::visible(path), reservation.text),
    })
}

fn requirement(
    answer: &Result<Option<bool>, RequirementFault>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, "  requirement ")?;
    match answer {
        Ok(Some(true)) => writeln!(out, "{GOOD}{}{GOOD:#} satisfied", style.yes()),
        Ok(Some(false)) => writeln!(out, "{BAD}{}{BAD:#} not satisfied", style.no()),
        Ok(None) => writeln!(
            out,
            "{DOUBTFUL}?{DOUBTFUL:#} not judged: it depends on what only a Mac knows"
        ),
        Err(fault) => writeln!(out, "{BAD}{}{BAD:#} not satisfied: {fault}", style.no()),
    }
}

fn codesign(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &outcome.evidence.codesign;
    write!(out, "  codesign    ")?;
    match verdict.valid() {
        Some(true) => {
            let requirement = match verdict.satisfies_designated_requirement() {
                Some(true) => ", satisfies its Designated Requirement",
                Some(false) => ", does not satisfy its designated Requirement",
                None => "",
            };
            match verdict.satisfies_designated_requirement() {
                Some(false) => write!(out, "{BAD}{}{BAD:#}", style.no())?,
                _ => write!(out, "{GOOD}{}{GOOD:#}", style.yes())?,
            }
            writeln!(out, " valid on disk{requirement}")
        }
        Some(false) => {
            let text = verdict
                .status()
                .map(|status| status.to_string())
                .unwrap_or_default();
            writeln!(out, "{BAD}{}{BAD:#} {text}", style.no())?;
            if let Some(path) = verdict.subcomponent() {
                writeln!(out, "{MARGIN}in subcomponent: {}", text::visible(path))?;
            }
            if let Some(architecture) = verdict.architecture() {
                writeln!(out, "{MARGIN}in architecture: {architecture}")?;
            }
            Ok(())
        }
        None => {
            let why = verdict.not_judged().map(|reason| reason.to_string());
            let why = why.unwrap_or_default();
            writeln!(out, "{DOUBTFUL}?{DOUBTFUL:#} {why}")
        }
    }
}

/// Returns true if the item is a build for upload. Gatekeeper's rules accept none, but users get the copy that the store signs.
pub(super) fn is_for_upload(outcome: &Outcome) -> bool {
    let verdict = outcome.gatekeeper.as_ref();
    outcome.advice.target == Target::MacAppStore
        && verdict.is_some_and(|verdict| verdict.ruling == Ruling::Rejected(None) && verdict.source.is_none())
}

fn gatekeeper(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "  gatekeeper  ")?;
    let Some(verdict) = &outcome.gatekeeper else {
        return writeln!(out, "{DOUBTFUL}?{DOUBTFUL:#} not evaluated");
    };
    if is_for_upload(outcome) {
        return writeln!(
            out,
            "- not asked before App Store Connect has signed it (spctl: rejected)"
        );
    }
    let text = sentence(verdict);
    match &verdict.ruling {
        Ruling::Accepted(_) => write!(out, "{GOOD}{}{GOOD:#} {text}", style.yes())?,
        Ruling::Rejected(_) | Ruling::Error(_) => write!(out, "{BAD}{}{BAD:#} {text}", style.no())?,
        Ruling::Undetermined(_) | Ruling::NotJudged(_) => {
            write!(out, "{DOUBTFUL}?{DOUBTFUL:#} {text}")?;
        }
        Ruling::NotApplicable(_) => {
            let mut lines =
                text::wrap(&text, style.width.saturating_sub(MARGIN.len().saturating_add(2))).into_iter();
            writeln!(out, "- {}", lines.next().unwrap_or_default())?;
            for line in lines {
                writeln!(out, "{MARGIN}  {line}")?;
            }
            return Ok(());
        }
    }
    if verdict.operation != Operation::Execute {
        write!(
            out,
            "  {FAINT}(spctl --type {}){FAINT:#}",
            verdict.operation.name()
        )?;
    }
    writeln!(out)?;
    if let Some(path) = &verdict.subcomponent {
        writeln!(out, "{MARGIN}in subcomponent: {}", text::visible(path))?;
    }
    if let Ruling::Undetermined(condition) = &verdict.ruling {
        for line in text::wrap(condition, style.width.saturating_sub(MARGIN.len())) {
            writeln!(out, "{MARGIN}{line}")?;
        }
    }
    Ok(())
}
