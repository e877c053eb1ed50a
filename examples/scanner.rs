//! Lists the signed code in a folder, one line each: `cargo run --example scanner -- FOLDER`.
//!
//! Archives in ZIP form are opened. Path, signer, team, cdhash, whether it is notarized, and the worst finding, between tabs. Exit status 0: everything could
//! be read; 1: something could not, and a line says what.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use sealcheck::{Checker, CodeObject, Finding, Outcome, SignatureKind};

fn line(outcome: &Outcome, code: &CodeObject) -> Option<String> {
    let slice = code.slices.first()?;
    let signer = match (slice.signature, &slice.identity) {
        (SignatureKind::Unsigned, _) => return None,
        (kind, None) => kind.name().to_owned(),
        (_, Some(identity)) => {
            let name = identity.signer().unwrap_or("unreadable certificate");
            // Anybody can write any name into a certificate.
            let is_vouched = identity.is_apple() && identity.faults.is_empty();
            format!("{name}{}", if is_vouched { "" } else { " (not vouched for)" })
        }
    };
    let path = Path::new(&outcome.evidence.path).join(&code.path);
    let cdhash = slice.cdhash().map(|hash| hash.to_string());
    // Apple's servers may know more than the item has with it.
    let notarized = match slice.notarized {
        Some(true) => "notarized",
        _ => "notarization not known",
    };
    let own = |finding: &&Finding| finding.code == code.path;
    let worst = outcome
        .findings()
        .iter()
        .filter(own)
        .max_by_key(|finding| finding.severity);
    Some(format!(
        "{}\t{signer}\t{}\t{}\t{notarized}\t{}",
        path.display(),
        slice.vouched_team().unwrap_or("-"),
        cdhash.as_deref().unwrap_or("-"),
        worst.map_or("-".to_owned(), |found| format!(
            "{} {}",
            found.severity, found.rule
        )),
    ))
}

/// Writes the lines of everything in `folder`, and returns true if all of it could be read.
pub(crate) fn run(folder: &Path, out: &mut dyn Write) -> io::Result<bool> {
    let checker = Checker::new(SystemTime::now())?;
    let mut all = true;
    for item in checker.check_all(folder).map_err(io::Error::other)? {
        let outcome = match item {
            Ok(outcome) => outcome,
            Err(error) => {
                writeln!(out, "not read: {error}")?;
                all = false;
                continue;
            }
        };
        let evidence = &outcome.evidence;
        for text in evidence.code.iter().filter_map(|code| line(&outcome, code)) {
            writeln!(out, "{text}")?;
        }
        if let Some(unopened) = evidence.unopened {
            writeln!(out, "{}\t{}", evidence.path, unopened.text())?;
        }
        for unread in &evidence.unread {
            let path = Path::new(&evidence.path).join(&unread.path);
            writeln!(out, "{}\tnot read: {}", path.display(), unread.reason)?;
        }
        all &= evidence.unopened.is_none() && evidence.unread.is_empty();
    }
    Ok(all)
}

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let scanned =
        sealcheck::guard_mappings().and_then(|()| run(Path::new(&folder), &mut io::stdout().lock()));
    match scanned {
        Ok(true) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
