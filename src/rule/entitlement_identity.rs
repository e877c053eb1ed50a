//! Rules about identifiers and groups in entitlements (R109–R114).
//!
//! Whether a profile grants the identifiers is for the rules about profiles.

use super::claims::{self, Role, app_id_prefix, is_filled_in, list};
use super::entitlement_values::NOT_GRANTED;
use super::{Family, Rule};
use crate::finding::{Party, Severity};
use crate::plist::{Value, to_json};
use crate::remedy::{Condition, Edit, Kind, SIGN, SIGN_EDITED, Sign, Step, Word, run};

const PROFILES: &str =
    "https://developer.apple.com/documentation/technotes/tn3125-inside-code-signing-provisioning-profiles";
const GROUPS: &str = "https://developer.apple.com/forums/thread/721701";
const CORRECT: &[Step] = &[
    Step::Say("claim the team that signs, and sign again"),
    Step::Claim(&[Edit::Set(
        Word::Text("com.apple.developer.team-identifier"),
        Kind::Text,
        Word::Value("TEAM"),
    )]),
    SIGN_EDITED,
];
const NO_PROFILE: &str =
    "amfid: -413 \"No matching profile found\"; taskgated-helper: \"Unsatisfied entitlements\"";

const IDENTIFIER: &str = "com.apple.application-identifier";
const IOS_IDENTIFIER: &str = "application-identifier";
const APP_GROUPS: &str = "com.apple.security.application-groups";

/// Where a second program claims what its bundle should, the values are the bundle's too.
const MISPLACED: &[&str] = &[
    "restricted-entitlement-on-secondary-executable",
    "restricted-entitlement-on-standalone-tool",
];

/// The groups as JSON, those without a tie to the team named after it.
fn of_team(groups: &[&str], team: &str) -> String {
    let named = groups.iter().map(|group| {
        let is_tied = *group == "com.apple.token"
            || group.starts_with("group.")
            || app_id_prefix(group) == Some(team)
            || !is_filled_in(group);
        let name = app_id_prefix(group).map_or(*group, |prefix| {
            group.get(prefix.len().saturating_add(1)..).unwrap_or(group)
        });
        Value::String(if is_tied {
            (*group).to_owned()
        } else {
            format!("{team}.{name}")
        })
    });
    to_json(&Value::Array(named.collect())).to_string()
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ios-application-identifier",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        title: "the application identifier of iOS on macOS",
        catalogue: "R109",
        explanation: "On macOS the entitlement is com.apple.application-identifier; application-identifier is that of iOS and of Mac Catalyst. Profiles for macOS do not have it, so AMFI kills a Mac program that claims it, even with a profile.",
        remedy: &[
            Step::Say("rename the key to com.apple.application-identifier and sign again"),
            Step::Claim(&[
                Edit::Remove(Word::Text("application-identifier")),
                Edit::Set(
                    Word::Text("com.apple.application-identifier"),
                    Kind::Text,
                    Word::Value("VALUE"),
                ),
            ]),
            SIGN_EDITED,
        ],
        apple: "taskgated-helper: \"Unsatisfied entitlements: application-identifier\"",
        reference: PROFILES,
        check: |check| {
            claims::each(check, |check, claimant| {
                if claimant.is_macos()
                    && let Some(claimed) = claimant.get(IOS_IDENTIFIER)
                {
                    let message =
                        "claims application-identifier, which is com.apple.application-identifier on macOS";
                    let finding = check.slice(claimant.object, claimant.slice, message);
                    if let Some(claimed) = claimed.as_str() {
                        finding.facts.text("VALUE", claimed);
                    }
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
        remedy: &[
            Step::Say("make the three agree and sign again"),
            Step::If(
                Condition::Knows("KEY"),
                &[
                    Step::Claim(&[Edit::Set(Word::Value("KEY"), Kind::Text, Word::Value("VALUE"))]),
                    SIGN_EDITED,
                ],
                &[
                    Step::If(
                        Condition::Knows("FILE"),
                        &[
                            run!["plutil" "-replace" "CFBundleIdentifier" "-string" (Value "IDENTIFIER") (Value "FILE")],
                        ],
                        &[],
                    ),
                    Step::Sign(Sign {
                        identifier: Some(Word::Value("IDENTIFIER")),
                        ..Sign::KEPT
                    }),
                ],
            ),
        ],
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
                    .and_then(|info| info.get("CFBundleIdentifier"))
                    .and_then(Value::as_str);
                let name = claimed.split_once('.').map_or("", |(_, name)| name);
                let message = if claimant.is_bare_identifier_only() {
                    return;
                } else if name != identifier {
                    format!("claims {claimed}, but is signed as {identifier}")
                } else if bundle.is_some_and(|bundle| bundle != identifier) {
                    format!("signed as {identifier}, but CFBundleIdentifier is another")
                } else {
                    return;
                };
                let file = claimant.object.info_plist_file.as_ref();
                let facts = &mut check.slice(claimant.object, claimant.slice, message).facts;
                if bundle == Some(identifier) {
                    // Two of the three agree.
                    let prefix = app_id_prefix(claimed).map_or(String::new(), |prefix| format!("{prefix}."));
                    facts
                        .text("KEY", key)
                        .text("VALUE", format!("{prefix}{identifier}"));
                } else {
                    facts.text("IDENTIFIER", name);
                    if let Some(file) = file.filter(|_| bundle != Some(name)) {
                        facts.path("FILE", file.path.as_str());
                    }
                }
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
                    let finding = check.slice(claimant.object, claimant.slice, message);
                    finding.facts.text("TEAM", team);
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
        remedy: &[
            Step::Say("write the group as TEAM.group ($(AppIdentifierPrefix)group in Xcode) and sign again"),
            Step::If(
                Condition::Knows("GROUPS"),
                &[Step::Claim(&[Edit::Set(
                    Word::Text("keychain-access-groups"),
                    Kind::Json,
                    Word::Value("GROUPS"),
                )])],
                &[],
            ),
            SIGN_EDITED,
        ],
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
                    let groups = claimant.strings("keychain-access-groups");
                    let has_wildcard = groups.iter().any(|group| group.contains('*'));
                    if let Some(prefix) = own.or(team).filter(|_| !has_wildcard) {
                        finding.facts.text("GROUPS", of_team(&groups, prefix));
                    }
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
        remedy: &[
            Step::Say("name the group TEAM.NAME, or group.NAME with a profile, and sign again"),
            Step::If(
                Condition::Knows("GROUPS"),
                &[Step::Claim(&[Edit::Set(
                    Word::Text("com.apple.security.application-groups"),
                    Kind::Json,
                    Word::Value("GROUPS"),
                )])],
                &[],
            ),
            SIGN_EDITED,
        ],
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
                    let finding = check.slice(claimant.object, claimant.slice, message);
                    finding.severity = severity;
                    if let Some(team) = team {
                        finding
                            .facts
                            .text("GROUPS", of_team(&claimant.strings(APP_GROUPS), team));
                    }
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
        remedy: &[
            Step::Say("embed a profile with the group before signing, or name the group TEAM.NAME"),
            run!["cp" "NAME.provisionprofile" Profile],
            SIGN,
        ],
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
                    || claims::is_for_store(claimant.slice)
                {
                    return;
                }
                let ungranted: Vec<_> = match (claimant.has_profile(), claimant.profile()) {
                    (Some(false), _) => groups,
                    (_, Some(profile)) => {
                        // TEAM.* in a profile covers groups of the other form only.
                        let granted = profile.effective().entitlements.get(APP_GROUPS);
                        let granted = granted.and_then(Value::as_array).unwrap_or_default();
                        let is_granted =
                            |group: &&str| granted.iter().any(|one| one.as_str() == Some(*group));
                        groups.into_iter().filter(|group| !is_granted(group)).collect()
                    }
                    _ => return,
                };
                if ungranted.is_empty() {
                    return;
                }
                let message = format!("no profile grants {}", list(&ungranted));
                let is_catalyst = !claimant.is_macos();
                let finding = check.slice(claimant.object, claimant.slice, message);
                if is_catalyst {
                    finding.severity = Severity::Error;
                    finding.rejected_by = vec![Party::Amfi];
                }
            });
        },
        ..Rule::BASE
    },
];
