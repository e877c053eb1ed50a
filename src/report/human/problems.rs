//! Problems with places and repair: one cause, one problem, however many files and architectures it is met in.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};

use anstyle::Style as Ansi;

use super::paragraph::Paragraph;
use super::{BAD, DOUBTFUL, FAINT, Style};
use crate::finding::{Finding, Severity};
use crate::outcome::Outcome;
use crate::remedy::{Repair, Stage};
use crate::report::cause::by_cause;
use crate::report::text;
use crate::rule::{Suppression, Unknown};

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

/// Returns true if the report gives only the first step of each repair and explains nothing, since `-v` does.
pub(super) fn are_brief(outcome: &Outcome, style: Style) -> bool {
    is_brief(&group(outcome.findings()), style)
}

fn is_brief(problems: &[Problem<'_>], style: Style) -> bool {
    style.verbosity == 0 && problems.len() > EXPLAINED
}

/// The same in a run over many items: explanations that were `told` already are left out.
pub(super) fn write_untold(
    outcome: &Outcome,
    style: Style,
    told: &mut BTreeSet<&'static str>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let problems = group(outcome.findings());
    let is_brief = is_brief(&problems, style);
    let unpacks = |problem: &&Problem<'_>| {
        let mut parts = problem.first.remedy.parts.iter();
        parts.any(|part| part.stage == Stage::Unpack)
    };
    // The first repair in an archive says how it is unpacked.
    let unpacking = problems.iter().find(unpacks).map(|problem| problem.first.rule);
    for problem in &problems {
        let is_told = told.contains(problem.first.explanation);
        let unpacks = unpacking == Some(problem.first.rule);
        write_problem(problem, outcome, (style, is_brief, is_told, unpacks), out)?;
    }
    if !is_brief {
        told.extend(problems.iter().map(|problem| problem.first.explanation));
        write_afterwards(outcome.findings(), style, out)?;
    } else if !style.quiet {
        let parts = Repair::afterwards(outcome.findings().iter().map(|finding| &finding.remedy));
        let has = |stage| parts.iter().any(|part| part.stage == stage);
        let name = text::visible(text::file_name(&outcome.evidence.path));
        let notarize = if has(Stage::Notarize) {
            ", and notarize it again"
        } else {
            ""
        };
        let pack = if has(Stage::Pack) {
            ", and pack it again"
        } else {
            ""
        };
        let text = format!(
            "After all repairs, sign from the inside out, {name} last{notarize}{pack}. -v shows the commands and explains each problem."
        );
        writeln!(out)?;
        Paragraph::default()
            .add(FAINT, text)
            .write(("", ""), style.width, out)?;
        writeln!(out)?;
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
    let causes = by_cause(findings).into_iter();
    let problem = |cause: Vec<_>| {
        let first: &Finding = *cause.first()?;
        let mut problem = Problem {
            first,
            places: Vec::new(),
            by_path: HashMap::new(),
            is_about_several: cause.iter().any(|finding| finding.remedy != first.remedy),
            consequences: Vec::new(),
        };
        cause.iter().for_each(|finding| add(&mut problem, finding));
        Some(problem)
    };
    causes.filter_map(problem).collect()
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

fn write_problem(
    problem: &Problem<'_>,
    outcome: &Outcome,
    (style, is_brief, is_told, unpacks): (Style, bool, bool, bool),
    out: &mut dyn Write,
) -> io::Result<()> {
    let finding = problem.first;
    let colour = match finding.severity {
        Severity::Error => BAD,
        Severity::Warning => DOUBTFUL,
        Severity::Note => Ansi::new(),
    };
    let mut title = Paragraph::default()
        .add(colour, format!("{}[{}]", finding.severity, finding.rule))
        .plain(format!(" {}", finding.message));
    if is_brief && !finding.rejected_by.is_empty() {
        title = title.plain(" ").add(FAINT, format!("({})", parties(finding)));
    }
    title.write(("", "  "), style.width, out)?;
    places(problem, outcome, style, out)?;
    if !style.quiet && !is_brief && !is_told {
        for line in text::wrap(finding.explanation, style.width.saturating_sub(2)) {
            writeln!(out, "  {line}")?;
        }
    }
    if !is_brief && !problem.consequences.is_empty() {
        let rules = problem.consequences.join(", ");
        Paragraph::default()
            .add(FAINT, format!("follows from it: {rules}"))
            .write(("  ", "    "), style.width, out)?;
    }
    if !finding.rejected_by.is_empty() && !is_brief {
        let mut text = format!("rejected by: {}", parties(finding));
        if let Some(status) = finding.status {
            text.push_str(&format!("; codesign says: {status}"));
        }
        Paragraph::default()
            .plain(text)
            .write(("  ", "    "), style.width, out)?;
    }
    if is_brief {
        return write_briefly(&finding.remedy, style, out);
    }
    let width = style.width.saturating_sub(2);
    let stages = if unpacks { Stage::Unpack } else { Stage::Mend }..=Stage::Mend;
    let parts = finding.remedy.parts.iter();
    for (index, part) in parts.filter(|part| stages.contains(&part.stage)).enumerate() {
        for line in text::part(part, index == 0, width) {
            writeln!(out, "  {line}")?;
        }
    }
    let others = problem.places.len().saturating_sub(1);
    if problem.is_about_several && others > 0 {
        let others = match others {
            1 => "place".to_owned(),
            others => format!("{others} places"),
        };
        writeln!(out, "  likewise for the other {others}")?;
    }
    writeln!(out)
}

/// The first step of a repair, and its command if it needs only one.
fn write_briefly(repair: &Repair, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let Some(part) = repair.parts.iter().find(|part| part.stage == Stage::Mend) else {
        return Ok(());
    };
    let mut commands = part.commands.iter().filter(|command| !command.is_signing());
    // A command about what an archive becomes needs the one that unpacks it, which only a report in full shows.
    let unpacks = repair.parts.iter().any(|part| part.stage == Stage::Unpack);
    let command = commands.next().filter(|_| commands.next().is_none() && !unpacks);
    let words = part.words.trim_end_matches([':', '.']);
    let words = words.split_once("; ").map_or(words, |(first, _)| first);
    let Some(command) = command else {
        return Paragraph::default().plain(format!("repair: {words}")).write(
            ("  ", "    "),
            style.width,
            out,
        );
    };
    // A command is not broken like a sentence: it must be copied as it is.
    let line = format!(
        "  repair: {}:  {}",
        text::visible(words),
        text::visible(&command.to_string())
    );
    if line.chars().count() <= style.width {
        return writeln!(out, "{line}");
    }
    Paragraph::default()
        .plain(format!("repair: {words}:"))
        .write(("  ", "    "), style.width, out)?;
    for line in command.lines(style.width.saturating_sub(4)) {
        writeln!(out, "    {}", text::visible(&line))?;
    }
    Ok(())
}

/// What is to be done once after all repairs, under a heading of its own: signing around, notarizing, packing.
fn write_afterwards(findings: &[Finding], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let parts = Repair::afterwards(findings.iter().map(|finding| &finding.remedy));
    if parts.is_empty() {
        return Ok(());
    }
    for line in text::wrap(&after_which(findings), style.width) {
        writeln!(out, "{line}")?;
    }
    for part in parts {
        let words = match part.stage {
            Stage::SignAround => "sign the code around it, from the inside out:".to_owned(),
            _ => part.announcement(),
        };
        let width = style.width.saturating_sub(2);
        let words = text::wrap(words.trim_start_matches("then "), width);
        for line in words.into_iter().chain(text::commands(&part, width)) {
            writeln!(out, "  {line}")?;
        }
    }
    writeln!(out)
}

/// Names the rules whose repairs have to be made before, so that nothing seems to belong to the last problem.
fn after_which(findings: &[Finding]) -> String {
    const NAMED: usize = 3;
    let is_followed = |finding: &&Finding| {
        let mut parts = finding.remedy.parts.iter();
        parts.any(|part| part.stage > Stage::Mend)
    };
    let rules: BTreeSet<&str> = findings
        .iter()
        .filter(is_followed)
        .map(|finding| finding.rule)
        .collect();
    let names: Vec<&str> = rules.into_iter().collect();
    match names.as_slice() {
        [one] => format!("after the repair of {one}:"),
        several if several.len() <= NAMED => format!("after the repairs of {}:", several.join(", ")),
        _ => "after all repairs:".to_owned(),
    }
}

fn parties(finding: &Finding) -> String {
    let names: Vec<_> = finding.rejected_by.iter().map(|party| party.name()).collect();
    names.join(", ")
}

/// Where the problem is: a line for each place, or for each folder where there are many.
fn places(problem: &Problem<'_>, outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if style.verbosity == 0 && problem.places.len() > SHOWN {
        return folders(problem, style, out);
    }
    for (path, note, architectures) in &problem.places {
        let path = text::visible(match *path {
            "" => text::file_name(&outcome.evidence.path),
            path => path,
        });
        let notes: Vec<&str> = note.iter().chain(architectures).copied().collect();
        match notes.as_slice() {
            [] => writeln!(out, "  {path}")?,
            notes => beside(&path, &notes.join(", "), style, out)?,
        }
    }
    Ok(())
}

/// Writes a path and what is said of it: beside it where there is room, else below. The path is not broken.
fn beside(path: &str, note: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let columns = [2, path.chars().count(), 2, note.chars().count()];
    if columns.iter().sum::<usize>() <= style.width {
        return writeln!(out, "  {path}  {FAINT}{note}{FAINT:#}");
    }
    writeln!(out, "  {path}")?;
    Paragraph::default()
        .add(FAINT, note)
        .write(("    ", "    "), style.width, out)
}

/// A line for each folder with the number of its places and the name of the first.
fn folders(problem: &Problem<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
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
            count => beside(&folder, &format!("{count} places, such as {name}"), style, out)?,
        }
    }
    let hidden = folders.len().saturating_sub(SHOWN);
    if hidden > 0 {
        writeln!(out, "  {FAINT}and {hidden} more folders{FAINT:#}")?;
    }
    writeln!(out, "  {FAINT}-v shows all {}{FAINT:#}", problem.places.len())
}
