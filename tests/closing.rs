//! The end of a report: what still counts although it is known, what does not count, and what was left out; in every format.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::foundry::{By, app};
use crate::support::program::program;
use crate::support::{copied_app, flat};

fn run(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let mut command = program();
    command.args(words).current_dir(folder).env("LC_ALL", "C.UTF-8");
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn broken_app() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let app = copied_app(folder.path(), "Acme.app");
    fs::write(app.join("Contents/Resources/one.txt"), "1").unwrap();
    fs::write(app.join("Contents/Resources/two.txt"), "2").unwrap();
    folder
}

/// A baseline keeps findings out of the report, and changes no verdict: the last lines say what makes the run fail.
#[test]
fn a_known_failure_says_what_still_counts() {
    let folder = broken_app();
    let counts = "counts ✗ the codesign verdict";
    for words in [
        &["--write-baseline", "known.json", "Acme.app"][..],
        &["--baseline", "known.json", "Acme.app"],
        &["--baseline", "known.json", "-q", "Acme.app"],
        &["--ignore", "sealed-resource-broken", "Acme.app"],
        &["--baseline", "known.json", "Acme.app", "Acme.app"],
    ] {
        let (status, text) = run(folder.path(), words);
        assert_eq!(status, Some(1), "{words:?}");
        assert!(
            flat(&text).contains(counts) && flat(&text).contains("(exit status 1)"),
            "{words:?}: {text}"
        );
    }
    let (_, text) = run(folder.path(), &["Acme.app"]);
    assert!(!flat(&text).contains("counts ✗"), "{text}");
}

/// What Gatekeeper rejects does not make an item fail where no finding is an error: the mark, the words and the exit status agree.
#[test]
fn a_rejection_that_does_not_count_has_no_red_mark() {
    let folder = tempfile::tempdir().unwrap();
    app("com.example.acme")
        .by(By::Adhoc)
        .write(&folder.path().join("Acme.app"));
    let (status, text) = run(folder.path(), &["--write-baseline", "known.json", "Acme.app"]);
    assert_eq!(status, Some(0), "{text}");
    for words in [
        &["--baseline", "known.json", "Acme.app"][..],
        &["--target", "local", "Acme.app"],
        &["--ignore", "adhoc-signed", "Acme.app"],
        &["--baseline", "known.json", "Acme.app", "Acme.app"],
    ] {
        let (status, text) = run(folder.path(), words);
        if status != Some(0) {
            assert!(text.contains("error"), "{words:?}: {text}");
            continue;
        }
        assert!(!text.contains('✗'), "{words:?}: {text}");
        let words_of = flat(&text);
        let is_said = words_of.contains("does not count")
            || words_of.contains("not asked")
            || words_of.contains("not counted");
        assert!(is_said, "{words:?}: {text}");
    }
    // Without decisions it counts.
    let (status, text) = run(folder.path(), &["Acme.app"]);
    assert!(status == Some(1) && text.contains("gatekeeper  ✗"), "{text}");
}

/// Every format names an item that the configuration leaves out.
#[test]
fn every_format_names_what_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    copied_app(folder.path(), "Good.app");
    copied_app(folder.path(), "Other.app");
    let config = "[[ignore]]\nitem = \"Other.app\"\nreason = \"made elsewhere\"\n";
    fs::write(folder.path().join("sealcheck.toml"), config).unwrap();
    for format in [
        "human", "json", "jsonl", "sarif", "github", "gitlab", "junit", "markdown",
    ] {
        for quiet in [&[][..], &["-q"]] {
            let (status, text) = run(folder.path(), &[&["--format", format], quiet, &["."]].concat());
            assert_eq!(status, Some(0), "{format}");
            assert!(
                text.contains("Other.app") && text.contains("made elsewhere"),
                "{format}: {text}"
            );
            assert!(text.contains("sealcheck.toml:1"), "{format}: {text}");
        }
    }
}

/// Code scanning, GitLab and annotations have an entry for each file that was added, changed or removed, and it stays when another file
/// is repaired.
#[test]
fn every_changed_file_has_an_entry() {
    let folder = broken_app();
    let places = || {
        let (_, text) = run(folder.path(), &["--format", "sarif", "Acme.app"]);
        let report: Value = serde_json::from_str(&text).unwrap();
        let results = report["runs"][0]["results"].as_array().unwrap().clone();
        let of = results
            .iter()
            .filter(|result| result["ruleId"] == "sealed-resource-broken");
        let entry = |result: &Value| {
            let place = result
                .pointer("/locations/0/physicalLocation/artifactLocation/uri")
                .unwrap();
            let mark = result
                .pointer("/partialFingerprints/primaryLocationLineHash")
                .unwrap();
            [place, mark].map(|value| value.as_str().unwrap().to_owned())
        };
        of.map(entry).collect::<Vec<_>>()
    };
    let both = places();
    let files = [
        "Acme.app/Contents/Resources/one.txt",
        "Acme.app/Contents/Resources/two.txt",
    ];
    assert_eq!(
        both.iter().map(|entry| entry[0].as_str()).collect::<Vec<_>>(),
        files
    );
    let (_, text) = run(folder.path(), &["--format", "github", "Acme.app"]);
    assert!(
        files
            .iter()
            .all(|file| text.contains(&format!("::error file={file}"))),
        "{text}"
    );
    let (_, text) = run(folder.path(), &["--format", "gitlab", "Acme.app"]);
    assert!(
        files
            .iter()
            .all(|file| text.contains(&format!("\"path\":\"{file}\""))),
        "{text}"
    );
    fs::remove_file(folder.path().join(files[0])).unwrap();
    assert_eq!(places(), both[1..]);
}
