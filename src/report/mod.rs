//! Output: formats what was found and decides nothing.
//!
//! Writers are passed in; only this module and `cli` produce text for people or tools.

mod cause;
mod claims;
mod codesign;
mod container;
mod counts;
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
mod run;
mod sarif;
mod status;
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
use run::LEFT_OUT;
pub use run::{LeftOut, Report, Run, Unreadable};
pub use sarif::Sarif;
pub use status::explain_status;
pub use summary::{Standing, Summary};
pub use text::{visible, write_line};
pub use ticket::{Tickets, write as write_ticket, write_json as write_ticket_json};

pub use syspolicy::{syspolicy_status, write_syspolicy, write_syspolicy_json};
