//! Notarization tickets: what one says, who signed it, and which code it covers.

mod human;
mod json;

use std::collections::BTreeMap;

pub use human::write;
pub(super) use json::JsonTicket;
pub use json::write as write_json;

use super::text;
use crate::ticket::Record;
use crate::verify::{
    CodeObject, Coverage, Evidence, SliceEvidence, TicketEvidence, TicketOrigin, ticket_coverage,
};

/// The tickets of one item, with its code.
#[derive(Debug, Clone, Copy)]
pub struct Tickets<'a> {
    /// The operand as given.
    pub path: &'a str,
    /// The tickets.
    pub tickets: &'a [TicketEvidence],
    /// The code of the item; none where the operand is a ticket by itself.
    pub code: &'a [CodeObject],
    /// Whether roots count as Apple's that are not.
    pub has_substituted_anchor: bool,
}

/// How many slices need a ticket, and what the valid ones say about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Summary {
    pub(super) covered: usize,
    pub(super) unknown: usize,
    pub(super) needed: usize,
}

impl<'a> Tickets<'a> {
    /// Those of an item.
    #[must_use]
    pub fn of(evidence: &'a Evidence) -> Self {
        Self {
            path: &evidence.path,
            tickets: &evidence.tickets,
            code: &evidence.code,
            has_substituted_anchor: evidence.has_substituted_anchor,
        }
    }

    pub(super) fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for coverage in ticket_coverage(self.code, self.tickets).into_iter().flatten() {
            let (covered, unknown) = match coverage {
                Coverage::Covered => (1, 0),
                Coverage::CannotJudge => (0, 1),
                Coverage::NotCovered => (0, 0),
                Coverage::NotNeeded | Coverage::Unsigned => continue,
            };
            summary.covered = summary.covered.saturating_add(covered);
            summary.unknown = summary.unknown.saturating_add(unknown);
            summary.needed = summary.needed.saturating_add(1);
        }
        summary
    }

    /// The exit status of the contract: 0 a valid ticket that covers all code that needs one, 1 not, 4 not known.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        let summary = self.summary();
        let is_valid = self.tickets.iter().any(|ticket| ticket.valid().is_some());
        let is_unknown = self.tickets.iter().any(TicketEvidence::is_unknown);
        match (is_valid, is_unknown) {
            (true, _) if summary.covered == summary.needed => 0,
            (_, true) => 4,
            _ => 1,
        }
    }
}

/// What the summary of an item says about its tickets; nothing where nobody expects one.
pub(super) fn words(found: Tickets<'_>, is_expected: bool) -> Option<String> {
    let Some(first) = found.tickets.first() else {
        return is_expected.then(|| "no ticket".to_owned());
    };
    let valid = found.tickets.iter().find(|ticket| ticket.valid().is_some());
    let kind = match valid.unwrap_or(first).origin {
        TicketOrigin::Supplied => "ticket",
        TicketOrigin::Stapled | TicketOrigin::Embedded => "stapled ticket",
    };
    let Summary { covered, needed, .. } = found.summary();
    Some(match valid {
        Some(_) => format!("{kind} covers {covered} of {}", text::counted(needed, "slice")),
        None if first.is_unknown() => format!("{kind} cannot be judged"),
        None => format!("{kind} is not valid"),
    })
}

/// The slices that a record may be about.
fn listed(code: &[CodeObject]) -> BTreeMap<Record, Vec<(&CodeObject, &SliceEvidence)>> {
    let mut known: BTreeMap<Record, Vec<_>> = BTreeMap::new();
    for object in code {
        for slice in &object.slices {
            let record = slice.cdhashes.last().and_then(|cdhash| {
                let hash = cdhash.truncated().as_bytes().try_into().ok()?;
                let hash_type = cdhash.hash_type.raw();
                Some(Record { hash_type, hash })
            });
            if let Some(record) = record {
                known.entry(record).or_default().push((object, slice));
            }
        }
    }
    known
}
