//! JSON lines: one object a line for each item, in the fields of JSON version 1.
//!
//! For runs over many items, whose report nobody wants to hold in memory as one document. What could not be read is a
//! line with `error`, and what a configuration leaves out one with `left_out`.

use std::io::{self, Write};

use serde::Serialize;

use super::json::{Item, JsonOptions, Tool, item, options, tool};
use super::{Report, Run, Settings};
use crate::outcome::Outcome;

#[derive(Serialize)]
struct Line<'a> {
    schema_version: u32,
    tool: Tool,
    options: JsonOptions<'a>,
    #[serde(flatten)]
    item: Item<'a>,
}

#[derive(Serialize)]
struct UnreadableLine<'a> {
    schema_version: u32,
    tool: Tool,
    path: &'a str,
    error: &'a str,
}

#[derive(Serialize)]
struct LeftOutLine<'a> {
    schema_version: u32,
    tool: Tool,
    path: &'a str,
    left_out: Reason<'a>,
}

#[derive(Serialize)]
struct Reason<'a> {
    reason: &'a str,
    origin: &'a str,
}

/// One line for each item.
#[derive(Debug)]
pub struct JsonLines<'a> {
    settings: Settings<'a>,
}

impl<'a> JsonLines<'a> {
    /// A report made in this way.
    #[must_use]
    pub fn new(settings: Settings<'a>) -> Self {
        Self { settings }
    }
}

impl Report for JsonLines<'_> {
    fn add(&mut self, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
        let line = Line {
            schema_version: 1,
            tool: tool(),
            options: options(self.settings),
            item: item(outcome, self.settings),
        };
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)
    }

    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
        for unreadable in run.unreadable {
            let line = UnreadableLine {
                schema_version: 1,
                tool: tool(),
                path: &unreadable.path,
                error: &unreadable.reason,
            };
            serde_json::to_writer(&mut *out, &line)?;
            writeln!(out)?;
        }
        for left_out in run.left_out {
            let line = LeftOutLine {
                schema_version: 1,
                tool: tool(),
                path: &left_out.path,
                left_out: Reason {
                    reason: &left_out.reason,
                    origin: &left_out.origin,
                },
            };
            serde_json::to_writer(&mut *out, &line)?;
            writeln!(out)?;
        }
        Ok(())
    }
}
