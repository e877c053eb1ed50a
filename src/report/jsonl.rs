//! JSON lines: one object a line for each item, in the fields of JSON version 1.
//!
//! For runs over many items, whose report nobody wants to hold in memory as one document. What could not be read is a
//! line with `error`.

use std::io::{self, Write};

use serde::Serialize;

use super::json::{Item, JsonOptions, Tool, item, options, tool};
use super::{Outcome, Run};

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

/// Writes one line for each item.
///
/// # Errors
/// Those of `out`.
pub fn write(outcomes: &[Outcome], run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    for outcome in outcomes {
        let line = Line {
            schema_version: 1,
            tool: tool(),
            options: options(run.settings),
            item: item(outcome, run.settings),
        };
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)?;
    }
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
    Ok(())
}
