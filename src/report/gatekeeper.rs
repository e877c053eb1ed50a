//! The words of `spctl --assess` (specification 9.7), and one line with the same for our own report.

use crate::gatekeeper::{GatekeeperVerdict, Ruling};

/// What `spctl` prints about an operand, all of it on standard error; `verbosity` counts `-v`.
///
/// What is not known here is printed as a Mac without network access prints it: rejected, in the name of the rule that is
/// left. What is not judged is no answer of Apple's, so the reason is printed instead.
#[must_use]
pub fn spctl_lines(operand: &str, verdict: &GatekeeperVerdict, verbosity: u8) -> Vec<String> {
    let mut lines = Vec::new();
    match &verdict.ruling {
        Ruling::Accepted(_) if verbosity == 0 => {}
        Ruling::Accepted(_) => lines.push(format!("{operand}: accepted")),
        Ruling::Error(status) => {
            lines.push(format!("{operand}: {}", status.message()));
            return lines;
        }
        Ruling::NotJudged(reason) | Ruling::NotApplicable(reason) => {
            lines.push(format!("{operand}: {reason}"));
            return lines;
        }
        Ruling::Rejected(Some(status)) => {
            lines.push(format!("{operand}: rejected ({})", status.message()));
        }
        Ruling::Rejected(None) | Ruling::Undetermined(_) => lines.push(format!("{operand}: rejected")),
    }
    if let Some(source) = verdict.source.filter(|_| verbosity > 0) {
        lines.push(format!("source={source}"));
    }
    if let Some(origin) = verdict.origin.as_ref().filter(|_| verbosity > 1) {
        lines.push(format!("origin={origin}"));
    }
    lines
}

/// The same in our own words: what depends on Apple's servers is undetermined, as `check` reports it.
#[must_use]
pub fn assessment_lines(operand: &str, verdict: &GatekeeperVerdict, verbosity: u8) -> Vec<String> {
    let mut lines = spctl_lines(operand, verdict, verbosity);
    if let (Ruling::Undetermined(_), Some(first)) = (&verdict.ruling, lines.first_mut()) {
        *first = format!("{operand}: undetermined");
    }
    lines
}

/// The verdict in one line, without a mark.
#[must_use]
pub(super) fn sentence(verdict: &GatekeeperVerdict) -> String {
    let mut text = match &verdict.ruling {
        Ruling::Accepted(_) => "accepted".to_owned(),
        Ruling::Rejected(Some(status)) => format!("rejected: {}", status.message()),
        Ruling::Rejected(None) => "rejected".to_owned(),
        Ruling::Error(status) => status.message().to_owned(),
        Ruling::Undetermined(_) => "undetermined".to_owned(),
        Ruling::NotJudged(reason) | Ruling::NotApplicable(reason) => reason.clone(),
    };
    if let Some(source) = verdict.source {
        text.push_str(", source=");
        text.push_str(source);
    }
    text
}
