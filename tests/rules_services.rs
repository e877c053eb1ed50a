//! Rules about system extensions, app extensions and XPC services.

use sealcheck::finding::Severity::{self, Error, Note, Warning};

use crate::support::foundry::{
    Code, MACOS, app, app_extension, driver, framework, of, system_extension, xpc_service,
};
use crate::support::plist::{Entries, entries};

/// Severities and messages of what one rule says.
#[track_caller]
pub fn expect(code: &Code, rule: &str, expected: &[(Severity, &str)]) {
    let advice = code.advice();
    let said: Vec<_> = of(&advice, rule)
        .iter()
        .map(|finding| (finding.severity, finding.message.as_str()))
        .collect();
    assert_eq!(said, expected);
}

fn acme() -> Code {
    app("com.example.acme")
}

#[test]
fn system_extensions() {
    let extension = || system_extension("com.example.acme.net");
    let place = "Library/SystemExtensions/com.example.acme.net.systemextension";
    let right = acme().nested(place, extension());
    for rule in [
        "system-extension-name",
        "system-extension-misplaced",
        "system-extension-team",
    ] {
        expect(&right, rule, &[]);
    }
    expect(
        &acme().nested("Library/SystemExtensions/net.systemextension", extension()),
        "system-extension-name",
        &[(
            Error,
            "it is named net, but its bundle identifier is com.example.acme.net",
        )],
    );
    expect(
        &acme().nested("PlugIns/com.example.acme.net.systemextension", extension()),
        "system-extension-misplaced",
        &[(Error, "it lies in Contents/PlugIns")],
    );
    let other = || extension().team("OTHERTEAM1");
    expect(
        &acme().nested(place, other()),
        "system-extension-team",
        &[(
            Error,
            &format!(
                "signed by team OTHERTEAM1, the app around it by team {}",
                acme().team
            ),
        )],
    );
    let found = acme().nested(place, other()).found();
    assert!(!found.iter().any(|(rule, _)| *rule == "mixed-teams"), "{found:?}");
    let free =
        other().entitlements(entries! { "com.apple.developer.system-extension.redistributable" => true });
    expect(&acme().nested(place, free), "system-extension-team", &[]);
}

#[test]
fn service_names_begin_with_an_app_group() {
    let group = "TEAM.com.example";
    for (rule, dictionary, key) in [
        (
            "network-extension-mach-service",
            "NetworkExtension",
            "NEMachServiceName",
        ),
        (
            "camera-extension-mach-service",
            "CMIOExtension",
            "CMIOExtensionMachServiceName",
        ),
    ] {
        let named = |name: &str| {
            system_extension("com.example.net")
                .info(entries! { dictionary => entries! { key => name } })
                .entitlements(entries! { "com.apple.security.application-groups" => [group] })
        };
        expect(&named("TEAM.com.example.net"), rule, &[]);
        expect(
            &named("TEAM.com.examples"),
            rule,
            &[(
                Error,
                &format!(
                    "{key} TEAM.com.examples does not begin with an app group of the extension ({group})"
                ),
            )],
        );
        let none = system_extension("com.example.net").info(entries! { dictionary => Entries::new() });
        let missing = format!("Info.plist has no {dictionary}/{key}");
        let expected = [(Error, missing.as_str())];
        let is_required = dictionary == "CMIOExtension";
        expect(&none, rule, if is_required { &expected } else { &[] });
        // Without app groups none is right.
        let ungrouped = system_extension("com.example.net")
            .info(entries! { dictionary => entries! { key => "TEAM.com.example.net" } });
        expect(
            &ungrouped,
            rule,
            &[(
                Error,
                &format!(
                    "{key} TEAM.com.example.net does not begin with an app group of the extension (it claims none)"
                ),
            )],
        );
        expect(&system_extension("com.example.net"), rule, &[]);
    }
}

#[test]
fn extension_points_and_their_entitlements() {
    let rule = "extension-point-entitlement";
    let network = "com.apple.developer.networking.networkextension";
    let at = |outer: &str, key: &str, point: &str| {
        let mut extension = app_extension("com.example.acme.net");
        extension.info = entries! { outer => entries! { key => point } };
        extension
    };
    let tunnel = || {
        at(
            "NSExtension",
            "NSExtensionPointIdentifier",
            "com.apple.networkextension.packet-tunnel",
        )
    };
    let within = |extension: Code| acme().nested("PlugIns/net.appex", extension);
    let message = format!(
        "it extends com.apple.networkextension.packet-tunnel, and does not claim packet-tunnel-provider in {network}"
    );
    let expected = [(Error, message.as_str())];
    expect(&within(tunnel()), rule, &expected);
    let other = tunnel().entitlements(entries! { network => ["dns-proxy"] });
    expect(&within(other), rule, &expected);
    for claimed in ["packet-tunnel-provider", "packet-tunnel-provider-systemextension"] {
        let right = tunnel().entitlements(entries! { network => ["dns-proxy", claimed] });
        expect(&within(right), rule, &[]);
    }
    let module = || {
        at(
            "EXAppExtensionAttributes",
            "EXExtensionPointIdentifier",
            "com.apple.fskit.fsmodule",
        )
    };
    let key = "com.apple.developer.fskit.fsmodule";
    let message = format!("it extends com.apple.fskit.fsmodule, and does not claim {key}");
    expect(&within(module()), rule, &[(Error, &message)]);
    let refused = module().entitlements(entries! { key => false });
    expect(&within(refused), rule, &[(Error, &message)]);
    let right = module().entitlements(entries! { key => true });
    expect(&within(right), rule, &[]);
    // A point that everybody may extend.
    expect(&within(app_extension("com.example.acme.share")), rule, &[]);
}

#[test]
fn xpc_services_lie_where_launchd_looks() {
    let rule = "xpc-service-misplaced";
    let service = || xpc_service("com.example.acme.service");
    for (place, expected) in [
        ("XPCServices/service.xpc", &[][..]),
        ("Frameworks/XPCServices/service.xpc", &[]),
        ("Helpers/service.xpc", &[(Error, "it lies in Contents/Helpers")]),
        (
            "Frameworks/service.xpc",
            &[(Error, "it lies in Contents/Frameworks")],
        ),
        (
            "Resources/service.xpc",
            &[(Warning, "it lies in Contents/Resources")],
        ),
    ] {
        expect(&acme().nested(place, service()), rule, expected);
    }
    let kit = framework("com.example.kit").nested("XPCServices/service.xpc", service());
    expect(&acme().nested("Frameworks/kit.framework", kit), rule, &[]);
    expect(&service(), rule, &[]);
}

#[test]
fn login_items() {
    let rule = "login-item-in-dock";
    let place = "Library/LoginItems/start.app";
    let item = || app("com.example.acme.start");
    let message = "Info.plist sets neither LSUIElement nor LSBackgroundOnly";
    expect(&acme().nested(place, item()), rule, &[(Note, message)]);
    let off = item().info(entries! { "LSUIElement" => "0", "LSBackgroundOnly" => false });
    expect(&acme().nested(place, off), rule, &[(Note, message)]);
    for info in [
        entries! { "LSUIElement" => true },
        entries! { "LSUIElement" => "1" },
        entries! { "LSBackgroundOnly" => "YES" },
    ] {
        expect(&acme().nested(place, item().info(info)), rule, &[]);
    }
    // Other apps in it, and an app that is no login item.
    expect(&acme().nested("Helpers/start.app", item()), rule, &[]);
    expect(&acme(), rule, &[]);
    // What else may be wrong with one is what may be wrong with all nested code.
    let right = || item().info(entries! { "LSUIElement" => true });
    let other = acme().nested(place, right().team("OTHERTEAM1"));
    let message = format!("is of team OTHERTEAM1, the item is of team {}", acme().team);
    expect(&other, "mixed-teams", &[(Warning, &message)]);
    expect(&acme().nested(place, right()), "mixed-teams", &[]);
    // As 1Password's is named.
    let named = app("ABCDE12345.com.example.acme-helper").info(entries! { "LSUIElement" => true });
    expect(&acme().nested(place, named), "nested-identifier-prefix", &[]);
}

#[test]
fn system_extensions_say_what_they_are_for() {
    let rule = "system-extension-description";
    for (code, key) in [
        (
            system_extension("com.example.acme.net"),
            "NSSystemExtensionUsageDescription",
        ),
        (driver("com.example.acme.driver"), "OSBundleUsageDescription"),
    ] {
        let message = format!("Info.plist has no {key}");
        expect(&code, rule, &[]);
        let mut bare = code.clone();
        bare.info.remove(key);
        expect(&bare, rule, &[(Warning, &message)]);
        expect(
            &code.clone().info(entries! { key => "" }),
            rule,
            &[(Warning, &message)],
        );
    }
    expect(&app_extension("com.example.acme.share"), rule, &[]);
}

#[test]
fn drivers_are_for_driverkit_and_for_all_macs() {
    let rule = "driver-platform";
    let right = || driver("com.example.acme.driver");
    expect(&right(), rule, &[]);
    expect(
        &right().platform(MACOS),
        rule,
        &[(Warning, "the driver is not built for DriverKit")],
    );
    let mut intel = right();
    intel.slices.truncate(1);
    expect(
        &intel,
        rule,
        &[(Warning, "the driver has no code for Macs with Apple silicon")],
    );
    let mut arm = right();
    arm.slices.remove(0);
    expect(&arm, rule, &[]);
}

#[test]
fn kernel_extensions_and_old_plug_ins() {
    let rule = "kernel-extension-architecture";
    let kext = |code: Code| acme().nested("Library/Extensions/driver.kext", code);
    let message = "the kernel extension has no arm64e code, so Macs with Apple silicon do not load it";
    let driver = || app("com.example.acme.driver");
    expect(&kext(driver()), rule, &[(Warning, message)]);
    let mut both = driver();
    both.slices[1].cpu_subtype = 0x8000_0002;
    expect(&kext(both), rule, &[]);
    let rule = "legacy-plugins";
    let at = |name: &str| acme().nested(&format!("Library/QuickLook/{name}"), driver());
    expect(&at("a.qlgenerator"), rule, &[(Warning, "a Quick Look generator")]);
    expect(&at("a.bundle"), rule, &[]);
}
