//! Every rule with a remedy is repaired here or in a test by its name, or the reason why it cannot be is given.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use sealcheck::remedy::Step;
use sealcheck::rule::{all, find};

use super::reasons::{LIKE, NOT_REPAIRED};
use super::{Bench, known};
use crate::support::bundle::write_executable;
use crate::support::flip;
use crate::support::foundry::{By, Code, app, app_extension, framework, library, tool, xpc_service};
use crate::support::macho::arm64;
use crate::support::plist::{Entries, der, entries};
use crate::support::signature::blob;

const SANDBOX: &str = "com.apple.security.app-sandbox";
const INHERIT: &str = "com.apple.security.inherit";
const LIBRARIES: &str = "com.apple.security.cs.disable-library-validation";

fn claiming(entitlements: Entries) -> Code {
    app("com.example.acme").entitlements(entitlements)
}

fn sandboxed() -> Code {
    claiming(entries! { SANDBOX => true })
}

fn with_info(info: Entries) -> Code {
    app("com.example.acme").info(info)
}

fn with_helper(claims: Entries) -> Bench {
    Bench::of(&sandboxed().nested("MacOS/helper", tool("com.example.helper").entitlements(claims)))
}

fn unstamped() -> Code {
    let mut code = app("com.example.acme");
    code.is_stamped = false;
    code
}

fn apple_silicon_only() -> Code {
    let mut code = sandboxed();
    code.slices.remove(0);
    code
}

/// An app for the store with these keys in its Info.plist.
fn store(info: Entries) -> Bench {
    Bench::of(&sandboxed().by(By::Distribution).info(info))
}

/// An app with a stapled ticket, then changed.
fn stapled(lines: &[&str]) -> Bench {
    Bench::of(&app("com.example.acme"))
        .with(&["xcrun stapler staple ."])
        .with(lines)
}

/// A tool without a signature, alone or in an app.
fn unsigned(inside: &str) -> Bench {
    let code = if inside.is_empty() {
        tool("com.example.tool")
    } else {
        app("com.example.acme")
    };
    let bench = Bench::of(&code);
    let thin = arm64(b"tool");
    let path = match inside {
        "" => bench.path.clone(),
        inside => bench.path.join(inside),
    };
    write_executable(&path, &thin.build(None));
    bench
}

fn with_flipped_byte() -> Bench {
    let bench = Bench::of(&tool("com.example.tool"));
    flip(&bench.path, 0x5010);
    bench
}

fn with_mode(mode: u32) -> Bench {
    let bench = Bench::of(&app("com.example.acme").file("Resources/a.txt", b"a"));
    fs::set_permissions(
        bench.at("Contents/Resources/a.txt"),
        fs::Permissions::from_mode(mode),
    )
    .unwrap();
    bench
}

/// A code object with the rule that finds something in it.
pub type Case = (&'static str, fn() -> Bench);

/// Each is built, found, repaired with the commands of the report, and judged again.
pub const CASES: &[Case] = &[
    ("development-leftovers", || {
        let leftovers = app("com.example.acme.help").file("Resources/__preview.dylib", b"x");
        Bench::of(&app("com.example.acme").nested("Helpers/help.app", leftovers))
    }),
    ("private-files-in-product", || {
        let code = app("com.example.acme").file("Resources/.git/config", b"x");
        Bench::of(&code.file("Resources/.env", b"x"))
    }),
    ("dyld-variables-in-plist", || {
        let variables = entries! { "DYLD_PRINT_LIBRARIES" => "1" };
        Bench::of(&with_info(entries! { "LSEnvironment" => variables }))
    }),
    ("hallucinated-entitlement", || {
        Bench::of(&claiming(
            entries! { "com.apple.developer.push-notifications" => true },
        ))
    }),
    ("apple-private-entitlement", || {
        Bench::of(&claiming(
            entries! { "com.apple.private.security.no-sandbox" => true },
        ))
    }),
    ("unknown-apple-entitlement", || {
        Bench::of(&claiming(entries! { "com.apple.security.app-sandbxo" => true }))
    }),
    ("ios-only-entitlement", || {
        Bench::of(&claiming(entries! { "com.apple.developer.healthkit" => true }))
    }),
    ("devid-unsupported-capability", || {
        Bench::of(&claiming(entries! { "com.apple.developer.game-center" => true }))
    }),
    ("deprecated-entitlement", || {
        Bench::of(&claiming(entries! { "com.apple.security.files.all" => true }))
    }),
    ("restricted-entitlement-without-profile", || {
        Bench::of(&claiming(
            entries! { "com.apple.developer.aps-environment" => "production" },
        ))
    }),
    ("entitlement-false", || {
        Bench::of(&claiming(
            entries! { "com.apple.security.network.client" => false },
        ))
    }),
    ("entitlement-wrong-type", || {
        Bench::of(&claiming(
            entries! { "com.apple.security.network.client" => "true" },
        ))
    }),
    ("der-entitlements-missing", || {
        Bench::of(&sandboxed().signing(|signer| drop(signer.special.remove(&7))))
    }),
    ("der-xml-disagree", || {
        Bench::of(&sandboxed().special(7, blob(0xfade_7172, &der(&entries! { SANDBOX => false }))))
    }),
    ("development-environment", || {
        Bench::of(&claiming(
            entries! { "com.apple.developer.aps-environment" => "development" },
        ))
    }),
    ("aps-key-wrong-platform", || {
        Bench::of(
            &claiming(entries! { "aps-environment" => "production" })
                .file("embedded.provisionprofile", b"profile"),
        )
    }),
    ("get-task-allow-ios-key", || {
        Bench::of(&claiming(entries! { "get-task-allow" => true }))
    }),
    ("hardened-process-orphans", || {
        Bench::of(&claiming(
            entries! { "com.apple.security.hardened-process.dyld-ro" => true },
        ))
    }),
    ("get-task-allow", || {
        Bench::of(&claiming(
            entries! { "com.apple.security.get-task-allow" => true },
        ))
    }),
    ("injection-combo", || {
        Bench::of(&claiming(
            entries! { LIBRARIES => true, "com.apple.security.cs.allow-dyld-environment-variables" => true },
        ))
    }),
    ("executable-page-protection-disabled", || {
        Bench::of(&claiming(
            entries! { "com.apple.security.cs.disable-executable-page-protection" => true },
        ))
    }),
    ("library-validation-disabled", || {
        Bench::of(&claiming(entries! { LIBRARIES => true }))
    }),
    ("resource-access-entitlement-missing", || {
        Bench::of(&with_info(
            entries! { "NSMicrophoneUsageDescription" => "To listen." },
        ))
    }),
    ("resource-access-usage-missing", || {
        Bench::of(&claiming(
            entries! { "com.apple.security.device.audio-input" => true },
        ))
    }),
    ("sandbox-inherit-extra", || {
        with_helper(
            entries! { SANDBOX => true, INHERIT => true, "com.apple.security.network.client" => true },
        )
    }),
    ("inherit-without-sandbox", || {
        with_helper(entries! { INHERIT => true })
    }),
    ("inherit-on-bundled-main", || {
        Bench::of(&claiming(entries! { SANDBOX => true, INHERIT => true }))
    }),
    ("sandbox-missing-in-nested", || {
        Bench::of(&sandboxed().nested("MacOS/helper", tool("com.example.helper")))
    }),
    ("sandbox-on-appex-missing", || {
        Bench::of(&sandboxed().nested("PlugIns/share.appex", app_extension("com.example.acme.share")))
    }),
    ("sandbox-temporary-exceptions", || {
        Bench::of(&claiming(
            entries! { SANDBOX => true, "com.apple.security.temporary-exception.files.absolute-path.read-only" => ["/Library/Acme/"] },
        ))
    }),
    ("sandbox-network-none", || {
        Bench::of(&sandboxed().nested(
            "Frameworks/Sparkle.framework",
            framework("org.sparkle-project.Sparkle"),
        ))
    }),
    ("app-store-sandbox-missing", || {
        Bench::of(&app("com.example.acme").by(By::Distribution))
    }),
    ("app-store-wrong-certificate", || {
        Bench::of(
            &sandboxed()
                .by(By::Distribution)
                .nested("Frameworks/libx.dylib", library("com.example.libx")),
        )
    }),
    ("app-store-arm64-only", || {
        Bench::of(&apple_silicon_only().by(By::Distribution))
    }),
    ("receipt-in-developer-id-app", || {
        Bench::of(&app("com.example.acme").file("_MASReceipt/receipt", b"receipt"))
    }),
    ("adhoc-signed", || {
        Bench::of(&app("com.example.acme").by(By::Adhoc))
    }),
    ("development-signed", || {
        Bench::of(
            &claiming(entries! { SANDBOX => true, "com.apple.security.get-task-allow" => true })
                .by(By::Development),
        )
    }),
    ("hardened-runtime-missing", || {
        Bench::of(&app("com.example.acme").with_flags(0))
    }),
    ("no-secure-timestamp", || Bench::of(&unstamped())),
    ("unsigned-code", || unsigned("")),
    ("unsigned-nested-code", || unsigned("Contents/Helpers/tool")),
    ("signature-broken-pages", || with_flipped_byte()),
    ("info-plist-changed", || {
        Bench::of(&app("com.example.acme"))
            .with(&["plutil -replace CFBundleVersion -string 7 Contents/Info.plist"])
    }),
    ("identifier-differs-from-signature", || {
        Bench::of(&app("com.example.acme").signing(|signer| signer.identifier = "com.example.other".into()))
    }),
    ("supported-platforms-wrong", || {
        Bench::of(&with_info(
            entries! { "CFBundleSupportedPlatforms" => ["iPhoneOS"] },
        ))
    }),
    ("architecture-priority-without-code", || {
        Bench::of(&with_info(entries! { "LSArchitecturePriority" => ["ppc"] }))
    }),
    ("app-category-missing", || {
        store(entries! { "LSApplicationCategoryType" => "" })
    }),
    ("app-icon-missing", || {
        store(entries! { "CFBundleIconName" => "" })
    }),
    ("export-compliance-undeclared", || {
        store(Entries::new()).with(&["plutil -remove ITSAppUsesNonExemptEncryption Contents/Info.plist"])
    }),
    ("package-type-wrong", || {
        Bench::of(&with_info(entries! { "CFBundlePackageType" => "BNDL" }))
    }),
    ("nested-identifier-prefix", || {
        Bench::of(&app("com.example.acme").nested(
            "PlugIns/ext.appex",
            app_extension("com.example.acmeext").entitlements(entries! { SANDBOX => true }),
        ))
    }),
    ("xpc-service-undeclared", || {
        Bench::of(&app("com.example.acme").nested(
            "XPCServices/com.example.acme.svc.xpc",
            xpc_service("com.example.acme.svc").info(entries! { "XPCService" => "" }),
        ))
    }),
    ("login-item-in-dock", || {
        Bench::of(&app("com.example.acme").nested("Library/LoginItems/login.app", app("com.example.login")))
    }),
    ("world-writable", || with_mode(0o646)),
    ("setuid-bits", || with_mode(0o4644)),
    ("unreadable-files", || with_mode(0o640)),
    ("ticket-missing", || Bench::of(&app("com.example.acme"))),
    ("ticket-does-not-cover-main", || {
        stapled(&[
            "plutil -replace CFBundleVersion -string 7 Contents/Info.plist",
            "codesign -f -s \"Developer ID Application: Example\" --options runtime --timestamp .",
        ])
    }),
    ("ticket-malformed", || {
        stapled(&["cp Contents/Info.plist Contents/CodeResources"])
    }),
];

/// Rules whose remedies no test runs.
const OPEN: usize = 128;

/// Rules that other tests of this module repair.
const ELSEWHERE: &[&str] = &[
    "app-store-distribution-signed",
    "bundle-executable-missing",
    "bundle-identifier-invalid",
    "dead-architectures",
    "entitlements-on-library-code",
    "executable-bit-lost",
    "framework-flattened",
    "jit-without-entitlement",
    "library-validation-will-block",
    "mixed-teams",
    "parent-or-responsible-impossible",
    "restricted-entitlement-on-secondary-executable",
    "restricted-entitlement-on-standalone-tool",
    "sealed-resource-broken",
];

#[test]
fn every_case_is_repaired_by_its_commands() {
    let mut failures = Vec::new();
    for (rule, bench) in CASES.iter().chain(known::CASES) {
        let repaired = std::panic::catch_unwind(|| bench().repair(rule));
        if repaired.is_err() {
            failures.push(*rule);
        }
    }
    assert_eq!(failures, [""; 0]);
}

/// The steps of a remedy, without its words.
fn actions(rule: &str) -> Vec<Step> {
    let steps = find(rule).unwrap().remedy.iter();
    steps
        .filter(|step| !matches!(step, Step::Say(_)))
        .copied()
        .collect()
}

/// Remedies with the steps of another one, which is repaired here: only the words differ.
#[test]
fn remedies_like_another_have_its_steps() {
    for (repaired, rules) in LIKE {
        for rule in *rules {
            assert_eq!(actions(rule), actions(repaired), "{rule} is not like {repaired}");
        }
    }
}

#[test]
fn every_rule_is_repaired_or_has_a_reason() {
    let like = LIKE.iter().flat_map(|(_, rules)| rules.iter().copied());
    let listed: Vec<&str> = CASES
        .iter()
        .chain(known::CASES)
        .map(|(rule, _)| *rule)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let with_reason = NOT_REPAIRED.iter().flat_map(|(_, rules)| rules.iter().copied());
    let mut known: Vec<&str> = listed
        .into_iter()
        .chain(ELSEWHERE.iter().copied())
        .chain(like)
        .chain(with_reason)
        .collect();
    known.sort_unstable();
    let mut rules: Vec<&str> = all().into_iter().map(|rule| rule.id).collect();
    rules.sort_unstable();
    assert_eq!(known, rules, "one entry for each rule");
    let open: usize = NOT_REPAIRED.iter().map(|(_, rules)| rules.len()).sum();
    assert_eq!(
        open, OPEN,
        "the list of rules whose remedies no test runs may only shrink"
    );
}
