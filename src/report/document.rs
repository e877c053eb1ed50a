//! JSON, version 1, as one document: the items one after the other, then what could not be read, and the run in numbers.

use std::io::{self, Write};

use serde::Serialize;

use super::json::{Settings, item, options, tool};
use super::{Report, Run};
use crate::outcome::Outcome;

/// One document for all items. Every item is written as it comes, and nothing of it is kept.
#[derive(Debug)]
pub struct Json<'a> {
    settings: Settings<'a>,
    state: State,
}

/// How much of the document stands already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Nothing,
    Head,
    Items,
}

impl<'a> Json<'a> {
    /// A report made in this way.
    #[must_use]
    pub fn new(settings: Settings<'a>) -> Self {
        Self {
            settings,
            state: State::Nothing,
        }
    }

    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.state != State::Nothing {
            return Ok(());
        }
        self.state = State::Head;
        write!(out, "{{")?;
        field("schema_version", &1, out)?;
        write!(out, ",")?;
        field("tool", &tool(), out)?;
        write!(out, ",")?;
        field("options", &options(self.settings), out)?;
        write!(out, ",\n  \"items\": [")
    }
}

impl Report for Json<'_> {
    fn add(&mut self, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        if self.state == State::Items {
            write!(out, ",")?;
        }
        self.state = State::Items;
        write!(out, "\n    {}", indented(&item(outcome, self.settings), "    ")?)
    }

    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        if self.state == State::Items {
            write!(out, "\n  ")?;
        }
        write!(out, "],")?;
        let unreadable = run.unreadable.iter().map(|unreadable| JsonUnreadable {
            path: &unreadable.path,
            error: &unreadable.reason,
        });
        field("unreadable", &unreadable.collect::<Vec<_>>(), out)?;
        write!(out, ",")?;
        let left_out = run.left_out.iter().map(|left_out| JsonLeftOut {
            path: &left_out.path,
            reason: &left_out.reason,
            origin: &left_out.origin,
        });
        field("left_out", &left_out.collect::<Vec<_>>(), out)?;
        write!(out, ",")?;
        field("summary", &summary(run), out)?;
        writeln!(out, "\n}}")
    }
}

/// A field of the outermost object.
fn field(name: &str, value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "\n  \"{name}\": {}", indented(value, "  ")?)
}

/// A value as it stands in a document that is indented so far; texts in JSON hold no line ends.
fn indented(value: &impl Serialize, indent: &str) -> io::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(text.replace('\n', &format!("\n{indent}")))
}

#[derive(Serialize)]
struct JsonUnreadable<'a> {
    path: &'a str,
    error: &'a str,
}

#[derive(Serialize)]
struct JsonLeftOut<'a> {
    path: &'a str,
    reason: &'a str,
    origin: &'a str,
}

#[derive(Serialize)]
struct JsonSummary {
    items: u64,
    good: u64,
    failed: u64,
    undecided: u64,
    not_judged: u64,
    skipped: u64,
    left_out: usize,
    unreadable: usize,
    errors: Option<u64>,
    warnings: Option<u64>,
    notes: Option<u64>,
    exit_status: u8,
}

fn summary(run: Run<'_>) -> JsonSummary {
    let count = run.summary;
    let found = |number| run.settings.has_findings.then_some(number);
    JsonSummary {
        items: count.items(),
        good: count.good,
        failed: count.bad,
        // What is not judged was counted here before there was a number for it.
        undecided: count.open.saturating_add(count.not_judged),
        not_judged: count.not_judged,
        skipped: run.skipped.count,
        left_out: run.left_out.len(),
        unreadable: run.unreadable.len(),
        errors: found(count.errors),
        warnings: found(count.warnings),
        notes: found(count.notes),
        exit_status: run.exit_status,
    }
}
