//! Rules about Info.plist and about what it declares.

use std::collections::BTreeMap;
use std::fs;

use sealcheck::finding::Severity::{self, Error, Note, Warning};
use sealcheck::finding::Target;
use sealcheck::rule::Expectations;
use sealcheck::verify::Options;

use crate::support::bundle::{codeless, sign, slices, write};
use crate::support::examined::{advise, examine};
use crate::support::foundry::{By, Code, app, app_extension, framework, of, xpc_service};
use crate::support::macho::EXECUTE;
use crate::support::plist::{Entries, entries};
use crate::support::signature::adhoc;

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

fn with_info(info: Entries) -> Code {
    acme().info(info)
}

#[test]
fn identifiers_of_bundles() {
    let rule = "bundle-identifier-invalid";
    expect(&acme(), rule, &[]);
    for (identifier, expected) in [
        ("", (Warning, "Info.plist has no CFBundleIdentifier")),
        (
            "com.example.my_app",
            (
                Warning,
                "CFBundleIdentifier \"com.example.my_app\" has characters other than letters, digits, - and .",
            ),
        ),
        (
            "com.apple.acme",
            (
                Warning,
                "CFBundleIdentifier com.apple.acme is in a name space that belongs to Apple",
            ),
        ),
    ] {
        let code = with_info(entries! { "CFBundleIdentifier" => identifier });
        expect(&code, rule, &[expected]);
    }
    // Nobody looks a framework up by it.
    let kit = framework("com.example.kit").info(entries! { "CFBundleIdentifier" => "my_kit" });
    expect(&acme().nested("Frameworks/kit.framework", kit), rule, &[]);
}

#[test]
fn package_types_of_apps() {
    let rule = "package-type-wrong";
    expect(&acme(), rule, &[]);
    let code = with_info(entries! { "CFBundlePackageType" => "BNDL" });
    expect(
        &code,
        rule,
        &[(Warning, "CFBundlePackageType is \"BNDL\", not APPL")],
    );
}

#[test]
fn variables_that_nobody_filled_in() {
    let rule = "unexpanded-plist-variable";
    let code = with_info(entries! {
        "CFBundleIdentifier" => "$(PRODUCT_BUNDLE_IDENTIFIER)",
        "NSHumanReadableCopyright" => "costs $(5)",
        "XAcme" => entries! { "Deep" => ["${MARKETING_VERSION}"] },
    });
    expect(
        &code,
        rule,
        &[
            (Warning, "CFBundleIdentifier holds $(PRODUCT_BUNDLE_IDENTIFIER)"),
            (Warning, "XAcme holds ${MARKETING_VERSION}"),
        ],
    );
    expect(&code, "bundle-identifier-invalid", &[]);
    let code = with_info(entries! { "CFBundlePackageType" => "$(PRODUCT_BUNDLE_PACKAGE_TYPE)" });
    expect(&code, "package-type-wrong", &[]);
}

#[test]
fn extensions_and_services_declare_themselves() {
    let nested = |extension: Entries, service: Entries| {
        acme()
            .nested(
                "PlugIns/ext.appex",
                app_extension("com.example.acme.ext").info(extension),
            )
            .nested(
                "XPCServices/com.example.acme.svc.xpc",
                xpc_service("com.example.acme.svc").info(service),
            )
    };
    let right = nested(
        entries! { "EXAppExtensionAttributes" => entries! { "EXExtensionPointIdentifier" => "com.apple.x" },
        "NSExtension" => "" },
        Entries::new(),
    );
    expect(&right, "extension-point-missing", &[]);
    expect(&right, "xpc-service-undeclared", &[]);
    let wrong = nested(
        entries! { "NSExtension" => entries! { "NSExtensionPrincipalClass" => "X" } },
        entries! { "XPCService" => "" },
    );
    expect(
        &wrong,
        "extension-point-missing",
        &[(
            Error,
            "Info.plist has neither NSExtension/NSExtensionPointIdentifier nor EXAppExtensionAttributes/EXExtensionPointIdentifier",
        )],
    );
    expect(
        &wrong,
        "xpc-service-undeclared",
        &[(Warning, "Info.plist has no XPCService dictionary")],
    );
    let wrong = nested(Entries::new(), entries! { "CFBundlePackageType" => "BNDL" });
    expect(
        &wrong,
        "xpc-service-undeclared",
        &[(Error, "CFBundlePackageType is not XPC!")],
    );
}

#[test]
fn info_plists_that_are_missing_or_no_dictionary() {
    let rule = "info-plist-invalid";
    expect(&acme(), rule, &[]);
    let built = acme().built();
    let info = built.path.join("Contents/Info.plist");
    fs::write(&info, "<plist><array/></plist>").unwrap();
    // That it changed is the cause.
    let advice = built.refused();
    assert!(of(&advice, rule).is_empty());
    assert_eq!(of(&advice, "info-plist-changed")[0].consequences, [rule]);
    // Signed like this: macOS has nothing against it, as long as nobody asks for a requirement.
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("A.app");
    for (info, message) in [
        (
            Some(&b"<plist><array/></plist>"[..]),
            "this is not a property list with a dictionary",
        ),
        (None, "the bundle has no Info.plist"),
    ] {
        let _ = fs::remove_dir_all(&root);
        let contents = root.join("Contents");
        if let Some(info) = info {
            write(&contents.join("Info.plist"), info);
        }
        write(&contents.join("Resources/a.txt"), b"a");
        let code = slices("a ", EXECUTE);
        sign(
            &contents,
            "MacOS/A",
            &code,
            &adhoc("com.example.a"),
            &BTreeMap::new(),
        );
        let evidence = examine(&root, &Options::default()).unwrap();
        let advice = advise(&evidence, Some(Target::Local), &Expectations::default());
        assert_eq!(of(&advice, rule)[0].message, message);
    }
}

#[test]
fn executables_that_are_not_there() {
    let rule = "bundle-executable-missing";
    expect(&acme(), rule, &[]);
    let misspelled = with_info(entries! { "CFBundleExecutable" => "ACME" })
        .built()
        .refused();
    let found = of(&misspelled, rule)[0];
    assert_eq!(
        found.message,
        "CFBundleExecutable is ACME, the file is Contents/MacOS/acme"
    );
    assert_eq!(found.severity, Error);
    assert!(!of(&misspelled, "sealed-resource-broken").is_empty());
    expect(
        &with_info(entries! { "CFBundleExecutable" => "" }),
        rule,
        &[(
            Warning,
            "Info.plist has no CFBundleExecutable; the file is found only because it is named like the bundle",
        )],
    );
    // The missing signature follows.
    let built = acme().built();
    fs::remove_file(built.path.join("Contents/MacOS/acme")).unwrap();
    let advice = built.refused();
    let found = of(&advice, rule)[0];
    assert_eq!(
        found.message,
        "CFBundleExecutable is \"acme\", and there is no such file"
    );
    assert_eq!(
        (found.severity, found.consequences.as_slice()),
        (Error, &["unsigned-code"][..])
    );
    assert!(of(&advice, "unsigned-code").is_empty());
    // Bundles of data have no executable.
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Data.bundle");
    codeless(&root, &adhoc("com.example.data"));
    let evidence = examine(&root, &Options::default()).unwrap();
    assert!(of(&advise(&evidence, None, &Expectations::default()), rule).is_empty());
}

#[test]
fn scripts_as_main_executables() {
    let rule = "script-as-main-executable";
    expect(&acme(), rule, &[]);
    for (text, count) in [("#!/bin/sh\n", 1), ("text", 0)] {
        let built = acme().built();
        fs::write(built.path.join("Contents/MacOS/acme"), text).unwrap();
        assert_eq!(of(&built.refused(), rule).len(), count, "{text}");
    }
}

#[test]
fn identifiers_begin_with_that_of_the_app() {
    let rule = "nested-identifier-prefix";
    let extension = |identifier: &str| acme().nested("PlugIns/ext.appex", app_extension(identifier));
    let message =
        "CFBundleIdentifier com.example.acmeext does not begin with com.example.acme. of the app around it";
    expect(&extension("com.example.acme.ext"), rule, &[]);
    expect(&extension("com.example.acmeext"), rule, &[(Warning, message)]);
    let upload = extension("com.example.acmeext")
        .built()
        .advice(Some(Target::MacAppStore));
    assert_eq!(of(&upload, rule)[0].severity, Error);
    // Services of other makes keep their names.
    let service = acme().nested("XPCServices/svc.xpc", xpc_service("com.example.svc"));
    expect(&service, rule, &[]);
}

#[test]
fn what_the_app_store_asks_for() {
    let said = |code: &Code, rule: &str, target: Target| {
        let advice = code.built().advice(Some(target));
        let found = of(&advice, rule);
        found
            .iter()
            .map(|finding| (finding.severity, finding.message.clone()))
            .collect::<Vec<_>>()
    };
    let without = entries! {
        "CFBundleIconName" => "",
        "LSApplicationCategoryType" => "",
    };
    for (rule, message) in [
        (
            "app-category-missing",
            "Info.plist has no LSApplicationCategoryType",
        ),
        (
            "app-icon-missing",
            "Info.plist has neither CFBundleIconFile nor CFBundleIconName",
        ),
    ] {
        let code = with_info(without.clone());
        assert_eq!(
            said(&code, rule, Target::MacAppStore),
            [(Error, message.to_owned())]
        );
        // Nobody else asks for it, and nobody asks it of code in an app.
        assert!(said(&code, rule, Target::DeveloperId).is_empty());
        assert!(said(&acme(), rule, Target::MacAppStore).is_empty());
        let outer = acme().nested("Helpers/help.app", app("com.example.help").info(without.clone()));
        assert!(said(&outer, rule, Target::MacAppStore).is_empty());
    }
    let file = with_info(entries! { "CFBundleIconName" => "", "CFBundleIconFile" => "AppIcon" });
    assert!(said(&file, "app-icon-missing", Target::MacAppStore).is_empty());
}

#[test]
fn encryption_is_declared() {
    let rule = "export-compliance-undeclared";
    let built = acme().built();
    assert!(of(&built.advice(Some(Target::MacAppStore)), rule).is_empty());
    let info = built.path.join("Contents/Info.plist");
    let text = fs::read_to_string(&info).unwrap();
    fs::write(&info, text.replace("ITSAppUses", "XXXAppUses")).unwrap();
    let evidence = built.evidence();
    for (target, count) in [(Target::MacAppStore, 1), (Target::DeveloperId, 0)] {
        let advice = advise(&evidence, Some(target), &Expectations::default());
        let found = of(&advice, rule);
        assert_eq!(found.len(), count);
        assert!(found.iter().all(|finding| finding.severity == Note));
    }
}

#[test]
fn identifiers_in_signatures() {
    let rule = "identifier-differs-from-signature";
    expect(&acme(), rule, &[]);
    let other = entries! { "CFBundleIdentifier" => "com.example.other" };
    expect(
        &with_info(other.clone()),
        rule,
        &[(
            Warning,
            "CFBundleIdentifier is com.example.other, the signature says com.example.acme",
        )],
    );
    // A signature without a certificate proves nothing about names, and nobody looks a framework up.
    expect(&with_info(other.clone()).by(By::Adhoc), rule, &[]);
    let kit = framework("com.example.kit").info(other);
    expect(&acme().nested("Frameworks/kit.framework", kit), rule, &[]);
}

#[test]
fn minimum_systems() {
    // The code of the tests is for 11.0.
    let rule = "minimum-system-too-low";
    expect(&acme(), rule, &[]);
    for version in ["11.0", "11", "12.3.1", "$(MACOSX_DEPLOYMENT_TARGET)"] {
        expect(
            &with_info(entries! { "LSMinimumSystemVersion" => version }),
            rule,
            &[],
        );
    }
    for (version, message) in [
        (
            "10.15",
            "the minimum system is 10.15, but the code for x86_64 was built for 11.0 or later",
        ),
        (
            "10.15.x",
            "the minimum system \"10.15.x\" is not a version such as 10.15 or 11.0",
        ),
    ] {
        expect(
            &with_info(entries! { "LSMinimumSystemVersion" => version }),
            rule,
            &[(Warning, message)],
        );
    }
    let by_architecture = entries! {
        "LSMinimumSystemVersion" => "10.15",
        "LSMinimumSystemVersionByArchitecture" => entries! { "x86_64" => "11.0" },
    };
    expect(&with_info(by_architecture), rule, &[]);
    // Code for Apple silicon is for 11.0 whatever stands there.
    let mut silicon = with_info(entries! { "LSMinimumSystemVersion" => "10.15" });
    silicon.slices.remove(0);
    expect(&silicon, rule, &[]);
}

#[test]
fn platforms_of_info_plists() {
    let rule = "supported-platforms-wrong";
    expect(&acme(), rule, &[]);
    let both = entries! { "CFBundleSupportedPlatforms" => ["iPhoneOS", "MacOSX"] };
    expect(&with_info(both), rule, &[]);
    expect(
        &with_info(entries! { "CFBundleSupportedPlatforms" => ["iPhoneOS"] }),
        rule,
        &[(
            Warning,
            "CFBundleSupportedPlatforms is iPhoneOS, and the code is for macOS",
        )],
    );
}

#[test]
fn architectures_that_are_preferred() {
    let rule = "architecture-priority-without-code";
    let mut code = with_info(entries! { "LSArchitecturePriority" => ["arm64", "x86_64"] });
    expect(&code, rule, &[]);
    code.slices.remove(0);
    expect(
        &code,
        rule,
        &[(Note, "LSArchitecturePriority names x86_64, the code has arm64")],
    );
}

#[test]
fn identifiers_that_two_bundles_have() {
    let rule = "duplicate-bundle-identifier";
    let helper = |identifier: &str| acme().nested("Helpers/help.app", app(identifier));
    expect(&helper("com.example.help"), rule, &[]);
    expect(
        &helper("com.example.acme"),
        rule,
        &[(Warning, "2 bundles have the identifier com.example.acme")],
    );
    // Frameworks are looked up by path.
    let kit = acme().nested("Frameworks/kit.framework", framework("com.example.acme"));
    expect(&kit, rule, &[]);
}

/// What cannot be known without Info.plist, or without the executable, is not reported beside it.
#[test]
fn what_follows_from_a_lost_executable_or_list_is_not_a_problem_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let copied = |name: &str| crate::support::copied_app(folder.path(), name);
    let rules = |app: &std::path::Path| -> Vec<&str> {
        let evidence = crate::support::examined::examine(app, &crate::support::foundry::options()).unwrap();
        let advice =
            crate::support::examined::advise(&evidence, None, &sealcheck::rule::Expectations::default());
        advice.findings.iter().map(|finding| finding.rule).collect()
    };
    let app = copied("a.app");
    std::fs::remove_file(app.join("Contents/MacOS/Mitmproxy Redirector")).unwrap();
    let found = rules(&app);
    assert!(found.contains(&"bundle-executable-missing"), "{found:?}");
    assert!(!found.contains(&"sysext-install-missing"), "{found:?}");
    // A character set that no system has.
    let app = copied("b.app");
    let list = app.join("Contents/Info.plist");
    let text = std::fs::read_to_string(&list)
        .unwrap()
        .replacen("UTF-8", "TTF-8", 1);
    std::fs::write(&list, text).unwrap();
    let found = rules(&app);
    assert!(!found.contains(&"data-in-code-location"), "{found:?}");
}
