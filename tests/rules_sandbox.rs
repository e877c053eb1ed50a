//! Rules about the sandbox, exceptions from the hardened runtime, and drivers.

use sealcheck::finding::{Severity, Target};

use crate::support::foundry::{
    By, Code, app, app_extension, driver, found, framework, library, system_extension, tool, xpc_service,
};
use crate::support::plist::{Entries, Plist, entries};

use Severity::{Error, Note, Warning};

const SANDBOX: &str = "com.apple.security.app-sandbox";
const INHERIT: &str = "com.apple.security.inherit";
const JIT: &str = "com.apple.security.cs.allow-jit";

#[track_caller]
fn expect(code: &Code, expected: &[(&'static str, Severity)]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    let mut said = code.found();
    said.retain(|(rule, _)| !rule.starts_with("profile-"));
    assert_eq!(said, expected, "{:#?}", code.advice().findings);
}

fn sandboxed() -> Code {
    app("com.example.acme").entitlements(entries! { SANDBOX => true })
}

fn with_helper(claims: Entries) -> Code {
    sandboxed().nested("MacOS/helper", tool("com.example.helper").entitlements(claims))
}

#[test]
fn inheriting() {
    let rule = "sandbox-inherit-extra";
    expect(&with_helper(entries! { SANDBOX => true, INHERIT => true }), &[]);
    let own = entries! { SANDBOX => true, INHERIT => true, "com.example.own" => true };
    expect(&with_helper(own), &[]);
    let debug = entries! { SANDBOX => true, INHERIT => true, "com.apple.security.get-task-allow" => true };
    expect(&with_helper(debug), &[(rule, Error), ("get-task-allow", Error)]);
    expect(
        &with_helper(entries! { INHERIT => true }),
        &[
            ("inherit-without-sandbox", Error),
            ("sandbox-missing-in-nested", Note),
        ],
    );
    let both = || entries! { SANDBOX => true, INHERIT => true };
    let main = "inherit-on-bundled-main";
    expect(&app("com.example.acme").entitlements(both()), &[(main, Error)]);
    let service = xpc_service("com.example.acme.work").entitlements(both());
    expect(
        &sandboxed().nested("XPCServices/work.xpc", service),
        &[(main, Error)],
    );
    // Helpers of Chromium's kind are apps that the app starts itself.
    let helper = app("com.example.acme.helper").entitlements(both());
    expect(&sandboxed().nested("Frameworks/helper.app", helper.clone()), &[]);
    // launchd starts login items.
    let place = "Library/LoginItems/helper.app";
    let found = sandboxed().nested(place, helper).found();
    assert!(found.contains(&(main, Error)), "{found:?}");
}

/// libsecinit counts keys of App Sandbox only (Apple's "Enabling App Sandbox Inheritance": "exactly two App Sandbox entitlement keys").
/// Exceptions from the hardened runtime are not inherited; the helpers of Electron and Chromium claim them, also in the store.
#[test]
fn exceptions_from_the_hardened_runtime_are_not_of_the_sandbox() {
    let rule = "sandbox-inherit-extra";
    for key in [
        JIT,
        "com.apple.security.cs.allow-unsigned-executable-memory",
        "com.apple.security.cs.disable-library-validation",
        "com.apple.security.device.audio-input",
    ] {
        let found = with_helper(entries! { SANDBOX => true, INHERIT => true, key => true }).found();
        assert!(found.iter().all(|(found, _)| *found != rule), "{key}: {found:?}");
    }
    for key in [
        "com.apple.security.network.client",
        "com.apple.security.device.camera",
        "com.apple.security.files.user-selected.read-only",
    ] {
        let found = with_helper(entries! { SANDBOX => true, INHERIT => true, key => true }).found();
        assert!(found.contains(&(rule, Error)), "{key}: {found:?}");
    }
}

#[test]
fn programs_outside_of_the_sandbox() {
    let rule = "sandbox-missing-in-nested";
    let helper = tool("com.example.helper");
    let code = sandboxed().nested("MacOS/helper", helper.clone());
    expect(&code, &[(rule, Note)]);
    let store = code.by(By::Distribution);
    assert!(store.found().contains(&(rule, Error)), "{:?}", store.found());
    expect(&app("com.example.acme").nested("MacOS/helper", helper), &[]);
    // Libraries have none, nor do system extensions.
    expect(
        &sandboxed().nested("Frameworks/libx.dylib", library("com.example.libx")),
        &[],
    );
    let share = || app_extension("com.example.acme.share");
    let missing = "sandbox-on-appex-missing";
    expect(
        &app("com.example.acme").nested("PlugIns/share.appex", share()),
        &[(missing, Error)],
    );
    expect(
        &sandboxed().nested("PlugIns/share.appex", share()),
        &[(missing, Error)],
    );
    let share = share().entitlements(entries! { SANDBOX => true });
    expect(&sandboxed().nested("PlugIns/share.appex", share), &[]);
}

#[test]
fn exceptions_and_network() {
    let rule = "sandbox-temporary-exceptions";
    let key = "com.apple.security.temporary-exception.files.home-relative-path.read-only";
    let with = |path: &str| app("com.example.acme").entitlements(entries! { SANDBOX => true, key => [path] });
    expect(&with("/Library/Acme/"), &[(rule, Note)]);
    expect(&with("Library/Acme/"), &[(rule, Note), (rule, Warning)]);
    let store = with("/Library/Acme/").by(By::Distribution);
    expect(
        &store,
        &[
            ("app-store-distribution-signed", Note),
            (rule, Warning),
            ("testflight-needs-profile", Warning),
        ],
    );
    let rule = "sandbox-network-none";
    let sparkle = || framework("org.sparkle-project.Sparkle");
    expect(
        &sandboxed().nested("Frameworks/Sparkle.framework", sparkle()),
        &[(rule, Note)],
    );
    let client = app("com.example.acme")
        .entitlements(entries! { SANDBOX => true, "com.apple.security.network.client" => true });
    expect(&client.nested("Frameworks/Sparkle.framework", sparkle()), &[]);
    expect(
        &app("com.example.acme").nested("Frameworks/Sparkle.framework", sparkle()),
        &[],
    );
}

const DEBUG: &str = "com.apple.security.get-task-allow";
const LIBRARIES: &str = "com.apple.security.cs.disable-library-validation";
const VARIABLES: &str = "com.apple.security.cs.allow-dyld-environment-variables";

#[test]
fn debugging() {
    let rule = "get-task-allow";
    let with = |value: Plist| app("com.example.acme").entitlements([(DEBUG.to_owned(), value)].into());
    expect(&with(true.into()), &[(rule, Error)]);
    expect(&with(false.into()), &[("entitlement-false", Note)]);
    expect(
        &with("YES".into()),
        &[(rule, Error), ("entitlement-wrong-type", Error)],
    );
    expect(
        &with(1.into()),
        &[(rule, Error), ("entitlement-wrong-type", Error)],
    );
    let local = with(true.into()).by(By::Development).built();
    assert_eq!(found(&local.advice(Some(Target::Local))), []);
    let host = app("com.example.acme").entitlements(entries! { DEBUG => true, LIBRARIES => true });
    expect(&host, &[(rule, Warning), ("library-validation-disabled", Note)]);
    let store = host.by(By::Distribution);
    assert!(store.found().contains(&(rule, Error)), "{:?}", store.found());
    // On a helper as well; on a library it has no effect.
    let helper = tool("com.example.helper").entitlements(entries! { DEBUG => true });
    expect(
        &app("com.example.acme").nested("Helpers/helper", helper),
        &[(rule, Error)],
    );
    let library = library("com.example.libx").entitlements(entries! { DEBUG => true });
    expect(&library, &[("entitlements-on-library-code", Warning)]);
}

#[test]
fn exceptions_from_the_runtime() {
    let with = |claims: Entries| app("com.example.acme").entitlements(claims);
    expect(
        &with(entries! { LIBRARIES => true, VARIABLES => true }),
        &[("injection-combo", Warning)],
    );
    expect(&with(entries! { VARIABLES => true }), &[]);
    let rule = "library-validation-disabled";
    let disabled = || with(entries! { LIBRARIES => true });
    expect(&disabled(), &[(rule, Note)]);
    let own = disabled().nested("Frameworks/libx.dylib", library("com.example.libx"));
    expect(&own, &[(rule, Warning)]);
    expect(
        &own.clone().file("PlugIns/readme.txt", b"here"),
        &[("data-in-code-location", Warning), (rule, Note)],
    );
    let other = disabled().nested(
        "Frameworks/libx.dylib",
        library("com.example.libx").team("ZZZZZ99999"),
    );
    expect(&other, &[(rule, Note)]);
    let key = "com.apple.security.cs.disable-executable-page-protection";
    expect(
        &with(entries! { key => true }),
        &[("executable-page-protection-disabled", Warning)],
    );
    expect(&with(entries! { JIT => true }), &[]);
}

#[test]
fn resources_of_the_user() {
    let missing = "resource-access-entitlement-missing";
    let usage = "resource-access-usage-missing";
    let text = || entries! { "NSMicrophoneUsageDescription" => "To listen." };
    let claim = || entries! { "com.apple.security.device.audio-input" => true };
    expect(&app("com.example.acme").info(text()).entitlements(claim()), &[]);
    expect(&app("com.example.acme").info(text()), &[(missing, Warning)]);
    expect(
        &app("com.example.acme").entitlements(claim()),
        &[(usage, Warning)],
    );
    // The helper records, the app explains.
    let helper = app("com.example.acme.helper").entitlements(claim());
    expect(
        &app("com.example.acme")
            .info(text())
            .nested("Helpers/helper.app", helper.clone()),
        &[],
    );
    expect(
        &app("com.example.acme").nested("Helpers/helper.app", helper),
        &[(usage, Warning)],
    );
    // A tool asks in the name of the terminal.
    expect(&tool("com.example.tool").entitlements(claim()), &[]);
    expect(&app("com.example.acme").info(text()).by(By::Apple), &[]);
}

#[test]
fn drivers() {
    let base = "com.apple.developer.driverkit";
    let pci = "com.apple.developer.driverkit.transport.pci";
    let usb = "com.apple.developer.driverkit.transport.usb";
    let with = |claims: Entries| {
        driver("com.example.driver")
            .entitlements(claims)
            .file("embedded.provisionprofile", b"profile")
    };
    let of = |text: &str| with(entries! { base => true, pci => [entries! { "IOPCIPrimaryMatch" => text }] });
    expect(&of("0x000010ec&0x0000FFFF"), &[]);
    expect(&of("0x000010ec&0x0000FFFF 0x00008086"), &[]);
    expect(&of("0xFFFFFFFF&0x00000000"), &[]);
    expect(
        &of("0xFFFFFFFF&0x00161916"),
        &[("driverkit-mask-swapped", Warning)],
    );
    expect(&of("10ec"), &[("driverkit-match-syntax", Warning)]);
    let number = with(entries! { base => true, pci => [entries! { "IOPCIPrimaryMatch" => 5 }] });
    expect(&number, &[("driverkit-match-syntax", Error)]);
    let device = |entries: Entries| with(entries! { base => true, usb => [entries] });
    expect(&device(entries! { "idVendor" => 1452, "idProduct" => 5 }), &[]);
    expect(
        &device(entries! { "vendor" => 1452 }),
        &[("driverkit-match-syntax", Warning)],
    );
    expect(
        &device(entries! { "idVendor" => true }),
        &[("driverkit-match-syntax", Error)],
    );
    let missing = "driverkit-base-missing";
    expect(
        &with(entries! { pci => [entries! { "IOPCIMatch" => "0x1" }] }),
        &[(missing, Error)],
    );
    expect(&driver("com.example.driver"), &[(missing, Error)]);
    let app = app("com.example.acme")
        .entitlements(entries! { usb => [entries! { "idVendor" => 1452 }] })
        .file("embedded.provisionprofile", b"profile");
    expect(&app, &[(missing, Error)]);
}

#[test]
fn apps_that_install_extensions() {
    let rule = "sysext-install-missing";
    let install = || entries! { "com.apple.developer.system-extension.install" => true };
    let place = "Library/SystemExtensions/com.example.acme.net.systemextension";
    let plain = app("com.example.acme").nested(place, system_extension("com.example.acme.net"));
    assert!(plain.found().contains(&(rule, Error)), "{:?}", plain.found());
    let claiming = plain
        .clone()
        .entitlements(install())
        .file("embedded.provisionprofile", b"profile");
    assert!(!claiming.found().iter().any(|(found, _)| *found == rule));
    // A helper may be the one that installs.
    let helper = app("com.example.acme.setup")
        .entitlements(install())
        .file("embedded.provisionprofile", b"profile");
    let helped = plain.nested("Helpers/setup.app", helper);
    assert!(!helped.found().iter().any(|(found, _)| *found == rule));
}
