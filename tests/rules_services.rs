//! Rules about system extensions, privileged helpers, launchd jobs and XPC services.

use sealcheck::finding::Severity::{self, Error};

use crate::support::foundry::{Code, app, of, system_extension, tool};
use crate::support::plist::{Entries, entries};

/// Severities and messages of what one rule says.
#[track_caller]
fn expect(code: &Code, rule: &str, expected: &[(Severity, &str)]) {
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
fn privileged_helpers_exist() {
    let rule = "privileged-helper-missing";
    let app = acme()
        .info(entries! { "SMPrivilegedExecutables" => entries! { "com.example.helper" => "anchor apple" } });
    expect(
        &app,
        rule,
        &[(
            Error,
            "SMPrivilegedExecutables names com.example.helper, and there is no Contents/Library/LaunchServices/com.example.helper",
        )],
    );
    let helper = tool("com.example.helper");
    expect(
        &app.nested("Library/LaunchServices/com.example.helper", helper),
        rule,
        &[],
    );
}
