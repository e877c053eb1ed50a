//! Rules about identifiers, groups and values in entitlements (R109–R117, R137, R138, R145, R146).
//!
//! Whether a profile lists the same values is for the rules about profiles.

use super::claims::{self, Claimant, Role, app_id_prefix, list};
use super::{Check, Family, Rule};
use crate::entitlements::Platform;
use crate::finding::{Party, Severity, Target};
use crate::plist::Value;
use crate::trust::CertificateKind;

const PROFILES: &str =
    "https://developer.apple.com/documentation/technotes/tn3125-inside-code-signing-provisioning-profiles";
const GROUPS: &str = "https://developer.apple.com/forums/thread/721701";
const EXTENSIONS: &str =
    "https://developer.apple.com/documentation/technotes/tn3134-network-extension-provider-deployment";
const CORRECT: &str = "correct the value in the entitlements file and sign again:  codesign -f -s \"Developer ID Application: NAME\" --entitlements FILE --options runtime --timestamp PATH";
const NO_PROFILE: &str =
    "amfid: -413 \"No matching profile found\"; taskgated-helper: \"Unsatisfied entitlements\"";

const IDENTIFIER: &str = "com.apple.application-identifier";
const IOS_IDENTIFIER: &str = "application-identifier";
const APP_GROUPS: &str = "com.apple.security.application-groups";
const NETWORK_EXTENSION: &str = "com.apple.developer.networking.networkextension";
const SUFFIX: &str = "-systemextension";

/// Where a second program claims what its bundle should, the values are the bundle's too.
const MISPLACED: &[&str] = &[
    "restricted-entitlement-on-secondary-executable",
    "restricted-entitlement-on-standalone-tool",
];

/// What a profile does not grant is said with claim and grant, which is more than the form of the value.
const NOT_GRANTED: &[&str] = &[
    "restricted-entitlement-on-secondary-executable",
    "restricted-entitlement-on-standalone-tool",
    "profile-does-not-grant",
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ios-application-identifier",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        title: "the application identifier of iOS on macOS",
        catalogue: "R109",
        explanation: "On macOS the entitlement is com.apple.application-identifier; application-identifier is that of iOS and of Mac Catalyst. Profiles for macOS do not have it, so AMFI kills a Mac program that claims it, even with a profile.",
        remedy: "rename the key to com.apple.application-identifier in the entitlements file and sign again:  codesign -f -s \"Developer ID Application: NAME\" --entitlements FILE --options runtime --timestamp PATH",
        apple: "taskgated-helper: \"Unsatisfied entitlements: application-identifier\"",
        reference: PROFILES,
        check: |check| {
            claims::each(check, |check, claimant| {
                if claimant.is_macos() && claimant.get(IOS_IDENTIFIER).is_some() {
                    let message =
                        "claims application-identifier, which is com.apple.application-identifier on macOS";
                    check.slice(claimant.object, claimant.slice, message);
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "application-identifier-mismatch",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        title: "the claimed application identifier is not the code's",
        catalogue: "R110",
        explanation: "The application identifier is the prefix of the App ID, a dot, and the identifier that the code is signed with, which is also CFBundleIdentifier of its bundle. Where they differ, no profile matches.",
        remedy: "make the three agree and sign again:  codesign -f -s \"Developer ID Application: NAME\" -i IDENTIFIER --entitlements FILE --options runtime --timestamp PATH",
        apple: NO_PROFILE,
        reference: PROFILES,
        follows_from: MISPLACED,
        check: |check| {
            claims::each(check, |check, claimant| {
                let key = if claimant.is_macos() {
                    IDENTIFIER
                } else {
                    IOS_IDENTIFIER
                };
                let Some(claimed) = claimant
                    .get(key)
                    .and_then(Value::as_str)
                    .filter(|text| is_filled_in(text))
                else {
                    return;
                };
                let Some(identifier) = claimant.slice.identifier.as_deref() else {
                    return;
                };
                let bundle = claimant
                    .object
                    .info_plist
                    .as_ref()
                    .and_then(|info| info.get("CFBundleIdentifier"));
                let name = claimed.split_once('.').map_or("", |(_, name)| name);
                let message = if claimant.is_bare_identifier_only() {
                    return;
                } else if name != identifier {
                    format!("claims {claimed}, but is signed as {identifier}")
                } else if bundle
                    .and_then(Value::as_str)
                    .is_some_and(|bundle| bundle != identifier)
                {
                    format!("signed as {identifier}, but CFBundleIdentifier is another")
                } else {
                    return;
                };
                check.slice(claimant.object, claimant.slice, message);
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "team-identifier-mismatch",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        title: "the claimed team is not the one that signed",
        catalogue: "R111",
        explanation: "com.apple.developer.team-identifier must be the team of the signature. It stays behind when code is signed again by somebody else with its old entitlements.",
        remedy: CORRECT,
        apple: NO_PROFILE,
        reference: PROFILES,
        follows_from: MISPLACED,
        check: |check| {
            claims::each(check, |check, claimant| {
                let claimed = claimant
                    .get("com.apple.developer.team-identifier")
                    .and_then(Value::as_str);
                if let (Some(claimed), Some(team)) = (claimed, claimant.slice.team_id.as_deref())
                    && claimed != team
                    && is_filled_in(claimed)
                {
                    let message = format!("claims team {claimed}, but team {team} signed");
                    check.slice(claimant.object, claimant.slice, message);
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "keychain-group-prefix",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        title: "a keychain access group without the prefix of the team",
        catalogue: "R112",
        explanation: "Every keychain access group begins with the prefix of the App ID, which is the team identifier for all but old App IDs, and a dot; a claim has no wildcard. Otherwise the profile does not grant it, and the keychain answers errSecMissingEntitlement (-34018).",
        remedy: "write the group as TEAM.group ($(AppIdentifierPrefix)group in Xcode) and sign again:  codesign -f -s \"Developer ID Application: NAME\" --entitlements FILE --options runtime --timestamp PATH",
        apple: NO_PROFILE,
        reference: PROFILES,
        follows_from: NOT_GRANTED,
        check: |check| {
            claims::each(check, |check, claimant| {
                let identifier = claimant.get(IDENTIFIER).or(claimant.get(IOS_IDENTIFIER));
                let own = identifier.and_then(Value::as_str).and_then(app_id_prefix);
                for group in claimant.strings("keychain-access-groups") {
                    // com.apple.token is for smart cards.
                    if group == "com.apple.token" || group.contains("$(") {
                        continue;
                    }
                    let team = claimant.slice.team_id.as_deref();
                    let (message, severity) = match app_id_prefix(group) {
                        _ if group.contains('*') => (format!("{group} has a wildcard"), Severity::Error),
                        None => (format!("{group} does not begin with a team"), Severity::Error),
                        Some(found) if team.is_none() || team == Some(found) || own == Some(found) => {
                            continue;
                        }
                        // An old App ID has a prefix that is no team's; only its profile tells.
                        Some(_) => (
                            format!("{group} begins with another prefix than the team that signed"),
                            Severity::Warning,
                        ),
                    };
                    let finding = check.slice(
                        claimant.object,
                        claimant.slice,
                        format!("keychain access group {message}"),
                    );
                    finding.severity = severity;
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "app-group-format",
        family: Family::Entitlements,
        severity: Severity::Warning,
        rejected_by: &[Party::AppStore],
        title: "an app group whose name macOS cannot tie to the team",
        catalogue: "R113",
        explanation: "An app group is named group.NAME, which a profile must grant, or TEAM.NAME with the team that signed. With any other name, macOS 15 and later ask the user whether the app may access data from other apps, every time.",
        remedy: "name the group TEAM.NAME, or group.NAME with a profile, and sign again:  codesign -f -s \"Developer ID Application: NAME\" --entitlements FILE --options runtime --timestamp PATH",
        apple: "macOS asks: \"… would like to access data from other apps\"",
        reference: GROUPS,
        check: |check| {
            claims::each(check, |check, claimant| {
                for group in claimant.strings(APP_GROUPS) {
                    if !is_filled_in(group) || group.starts_with("group.") || !claimant.is_mac() {
                        continue;
                    }
                    let team = claimant.slice.team_id.as_deref();
                    let (said, severity) = match (app_id_prefix(group), team) {
                        (Some(found), Some(team)) if found == team => continue,
                        (Some(_), Some(_)) => ("begins with another team", Severity::Error),
                        (_, None) => ("cannot be tied to a team, since none signed", Severity::Warning),
                        _ => ("begins neither with group. nor with the team", Severity::Warning),
                    };
                    let message = format!("app group {group} {said}");
                    check.slice(claimant.object, claimant.slice, message).severity = severity;
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "app-group-unprovisioned",
        family: Family::Entitlements,
        severity: Severity::Warning,
        title: "an app group of the iOS form without a profile",
        catalogue: "R114",
        explanation: "Groups named group.NAME belong to a team by its profile only. Without one, macOS 15 and later ask the user whether the app may access data from other apps; an app of Mac Catalyst does not get at the group at all. Profiles from before February 2025 do not list such groups for macOS.",
        remedy: "embed a profile with the group before signing, or name the group TEAM.NAME:  cp NAME.provisionprofile PATH/Contents/embedded.provisionprofile && codesign -f -s \"Developer ID Application: NAME\" --entitlements FILE --options runtime --timestamp PATH",
        apple: "macOS asks: \"… would like to access data from other apps\"",
        reference: GROUPS,
        follows_from: &["restricted-entitlement-without-profile"],
        check: |check| {
            claims::each(check, |check, claimant| {
                let groups: Vec<_> = claimant
                    .strings(APP_GROUPS)
                    .into_iter()
                    .filter(|group| group.starts_with("group."))
                    .collect();
                let is_bundle = matches!(claimant.role(), Role::Main(_));
                if groups.is_empty()
                    || !is_bundle
                    || !claimant.is_mac()
                    || claimant.has_profile() != Some(false)
                {
                    return;
                }
                let message = format!("no profile grants {}", list(&groups));
                let is_catalyst = !claimant.is_macos();
                let finding = check.slice(claimant.object, claimant.slice, message);
                if is_catalyst {
                    finding.severity = Severity::Error;
                    finding.rejected_by = &[Party::Amfi];
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "development-environment",
        family: Family::Entitlements,
        severity: Severity::Warning,
        title: "a service's environment for development in code for users",
        catalogue: "R115, R137",
        explanation: "Push notifications and iCloud have one environment for development and one for users. Code for distribution that claims the former gets tokens and data that the servers of the latter do not know; App Store Connect refuses it.",
        remedy: "write production (Production for iCloud) into the entitlements file and sign again:  codesign -f -s \"Developer ID Application: NAME\" --entitlements FILE --options runtime --timestamp PATH",
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
                        if is_store {
                            finding.severity = Severity::Error;
                            finding.rejected_by = &[Party::AppStore];
                        }
                    }
                }
                let key = "com.apple.developer.icloud-container-development-container-identifiers";
                if claimant.get(key).is_some() {
                    check.slice(
                        claimant.object,
                        claimant.slice,
                        format!("{key} is for development"),
                    );
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
        remedy: "rename the key in the entitlements file and sign again:  codesign -f -s \"Developer ID Application: NAME\" --entitlements FILE --options runtime --timestamp PATH",
        apple: NO_PROFILE,
        reference: "https://developer.apple.com/documentation/bundleresources/entitlements/com.apple.developer.aps-environment",
        check: |check| {
            claims::each(check, |check, claimant| {
                let (wrong, right) = match claims::platform(claimant.slice) {
                    Some(Platform::MacOs) => ("aps-environment", "com.apple.developer.aps-environment"),
                    Some(Platform::Catalyst) | None => return,
                    Some(_) => ("com.apple.developer.aps-environment", "aps-environment"),
                };
                if claimant.get(wrong).is_some() {
                    check.slice(
                        claimant.object,
                        claimant.slice,
                        format!("claims {wrong}, which is {right} here"),
                    );
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
        remedy: "write the kinds that the profile lists (sealcheck profile PATH) into the entitlements file and sign again:  codesign -f -s \"Developer ID Application: NAME\" --entitlements FILE --options runtime --timestamp PATH",
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
        remedy: "build the provider as a system extension, move it to Contents/Library/SystemExtensions, and sign it there:  codesign -f -s \"Developer ID Application: NAME\" --entitlements FILE --options runtime --timestamp NAME.systemextension",
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
        remedy: "remove get-task-allow from the entitlements file, or name it com.apple.security.get-task-allow for debugging, and sign again:  codesign -f -s \"Developer ID Application: NAME\" --entitlements FILE --options runtime --timestamp PATH",
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
        remedy: "add the missing keys (Xcode: Enhanced Security) to the entitlements file and sign again:  codesign -f -s \"Developer ID Application: NAME\" --entitlements FILE --options runtime --timestamp PATH",
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
                check.slice(claimant.object, claimant.slice, message);
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

/// Neither a variable nor a wildcard, which other rules report.
fn is_filled_in(text: &str) -> bool {
    !text.contains("$(") && !text.contains("${") && !text.contains('*')
}
