//! Starts the program under test.
//!
//! `$SEALCHECK_RUNNER`, words separated by spaces, is put before the program: `qemu-aarch64 -L /usr/aarch64-linux-gnu` runs the
//! tests of another architecture under emulation. No other file of the tests names the program.

use std::path::Path;
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealcheck");

/// Returns the words of `$SEALCHECK_RUNNER`.
fn runner() -> Vec<String> {
    let words = std::env::var("SEALCHECK_RUNNER").unwrap_or_default();
    words.split_whitespace().map(str::to_owned).collect()
}

/// Returns true if the program runs under an emulator, which has needs of its own.
pub fn is_emulated() -> bool {
    !runner().is_empty()
}

/// Returns a command that starts the program, without arguments.
pub fn program() -> Command {
    let words = runner();
    let mut command = match words.split_first() {
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(PROGRAM);
            command
        }
        None => Command::new(PROGRAM),
    };
    without_pipeline(&mut command);
    command
}

/// Hides the pipeline that runs the tests from the program.
pub fn without_pipeline(command: &mut Command) {
    for variable in ["GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY", "CI_PROJECT_DIR"] {
        command.env_remove(variable);
    }
}

/// Returns a shell command that starts the program: `exec` and quoted words.
pub fn shell_words() -> String {
    let quoted = |word: &str| format!("'{}'", word.replace('\'', "'\\''"));
    let words = runner();
    let all = words.iter().map(String::as_str).chain([PROGRAM]);
    all.map(quoted).collect::<Vec<_>>().join(" ")
}

/// Puts `sealcheck` into a folder, for shells that find it in their `PATH`.
pub fn install(folder: &Path) {
    if runner().is_empty() {
        // A program that was just written may still be open in a process that another test starts.
        std::os::unix::fs::symlink(PROGRAM, folder.join("sealcheck")).unwrap();
        return;
    }
    let script = format!("#!/bin/sh\nexec {} \"$@\"\n", shell_words());
    super::bundle::write_executable(&folder.join("sealcheck"), script.as_bytes());
}
