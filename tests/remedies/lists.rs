//! Remedies that change Info.plist.

use std::fs;

use super::Bench;
use crate::support::foundry::{app, framework};
use crate::support::plist::entries;

fn wrong(key: &str, value: &str) -> Bench {
    Bench::of(&app("com.example.acme")).with(&[&format!(
        "plutil -replace {key} -string \"{value}\" Contents/Info.plist"
    )])
}

/// The only program in `Contents/MacOS` is the right one: the command has its name.
#[test]
fn a_wrong_name_of_the_program_is_corrected() {
    let commands = wrong("CFBundleExecutable", "acne").repair("bundle-executable-missing");
    assert!(commands.contains("-string acme "), "{commands}");
}

/// A usual volume finds the file under a name in another case, and the command has the name of the file.
#[test]
fn a_name_of_the_program_in_another_case_is_corrected() {
    let commands = wrong("CFBundleExecutable", "ACME").repair("bundle-executable-missing");
    assert!(commands.contains("-string acme "), "{commands}");
}

/// Without a program there is nothing to name.
#[test]
fn a_missing_program_is_to_be_put_in_its_place() {
    let bench = Bench::of(&app("com.example.acme"));
    fs::remove_file(bench.at("Contents/MacOS/acme")).unwrap();
    let remedy = bench.remedy("bundle-executable-missing");
    assert!(
        remedy.starts_with("put the program in its place") && !remedy.contains("plutil"),
        "{remedy}"
    );
}

/// The allowed form of the identifier is known.
#[test]
fn an_identifier_with_other_characters_is_corrected() {
    let commands =
        wrong("CFBundleIdentifier", "com.example.acme_tools beta").repair("bundle-identifier-invalid");
    assert!(
        commands.contains("-string com.example.acme-tools-beta "),
        "{commands}"
    );
}

/// The signature still knows the identifier that Info.plist has lost.
#[test]
fn a_missing_identifier_is_taken_from_the_signature() {
    let bench =
        Bench::of(&app("com.example.acme")).with(&["plutil -remove CFBundleIdentifier Contents/Info.plist"]);
    let commands = bench.repair("bundle-identifier-invalid");
    assert!(commands.contains("-string com.example.acme "), "{commands}");
}

/// Copies in a flattened framework have one identifier because they are copies: they go when the links come back.
#[test]
fn copies_in_a_flattened_framework_keep_their_identifier() {
    let inner = framework("com.example.inner")
        .nested("Helpers/updater.app", app("com.example.updater"))
        .info(entries! {});
    let bench = Bench::of(&app("com.example.acme").nested("Frameworks/inner.framework", inner));
    let framework = bench.at("Contents/Frameworks/inner.framework");
    let versions = framework.join("Versions");
    for (from, to) in [
        (versions.join("A"), versions.join("Current")),
        (versions.join("A/Helpers"), framework.join("Helpers")),
    ] {
        let _ = fs::remove_file(&to);
        let copied = std::process::Command::new("cp")
            .arg("-R")
            .args([from, to])
            .status();
        assert!(copied.unwrap().success());
    }
    let rules: Vec<_> = bench
        .advice()
        .findings
        .iter()
        .map(|finding| finding.rule)
        .collect();
    assert!(rules.contains(&"framework-flattened"), "{rules:?}");
    for rule in ["duplicate-bundle-identifier", "identifier-collision"] {
        assert!(!rules.contains(&rule), "{rules:?}");
    }
    bench.repair("framework-flattened");
}
