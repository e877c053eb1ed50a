//! Lists the signed code in a folder, one line each: `cargo run --example scanner -- FOLDER`.
//!
//! Path, signer, team, cdhash, whether it is notarized, and the worst finding, between tabs. Exit status 0: everything could
//! be read; 1: something could not, and a line says what.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use sealcheck::{Checker, CodeObject, Finding, Outcome, SignatureKind};

/// Folders whose names end so are items, not folders of items.
const BUNDLES: [&str; 10] = [
    "app",
    "appex",
    "bundle",
    "dext",
    "framework",
    "kext",
    "plugin",
    "prefPane",
    "systemextension",
    "xpc",
];

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

/// Whether everything at `path` could be read.
fn scan(path: &Path, checker: &Checker, out: &mut dyn Write) -> io::Result<bool> {
    let kind = fs::symlink_metadata(path)?.file_type();
    let is_bundle = path
        .extension()
        .is_some_and(|found| BUNDLES.iter().any(|bundle| found == *bundle));
    if kind.is_dir() && !is_bundle {
        let mut entries = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        let mut all = true;
        for entry in entries {
            all &= match scan(&entry.path(), checker, out) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    writeln!(out, "{}\tnot read: {error}", entry.path().display())?;
                    false
                }
                scanned => scanned?,
            };
        }
        return Ok(all);
    }
    if !kind.is_dir() && !kind.is_file() {
        return Ok(true);
    }
    let outcome = match checker.check(path) {
        Ok(outcome) => outcome,
        Err(error) => {
            writeln!(out, "{}\tnot read: {error}", path.display())?;
            return Ok(false);
        }
    };
    for text in outcome
        .evidence
        .code
        .iter()
        .filter_map(|code| line(&outcome, code))
    {
        writeln!(out, "{text}")?;
    }
    for unread in &outcome.evidence.unread {
        writeln!(
            out,
            "{}\tnot read: {}",
            path.join(&unread.path).display(),
            unread.reason
        )?;
    }
    Ok(outcome.evidence.unread.is_empty())
}

pub(crate) fn run(folder: &Path, out: &mut dyn Write) -> io::Result<bool> {
    scan(folder, &Checker::new(SystemTime::now())?, out)
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
