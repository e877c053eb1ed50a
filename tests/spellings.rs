//! Words of codesign and spctl, values that are missing or wrong, statuses that are looked up, and what the help says about how a run
//! ends.

use std::fs;
use std::path::Path;

use crate::support::program::program;
use crate::support::{copied_app, flat};

/// Runs the program in a folder: exit status, standard output, standard error.
fn run(folder: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = program();
    command.args(words).current_dir(folder).env("LC_ALL", "C.UTF-8");
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn with_app() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copied_app(folder.path(), "Good.app");
    folder
}

/// `-d` with any number of `v`, `spctl -a`, and the words that these tools want for standard output.
#[test]
fn flags_of_codesign_and_spctl_name_the_command() {
    let folder = with_app();
    for (theirs, ours) in [
        (&["-d", "Good.app"][..], &["inspect", "Good.app"][..]),
        (&["-dv", "Good.app"], &["inspect", "-v", "Good.app"]),
        (&["-dvvv", "Good.app"], &["inspect", "-vvv", "Good.app"]),
        (&["-dvvvv", "Good.app"], &["inspect", "-vvvv", "Good.app"]),
        (&["-d", "-vv", "Good.app"], &["inspect", "-vv", "Good.app"]),
        (&["-vvv", "-d", "Good.app"], &["inspect", "-vvv", "Good.app"]),
        (
            &["-d", "--verbose=2", "Good.app"],
            &["inspect", "-vv", "Good.app"],
        ),
        (&["inspect", "-dvv", "Good.app"], &["inspect", "-vv", "Good.app"]),
        (&["-d", "-r-", "Good.app"], &["inspect", "-r", "Good.app"]),
        (
            &["-d", "--entitlements", "-", "Good.app"],
            &["inspect", "--entitlements", "Good.app"],
        ),
        (
            &["-d", "--entitlements", ":-", "Good.app"],
            &["inspect", "--entitlements", "Good.app"],
        ),
        (
            &["-d", "-a", "x86_64", "Good.app"],
            &["inspect", "--arch", "x86_64", "Good.app"],
        ),
        (&["assess", "-a", "Good.app"], &["assess", "Good.app"]),
        (&["-a", "-vv", "Good.app"], &["assess", "-vv", "Good.app"]),
        (&["-avv", "Good.app"], &["assess", "-vv", "Good.app"]),
        (
            &["-a", "-t", "exec", "-vv", "Good.app"],
            &["assess", "-t", "exec", "-vv", "Good.app"],
        ),
        (
            &[
                "-a",
                "-t",
                "open",
                "--context",
                "context:primary-signature",
                "-v",
                "Good.app",
            ],
            &["assess", "-t", "open", "-v", "Good.app"],
        ),
        (
            &["assess", "--ignore-cache", "--no-cache", "Good.app"],
            &["assess", "Good.app"],
        ),
        (&["verify", "--continue", "Good.app"], &["verify", "Good.app"]),
        (
            &["verify", "--architecture", "arm64", "Good.app"],
            &["verify", "--arch", "arm64", "Good.app"],
        ),
        (
            &["verify", "--arch", "16777228,0", "Good.app"],
            &["verify", "--arch", "arm64", "Good.app"],
        ),
    ] {
        let expected = run(folder.path(), ours);
        assert_eq!(run(folder.path(), theirs), expected, "{theirs:?}");
        assert!(!expected.1.is_empty(), "{ours:?}");
    }
    let claims = run(folder.path(), &["-d", "--entitlements", "-", "Good.app"]).1;
    assert!(
        claims.contains("[Key] com.apple.application-identifier"),
        "{claims}"
    );
    // An architecture by its name is no assessment.
    let (status, text, _) = run(folder.path(), &["-a", "arm64", "Good.app"]);
    assert!(status == Some(0) && text.contains("problems"), "{text}");
}

/// What is done in another way, or not at all, is answered with what to use.
#[test]
fn options_that_are_not_read_name_what_to_use() {
    let folder = with_app();
    for (words, answer) in [
        (
            &["verify", "--check-notarization", "Good.app"][..],
            "--require notarized",
        ),
        (&["--check-notarization", "Good.app"], "--require notarized"),
        (&["-f", "-s", "-", "Good.app"], "does not sign"),
        (&["--remove-signature", "Good.app"], "does not sign"),
        (
            &["-d", "--entitlements", "-", "--xml", "Good.app"],
            "entitlements --format xml",
        ),
        (&["assess", "--raw", "Good.app"], "--format json"),
        (&["verify", "-d", "Good.app"], "sealcheck inspect"),
        (&["check", "--assess", "Good.app"], "sealcheck assess"),
        (
            &["assess", "--context", "context:other", "Good.app"],
            "context:primary-signature",
        ),
        (&["-a", "Good.app"], "sealcheck assess"),
    ] {
        let (status, _, error) = run(folder.path(), words);
        assert_eq!(status, Some(2), "{words:?}: {error}");
        assert!(error.contains(answer), "{words:?}: {error}");
    }
}

/// A missing value is one of its option, whatever else is missing.
#[test]
fn a_missing_value_is_that_of_its_option() {
    let folder = with_app();
    for words in [
        &["--require"][..],
        &["Good.app", "--require"],
        &["--require", "--quiet", "Good.app"],
    ] {
        let (status, _, error) = run(folder.path(), words);
        assert_eq!(status, Some(2), "{words:?}");
        assert!(
            error.contains("a value is required for '--require <WHAT>'"),
            "{words:?}: {error}"
        );
    }
    for (words, answer) in [
        (
            &["--require", "Good.app"][..],
            "invalid value 'Good.app' for '--require <WHAT>'",
        ),
        (
            &["--ignore", "Good.app"],
            "invalid value 'Good.app' for '--ignore <RULE>'",
        ),
        (
            &["--format", "Good.app"],
            "invalid value 'Good.app' for '--format <FORMAT>'",
        ),
        (&["--output", "Good.app"], "required arguments"),
    ] {
        let (status, _, error) = run(folder.path(), words);
        assert_eq!(status, Some(2), "{words:?}");
        assert!(error.contains(answer), "{words:?}: {error}");
    }
    // Without any word there is the help.
    assert!(run(folder.path(), &[]).2.contains("Usage: sealcheck"));
    assert_eq!(run(folder.path(), &["--version"]).0, Some(0));
}

/// Every option that takes an architecture refuses what is none.
#[test]
fn an_unknown_architecture_is_refused() {
    let folder = with_app();
    for command in ["check", "verify", "inspect", "entitlements", "requirement show"] {
        for wrong in ["bogus", "ARM64", "arm64,x", ""] {
            let words: Vec<&str> = command.split(' ').chain(["--arch", wrong, "Good.app"]).collect();
            let (status, text, error) = run(folder.path(), &words);
            assert_eq!(status, Some(2), "{words:?}: {text}");
            assert!(error.contains("no such architecture"), "{words:?}: {error}");
        }
    }
    let (status, _, error) = run(folder.path(), &["--require", "arch:bogus", "Good.app"]);
    assert!(
        status == Some(2) && error.contains("no such architecture"),
        "{error}"
    );
}

/// `-` is standard output, or is refused where a file is wanted.
#[test]
fn no_file_is_called_minus() {
    let folder = with_app();
    let (status, text, _) = run(folder.path(), &["--output", "-", "Good.app"]);
    assert!(status == Some(0) && text.contains("problems    none"), "{text}");
    for words in [
        &["--report", "human=-", "Good.app"][..],
        &["--report", "sarif=-", "Good.app"],
        &["--write-baseline", "-", "Good.app"],
        &["man", "--directory", "-"],
    ] {
        let (status, _, error) = run(folder.path(), words);
        assert_eq!(status, Some(2), "{words:?}");
        assert!(error.contains("- is standard output"), "{words:?}: {error}");
    }
    assert!(!folder.path().join("-").exists());
    assert_eq!(run(folder.path(), &["--output", "./-", "Good.app"]).0, Some(0));
    assert!(folder.path().join("-").exists());
}

/// Every status that a report prints is explained: by its number, its name, its text and as it is pasted.
#[test]
fn statuses_of_codesign_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    for status in sealcheck::verify::OsStatus::all() {
        let number = status.0.to_string();
        let (code, text, _) = run(folder.path(), &["explain", &number]);
        assert_eq!(code, Some(0), "{number}");
        let words = flat(&text);
        for part in [
            number.as_str(),
            status.name(),
            status.message().trim_end_matches('.'),
        ] {
            assert!(words.contains(part), "{part}: {text}");
        }
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        assert_eq!(run(folder.path(), &["explain", status.name()]).1, text);
    }
    let expected = run(folder.path(), &["explain", "-67054"]).1;
    for pasted in [
        "67054",
        "(-67054)",
        "errseccsbadresource",
        "a sealed resource is missing or invalid",
    ] {
        assert_eq!(run(folder.path(), &["explain", pasted]).1, expected, "{pasted}");
    }
    assert!(expected.contains("sealed-resource-broken"), "{expected}");
    for unknown in ["-1", "errSecNothing", "-99999999999"] {
        let (code, _, error) = run(folder.path(), &["explain", unknown]);
        assert!(
            code == Some(2) && error.contains("no such status"),
            "{unknown}: {error}"
        );
    }
}

/// The help of every command says how a run can end, in lines of 80 columns.
#[test]
fn every_help_has_exit_statuses_and_fits() {
    let folder = tempfile::tempdir().unwrap();
    let commands = [
        "",
        "check",
        "verify",
        "assess",
        "inspect",
        "entitlements",
        "profile",
        "ticket",
        "requirement show",
        "requirement parse",
        "requirement test",
        "rules",
        "explain",
        "completions",
        "man",
    ];
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let (status, text, _) = run(folder.path(), &words);
        assert_eq!(status, Some(0), "{command}");
        assert!(text.contains("\nExit status:\n  0  "), "{command}: {text}");
        let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
        assert_eq!(wide, [""; 0], "{command}");
    }
}

/// The examples of the configuration are read, and their places are in every app.
#[test]
fn the_examples_of_the_configuration_are_read() {
    let folder = tempfile::tempdir().unwrap();
    copied_app(folder.path(), "Acme.app");
    let page = fs::read_to_string(crate::support::project().join("docs/ci.md")).unwrap();
    let blocks: Vec<&str> = page
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next())
        .collect();
    assert!(blocks.len() >= 3);
    for block in blocks {
        let block = block.replace("leaf = \"0a06…\"", "# leaf");
        fs::write(folder.path().join("sealcheck.toml"), &block).unwrap();
        let (status, text, error) = run(folder.path(), &["--at", "2026-12-01", "."]);
        assert!(status != Some(2) && status != Some(4), "{block}: {text}{error}");
        for place in block.lines().filter_map(|line| line.strip_prefix("path = \"")) {
            let place = place.split(['"', '*']).next().unwrap();
            assert!(folder.path().join("Acme.app").join(place).exists(), "{place}");
        }
    }
}
