//! `sealcheck completions` and `sealcheck man`: both are made from the description that parses the arguments.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use super::arguments::Arguments;
use super::exit::Exit;

const NAME: &str = env!("CARGO_PKG_NAME");

/// Writes the script for one shell.
pub(super) fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<Exit> {
    // The generator takes a failed write for a defect of its own, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut script);
    out.write_all(&script)?;
    Ok(Exit::Good)
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
