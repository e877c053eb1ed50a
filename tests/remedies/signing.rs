//! Remedies that change code and sign it again, with everything around it.

use super::Bench;
use crate::support::foundry::{app, framework, library, xpc_service};
use crate::support::macho::{arm64, i386};
use crate::support::plist::entries;

/// `lipo -remove` takes an architecture out of a universal file; the file is signed again, and the app after it.
#[test]
fn dead_architectures_are_removed_from_a_universal_file() {
    let mut dead = library("com.example.old");
    dead.slices = vec![i386(b"old"), arm64(b"new")];
    let bench = Bench::of(&app("com.example.acme").nested("Frameworks/old.dylib", dead));
    let commands = bench.repair("dead-architectures");
    assert!(commands.starts_with("lipo -remove i386 "), "{commands}");
    assert_eq!(commands.matches("codesign -f").count(), 2, "{commands}");
}

/// `lipo -remove` refuses a file with a single architecture ("must be a fat file when the -remove option is specified").
#[test]
fn a_file_for_a_dead_architecture_only_is_not_given_to_lipo() {
    let mut dead = library("com.example.old");
    dead.slices = vec![i386(b"old")];
    let advice = Bench::of(&app("com.example.acme").nested("Frameworks/old.dylib", dead)).advice();
    let finding = advice
        .findings
        .iter()
        .find(|finding| finding.rule == "dead-architectures");
    let remedy = finding.unwrap().remedy.to_string();
    assert!(
        remedy.contains("build it for arm64") && !remedy.contains("lipo"),
        "{remedy}"
    );
}

/// A changed resource: the bundle is signed again with the entitlements that it had.
#[test]
fn a_changed_resource_is_sealed_again() {
    let claims = entries! { "com.apple.security.app-sandbox" => true };
    let bench = Bench::of(
        &app("com.example.acme")
            .entitlements(claims)
            .file("Resources/a.txt", b"a"),
    );
    std::fs::write(bench.at("Contents/Resources/a.txt"), b"b").unwrap();
    let commands = bench.repair("sealed-resource-broken");
    assert!(
        commands.contains("--preserve-metadata=entitlements"),
        "{commands}"
    );
    assert!(
        !bench
            .advice()
            .findings
            .iter()
            .any(|finding| finding.rule.contains("sandbox"))
    );
}

/// A notarization ticket is for one signature (`cdhash`): code that is signed again must be notarized and stapled again.
#[test]
fn notarized_code_is_notarized_and_stapled_again() {
    let service = xpc_service("com.example.acme.service");
    let code = app("com.example.acme")
        .file("Resources/a.txt", b"a")
        .nested("Frameworks/inner.framework", framework("com.example.inner"))
        .nested("XPCServices/service.xpc", service);
    let bench = Bench::of(&code).with(&["xcrun stapler staple ."]);
    assert_eq!(bench.advice().findings, []);
    std::fs::write(bench.at("Contents/Resources/a.txt"), b"b").unwrap();
    let commands = bench.repair("sealed-resource-broken");
    let last = format!("xcrun stapler staple {}\n", bench.path.display());
    assert!(
        commands.contains("notarytool submit") && commands.ends_with(&last),
        "{commands}"
    );
    assert_eq!(bench.advice().findings, []);
}
