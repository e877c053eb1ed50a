//! `sealcheck rules` and `sealcheck explain`.

use std::io::{self, Write};

use super::values::Format;
use crate::report::{explain as explain_rule, write_rules, write_rules_json};
use crate::rule::{self, Rule};

/// Lists all rules.
pub(super) fn list(format: Format, out: &mut dyn Write) -> io::Result<u8> {
    match format {
        Format::Human => write_rules(&rule::all(), out)?,
        Format::Json => write_rules_json(&rule::all(), out)?,
    }
    Ok(0)
}

/// Prints the documentation of one rule.
pub(super) fn explain(rule: &Rule, width: usize, out: &mut dyn Write) -> io::Result<u8> {
    explain_rule(rule, width, out)?;
    Ok(0)
}
