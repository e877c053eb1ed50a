//! Every way in which a run can end, and its exit status.

use std::process::{Command, Output};

use serde_json::Value;

use crate::support::bundle::write_executable;
use crate::support::flip;
use crate::support::foundry::{By, tool};
use crate::support::macho::arm64;

/// One item of each kind: `good`, `broken` (a page was changed), `unsigned`, and `missing`, which is not there.
struct Items {
    folder: tempfile::TempDir,
}

impl Items {
    fn new() -> Self {
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

    /// The exit status of a command about these items.
    fn status(&self, command: &[&str], names: &[&str]) -> i32 {
        self.run(command, names).status.code().unwrap()
    }

    fn run(&self, command: &[&str], names: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_sealcheck"))
            .args(command)
            .args(names)
            .current_dir(self.folder.path())
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap()
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
        &["check", "--target", "local", "-R", "never"][..],
        &["verify", "-R", "never"],
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
    let command = ["verify", "--style", "codesign", "-R", "never"];
    assert_eq!(items.status(&command, &["good", "broken", "unsigned"]), 3);
    assert_eq!(items.status(&command, &["broken", "good"]), 1);
    let command = ["inspect", "--style", "codesign"];
    assert_eq!(items.status(&command, &["missing", "unsigned"]), 4);
    assert_eq!(items.status(&command, &["unsigned", "missing"]), 1);
    assert_eq!(items.status(&command, &["good", "unsigned"]), 1);
}
