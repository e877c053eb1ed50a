//! Output: formats what was found and decides nothing.
//!
//! Writers are passed in; only this module and `cli` produce text for people or tools.

mod human;
mod json;
mod text;

pub use human::{Style, write as write_human};
pub use json::{Settings, write as write_json};

use crate::finding::{Finding, Severity};
use crate::verify::Evidence;

/// One item with everything that is to be said about it.
#[derive(Debug)]
pub struct Outcome {
    /// Facts and the codesign verdict.
    pub evidence: Evidence,
    /// Advice.
    pub findings: Vec<Finding>,
    /// How long it took, where somebody has measured it.
    pub seconds: Option<f64>,
}

impl Outcome {
    /// The exit status of the contract: 0 good, 1 failed or error findings, 4 not judged.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        let errors = self
            .findings
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        match self.evidence.codesign.valid {
            Some(false) => 1,
            _ if errors => 1,
            Some(true) => 0,
            None => 4,
        }
    }
}
