//! SARIF as GitHub's code scanning reads it.
//!
//! The reader here takes from a log what "SARIF support for code scanning" (GitHub's documentation) says that code scanning
//! uses, and nothing else: it ignores base ids and notifications, and joins results with the same fingerprint.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::formats::{items, list, parsed, problems_by_file, run};
use crate::support::bundle::acme;
use crate::support::program::program;
use crate::support::zip::{members, zip};
use crate::support::{flip, project, real_app};

/// What code scanning shows of one result.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Alert {
    rule: String,
    level: String,
    /// The decoded path, from the root of the repository; absolute where the result is about something outside.
    path: String,
    line: u64,
    fingerprint: String,
}

/// Reads a text that GitHub requires: it may not be empty.
fn required<'v>(value: &'v Value, pointer: &str) -> &'v str {
    let text = value.pointer(pointer).and_then(Value::as_str);
    let text = text.unwrap_or_else(|| panic!("no {pointer} in {value:#}"));
    assert!(!text.is_empty(), "{pointer}: {value:#}");
    text
}

/// Decodes the percent encoding of a URI.
fn decoded(uri: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = uri.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}

/// Checks a rule as `reportingDescriptor` is documented.
fn check_rule(rule: &Value) {
    assert!(required(rule, "/shortDescription/text").len() <= 1024);
    assert!(required(rule, "/fullDescription/text").len() <= 1024);
    required(rule, "/help/text");
    required(rule, "/help/markdown");
    let level = required(rule, "/defaultConfiguration/level");
    assert!(["note", "warning", "error"].contains(&level));
    let precision = required(rule, "/properties/precision");
    assert!(["very-high", "high", "medium", "low"].contains(&precision));
    let score: f64 = required(rule, "/properties/security-severity").parse().unwrap();
    // From 7.0 on an alert is high, and fails the check of a pull request.
    assert!(score > 0.0 && score < 9.0, "{rule:#}");
    assert_eq!(score >= 7.0, level == "error", "{rule:#}");
    let tags = list(rule, "/properties/tags");
    assert!(tags.contains(&"security".into()) && tags.len() <= 20, "{rule:#}");
}

/// The alerts of a log, each once.
fn alerts(log: &Value) -> BTreeSet<Alert> {
    required(log, "/$schema");
    assert_eq!(log["version"], "2.1.0");
    let runs = list(log, "/runs");
    assert_eq!(runs.len(), 1);
    let driver = &runs[0]["tool"]["driver"];
    assert_eq!(driver["name"], "sealcheck");
    assert!(required(driver, "/semanticVersion").starts_with(|first: char| first.is_ascii_digit()));
    assert!(required(driver, "/informationUri").starts_with("https://"));
    let rules = list(driver, "/rules");
    rules.iter().for_each(check_rule);
    let results = list(&runs[0], "/results").iter();
    let alerts = results.map(|result| {
        let rule = required(result, "/ruleId");
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], rule);
        required(result, "/message/text");
        let location = &list(result, "/locations")[0]["physicalLocation"];
        let uri = required(location, "/artifactLocation/uri");
        assert!(!uri.starts_with('.') && !uri.contains("/./"), "{uri}");
        let path = match uri.split_once("://") {
            Some((scheme, path)) => {
                assert!(scheme == "file" && path.starts_with('/'), "{uri}");
                path
            }
            None => uri,
        };
        let number = |name: &str| location["region"][name].as_u64().unwrap();
        let ends = ["startColumn", "endLine", "endColumn"].map(number);
        assert!(ends.iter().all(|number| *number >= 1), "{result:#}");
        Alert {
            rule: rule.to_owned(),
            level: required(result, "/level").to_owned(),
            path: decoded(path),
            line: number("startLine"),
            fingerprint: required(result, "/partialFingerprints/primaryLocationLineHash").to_owned(),
        }
    });
    let all: Vec<Alert> = alerts.collect();
    let distinct: BTreeSet<Alert> = all.iter().cloned().collect();
    assert_eq!(
        distinct.len(),
        all.len(),
        "code scanning would join some: {all:#?}"
    );
    distinct
}

/// A checkout with a broken app in a sub-folder, its name with a space.
struct Checkout {
    folder: tempfile::TempDir,
}

const APP: &str = "build/out dir/Acme.app";

impl Checkout {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let app = acme(&folder.path().join("build/out dir"));
        flip(&app.join("Contents/Resources/config.json"), 0);
        Self { folder }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    /// Runs `check --format sarif` with these arguments in a folder of the checkout, and with a variable of a pipeline.
    fn log(&self, folder: &str, variable: Option<(&str, &Path)>, arguments: &[&str]) -> Value {
        let mut command = program();
        command.args(["check", "--format", "sarif", "--target", "local"]);
        command.args(arguments).current_dir(self.root().join(folder));
        command.envs(variable);
        let output = command.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            matches!(output.status.code(), Some(1 | 4)),
            "{arguments:?}: {error}"
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The paths of the alerts.
    fn paths(&self, folder: &str, variable: Option<(&str, &Path)>, arguments: &[&str]) -> BTreeSet<String> {
        let alerts = alerts(&self.log(folder, variable, arguments));
        assert!(!alerts.is_empty(), "{arguments:?}");
        alerts.into_iter().map(|alert| alert.path).collect()
    }
}

/// Code scanning places results by their URI alone: it is relative to the root of the repository (`--source-root`), and names
/// the item and the file in it, from wherever the program was started. It never begins with `./`.
#[test]
fn code_scanning_places_every_result() {
    let checkout = Checkout::new();
    let root = checkout.root();
    let seal = format!("{APP}/Contents/Resources/config.json");
    let expected = BTreeSet::from([seal]);
    let elsewhere = tempfile::tempdir().unwrap();
    let absolute = root.join(APP);
    let (absolute, slash) = (absolute.to_str().unwrap(), format!("./{APP}/"));
    symlink(root.join("build/out dir"), elsewhere.path().join("link")).unwrap();
    let linked = elsewhere.path().join("link/Acme.app");
    let program_path = format!("{APP}/Contents/MacOS/Acme");
    for operand in [
        APP,
        absolute,
        slash.as_str(),
        linked.to_str().unwrap(),
        &program_path,
        "build",
    ] {
        assert_eq!(checkout.paths("", None, &[operand]), expected, "{operand}");
    }
    // The pipeline knows the root, and the option knows better.
    let below = "build/out dir";
    let root_text = root.to_str().unwrap();
    for variable in ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"] {
        let set = Some((variable, root.as_path()));
        assert_eq!(checkout.paths(below, set, &["Acme.app"]), expected, "{variable}");
        let wrong = Some((variable, elsewhere.path()));
        let more = ["--source-root", root_text, "Acme.app"];
        assert_eq!(checkout.paths(below, wrong, &more), expected, "{variable}");
    }
    let relative = ["--source-root", "../..", "Acme.app"];
    assert_eq!(checkout.paths(below, None, &relative), expected);
    // Every result of a bundle on disk is about something that is there.
    for alert in alerts(&checkout.log("", None, &[APP])) {
        assert!(root.join(&alert.path).exists(), "{alert:?}");
        assert_eq!(alert.line, 1);
    }
}

/// What is not in the checkout keeps its absolute path, which code scanning leaves as it is.
#[test]
fn results_outside_of_the_sources_are_absolute() {
    let checkout = Checkout::new();
    let root = checkout.root();
    let outside = root.join(APP).join("Contents/Resources/config.json");
    let expected = BTreeSet::from([outside.to_str().unwrap().to_owned()]);
    let elsewhere = tempfile::tempdir().unwrap();
    let set = Some(("GITHUB_WORKSPACE", elsewhere.path()));
    assert_eq!(checkout.paths("", set, &[APP]), expected);
    // The item is the root itself, whose relative path would be empty.
    for path in checkout.paths(APP, None, &["--expect-team", "ABCDE12345", "."]) {
        assert!(path.starts_with(root.join(APP).to_str().unwrap()), "{path}");
    }
}

/// An entry of the configuration that matches nothing is a problem of that file, in that line.
#[test]
fn decisions_are_placed_in_their_file() {
    let checkout = Checkout::new();
    let root = checkout.root();
    let ignore =
        "[[ignore]]\nrule = \"adhoc-signed\"\nreason = \"x\"\nitem = \"Acme.app\"\nexpires = 2020-01-01\n";
    fs::write(root.join("build/sealcheck.toml"), format!("\n\n{ignore}")).unwrap();
    let set = Some(("GITHUB_WORKSPACE", root.as_path()));
    let all = alerts(&checkout.log("build", set, &["out dir"]));
    let unused = all.iter().find(|alert| alert.rule == "unused-ignore").unwrap();
    assert_eq!(
        (unused.path.as_str(), unused.line),
        ("build/sealcheck.toml", 3),
        "{all:?}"
    );
    let said = |format: &str| {
        let mut command = program();
        command.args(["check", "--format", format, "--target", "local", "out dir"]);
        command.envs(set).current_dir(root.join("build"));
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let github = said("github");
    let line = "::warning file=build/sealcheck.toml,line=3,title=sealcheck unused-ignore::";
    assert!(github.contains(line), "{github}");
    assert!(
        github.contains("::notice file=build/sealcheck.toml,title="),
        "{github}"
    );
    let gitlab = said("gitlab");
    let place = "\"location\":{\"path\":\"build/sealcheck.toml\",\"lines\":{\"begin\":3}}";
    assert!(gitlab.contains(place), "{gitlab}");
}

/// An item in a container has the path of both, and so has what cannot be read at all.
#[test]
fn results_in_containers_name_the_container() {
    let checkout = Checkout::new();
    let root = checkout.root();
    let packed = zip(&members(&root.join(APP)));
    fs::write(root.join("build/Acme.zip"), packed).unwrap();
    fs::write(root.join("build/cut.zip"), b"PK\x03\x04 and no more").unwrap();
    fs::remove_dir_all(root.join("build/out dir")).unwrap();
    let paths = checkout.paths(
        "build",
        Some(("GITHUB_WORKSPACE", &root)),
        &["Acme.zip", "cut.zip"],
    );
    let expected = [
        "build/Acme.zip/Acme.app/Contents/Resources/config.json",
        "build/cut.zip",
    ];
    assert_eq!(paths, expected.map(str::to_owned).into());
}

/// Code scanning finds an alert of the last run again by rule, path and fingerprint, and joins what it cannot distinguish.
#[test]
fn fingerprints_distinguish_items_and_outlive_a_checkout() {
    let of = || {
        let checkout = Checkout::new();
        acme(&checkout.root().join("other"));
        flip(
            &checkout
                .root()
                .join("other/Acme.app/Contents/Resources/config.json"),
            0,
        );
        let all: Vec<Alert> = alerts(&checkout.log("", None, &["build", "other"]))
            .into_iter()
            .collect();
        assert!(
            all.iter().any(|alert| alert.path.starts_with("other/")),
            "{all:?}"
        );
        assert!(
            all.iter().any(|alert| alert.path.starts_with("build/")),
            "{all:?}"
        );
        let marks: BTreeSet<_> = all.iter().map(|alert| alert.fingerprint.clone()).collect();
        assert_eq!(marks.len(), all.len());
        all
    };
    assert_eq!(of(), of());
}

/// Rules change when the program changes, not from run to run: code scanning compares logs by them.
#[test]
fn every_log_lists_the_same_rules() {
    let checkout = Checkout::new();
    let rules = |log: &Value| list(log, "/runs/0/tool/driver/rules").clone();
    let broken = rules(&checkout.log("", None, &[APP]));
    let known = crate::command_line::stdout(&crate::command_line::sealcheck(&["rules", "--format", "json"]));
    let known = parsed(&known);
    let ids = |rules: &[Value]| -> BTreeSet<String> {
        let ids = rules.iter().map(|rule| rule["id"].as_str().unwrap().to_owned());
        ids.collect()
    };
    assert!(ids(&broken).is_superset(&ids(known.as_array().unwrap())));
    for command in ["check", "verify", "assess"] {
        let (text, _) = run(command, "sarif", &[], &[real_app()]);
        assert!(rules(&parsed(&text)) == broken, "{command}");
    }
}

/// Code scanning shows results only, so an item without a verdict must be one.
#[test]
fn what_is_not_judged_is_an_alert() {
    let checkout = Checkout::new();
    fs::write(
        checkout.root().join("build/out dir/x.dmg"),
        [b"koly", &[0; 508][..]].concat(),
    )
    .unwrap();
    fs::remove_dir_all(checkout.root().join(APP)).unwrap();
    for operand in ["build", "missing"] {
        let all = alerts(&checkout.log("", None, &[operand]));
        assert!(
            !all.is_empty() && all.iter().any(|alert| alert.level == "error"),
            "{operand}: {all:?}"
        );
    }
}

#[test]
fn sarif_keeps_to_the_published_schema() {
    let schema = std::fs::read(project().join("testdata/schemas/sarif-2.1.0-rtm.5.json")).unwrap();
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let items = items(folder.path());
    for command in ["check", "verify", "assess"] {
        let (text, status) = run(command, "sarif", &[], &items);
        let log = parsed(&text);
        let errors: Vec<_> = validator
            .iter_errors(&log)
            .map(|error| format!("{}: {error}", error.instance_path))
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{command}");
        assert_eq!(log["runs"][0]["invocations"][0]["exitCode"], status, "{command}");
        // One item is not there.
        assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], false);
        assert!(!list(&log, "/runs/0/results").is_empty(), "{command}");
        // What is not there is not passed over.
        let notifications = list(&log, "/runs/0/invocations/0/toolExecutionNotifications");
        let is_unreadable = |found: &&Value| {
            found["message"]["text"]
                .as_str()
                .unwrap()
                .starts_with("cannot be read")
        };
        assert_eq!(notifications.iter().filter(is_unreadable).count(), 1, "{command}");
        let mut wrong = log.clone();
        wrong["runs"][0]["results"][0]["level"] = "fatal".into();
        assert!(!validator.is_valid(&wrong));
    }
}

#[test]
fn sarif_says_what_json_says() {
    let folder = tempfile::tempdir().unwrap();
    let items = items(folder.path());
    let log = parsed(&run("check", "sarif", &[], &items).0);
    let report = parsed(&run("check", "json", &[], &items).0);
    let results = list(&log, "/runs/0/results").iter();
    // The others are about items without a verdict.
    let mut results: Vec<_> = results
        .filter(|result| !result["partialFingerprints"]["sealcheck/v1"].is_null())
        .collect();
    let mut findings = problems_by_file(&report);
    // Every path ends with the empty one of an item, so that one is looked for last.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding["path"].as_str().unwrap().len()));
    for finding in findings {
        let same = results.iter().position(|result| {
            let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str();
            let path = decoded(uri.unwrap());
            result["ruleId"] == finding["rule"]
                && result["level"] == finding["severity"]
                && path.ends_with(finding["path"].as_str().unwrap())
        });
        results.remove(same.unwrap_or_else(|| panic!("{finding:#}")));
    }
    assert!(results.is_empty(), "{results:#?}");
    let unknown: usize = list(&report, "/items")
        .iter()
        .map(|item| item["unknown"].as_array().unwrap().len())
        .sum();
    let notifications = list(&log, "/runs/0/invocations/0/toolExecutionNotifications");
    assert!(notifications.len() > unknown);
}

#[test]
fn fingerprints_outlive_a_build() {
    let of = |offset: usize| -> Vec<Value> {
        let folder = tempfile::tempdir().unwrap();
        let app = acme(folder.path());
        flip(&app.join("Contents/MacOS/Acme"), offset);
        let log = parsed(&run("check", "sarif", &["--target", "local"], &[app]).0);
        let results = list(&log, "/runs/0/results");
        results
            .iter()
            .map(|found| found["partialFingerprints"]["sealcheck/v1"].clone())
            .collect()
    };
    let first = of(0x5010);
    assert!(!first.is_empty() && first[0].as_str().unwrap().len() == 64);
    assert_eq!(first, of(0x5010 + 8));
}

/// A problem of a key of Info.plist is at the line of the key, in every format that has lines. A binary list has none.
#[test]
fn problems_of_an_info_plist_have_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    let path = app.join("Contents/Info.plist");
    let keys = [
        ("CFBundleIdentifier", "com.example.acme"),
        ("CFBundleExecutable", "Acme"),
        ("CFBundlePackageType", "BNDL"),
    ];
    let keys = keys.map(|(key, value)| format!("\t<key>{key}</key>\n\t<string>{value}</string>\n"));
    let keys = keys.concat();
    let text = format!("<?xml version=\"1.0\"?>\n<plist version=\"1.0\">\n<dict>\n{keys}</dict>\n</plist>\n");
    fs::write(&path, &text).unwrap();
    let paths = std::slice::from_ref(&app);
    let line = || {
        let log = parsed(&run("check", "sarif", &[], paths).0);
        let found = alerts(&log)
            .into_iter()
            .find(|alert| alert.rule == "package-type-wrong");
        let found = found.unwrap_or_else(|| panic!("{log:#}"));
        assert!(found.path.ends_with("Acme.app/Contents/Info.plist"), "{found:?}");
        found.line
    };
    assert_eq!(line(), 8);
    let annotations = run("check", "github", &[], paths).0;
    let annotation = annotations
        .lines()
        .find(|line| line.contains("package-type-wrong"));
    assert!(annotation.unwrap().contains(",line=8,"), "{annotations}");
    let list = plist::Value::from_reader(std::io::Cursor::new(&text)).unwrap();
    list.to_file_binary(&path).unwrap();
    assert_eq!(line(), 1);
}
