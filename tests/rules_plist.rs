//! Rules about Info.plist and about what it declares.

use sealcheck::finding::Severity::{self, Error, Warning};

use crate::support::foundry::{Code, app, app_extension, framework, of, xpc_service};
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

fn with_info(info: Entries) -> Code {
    acme().info(info)
}

#[test]
fn identifiers_of_bundles() {
    let rule = "bundle-identifier-invalid";
    expect(&acme(), rule, &[]);
    for (identifier, expected) in [
        ("", (Error, "Info.plist has no CFBundleIdentifier")),
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
            (Error, "CFBundleIdentifier holds $(PRODUCT_BUNDLE_IDENTIFIER)"),
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
