//! `sealcheck ticket`: the notarization tickets of code, or a ticket by itself.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::course::Operands;
use super::exit::Exit;
use super::values::Format;
use super::{Session, complain, file, style};
use crate::report::{Tickets, write_ticket, write_ticket_json};
use crate::source::shown_path;
use crate::ticket::Ticket;
use crate::verify::{CodeObject, SuppliedTicket, TicketEvidence};

/// Bytes of a ticket file; more than any ticket of code can have.
const MAX_TICKET: u64 = 16 << 20;

/// Reads a ticket file: as Apple's servers give it out, or the base64 text of that.
pub(super) fn read(path: &Path) -> Result<SuppliedTicket, String> {
    let message = |reason: String| format!("sealcheck: {}: {reason}", path.display());
    let bytes = file::read(path, MAX_TICKET).map_err(|error| message(error.to_string()))?;
    let decoded = std::str::from_utf8(&bytes)
        .ok()
        .and_then(crate::octets::base64)
        .filter(|decoded| !Ticket::is_ticket(&bytes) && Ticket::is_ticket(decoded));
    Ok(SuppliedTicket {
        path: shown_path(path),
        bytes: decoded.unwrap_or(bytes).into(),
    })
}

/// Whether the operand is a ticket by itself.
fn is_ticket(path: &Path) -> bool {
    let mut head = [0; 4];
    let read = |mut file: std::fs::File| io::Read::read_exact(&mut file, &mut head).is_ok();
    path.is_file() && file::open(path).is_ok_and(read) && Ticket::is_ticket(&head)
}

pub(super) fn run(
    paths: &[PathBuf],
    format: Format,
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let mut items: Vec<(String, Vec<TicketEvidence>, Vec<CodeObject>)> = Vec::new();
    let (found, mut worst) = Operands::of_display(paths, session);
    for item in &found {
        let name = shown_path(&item.path);
        let found = if is_ticket(&item.path) {
            read(&item.path).map(|ticket| {
                let evidence = TicketEvidence::supplied(&ticket, &session.options);
                (name, vec![evidence], Vec::new())
            })
        } else {
            let evidence = session.examine(item);
            evidence.map(|evidence| (name, evidence.tickets, evidence.code))
        };
        match found {
            Ok(item) => items.push(item),
            Err(message) => {
                complain(&message);
                worst.worsen(Exit::NotJudged);
            }
        }
    }
    let items: Vec<_> = items
        .iter()
        .map(|(path, tickets, code)| Tickets {
            path,
            tickets,
            code,
            has_substituted_anchor: session.options.anchors.is_substituted(),
        })
        .collect();
    for (index, item) in items.iter().enumerate() {
        worst.worsen(Exit::of(item.exit_status()));
        if matches!(format, Format::Human) {
            if index > 0 {
                writeln!(out)?;
            }
            write_ticket(*item, style(session.global), out)?;
        }
    }
    if matches!(format, Format::Json) {
        write_ticket_json(&items, out)?;
    }
    Ok(worst)
}
