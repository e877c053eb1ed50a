//! Tickets for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::{Tickets, listed};
use crate::octets::hex;
use crate::ticket::Record;
use crate::verify::{CodeObject, SliceEvidence, TicketEvidence, ticket_coverage};

/// One ticket in a report about an item.
#[derive(Serialize)]
pub(in crate::report) struct JsonTicket<'a> {
    path: &'a str,
    origin: &'static str,
    attached_to: Option<&'a str>,
    valid: Option<bool>,
    problems: Vec<String>,
    issued: Option<String>,
    flags: Option<u32>,
    authorities: Vec<&'a str>,
    records: Option<usize>,
}

impl<'a> From<&'a TicketEvidence> for JsonTicket<'a> {
    fn from(evidence: &'a TicketEvidence) -> Self {
        let ticket = evidence.ticket.as_ref();
        let faults = evidence.faults().iter().map(ToString::to_string);
        let problems = ticket.err().map(ToString::to_string).into_iter().chain(faults);
        let is_readable = ticket.is_ok() || !evidence.is_unknown();
        Self {
            path: &evidence.path,
            origin: evidence.origin.name(),
            attached_to: evidence.owner.as_deref(),
            valid: is_readable.then(|| evidence.valid().is_some()),
            problems: problems.collect(),
            issued: ticket.ok().map(|ticket| ticket.time.to_string()),
            flags: ticket.ok().map(|ticket| ticket.flags),
            authorities: evidence
                .signer
                .iter()
                .flat_map(|signer| &signer.chain)
                .map(|certificate| certificate.summary())
                .collect(),
            records: ticket.ok().map(|ticket| ticket.records.len()),
        }
    }
}

#[derive(Serialize)]
struct JsonPlace<'a> {
    path: &'a str,
    arch: Option<String>,
}

#[derive(Serialize)]
struct JsonRecord<'a> {
    hash_type: u8,
    hash: String,
    covers: Vec<JsonPlace<'a>>,
}

#[derive(Serialize)]
struct JsonWhole<'a> {
    #[serde(flatten)]
    ticket: JsonTicket<'a>,
    listed: Vec<JsonRecord<'a>>,
}

#[derive(Serialize)]
struct JsonSlice<'a> {
    path: &'a str,
    arch: Option<String>,
    cdhash: Option<String>,
    coverage: &'static str,
}

#[derive(Serialize)]
struct JsonItem<'a> {
    path: &'a str,
    has_apple_anchor: bool,
    tickets: Vec<JsonWhole<'a>>,
    slices: Vec<JsonSlice<'a>>,
}

fn place<'a>(object: &'a CodeObject, slice: &SliceEvidence) -> JsonPlace<'a> {
    JsonPlace {
        path: &object.path,
        arch: slice.architecture.map(|found| found.to_string()),
    }
}

/// Writes everything about the tickets of all items as JSON.
///
/// # Errors
/// Those of `out`.
pub fn write(items: &[Tickets<'_>], out: &mut dyn Write) -> io::Result<()> {
    let items: Vec<JsonItem<'_>> = items.iter().map(item).collect();
    let report = serde_json::json!({
        "schema_version": 1,
        "tool": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
        "items": items,
    });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn item<'a>(found: &Tickets<'a>) -> JsonItem<'a> {
    let known = listed(found.code);
    let record = |record: &Record| JsonRecord {
        hash_type: record.hash_type,
        hash: hex(&record.hash),
        covers: known
            .get(record)
            .into_iter()
            .flatten()
            .map(|(object, slice)| place(object, slice))
            .collect(),
    };
    let tickets = found.tickets.iter().map(|evidence| JsonWhole {
        ticket: evidence.into(),
        listed: evidence
            .ticket
            .iter()
            .flat_map(|ticket| ticket.records.iter().map(record))
            .collect(),
    });
    let coverage = ticket_coverage(found.code, found.tickets);
    let slices = found.code.iter().zip(coverage).flat_map(|(object, coverage)| {
        object
            .slices
            .iter()
            .zip(coverage)
            .map(|(slice, coverage)| {
                let JsonPlace { path, arch } = place(object, slice);
                JsonSlice {
                    path,
                    arch,
                    cdhash: slice.cdhashes.last().map(|cdhash| cdhash.truncated().to_string()),
                    coverage: coverage.name(),
                }
            })
            .collect::<Vec<_>>()
    });
    JsonItem {
        path: found.path,
        has_apple_anchor: found.has_substituted_anchor,
        tickets: tickets.collect(),
        slices: slices.collect(),
    }
}
