//! Rules about single values in entitlements: services, domains, network extensions (R115–R118, R137, R138, R145, R146).
//!
//! Whether a profile lists the same values is for the rules about profiles.

use super::claims::{self, Claimant, Role, is_filled_in, list};
use super::{Check, Family, Rule};
use crate::entitlements::Platform;
use crate::finding::{Party, Severity, Target};
use crate::plist::Value;
use crate::remedy::{Claims, Condition, Edit, Kind, SIGN_EDITED, Sign, Step, Word};
use crate::trust::CertificateKind;

const PROFILES: &str =
    "https://developer.apple.com/documentation/technotes/tn3125-inside-code-signing-provisioning-profiles";
const EXTENSIONS: &str =
    "https://developer.apple.com/documentation/technotes/tn3134-network-extension-provider-deployment";
const CORRECT: &[Step] = &[
    Step::Say("correct the value in the entitlements file and sign again"),
    SIGN_EDITED,
];
const NO_PROFILE: &str =
    "amfid: -413 \"No matching profile found\"; taskgated-helper: \"Unsatisfied entitlements\"";

const NETWORK_EXTENSION: &str = "com.apple.developer.networking.networkextension";
const SUFFIX: &str = "-systemextension";

/// What a profile does not grant is said with claim and grant, which is more than the form of the value.
pub(super) const NOT_GRANTED: &[&str] = &[
    "restricted-entitlement-on-secondary-executable",
    "restricted-entitlement-on-standalone-tool",
    "profile-does-not-grant",
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "development-environment",
        family: Family::Entitlements,
        severity: Severity::Warning,
        title: "a service's environment for development in code for users",
        catalogue: "R115, R137",
        explanation: "Push notifications and iCloud have one environment for development and one for users. Code for distribution that claims the former gets tokens and data that the servers of the latter do not know; App Store Connect refuses it.",
        remedy: &[Step::If(
            Condition::Knows("VALUE"),
            &[
                Step::Say("claim the environment for users"),
                Step::Claim(&[Edit::Set(Word::Value("KEY"), Kind::Text, Word::Value("VALUE"))]),
                SIGN_EDITED,
            ],
            &[
                Step::Say("remove the key from the entitlements file of the project, and sign without it"),
                Step::Claim(&[Edit::Remove(Word::Value("KEY"))]),
                SIGN_EDITED,
            ],
        )],
        reference: "https://developer.apple.com/documentation/bundleresources/entitlements",
        check: |check| {
            let is_store = check.target() == Target::MacAppStore;
            claims::each(check, |check, claimant| {
                if !claims::is_for_distribution(claimant.slice) {
                    return;
                }
                for key in [
                    "com.apple.developer.aps-environment",
                    "aps-environment",
                    "com.apple.developer.icloud-container-environment",
                ] {
                    let is_development = |text: &&str| text.eq_ignore_ascii_case("development");
                    if claimant.strings(key).iter().any(is_development) {
                        let finding = check.slice(
                            claimant.object,
                            claimant.slice,
                            format!("{key} is for development"),
                        );
                        let right = match key {
                            "com.apple.developer.icloud-container-environment" => "Production",
                            _ => "production",
                        };
                        finding.facts.text("KEY", key).text("VALUE", right);
                        if is_store {
                            finding.severity = Severity::Error;
                            finding.rejected_by = vec![Party::AppStore];
                        }
                    }
                }
                let key = "com.apple.developer.icloud-container-development-container-identifiers";
                if claimant.get(key).is_some() {
                    let message = format!("{key} is for development");
                    let finding = check.slice(claimant.object, claimant.slice, message);
                    finding.facts.text("KEY", key);
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "aps-key-wrong-platform",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        title: "the key for push notifications of another platform",
        catalogue: "R116",
        explanation: "Push notifications are claimed with com.apple.developer.aps-environment on macOS, and with aps-environment on iOS, its relatives, and Mac Catalyst. Profiles have the key of their platform only.",
        remedy: &[
            Step::Say("rename the key in the entitlements file of the project, and sign again"),
            Step::Claim(&[
                Edit::Remove(Word::Value("WRONG")),
                Edit::Set(Word::Value("RIGHT"), Kind::Text, Word::Value("VALUE")),
            ]),
            SIGN_EDITED,
        ],
        apple: NO_PROFILE,
        reference: "https://developer.apple.com/documentation/bundleresources/entitlements/com.apple.developer.aps-environment",
        check: |check| {
            claims::each(check, |check, claimant| {
                let (wrong, right) = match claims::platform(claimant.slice) {
                    Some(Platform::MacOs) => ("aps-environment", "com.apple.developer.aps-environment"),
                    Some(Platform::Catalyst) | None => return,
                    Some(_) => ("com.apple.developer.aps-environment", "aps-environment"),
                };
                if let Some(value) = claimant.get(wrong) {
                    let message = format!("claims {wrong}, which is {right} here");
                    let finding = check.slice(claimant.object, claimant.slice, message);
                    finding.facts.text("WRONG", wrong).text("RIGHT", right);
                    if let Some(value) = value.as_str() {
                        finding.facts.text("VALUE", value);
                    }
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "network-extension-value-vs-channel",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        title: "a network extension's kind that this certificate cannot have",
        catalogue: "R117",
        explanation: "With a Developer ID, network extensions are system extensions, and their kinds end in -systemextension, in the app as in the extension. For development and for the App Store they do not. Profiles list one spelling only, so the other one is not granted and the program is killed.",
        remedy: &[
            Step::Say(
                "write the kinds that the profile lists (sealcheck profile PATH) into the entitlements file and sign again",
            ),
            SIGN_EDITED,
        ],
        apple: NO_PROFILE,
        reference: "https://developer.apple.com/forums/thread/777639",
        follows_from: NOT_GRANTED,
        check: network_extension_values,
        ..Rule::BASE
    },
    Rule {
        id: "network-extension-packaging",
        family: Family::Entitlements,
        severity: Severity::Warning,
        targets: &[Target::DeveloperId],
        title: "a network extension as app extension in an app with a Developer ID",
        catalogue: "R118",
        explanation: "Outside of the App Store, providers of network extensions run only as system extensions, in Contents/Library/SystemExtensions. As an app extension the provider never starts.",
        remedy: &[
            Step::Say(
                "build the provider as a system extension, move it to Contents/Library/SystemExtensions, and sign it there",
            ),
            Step::Sign(Sign {
                at: Word::Text("NAME.systemextension"),
                claims: Claims::File,
                ..Sign::KEPT
            }),
        ],
        reference: EXTENSIONS,
        check: |check| {
            claims::each(check, |check, claimant| {
                let kinds = claimant.strings(NETWORK_EXTENSION);
                let is_provider =
                    |kind: &&str| PROVIDERS.contains(&kind.strip_suffix(SUFFIX).unwrap_or(kind));
                let is_extension = claimant.role() == Role::Main(crate::bundle::BundleKind::AppExtension);
                if is_extension && claims::is_developer_id(claimant.slice) && kinds.iter().any(is_provider) {
                    let message = format!("an app extension provides {}", list(&kinds));
                    check.slice(claimant.object, claimant.slice, message);
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "associated-domains-mode",
        family: Family::Entitlements,
        severity: Severity::Warning,
        title: "an associated domain that is malformed or for development",
        catalogue: "R138",
        explanation: "An associated domain is SERVICE:DOMAIN, such as applinks:example.com. With ?mode=developer the system fetches its file directly, on the developer's own devices only.",
        remedy: CORRECT,
        reference: "https://developer.apple.com/documentation/bundleresources/entitlements/com.apple.developer.associated-domains",
        check: |check| {
            claims::each(check, |check, claimant| {
                for domain in claimant.strings("com.apple.developer.associated-domains") {
                    let said = if !is_filled_in(domain) || domain == "*" {
                        continue;
                    } else if domain
                        .split_once(':')
                        .is_none_or(|(service, host)| service.is_empty() || host.is_empty())
                    {
                        "is not SERVICE:DOMAIN"
                    } else if domain.contains("mode=developer") && claims::is_for_distribution(claimant.slice)
                    {
                        "is for development"
                    } else {
                        continue;
                    };
                    check.slice(claimant.object, claimant.slice, format!("{domain} {said}"));
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "get-task-allow-ios-key",
        family: Family::Entitlements,
        severity: Severity::Warning,
        title: "get-task-allow of iOS on macOS",
        catalogue: "R145",
        explanation: "On macOS the entitlement that lets a debugger attach is com.apple.security.get-task-allow. The key of iOS has no effect there.",
        remedy: &[
            Step::Say("remove the key; a debugger needs com.apple.security.get-task-allow"),
            Step::Claim(&[Edit::Remove(Word::Text("get-task-allow"))]),
            SIGN_EDITED,
        ],
        reference: PROFILES,
        check: |check| {
            claims::each(check, |check, claimant| {
                if claimant.is_macos() && claimant.get("get-task-allow").is_some() {
                    check.slice(
                        claimant.object,
                        claimant.slice,
                        "claims get-task-allow, a key of iOS",
                    );
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "hardened-process-orphans",
        family: Family::Entitlements,
        severity: Severity::Warning,
        title: "entitlements of Enhanced Security that are not complete",
        catalogue: "R146",
        explanation: "The keys under com.apple.security.hardened-process refine com.apple.security.hardened-process, and those under checked-allocations refine that one. Without their parent they have no effect.",
        remedy: &[Step::If(
            Condition::Knows("KEY"),
            &[
                Step::Say("claim what the other keys belong to (Xcode: Enhanced Security)"),
                Step::Claim(&[Edit::Set(Word::Value("KEY"), Kind::Bool, Word::Text("true"))]),
                SIGN_EDITED,
            ],
            &[
                Step::Say(
                    "write the same number in both keys of the entitlements file (Xcode: Enhanced Security) and sign again",
                ),
                SIGN_EDITED,
            ],
        )],
        reference: "https://developer.apple.com/documentation/xcode/enabling-enhanced-security-for-your-app",
        check: hardened_process,
        ..Rule::BASE
    },
];

/// Kinds of providers that run code of their own.
const PROVIDERS: [&str; 4] = [
    "packet-tunnel-provider",
    "app-proxy-provider",
    "content-filter-provider",
    "dns-proxy",
];
/// Kinds without a form for system extensions.
const OTHER_KINDS: [&str; 5] = [
    "dns-settings",
    "app-push-provider",
    "relay",
    "url-filter-provider",
    "hotspot-provider",
];

fn network_extension_values(check: &mut Check<'_>) {
    claims::each(check, |check, claimant| {
        let kinds = claimant.strings(NETWORK_EXTENSION);
        let is_plain = |kind: &&&str| PROVIDERS.contains(*kind);
        let is_suffixed = |kind: &&&str| {
            kind.strip_suffix(SUFFIX)
                .is_some_and(|kind| PROVIDERS.contains(&kind))
        };
        let certificate = claims::certificate(claimant.slice);
        let wrong: Vec<_> = match certificate {
            _ if !claimant.is_macos() => Vec::new(),
            _ if claims::is_developer_id(claimant.slice) => kinds.iter().filter(is_plain).collect(),
            Some(CertificateKind::Distribution | CertificateKind::Development) => {
                kinds.iter().filter(is_suffixed).collect()
            }
            _ => Vec::new(),
        };
        if !wrong.is_empty() {
            let kind = certificate.map_or("", CertificateKind::name);
            let message = format!("signed with {kind}, which cannot have {}", list(&wrong));
            check.slice(claimant.object, claimant.slice, message);
        }
        let is_unknown = |kind: &&&str| {
            !is_plain(kind) && !is_suffixed(kind) && !OTHER_KINDS.contains(*kind) && is_filled_in(kind)
        };
        let unknown: Vec<_> = kinds.iter().filter(is_unknown).collect();
        if !unknown.is_empty() {
            let message = format!("no kind of network extension: {}", list(&unknown));
            check.slice(claimant.object, claimant.slice, message).severity = Severity::Warning;
        }
    });
}

fn hardened_process(check: &mut Check<'_>) {
    const ROOT: &str = "com.apple.security.hardened-process";
    const ALLOCATIONS: &str = "com.apple.security.hardened-process.checked-allocations";
    claims::each(check, |check, claimant: Claimant<'_>| {
        let under = |parent: &str| {
            let keys = claimant.claims.iter().map(|(key, _)| key);
            keys.filter(|key| key.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.')))
                .collect::<Vec<_>>()
        };
        for (parent, keys) in [(ALLOCATIONS, under(ALLOCATIONS)), (ROOT, under(ROOT))] {
            if !keys.is_empty() && !claimant.is_true(parent) {
                let message = format!("without {parent}: {}", list(&keys));
                let finding = check.slice(claimant.object, claimant.slice, message);
                finding.facts.keys([parent]);
                return;
            }
        }
        for name in ["enhanced-security-version", "platform-restrictions"] {
            let number = claimant
                .get(&format!("{ROOT}.{name}"))
                .and_then(Value::as_integer);
            let text = claimant
                .get(&format!("{ROOT}.{name}-string"))
                .and_then(Value::as_str);
            if let (Some(number), Some(text)) = (number, text)
                && text != number.to_string()
            {
                let message = format!("{name} is {number} as a number and \"{text}\" as text");
                check.slice(claimant.object, claimant.slice, message);
            }
        }
    });
}
