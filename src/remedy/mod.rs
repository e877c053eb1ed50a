//! Remedies as data: what a rule says in general, and the commands for one item.
//!
//! A rule has a list of [`Step`]s with their preconditions ([`Condition`]). `rule::remedy` turns them, with the facts of one finding
//! (`Facts`), into a [`Repair`]: words and [`Command`]s that can be pasted into a shell. Text is made here only, and is not changed
//! afterwards. Whether a repair works is checked by the tests, which run its commands.

mod facts;
mod general;
mod repair;
mod step;

pub(crate) use facts::{Fact, Facts, find};
pub use general::General;
pub(crate) use general::change_file;
pub(crate) use repair::FRESH;
pub use repair::{Command, Part, Repair, Stage};
pub(crate) use step::{CLAIM_INHERITANCE, CLAIM_SANDBOX, SIGN, SIGN_EDITED, SIGN_WITHOUT_CLAIMS, run};
pub use step::{Claims, Condition, Edit, Kind, Sign, Step, Word};
