//! The arguments of the program. `sealcheck PATH…` is `sealcheck check PATH…`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::rule::{self, Rule};

/// Say what macOS would say about signed code, on any system.
#[derive(Debug, Parser)]
#[command(name = "sealcheck", version, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Show more; twice shows digests and slots
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Show nothing but problems
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check signed code and report every problem (the default)
    Check {
        /// Mach-O files
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Format of the report
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Print the entitlements that the code claims
    Entitlements {
        /// Mach-O files
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Form of the output
        #[arg(long, value_enum, default_value_t = Form::Text)]
        format: Form,
        /// Only this architecture, such as arm64; the host's by default
        #[arg(long)]
        arch: Option<String>,
    },
    /// List all rules
    Rules,
    /// Explain one rule
    Explain {
        /// Id of the rule, such as signature-broken-pages
        #[arg(value_parser = parse_rule)]
        rule: Known,
    },
}

/// Format of a report.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

/// Form of printed entitlements.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Form {
    /// The listing of `codesign -d --entitlements -`
    Text,
    /// The property list of slot 5, as signed
    Xml,
    /// Decoded, as JSON
    Json,
    /// The DER of slot 7, as signed
    Der,
}

/// A rule that exists.
#[derive(Debug, Clone)]
pub(super) struct Known(pub(super) &'static Rule);

fn parse_rule(id: &str) -> Result<Known, String> {
    rule::find(id)
        .map(Known)
        .ok_or_else(|| "no such rule; `sealcheck rules` lists them".to_owned())
}

/// Puts `check` in front of the operands where no command is named.
pub(super) fn with_default_command(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    let names = ["check", "entitlements", "rules", "explain", "help"];
    let first = arguments
        .iter()
        .skip(1)
        .find(|argument| !argument.to_string_lossy().starts_with('-'));
    let named = first.is_some_and(|first| names.iter().any(|name| first == name));
    if first.is_some() && !named {
        let at = arguments.len().min(1);
        arguments.insert(at, "check".into());
    }
    arguments
}
