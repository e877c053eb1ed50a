//! What a project decides about findings: severities, ignores, baselines. Verdicts never change by it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use sealcheck::finding::{Place, Severity, Target};
use sealcheck::rule::{Advice, Advised, Expectations, Ignore, Pattern, Policy, Suppression, Unknown};
use sealcheck::time::UnixTime;
use sealcheck::verify::Options;
use serde_json::Value;

use crate::command_line::stdout;
use crate::formats::FORMATS;
use crate::support::bundle::{acme, write_executable};
use crate::support::examined::{advise, examine};
use crate::support::macho::{arm64, x86_64};
use crate::support::program::program;
use crate::support::signature::{Bound, adhoc};
use crate::support::{flat, flip, real_app};

const DAY: UnixTime = UnixTime(1_800_000_000);

fn ignore(rule: &'static str) -> Ignore {
    Ignore {
        rule,
        item: None,
        path: None,
        reason: Some("because".to_owned()),
        expires: None,
        origin: "x.toml:1".to_owned(),
    }
}

fn at(rule: &'static str, path: &str) -> Ignore {
    Ignore {
        path: Some(Pattern::new(path).unwrap()),
        ..ignore(rule)
    }
}

/// An app that is signed ad hoc, itself and what is nested in it.
fn advice() -> Advice {
    let folder = tempfile::tempdir().unwrap();
    let evidence = examine(&acme(folder.path()), &Options::default()).unwrap();
    advise(&evidence, Some(Target::DeveloperId), &Expectations::default())
}

fn applied(mut advice: Advice, ignores: Vec<Ignore>, is_complete: bool) -> Advice {
    let policy = Policy {
        ignores,
        ..Policy::default()
    };
    let mut items = [Advised {
        name: "Acme.app",
        advice: &mut advice,
    }];
    policy.apply(&mut items, DAY, is_complete);
    advice
}

fn paths<'a>(advice: &'a Advice, rule: &str) -> Vec<&'a str> {
    let mut paths: Vec<_> = advice
        .findings
        .iter()
        .filter(|finding| finding.rule == rule)
        .map(|finding| finding.path.as_str())
        .collect();
    paths.dedup();
    paths
}

#[test]
fn an_ignore_takes_what_it_names_and_nothing_else() {
    const RULE: &str = "adhoc-signed";
    let all = advice();
    let before = paths(&all, RULE).len();
    assert!(before > 3, "{:?}", paths(&all, RULE));
    for (ignore, kept) in [
        (ignore(RULE), 0),
        (at(RULE, "**"), 0),
        (at(RULE, "Contents/MacOS/Acme"), before - 1),
        (at(RULE, "Contents/MacOS/*"), before - 1),
        (at(RULE, "Contents/{MacOS,Nowhere}/Acm?"), before - 1),
        // Whole paths, with their case, and a star stops at a slash.
        (at(RULE, "MacOS/Acme"), before),
        (at(RULE, "Contents/MacOS"), before),
        (at(RULE, "contents/macos/acme"), before),
        (at(RULE, "*"), before),
        (at("self-signed", "**"), before),
    ] {
        let advice = applied(all.clone(), vec![ignore.clone()], true);
        assert_eq!(paths(&advice, RULE).len(), kept, "{ignore:?}");
        assert_eq!(
            paths(&advice, "unused-ignore").len(),
            usize::from(kept == before),
            "{ignore:?}"
        );
        assert_eq!(
            advice.findings.len() + advice.suppressed.len(),
            all.findings.len() + usize::from(kept == before)
        );
    }
    let advice = applied(all, vec![at(RULE, "Contents/MacOS/Acme")], true);
    let by = &advice.suppressed[0].by;
    assert_eq!(by.name(), "ignored");
    assert!(matches!(by, Suppression::Ignored { reason: Some(reason), .. } if reason == "because"));
}

#[test]
fn items_and_files_are_named_as_well() {
    let mut all = advice();
    all.findings.truncate(1);
    all.findings[0].rule = "sealed-resource-broken";
    all.findings[0].path = String::new();
    let rule = "sealed-resource-broken";
    // The item itself is a point.
    for (path, kept) in [(".", 0), ("", 1), ("Contents", 1)] {
        let Ok(pattern) = Pattern::new(path) else {
            assert_eq!(path, "");
            continue;
        };
        let ignore = Ignore {
            path: Some(pattern),
            ..ignore(rule)
        };
        assert_eq!(
            paths(&applied(all.clone(), vec![ignore], true), rule).len(),
            kept,
            "{path}"
        );
    }
    // Of several files, all must be meant.
    for name in ["a", "b"] {
        let path = format!("Contents/Resources/{name}");
        all.findings[0].places.push(Place::new(path, "modified"));
    }
    for (path, kept) in [("Contents/Resources/*", 0), ("Contents/Resources/a", 1)] {
        assert_eq!(
            paths(&applied(all.clone(), vec![at(rule, path)], true), rule).len(),
            kept
        );
    }
    for (item, kept) in [("Acme.app", 0), ("*.app", 0), ("Other.app", 1)] {
        let ignore = Ignore {
            item: Some(Pattern::new(item).unwrap()),
            ..ignore(rule)
        };
        let advice = applied(all.clone(), vec![ignore], true);
        assert_eq!(paths(&advice, rule).len(), kept, "{item}");
        // One for another item has nothing to match here.
        assert_eq!(paths(&advice, "unused-ignore"), [""; 0]);
    }
}

#[test]
fn ignores_end() {
    const RULE: &str = "adhoc-signed";
    let until = |end: i64| Ignore {
        expires: Some(UnixTime(end)),
        ..ignore(RULE)
    };
    let all = advice();
    let advice = applied(all.clone(), vec![until(DAY.0 + 1)], true);
    assert_eq!(
        (paths(&advice, RULE).len(), advice.suppressed.is_empty()),
        (0, false)
    );
    for is_complete in [true, false] {
        let advice = applied(all.clone(), vec![until(DAY.0)], is_complete);
        assert!(advice.suppressed.is_empty());
        let finding = advice
            .findings
            .iter()
            .find(|finding| finding.rule == "unused-ignore");
        assert_eq!(
            finding.unwrap().message,
            "x.toml:1: the ignore of adhoc-signed ended at 2027-01-15T08:00:00Z"
        );
    }
}

/// Nobody is told to remove an ignore that the next run may need.
#[test]
fn what_was_not_asked_is_not_unused() {
    let unused = |advice: &Advice| paths(advice, "unused-ignore").len();
    let all = advice();
    assert_eq!(
        unused(&applied(all.clone(), vec![ignore("missing-uuid")], true)),
        1
    );
    // Another item could not be read.
    assert_eq!(
        unused(&applied(all.clone(), vec![ignore("missing-uuid")], false)),
        0
    );
    // The rule does not apply to code that goes elsewhere.
    let mut local = all.clone();
    local.target = Target::Local;
    assert_eq!(unused(&applied(local, vec![ignore("self-signed")], true)), 0);
    assert_eq!(
        unused(&applied(all.clone(), vec![ignore("self-signed")], true)),
        1
    );
    // It could not be decided.
    let mut open = all.clone();
    open.unknown.push(Unknown::new("missing-uuid", "a/b", "why ever"));
    assert_eq!(
        unused(&applied(open.clone(), vec![at("missing-uuid", "a/*")], true)),
        0
    );
    assert_eq!(
        unused(&applied(open.clone(), vec![at("missing-uuid", "b/*")], true)),
        1
    );
    // What could not be decided stays so.
    assert_eq!(
        applied(open, vec![ignore("missing-uuid")], true).unknown.len(),
        all.unknown.len() + 1
    );
    // It follows from something else.
    let mut folded = all;
    folded.findings[0].consequences.push("missing-uuid");
    assert_eq!(unused(&applied(folded, vec![ignore("missing-uuid")], true)), 0);
}

/// An ignore that is about something else than this run may be needed by the next one: by its item, its place, the target, the
/// architecture. One that could have matched, and whose item or place has a mistake in it, is found.
#[test]
fn an_ignore_that_the_run_is_not_about_is_not_unused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    tool(path.join("dist/tool"));
    tool(path.join("dist/other"));
    tool(path.join("extra/more"));
    let unused = |lines: &str, arguments: &[&str]| {
        let text = format!("[[ignore]]\nrule = \"adhoc-signed\"\nreason = \"r\"\n{lines}\n");
        fs::write(path.join("sealcheck.toml"), text).unwrap();
        let output = run(path, arguments);
        assert!(status(&output) < 2, "{}", error(&output));
        let text = stdout(&output).replace("\n ", " ");
        text.contains("warning[unused-ignore]")
    };
    let about = |rule: &str, lines: &str, arguments: &[&str]| {
        let more = format!("item = \"*\"\n[[ignore]]\nrule = \"{rule}\"\nreason = \"r\"\n{lines}");
        unused(&more, arguments)
    };
    // Another item, which the command line does not name.
    assert!(!unused("item = \"tool\"", &["dist/other"]));
    assert!(!unused("item = \"more\"", &["dist"]));
    assert!(!unused("item = \"extra/more\"", &["dist"]));
    // The same item, named in another way.
    for operand in ["dist/tool", "./dist/../dist/tool", "dist"] {
        assert!(!unused("item = \"tool\"", &[operand]), "{operand}");
    }
    // A mistake, where the run covers the folder.
    assert!(unused("item = \"tol\"", &["dist"]));
    assert!(unused("item = \"tol\"", &["."]));
    assert!(!unused("item = \"tol\"", &["dist/tool"]));
    // A place in another item.
    assert!(!about(
        "missing-uuid",
        "path = \"Contents/MacOS/*\"",
        &["dist/tool"]
    ));
    assert!(about("missing-uuid", "path = \".\"", &["dist/tool"]));
    // Another target, and one architecture of several.
    assert!(about(
        "self-signed",
        "",
        &["--target", "developer-id", "dist/tool"]
    ));
    assert!(!about("self-signed", "", &["--target", "local", "dist/tool"]));
    assert!(about("missing-uuid", "", &["dist/tool"]));
    assert!(!about("missing-uuid", "", &["--arch", "arm64", "dist/tool"]));
}

#[test]
fn severities_and_their_order() {
    let mut advice = advice();
    let rule = advice.findings.last().unwrap().rule;
    let policy = Policy {
        severities: vec![
            ("adhoc-signed", Severity::Note),
            ("unused-ignore", Severity::Error),
        ],
        ignores: vec![ignore("no-such-thing")],
    };
    let mut items = [Advised {
        name: "Acme.app",
        advice: &mut advice,
    }];
    policy.apply(&mut items, DAY, true);
    // No such rule, so nothing could have asked.
    assert_eq!(paths(&advice, "unused-ignore"), [""; 0]);
    let severities: Vec<_> = advice.findings.iter().map(|finding| finding.severity).collect();
    assert!(severities.is_sorted_by(|a, b| a >= b), "{severities:?}");
    assert!(
        advice
            .findings
            .iter()
            .all(|finding| { finding.rule != "adhoc-signed" || finding.severity == Severity::Note })
    );
    assert!(advice.findings.iter().any(|finding| finding.rule == rule));
}

/// Runs in a folder, where it finds its configuration.
fn run<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Output {
    program()
        .args(["--at", "2026-11-24"])
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap()
}

fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A tool of which nothing is to be said but that it is signed ad hoc.
fn tool(path: PathBuf) -> PathBuf {
    let bytes =
        adhoc("org.example.tool").sign_all(&[x86_64(&[1; 5000]), arm64(&[2; 5000])], Bound::default());
    write_executable(&path, &bytes.0);
    path
}

#[test]
fn the_configuration_in_the_working_folder_counts() {
    let folder = tempfile::tempdir().unwrap();
    tool(folder.path().join("tool"));
    assert_eq!(status(&run(folder.path(), &["tool"])), 1);
    let config = folder.path().join("sealcheck.toml");
    fs::write(
        &config,
        "[[ignore]]\nrule = \"adhoc-signed\"\nreason = \"only for us\"\n",
    )
    .unwrap();
    let output = run(folder.path(), &["tool"]);
    let text = stdout(&output);
    assert_eq!(status(&output), 0, "{text}");
    assert!(text.contains("  problems    none, 1 ignored"), "{text}");
    let text = stdout(&run(folder.path(), &["-v", "tool"]));
    let ignored =
        "ignored[adhoc-signed] tool: signed ad hoc, without a certificate (sealcheck.toml:1: only for us)";
    assert!(flat(&text).contains(ignored), "{text}");
    let json: Value =
        serde_json::from_slice(&run(folder.path(), &["--format", "json", "tool"]).stdout).unwrap();
    assert_eq!(json["options"]["config"], "sealcheck.toml");
    assert_eq!(json["items"][0]["suppressed"][0]["reason"], "only for us");
    assert_eq!(json["items"][0]["suppressed"][0]["severity"], "error");
    // Another file stands for it.
    assert_eq!(status(&run(folder.path(), &["--config", "/dev/null", "tool"])), 1);
    let output = run(folder.path(), &["--config", "none.toml", "tool"]);
    assert_eq!((status(&output), stdout(&output).as_str()), (4, ""));
    // What is wrong in it is wrong use; other commands do not read it.
    fs::write(
        &config,
        "[[ignore]]\nrule = \"adhoc-singed\"\nreason = \"r\"\nexpire = 2027-01-01\n",
    )
    .unwrap();
    let output = run(folder.path(), &["tool"]);
    assert_eq!((status(&output), stdout(&output).as_str()), (2, ""));
    assert_eq!(
        error(&output),
        "sealcheck: sealcheck.toml:4: unknown key expire; is expires meant?\n\
         sealcheck: sealcheck.toml:2: no rule adhoc-singed; is adhoc-signed meant?\n"
    );
    assert_eq!(status(&run(folder.path(), &["verify", "tool"])), 0);
}

#[test]
fn a_rule_is_ignored_for_one_run() {
    let folder = tempfile::tempdir().unwrap();
    tool(folder.path().join("tool"));
    tool(folder.path().join("other"));
    for arguments in [
        &["--ignore", "adhoc-signed", "tool", "other"][..],
        &["check", "tool", "other", "--ignore=R019"],
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(status(&output), 0, "{}", stdout(&output));
    }
    let output = run(
        folder.path(),
        &[
            "--ignore",
            "self-signed",
            "tool",
            "other",
            "--target",
            "developer-id",
        ],
    );
    let text = stdout(&output);
    assert_eq!(
        text.matches("warning[unused-ignore] --ignore: the ignore of self-signed")
            .count(),
        1,
        "{text}"
    );
    let output = run(folder.path(), &["--ignore", "adhoc-singed", "tool"]);
    assert_eq!(status(&output), 2);
    assert!(
        error(&output).contains("is adhoc-signed meant?"),
        "{}",
        error(&output)
    );
    assert_eq!(
        status(&run(folder.path(), &["--ignore", "unused-ignore", "tool"])),
        2
    );
}

/// Every format of a broken app fails, whatever is ignored, known or called a note.
#[test]
fn verdicts_do_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    flip(&app.join("Contents/Resources/config.json"), 0);
    let name = app.file_name().unwrap().to_str().unwrap();
    let ids: Vec<_> = sealcheck::rule::all()
        .iter()
        .map(|rule| rule.id)
        .filter(|id| *id != "unused-ignore")
        .collect();
    let ignores: String = ids
        .iter()
        .map(|id| format!("[[ignore]]\nrule = \"{id}\"\nreason = \"all\"\n"))
        .collect();
    let severities: String = ids.iter().map(|id| format!("{id} = \"note\"\n")).collect();
    fs::write(folder.path().join("ignore.toml"), ignores).unwrap();
    fs::write(
        folder.path().join("note.toml"),
        format!("[severity]\n{severities}"),
    )
    .unwrap();
    for format in FORMATS {
        for more in [
            &["--config", "ignore.toml"][..],
            &["--config", "note.toml"],
            &["--write-baseline", "known.json"],
            &["--baseline", "known.json"],
        ] {
            let mut arguments = vec!["--format", format, "--target", "local", name];
            arguments.extend(more);
            let output = run(folder.path(), &arguments);
            let text = stdout(&output);
            assert_eq!(status(&output), 1, "{format} {more:?}: {text}");
            let failed = match format {
                "human" => "codesign    ✗ a sealed resource is missing or invalid (-67054)",
                "json" => "\"valid\": false",
                "jsonl" => "\"valid\":false",
                "sarif" => "\"ruleId\": \"codesign-verdict\"",
                "junit" => "type=\"codesign-verdict\"",
                "gitlab" => "\"check_name\":\"codesign-verdict\"",
                "markdown" => "- **error** `codesign-verdict`",
                _ => "title=sealcheck codesign-verdict::",
            };
            assert!(text.contains(failed), "{format} {more:?}: {text}");
            assert!(format != "junit" || !text.contains("name=\"verdict\""), "{text}");
        }
    }
}

#[test]
fn known_findings_are_counted_and_new_ones_fail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    tool(path.join("one/tool"));
    let output = run(path, &["--write-baseline", "known.json", "one/tool"]);
    let text = stdout(&output);
    assert_eq!(status(&output), 0, "{text}");
    assert!(text.contains("  problems    none, 1 known"), "{text}");
    let file = fs::read_to_string(path.join("known.json")).unwrap();
    let json: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(json["findings"][0]["item"], "tool");
    assert_eq!(json["findings"][0]["rule"], "adhoc-signed");
    let known = |name: &str| status(&run(path, &["--baseline", "known.json", name]));
    assert_eq!(known("one/tool"), 0);
    // The same item elsewhere, and another build of it.
    tool(path.join("two/tool"));
    let bytes =
        adhoc("org.example.tool").sign_all(&[x86_64(&[7; 9000]), arm64(&[8; 9000])], Bound::default());
    fs::write(path.join("two/tool"), bytes.0).unwrap();
    assert_eq!(known("two/tool"), 0);
    // Another item, and another finding.
    tool(path.join("other"));
    assert_eq!(known("other"), 1);
    let bytes = adhoc("org.example.tool").sign(&arm64(&[2; 5000]), Bound::default());
    fs::write(path.join("two/tool"), [bytes.0.as_slice(), b"more"].concat()).unwrap();
    assert_eq!(known("two/tool"), 1);
    // The same run writes the same file.
    run(
        path,
        &["--write-baseline", "again.json", "one/tool", "--jobs", "8"],
    );
    assert_eq!(fs::read_to_string(path.join("again.json")).unwrap(), file);
    for (text, expected) in [
        ("", 2),
        ("{\"schema_version\": 2, \"findings\": []}", 2),
        ("{\"schema_version\": 1, \"findings\": []}", 1),
    ] {
        fs::write(path.join("known.json"), text).unwrap();
        assert_eq!(known("one/tool"), expected, "{text}");
    }
    let output = run(path, &["--write-baseline", "no/such/folder", "one/tool"]);
    assert_eq!(status(&output), 4);
    assert_eq!(status(&run(path, &["--baseline", "none.json", "one/tool"])), 4);
    let both = run(path, &["--baseline", "a", "--write-baseline", "b", "one/tool"]);
    assert_eq!(status(&both), 2);
}

/// What is expected of a run is asked in that run.
#[test]
fn expectations_are_never_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    tool(path.join("tool"));
    let with = |more: &[&str]| {
        let mut arguments = vec!["--expect-team", "ABCDE12345", "tool"];
        arguments.extend(more);
        status(&run(path, &arguments))
    };
    assert_eq!(with(&["--write-baseline", "known.json"]), 1);
    assert_eq!(with(&["--baseline", "known.json"]), 1);
    assert_eq!(status(&run(path, &["tool", "--baseline", "known.json"])), 0);
    let real = real_app();
    let output = run(
        path,
        &["--ignore".as_ref(), "adhoc-signed".as_ref(), real.as_os_str()],
    );
    assert!(
        stdout(&output).contains("warning[unused-ignore]"),
        "{}",
        stdout(&output)
    );
    assert_eq!(status(&output), 0);
}
