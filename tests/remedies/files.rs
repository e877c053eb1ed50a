//! Remedies that change files and links, and sign nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::Bench;
use crate::support::foundry::{app, framework};

fn with_framework() -> Bench {
    let inner = framework("com.example.inner");
    Bench::of(&app("com.example.acme").nested("Frameworks/inner.framework", inner))
}

/// A copy that follows links leaves a folder in the place of `Versions/Current` and copies in the root of the framework. The folder is
/// removed before the link is made, and nothing is signed: the old signature is right again.
#[test]
fn a_flattened_framework_gets_its_links_back() {
    let bench = with_framework();
    let framework = bench.at("Contents/Frameworks/inner.framework");
    let flat = framework.with_file_name("copy");
    let copied = std::process::Command::new("cp")
        .arg("-RL")
        .args([&framework, &flat])
        .status();
    assert!(copied.unwrap().success());
    fs::remove_dir_all(&framework).unwrap();
    fs::rename(&flat, &framework).unwrap();
    let commands = bench.repair("framework-flattened");
    assert!(!commands.contains("codesign"), "{commands}");
    assert_eq!(
        fs::read_link(framework.join("Versions/Current"))
            .unwrap()
            .to_str(),
        Some("A")
    );
    assert!(framework.join("Resources").is_symlink() && framework.join("inner").is_symlink());
    assert!(
        !bench
            .advice()
            .findings
            .iter()
            .any(|finding| finding.severity == sealcheck::Severity::Error)
    );
}

/// A framework in another one is repaired where it is.
#[test]
fn a_flattened_framework_in_a_framework_gets_its_links_back() {
    let inner = framework("com.example.inner");
    let outer = framework("com.example.outer").nested("Frameworks/inner.framework", inner);
    let bench = Bench::of(&app("com.example.acme").nested("Frameworks/outer.framework", outer));
    let path = bench.at("Contents/Frameworks/outer.framework/Versions/A/Frameworks/inner.framework");
    fs::remove_file(path.join("Versions/Current")).unwrap();
    let copied = std::process::Command::new("cp")
        .arg("-R")
        .args([path.join("Versions/A"), path.join("Versions/Current")])
        .status();
    assert!(copied.unwrap().success());
    let commands = bench.repair("framework-flattened");
    assert!(
        commands.contains("/inner.framework/Versions/Current\n"),
        "{commands}"
    );
}

/// An archive without links leaves them out.
#[test]
fn a_framework_without_its_links_gets_them_back() {
    let bench = with_framework();
    let framework = bench.at("Contents/Frameworks/inner.framework");
    for link in ["Versions/Current", "Resources", "inner"] {
        fs::remove_file(framework.join(link)).unwrap();
    }
    bench.repair("framework-flattened");
    assert!(framework.join("Resources").is_symlink());
}

/// Modes are not part of the signature.
#[test]
fn a_lost_execute_bit_is_set_again() {
    let bench = with_framework();
    fs::set_permissions(bench.at("Contents/MacOS/acme"), fs::Permissions::from_mode(0o644)).unwrap();
    let commands = bench.repair("executable-bit-lost");
    assert!(!commands.contains("codesign"), "{commands}");
}

/// The paths of the commands have single slashes, where the framework is the item itself and where its path is written with more.
#[test]
fn no_path_in_a_command_has_two_slashes() {
    let bench = Bench::of(&framework("com.example.inner"));
    fs::remove_file(bench.at("Versions/Current")).unwrap();
    let commands = bench.repair("framework-flattened");
    assert!(!commands.contains("//"), "{commands}");
    let name = "inner.framework";
    let bench = Bench::of(&framework("com.example.inner"));
    fs::remove_file(bench.at("Versions/Current")).unwrap();
    let path = format!("{}//./{name}//", bench.around().display());
    let evidence =
        crate::support::examined::examine(std::path::Path::new(&path), &crate::support::foundry::options());
    let advice = crate::support::examined::advise(
        &evidence.unwrap(),
        None,
        &sealcheck::rule::Expectations::default(),
    );
    for finding in advice.findings {
        assert!(!finding.remedy.to_string().contains("//"), "{}", finding.remedy);
    }
}
