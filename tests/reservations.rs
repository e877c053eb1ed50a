//! What a verdict leaves out or takes for granted is shown in every command and format.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use crate::command_line::{sealcheck, stdout};
use crate::support::flat;
use crate::support::foundry::{app, apple, framework, tool};

/// What a command prints about an item, and its exit status.
fn run(command: &str, options: &[&str], item: &Path) -> (i32, String) {
    let root = item.with_file_name("root.der");
    fs::write(&root, &apple().root.der).unwrap();
    let fixed = [command, "--at=2026-06-15", "--target=local", "--apple-anchor"];
    let mut arguments: Vec<&OsStr> = fixed.iter().map(OsStr::new).collect();
    arguments.push(root.as_os_str());
    arguments.extend(options.iter().map(OsStr::new));
    arguments.push(item.as_os_str());
    let output = sealcheck(&arguments);
    (output.status.code().unwrap(), stdout(&output))
}

/// Every option that leaves out a part of `codesign --verify --deep --strict`, with the sentence about it.
const OPTIONS: [(&str, &str); 6] = [
    (
        "--no-deep",
        "pages and resources of nested code were not verified",
    ),
    (
        "--ignore-resources",
        "resources and nested code were not verified",
    ),
    ("--no-strict", "strict rules were not applied"),
    (
        "--strict=symlinks",
        "resource forks and Finder information were not looked for",
    ),
    ("--strict=sideband", "the destinations of links were not verified"),
    ("--arch=arm64", "only the slice for arm64 was verified"),
];

/// `codesign` itself says "not all contents verified" at most.
#[test]
fn what_the_options_leave_out_is_shown() {
    let built = app("com.example.acme")
        .nested("Helpers/helper", tool("com.example.acme.helper"))
        .built();
    for (option, said) in OPTIONS {
        for command in ["check", "verify"] {
            for format in ["human", "json", "jsonl", "sarif", "github", "gitlab", "markdown"] {
                let format = format!("--format={format}");
                let (status, text) = run(command, &[option, &format], &built.path);
                assert_eq!(status, 0, "{command} {option} {format}: {text}");
                let flat = flat(&text);
                assert!(flat.contains(said), "{command} {option} {format}: {text}");
                let (_, whole) = run(command, &[&format], &built.path);
                assert!(!whole.contains(said), "{command} {format}: {whole}");
            }
        }
    }
}

/// The version of a framework that the caller chose is not the one that macOS loads.
#[test]
fn the_version_that_was_chosen_is_shown() {
    let built = framework("com.example.parts").built();
    let (status, text) = run("verify", &["--bundle-version=A"], &built.path);
    assert_eq!(status, 0, "{text}");
    assert!(
        text.contains("only version A was verified (--bundle-version)"),
        "{text}"
    );
}

/// Strict validation allows sealed links to /Library and /System, and macOS opens them (`validateSymlinkResource`, and
/// the `open` of every resource). Whether there is anything is not known here.
#[test]
fn links_out_of_the_item_are_assumed_to_lead_somewhere() {
    let folder = tempfile::tempdir().unwrap();
    let item = folder.path().join("acme.app");
    let resources = item.join("Contents/Resources");
    fs::create_dir_all(&resources).unwrap();
    symlink("/Library/Example/data", resources.join("data")).unwrap();
    app("com.example.acme").write(&item);
    let said = "leads to /Library/Example/data, which is assumed to exist on the Mac";
    for command in ["check", "verify", "assess"] {
        for format in ["human", "json", "sarif"] {
            let format = format!("--format={format}");
            let (_, text) = run(command, &[&format], &item);
            let flat = flat(&text);
            assert!(flat.contains(said), "{command} {format}: {text}");
        }
    }
    let (status, text) = run("check", &["--format=json"], &item);
    assert_eq!(status, 0, "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    let reservation = &report["items"][0]["codesign"]["reservations"][0];
    assert_eq!(reservation["path"], "Contents/Resources/data", "{report:#}");
    let finding = &report["items"][0]["findings"][0];
    assert_eq!(
        (finding["rule"].as_str(), finding["severity"].as_str()),
        (Some("not-all-verified"), Some("note"))
    );
    // A link in the item needs no assumption.
    fs::remove_file(resources.join("data")).unwrap();
    symlink("../Info.plist", resources.join("data")).unwrap();
    app("com.example.acme").write(&item);
    let (_, text) = run("check", &["--format=json"], &item);
    assert!(!text.contains("not-all-verified"), "{text}");
}
