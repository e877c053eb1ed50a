//! Problems with places and repair: one cause, one problem, however many files and architectures it is met in.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{self, Write};

use anstyle::Style as Ansi;

use super::{BAD, DOUBTFUL, FAINT, Style};
use crate::finding::{Finding, Severity};
use crate::report::{Outcome, text};
use crate::rule::{AND_THEN, Suppression, Unknown};

/// Places, or folders with places, shown of one problem without `-v`.
const SHOWN: usize = 6;
/// With more problems than these, explanations would push the first of them off the screen.
const EXPLAINED: usize = 4;

/// Findings of one rule that say the same.
struct Problem<'a> {
    first: &'a Finding,
    /// Path, note and architectures of each.
    places: Vec<(&'a str, Option<&'static str>, Vec<&'a str>)>,
    /// Which of them is which path.
    by_path: HashMap<&'a str, usize>,
    /// Whether the repairs differ.
    is_about_several: bool,
    /// Rules that follow from any of them.
    consequences: Vec<&'static str>,
}

pub(super) fn write(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    write_untold(outcome, style, &mut BTreeSet::new(), out)
}

/// The same in a run over many items: the explanations of rules that are `told` already are left out.
pub(super) fn write_untold(
    outcome: &Outcome,
    style: Style,
    told: &mut BTreeSet<&'static str>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let problems = group(outcome.findings());
    let is_brief = style.verbosity == 0 && problems.len() > EXPLAINED;
    for problem in &problems {
        let is_told = told.contains(problem.first.rule);
        write_problem(problem, outcome, (style, is_brief, is_told), out)?;
    }
    if !is_brief {
        told.extend(problems.iter().map(|problem| problem.first.rule));
    }
    if is_brief && !style.quiet {
        let name = text::visible(text::file_name(&outcome.evidence.path));
        writeln!(
            out,
            "\n{FAINT}Whatever is repaired: sign from the inside out, {name} last. -v explains each problem.{FAINT:#}\n"
        )?;
    }
    write_unknown(&outcome.advice.unknown, outcome, style, out)?;
    if style.verbosity == 0 || style.quiet {
        return Ok(());
    }
    write_suppressed(outcome, style, out)
}

/// What an ignore or a baseline keeps back, a line for each.
fn write_suppressed(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    // The same about several architectures is said once.
    let mut said = BTreeSet::new();
    for suppressed in &outcome.advice.suppressed {
        let finding = &suppressed.finding;
        let path = match finding.path.as_str() {
            "" => text::file_name(&outcome.evidence.path),
            path => path,
        };
        let why = match &suppressed.by {
            Suppression::Ignored { origin, reason } => match reason {
                Some(reason) => format!(" ({origin}: {reason})"),
                None => format!(" ({origin})"),
            },
            Suppression::Known => String::new(),
        };
        let by = suppressed.by.name();
        let line = format!("{by}[{}] {path}: {}{why}", finding.rule, finding.message);
        if !said.insert(line.clone()) {
            continue;
        }
        for line in text::wrap(&line, style.width) {
            writeln!(out, "{FAINT}{line}{FAINT:#}")?;
        }
    }
    if outcome.advice.suppressed.is_empty() {
        Ok(())
    } else {
        writeln!(out)
    }
}

/// What could not be decided, one line for each rule and reason.
fn write_unknown(
    unknown: &[Unknown],
    outcome: &Outcome,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let key = |unknown: &'_ Unknown| (unknown.rule, unknown.reason.clone());
    let mut counts: HashMap<(&str, String), usize> = HashMap::new();
    for unknown in unknown {
        let count = counts.entry(key(unknown)).or_default();
        *count = count.saturating_add(1);
    }
    for first in unknown {
        // Those that say the same are counted with the first of them.
        let Some(count) = counts.remove(&key(first)) else {
            continue;
        };
        let more = count.saturating_sub(1);
        let path = match first.path.as_str() {
            "" => text::file_name(&outcome.evidence.path),
            path => path,
        };
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let line = format!("not decided[{}] {path}{more}: {}", first.rule, first.reason);
        for line in text::wrap(&text::visible(&line), style.width) {
            writeln!(out, "{DOUBTFUL}{line}{DOUBTFUL:#}")?;
        }
    }
    if unknown.is_empty() { Ok(()) } else { writeln!(out) }
}

fn group(findings: &[Finding]) -> Vec<Problem<'_>> {
    let mut problems: Vec<Problem<'_>> = Vec::new();
    // There may be a finding for every file.
    let mut known = HashMap::new();
    for finding in findings {
        let key = (finding.rule, finding.severity, finding.message.as_str());
        let same = known.get(&key).filter(|_| finding.places.is_empty());
        match same.and_then(|index: &usize| problems.get_mut(*index)) {
            Some(problem) => {
                problem.is_about_several |= problem.first.remedy != finding.remedy;
                add(problem, finding);
            }
            None => {
                let mut problem = Problem {
                    first: finding,
                    places: Vec::new(),
                    by_path: HashMap::new(),
                    is_about_several: false,
                    consequences: Vec::new(),
                };
                add(&mut problem, finding);
                if finding.places.is_empty() {
                    known.insert(key, problems.len());
                }
                problems.push(problem);
            }
        }
    }
    problems
}

fn add<'a>(problem: &mut Problem<'a>, finding: &'a Finding) {
    for rule in &finding.consequences {
        if !problem.consequences.contains(rule) {
            problem.consequences.push(rule);
        }
    }
    for place in &finding.places {
        problem.places.push((&place.path, Some(place.note), Vec::new()));
    }
    if !finding.places.is_empty() {
        return;
    }
    let architecture = finding.architecture.as_deref();
    let place = *problem
        .by_path
        .entry(&finding.path)
        .or_insert(problem.places.len());
    match problem.places.get_mut(place) {
        Some((_, _, architectures)) => architectures.extend(architecture),
        None => problem
            .places
            .push((&finding.path, None, architecture.into_iter().collect())),
    }
}

/// The number of problems of each severity, counted as they are shown.
pub(super) fn counts(findings: &[Finding]) -> impl Fn(Severity) -> usize {
    let mut known = HashSet::new();
    let mut counts: BTreeMap<Severity, usize> = BTreeMap::new();
    for finding in findings {
        let key = (finding.rule, finding.severity, finding.message.as_str());
        if !finding.places.is_empty() || known.insert(key) {
            let count = counts.entry(finding.severity).or_default();
            *count = count.saturating_add(1);
        }
    }
    move |severity| counts.get(&severity).copied().unwrap_or_default()
}

fn write_problem(
    problem: &Problem<'_>,
    outcome: &Outcome,
    (style, is_brief, is_told): (Style, bool, bool),
    out: &mut dyn Write,
) -> io::Result<()> {
    let finding = problem.first;
    let colour = match finding.severity {
        Severity::Error => BAD,
        Severity::Warning => DOUBTFUL,
        Severity::Note => Ansi::new(),
    };
    write!(
        out,
        "{colour}{}[{}]{colour:#} {}",
        finding.severity,
        finding.rule,
        text::visible(&finding.message)
    )?;
    if is_brief && !finding.rejected_by.is_empty() {
        write!(out, "  {FAINT}({}){FAINT:#}", parties(finding))?;
    }
    writeln!(out)?;
    places(problem, outcome, style, out)?;
    if !style.quiet && !is_brief && !is_told {
        for line in text::wrap(finding.explanation, style.width.saturating_sub(2)) {
            writeln!(out, "  {line}")?;
        }
    }
    if !problem.consequences.is_empty() {
        let rules = problem.consequences.join(", ");
        for line in text::wrap(
            &format!("follows from it: {rules}"),
            style.width.saturating_sub(2),
        ) {
            writeln!(out, "  {FAINT}{line}{FAINT:#}")?;
        }
    }
    if !finding.rejected_by.is_empty() && !is_brief {
        let parties = parties(finding);
        write!(out, "  rejected by: {parties}")?;
        match finding.status {
            Some(status) => writeln!(out, "; codesign says: {status}")?,
            None => writeln!(out)?,
        }
    }
    let remedy = remedy(problem);
    let remedy = text::visible(&remedy);
    if is_brief {
        // How to sign around it is said once, behind them all.
        let own = remedy.split(AND_THEN).next().unwrap_or_default();
        return writeln!(out, "  repair: {own}");
    }
    for line in text::repair(&remedy, style.width.saturating_sub(2)) {
        writeln!(out, "  {line}")?;
    }
    writeln!(out)
}

/// The repair of the first place, and how many others need the same.
fn remedy(problem: &Problem<'_>) -> String {
    let first = &problem.first.remedy;
    if !problem.is_about_several {
        return first.clone();
    }
    let others = problem.places.len().saturating_sub(1);
    let (own, around) = match first.split_once(AND_THEN) {
        Some((own, _)) => (own, ", and then everything around them"),
        None => (first.as_str(), ""),
    };
    let others = match others {
        1 => "place".to_owned(),
        others => format!("{others} places"),
    };
    format!("{own}   likewise for the other {others}{around}")
}

fn parties(finding: &Finding) -> String {
    let names: Vec<_> = finding.rejected_by.iter().map(|party| party.name()).collect();
    names.join(", ")
}

/// Where the problem is: a line for each place, or for each folder where there are many.
fn places(problem: &Problem<'_>, outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if style.verbosity == 0 && problem.places.len() > SHOWN {
        return folders(problem, out);
    }
    for (path, note, architectures) in &problem.places {
        let path = text::visible(match *path {
            "" => text::file_name(&outcome.evidence.path),
            path => path,
        });
        let notes: Vec<&str> = note.iter().chain(architectures).copied().collect();
        match notes.as_slice() {
            [] => writeln!(out, "  {path}")?,
            notes => writeln!(out, "  {path}  {FAINT}{}{FAINT:#}", notes.join(", "))?,
        }
    }
    Ok(())
}

/// A line for each folder with the number of its places and the name of the first.
fn folders(problem: &Problem<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut folders: Vec<(&str, &str, usize)> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (path, ..) in &problem.places {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        // Most places follow others of their folder; there may be a million of both.
        let index = match folders.last() {
            Some((last, ..)) if *last == folder => folders.len().saturating_sub(1),
            _ => *known.entry(folder).or_insert(folders.len()),
        };
        match folders.get_mut(index) {
            Some((.., count)) => *count = count.saturating_add(1),
            None => folders.push((folder, name, 1)),
        }
    }
    for (folder, name, count) in folders.iter().take(SHOWN) {
        let (folder, name) = (text::visible(folder), text::visible(name));
        let folder = match &*folder {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        match count {
            1 => writeln!(out, "  {folder}{name}")?,
            count => writeln!(out, "  {folder}  {FAINT}{count} places, such as {name}{FAINT:#}")?,
        }
    }
    let hidden = folders.len().saturating_sub(SHOWN);
    if hidden > 0 {
        writeln!(out, "  {FAINT}and {hidden} more folders{FAINT:#}")?;
    }
    writeln!(out, "  {FAINT}-v shows all {}{FAINT:#}", problem.places.len())
}
