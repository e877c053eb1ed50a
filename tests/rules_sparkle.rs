//! Rules about Sparkle in apps with a sandbox.

use sealcheck::finding::Severity::Warning;

use crate::support::foundry::{Code, app, framework, of, tool, xpc_service};
use crate::support::plist::{Entries, entries};

const RULE: &str = "sparkle-in-sandbox";
const SANDBOX: &str = "com.apple.security.app-sandbox";
const CLIENT: &str = "com.apple.security.network.client";
const GROUPS: &str = "com.apple.security.application-groups";
const LOOKUP: &str = "com.apple.security.temporary-exception.mach-lookup.global-name";
const ENABLE: &str = "SUEnableInstallerLauncherService";

fn names() -> Entries {
    entries! { SANDBOX => true, LOOKUP => ["com.example.acme-spks", "com.example.acme-spki"] }
}

fn installer() -> Code {
    xpc_service("org.sparkle-project.InstallerLauncher")
}

fn sparkle() -> Code {
    framework("org.sparkle-project.Sparkle")
        .info(entries! { "CFBundleShortVersionString" => "2.6.3" })
        .nested("Autoupdate", tool("org.sparkle-project.Sparkle.Autoupdate"))
}

fn complete() -> Code {
    sparkle().nested("XPCServices/Installer.xpc", installer())
}

fn acme(sparkle: Code, claims: Entries) -> Code {
    app("com.example.acme")
        .entitlements(claims)
        .info(entries! { ENABLE => true })
        .links(&["@rpath/Sparkle.framework/Versions/A/Sparkle"])
        .run_paths(&["@executable_path/../Frameworks"])
        .nested("Frameworks/Sparkle.framework", sparkle)
}

#[track_caller]
fn expect(code: &Code, expected: &[&str]) {
    let advice = code.advice();
    let found = of(&advice, RULE);
    assert!(found.iter().all(|finding| finding.severity == Warning));
    let said: Vec<_> = found.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(said, expected);
}

#[test]
fn the_service_that_installs() {
    expect(&acme(complete(), names()), &[]);
    let missing = "the app is sandboxed, and Sparkle's Installer.xpc is not there";
    expect(&acme(sparkle(), names()), &[missing]);
    let old = entries! { "CFBundleShortVersionString" => "1.27.3" };
    expect(
        &acme(sparkle().info(old), names()),
        &["Sparkle 1.27.3 updates no sandboxed apps; Sparkle 2 does"],
    );
    // As its betas were built in.
    let beta = acme(sparkle(), names())
        .info(entries! { ENABLE => false })
        .nested(
            "XPCServices/org.sparkle-project.InstallerLauncher.xpc",
            installer(),
        );
    expect(&beta, &[]);
    let off = "the app is sandboxed, and SUEnableInstallerLauncherService is not set";
    for (value, expected) in [("YES", &[][..]), ("1", &[]), ("NO", &[off]), ("0", &[off])] {
        let code = acme(complete(), names()).info(entries! { ENABLE => value });
        expect(&code, expected);
    }
    // Signed with the app's own entitlements, as --deep does it.
    let caged = sparkle().nested("XPCServices/Installer.xpc", installer().entitlements(names()));
    expect(
        &acme(caged, names()),
        &["Sparkle's service that installs updates is sandboxed itself"],
    );
}

#[test]
fn the_service_that_downloads() {
    let with = |claims: Entries| {
        let service = xpc_service("org.sparkle-project.DownloaderService").entitlements(claims);
        acme(complete().nested("XPCServices/Downloader.xpc", service), names())
    };
    let on = || entries! { "SUEnableDownloaderService" => true };
    let message =
        "Sparkle's service that downloads updates is sandboxed without com.apple.security.network.client";
    expect(&with(names()).info(on()), &[message]);
    expect(&with(names()), &[]);
    expect(
        &with(entries! { SANDBOX => true, CLIENT => true }).info(on()),
        &[],
    );
    expect(&with(entries! { CLIENT => true }).info(on()), &[]);
}

#[test]
fn names_of_the_installer() {
    let said = |names: &str| format!("{LOOKUP} does not list {names}");
    let both = said("com.example.acme-spks and com.example.acme-spki");
    let one = said("com.example.acme-spki");
    for (claims, expected) in [
        (entries! { SANDBOX => true }, &[both.as_str()][..]),
        (
            entries! { SANDBOX => true, LOOKUP => ["com.example.acme-spks"] },
            &[one.as_str()],
        ),
        // Nobody filled it in.
        (
            entries! { SANDBOX => true, LOOKUP => ["$(PRODUCT_BUNDLE_IDENTIFIER)-spks", "$(PRODUCT_BUNDLE_IDENTIFIER)-spki"] },
            &[both.as_str()],
        ),
        (
            entries! { SANDBOX => true, LOOKUP => ["com.example.acme-spk*"] },
            &[],
        ),
        (entries! { SANDBOX => true, GROUPS => ["com.example"] }, &[]),
        (
            entries! { SANDBOX => true, GROUPS => ["ABCDE12345.acme"] },
            &[both.as_str()],
        ),
        // Without a sandbox nothing is in the way.
        (entries! { CLIENT => true }, &[]),
    ] {
        expect(&acme(complete(), claims), expected);
    }
    let own =
        entries! { "SUEnableInstallerConnectionService" => true, "SUEnableInstallerStatusService" => true };
    expect(&acme(complete(), entries! { SANDBOX => true }).info(own), &[]);
}

#[test]
fn only_where_the_app_itself_updates() {
    // The framework is there for a helper outside of the sandbox.
    let code = app("com.example.acme")
        .entitlements(entries! { SANDBOX => true })
        .nested("Frameworks/Sparkle.framework", sparkle());
    expect(&code, &[]);
    let other = app("com.example.acme")
        .entitlements(entries! { SANDBOX => true })
        .links(&["@rpath/Glitter.framework/Versions/A/Glitter"])
        .run_paths(&["@executable_path/../Frameworks"])
        .nested("Frameworks/Glitter.framework", framework("com.example.Glitter"));
    expect(&other, &[]);
}

/// That each piece is of the app's team is said by the rule about all nested code.
#[test]
fn pieces_of_another_team() {
    let mixed = |piece: &str, code: Code| {
        let built = complete().nested(piece, code.team("ZYXWV98765"));
        let advice = acme(built, names()).advice();
        let found = of(&advice, "mixed-teams");
        found
            .iter()
            .map(|finding| finding.code.clone())
            .collect::<Vec<_>>()
    };
    for (piece, code) in [
        ("Updater.app", app("org.sparkle-project.Sparkle.Updater")),
        (
            "XPCServices/Downloader.xpc",
            xpc_service("org.sparkle-project.DownloaderService"),
        ),
        ("fileop", tool("org.sparkle-project.Sparkle.fileop")),
    ] {
        let place = format!("Contents/Frameworks/Sparkle.framework/Versions/A/{piece}");
        assert_eq!(mixed(piece, code.clone()), [place]);
        let advice = acme(complete().nested(piece, code), names()).advice();
        assert!(of(&advice, "mixed-teams").is_empty(), "{piece}");
    }
}
