//! The words of `spctl --assess` (specification 9.7), and one line with the same for our own report.

use crate::gatekeeper::{GatekeeperVerdict, Ruling};
use crate::verify::OsStatus;

/// What `spctl` prints about an operand, all of it on standard error; `verbosity` counts `-v`.
///
/// What is not known here is printed as a Mac without network prints it: rejected, in the name of the rule that is left.
#[must_use]
pub fn spctl_lines(operand: &str, verdict: &GatekeeperVerdict, verbosity: u8) -> Vec<String> {
    let mut lines = Vec::new();
    let reason = verdict.status.map(OsStatus::message);
    match (verdict.ruling, reason) {
        (Ruling::Accepted, _) if verbosity == 0 => {}
        (Ruling::Accepted, _) => lines.push(format!("{operand}: accepted")),
        (Ruling::Error, reason) => {
            lines.push(format!("{operand}: {}", reason.unwrap_or("invalid")));
            return lines;
        }
        (Ruling::Rejected | Ruling::Undetermined, Some(reason)) => {
            lines.push(format!("{operand}: rejected ({reason})"));
        }
        (Ruling::Rejected | Ruling::Undetermined, None) => lines.push(format!("{operand}: rejected")),
    }
    if let Some(source) = verdict.source.filter(|_| verbosity > 0) {
        lines.push(format!("source={source}"));
    }
    if let Some(origin) = verdict.origin.as_ref().filter(|_| verbosity > 1) {
        lines.push(format!("origin={origin}"));
    }
    lines
}

/// The verdict in one line, without a mark.
#[must_use]
pub(super) fn sentence(verdict: &GatekeeperVerdict) -> String {
    let mut text = match (verdict.ruling, verdict.status.map(OsStatus::message)) {
        (Ruling::Accepted, _) => "accepted".to_owned(),
        (Ruling::Rejected, Some(reason)) => format!("rejected: {reason}"),
        (Ruling::Rejected, None) => "rejected".to_owned(),
        (Ruling::Error, reason) => reason.unwrap_or("invalid").to_owned(),
        (Ruling::Undetermined, _) => match (verdict.source, &verdict.condition) {
            (Some(_), _) => "undetermined".to_owned(),
            (None, condition) => condition.clone().unwrap_or_else(|| "not known".to_owned()),
        },
    };
    if let Some(source) = verdict.source {
        text.push_str(", source=");
        text.push_str(source);
    }
    text
}
