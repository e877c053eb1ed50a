//! Remedies look at whose code it is: no one signs another vendor's program again, or Apple's.

use super::Bench;
use crate::support::foundry::{By, TEAM, app, library, tool};
use crate::support::plist::{Entries, der, entries};
use crate::support::signature::blob;

const OTHER: &str = "ZZZZZ98765";

fn with_parent_constraint(facts: Entries) -> Vec<u8> {
    let envelope = entries! { "ccat" => 0, "comp" => 1, "reqs" => facts, "vers" => 1 };
    blob(0xfade_8181, &der(&envelope))
}

/// The helper of another vendor keeps its signature; its own team repairs it.
#[test]
fn the_helper_of_another_vendor_is_not_signed_again() {
    let wrong = with_parent_constraint(entries! { "team-identifier" => "NOBODY0000" });
    let helper = tool("com.other.tool").team(OTHER).special(9, wrong);
    let bench = Bench::of(&app("com.example.acme").nested("Helpers/tool", helper));
    for rule in ["parent-or-responsible-impossible", "mixed-teams"] {
        let remedy = bench.remedy(rule);
        let signs_it = remedy
            .lines()
            .any(|line| line.contains("codesign") && line.ends_with("tool"));
        assert!(!signs_it, "{remedy}");
    }
    let remedy = bench.remedy("parent-or-responsible-impossible");
    assert!(
        remedy.contains("team ZZZZZ98765 signed tool: do not sign it again"),
        "{remedy}"
    );
}

/// The own helper gets a constraint that the app satisfies.
#[test]
fn the_own_helper_gets_a_parent_that_there_is() {
    let wrong = with_parent_constraint(entries! { "team-identifier" => "NOBODY0000" });
    let bench = Bench::of(
        &app("com.example.acme").nested("Helpers/tool", tool("com.example.tool").special(9, wrong)),
    );
    let commands = bench.repair("parent-or-responsible-impossible");
    assert!(
        commands.contains(TEAM) && commands.contains("com.example.acme"),
        "{commands}"
    );
}

/// A library of another team is part of the app that ships it: the app signs it.
#[test]
fn the_library_of_another_team_is_signed_by_the_app() {
    let bench = Bench::of(
        &app("com.example.acme").nested("Frameworks/lib.dylib", library("com.other.lib").team(OTHER)),
    );
    bench.repair("mixed-teams");
}

/// A build for the store that is to be given to users needs another certificate, and the words fit the command.
#[test]
fn a_build_for_the_store_gets_a_developer_id() {
    let bench =
        Bench::of(&app("com.example.acme").by(By::Distribution)).target(sealcheck::Target::DeveloperId);
    let remedy = bench.remedy("app-store-distribution-signed");
    assert!(
        remedy.contains("sign with a Developer ID") && !remedy.contains("Apple Distribution: "),
        "{remedy}"
    );
    bench.repair("app-store-distribution-signed");
}

/// For the store itself, that certificate is the right one, and nothing is to be signed.
#[test]
fn a_build_for_the_store_is_uploaded_as_it_is() {
    let remedy =
        Bench::of(&app("com.example.acme").by(By::Distribution)).remedy("app-store-distribution-signed");
    assert!(
        remedy.starts_with("upload it as it is") && !remedy.contains("codesign"),
        "{remedy}"
    );
}

/// What Apple signed is not the user's to sign: Apple's copy is restored.
#[test]
fn code_of_apple_is_not_signed_again() {
    let bench = Bench::of(
        &app("com.example.acme")
            .by(By::Apple)
            .file("Resources/a.txt", b"a"),
    );
    std::fs::write(bench.at("Contents/Resources/a.txt"), b"b").unwrap();
    let remedy = bench.remedy("sealed-resource-broken");
    assert!(
        remedy.contains("Apple signed acme.app: do not sign it again"),
        "{remedy}"
    );
    assert!(!remedy.contains("codesign"), "{remedy}");
}
