//! `sealcheck completions` and `sealcheck man`: both are made from the description that parses the arguments.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::arguments::Arguments;
use super::exit::Exit;
use super::words::overview;
use crate::rule;

const NAME: &str = env!("CARGO_PKG_NAME");

/// Writes the script for one shell.
pub(super) fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<Exit> {
    // The generator takes a failed write for a defect of its own, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut shown(&overview()), NAME, &mut script);
    out.write_all(&script)?;
    Ok(Exit::Good)
}

/// The description for the generators of scripts: without what is hidden, which they would offer, too, and with the ids of all rules
/// where one is wanted.
fn shown(command: &Command) -> Command {
    let visible = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let arguments = visible.map(|argument| {
        let is_rule = argument
            .get_value_names()
            .is_some_and(|names| names.iter().any(|name| name == "RULE"));
        let ids = || PossibleValuesParser::new(rule::all().into_iter().map(|rule| rule.id));
        if is_rule {
            argument.clone().value_parser(ids())
        } else {
            argument.clone()
        }
    });
    // clap takes names that live as long as the program, which ends after this.
    let name: &'static str = Box::leak(command.get_name().into());
    let copy = Command::new(name)
        .args(arguments)
        .subcommands(command.get_subcommands().map(shown));
    match command.get_about() {
        Some(about) => copy.about(about.clone()),
        None => copy,
    }
}

/// Writes the page of the program, or all pages into a folder: `sealcheck.1`, `sealcheck-verify.1`, ….
pub(super) fn pages(directory: Option<&Path>, out: &mut dyn Write) -> io::Result<Exit> {
    let command = Arguments::command().disable_help_subcommand(true);
    match directory {
        Some(directory) => {
            fs::create_dir_all(directory)?;
            clap_mangen::generate_to(command, directory)?;
        }
        None => Man::new(command).render(out)?,
    }
    Ok(Exit::Good)
}
