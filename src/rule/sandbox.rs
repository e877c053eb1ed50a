//! Rules about App Sandbox: inheriting it, missing it, exceptions from it (R119–R124, R147, R148).

use super::claims::{self, Claimant, Role, is_signed_by_apple, list};
use super::{Check, Family, Rule, Scope};
use crate::bundle::BundleKind;
use crate::finding::{Party, Severity, Target};
use crate::plist::Value;
use crate::remedy::{CLAIM_INHERITANCE, CLAIM_SANDBOX, Condition, Edit, Kind, SIGN_EDITED, Step, Word};
use crate::verify::{CodeKind, CodeObject, SliceEvidence};

const HELPERS: &str =
    "https://developer.apple.com/documentation/xcode/embedding-a-helper-tool-in-a-sandboxed-app";
const SANDBOX: &str = "com.apple.security.app-sandbox";
const INHERIT: &str = "com.apple.security.inherit";
/// Apps that launchd starts when the user logs in.
const LOGIN_ITEMS: &str = "Contents/Library/LoginItems/";
const EXCEPTION: &str = "com.apple.security.temporary-exception.";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "sandbox-inherit-extra",
        family: Family::Entitlements,
        rejected_by: &[Party::MacOs],
        title: "a program that inherits its sandbox and claims more",
        catalogue: "R119, R120",
        explanation: "A helper that inherits the sandbox of the app that starts it has two entitlements of App Sandbox: com.apple.security.app-sandbox and com.apple.security.inherit. With any other of App Sandbox, libsecinit aborts it when it starts (SIGTRAP or SIGILL); so does com.apple.security.get-task-allow, which Xcode adds to debug builds. Exceptions from the hardened runtime (com.apple.security.cs.*) are not inherited, so a helper that needs them has to claim them itself.",
        remedy: &[
            Step::Say("sign it without these keys"),
            Step::Claim(&[Edit::Remove(Word::Value("KEY"))]),
            SIGN_EDITED,
        ],
        reference: HELPERS,
        check: |check| {
            claims::each(check, |check, claimant| {
                if !inherits(claimant) {
                    return;
                }
                let keys = claimant.claims.iter().map(|(key, _)| key);
                let extra: Vec<_> = keys.filter(|key| is_of_sandbox(key)).collect();
                if extra.is_empty() {
                    return;
                }
                let hint = if extra.contains(&"com.apple.security.get-task-allow") {
                    " (set CODE_SIGN_INJECT_BASE_ENTITLEMENTS=NO for it in Xcode)"
                } else {
                    ""
                };
                let message = format!("inherits its sandbox, but also claims {}{hint}", list(&extra));
                let finding = check.slice(claimant.object, claimant.slice, message);
                finding.facts.keys(extra);
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "inherit-without-sandbox",
        family: Family::Entitlements,
        rejected_by: &[Party::MacOs],
        title: "a program that inherits a sandbox but claims none",
        catalogue: "R121",
        explanation: "com.apple.security.inherit has its meaning beside com.apple.security.app-sandbox only. Alone it does not put the program into the sandbox of its parent.",
        remedy: &[
            Step::Say("claim com.apple.security.app-sandbox beside it"),
            Step::Claim(&[CLAIM_SANDBOX]),
            SIGN_EDITED,
        ],
        reference: HELPERS,
        check: |check| {
            claims::each(check, |check, claimant| {
                if inherits(claimant) && !claimant.is_true(SANDBOX) {
                    let message = "claims com.apple.security.inherit without com.apple.security.app-sandbox";
                    check.slice(claimant.object, claimant.slice, message);
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "inherit-on-bundled-main",
        family: Family::Entitlements,
        rejected_by: &[Party::MacOs],
        title: "a program that the system starts inherits its sandbox",
        catalogue: "R122",
        explanation: "Apps, app extensions and XPC services are started by launchd, which has no sandbox to inherit, so they abort. Only helpers that an app starts as its children may inherit; some apps have such helpers in the form of apps.",
        remedy: &[
            Step::Say("claim com.apple.security.app-sandbox without com.apple.security.inherit"),
            Step::Claim(&[
                CLAIM_SANDBOX,
                Edit::Remove(Word::Text("com.apple.security.inherit")),
            ]),
            SIGN_EDITED,
        ],
        reference: HELPERS,
        check: |check| {
            claims::each(check, |check, claimant| {
                let Role::Main(kind) = claimant.role() else { return };
                let is_started = matches!(
                    kind,
                    BundleKind::App | BundleKind::AppExtension | BundleKind::XpcService
                );
                if !is_started || !inherits(claimant) {
                    return;
                }
                // Apps in an app are its children, as those of Chromium, unless they are where launchd starts them.
                let path = &claimant.object.path;
                let is_nested = !path.is_empty();
                if kind == BundleKind::App && is_nested && !path.contains(LOGIN_ITEMS) {
                    return;
                }
                let message = format!("the main executable of an {} inherits its sandbox", kind.name());
                check.slice(claimant.object, claimant.slice, message);
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "sandbox-missing-in-nested",
        family: Family::Entitlements,
        severity: Severity::Note,
        title: "a program without sandbox in a sandboxed app",
        catalogue: "R123",
        explanation: "The App Store demands the sandbox of every program in an app. Outside of it, a helper that the app starts is in the app's sandbox anyway; one that launchd starts is in none.",
        remedy: &[Step::If(
            Condition::Bundle,
            &[
                Step::Say("claim com.apple.security.app-sandbox for it"),
                Step::Claim(&[CLAIM_SANDBOX]),
                SIGN_EDITED,
            ],
            &[
                Step::Say(
                    "claim com.apple.security.app-sandbox for it, and com.apple.security.inherit, since the app starts it as its child",
                ),
                Step::Claim(&[CLAIM_SANDBOX, CLAIM_INHERITANCE]),
                SIGN_EDITED,
            ],
        )],
        apple: "App Store Connect: \"ITMS-90296: App sandbox not enabled\"",
        reference: HELPERS,
        check: |check| {
            let is_store = check.target() == Target::MacAppStore;
            let evidence = check.evidence();
            let Some(main) = evidence.code.first().filter(|main| is_sandboxed_app(main)) else {
                return;
            };
            for object in evidence.code.iter().skip(1) {
                for slice in &object.slices {
                    if !lacks_sandbox(object, slice) {
                        continue;
                    }
                    let message = format!("not sandboxed, but {} is", main.main_path());
                    let finding = check.slice(object, slice, message);
                    if is_store {
                        finding.severity = Severity::Error;
                        finding.rejected_by = vec![Party::AppStore];
                    }
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "sandbox-on-appex-missing",
        family: Family::Entitlements,
        rejected_by: &[Party::MacOs],
        title: "an app extension without sandbox",
        catalogue: "R124",
        explanation: "macOS starts app extensions only in a sandbox: one that does not claim it is not registered, and does not show up.",
        remedy: &[
            Step::Say("claim com.apple.security.app-sandbox for the extension"),
            Step::Claim(&[CLAIM_SANDBOX]),
            SIGN_EDITED,
        ],
        reference: "https://developer.apple.com/documentation/security/app-sandbox",
        check: |check| {
            for object in &check.evidence().code {
                if object.kind != CodeKind::Bundle(BundleKind::AppExtension) {
                    continue;
                }
                for slice in &object.slices {
                    let is_in = slice
                        .entitlements
                        .as_ref()
                        .is_some_and(|claims| claims.get(SANDBOX).is_some());
                    let is_known = slice.hash_type.is_some() && slice.entitlements_state.is_known();
                    let is_mac = claims::platform(slice) == Some(crate::entitlements::Platform::MacOs);
                    if !is_in && is_known && is_mac && !is_signed_by_apple(slice) {
                        check.slice(object, slice, "an app extension that is not sandboxed");
                    }
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "sandbox-temporary-exceptions",
        family: Family::Entitlements,
        severity: Severity::Note,
        title: "exceptions from the sandbox",
        catalogue: "R147",
        explanation: "Temporary exceptions open the sandbox for single files, services or preferences. They are free outside of the App Store; App Review asks for the reason of each. Paths begin with a slash, those of folders end with one.",
        remedy: &[
            Step::Say("remove the exceptions that the app does not need"),
            Step::Claim(&[Edit::Remove(Word::Value("KEY"))]),
            SIGN_EDITED,
        ],
        reference: "https://developer.apple.com/library/archive/documentation/Miscellaneous/Reference/EntitlementKeyReference/Chapters/AppSandboxTemporaryExceptionEntitlements.html",
        check: |check| {
            let is_store = check.target() == Target::MacAppStore;
            claims::each(check, |check, claimant| {
                let keys: Vec<_> = claimant.claims.iter().map(|(key, _)| key).collect();
                let exceptions: Vec<_> = keys
                    .iter()
                    .filter_map(|key| key.strip_prefix(EXCEPTION))
                    .collect();
                if exceptions.is_empty() {
                    return;
                }
                let message = format!("exceptions from the sandbox: {}", list(&exceptions));
                let finding = check.slice(claimant.object, claimant.slice, message);
                let full: Vec<String> = exceptions
                    .iter()
                    .map(|name| format!("{EXCEPTION}{name}"))
                    .collect();
                finding.facts.keys(full.iter().map(String::as_str));
                if is_store {
                    finding.severity = Severity::Warning;
                }
                for name in exceptions.iter().filter(|name| name.starts_with("files.")) {
                    let paths = claimant.strings(&format!("{EXCEPTION}{name}"));
                    if let Some(path) = paths
                        .iter()
                        .find(|path| !path.starts_with('/') && !path.contains('$'))
                    {
                        let message = format!("{name} names {path}, which does not begin with a slash");
                        let finding = check.slice(claimant.object, claimant.slice, message);
                        finding.severity = Severity::Warning;
                        finding.facts.keys([format!("{EXCEPTION}{name}").as_str()]);
                    }
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "sandbox-network-none",
        family: Family::Entitlements,
        severity: Severity::Note,
        title: "a sandboxed app without network that brings what needs it",
        catalogue: "R148",
        explanation: "The app is sandboxed and does not claim com.apple.security.network.client, so every connection fails, but it brings a framework that lives on the network.",
        remedy: &[
            Step::Say("claim com.apple.security.network.client if the network is wanted"),
            Step::Claim(&[Edit::Set(
                Word::Text("com.apple.security.network.client"),
                Kind::Bool,
                Word::Text("true"),
            )]),
            SIGN_EDITED,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/entitlements/com.apple.security.network.client",
        scope: Scope::File,
        check: network_of_frameworks,
        ..Rule::BASE
    },
];

fn network_of_frameworks(check: &mut Check<'_>) {
    const FRAMEWORKS: [&str; 4] = [
        "Sparkle.framework",
        "Electron Framework.framework",
        "QtWebEngineCore.framework",
        "Chromium Embedded Framework.framework",
    ];
    let evidence = check.evidence();
    let Some(main) = evidence.code.first().filter(|main| is_sandboxed_app(main)) else {
        return;
    };
    let has_client = main
        .slices
        .iter()
        .filter_map(|slice| slice.entitlements.as_ref())
        .any(|claims| claims.get("com.apple.security.network.client").is_some());
    let name = |object: &CodeObject| object.path.rsplit('/').next().unwrap_or_default().to_owned();
    let found = evidence
        .code
        .iter()
        .map(name)
        .find(|name| FRAMEWORKS.contains(&name.as_str()));
    if let Some(framework) = found.filter(|_| !has_client) {
        check.object(main, format!("sandboxed without network, but brings {framework}"));
    }
}

/// Returns true for a key of App Sandbox other than the two that a helper needs (Apple's "Enabling App Sandbox Inheritance"), and for the
/// one of debug builds, which is as bad.
fn is_of_sandbox(key: &str) -> bool {
    const NAMES: [&str; 4] = [
        "application-groups",
        "print",
        "scripting-targets",
        "get-task-allow",
    ];
    const GROUPS: [&str; 6] = [
        "assets.",
        "device.",
        "files.",
        "network.",
        "personal-information.",
        "temporary-exception.",
    ];
    let Some(name) = key.strip_prefix("com.apple.security.") else {
        return false;
    };
    // The hardened runtime has this name as well.
    let is_shared = name == "device.audio-input";
    !is_shared && (NAMES.contains(&name) || GROUPS.iter().any(|group| name.starts_with(group)))
}

fn inherits(claimant: Claimant<'_>) -> bool {
    claimant
        .get(INHERIT)
        .is_some_and(|value| value != &Value::Boolean(false))
}

pub(super) fn is_sandboxed_app(object: &CodeObject) -> bool {
    object.kind == CodeKind::Bundle(BundleKind::App)
        && object.slices.iter().any(|slice| {
            !is_signed_by_apple(slice)
                && slice
                    .entitlements
                    .as_ref()
                    .is_some_and(|claims| claims.get(SANDBOX) == Some(&Value::Boolean(true)))
        })
}

/// Whether this is a program that should be in a sandbox, and is not; only where that is known.
pub(super) fn lacks_sandbox(object: &CodeObject, slice: &SliceEvidence) -> bool {
    let is_program = slice.file_type.is_some_and(|found| found.is_execute());
    // Drivers live in a sandbox of the system's, system extensions in none; an app extension without one is refused by its own rule.
    let is_other = matches!(
        object.kind,
        CodeKind::Bundle(
            BundleKind::DriverExtension | BundleKind::SystemExtension | BundleKind::AppExtension
        )
    );
    let is_in = slice
        .entitlements
        .as_ref()
        .is_some_and(|claims| claims.get(SANDBOX) == Some(&Value::Boolean(true)));
    // What is not signed, or not decodable, is another problem.
    let is_known = slice.hash_type.is_some() && slice.entitlements_state.is_known();
    is_program && !is_other && !is_in && is_known && !is_signed_by_apple(slice)
}
