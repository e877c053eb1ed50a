//! What people bring along who know Apple's tools or come from a pipeline: the spelling of options, pasted headlines, typing
//! errors, files in the wrong place; and that the end of every report agrees with the exit status.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::bundle::{acme, write};
use crate::support::macho::{arm64, universal, x86_64};
use crate::support::program::program;
use crate::support::zip::{members, zip};
use crate::support::{flat, real_app};

/// Runs the program in a folder: exit status, standard output, standard error.
fn run(folder: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = program();
    command.args(words).current_dir(folder).env("LC_ALL", "C.UTF-8");
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Copies the real app.
fn copy_app(to: &Path) {
    let copied = Command::new("cp").arg("-R").arg(real_app()).arg(to).status();
    assert!(copied.unwrap().success());
}

/// A folder with the real app as `Good.app`, and as `Bare.app` without its ticket.
fn with_apps() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    symlink(real_app(), folder.path().join("Good.app")).unwrap();
    let bare = folder.path().join("Bare.app");
    copy_app(&bare);
    fs::remove_file(bare.join("Contents/CodeResources")).unwrap();
    folder
}

/// Returns the row of an item in the table at the end.
fn row<'t>(text: &'t str, item: &str) -> &'t str {
    let table = text
        .split("\n\n")
        .find(|part| part.contains("codesign  ") && part.contains("  item"));
    let mut rows = table.unwrap_or_else(|| panic!("{text}")).lines();
    rows.find(|line| line.contains(item))
        .unwrap_or_else(|| panic!("{text}"))
}

/// Only Apple's servers know whether code without a ticket is notarized: the last lines, the table and `-q` say that the demand
/// was not decided, as the exit status does.
#[test]
fn a_demand_that_is_not_decided_is_in_the_last_lines() {
    let folder = with_apps();
    let demand = ["--require", "notarized"];
    for quiet in [&[][..], &["-q"]] {
        let words = [quiet, &demand, &["Bare.app"]].concat();
        let (status, text, _) = run(folder.path(), &words);
        assert_eq!(status, Some(4), "{text}");
        let end = text
            .split("\n  codesign ")
            .nth(1)
            .unwrap_or_else(|| panic!("{text}"));
        assert!(
            end.contains("\n  expected    ? not known whether it is met: required-notarization-missing"),
            "{text}"
        );
        let words = end.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("(exit status 4)"), "{text}");
        assert!(end.contains("1 warning, 1 not decided"), "{text}");
    }
    let (status, text, _) = run(folder.path(), &[&demand[..], &["Bare.app", "Good.app"]].concat());
    assert_eq!(status, Some(4));
    let bare = row(&text, "Bare.app");
    assert!(
        bare.trim_start().starts_with('?') && bare.contains("1 not decided"),
        "{text}"
    );
    assert!(
        text.contains("1 good, 1 not judged; 1 warning, 1 not decided"),
        "{text}"
    );
    // Without the demand, nothing is open.
    let (status, text, _) = run(folder.path(), &["Bare.app"]);
    assert_eq!(status, Some(0));
    assert!(
        !text.contains("expected  ") && !text.contains("not decided"),
        "{text}"
    );
}

/// A requirement that is not met is an error in the table and in the totals, not "none".
#[test]
fn a_requirement_that_is_not_met_is_in_the_table() {
    let folder = with_apps();
    let requirement = "-R=identifier \"org.mitmproxy.macos-redirector\" and anchor apple";
    let (status, text, _) = run(folder.path(), &[requirement, "Good.app", "Bare.app"]);
    assert_eq!(status, Some(3), "{text}");
    for item in ["Good.app", "Bare.app"] {
        let row = row(&text, item);
        assert!(
            row.trim_start().starts_with('✗') && row.contains("1 error"),
            "{text}"
        );
    }
    assert!(text.contains("2 items: 2 failed; 2 errors"), "{text}");
}

/// Errors, warnings and notes of a report, as its format has them.
fn counts(format: &str, text: &str) -> [usize; 3] {
    let lines =
        |begins: [&str; 3]| begins.map(|begin| text.lines().filter(|line| line.starts_with(begin)).count());
    let values = |values: &[Value], field: &str, words: [&str; 3]| {
        words.map(|word| values.iter().filter(|value| value[field] == word).count())
    };
    let json = || serde_json::from_str::<Value>(text).unwrap();
    match format {
        "json" => ["errors", "warnings", "notes"]
            .map(|name| usize::try_from(json()["summary"][name].as_u64().unwrap()).unwrap()),
        "sarif" => {
            let results = json()["runs"][0]["results"].as_array().unwrap().clone();
            values(&results, "level", ["error", "warning", "note"])
        }
        "gitlab" => values(
            json().as_array().unwrap(),
            "severity",
            ["critical", "minor", "info"],
        ),
        "github" => lines(["::error ", "::warning ", "::notice "]),
        "markdown" => lines(["- **error** ", "- **warning** ", "- **note** "]),
        "junit" => {
            let number = |name: &str| -> usize {
                let value = text.split(&format!(" {name}=\"")).nth(1).unwrap();
                value.split('"').next().unwrap().parse().unwrap()
            };
            let remarks = |word: &str| text.matches(&format!("{word}: ")).count();
            [number("failures"), remarks("warning"), remarks("note")]
        }
        _ => {
            let totals = text.lines().rfind(|line| line.starts_with("2 items: ")).unwrap();
            ["error", "warning", "note"].map(|noun| {
                let mut words = totals.split("; ").nth(1).unwrap_or_default().split(", ");
                let found = words.find(|words| words.trim_end_matches('s').ends_with(noun));
                found.map_or(0, |words| words.split(' ').next().unwrap().parse().unwrap())
            })
        }
    }
}

/// Formats whose readers show an entry beside one file, and know it by that file in the next run: "Only the first value of this
/// array is used" (GitHub's documentation of `locations` in SARIF), "The relative path to the file" (GitLab's).
const BY_FILE: [&str; 3] = ["sarif", "gitlab", "github"];

/// What is the same in several architectures or files is one problem in every format that people read, and in all numbers;
/// formats by file have an entry for each file. The list of findings in JSON alone has one for each architecture.
#[test]
fn every_format_counts_the_same_problems() {
    let folder = with_apps();
    for (demands, errors, by_file) in [
        // The same in both architectures.
        (&["--expect-team", "ABCDE12345"][..], 2, 2),
        // The same in two programs.
        (&["--require", "arch:i386"], 2, 4),
        // Not a finding, but a verdict.
        (&["-R=anchor apple"], 2, 2),
        (
            &["--expect-identifier", "x", "--expect-team", "x", "-R=never"],
            6,
            6,
        ),
        (&[], 0, 0),
    ] {
        for format in ["human", "json", "sarif", "gitlab", "github", "markdown", "junit"] {
            let words = [&["--format", format], demands, &["Good.app", "Bare.app"]].concat();
            let (_, text, _) = run(folder.path(), &words);
            let errors = if BY_FILE.contains(&format) {
                by_file
            } else {
                errors
            };
            assert_eq!(counts(format, &text), [errors, 1, 0], "{words:?}: {text}");
        }
    }
}

/// Code for two architectures without a signature is one problem: one annotation, which names both.
#[test]
fn one_annotation_for_both_architectures() {
    let folder = tempfile::tempdir().unwrap();
    let (intel, arm) = (x86_64(&[0xc3]), arm64(&[0xc0, 0x03, 0x5f, 0xd6]));
    let tool = universal(&[(&intel, intel.build(None)), (&arm, arm.build(None))]);
    write(&folder.path().join("tool"), &tool);
    let annotations = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .filter(|line| line.contains("sealcheck unsigned-code"));
        lines.map(str::to_owned).collect()
    };
    let (status, text, _) = run(folder.path(), &["--format", "github", "tool"]);
    assert_eq!(status, Some(1));
    let found = annotations(&text);
    assert_eq!(found.len(), 1, "{text}");
    let both = ["(x86_64, arm64)", "(arm64, x86_64)"];
    assert!(both.iter().any(|both| found[0].contains(both)), "{text}");
    let report = |format| -> Value {
        serde_json::from_str(&run(folder.path(), &["--format", format, "tool"]).1).unwrap()
    };
    let json = report("json");
    let findings = json["items"][0]["findings"].as_array().unwrap();
    let unsigned = findings
        .iter()
        .filter(|finding| finding["rule"] == "unsigned-code");
    assert_eq!(unsigned.count(), 2, "{findings:?}");
    let errors = json["summary"]["errors"].as_u64().unwrap();
    let sarif = report("sarif");
    let results = sarif["runs"][0]["results"].as_array().unwrap().iter();
    let counted = results.filter(|result| result["level"] == "error").count();
    assert_eq!(u64::try_from(counted).unwrap(), errors, "{sarif}");
}

/// The one entry of JUnit and Markdown names every place of a problem that occurs in several.
#[test]
fn one_problem_names_all_of_its_places() {
    let folder = with_apps();
    let inner = "org.mitmproxy.macos-redirector.network-extension.systemextension";
    for format in ["markdown", "junit"] {
        let words = ["--format", format, "--require", "arch:i386", "Good.app"];
        let (status, text, _) = run(folder.path(), &words);
        assert_eq!(status, Some(1));
        assert!(text.contains(inner), "{format}: {text}");
    }
}

/// The files of the entries of a rule in a format by file, with what knows each entry again.
fn entries(format: &str, text: &str, rule: &str) -> Vec<(String, String)> {
    let list = |pointer: &str, place: &str, mark: &str| -> Vec<(String, String)> {
        let report: Value = serde_json::from_str(text).unwrap();
        let entries = report.pointer(pointer).unwrap().as_array().unwrap().iter();
        let of = entries.filter(|entry| entry["ruleId"] == rule || entry["check_name"] == rule);
        let text = |entry: &Value, pointer| entry.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        of.map(|entry| (text(entry, place), text(entry, mark))).collect()
    };
    match format {
        "sarif" => list(
            "/runs/0/results",
            "/locations/0/physicalLocation/artifactLocation/uri",
            "/partialFingerprints/primaryLocationLineHash",
        ),
        "gitlab" => list("", "/location/path", "/fingerprint"),
        _ => {
            let lines = text
                .lines()
                .filter(|line| line.contains(&format!("sealcheck {rule}::")));
            let places = lines.map(|line| line.split("file=").nth(1).unwrap().split(',').next().unwrap());
            places.map(|place| (place.to_owned(), place.to_owned())).collect()
        }
    }
}

/// Code scanning, GitLab and annotations have an entry for each file, but one for all of its architectures. When one of the files
/// is repaired, the entry of the other is the same as before.
#[test]
fn formats_by_file_have_an_entry_for_each_file() {
    let folder = tempfile::tempdir().unwrap();
    let (intel, arm) = (x86_64(&[0xc3]), arm64(&[0xc0, 0x03, 0x5f, 0xd6]));
    // The size of the first load command.
    let broken = |mut bytes: Vec<u8>| {
        bytes[36..40].fill(0);
        bytes
    };
    let slices = (broken(intel.build(None)), broken(arm.build(None)));
    let tool = universal(&[(&intel, slices.0), (&arm, slices.1)]);
    let app = acme(folder.path());
    for name in ["one", "two"] {
        write(&app.join("Contents/Helpers").join(name), &tool);
    }
    let of = |format| {
        let (status, text, _) = run(folder.path(), &["--format", format, "Acme.app"]);
        assert_eq!(status, Some(1), "{text}");
        entries(format, &text, "macho-malformed")
    };
    let all = BY_FILE.map(of);
    for entries in &all {
        let places: Vec<_> = entries.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(
            places,
            ["Acme.app/Contents/Helpers/one", "Acme.app/Contents/Helpers/two"]
        );
        assert_ne!(entries[0].1, entries[1].1);
    }
    fs::remove_file(app.join("Contents/Helpers/one")).unwrap();
    let left = BY_FILE.map(of);
    assert_eq!(left, all.map(|entries| entries[1..].to_vec()));
}

/// `codesign --verify --verbose=4`, `codesign --test-requirement`, and the same with the program's name in place of codesign's.
#[test]
fn the_spelling_of_codesign_and_spctl_is_read() {
    let folder = with_apps();
    let same = |words: &[&str], as_ours: &[&str]| {
        // How long it took differs.
        let timeless = |words: &[&str]| {
            let (status, text, error) = run(folder.path(), words);
            let lines = text
                .lines()
                .map(|line| line.split(" of code in ").next().unwrap().to_owned());
            (status, lines.collect::<Vec<_>>(), error)
        };
        let (ours, theirs) = (timeless(as_ours), timeless(words));
        assert_eq!(theirs, ours, "{words:?}");
        ours.0
    };
    same(
        &["verify", "--verbose=4", "Good.app"],
        &["verify", "-vvvv", "Good.app"],
    );
    same(&["verify", "--verbose=0", "Good.app"], &["verify", "Good.app"]);
    for words in [
        &["--verify", "Good.app"][..],
        &["--deep", "--strict", "--verify", "Good.app"],
        &["--verify", "--", "Good.app"],
    ] {
        assert_eq!(same(words, &["verify", "Good.app"]), Some(0));
    }
    same(
        &["--verify", "--verbose=2", "Good.app"],
        &["verify", "-vv", "Good.app"],
    );
    same(&["--display", "Good.app"], &["inspect", "Good.app"]);
    same(
        &["--assess", "--type", "execute", "Good.app"],
        &["assess", "Good.app"],
    );
    for command in ["verify", "check"] {
        for (text, expected) in [("=anchor apple generic", 0), ("=anchor apple", 3)] {
            let ours = same(
                &[command, "--test-requirement", text, "Good.app"],
                &[command, "-R", text, "Good.app"],
            );
            assert_eq!(ours, Some(expected));
        }
    }
    assert_eq!(
        run(
            folder.path(),
            &["--test-requirement", "=anchor apple", "Good.app"]
        )
        .0,
        Some(3)
    );
    // Nothing that is no number, and nothing after the operands begin.
    assert_eq!(
        run(folder.path(), &["verify", "--verbose=much", "Good.app"]).0,
        Some(2)
    );
    assert_eq!(run(folder.path(), &["verify", "--", "--verbose=4"]).0, Some(4));
}

#[test]
fn the_short_help_is_short() {
    let folder = tempfile::tempdir().unwrap();
    for command in [&[][..], &["check"], &["verify"]] {
        let help = |word| run(folder.path(), &[command, &[word]].concat());
        let (short, long) = (help("-h"), help("--help"));
        assert_eq!((short.0, long.0), (Some(0), Some(0)));
        assert!(
            short.1.lines().count() < long.1.lines().count(),
            "{command:?}: {}",
            short.1
        );
    }
    let (_, short, _) = run(folder.path(), &["-h"]);
    assert!(short.lines().count() < 50, "{short}");
    assert!(
        short.contains("--help shows all options") && short.contains("\n  verify "),
        "{short}"
    );
}

/// A headline of a report is what people paste.
#[test]
fn a_pasted_headline_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let plain = run(folder.path(), &["explain", "adhoc-signed"]);
    assert_eq!(plain.0, Some(0));
    for pasted in [
        "error[adhoc-signed]",
        "note[adhoc-signed] the code is signed ad hoc",
        "[adhoc-signed]",
        "not decided[adhoc-signed] x",
    ] {
        assert_eq!(run(folder.path(), &["explain", pasted]), plain, "{pasted}");
    }
    let (status, _, error) = run(folder.path(), &["explain", "error[adhoc-singed]"]);
    assert_eq!(status, Some(2));
    assert!(error.contains("adhoc-signed meant"), "{error}");
}

/// Apple's compiler takes a mistyped word for the name of a file with a certificate.
#[test]
fn a_mistyped_word_of_a_requirement_is_named() {
    let folder = with_apps();
    for (text, word, near) in [
        ("anchor aple", "aple", "apple"),
        ("anchor apple generic adn identifier x", "adn", "and"),
        ("identifer \"aple\"", "identifer", "identifier"),
        ("certificate leef[subject.OU] = \"X\"", "leef", "leaf"),
        ("notarised", "notarised", "notarized"),
    ] {
        let hint = format!("sealcheck: {word}: did you mean \"{near}\"?");
        let (status, _, error) = run(folder.path(), &["requirement", "parse", text]);
        assert_eq!(status, Some(1), "{text}: {error}");
        assert!(error.ends_with(&format!("{hint}\n")), "{text}: {error}");
        assert_eq!(error.matches("did you mean").count(), 1, "{text}: {error}");
        let (status, _, error) = run(folder.path(), &["verify", "-R", &format!("={text}"), "Good.app"]);
        assert_eq!(status, Some(2));
        assert!(error.contains(&hint), "{text}: {error}");
    }
    let (status, _, error) = run(folder.path(), &["requirement", "parse", "anchor /no/such/file"]);
    assert_eq!(status, Some(1));
    assert!(!error.contains("did you mean"), "{error}");
}

/// `inspect` shows the digest that `--expect-leaf` takes; the help says where it is.
#[test]
fn the_digest_of_the_certificate_is_shown() {
    let folder = with_apps();
    let (status, text, _) = run(folder.path(), &["inspect", "Good.app"]);
    assert_eq!(status, Some(0));
    let shown = text
        .lines()
        .find_map(|line| line.strip_prefix("Certificate SHA-256="))
        .unwrap();
    let (digest, name) = shown.split_once("  ").unwrap();
    assert_eq!(name, "Developer ID Application: Maximilian Hils (S8XHQB96PW)");
    assert_eq!(
        run(folder.path(), &["--expect-leaf", digest, "Good.app"]).0,
        Some(0)
    );
    let (_, json, _) = run(folder.path(), &["inspect", "--format", "json", "Good.app"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    let certificates = &report["items"][0]["code"][0]["slices"][0]["certificates"];
    assert_eq!(certificates.as_array().unwrap().len(), 3, "{certificates}");
    assert_eq!(
        (
            certificates[0]["name"].as_str(),
            certificates[0]["sha256"].as_str()
        ),
        (Some(name), Some(digest))
    );
    // What codesign prints has no such line.
    let (_, text, error) = run(
        folder.path(),
        &["inspect", "--style", "codesign", "-vvvv", "Good.app"],
    );
    assert!(!format!("{text}{error}").contains("SHA-256"), "{error}");
    let (_, help, _) = run(folder.path(), &["--help"]);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("`sealcheck inspect` shows it"), "{help}");
}

/// A report in a bundle would be a file that was added after signing, and the report itself would say so.
#[test]
fn no_report_is_written_into_what_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let app = place.join("dist/A.app");
    fs::create_dir(place.join("dist")).unwrap();
    copy_app(&app);
    symlink("dist/A.app/Contents", place.join("inside")).unwrap();
    symlink("dist/A.app/new", place.join("link.json")).unwrap();
    symlink("dist", place.join("other")).unwrap();
    write(&place.join("a.zip"), &zip(&members(&real_app())));
    let before = fs::read(place.join("a.zip")).unwrap();
    for words in [
        &["--output", "dist/A.app/r.json", "dist/A.app"][..],
        &["--output", "dist/A.app/Contents/Resources/r.json", "dist"],
        &["--report", "json=dist/A.app/r.json", "dist/A.app"],
        &["--output", "inside/r.json", "dist/A.app"],
        &["--output", "link.json", "dist/A.app"],
        &["--output", "other/A.app/r.json", "dist"],
        &["--output", "dist/A.app/r.json", "other/A.app"],
        &["--write-baseline", "dist/A.app/b.json", "dist/A.app"],
        &[
            "verify",
            "--style",
            "codesign",
            "--output",
            "dist/A.app/r",
            "dist/A.app",
        ],
        &["inspect", "--output", "dist/A.app/r", "dist/A.app"],
        &["entitlements", "--output", "inside/e.plist", "dist/A.app"],
        &["--output", "a.zip", "a.zip"],
        &["--output", "a.zip", "."],
        &["--output", "a.zip", "a.zip/Mitmproxy Redirector.app"],
    ] {
        let (status, text, error) = run(place, words);
        assert_eq!((status, text.as_str()), (Some(2), ""), "{words:?}: {error}");
        let is_told = flat(&error).contains("choose a place outside of it")
            || flat(&error).contains("choose another name");
        assert!(is_told, "{words:?}: {error}");
        assert!(flat(&error).contains("which is checked"), "{error}");
    }
    assert_eq!(fs::read(place.join("a.zip")).unwrap(), before);
    assert_eq!(run(place, &["verify", "dist/A.app"]).0, Some(0));
    // Beside an item is not in it, and what is not there is no item.
    for words in [
        &["--output", "dist/r.json", "dist"][..],
        &["--output", "dist/r.json", "dist/A.app"],
        &["--output", "dist/A.app.json", "dist/A.app"],
    ] {
        assert_eq!(run(place, words).0, Some(0), "{words:?}");
    }
    assert_eq!(run(place, &["--output", "r.json", "missing.app"]).0, Some(4));
}

/// What is nothing of the kind that a command is about never ends with 0.
#[test]
fn nothing_of_the_kind_is_not_good() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    write(&place.join("a.txt"), b"hello\n");
    write(&place.join("empty"), b"");
    write(&place.join("docs/a.txt"), b"hello\n");
    let members = members(&place.join("docs"));
    write(&place.join("a.zip"), &zip(&members));
    for operand in ["a.txt", "empty", "docs", "a.zip", "missing"] {
        for command in [
            &["check"][..],
            &["verify"],
            &["assess"],
            &["inspect"],
            &["inspect", "--format", "json"],
            &["inspect", "--format", "santa"],
            &["profile"],
            &["profile", "--format", "json"],
            &["ticket"],
            &["ticket", "--format", "json"],
            &["entitlements"],
            &["entitlements", "--format", "xml"],
            &["requirement", "show"],
            &["requirement", "test", "always"],
        ] {
            let (status, text, error) = run(place, &[command, &[operand]].concat());
            assert_ne!(status, Some(0), "{command:?} {operand}: {text}{error}");
        }
    }
    let (status, _, error) = run(place, &["profile", "a.txt"]);
    assert_eq!(status, Some(1));
    assert!(
        error.contains("a.txt: neither a provisioning profile nor code"),
        "{error}"
    );
    // Code that claims nothing needs no profile, as long as it is known that it claims nothing.
    fs::copy(
        real_app().join("Contents/MacOS/Mitmproxy Redirector"),
        place.join("tool"),
    )
    .unwrap();
    let mut bytes = fs::read(place.join("tool")).unwrap();
    bytes[0x8000] ^= 1;
    fs::write(place.join("tool"), bytes).unwrap();
    assert_eq!(run(place, &["profile", "tool"]).0, Some(1));
}

/// A newcomer names the folder around the sources, or one in which the build put nothing.
#[test]
fn a_folder_without_code_is_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("docs/a.txt"), b"hello\n");
    fs::create_dir(folder.path().join("none")).unwrap();
    for operand in ["docs", "none", "."] {
        let (status, text, _) = run(folder.path(), &[operand]);
        // As codesign, to which the folder is a bundle of no known form.
        assert_eq!(status, Some(1), "{text}");
        assert!(
            text.contains("error[not-a-bundle] this is a folder in which no signed code was found"),
            "{text}"
        );
        assert!(text.contains("repair: name the app, tool or archive"), "{text}");
    }
    // A bundle by its name has lost its Info.plist.
    fs::create_dir(folder.path().join("A.app")).unwrap();
    let (status, text, _) = run(folder.path(), &["A.app"]);
    assert_eq!(status, Some(1));
    assert!(text.contains("neither an Info.plist nor an executable"), "{text}");
}

/// A user opens a disk image: the verdict and the repair name the same operation of spctl. What the command line demands of every
/// item cannot be taken back by the file in the working folder, so the repair names the file that can.
#[test]
fn a_disk_image_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let mut image = vec![0; 4096];
    image[4096 - 512..4096 - 508].copy_from_slice(b"koly");
    write(&folder.path().join("a.dmg"), &image);
    let (status, text, _) = run(folder.path(), &["--require", "notarized", "a.dmg"]);
    assert_eq!(status, Some(4), "{text}");
    assert!(
        !text.contains("--type install") && text.contains("--type open"),
        "{text}"
    );
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("in a file that --config names"), "{text}");
    let (_, json, _) = run(folder.path(), &["--format", "json", "a.dmg"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["items"][0]["gatekeeper"]["operation"], "open");
}

/// `verify` and `assess` give one verdict and do not compare it with what a project expects, and say so.
#[test]
fn expectations_that_are_not_used_are_named() {
    let folder = with_apps();
    let config = folder.path().join("sealcheck.toml");
    fs::write(&config, "[expect]\nteam = \"OTHER\"\n").unwrap();
    for command in ["verify", "assess"] {
        let (status, _, error) = run(folder.path(), &[command, "Good.app"]);
        assert_eq!(status, Some(0));
        assert!(
            error.contains(&format!("[expect] is not used by {command}")),
            "{error}"
        );
    }
    assert_eq!(run(folder.path(), &["Good.app"]).0, Some(1));
    let (_, _, error) = run(folder.path(), &["verify", "--style", "codesign", "Good.app"]);
    assert_eq!(error, "");
    fs::write(&config, "target = \"developer-id\"\n").unwrap();
    let (_, _, error) = run(folder.path(), &["verify", "Good.app"]);
    assert_eq!(error, "");
}
