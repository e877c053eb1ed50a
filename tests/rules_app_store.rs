//! Rules about uploads to the App Store: each fires on its case and keeps silent on a near miss.

use sealcheck::finding::{Severity, Target};

use crate::support::foundry::{By, Code, IOS, app, app_extension, library, of, tool};
use crate::support::plist::{Entries, entries};

const SANDBOX: &str = "app-store-sandbox-missing";
const CERTIFICATE: &str = "app-store-wrong-certificate";
const ARM64: &str = "app-store-arm64-only";
const RECEIPT: &str = "receipt-in-developer-id-app";

fn sandboxed() -> Entries {
    entries! { "com.apple.security.app-sandbox" => true }
}

/// An app for upload, as it should be.
fn acme() -> Code {
    app("com.example.acme")
        .by(By::Distribution)
        .entitlements(sandboxed())
}

fn helper() -> Code {
    tool("com.example.acme.helper").by(By::Distribution)
}

/// Path and severity of the rule's findings.
fn found(code: &Code, rule: &str, target: Option<Target>) -> Vec<(String, Severity)> {
    let advice = code.built().advice(target);
    let found = of(&advice, rule).into_iter();
    let mut found: Vec<_> = found
        .map(|finding| (finding.path.clone(), finding.severity))
        .collect();
    // Once for each architecture.
    found.dedup();
    found
}

fn error(path: &str) -> (String, Severity) {
    (path.to_owned(), Severity::Error)
}

#[test]
fn programs_outside_of_the_sandbox() {
    let bare = |helper: Code| {
        app("com.example.acme")
            .by(By::Distribution)
            .nested("Helpers/helper", helper)
    };
    assert_eq!(
        found(&bare(helper()), SANDBOX, None),
        [error("Contents/MacOS/acme"), error("Contents/Helpers/helper")]
    );
    assert_eq!(
        found(&bare(helper().entitlements(sandboxed())), SANDBOX, None),
        [error("Contents/MacOS/acme")]
    );
    // Elsewhere it is free; and where the app is in the sandbox, another rule speaks.
    assert_eq!(found(&bare(helper()), SANDBOX, Some(Target::DeveloperId)), []);
    let nested = acme().nested("Helpers/helper", helper());
    assert_eq!(found(&nested, SANDBOX, None), []);
    assert_eq!(
        found(&nested, "sandbox-missing-in-nested", None),
        [error("Contents/Helpers/helper")]
    );
    assert_eq!(found(&helper(), SANDBOX, None), []);
}

#[test]
fn certificates_for_something_else() {
    let nested = |by: By| acme().nested("Helpers/helper", helper().by(by).entitlements(sandboxed()));
    for by in [By::DeveloperId, By::Development] {
        assert_eq!(
            found(&nested(by), CERTIFICATE, None),
            [error("Contents/Helpers/helper")],
            "{by:?}"
        );
    }
    // Apple's libraries, and what Apple signed for its store already; ad hoc is a finding of its own.
    let of_apple = acme().nested(
        "Frameworks/libswiftCore.dylib",
        library("com.apple.swift").by(By::Apple),
    );
    assert_eq!(found(&of_apple, CERTIFICATE, None), []);
    for by in [By::Distribution, By::MacAppStore, By::Adhoc] {
        assert_eq!(found(&nested(by), CERTIFICATE, None), [], "{by:?}");
    }
    assert_eq!(
        found(
            &acme().by(By::DeveloperId),
            CERTIFICATE,
            Some(Target::MacAppStore)
        ),
        [error("Contents/MacOS/acme")]
    );
    assert_eq!(found(&acme().by(By::DeveloperId), CERTIFICATE, None), []);
}

#[test]
fn apple_silicon_alone() {
    let only = |mut code: Code| {
        code.slices.remove(0);
        code
    };
    let with = |version: &str| only(acme().info(entries! { "LSMinimumSystemVersion" => version }));
    let warning = [("Contents/Info.plist".to_owned(), Severity::Warning)];
    assert_eq!(found(&only(acme()), ARM64, None), warning);
    assert_eq!(found(&with("11.5"), ARM64, None), warning);
    assert_eq!(found(&with("12.0"), ARM64, None), []);
    assert_eq!(found(&acme(), ARM64, None), []);
    assert_eq!(
        found(&only(acme().platform(IOS)), ARM64, Some(Target::MacAppStore)),
        []
    );
    let extension = only(app_extension("com.example.acme.share").by(By::Distribution));
    assert_eq!(found(&extension.entitlements(sandboxed()), ARM64, None), []);
}

#[test]
fn receipts_outside_of_the_store() {
    let with = |by: By| {
        app("com.example.acme")
            .by(by)
            .file("_MASReceipt/receipt", b"receipt")
    };
    assert_eq!(
        found(&with(By::DeveloperId), RECEIPT, None),
        [("Contents/_MASReceipt/receipt".to_owned(), Severity::Warning)]
    );
    assert_eq!(
        found(&with(By::Development), RECEIPT, Some(Target::DeveloperId)),
        []
    );
    assert_eq!(found(&app("com.example.acme"), RECEIPT, None), []);
}
