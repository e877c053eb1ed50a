//! Rules about who may claim an entitlement at all: hallucinated, private, unknown, of another platform, restricted
//! without profile, on the wrong executable (R100–R103, R129, R131–R134, R141–R145).
//!
//! A claim belongs to one rule: what is wrong with its key by itself comes first, then where it stands, then the
//! missing profile. Whether a profile that is there grants it is for the rules about profiles.

use super::claims::{self, Claimant, Judged, Role, list};
use super::displaced::UNRECOGNIZED;
use super::{Check, Family, Rule};
use crate::entitlements::{Class, Flag, classify, find, nearest};
use crate::finding::{Finding, Party, Severity, Target};
use crate::plist::Value;
use crate::remedy::{
    CLAIM_INHERITANCE, CLAIM_SANDBOX, Condition, Edit, SIGN, SIGN_EDITED, SIGN_WITHOUT_CLAIMS, Step, Word,
    run,
};
use crate::verify::EntitlementsState;

const REMOVE: &[Step] = &[
    Step::Say("remove the key from the entitlements file of the project, and sign without it"),
    Step::Claim(&[Edit::Remove(Word::Value("KEY"))]),
    SIGN_EDITED,
];
const PROFILES: &str =
    "https://developer.apple.com/documentation/technotes/tn3125-inside-code-signing-provisioning-profiles";
const REAL: &str = "https://developer.apple.com/forums/topics/code-signing-topic";
const DAEMON: &str =
    "https://developer.apple.com/documentation/xcode/signing-a-daemon-with-a-restricted-entitlement";
const KILLED: &str = "kernel: \"Code has restricted entitlements, but the validation of its code signature failed\"; amfid: -413 \"No matching profile found\", ad hoc -424; the process ends with \"Killed: 9\"";

/// In place of the sentence that such a program is killed.
const TOLERATED: &str = "A restricted entitlement must be granted by a provisioning profile, and there is none for this program. Its only such claim is an identifier without a team in front. Sparkle's Autoupdate has the same claim and runs, which is why this is a note; Apple does not document why.";

/// Unknown keys for which a known one is looked up: real signatures have none or a few.
const MAX_SUGGESTIONS: usize = 20;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "hallucinated-entitlement",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi, Party::AppStore],
        title: "an entitlement that does not exist",
        catalogue: "R101",
        explanation: "Many files claim entitlements that Apple never had, often because somebody guessed the name of a feature. No profile can grant them: Xcode cannot make one, and AMFI kills a program that claims a made-up com.apple key. The feature is usually free for all, or a key of Info.plist.",
        remedy: REMOVE,
        apple: "Xcode: \"Provisioning profile doesn't include the … entitlement\"",
        reference: REAL,
        check: |check| {
            claims::each(check, |check, claimant| {
                for key in claimant.keys(Judged::Unreal) {
                    let Some(line) = find(key) else { continue };
                    let is_certain = line.class == Class::Hallucinated;
                    let instead = match (line.replacement, line.advice) {
                        (Some(other), Some(advice)) => format!(": claim {other} ({advice})"),
                        (Some(other), None) => format!(": claim {other}"),
                        (None, Some(advice)) => format!(": {advice}"),
                        (None, None) => String::new(),
                    };
                    let what = if is_certain {
                        "is no entitlement"
                    } else {
                        "is on none of Apple's lists"
                    };
                    let finding = report(check, claimant, format!("{key} {what}{instead}"), &[key]);
                    if let Some(other) = line.replacement {
                        finding.details.push(("replacement", other.to_owned()));
                    }
                    if !is_certain {
                        finding.severity = Severity::Warning;
                        finding.rejected_by = Vec::new();
                    } else if key.starts_with("com.apple.security.") || !key.starts_with("com.apple.") {
                        // Nobody looks at these, so nobody refuses to start; the App Store refuses them.
                        finding.rejected_by = vec![Party::AppStore];
                    }
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "apple-private-entitlement",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi, Party::AppStore],
        title: "an entitlement that only Apple's own code may claim",
        catalogue: "R102",
        explanation: "Entitlements such as com.apple.private.* belong to the system's own programs. No provisioning profile can grant them, and AMFI kills any other program that claims one. Examples on the web run with system protection switched off.",
        remedy: REMOVE,
        apple: KILLED,
        reference: PROFILES,
        check: |check| {
            claims::each(check, |check, claimant| {
                let is_unproven = |key: &&str| find(key).is_some_and(|line| line.has(Flag::Unproven));
                let (unproven, proven): (Vec<_>, Vec<_>) =
                    claimant.keys(Judged::Private).into_iter().partition(is_unproven);
                if !proven.is_empty() {
                    report(
                        check,
                        claimant,
                        format!("private to Apple: {}", list(&proven)),
                        &proven,
                    );
                }
                if !unproven.is_empty() {
                    let message = format!("used by Apple's own programs only: {}", list(&unproven));
                    report(check, claimant, message, &unproven).severity = Severity::Warning;
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "unknown-apple-entitlement",
        family: Family::Entitlements,
        severity: Severity::Warning,
        title: "an entitlement with a name of Apple's that is not known",
        catalogue: "R132",
        explanation: "The key looks like one of Apple's but is in none of its lists: a slip of the pen, a made-up name, or something newer than this table. macOS does not look at unknown com.apple.security keys, so the feature stays off; any other com.apple key counts as restricted, and without a profile that grants it AMFI kills the program.",
        remedy: &[
            Step::Say("correct the key in the entitlements file of the project, or sign without it"),
            Step::Claim(&[Edit::Remove(Word::Value("KEY"))]),
            SIGN_EDITED,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/entitlements",
        check: |check| {
            claims::each(check, |check, claimant| {
                let keys = claimant.claims.iter().map(|(key, _)| key);
                let unknown: Vec<_> = keys.filter(|key| find(key).is_none()).collect();
                let (mut free, mut restricted) = (Vec::new(), Vec::new());
                for key in unknown {
                    let is_looked_up = free.len().saturating_add(restricted.len()) < MAX_SUGGESTIONS;
                    let meant = is_looked_up.then(|| nearest(key)).flatten();
                    let text =
                        meant.map_or_else(|| key.to_owned(), |meant| format!("{key} (meant: {meant}?)"));
                    match classify(key) {
                        // Other people's names are their own, unless one is nearly one of Apple's.
                        Class::Foreign if meant.is_none() => {}
                        Class::Foreign | Class::Unrestricted => free.push((text, key, meant.is_some())),
                        _ => restricted.push((text, key, true)),
                    }
                }
                for (keys, said) in [
                    (free, "not known to macOS and ignored"),
                    (restricted, "not known"),
                ] {
                    if keys.is_empty() {
                        continue;
                    }
                    let is_doubtful = keys.iter().any(|(_, _, is_doubtful)| *is_doubtful);
                    let own: Vec<&str> = keys.iter().map(|(_, key, _)| *key).collect();
                    let names: Vec<_> = keys.into_iter().map(|(name, ..)| name).collect();
                    let finding = check.slice(
                        claimant.object,
                        claimant.slice,
                        format!("{said}: {}", list(&names)),
                    );
                    finding.facts.keys(own);
                    if !is_doubtful {
                        finding.severity = Severity::Note;
                    }
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "ios-only-entitlement",
        family: Family::Entitlements,
        severity: Severity::Warning,
        rejected_by: &[Party::Amfi],
        title: "an entitlement of another platform",
        catalogue: "R143, R149",
        explanation: "The entitlement exists on iOS or its relatives, not on macOS. It is restricted all the same: without a profile that grants it, AMFI kills the program, and profiles for macOS do not have it.",
        remedy: REMOVE,
        apple: KILLED,
        reference: PROFILES,
        check: |check| {
            claims::each(check, |check, claimant| {
                let own = ["application-identifier", "aps-environment", "get-task-allow"];
                let mut keys = claimant.keys(Judged::OtherPlatform);
                keys.retain(|key| !own.contains(key));
                if !keys.is_empty() {
                    let message = format!("not on macOS: {}", list(&keys));
                    let has_profile = claimant.has_profile();
                    let finding = report(check, claimant, message, &keys);
                    if has_profile == Some(false) {
                        finding.severity = Severity::Error;
                    }
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "devid-unsupported-capability",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        targets: &[Target::DeveloperId],
        title: "an entitlement that no profile for Developer ID can grant",
        catalogue: "R142",
        explanation: "Some capabilities, such as Game Center, are for the App Store only. Apple makes no Developer ID profile with them, so an app outside of the store that claims one is killed when it starts.",
        remedy: REMOVE,
        apple: KILLED,
        reference: "https://developer.apple.com/help/account/reference/supported-capabilities-macos",
        check: |check| {
            claims::each(check, |check, claimant| {
                let keys = claimant.keys(Judged::NotForDeveloperId);
                if !keys.is_empty() {
                    let message = format!("not available with a Developer ID: {}", list(&keys));
                    report(check, claimant, message, &keys);
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "restricted-entitlement-without-profile",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        title: "restricted entitlements without a provisioning profile",
        catalogue: "R100, R140, R163",
        explanation: "A restricted entitlement must be granted by a provisioning profile in the bundle. There is none, so AMFI kills the program every time it starts. codesign, spctl and the notary service all say that the code is good.",
        remedy: &[
            Step::Say("remove the keys that the program does not need"),
            Step::Claim(&[Edit::Remove(Word::Value("KEY"))]),
            SIGN_EDITED,
            Step::Or,
            Step::Say("embed a profile that grants them before signing"),
            run!["cp" "NAME.provisionprofile" Profile],
            SIGN,
        ],
        apple: KILLED,
        reference: PROFILES,
        check: |check| {
            undecodable(check);
            claims::each(check, |check, claimant| {
                let keys = claimant.keys(Judged::NeedsProfile);
                if keys.is_empty() || !matches!(claimant.role(), Role::Main(_)) || !claimant.is_mac() {
                    return;
                }
                match claimant.has_profile() {
                    Some(true) => {}
                    None => check.unknown(&claimant.object.path, "the folder of the profile cannot be read"),
                    Some(false) => {
                        let hints: Vec<_> = keys
                            .iter()
                            .filter_map(|key| find(key)?.advice.filter(|_| key.starts_with("com.apple.vm.")))
                            .collect();
                        let hint = hints.first().map_or(String::new(), |hint| format!(" ({hint})"));
                        let message = format!("no profile, but restricted: {}{hint}", list(&keys));
                        let is_tolerated = claimant.is_bare_identifier_only();
                        let finding = report(check, claimant, message, &keys);
                        if is_tolerated {
                            finding.severity = Severity::Note;
                            finding.explanation = TOLERATED;
                            finding.rejected_by = Vec::new();
                        }
                    }
                }
            });
        },
        follows_from: &["profile-misplaced"],
        ..Rule::BASE
    },
    Rule {
        id: "restricted-entitlement-on-secondary-executable",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        title: "restricted entitlements on a program that is not the main executable of a bundle",
        catalogue: "R133, R129",
        explanation: "AMFI looks for a provisioning profile in the bundle whose main executable is started. A second program in Contents/MacOS or elsewhere has no bundle of its own, so nothing grants its claims, even if the app around it has a matching profile. Such a program in Contents/MacOS was killed when it started (measured). Whether daemons in Contents/Library/LaunchDaemons are excepted is not certain: one report has such a daemon that runs.",
        remedy: &[Step::If(
            Condition::ForStore,
            &[
                Step::Say("a helper in the sandbox of the app claims the two keys for inheritance only"),
                Step::Claim(&[Edit::Clear, CLAIM_SANDBOX, CLAIM_INHERITANCE]),
                SIGN_EDITED,
            ],
            &[
                Step::Say("remove the keys that the program does not need"),
                Step::Claim(&[Edit::Remove(Word::Value("KEY"))]),
                SIGN_EDITED,
                Step::Or,
                Step::Say(
                    "give the program a bundle of its own with its own profile, such as Helper.app/Contents/MacOS/Helper, and sign that",
                ),
            ],
        )],
        apple: KILLED,
        reference: DAEMON,
        check: |check| each_without_bundle(check, Role::Secondary),
        follows_from_bundle: UNRECOGNIZED,
        ..Rule::BASE
    },
    Rule {
        id: "restricted-entitlement-on-standalone-tool",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        title: "restricted entitlements on a program without a bundle",
        catalogue: "R134, R129",
        explanation: "A provisioning profile lies in a bundle; a single file has no place for one, so nothing grants its claims, and AMFI kills it when it starts. Apple's way for daemons is a bundle that looks like an app, with the program as its main executable.",
        remedy: &[
            Step::Say("remove the keys that the program does not need"),
            Step::Claim(&[Edit::Remove(Word::Value("KEY"))]),
            SIGN_EDITED,
            Step::Or,
            Step::Say(
                "wrap the program in a bundle, Tool.app/Contents/MacOS/tool with its own Contents/embedded.provisionprofile, and sign that",
            ),
        ],
        apple: KILLED,
        reference: DAEMON,
        check: |check| each_without_bundle(check, Role::Standalone),
        ..Rule::BASE
    },
    Rule {
        id: "entitlements-on-library-code",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        title: "entitlements on a library",
        catalogue: "R103",
        explanation: "Entitlements belong to programs; a library runs with those of the program that loads it. On a library they have no effect at best. Restricted ones can keep macOS from loading it, and App Store Connect refuses identifiers there. They usually come from codesign --deep --entitlements.",
        remedy: &[
            Step::Say("sign the library without entitlements"),
            SIGN_WITHOUT_CLAIMS,
        ],
        reference: "https://developer.apple.com/documentation/xcode/creating-distribution-signed-code-for-the-mac",
        check: |check| {
            for object in &check.evidence().code {
                for slice in &object.slices {
                    let Some(claims) = slice.entitlements.as_ref().filter(|claims| !claims.is_empty()) else {
                        continue;
                    };
                    let is_library = slice.file_type.is_some_and(|found| !found.is_execute());
                    if !is_library || claims::is_signed_by_apple(slice) {
                        continue;
                    }
                    let keys: Vec<_> = claims.iter().map(|(key, _)| key).collect();
                    let needs = |key: &&str| {
                        let class = classify(key);
                        class.needs_profile() || class == Class::ApplePrivate
                    };
                    let restricted: Vec<_> = keys.iter().copied().filter(needs).collect();
                    if restricted.is_empty() {
                        let message = format!("a library with entitlements: {}", list(&keys));
                        let finding = check.slice(object, slice, message);
                        finding.severity = Severity::Warning;
                        finding.rejected_by = Vec::new();
                    } else {
                        let message =
                            format!("a library with restricted entitlements: {}", list(&restricted));
                        check.slice(object, slice, message);
                    }
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "wildcard-in-claim",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        title: "a wildcard in a restricted claim",
        catalogue: "R131",
        explanation: "Only profiles have wildcards. A claim must name one value that the profile's pattern covers; with a * in it the claim is not granted.",
        remedy: &[
            Step::Say("write the whole value into the entitlements file and sign again"),
            SIGN_EDITED,
        ],
        reference: PROFILES,
        check: |check| {
            claims::each(check, |check, claimant| {
                for (key, _) in claimant.claims.iter() {
                    // Domains and pass types may have one; groups have a rule of their own; drivers repeat their profile.
                    let has_own = key.starts_with("com.apple.developer.driverkit.")
                        || key.starts_with("com.apple.developer.associated-domains")
                        || key == "com.apple.developer.pass-type-identifiers"
                        || key == "keychain-access-groups";
                    if has_own || claimant.judged(key) != Judged::NeedsProfile {
                        continue;
                    }
                    if let Some(text) = claimant.strings(key).into_iter().find(|text| text.contains('*')) {
                        report(check, claimant, format!("{key} claims {text}"), &[key]);
                    }
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "deprecated-entitlement",
        family: Family::Entitlements,
        severity: Severity::Note,
        title: "an entitlement that Apple has deprecated",
        catalogue: "R139, R144",
        explanation: "Current systems no longer look at the entitlement, or there is a newer one in its place. A restricted one still needs its profile.",
        remedy: REMOVE,
        check: |check| {
            claims::each(check, |check, claimant| {
                for (key, value) in claimant.claims.iter() {
                    let Some(line) = find(key).filter(|line| line.has(Flag::Deprecated)) else {
                        continue;
                    };
                    let message = match line.replacement {
                        // Claimed beside the newer one, it serves old systems.
                        Some(other) if claimant.get(other).is_some() => continue,
                        Some(other) => format!("{key} is deprecated: claim {other}"),
                        None => format!("{key} is deprecated"),
                    };
                    let is_needed = line.replacement.is_some() && value == &Value::Boolean(true);
                    let finding = report(check, claimant, message, &[key]);
                    if is_needed {
                        finding.severity = Severity::Warning;
                    }
                }
            });
        },
        ..Rule::BASE
    },
];

fn report<'c>(
    check: &'c mut Check<'_>,
    claimant: Claimant<'_>,
    message: String,
    keys: &[&str],
) -> &'c mut Finding {
    let finding = check.slice(claimant.object, claimant.slice, message);
    finding.details.push(("entitlements", keys.join(", ")));
    finding.facts.keys(keys.iter().copied());
    finding
}

/// What a program claims in entitlements that cannot be read is not known.
fn undecodable(check: &mut Check<'_>) {
    for object in &check.evidence().code {
        for slice in &object.slices {
            let is_program = slice.file_type.is_some_and(|found| found.is_execute());
            let is_malformed = matches!(
                slice.entitlements_state,
                EntitlementsState::XmlMalformed | EntitlementsState::DerMalformed
            );
            if is_program && is_malformed {
                check.unknown(&object.main_path(), "the entitlements cannot be decoded");
                break;
            }
        }
    }
}

fn each_without_bundle(check: &mut Check<'_>, role: Role) {
    claims::each(check, |check, claimant| {
        let keys = claimant.keys(Judged::NeedsProfile);
        if keys.is_empty() || claimant.role() != role || !claimant.is_mac() {
            return;
        }
        let place = match role {
            Role::Standalone => "a program without a bundle",
            _ => "not the main executable of a bundle",
        };
        let message = format!("{place}, but restricted: {}", list(&keys));
        let is_tolerated = claimant.is_bare_identifier_only();
        let finding = report(check, claimant, message, &keys);
        if is_tolerated {
            finding.severity = Severity::Note;
            finding.explanation = TOLERATED;
            finding.rejected_by = Vec::new();
        }
    });
}
