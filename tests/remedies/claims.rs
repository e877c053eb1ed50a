//! Remedies that change what code claims: the entitlements are written out, changed, and signed in.

use sealcheck::Target;

use super::Bench;
use crate::support::foundry::{By, app, library, tool};
use crate::support::plist::entries;

/// Entitlements belong to programs: the app claims `allow-jit`, not the library with the engine.
#[test]
fn an_engine_gets_its_entitlement_through_the_program() {
    let code = app("com.example.acme").nested("Frameworks/libjvm.dylib", library("com.example.jvm"));
    let bench = Bench::of(&code);
    let commands = bench.repair("jit-without-entitlement");
    let signed = format!("--entitlements acme.entitlements {}\n", bench.path.display());
    assert!(
        commands.contains(&signed) && !commands.contains("libjvm"),
        "{commands}"
    );
}

/// Other claims stay, and so do those of other programs.
#[test]
fn an_engine_leaves_other_claims_as_they_are() {
    let claims = entries! { "com.apple.security.device.camera" => true };
    let code = app("com.example.acme")
        .entitlements(claims)
        .info(entries! { "NSCameraUsageDescription" => "Takes your picture." })
        .nested("Frameworks/libjvm.dylib", library("com.example.jvm"));
    let bench = Bench::of(&code);
    bench.repair("jit-without-entitlement");
    let file = std::fs::read_to_string(bench.around().join("acme.entitlements")).unwrap();
    assert!(
        file.contains("device.camera") && file.contains("allow-jit"),
        "{file}"
    );
}

/// A library is signed again without entitlements.
#[test]
fn a_library_loses_its_entitlements() {
    let claims = entries! { "com.apple.security.cs.allow-jit" => true };
    let lib = library("com.example.lib").entitlements(claims);
    let commands = Bench::of(&app("com.example.acme").nested("Frameworks/lib.dylib", lib))
        .repair("entitlements-on-library-code");
    let first = commands.lines().next().unwrap();
    assert!(
        !first.contains("entitlements") && first.ends_with("lib.dylib"),
        "{commands}"
    );
}

/// A helper in the sandbox of a store app takes part in it with `app-sandbox` and `inherit`; a bundle of its own is no answer, since the
/// store gives it no profile.
#[test]
fn a_helper_for_the_store_claims_the_two_keys_for_inheritance() {
    let sandbox = entries! { "com.apple.security.app-sandbox" => true };
    let helper = tool("com.example.acme.tool").by(By::Distribution).entitlements(
        entries! { "com.apple.security.app-sandbox" => true, "com.apple.developer.networking.vpn.api" => ["allow-vpn"] },
    );
    let code = app("com.example.acme")
        .by(By::Distribution)
        .entitlements(sandbox)
        .nested("MacOS/tool", helper);
    let bench = Bench::of(&code);
    let rule = "restricted-entitlement-on-secondary-executable";
    let remedy = bench.remedy(rule);
    assert!(!remedy.contains("bundle of its own"), "{remedy}");
    let commands = bench.repair(rule);
    assert!(
        commands.contains("codesign -f -s \"Apple Distribution: "),
        "{commands}"
    );
    let file = std::fs::read_to_string(bench.around().join("tool.entitlements")).unwrap();
    assert!(
        file.contains("security.inherit") && !file.contains("vpn"),
        "{file}"
    );
}

/// With a Developer ID, the program does without the key, or it gets a bundle and a profile.
#[test]
fn a_helper_with_a_developer_id_drops_the_restricted_key() {
    let claims = entries! { "com.apple.developer.networking.vpn.api" => ["allow-vpn"] };
    let code =
        app("com.example.acme").nested("MacOS/tool", tool("com.example.acme.tool").entitlements(claims));
    let bench = Bench::of(&code);
    let rule = "restricted-entitlement-on-secondary-executable";
    assert!(
        bench
            .remedy(rule)
            .contains("or give the program a bundle of its own")
    );
    bench.repair(rule);
}

/// The same for a program without any bundle.
#[test]
fn a_single_program_drops_the_restricted_key() {
    let claims = entries! { "com.apple.developer.networking.vpn.api" => ["allow-vpn"] };
    Bench::of(&tool("com.example.tool").entitlements(claims))
        .repair("restricted-entitlement-on-standalone-tool");
}

/// A program that is signed ad hoc has no team, so that no library can be of the same one. Signing the library "with the identity of the
/// app" is advice that no one can follow.
#[test]
fn a_program_without_a_certificate_is_not_told_to_sign_with_its_identity() {
    let code = app("com.example.acme")
        .by(By::Adhoc)
        .links(&["@executable_path/../Frameworks/lib.dylib"])
        .nested("Frameworks/lib.dylib", library("com.example.lib").by(By::Adhoc));
    let bench = Bench::of(&code).target(Target::Local);
    let commands = bench.repair("library-validation-will-block");
    assert!(
        commands.contains("codesign -f -s - ") && commands.contains("disable-library-validation"),
        "{commands}"
    );
    assert!(!commands.contains("Developer ID"), "{commands}");
}
