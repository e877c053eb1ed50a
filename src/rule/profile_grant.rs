//! Rules that hold code against its provisioning profile: certificate, team, platform, App ID, every restricted claim
//! (R128, R152–R157, R165).
//!
//! A profile that is the wrong one altogether differs in everything; the rules follow from each other so that one
//! error names the cause. Code and profile are compared as AMFI compares them when the code starts: codesign, spctl
//! and the notary service do not look at the profile at all.

use super::check::Check;
use super::profile::{NO_MATCH, Subject, TN3125, depends, fits_kind, label, leaf, short};
use super::{Family, Rule};
use crate::finding::{Party, Severity};
use crate::profile::{Answer, NotGranted, Profile};
use crate::remedy::{SIGN, SIGN_EDITED, Step, run};
use crate::verify::{Claim, SignatureKind, SliceEvidence};

/// Claims about who the code is; App ID and team have rules of their own.
const APP_ID: &str = "com.apple.application-identifier";

/// Capabilities that Apple gives to an explicit App ID only, by the beginning of their keys.
const EXPLICIT: [&str; 7] = [
    "com.apple.developer.aps-environment",
    "aps-environment",
    "com.apple.developer.icloud-",
    "com.apple.developer.ubiquity-",
    "com.apple.developer.game-center",
    "com.apple.developer.associated-domains",
    "com.apple.developer.in-app-payments",
];

/// Claims of drivers that the profile must repeat word by word.
const TRANSPORT: &str = "com.apple.developer.driverkit.transport.";

const NEW_PROFILE: &[Step] = &[
    Step::Say(
        "make a profile that fits at https://developer.apple.com/account/resources/profiles, then embed it and sign again",
    ),
    run!["cp" "NAME.provisionprofile" Profile],
    SIGN,
];

/// What a rule says about one architecture.
struct Remark {
    message: String,
    details: Vec<(&'static str, String)>,
}

impl From<String> for Remark {
    fn from(message: String) -> Self {
        Self {
            message,
            details: Vec::new(),
        }
    }
}

impl From<NotGranted> for Remark {
    fn from(found: NotGranted) -> Self {
        Self {
            message: format!("{} = {}: {found}", found.key, found.claim_text()),
            details: vec![
                ("entitlement", found.key.clone()),
                ("claim", found.claim_text()),
                ("grant", found.grant_text()),
                ("difference", found.to_string()),
            ],
        }
    }
}

/// Reports what `describe` says about each architecture; once where it says the same about all of them.
fn each(check: &mut Check<'_>, describe: impl Fn(&SliceEvidence, &Profile) -> Vec<Remark>) {
    for (subject, profile) in Subject::sound(check) {
        let severity = subject.severity();
        let remarks: Vec<_> = subject
            .slices
            .iter()
            .flat_map(|slice| {
                describe(slice, profile)
                    .into_iter()
                    .map(move |remark| (*slice, remark))
            })
            .collect();
        let mut said: Vec<&str> = Vec::new();
        for (slice, remark) in &remarks {
            let same = remarks
                .iter()
                .filter(|(_, other)| other.message == remark.message);
            let is_everywhere = same.count() == subject.slices.len();
            if said.contains(&remark.message.as_str()) && is_everywhere {
                continue;
            }
            said.push(&remark.message);
            let finding = if is_everywhere {
                check.object(subject.object, remark.message.as_str())
            } else {
                check.slice(subject.object, slice, remark.message.as_str())
            };
            finding.severity = severity;
            finding.details.clone_from(&remark.details);
        }
    }
}

const fn about_grants() -> Rule {
    Rule {
        family: Family::Profile,
        severity: Severity::Error,
        rejected_by: &[Party::Amfi],
        remedy: NEW_PROFILE,
        apple: NO_MATCH,
        reference: TN3125,
        ..Rule::BASE
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "profile-platform",
        title: "the provisioning profile is for another platform",
        catalogue: "R154",
        explanation: "A profile names the platforms that it is for. One for iOS grants nothing on a Mac: App ID, team and entitlements have other keys there.",
        check: |check| {
            each(check, |slice, profile| {
                let platforms = &profile.effective().platforms;
                // Profiles from before 2013 name none.
                let is_wrong = slice.is_for_mac()
                    && !platforms.is_empty()
                    && !platforms.iter().any(|name| name == "OSX");
                let text = || {
                    let name = label(profile);
                    format!(
                        "the profile {name} is for {}, the code for macOS",
                        platforms.join(", ")
                    )
                    .into()
                };
                is_wrong.then(text).into_iter().collect()
            });
        },
        ..about_grants()
    },
    Rule {
        id: "profile-team",
        title: "the provisioning profile belongs to another team",
        catalogue: "R157, R068",
        explanation: "Code and profile must be of the same team. A profile of another team grants nothing, whatever else it says; App ID, certificate and keychain groups cannot match either.",
        follows_from: &["profile-platform"],
        check: |check| {
            each(check, |slice, profile| {
                let teams = &profile.effective().team_ids;
                let team = slice
                    .team_id
                    .as_ref()
                    .filter(|team| !teams.is_empty() && !teams.contains(team));
                let text = |team: &String| {
                    let name = label(profile);
                    Remark {
                        message: format!(
                            "the profile {name} is of team {}, the code of team {team}",
                            teams.join(", ")
                        ),
                        details: vec![("code_team", team.clone()), ("profile_team", teams.join(", "))],
                    }
                };
                team.map(text).into_iter().collect()
            });
        },
        ..about_grants()
    },
    Rule {
        id: "profile-kind-vs-channel",
        title: "the provisioning profile is of another kind than the certificate",
        catalogue: "R155",
        explanation: "There are profiles for development, for the App Store and for Developer ID, and each goes with certificates of its kind. A development profile holds on the Macs that it lists, an App Store profile holds nowhere before Apple has signed the app again: shipped with Developer ID, either leaves every user with an app that does not start.",
        apple: "Provisioning profile does not allow this device; amfid: -413 \"No matching profile found\"",
        follows_from: &[
            "profile-platform",
            "profile-team",
            "development-signed",
            "ios-or-enterprise-signed",
            "not-developer-id",
            "app-store-distribution-signed",
        ],
        check: |check| {
            each(check, |slice, profile| {
                let Some(identity) = &slice.identity else {
                    return Vec::new();
                };
                if fits_kind(identity.kind, profile.kind()) != Some(false) {
                    return Vec::new();
                }
                let (kind, certificate) = (profile.kind().name(), identity.kind.name());
                let devices = profile.effective().devices.as_ref();
                let devices =
                    devices.map_or_else(String::new, |devices| format!(" for {} devices", devices.len()));
                vec![Remark {
                    message: format!(
                        "{} is a profile for {kind}{devices}, the certificate is {certificate}",
                        label(profile)
                    ),
                    details: vec![
                        ("profile", kind.to_owned()),
                        ("certificate", certificate.to_owned()),
                    ],
                }]
            });
        },
        ..about_grants()
    },
    Rule {
        id: "profile-app-id",
        title: "the provisioning profile is for another App ID",
        catalogue: "R156",
        explanation: "A profile is for one App ID, or for all that begin alike. The App ID of code is its prefix, most often the team, and its identifier. Usual causes: the profile of another app, a renamed bundle, or the profile of the app in one of its extensions.",
        follows_from: &[
            "profile-platform",
            "profile-team",
            "application-identifier-mismatch",
        ],
        check: |check| {
            each(check, |slice, profile| {
                let contents = profile.effective();
                let Some(pattern) = contents.app_id().filter(|_| depends(slice) && slice.is_for_mac()) else {
                    return Vec::new();
                };
                let claimed = slice.entitlements.as_ref().and_then(|claims| claims.get(APP_ID));
                let wanted: Vec<String> = match (claimed.and_then(|value| value.as_str()), &slice.identifier)
                {
                    (Some(claim), _) => vec![claim.to_owned()],
                    // Without the claim, what it would be.
                    (None, Some(identifier)) if claimed.is_none() => {
                        let prefixes = contents.app_id_prefixes.iter();
                        prefixes.map(|prefix| format!("{prefix}.{identifier}")).collect()
                    }
                    _ => return Vec::new(),
                };
                if wanted.is_empty() || wanted.iter().any(|app_id| contents.covers_app_id(app_id)) {
                    return Vec::new();
                }
                vec![Remark {
                    message: format!(
                        "the profile {} is for {pattern}, the code is {}",
                        label(profile),
                        wanted.join(" or ")
                    ),
                    details: vec![("claim", wanted.join(", ")), ("grant", pattern.to_owned())],
                }]
            });
        },
        ..about_grants()
    },
    Rule {
        id: "profile-certificate-mismatch",
        title: "the provisioning profile does not list the signing certificate",
        catalogue: "R152",
        explanation: "A profile lists the certificates that code under it may be signed with. This code is signed with another one, or with none. Usual causes: the certificate was renewed after the profile was made, or the build machine signs with another identity than the one that Xcode used.",
        follows_from: &[
            "profile-platform",
            "profile-team",
            "profile-kind-vs-channel",
            "adhoc-signed",
            "not-developer-id",
        ],
        check: |check| {
            each(check, |slice, profile| {
                let contents = profile.effective();
                let listed: Vec<_> = profile
                    .contents
                    .certificates
                    .iter()
                    .map(|listed| format!("\"{}\" ({})", listed.label(), short(&listed.sha256)))
                    .collect();
                let listed = if listed.is_empty() {
                    "none".to_owned()
                } else {
                    listed.join(", ")
                };
                let name = label(profile);
                match (leaf(slice), slice.signature) {
                    (Some((_, digest)), _) if contents.lists_certificate(&digest) => Vec::new(),
                    (Some((signer, digest)), _) => vec![Remark {
                        message: format!(
                            "signed with \"{signer}\" ({}); the profile {name} lists {listed}",
                            short(&digest)
                        ),
                        details: vec![("certificate", signer), ("listed", listed)],
                    }],
                    (None, SignatureKind::Adhoc | SignatureKind::LinkerSigned) if depends(slice) => {
                        vec![
                            format!("signed ad hoc, with no certificate; the profile {name} lists {listed}")
                                .into(),
                        ]
                    }
                    (None, _) => Vec::new(),
                }
            });
        },
        ..about_grants()
    },
    Rule {
        id: "wildcard-profile-explicit-capability",
        title: "a claim that a wildcard profile cannot grant",
        catalogue: "R165",
        explanation: "Push notifications, iCloud, Game Center, associated domains and payments are given to one App ID. A profile for all App IDs that begin alike does not have them, and code that claims one is killed when it starts.",
        follows_from: &["profile-platform", "profile-team", "profile-kind-vs-channel"],
        remedy: &[
            Step::Say(
                "register an explicit App ID with the capability, make a profile for it, then embed it and sign again",
            ),
            run!["cp" "NAME.provisionprofile" Profile],
            SIGN,
        ],
        check: |check| {
            each(check, |slice, profile| {
                let pattern = profile
                    .effective()
                    .app_id()
                    .filter(|pattern| pattern.ends_with('*'));
                let Some(pattern) = pattern else { return Vec::new() };
                let keys: Vec<_> = denied(slice, profile)
                    .into_iter()
                    .map(|found| found.key)
                    .filter(|key| needs_explicit_app_id(key))
                    .collect();
                let text = || {
                    format!(
                        "the profile {} is for {pattern} and cannot grant {}",
                        label(profile),
                        keys.join(", ")
                    )
                };
                if keys.is_empty() {
                    Vec::new()
                } else {
                    vec![text().into()]
                }
            });
        },
        ..about_grants()
    },
    Rule {
        id: "profile-does-not-grant",
        title: "the provisioning profile does not grant what the code claims",
        catalogue: "R153",
        explanation: "Every restricted entitlement must be granted by the profile, with a value that covers the claimed one. AMFI compares them when the code starts and kills it at the first difference, on every Mac. codesign, spctl and the notary service do not compare, and all say that the code is good.",
        remedy: &[
            Step::Say(
                "claim what the profile grants (sealcheck profile PATH shows it), or give the App ID the capability, make the profile anew, embed it and sign again",
            ),
            run!["cp" "NAME.provisionprofile" Profile],
            SIGN_EDITED,
        ],
        apple: "taskgated-helper: \"Unsatisfied entitlements: …\"; amfid: -413 \"No matching profile found\"; the process ends with \"Killed: 9\"",
        follows_from: &["profile-platform", "profile-team", "profile-kind-vs-channel"],
        check: |check| {
            each(check, |slice, profile| {
                let pattern = profile.effective().app_id();
                let is_wildcard = pattern.is_some_and(|pattern| pattern.ends_with('*'));
                denied(slice, profile)
                    .into_iter()
                    .filter(|found| {
                        found.key != APP_ID
                            && !is_driver_match(found)
                            && !(is_wildcard && needs_explicit_app_id(&found.key))
                    })
                    .map(Remark::from)
                    .collect()
            });
        },
        ..about_grants()
    },
    Rule {
        id: "driverkit-claim-not-literal",
        title: "a driver's match of devices is not the one in its provisioning profile",
        catalogue: "R128",
        explanation: "The devices that a driver may match are compared with the profile as they stand: each dictionary and text must be there, equal to the last key. Nothing in the profile is a pattern here, so that a narrower match is refused as well. AMFI kills the driver when it starts.",
        remedy: &[
            Step::Say(
                "copy the value from the profile (sealcheck profile PATH shows it), match fewer devices in IOKitPersonalities instead, and sign again",
            ),
            SIGN_EDITED,
        ],
        reference: "https://developer.apple.com/documentation/driverkit/requesting-entitlements-for-driverkit-development",
        follows_from: &["profile-platform", "profile-team", "profile-kind-vs-channel"],
        check: |check| {
            each(check, |slice, profile| {
                denied(slice, profile)
                    .into_iter()
                    .filter(is_driver_match)
                    .map(Remark::from)
                    .collect()
            });
        },
        ..about_grants()
    },
];

/// Whether claim and profile both name devices, but not the same.
fn is_driver_match(found: &NotGranted) -> bool {
    found.key.starts_with(TRANSPORT) && found.grant.is_some()
}

/// The claims that the profile should grant and does not. Entitlements of other platforms are left to the rules about
/// entitlements.
fn denied(slice: &SliceEvidence, profile: &Profile) -> Vec<NotGranted> {
    let claims = slice.claims(Some(profile));
    claims
        .into_iter()
        .filter(|claim| !slice.is_foreign_entitlement(claim.key) && !is_of_another_team(slice, claim))
        .filter_map(|claim| match claim.answer {
            Some(Answer::NotGranted(found)) => Some(*found),
            _ => None,
        })
        .collect()
}

/// A team that is not even the signature's has a rule of its own (R111).
fn is_of_another_team(slice: &SliceEvidence, claim: &Claim<'_>) -> bool {
    claim.key == "com.apple.developer.team-identifier"
        && slice.team_id.is_some()
        && claim.value.as_str() != slice.team_id.as_deref()
}

fn needs_explicit_app_id(key: &str) -> bool {
    EXPLICIT.iter().any(|prefix| key.starts_with(prefix))
}
