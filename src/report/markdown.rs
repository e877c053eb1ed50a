//! Markdown for people: the summary of a job of GitHub Actions, and comments on pull and merge requests.
//!
//! A headline with the numbers, a table with a line for each item, then what is wrong and how to repair it. Nothing that an
//! item contains is interpreted (`markup`). GitHub takes comments of 65,536 characters at most, so a longer report leaves out
//! notes first, then warnings, then the last errors, and says how many.

use std::io::{self, Write};

use super::counts::Counts;
use super::human::{codesign_words, gatekeeper_word};
use super::markup::{cell, code, inline, repair};
use super::problem::{Problem, Problems};
use super::summary::Standing;
use super::{Report, Run, Settings, text};
use crate::finding::Severity;
use crate::outcome::Outcome;

/// Bytes of a report; a comment also has room for a few words around it.
const MAX: usize = 60_000;
/// Bytes of the table with one line for each item.
const MAX_TABLE: usize = 20_000;
/// Items that are left out and still named.
const MAX_LEFT_OUT: usize = 10;

/// One item, as far as the report needs it.
#[derive(Debug)]
struct Item {
    path: String,
    standing: Standing,
    codesign: String,
    gatekeeper: &'static str,
    suppressed: Vec<String>,
    problems: Problems,
}

/// One page for all items. Its numbers come first, so all problems are kept until its end.
#[derive(Debug)]
pub struct Markdown<'a> {
    settings: Settings<'a>,
    items: Vec<Item>,
}

impl<'a> Markdown<'a> {
    /// A report made in this way.
    #[must_use]
    pub fn new(settings: Settings<'a>) -> Self {
        Self {
            settings,
            items: Vec::new(),
        }
    }
}

impl Report for Markdown<'_> {
    fn add(&mut self, outcome: &Outcome, _out: &mut dyn Write) -> io::Result<()> {
        self.items.push(Item {
            path: outcome.evidence.path.clone(),
            standing: Standing::of(outcome, self.settings),
            codesign: codesign_words(outcome),
            gatekeeper: gatekeeper_word(outcome),
            suppressed: text::suppressed(&outcome.advice.suppressed),
            problems: Problems::of(outcome, self.settings),
        });
        Ok(())
    }

    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
        let head = format!("# sealcheck: {}\n\n{}", headline(run), table(&self.items, run));
        let foot = footer(run);
        let room = MAX.saturating_sub(head.len()).saturating_sub(foot.len());
        let mut page = details(&self.items, Severity::Note, room);
        for severity in [Severity::Warning, Severity::Error] {
            if page.hidden > 0 {
                page = details(&self.items, severity, room);
            }
        }
        write!(out, "{head}{}", page.text)?;
        if page.hidden > 0 {
            let hidden = text::counted(page.hidden, "more problem");
            writeln!(out, "\n{hidden}: the other formats have all of them.")?;
        }
        write!(out, "{foot}")
    }
}

/// The items by how they stand: `3 items, 1 good, 2 failed`.
fn headline(run: Run<'_>) -> String {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let summary = run.summary;
    let unreadable = run.unreadable.len();
    let standings = [
        (number(summary.good), "good"),
        (number(summary.bad), "failed"),
        (number(summary.open), "undecided"),
        (number(summary.not_judged), "not judged"),
        (unreadable, "not readable"),
    ];
    let items = number(summary.items()).saturating_add(unreadable);
    let standings = standings.into_iter().filter(|(count, _)| *count > 0);
    let mut words = vec![text::counted(items, "item")];
    words.extend(standings.map(|(count, word)| format!("{count} {word}")));
    words.join(", ")
}

/// A line for each item. Of too many, those that are good are left out first.
fn table(items: &[Item], run: Run<'_>) -> String {
    let mut rows: Vec<(bool, String)> = items
        .iter()
        .map(|item| (item.standing == Standing::Good, row(item)))
        .collect();
    rows.extend(run.unreadable.iter().map(|unreadable| {
        let (path, reason) = (cell(&unreadable.path), inline(&unreadable.reason));
        (
            false,
            format!("| not readable | {path} | | | {} |\n", bars(&reason)),
        )
    }));
    if rows.is_empty() {
        return String::new();
    }
    let size: usize = rows.iter().map(|(_, row)| row.len()).sum();
    let mut out =
        "| | item | codesign | Gatekeeper | problems |\n| --- | --- | --- | --- | --- |\n".to_owned();
    let mut hidden: usize = 0;
    for (is_good, row) in rows {
        let is_long = out.len().saturating_add(row.len()) > MAX_TABLE;
        if is_long || size > MAX_TABLE && is_good {
            hidden = hidden.saturating_add(1);
        } else {
            out.push_str(&row);
        }
    }
    if hidden > 0 {
        let hidden = text::counted(hidden, "more item");
        out.push_str(&format!("\n{hidden}: the other formats have all of them.\n"));
    }
    out
}

fn row(item: &Item) -> String {
    let standing = match item.standing {
        Standing::Good => "good",
        Standing::Bad => "**failed**",
        Standing::Open => "undecided",
        Standing::NotJudged => "**not judged**",
    };
    let mut words = Counts::of_problems(&item.problems).words();
    words.extend(item.suppressed.iter().cloned());
    format!(
        "| {standing} | {} | {} | {} | {} |\n",
        cell(&item.path),
        item.codesign,
        item.gatekeeper,
        words.join(", ")
    )
}

/// Text of a table in which a bar ends no cell.
fn bars(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Text with a limit, and how many problems did not fit.
#[derive(Debug, Default)]
struct Page {
    text: String,
    hidden: usize,
}

/// The problems of all items from a severity on, in at most this many bytes. Open questions count as errors.
fn details(items: &[Item], from: Severity, room: usize) -> Page {
    let mut page = Page::default();
    for item in items {
        let problems = item.problems.problems.iter();
        let problems = problems.map(|found| (found.severity >= from, problem_block(found)));
        let open = item.problems.unanswered.iter().map(|unanswered| {
            let place = place(&unanswered.path, &[]);
            let reason = inline(&unanswered.explained());
            let rule = code(unanswered.rule);
            (true, format!("- **not checked** {rule}{place}: {reason}\n"))
        });
        let mut heading = Some(format!("\n## {}\n", code(&item.path)));
        for (is_wanted, block) in problems.chain(open).collect::<Vec<_>>() {
            let begin = heading.clone().unwrap_or_default();
            let needed = begin.len().saturating_add(block.len()).saturating_add(1);
            if is_wanted && page.text.len().saturating_add(needed) <= room {
                page.text.push_str(&format!("{begin}\n{block}"));
                heading = None;
            } else {
                page.hidden = page.hidden.saturating_add(1);
            }
        }
    }
    page
}

/// A list item with the problem, its files and its repair, whose blocks are indented by two spaces.
fn problem_block(problem: &Problem) -> String {
    let head = format!(
        "- **{}** {}{}: {}",
        problem.severity,
        code(problem.rule),
        place(problem_path(problem), &problem.architectures),
        inline(&problem.message)
    );
    let (shown, more) = problem.shown_places();
    let places = shown.iter().map(|place| format!("- {}", code(place))).chain(more);
    let places: Vec<String> = places.collect();
    let mut blocks = vec![head];
    blocks.extend((!places.is_empty()).then(|| places.join("\n")));
    if !problem.remedy.is_empty() {
        blocks.extend(repair(&problem.remedy));
    }
    blocks.extend(Some(problem.likewise()).filter(|text| !text.is_empty()));
    let text = blocks
        .join("\n\n")
        .replace('\n', "\n  ")
        .replace("\n  \n", "\n\n");
    format!("{text}\n")
}

/// The path of a problem in one place; those of others are a list.
fn problem_path(problem: &Problem) -> &str {
    if problem.others.is_empty() {
        &problem.path
    } else {
        ""
    }
}

fn place(path: &str, architectures: &[String]) -> String {
    let path = match path {
        "" => String::new(),
        path => format!(" in {}", code(path)),
    };
    match architectures {
        [] => path,
        some => format!("{path} ({})", inline(&some.join(", "))),
    }
}

/// What has to be known of how the report was made.
fn footer(run: Run<'_>) -> String {
    let mut lines = Vec::new();
    if run.settings.has_apple_anchor {
        lines.push("A root of `--apple-anchor` counts as Apple's in this report.".to_owned());
    }
    if let Some(config) = run.settings.config {
        lines.push(format!("The decisions of {} were applied.", code(config)));
    }
    let named = run.left_out.iter().take(MAX_LEFT_OUT);
    lines.extend(named.map(|left_out| {
        let (path, origin) = (code(&left_out.path), code(&left_out.origin));
        format!("Left out: {path}: {} ({origin})", inline(&left_out.reason))
    }));
    match run.left_out.len().saturating_sub(MAX_LEFT_OUT) {
        0 => {}
        more => lines.push(format!("Left out: {more} more")),
    }
    lines.iter().map(|line| format!("\n{line}\n")).collect()
}
