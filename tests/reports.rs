//! Reports beside the main one: `--report FORMAT=FILE`, the summary of a job of GitHub Actions, Markdown, and GitLab's list.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use crate::endings::Items;
use crate::formats::{FORMATS, list, parsed, without_seconds};
use crate::support::bundle::acme;
use crate::support::flip;
use crate::support::program::program;

const COMMANDS: [&str; 3] = ["check --target local", "verify", "assess --type install"];

/// One run writes all reports, each as if it were the only one.
#[test]
fn one_run_writes_every_report() {
    let items = Items::new();
    for command in COMMANDS {
        for operands in ["good", "broken unsigned good", "missing broken"] {
            let wanted = FORMATS.map(|format| format!("--report {format}=report.{format}"));
            let run = format!(
                "$S {command} --at 2026-11-24 --format json {} {operands}",
                wanted.join(" ")
            );
            let (status, out, _) = items.bash(&run);
            for format in FORMATS {
                let run = format!("$S {command} --at 2026-11-24 --format {format} {operands}");
                let (alone, expected, _) = items.bash(&run);
                assert_eq!(status, alone, "{command} {format} {operands}");
                let report = fs::read_to_string(items.path(&format!("report.{format}"))).unwrap();
                let (report, expected) = (without_seconds(&report), without_seconds(&expected));
                assert_eq!(report, expected, "{command} {format} {operands}");
                assert!(
                    format != "json" || report == without_seconds(&out),
                    "{command} {operands}"
                );
            }
        }
    }
    // A file is ours also where the output is that of Apple's tools.
    let (_, out, error) = items.bash("$S verify --style codesign -v --report human=own good");
    assert_eq!(out, "", "{error}");
    let own = fs::read_to_string(items.path("own")).unwrap();
    assert!(own.starts_with("good: valid on disk\n"), "{own}");
}

/// A report that cannot be written changes nothing about the judging, but the run is not good; the other reports are written,
/// and the main one has the exit status of the program.
#[test]
fn a_report_that_cannot_be_written_is_not_good() {
    let items = Items::new();
    for place in ["/dev/full", "no/folder", "."] {
        for format in FORMATS {
            for (item, expected) in [("good", 4), ("broken", 1)] {
                let _ = fs::remove_file(items.path("other"));
                let run = format!(
                    "$S check --target local --format json --report {format}={place} --report jsonl=other {item}"
                );
                let (status, out, error) = items.bash(&run);
                // A good item has no annotations, so nothing is lost on a full disk.
                let nothing = format == "github" && item == "good" && place == "/dev/full";
                let expected = if nothing { 0 } else { expected };
                assert_eq!(status, expected, "{place} {format} {item}: {error}");
                assert!(
                    nothing || error.contains(": cannot write the report: "),
                    "{error}"
                );
                assert_eq!(
                    parsed(&out)["summary"]["exit_status"],
                    status,
                    "{place} {format} {item}"
                );
                assert!(parsed(&fs::read_to_string(items.path("other")).unwrap())["path"].is_string());
            }
        }
    }
}

/// Of two reports in one file, the second would replace the first; nothing is judged or touched.
#[test]
fn two_reports_in_one_file_are_wrong_usage() {
    let items = Items::new();
    fs::write(items.path("old"), "old").unwrap();
    symlink("old", items.path("link")).unwrap();
    fs::create_dir(items.path("folder")).unwrap();
    for reports in [
        "--report json=old --report sarif=old",
        "--output old --report sarif=./old",
        "--output link --report sarif=old",
        "--report json=folder/../old --report sarif=old",
        "--report json=new --report sarif=folder/../new",
    ] {
        let (status, out, error) = items.bash(&format!("$S {reports} good"));
        assert_eq!((status, out.as_str()), (2, ""), "{reports}: {error}");
        assert!(error.contains("named for two reports"), "{reports}: {error}");
        assert_eq!(fs::read_to_string(items.path("old")).unwrap(), "old", "{reports}");
        assert!(!items.path("new").exists(), "{reports}");
    }
    let nowhere = "$S verify --report json=/dev/null --report sarif=/dev/null good";
    assert_eq!(items.bash(nowhere).0, 0);
    for wrong in ["json", "json=", "=x", "xml=x", "JSON=x"] {
        let (status, _, error) = items.bash(&format!("$S --report {wrong} good"));
        assert_eq!(status, 2, "{wrong}");
        assert!(
            error.contains("FORMAT=FILE is wanted, with one of these formats: human, json,"),
            "{error}"
        );
    }
    let (status, _, error) = items.bash("$S --source-root old good");
    assert_eq!(status, 2);
    assert!(error.contains("--source-root: old: not a folder"), "{error}");
    assert_eq!(items.bash("$S --source-root missing good").0, 2);
}

/// GitHub Actions shows what a step appends to the file in `GITHUB_STEP_SUMMARY`; with `--format github`, that is the report in
/// Markdown.
#[test]
fn annotations_come_with_a_summary_of_the_job() {
    let items = Items::new();
    let summary = || fs::read_to_string(items.path("summary")).unwrap_or_default();
    let set = "export GITHUB_STEP_SUMMARY=summary;";
    fs::write(items.path("summary"), "of a step before\n\n").unwrap();
    let mut expected = summary();
    for command in COMMANDS {
        for operands in ["good", "broken missing"] {
            let (_, markdown, _) = items.bash(&format!("$S {command} --format markdown {operands}"));
            let (_, alone, _) = items.bash(&format!("$S {command} --format github {operands}"));
            let (_, out, _) = items.bash(&format!("{set} $S {command} --format github {operands}"));
            assert_eq!(out, alone, "{command} {operands}");
            expected.push_str(&markdown);
            assert_eq!(summary(), expected, "{command} {operands}");
        }
    }
    // Other formats have none, nor has a pipeline that is not GitHub's.
    for run in [
        "$S --format sarif good",
        "$S --format json --report github=more good",
    ] {
        items.bash(&format!("{set} {run}"));
        assert_eq!(summary(), expected, "{run}");
    }
    assert_eq!(
        items
            .bash("export GITHUB_STEP_SUMMARY=; $S verify --format github good")
            .0,
        0
    );
    for (item, status) in [("good", 4), ("broken", 1)] {
        for place in ["/dev/full", "no/folder"] {
            let run = format!("export GITHUB_STEP_SUMMARY={place}; $S verify --format github {item}");
            let (found, _, error) = items.bash(&run);
            assert_eq!(found, status, "{place} {item}: {error}");
            assert!(error.contains(": cannot write the report: "), "{error}");
        }
    }
}

fn run(folder: &Path, format: &str, arguments: &[&str]) -> (String, i32) {
    let mut command = program();
    command.args(["check", "--format", format]);
    if !arguments.contains(&"--target") {
        command.args(["--target", "local"]);
    }
    let output = command.args(arguments).current_dir(folder).output().unwrap();
    (
        String::from_utf8(output.stdout).unwrap(),
        output.status.code().unwrap(),
    )
}

/// Names of files are somebody else's: none is a heading, a table, HTML, a link, or a mention of a person (`@`), which GitHub
/// makes in plain text.
#[test]
fn nothing_in_markdown_is_interpreted() {
    let folder = tempfile::tempdir().unwrap();
    let name = "@acme|<b>`x` *y* #1 [z](http://a)";
    let app = acme(&folder.path().join(name));
    flip(&app.join("Contents/MacOS/Acme"), 0x5010);
    fs::write(app.join("Contents/Resources/\n# heading <img>"), b"x").unwrap();
    let (text, status) = run(folder.path(), "markdown", &["."]);
    assert_eq!(status, 1);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "# sealcheck: 1 item, 1 failed");
    assert_eq!(
        lines.iter().filter(|line| line.starts_with('#')).count(),
        2,
        "{text}"
    );
    // Text outside of code: between fences and code spans.
    let mut is_block = false;
    for line in lines {
        let is_fence = line.trim_start().starts_with("```");
        is_block ^= is_fence;
        if is_block || is_fence {
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find('`') {
            let (before, code) = rest.split_at(at);
            assert!(
                !before.contains(['@', '<', '[', '#']) || before.starts_with('#'),
                "{line}"
            );
            let fence = code.len() - code.trim_start_matches('`').len();
            let fence = &code[..fence];
            let inner = &code[fence.len()..];
            // The end of a span is a run of the same length.
            let mut from = 0;
            let end = loop {
                let at = from
                    + inner[from..]
                        .find(fence)
                        .unwrap_or_else(|| panic!("open: {line}"));
                let run = inner[at..].len() - inner[at..].trim_start_matches('`').len();
                if run == fence.len() {
                    break at;
                }
                from = at + run;
            };
            assert!(
                !line.starts_with('|') || !inner[..end].replace("\\|", "").contains('|'),
                "{line}"
            );
            rest = &inner[end + fence.len()..];
        }
        assert!(!rest.contains(['@', '<', '[']), "{line}");
    }
    assert!(!is_block);
    assert!(
        text.contains("**Repair:** ") && text.contains("\n  ```sh\n  codesign -f "),
        "{text}"
    );
}

/// GitHub takes comments of 65,536 characters at most. Notes and warnings are left out before errors, good items before others,
/// and what is left out is counted.
#[test]
fn markdown_fits_into_a_comment() {
    let folder = tempfile::tempdir().unwrap();
    for index in 0..150 {
        let name = format!("{index:03} {}", "long name of a folder ".repeat(8));
        let app = acme(&folder.path().join(name));
        if index == 149 {
            flip(&app.join("Contents/Resources/config.json"), 0);
        }
    }
    let (text, status) = run(folder.path(), "markdown", &["--target", "developer-id", "."]);
    assert_eq!(status, 1);
    assert!(text.len() < 65_536 && text.len() > 30_000, "{}", text.len());
    assert!(
        text.contains("more items: the other formats have all of them."),
        "{text}"
    );
    assert!(
        text.contains("more problems: the other formats have all of them."),
        "{text}"
    );
    let (text, _) = run(folder.path(), "markdown", &["."]);
    assert!(
        text.contains("sealed-resource-broken") && text.contains("| **failed** | `./149 "),
        "{text}"
    );
}

fn issues(text: &str) -> Vec<Value> {
    let report = parsed(text);
    let issues = report.as_array().unwrap().clone();
    let mut marks = BTreeSet::new();
    for issue in &issues {
        for field in ["description", "check_name", "fingerprint"] {
            assert!(!issue[field].as_str().unwrap().is_empty(), "{issue:#}");
        }
        let severity = issue["severity"].as_str().unwrap();
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&severity));
        assert_eq!(issue["location"]["lines"]["begin"], 1);
        let path = issue["location"]["path"].as_str().unwrap();
        assert!(!path.is_empty() && !path.starts_with("./"), "{issue:#}");
        // GitLab shows one of several issues with the same fingerprint.
        assert!(
            marks.insert(issue["fingerprint"].as_str().unwrap().to_owned()),
            "{issue:#}"
        );
    }
    issues
}

/// GitLab's documentation of its code quality report names the fields; places are relative to the root of the repository.
#[test]
fn gitlab_gets_an_issue_for_every_problem() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(&folder.path().join("build/out dir"));
    acme(&folder.path().join("other"));
    let (text, status) = run(folder.path(), "gitlab", &["build", "other"]);
    assert_eq!((text.as_str(), status), ("[]\n", 0));
    flip(&app.join("Contents/Resources/config.json"), 0);
    flip(
        &folder
            .path()
            .join("other/Acme.app/Contents/Resources/config.json"),
        0,
    );
    let found = issues(&run(folder.path(), "gitlab", &["build", "other"]).0);
    let paths: Vec<_> = found
        .iter()
        .map(|issue| issue["location"]["path"].as_str().unwrap())
        .collect();
    let file = "Acme.app/Contents/Resources/config.json";
    assert_eq!(paths, [format!("build/out dir/{file}"), format!("other/{file}")]);
    assert!(
        found.iter().all(|issue| issue["severity"] == "critical"),
        "{found:#?}"
    );
    let below = ["--source-root", "..", "../build", "Acme.app"];
    let again = issues(&run(&folder.path().join("other"), "gitlab", &below).0);
    // The commands of a repair name the item as the user did.
    let marks = |issues: &[Value]| -> Vec<Value> {
        let marks = issues.iter().map(|issue| issue["fingerprint"].clone());
        marks.collect()
    };
    assert_eq!(marks(&again), marks(&found));
    let report = parsed(&run(folder.path(), "json", &["build", "other"]).0);
    let findings: usize = list(&report, "/items")
        .iter()
        .map(|item| item["findings"].as_array().unwrap().len())
        .sum();
    assert_eq!(found.len(), findings);
    // An empty list says that all is good, so nothing that was not judged may have one.
    fs::write(folder.path().join("x.dmg"), [b"koly", &[0; 508][..]].concat()).unwrap();
    for operand in ["x.dmg", "missing"] {
        let (text, status) = run(folder.path(), "gitlab", &[operand]);
        assert_eq!(status, 4, "{operand}");
        assert!(
            issues(&text).iter().any(|issue| issue["severity"] == "critical"),
            "{text}"
        );
    }
}
