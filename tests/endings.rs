//! How a run ends by what it judged, and by how it was called. `docs/security.md` lists every way, with its test.
//!
//! `endings_output` is about what happens to the program meanwhile, `own_files` about the files that it reads for itself.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::bundle::write_executable;
use crate::support::flip;
use crate::support::foundry::{By, tool};
use crate::support::macho::arm64;
use crate::support::program::{program, without_pipeline};

/// One item of each kind: `good`, `broken` (a page was changed), `unsigned`, and `missing`, which is not there.
pub struct Items {
    folder: tempfile::TempDir,
}

impl Items {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["good", "broken"] {
            tool(&format!("org.example.{name}"))
                .by(By::Adhoc)
                .write(&folder.path().join(name));
        }
        flip(&folder.path().join("broken"), 0x1010);
        write_executable(&folder.path().join("unsigned"), &arm64(b"code").build(None));
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program in the folder of the items.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.args(arguments).current_dir(self.folder.path());
        command.env("LC_ALL", "C.UTF-8");
        command
    }

    pub fn run(&self, command: &[&str], names: &[&str]) -> Output {
        self.command(command).args(names).output().unwrap()
    }

    /// The exit status of a command about these items.
    pub fn status(&self, command: &[&str], names: &[&str]) -> i32 {
        self.run(command, names).status.code().unwrap()
    }

    /// Runs a script of bash in the folder of the items, where `$S` is the program. Gives its exit status, output and
    /// errors; a program that hangs is ended with status 124.
    pub fn bash(&self, script: &str) -> (i32, String, String) {
        let program = program();
        let words = std::iter::once(program.get_program()).chain(program.get_args());
        let words: Vec<_> = words.map(|word| word.to_str().unwrap()).collect();
        let mut bash = Command::new("bash");
        without_pipeline(&mut bash);
        let output = bash
            .args(["-c", &format!("set -o pipefail; ulimit -c 0; {script}")])
            .env("S", format!("timeout 120 {}", words.join(" ")))
            .env("LC_ALL", "C.UTF-8")
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        // As a shell counts that was not replaced by its last command.
        let by_signal = || 128 + output.status.signal().unwrap();
        let status = output.status.code().unwrap_or_else(by_signal);
        (status, text(output.stdout), text(output.stderr))
    }

    /// Asserts the exit status of both orders of two items.
    fn assert_worst(&self, command: &[&str], one: (&str, i32), other: (&str, i32), both: i32) {
        assert_eq!(self.status(command, &[one.0]), one.1, "{command:?} {}", one.0);
        assert_eq!(
            self.status(command, &[other.0]),
            other.1,
            "{command:?} {}",
            other.0
        );
        for names in [[one.0, other.0], [other.0, one.0]] {
            assert_eq!(self.status(command, &names), both, "{command:?} {names:?}");
        }
    }
}

/// Of several items, a failed one takes precedence, then a denied one, then one that was not judged. The numbers do not have
/// this order; a missing file (4) once hid a broken one (1).
#[test]
fn one_takes_precedence_over_three_over_four_over_zero() {
    let items = Items::new();
    let missing = ("missing", 4);
    for command in [
        &["check", "--target", "local"][..],
        &["verify"],
        &["assess", "--type", "install"],
        &["inspect"],
        &["entitlements"],
        &["requirement", "show"],
        &["requirement", "test", "always"],
    ] {
        let failed = match command.first() {
            Some(&("check" | "verify" | "assess")) => "broken",
            _ => "unsigned",
        };
        items.assert_worst(command, (failed, 1), missing, 1);
    }
    items.assert_worst(&["ticket"], ("good", 1), missing, 1);
    for command in [
        &["check", "--target", "local", "-R", "=never"][..],
        &["verify", "-R", "=never"],
        &["assess", "--type", "install"],
        &["requirement", "test", "never"],
    ] {
        items.assert_worst(command, ("good", 3), missing, 3);
        items.assert_worst(command, ("good", 3), ("broken", 1), 1);
    }
    items.assert_worst(&["verify"], ("good", 0), missing, 4);
    // The report says the same as the program.
    let output = items.run(&["verify", "--format", "json"], &["missing", "broken", "good"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), &report["summary"]["exit_status"]),
        (Some(1), &1.into())
    );
}

/// `codesign --verify` keeps the first status that is not 0 (native observation 4.2), whatever number it is.
#[test]
fn the_styles_of_apple_keep_the_first_failure() {
    let items = Items::new();
    let command = ["verify", "--style", "codesign", "-R", "=never"];
    assert_eq!(items.status(&command, &["good", "broken", "unsigned"]), 3);
    assert_eq!(items.status(&command, &["broken", "good"]), 1);
    let command = ["inspect", "--style", "codesign"];
    assert_eq!(items.status(&command, &["missing", "unsigned"]), 4);
    assert_eq!(items.status(&command, &["unsigned", "missing"]), 1);
    assert_eq!(items.status(&command, &["good", "unsigned"]), 1);
}

/// What cannot be judged is never good: a file that is not there, an empty folder, standard input, a link in a circle.
#[test]
fn nothing_that_can_be_judged_is_never_good() {
    let items = Items::new();
    fs::create_dir(items.path("empty")).unwrap();
    std::os::unix::fs::symlink("circle", items.path("circle")).unwrap();
    for (name, expected) in [
        ("missing", 4),
        ("-", 4),
        ("circle", 4),
        ("/dev/zero", 4),
        ("empty", 1),
    ] {
        for command in ["check", "verify"] {
            let output = items.run(&[command], &[name]);
            assert_eq!(
                output.status.code(),
                Some(expected),
                "{command} {name:?}: {output:?}"
            );
            assert!(
                !output.stdout.is_empty() || !output.stderr.is_empty(),
                "{command} {name:?}"
            );
        }
        for command in ["assess", "inspect", "entitlements", "ticket", "profile"] {
            let output = items.run(&[command], &[name]);
            let is_good = output.status.success() && command != "profile";
            assert!(!is_good, "{command} {name:?}: {output:?}");
        }
    }
}

/// Nothing is judged where the arguments make no sense: status 2, and no report.
#[test]
fn wrong_usage_ends_before_anything_is_judged() {
    let items = Items::new();
    fs::write(items.path("text"), "no configuration").unwrap();
    for words in [
        &[][..],
        &["check"],
        &["verify"],
        &["inspect"],
        &["requirement"],
        &["requirement", "test", "always"],
        &["--no-such-option", "broken"],
        &["check", ""],
        &["--output", "", "broken"],
        &["--jobs", "0", "broken"],
        &["--jobs", "many", "broken"],
        &["--at", "yesterday", "broken"],
        &["--format", "pdf", "broken"],
        &["--limit", "nodes", "broken"],
        &["--limit", "node=1", "broken"],
        &["--strict=bad", "broken"],
        &["verify", "--strict=bad", "broken"],
        &["--require", "beauty", "broken"],
        &["--expect-team", "", "broken"],
        &["--ignore", "no-such-rule", "broken"],
        &["--baseline", "x", "--write-baseline", "y", "broken"],
        &["-R", "anchor", "broken"],
        &["verify", "-R", "anchor", "broken"],
        &["--config", "text", "broken"],
        &["--baseline", "text", "broken"],
        &["--trust-anchor", "text", "broken"],
        &["--apple-anchor", "text", "broken"],
        &["explain", "no-such-rule"],
        &["completions", "no-such-shell"],
    ] {
        let output = items.run(words, &[]);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{words:?}: {output:?}"
        );
    }
    // As csreq, whose input the text is.
    assert_eq!(items.status(&["requirement", "parse"], &["anchor"]), 1);
    assert_eq!(items.status(&["requirement", "test", "anchor"], &["good"]), 1);
    for words in [
        &["--help"][..],
        &["--version"],
        &["help", "check"],
        &["rules"],
        &["man"],
    ] {
        assert_eq!(items.status(words, &[]), 0, "{words:?}");
    }
}

/// Apple's tool knows no comma list and no signs: `invalid strict option - WORD` without prefix on standard error, status 1,
/// nothing verified (native observation 5.1).
#[test]
fn a_wrong_strict_word_in_the_style_of_codesign() {
    let items = Items::new();
    for word in [
        "symlinks,sideband",
        "none,symlinks",
        "+128",
        "-1",
        "bad",
        "Symlinks",
        " 128",
    ] {
        let option = format!("--strict={word}");
        for more in [&[][..], &["--no-strict"], &["--strict=none"], &["-vvvv"]] {
            let mut words = vec!["verify", "--style", "codesign"];
            words.extend(more);
            words.push(&option);
            let output = items.run(&words, &["good", "broken"]);
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(said, format!("invalid strict option - {word}\n"), "{words:?}");
            assert_eq!(
                (output.status.code(), output.stdout.len()),
                (Some(1), 0),
                "{words:?}"
            );
        }
        // This program's own status for it.
        let output = items.run(&["verify", &option], &["good"]);
        assert_eq!(output.status.code(), Some(2), "{word}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains(&format!("invalid strict option - {word}")),
            "{said}"
        );
    }
    for word in ["s", "symlink", "0", "128x", "0X80", "none", ""] {
        let option = format!("--strict={word}");
        assert_eq!(
            items.status(&["verify", "--style", "codesign", &option], &["good"]),
            0,
            "{word}"
        );
    }
}
