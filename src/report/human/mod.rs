//! The report for people: what it is, the code in it, the problems with their repair, the verdict last.
//!
//! Colour codes are left in; the caller's stream strips them where nobody can see them.

mod many;
mod paragraph;
mod problems;
mod profile;
mod style;
mod tree;
mod verdict;

pub use many::{Human, Totals};
pub(super) use many::{codesign_words, gatekeeper_word};
pub use profile::write_profile;
pub use style::Style;
pub(super) use style::{BAD, DOUBTFUL, FAINT, GOOD, STRONG};

use std::io::{self, Write};

use super::{Tickets, text, ticket};
use crate::finding::{Finding, Severity};
use crate::outcome::Outcome;
use crate::plist::Value;
use crate::trust::CertificateKind;
use crate::verify::{Evidence, Fault, FaultKind};
use paragraph::Paragraph;

/// Writes the report about one item.
///
/// # Errors
/// Those of `out`.
pub fn write(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if !style.quiet {
        writeln!(out, "{STRONG}{}{STRONG:#}", text::visible(&outcome.evidence.path))?;
        summary(&outcome.evidence, style, out)?;
        if outcome.evidence.has_substituted_anchor {
            Paragraph::default()
                .add(
                    DOUBTFUL,
                    "a root of --apple-anchor counts as Apple's in this report",
                )
                .write(("  ", "  "), style.width, out)?;
        }
        writeln!(out)?;
        tree::write(outcome, style, out)?;
        writeln!(out)?;
    }
    if is_unexplained(outcome, style) {
        writeln!(out, "{STRONG}{}{STRONG:#}", text::visible(&outcome.evidence.path))?;
    }
    problems::write(outcome, style, out)?;
    if style.quiet && !is_unexplained(outcome, style) {
        Ok(())
    } else {
        verdict::write(outcome, style, out)
    }
}

/// Returns true if a quiet report about a bad item has no error that says why: it is left out or known, or a requirement is not met.
fn is_unexplained(outcome: &Outcome, style: Style) -> bool {
    let is_error = |finding: &Finding| finding.severity == Severity::Error;
    style.quiet && outcome.exit_status() != 0 && !outcome.findings().iter().any(is_error)
}

/// Identifier and version, who signed, and what the signature asks for.
fn summary(evidence: &Evidence, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if let Some(unopened) = evidence.unopened {
        return writeln!(out, "  {}, not opened", unopened.noun());
    }
    let Some(item) = evidence.code.first() else {
        return Ok(());
    };
    let is_unreadable = |fault: &Fault| matches!(fault.kind, FaultKind::MachO(_)) && fault.slice == Some(0);
    let primary = item.slices.first();
    let primary = primary.filter(|_| !item.faults.iter().any(is_unreadable));
    let Some(primary) = primary else {
        let is_there = item.is_code() || !evidence.unread.is_empty();
        let text = if is_there {
            "no code that can be read"
        } else {
            "no code"
        };
        return writeln!(out, "  {text}");
    };
    let mut name = primary.identifier.clone().unwrap_or_default();
    let version = ["CFBundleShortVersionString", "CFBundleVersion"]
        .iter()
        .find_map(|key| item.info_plist.as_ref()?.get(key).and_then(Value::as_str));
    if let (false, Some(version)) = (name.is_empty(), version) {
        name = format!("{name} {version}");
    }
    let leaf = primary
        .identity
        .as_ref()
        .and_then(|identity| identity.chain.first());
    let who = leaf.map_or(tree::signer(primary.signature), |leaf| leaf.summary());
    let mut words = vec![name, who.to_owned()];
    // The names of Apple's certificates contain the team.
    if let Some(team) = primary.team_id.as_ref().filter(|team| !who.contains(*team)) {
        words.push(format!("team {team}"));
    }
    words.retain(|word| !word.is_empty());
    line(&words, style, out)?;
    let mut words = Vec::new();
    if let Some(identity) = &primary.identity {
        words.push(match (&identity.timestamp, identity.signing_time) {
            (Some(timestamp), _) => format!("timestamped {}", text::date(timestamp.time)),
            (None, Some(time)) => format!("signed {} without timestamp", text::date(time)),
            (None, None) => "no timestamp".to_owned(),
        });
    }
    words.extend(
        primary
            .runtime_version
            .map(|version| format!("hardened runtime {}", crate::macho::BuildVersion::text(version))),
    );
    // Who else signs is not expected to have one.
    let is_expected = primary.identity.as_ref().is_some_and(|identity| {
        matches!(
            identity.kind,
            CertificateKind::DeveloperIdApplication | CertificateKind::DeveloperIdKext
        )
    });
    words.extend(ticket::words(Tickets::of(evidence), is_expected));
    line(&words, style, out)
}

/// Facts side by side, on a second line where they do not fit on one.
fn line(facts: &[String], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut begun = String::new();
    for fact in facts {
        let fact = text::visible(fact);
        let longer = [begun.as_str(), &fact].join(style.separator());
        if begun.is_empty() {
            begun = fact.into_owned();
        } else if longer.chars().count() > style.width.saturating_sub(2) {
            writeln!(out, "  {begun}")?;
            begun = fact.into_owned();
        } else {
            begun = longer;
        }
    }
    if begun.is_empty() {
        Ok(())
    } else {
        writeln!(out, "  {begun}")
    }
}
