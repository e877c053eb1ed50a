//! `sealcheck rules` and `sealcheck explain`.

use std::io::{self, Write};

use super::exit::Exit;
use super::values::{Format, Subject};
use crate::report::{explain as explain_rule, explain_status, write_rules, write_rules_json};
use crate::rule;

/// Lists all rules.
pub(super) fn list(format: Format, width: usize, out: &mut dyn Write) -> io::Result<Exit> {
    match format {
        Format::Human => write_rules(&rule::all(), width, out)?,
        Format::Json => write_rules_json(&rule::all(), out)?,
    }
    Ok(Exit::Good)
}

/// Prints the documentation of one rule or status.
pub(super) fn explain(subject: &Subject, width: usize, out: &mut dyn Write) -> io::Result<Exit> {
    match subject {
        Subject::Rule(rule) => explain_rule(rule, width, out)?,
        Subject::Status(status) => explain_status(*status, width, out)?,
    }
    Ok(Exit::Good)
}
