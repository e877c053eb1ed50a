//! Tickets for people.

use std::io::{self, Write};

use super::{Summary, Tickets, listed};
use crate::hash::HashType;
use crate::octets::hex;
use crate::report::human::{BAD, DOUBTFUL, FAINT, GOOD, STRONG};
use crate::report::{Style, text};
use crate::ticket::{Record, Ticket};
use crate::verify::{CodeObject, Coverage, SliceEvidence, TicketEvidence, TicketOrigin};

/// Records that cover nothing here, shown without `-v`.
const SHOWN: usize = 8;

/// Writes everything about the tickets of one item for people.
///
/// # Errors
/// Those of `out`.
pub fn write(found: Tickets<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{STRONG}{}{STRONG:#}", text::visible(found.path))?;
    if found.has_substituted_anchor {
        writeln!(
            out,
            "  {DOUBTFUL}a root of --apple-anchor counts as Apple's in this report{DOUBTFUL:#}"
        )?;
    }
    for (index, ticket) in found.tickets.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_ticket(ticket, found, style, out)?;
    }
    if found.tickets.is_empty() {
        return writeln!(
            out,
            "  {BAD}{}{BAD:#} no ticket: nothing is stapled; whether Apple's servers hold one was not asked",
            style.no()
        );
    }
    if found.code.is_empty() {
        return Ok(());
    }
    let Summary {
        covered,
        unknown,
        needed,
    } = found.summary();
    let (colour, mark) = match (covered == needed, unknown > 0) {
        (true, _) => (GOOD, style.yes()),
        (false, true) => (DOUBTFUL, "?"),
        (false, false) => (BAD, style.no()),
    };
    let word = if needed == 1 { "slice" } else { "slices" };
    writeln!(
        out,
        "\n  covers      {colour}{mark}{colour:#} {covered} of {needed} {word}"
    )
}

fn write_ticket(
    evidence: &TicketEvidence,
    found: Tickets<'_>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let place = match evidence.path.as_str() {
        "" => text::file_name(found.path),
        // The operand itself, which stands above.
        path if path == found.path => "by itself",
        path => path,
    };
    let place = match evidence.origin {
        TicketOrigin::Supplied => place.to_owned(),
        origin => format!("{place}, {}", origin.name()),
    };
    let place = text::visible(&place);
    let ticket = match &evidence.ticket {
        Ok(ticket) => ticket,
        Err(problem) => {
            writeln!(out, "  ticket      {place}")?;
            let (colour, mark) = if evidence.is_unknown() {
                (DOUBTFUL, "?")
            } else {
                (BAD, style.no())
            };
            return writeln!(out, "  signature   {colour}{mark}{colour:#} {problem}");
        }
    };
    writeln!(out, "  ticket      {place}, {} bytes", ticket.length)?;
    let issued = ticket.time.to_string().replace('T', " ").replace('Z', " UTC");
    writeln!(out, "  issued      {issued}, flags {}", ticket.flags)?;
    let chain = evidence.signer.iter().flat_map(|signer| &signer.chain);
    for (index, certificate) in chain.enumerate() {
        let label = if index == 0 { "signed by" } else { "" };
        writeln!(
            out,
            "  {label:<11} {}  {FAINT}{} to {}{FAINT:#}",
            text::visible(certificate.summary()),
            text::date(certificate.not_before),
            text::date(certificate.not_after),
        )?;
    }
    if evidence.valid().is_some() {
        writeln!(
            out,
            "  signature   {GOOD}{}{GOOD:#} Apple's notary service signed it",
            style.yes()
        )?;
    }
    for (index, fault) in evidence.faults().iter().enumerate() {
        let label = if index == 0 { "signature" } else { "" };
        writeln!(out, "  {label:<11} {BAD}{}{BAD:#} {fault}", style.no())?;
    }
    write_records(evidence, ticket, found, style, out)
}

/// Every slice with what the ticket says about it, then the records that belong to none.
fn write_records(
    evidence: &TicketEvidence,
    ticket: &Ticket,
    found: Tickets<'_>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "  records     {}", ticket.records.len())?;
    for object in found.code.iter().filter(|object| is_about(evidence, object)) {
        let name = match object.path.as_str() {
            "" => text::file_name(found.path),
            path => path,
        };
        writeln!(out, "    {}", text::visible(name))?;
        for slice in &object.slices {
            write_slice(evidence, slice, style, out)?;
        }
    }
    let known = listed(found.code);
    let foreign: Vec<_> = ticket
        .records
        .iter()
        .filter(|record| !known.contains_key(*record))
        .collect();
    if foreign.is_empty() {
        return Ok(());
    }
    if !found.code.is_empty() {
        writeln!(out, "    {FAINT}covers nothing here{FAINT:#}")?;
    }
    let shown = if style.verbosity == 0 { SHOWN } else { usize::MAX };
    for record in foreign.iter().take(shown) {
        writeln!(out, "      {:<8} {}", type_name(record), hex(&record.hash))?;
    }
    let hidden = foreign.len().saturating_sub(shown);
    if hidden > 0 {
        writeln!(out, "      {FAINT}and {hidden} more (-v shows all){FAINT:#}")?;
    }
    Ok(())
}

fn write_slice(
    evidence: &TicketEvidence,
    slice: &SliceEvidence,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let coverage = evidence.coverage(slice);
    let (colour, mark, note) = match coverage {
        Coverage::Covered => (GOOD, style.yes(), ""),
        Coverage::NotCovered => (BAD, style.no(), "not in the ticket"),
        Coverage::CannotJudge => (DOUBTFUL, "?", "cannot be judged"),
        Coverage::NotNeeded => (FAINT, "-", "needs no ticket: signed by Apple"),
        Coverage::Unsigned => (BAD, style.no(), "not signed"),
    };
    let architecture = slice
        .architecture
        .map_or("file".to_owned(), |found| found.to_string());
    let cdhash = slice
        .cdhashes
        .last()
        .map_or(String::new(), |cdhash| cdhash.truncated().to_string());
    let line = format!("      {architecture:<8} {cdhash}  {colour}{mark}{colour:#} {note}");
    writeln!(out, "{}", line.trim_end())
}

/// A ticket that is stapled to nested code speaks of that; others of all code.
fn is_about(evidence: &TicketEvidence, object: &CodeObject) -> bool {
    let owner = evidence.owner.as_deref().unwrap_or_default();
    let is_covered = |slice: &SliceEvidence| evidence.coverage(slice) == Coverage::Covered;
    text::is_in(owner, &object.path) || object.slices.iter().any(is_covered)
}

fn type_name(record: &Record) -> String {
    match HashType::from_raw(record.hash_type) {
        Some(hash_type) => hash_type.to_string(),
        None => format!("type {}", record.hash_type),
    }
}
