//! Output: formats what was found and decides nothing.
//!
//! Writers are passed in; only this module and `cli` produce text for people or tools.

mod cause;
mod claims;
mod codesign;
mod container;
mod display;
mod document;
mod gatekeeper;
mod github;
mod gitlab;
mod human;
mod inspection;
mod json;
mod json_code;
mod jsonl;
mod junit;
mod markdown;
mod markup;
mod place;
mod problem;
mod profile;
mod rules;
mod sarif;
mod summary;
mod syspolicy;
mod text;
mod ticket;

pub use claims::{Claim, UNCOVERED, UNPRINTABLE, are_requirements_broken, entitlements_of};
pub use codesign::{CodesignLines, Stream, lines as codesign_lines};
pub use container::container_lines;
pub use display::{DisplayStyle, write as write_display, write_requirements};
pub use document::Json;
pub use gatekeeper::{assessment_lines, spctl_lines};
pub use github::Github;
pub use gitlab::Gitlab;
pub use human::{Human, Style, Totals, write as write_human, write_profile};
pub use inspection::{InspectionForm, Inspections};
pub use json::Settings;
pub use jsonl::JsonLines;
pub use junit::Junit;
pub use markdown::Markdown;
pub use profile::{ProfileSubject, write_profiles_json};
pub use rules::{explain, write_rules, write_rules_json, write_rules_page};
pub use sarif::Sarif;
pub use summary::{Standing, Summary};
pub use text::visible;
pub use ticket::{Tickets, write as write_ticket, write_json as write_ticket_json};

pub use syspolicy::{syspolicy_status, write_syspolicy, write_syspolicy_json};

use std::io::{self, Write};

use crate::outcome::Outcome;
use crate::subject::Skipped;

/// An operand that could not be read at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The operand, as the user typed it.
    pub path: String,
    /// Why.
    pub reason: String,
    /// Where it is, as `Outcome::place`.
    pub place: String,
}

/// An item that a configuration leaves out of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path.
    pub path: String,
    /// Why.
    pub reason: String,
    /// The entry of the configuration, such as `sealcheck.toml:12`.
    pub origin: String,
}

/// What a report says about the run beside its items.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// How the report was made.
    pub settings: Settings<'a>,
    /// Operands of which there is no outcome.
    pub unreadable: &'a [Unreadable],
    /// What was left out because it is harmless.
    pub skipped: &'a Skipped,
    /// What a configuration leaves out.
    pub left_out: &'a [LeftOut],
    /// The items by how they stand.
    pub summary: Summary,
    /// The exit status of the program.
    pub exit_status: u8,
}

/// A report that is made item by item. Nothing of an item is kept but what the rest of the report needs, so that a run
/// over many does not take the memory of all.
pub trait Report {
    /// Adds an item.
    ///
    /// # Errors
    /// Those of `out`.
    fn add(&mut self, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what stands at the end.
    ///
    /// # Errors
    /// Those of `out`.
    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()>;
}
