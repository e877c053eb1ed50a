//! The last three lines: codesign, gatekeeper, problems.

use std::collections::BTreeSet;
use std::io::{self, Write};

use anstyle::Style as Ansi;

use super::paragraph::Paragraph;
use super::{BAD, DOUBTFUL, FAINT, GOOD, Style, problems};
use crate::finding::{Finding, Party, Severity, Target};
use crate::gatekeeper::{Operation, Ruling};
use crate::outcome::Outcome;
use crate::report::counts::Counts;
use crate::report::gatekeeper::sentence;
use crate::report::text;
use crate::verify::RequirementFault;

/// The margin of further lines about a verdict.
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
    undecided(outcome, style, out)?;
    still_counts(outcome, style, out)?;
    let words = Counts::of_check(outcome).words();
    let none = words.is_empty().then(|| "none".to_owned());
    let suppressed = text::suppressed(&outcome.advice.suppressed);
    let problems: Vec<_> = none.iter().chain(&words).chain(&suppressed).cloned().collect();
    let problems = problems.join(", ");
    let statistics = outcome.evidence.statistics;
    let time = outcome
        .seconds
        .map(|seconds| format!(" in {}", text::duration(seconds)))
        .unwrap_or_default();
    let files = text::counted(usize::try_from(statistics.files).unwrap_or(usize::MAX), "file");
    let statistics = match outcome
        .evidence
        .code
        .iter()
        .filter(|object| object.is_code())
        .count()
    {
        0 => format!("no code, {files}{time}"),
        objects => format!(
            "{}, {}, {files}, {} of code{time}",
            text::counted(objects, "code object"),
            text::counted(usize::try_from(statistics.slices).unwrap_or(usize::MAX), "slice"),
            text::size(statistics.bytes_hashed),
        ),
    };
    let problems = Paragraph::default().plain(problems);
    problems.write(("  problems    ", MARGIN), style.width, out)?;
    let statistics = Paragraph::default().add(FAINT, statistics);
    statistics.write((MARGIN, MARGIN), style.width, out)?;
    // A brief report has pointed to `-v`, which explains as well.
    if outcome.findings().is_empty() || !style.quiet && problems::are_brief(outcome, style) {
        Ok(())
    } else {
        writeln!(
            out,
            "{MARGIN}{FAINT}sealcheck explain RULE shows the background of each{FAINT:#}"
        )
    }
}

/// What keeps an item from being good although no verdict above says so.
fn undecided(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let open = outcome
        .advice
        .unknown
        .iter()
        .filter(|unknown| unknown.is_expectation());
    let rules: BTreeSet<&str> = open.map(|unknown| unknown.rule).collect();
    let rules: Vec<&str> = rules.into_iter().collect();
    let expected = (!rules.is_empty()).then(|| format!("not known whether it is met: {}", rules.join(", ")));
    let contents = outcome
        .survey
        .has_unread_archive()
        .then(|| "not all archives in it were read".to_owned());
    for (what, text) in [("expected", expected), ("contents", contents)] {
        let Some(text) = text else { continue };
        let text = match outcome.exit_status() {
            4 => format!("{text} (exit status 4)"),
            _ => text,
        };
        line(what, (DOUBTFUL, "?"), &text, style, out)?;
    }
    Ok(())
}

/// Says what makes the item fail although a baseline or an ignore keeps its problems out of the report.
fn still_counts(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let explains = |finding: &Finding| {
        finding.severity == Severity::Error && finding.rejected_by.contains(&Party::Codesign)
    };
    let is_invalid = outcome.evidence.codesign.valid() == Some(false);
    if !is_invalid || outcome.advice.suppressed.is_empty() || outcome.findings().iter().any(explains) {
        return Ok(());
    }
    let text = format!(
        "the codesign verdict: a baseline or an ignore keeps problems out of the report, and changes no verdict (exit status {})",
        outcome.exit_status()
    );
    line("counts", (BAD, style.no()), &text, style, out)
}

/// Returns why a rejection by Gatekeeper does not make an item fail; `None` if there is none, or the item fails. Only findings and the
/// verdict of codesign make it fail.
pub(super) fn not_counted(outcome: &Outcome) -> Option<&'static str> {
    let verdict = outcome.gatekeeper.as_ref()?;
    let is_rejected = matches!(verdict.ruling, Ruling::Rejected(_) | Ruling::Error(_));
    if !is_rejected || outcome.exit_status() != 0 {
        return None;
    }
    Some(match outcome.advice.suppressed.is_empty() {
        true => "does not count, since no finding is an error",
        false => "does not count, since what is wrong is known or left out",
    })
}

/// What the verdicts leave out or take for granted, in sentences.
fn reservations(outcome: &Outcome) -> impl Iterator<Item = String> {
    let all = outcome.evidence.reservations().into_iter();
    all.map(|reservation| match reservation.path.as_str() {
        "" => format!("but {}", reservation.text),
        path => format!("but {}: {}", text::visible(path), reservation.text),
    })
}

/// Writes the name of a verdict with its mark, and the text beside it.
fn line(
    name: &str,
    (colour, mark): (Ansi, &str),
    text: &str,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    Paragraph::default()
        .add(colour, mark)
        .plain(format!(" {text}"))
        .write((&format!("  {name:<12}"), MARGIN), style.width, out)
}

fn requirement(
    answer: &Result<Option<bool>, RequirementFault>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (mark, text) = match answer {
        Ok(Some(true)) => ((GOOD, style.yes()), "satisfied".to_owned()),
        Ok(Some(false)) => ((BAD, style.no()), "not satisfied".to_owned()),
        Ok(None) => {
            let text = "not judged: it depends on what only a Mac knows";
            ((DOUBTFUL, "?"), text.to_owned())
        }
        Err(fault) => ((BAD, style.no()), format!("not satisfied: {fault}")),
    };
    line("requirement", mark, &text, style, out)
}

fn codesign(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &outcome.evidence.codesign;
    let (mark, text) = match (verdict.valid(), verdict.satisfies_designated_requirement()) {
        (Some(true), Some(true)) => (
            (GOOD, style.yes()),
            "valid on disk, satisfies its Designated Requirement".to_owned(),
        ),
        (Some(true), Some(false)) => (
            (BAD, style.no()),
            "valid on disk, does not satisfy its designated Requirement".to_owned(),
        ),
        (Some(true), None) => ((GOOD, style.yes()), "valid on disk".to_owned()),
        (Some(false), _) => {
            let status = verdict.status().map(|status| status.to_string());
            ((BAD, style.no()), status.unwrap_or_default())
        }
        (None, _) => {
            let why = verdict.not_judged().map(|reason| reason.to_string());
            ((DOUBTFUL, "?"), why.unwrap_or_default())
        }
    };
    line("codesign", mark, &text, style, out)?;
    if verdict.valid() != Some(false) {
        return Ok(());
    }
    if let Some(path) = verdict.subcomponent() {
        writeln!(out, "{MARGIN}in subcomponent: {}", text::visible(path))?;
    }
    if let Some(architecture) = verdict.architecture() {
        writeln!(out, "{MARGIN}in architecture: {architecture}")?;
    }
    Ok(())
}

/// Why nobody asks Gatekeeper about an item that no rule of it accepts. `None` if somebody does.
pub(super) fn not_asked(outcome: &Outcome) -> Option<&'static str> {
    let verdict = outcome.gatekeeper.as_ref()?;
    if verdict.ruling != Ruling::Rejected(None) || verdict.source.is_some() {
        return None;
    }
    match outcome.advice.target {
        // Users get the copy that the store signs.
        Target::MacAppStore => Some("not asked before App Store Connect has signed it"),
        Target::Local => Some("not asked about code that was not downloaded"),
        _ => None,
    }
}

fn gatekeeper(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let name = "gatekeeper";
    let Some(verdict) = &outcome.gatekeeper else {
        return line(name, (DOUBTFUL, "?"), "not evaluated", style, out);
    };
    if let Some(why) = not_asked(outcome) {
        return line(
            name,
            (Ansi::new(), "-"),
            &format!("{why} (spctl: rejected)"),
            style,
            out,
        );
    }
    let not_counted = not_counted(outcome);
    let mark = match &verdict.ruling {
        _ if not_counted.is_some() => (Ansi::new(), "-"),
        Ruling::Accepted(_) => (GOOD, style.yes()),
        Ruling::Rejected(_) | Ruling::Error(_) => (BAD, style.no()),
        Ruling::Undetermined(_) | Ruling::NotJudged(_) => (DOUBTFUL, "?"),
        Ruling::NotApplicable(_) => (Ansi::new(), "-"),
    };
    let is_asked = !matches!(verdict.ruling, Ruling::NotApplicable(_));
    let mut text = sentence(verdict);
    if is_asked && verdict.operation != Operation::Execute {
        text.push_str(&format!(" (spctl --type {})", verdict.operation.name()));
    }
    if let Some(why) = not_counted {
        text.push_str(&format!("; {why}"));
    }
    line(name, mark, &text, style, out)?;
    if !is_asked {
        return Ok(());
    }
    // The line above may have named it.
    let above = outcome.evidence.codesign.subcomponent();
    if let Some(path) = verdict.subcomponent.as_deref().filter(|path| above != Some(path)) {
        writeln!(out, "{MARGIN}in subcomponent: {}", text::visible(path))?;
    }
    if let Ruling::Undetermined(condition) = &verdict.ruling {
        for line in text::wrap(condition, style.width.saturating_sub(MARGIN.len())) {
            writeln!(out, "{MARGIN}{line}")?;
        }
    }
    Ok(())
}
