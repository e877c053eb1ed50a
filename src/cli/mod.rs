//! The command line: arguments to library calls, outcomes to an exit status.
//!
//! The only module that reads the environment and the terminal. Reports go to standard output, complaints of the
//! program itself to standard error.

mod arguments;
mod entitlements;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command, Format, Known};

use crate::report::{Outcome, Style, write_human, write_json};
use crate::rule;
use crate::verify::{Options, verify};

/// The input could not be read.
const UNREADABLE: u8 = 4;

/// Runs the program with the process's arguments.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse_from(arguments::with_default_command(std::env::args_os()));
    match dispatch(&arguments) {
        Ok(status) => ExitCode::from(status),
        // A closed pipe is the reader's choice, not a failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("sealcheck: cannot write the report: {error}"));
            ExitCode::from(UNREADABLE)
        }
    }
}

fn complain(message: &str) {
    // There is nowhere left to report a failure of standard error.
    let _ = writeln!(anstream::stderr(), "{message}");
}

fn dispatch(arguments: &Arguments) -> io::Result<u8> {
    match &arguments.command {
        Command::Check { paths, format } => check(paths, *format, arguments),
        Command::Entitlements { paths, format, arch } => entitlements::run(paths, *format, arch.as_deref()),
        Command::Rules => rules(),
        Command::Explain { rule } => explain(rule),
    }
}

fn check(paths: &[PathBuf], format: Format, arguments: &Arguments) -> io::Result<u8> {
    let mut outcomes = Vec::new();
    let mut worst = 0;
    for path in paths {
        match verify(path, &Options::default()) {
            Ok(evidence) => {
                let findings = rule::check(&evidence);
                let outcome = Outcome { evidence, findings };
                worst = worst.max(outcome.exit_status());
                outcomes.push(outcome);
            }
            Err(error) => {
                complain(&format!("sealcheck: {error}"));
                worst = worst.max(UNREADABLE);
            }
        }
    }
    let mut out = anstream::stdout().lock();
    match format {
        Format::Json => write_json(&outcomes, &mut out)?,
        Format::Human => {
            let style = Style {
                unicode: is_utf8_locale(),
                verbosity: arguments.verbose,
                quiet: arguments.quiet,
            };
            for outcome in &outcomes {
                write_human(outcome, style, &mut out)?;
            }
        }
    }
    out.flush()?;
    Ok(worst)
}

/// Whether the locale's text is UTF-8: the first of the three variables that is set decides (POSIX 8.2).
fn is_utf8_locale() -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .is_some_and(|value| value.to_ascii_lowercase().replace('-', "").ends_with("utf8"))
}

fn rules() -> io::Result<u8> {
    let mut out = anstream::stdout().lock();
    for rule in rule::all() {
        writeln!(out, "{:<8} {:<40} {}", rule.severity, rule.id, rule.title)?;
    }
    Ok(0)
}

fn explain(rule: &Known) -> io::Result<u8> {
    let rule = rule.0;
    let parties: Vec<_> = rule.rejected_by.iter().map(|party| party.name()).collect();
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}: {}", rule.id, rule.title)?;
    writeln!(out, "{}, rejected by {}\n", rule.severity, parties.join(", "))?;
    writeln!(out, "{}\n\nrepair: {}", rule.explanation, rule.remedy)?;
    Ok(0)
}
