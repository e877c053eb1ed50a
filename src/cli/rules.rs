//! `sealcheck rules` and `sealcheck explain`.

use std::io::{self, Write};

use super::exit::Exit;
use super::values::Format;
use crate::report::{explain as explain_rule, write_rules, write_rules_json};
use crate::rule::{self, Rule};

/// Lists all rules.
pub(super) fn list(format: Format, out: &mut dyn Write) -> io::Result<Exit> {
    match format {
        Format::Human => write_rules(&rule::all(), out)?,
        Format::Json => write_rules_json(&rule::all(), out)?,
    }
    Ok(Exit::Good)
}

/// Prints the documentation of one rule.
pub(super) fn explain(rule: &Rule, width: usize, out: &mut dyn Write) -> io::Result<Exit> {
    explain_rule(rule, width, out)?;
    Ok(Exit::Good)
}
