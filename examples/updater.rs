//! Verifies a downloaded app before it is installed: `cargo run --example updater -- APP TEAM IDENTIFIER`.
//!
//! Exit status 0: it is from that team, is that app, is whole, notarized, and nothing was left unchecked. 1: do not install
//! it. 2: wrong usage.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use sealcheck::{Checker, Demand, Target};

/// Every reason not to install the app; empty where there is none.
fn objections(app: &Path, team: &str, identifier: &str) -> io::Result<Vec<String>> {
    let mut checker = Checker::new(SystemTime::now())?;
    checker.target = Some(Target::DeveloperId);
    checker.expectations.team = Some(team.to_owned());
    checker.expectations.identifier = Some(identifier.to_owned());
    checker.expectations.required = vec![Demand::DeveloperId, Demand::HardenedRuntime, Demand::Notarized];
    Ok(match checker.check(app) {
        Ok(outcome) => outcome.objections().iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string()],
    })
}

/// The exit status.
pub(crate) fn run(arguments: &[String], out: &mut dyn Write) -> io::Result<u8> {
    let [app, team, identifier] = arguments else {
        writeln!(out, "usage: updater APP TEAM IDENTIFIER")?;
        return Ok(2);
    };
    let objections = objections(Path::new(app), team, identifier)?;
    for reason in &objections {
        writeln!(out, "refused: {reason}")?;
    }
    if objections.is_empty() {
        writeln!(out, "good: {app}")?;
    }
    Ok(u8::from(!objections.is_empty()))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Whatever goes wrong, the app is not installed.
    sealcheck::guard_mappings()
        .and_then(|()| run(&arguments, &mut io::stdout().lock()))
        .map_or(ExitCode::FAILURE, ExitCode::from)
}
