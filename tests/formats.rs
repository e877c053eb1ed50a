//! Reports in the formats that pipelines read: JUnit, annotations, JSON lines. `sarif` is about SARIF.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use crate::command_line::{sealcheck, stdout};
use crate::support::bundle::acme;
use crate::support::{flip, project, real_app};

pub const FORMATS: [&str; 8] = [
    "human", "json", "jsonl", "sarif", "github", "gitlab", "junit", "markdown",
];

pub fn run(command: &str, format: &str, more: &[&str], paths: &[PathBuf]) -> (String, i32) {
    let mut arguments: Vec<OsString> = [command, "--format", format, "--at", "2026-11-24"]
        .iter()
        .chain(more)
        .map(OsString::from)
        .collect();
    arguments.extend(paths.iter().map(|path| path.clone().into_os_string()));
    let output = sealcheck(&arguments);
    (stdout(&output), output.status.code().unwrap())
}

/// Good, broken, unsigned, and not there.
pub fn items(folder: &Path) -> Vec<PathBuf> {
    let broken = acme(folder);
    flip(&broken.join("Contents/Resources/config.json"), 0);
    flip(&broken.join("Contents/MacOS/Acme"), 0x5010);
    vec![
        real_app(),
        broken,
        project().join("README.md"),
        folder.join("nothing, there: 100%"),
    ]
}

pub fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub fn list<'v>(value: &'v Value, pointer: &str) -> &'v Vec<Value> {
    value.pointer(pointer).and_then(Value::as_array).unwrap()
}

/// Names of elements with their attribute `name`, in order; fails where the document is not well-formed.
fn elements(xml: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();
    let mut depth = 0;
    loop {
        let event = reader.read_event().unwrap();
        let (Event::Start(element) | Event::Empty(element)) = &event else {
            match event {
                Event::End(_) => depth -= 1,
                Event::Eof => break,
                _ => {}
            }
            continue;
        };
        depth += i32::from(matches!(event, Event::Start(_)));
        let mut name = String::new();
        for attribute in element.attributes() {
            let attribute = attribute.unwrap();
            if attribute.key.as_ref() == "name" {
                name = attribute.value.to_string();
            }
        }
        found.push((element.name().as_ref().to_owned(), name));
    }
    assert_eq!(depth, 0);
    found
}

/// The first of the findings of each item that say the same: the others are the same problem in other files and architectures.
pub fn problems(report: &Value) -> Vec<&Value> {
    distinct(report, &["rule", "severity", "message"])
}

/// The first of the findings that say the same of one file: the others are the same in other architectures.
pub fn problems_by_file(report: &Value) -> Vec<&Value> {
    distinct(report, &["rule", "severity", "message", "path"])
}

fn distinct<'v>(report: &'v Value, fields: &[&str]) -> Vec<&'v Value> {
    let mut found = Vec::new();
    for item in list(report, "/items") {
        let mut seen = Vec::new();
        for finding in item["findings"].as_array().unwrap() {
            let has_places = finding["detail"]
                .as_object()
                .unwrap()
                .values()
                .any(Value::is_array);
            let key: Vec<&Value> = fields.iter().map(|field| &finding[*field]).collect();
            if has_places || !seen.contains(&key) {
                found.push(finding);
            }
            seen.push(key);
        }
    }
    found
}

#[test]
fn junit_fails_what_failed_and_passes_nothing_unchecked() {
    let folder = tempfile::tempdir().unwrap();
    let items = items(folder.path());
    for command in ["check", "verify", "assess"] {
        for (index, item) in items.iter().enumerate() {
            let (xml, status) = run(command, "junit", &[], std::slice::from_ref(item));
            let found = elements(&xml);
            let count = |element: &str| found.iter().filter(|(name, _)| name == element).count();
            assert_eq!(count("testsuite"), 1, "{xml}");
            assert_eq!(
                count("failure") + count("error") > 0,
                status != 0,
                "{command} {index}, status {status}: {xml}"
            );
            let is_passed =
                found.contains(&("testcase".to_owned(), "verdict".to_owned())) && count("error") == 0;
            assert_eq!(is_passed, status == 0, "{command} {index}: {xml}");
        }
    }
    let report = parsed(&run("check", "json", &[], &items).0);
    let errors = problems(&report);
    let errors = errors
        .iter()
        .filter(|finding| finding["severity"] == "error")
        .count();
    let xml = run("check", "junit", &[], &items).0;
    assert_eq!(
        elements(&xml)
            .iter()
            .filter(|(name, _)| name == "failure")
            .count(),
        errors
    );
}

/// Every attribute of an element, in order.
fn attributes(xml: &str, wanted: &str) -> Vec<Vec<(String, String)>> {
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) if element.name().as_ref() == wanted => {
                let attributes = element.attributes().map(|attribute| {
                    let attribute = attribute.unwrap();
                    (attribute.key.as_ref().to_owned(), attribute.value.to_string())
                });
                found.push(attributes.collect());
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

/// Maven Surefire's schema requires a time of every test case; that of Jenkins knows these attributes and no others.
#[test]
fn every_test_case_has_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let items = items(folder.path());
    for command in ["check", "verify", "assess"] {
        let (xml, _) = run(command, "junit", &[], &items);
        let seconds = |attributes: &[(String, String)]| -> f64 {
            let (_, time) = attributes.iter().find(|(name, _)| name == "time").unwrap();
            let (_, digits) = time.split_once('.').unwrap();
            assert_eq!(digits.len(), 3, "{time}");
            time.parse().unwrap()
        };
        let sum = |element: &str| -> f64 { attributes(&xml, element).iter().map(|all| seconds(all)).sum() };
        let (cases, suites, all) = (sum("testcase"), sum("testsuite"), sum("testsuites"));
        assert!(cases > 0.0, "{command}: {xml}");
        assert!(
            (cases - suites).abs() < 0.01 && (suites - all).abs() < 0.01,
            "{command}: {xml}"
        );
        let names = |element: &str| -> Vec<String> {
            let first = attributes(&xml, element).remove(0);
            first.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(
            names("testsuites"),
            ["name", "tests", "failures", "errors", "time"]
        );
        assert_eq!(
            names("testsuite"),
            ["name", "tests", "failures", "errors", "skipped", "time"]
        );
        assert_eq!(names("testcase"), ["name", "classname", "time"]);
        // Neither schema has output beside test cases.
        assert!(!xml.contains("\n    <system-out>"), "{xml}");
    }
}

/// Readers join suites and test cases of the same name. An item that the operands name twice, or a container in which several
/// things cannot be read, has one suite.
#[test]
fn nothing_is_twice_in_junit() {
    let folder = tempfile::tempdir().unwrap();
    let mut items = items(folder.path());
    let twice = [
        crate::support::zip::Member::file("x", b"1"),
        crate::support::zip::Member::file("x", b"2"),
    ];
    let archive = folder.path().join("twice.zip");
    std::fs::write(&archive, crate::support::zip::zip(&twice)).unwrap();
    std::fs::write(folder.path().join("cut.zip"), b"PK\x03\x04 and no more").unwrap();
    items.extend([archive, folder.path().join("cut.zip")]);
    items.extend(items.clone());
    items.push(folder.path().to_owned());
    for command in ["check", "verify", "assess"] {
        let xml = run(command, "junit", &[], &items).0;
        let names = elements(&xml);
        let suites: Vec<_> = names
            .iter()
            .filter(|(element, _)| element == "testsuite")
            .collect();
        let distinct: std::collections::BTreeSet<_> = suites.iter().collect();
        assert_eq!(suites.len(), distinct.len(), "{command}: {xml}");
        let cases: Vec<_> = attributes(&xml, "testcase");
        let distinct: std::collections::BTreeSet<_> = cases.iter().map(|case| &case[..2]).collect();
        assert_eq!(cases.len(), distinct.len(), "{command}: {xml}");
        let (once, _) = run(command, "junit", &[], &items[..6]);
        assert_eq!(without_seconds(&xml), without_seconds(&once), "{command}");
    }
}

#[test]
fn annotations_name_files_and_repairs() {
    let folder = tempfile::tempdir().unwrap();
    let items = items(folder.path());
    let text = run("check", "github", &["--target", "local"], &items).0;
    let broken = items[1].join("Contents/Resources/config.json");
    let line = text
        .lines()
        .find(|line| line.contains("title=sealcheck sealed-resource-broken::"))
        .unwrap();
    assert!(line.starts_with("::error file="), "{line}");
    assert!(line.contains("%0ARepair: "), "{line}");
    assert!(
        text.contains(broken.parent().unwrap().parent().unwrap().to_str().unwrap()),
        "{text}"
    );
    assert!(text.contains("nothing%2C there%3A 100%25"), "{text}");
    assert!(text.lines().all(|line| {
        ["::error ", "::warning ", "::notice "]
            .iter()
            .any(|start| line.starts_with(start))
    }));
}

#[test]
fn each_json_line_is_an_item_of_the_json_report() {
    let folder = tempfile::tempdir().unwrap();
    let items = items(folder.path());
    let report = parsed(&run("check", "json", &[], &items).0);
    let text = run("check", "jsonl", &[], &items).0;
    let lines: Vec<Value> = text.lines().map(parsed).collect();
    assert_eq!(lines.len(), items.len());
    for (line, item) in lines.iter().zip(list(&report, "/items")) {
        assert_eq!(
            (&line["schema_version"], &line["options"]),
            (&report["schema_version"], &report["options"])
        );
        for (field, value) in item.as_object().unwrap() {
            if field != "stats" {
                assert_eq!(&line[field], value, "{field}");
            }
        }
    }
    assert!(lines[3]["error"].is_string());
}

/// How long it took is the one thing that differs from run to run.
pub fn without_seconds(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        // JUnit.
        if let Some((before, after)) = line.split_once(" time=\"") {
            let (_, after) = after.split_once('"').unwrap();
            line = format!("{before}{after}");
        }
        let end = line.find("\"seconds\":").or(line.find(" of code in "));
        let end = end.unwrap_or(line.len());
        out.push_str(&line[..end]);
        // In a line of JSON only the ends of objects follow.
        out.push_str(line[end..].trim_start_matches(|found: char| found != '}'));
        out.push('\n');
    }
    out
}

#[test]
fn reports_are_the_same_for_one_job_and_eight() {
    let folder = tempfile::tempdir().unwrap();
    let items = items(folder.path());
    for command in ["check", "verify", "assess"] {
        for format in FORMATS {
            let one = run(command, format, &["--jobs", "1"], &items);
            let eight = run(command, format, &["--jobs", "8"], &items);
            assert_eq!(one.1, eight.1);
            assert_eq!(
                without_seconds(&one.0),
                without_seconds(&eight.0),
                "{command} {format}"
            );
        }
    }
}

#[test]
fn the_exit_status_does_not_depend_on_the_format() {
    let folder = tempfile::tempdir().unwrap();
    for item in items(folder.path()) {
        for command in ["check", "verify", "assess"] {
            let all = FORMATS.map(|format| run(command, format, &[], std::slice::from_ref(&item)).1);
            assert!(
                all.iter().all(|status| *status == all[0]),
                "{command} {item:?}: {all:?}"
            );
        }
    }
    let unknown = sealcheck(&[OsStr::new("--format"), OsStr::new("sarf"), real_app().as_os_str()]);
    assert_eq!(unknown.status.code(), Some(2));
}
