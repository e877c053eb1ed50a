//! Rules about provisioning profiles themselves: whether they count, how long, and where they lie (R150, R151,
//! R158–R162, R164, R166, R167). What they grant is for `profile_grant`.
//!
//! Code that Apple signed itself needs no profile any more and is left out, and so is code without signature.

use super::check::Check;
use super::{Family, Rule, Scope};
use crate::finding::{Finding, Party, Severity, Target};
use crate::octets::hex;
use crate::profile::{Profile, ProfileKind, ProfileSigner};
use crate::remedy::{SIGN, Step, run};
use crate::time::UnixTime;
use crate::trust::CertificateKind;
use crate::verify::{
    CodeKind, CodeObject, FaultKind, ProfileEvidence, ProfileProblem, SignatureKind, SliceEvidence,
};

/// How long before its end a profile is worth a warning, in seconds.
const SOON: i64 = 60 * 86_400;

pub(super) const TN3125: &str =
    "https://developer.apple.com/documentation/technotes/tn3125-inside-code-signing-provisioning-profiles";
pub(super) const NO_MATCH: &str = "amfid: -413 \"No matching profile found\"";
const RENEW: &[Step] = &[
    Step::Say(
        "make the profile anew at https://developer.apple.com/account/resources/profiles, then embed it and sign again",
    ),
    run!["cp" "NAME.provisionprofile" Profile],
    SIGN,
];

/// A bundle with a profile, and the programs that it is for.
pub(super) struct Subject<'a> {
    pub(super) object: &'a CodeObject,
    pub(super) embedded: &'a ProfileEvidence,
    /// Architectures of its main executable, as far as a profile matters for them.
    pub(super) slices: Vec<&'a SliceEvidence>,
}

impl<'a> Subject<'a> {
    /// Every bundle with a profile that somebody will look at.
    pub(super) fn all(check: &Check<'a>) -> Vec<Self> {
        let objects = check.evidence().code.iter();
        objects
            .filter_map(|object| {
                let slices = programs(object);
                let embedded = object.profile.as_ref().filter(|_| !slices.is_empty())?;
                Some(Self {
                    object,
                    embedded,
                    slices,
                })
            })
            .collect()
    }

    /// Every bundle whose profile counts.
    pub(super) fn sound(check: &Check<'a>) -> Vec<(Self, &'a Profile)> {
        let subjects = Self::all(check).into_iter();
        subjects
            .filter_map(|subject| {
                let profile = subject.embedded.sound()?;
                Some((subject, profile))
            })
            .collect()
    }

    /// An error where some claim depends on the profile; else nobody looks at it, and a warning will do.
    pub(super) fn severity(&self) -> Severity {
        if self.slices.iter().any(|slice| depends(slice)) {
            Severity::Error
        } else {
            Severity::Warning
        }
    }

    /// A finding at the profile's own file.
    fn at_file<'c>(&self, check: &'c mut Check<'_>, message: impl Into<String>) -> &'c mut Finding {
        let finding = check.object(self.object, message);
        finding.path.clone_from(&self.embedded.path);
        finding
    }
}

/// Architectures of the main executable for which macOS asks a profile.
/// Whether the profile lies where that of a bundle belongs, whose code alone is missing.
fn is_of_bundle_without_code(path: &str) -> bool {
    let bundle = path.strip_suffix("/Contents/embedded.provisionprofile");
    let name = bundle.map(|bundle| bundle.rsplit('/').next().unwrap_or(bundle));
    name.is_some_and(|name| name.contains('.'))
}

fn programs(object: &CodeObject) -> Vec<&SliceEvidence> {
    let is_asked = |slice: &&SliceEvidence| {
        let kind = slice.identity.as_ref().map(|identity| identity.kind);
        let is_apples = matches!(
            kind,
            Some(
                CertificateKind::AppleSoftware
                    | CertificateKind::MacAppStore
                    | CertificateKind::TestFlight
                    | CertificateKind::OtherApple
            )
        );
        let is_program = slice.file_type.is_some_and(|found| found.is_execute());
        is_program && !is_apples && !slice.is_duplicate && slice.signature != SignatureKind::Unsigned
    };
    match object.kind {
        CodeKind::Bundle(_) => object.slices.iter().filter(is_asked).collect(),
        _ => Vec::new(),
    }
}

/// Whether the slice claims something that a profile must grant.
pub(super) fn depends(slice: &SliceEvidence) -> bool {
    let claims = slice.entitlements.as_ref();
    claims.is_some_and(|claims| claims.iter().any(|(key, _)| slice.needs_profile(key)))
}

/// `"Name" (UUID)`.
pub(super) fn label(profile: &Profile) -> String {
    format!("\"{}\" ({})", profile.contents.name, profile.contents.uuid)
}

fn day(time: UnixTime) -> String {
    let (year, month, day, ..) = time.to_utc();
    format!("{year:04}-{month:02}-{day:02}")
}

const fn about_profiles() -> Rule {
    Rule {
        family: Family::Profile,
        reference: TN3125,
        rejected_by: &[Party::Amfi],
        ..Rule::BASE
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "profile-unreadable",
        severity: Severity::Error,
        title: "the provisioning profile does not count",
        catalogue: "R150",
        explanation: "A provisioning profile is a property list that Apple signed. This one cannot be read, was changed, or is not signed by Apple's service for profiles, so macOS does not take it into account, and no restricted entitlement is granted.",
        remedy: &[
            Step::Say("download the profile again, embed it as it is, and sign again"),
            run!["cp" "NAME.provisionprofile" Profile],
            SIGN,
        ],
        apple: NO_MATCH,
        check: |check| {
            for subject in Subject::all(check) {
                match &subject.embedded.profile {
                    Err(ProfileProblem::Unreadable(error)) => {
                        check.unknown(&subject.embedded.path, error.reason());
                    }
                    Err(problem) => {
                        let severity = subject.severity();
                        subject.at_file(check, problem.to_string()).severity = severity;
                    }
                    Ok(profile) => {
                        let name = label(profile);
                        let signer = profile.signer.name();
                        let (message, severity) = match (profile.signer.faults.first(), profile.signed_by()) {
                            (Some(fault), _) => (format!("the profile {name}: {fault}"), subject.severity()),
                            (None, ProfileSigner::Developer) => (
                                format!(
                                    "the profile {name} is signed with \"{signer}\", which is a developer's certificate"
                                ),
                                subject.severity(),
                            ),
                            (None, ProfileSigner::Other) => (
                                format!(
                                    "the profile {name} is signed by \"{signer}\", which is Apple's but not known to sign profiles"
                                ),
                                Severity::Warning,
                            ),
                            _ => continue,
                        };
                        subject.at_file(check, message).severity = severity;
                    }
                }
            }
        },
        ..about_profiles()
    },
    Rule {
        id: "profile-expired",
        severity: Severity::Error,
        title: "the provisioning profile has expired",
        catalogue: "R151",
        explanation: "A profile grants entitlements until its expiration date. Afterwards AMFI finds no profile, and a program that claims a restricted entitlement no longer starts, on no Mac. A timestamp does not help. Profiles for Developer ID live 18 years, those for development one year or a week.",
        remedy: RENEW,
        apple: NO_MATCH,
        check: |check| {
            let at = check.evidence().at;
            for (subject, profile) in Subject::sound(check) {
                let expires = profile.effective().expires;
                if expires < at {
                    let message = format!("the profile {} expired on {}", label(profile), day(expires));
                    let severity = subject.severity();
                    let finding = subject.at_file(check, message);
                    finding.severity = severity;
                    finding.details.push(("expires", expires.to_string()));
                }
            }
        },
        ..about_profiles()
    },
    Rule {
        id: "profile-expires-soon",
        severity: Severity::Warning,
        rejected_by: &[],
        title: "the provisioning profile expires within 60 days",
        catalogue: "R161",
        explanation: "When the profile expires, the program stops to start on every Mac where it is installed. An update with a new profile must have reached its users by then.",
        remedy: RENEW,
        check: |check| {
            let at = check.evidence().at;
            for (subject, profile) in Subject::sound(check) {
                let contents = profile.effective();
                let left = contents.expires.0.saturating_sub(at.0);
                // Profiles of teams without membership live a week.
                if (0..=SOON).contains(&left) && !contents.is_local {
                    let message = format!(
                        "the profile {} expires on {}",
                        label(profile),
                        day(contents.expires)
                    );
                    subject.at_file(check, message);
                }
            }
        },
        ..about_profiles()
    },
    Rule {
        id: "profile-der-mismatch",
        severity: Severity::Warning,
        rejected_by: &[],
        title: "the two forms of the provisioning profile say different things",
        catalogue: "R160",
        explanation: "A profile holds the same facts twice, as a property list and as DER under DER-Encoded-Profile, each signed by Apple. Current systems read the DER, so what a tool shows of the property list may not be what counts. Profiles that Apple made before it added the DER in 2021 have none, and count as they are.",
        remedy: &[
            Step::Say("download the profile again and embed it as it is"),
            run!["cp" "NAME.provisionprofile" Profile],
            SIGN,
        ],
        check: |check| {
            for (subject, profile) in Subject::sound(check) {
                let message = match &profile.der {
                    // Apple's signature covers the list as a whole, so that nobody can have taken the DER out of it: Apple added
                    // it in 2021, and profiles live 18 years.
                    None => continue,
                    Some(der) => match (&der.contents, &der.signer) {
                        (Err(error), _) => format!("the DER form cannot be read: {error}"),
                        (Ok(_), None) => "the DER form is not signed".to_owned(),
                        (Ok(contents), Some(signer)) => match signer.faults.first() {
                            Some(fault) => format!("the DER form: {fault}"),
                            None => {
                                let keys = profile.contents.differences(contents);
                                if keys.is_empty() {
                                    continue;
                                }
                                format!("the DER form differs in {}", keys.join(", "))
                            }
                        },
                    },
                };
                subject.at_file(check, format!("the profile {}: {message}", label(profile)));
            }
        },
        ..about_profiles()
    },
    Rule {
        id: "profile-not-sealed",
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "the provisioning profile was put there after signing",
        catalogue: "R162",
        explanation: "The profile is part of what the signature seals. This one was added or exchanged afterwards, which breaks the seal like any other change. Embed the profile first, sign then.",
        remedy: &[Step::Say("sign again, with the profile in its place"), SIGN],
        apple: "a sealed resource is missing or invalid; file added: …/embedded.provisionprofile",
        check: |check| {
            for subject in Subject::all(check) {
                for fault in &subject.object.faults {
                    let FaultKind::Resources {
                        added,
                        modified,
                        missing,
                        ..
                    } = &fault.kind
                    else {
                        continue;
                    };
                    // Where other files changed as well, the profile is one of many.
                    let word = match (added.as_slice(), modified.as_slice()) {
                        ([only], []) if *only == subject.embedded.path => "added",
                        ([], [only]) if *only == subject.embedded.path => "exchanged",
                        _ => continue,
                    };
                    if missing.is_empty() {
                        let message =
                            format!("the profile was {word} after signing, and the seal does not cover it");
                        subject.at_file(check, message).status = fault.status();
                    }
                }
            }
        },
        ..about_profiles()
    },
    Rule {
        id: "profile-misplaced",
        severity: Severity::Error,
        title: "a provisioning profile lies where nobody looks for it",
        catalogue: "R158",
        explanation: "macOS looks for the profile of a bundle in Contents/embedded.provisionprofile, of a flat bundle in its folder, under exactly this name, and nowhere else. A profile among the resources, under the name that iOS uses, or in other case is not found; what the code claims is not granted then.",
        remedy: &[
            Step::Say("move the profile to its place, then sign again"),
            run!["mv" (Value "PROFILE") Profile],
            SIGN,
        ],
        apple: NO_MATCH,
        check: |check| {
            let survey = check.survey();
            for (index, object) in check.evidence().code.iter().enumerate() {
                let misplaced = survey.misplaced_profiles_of(index);
                let needs = object.profile.is_none() && programs(object).iter().any(|slice| depends(slice));
                let Some(first) = misplaced.first() else {
                    continue;
                };
                if needs {
                    let message = format!(
                        "the profile {first} is not where macOS looks for it, and nothing grants what this code claims"
                    );
                    check.object(object, message).path.clone_from(first);
                    continue;
                }
                for path in misplaced {
                    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
                    // Other names may be somebody's data, such as those of a tool that installs profiles.
                    if name.starts_with("embedded.") && !is_of_bundle_without_code(path) {
                        let finding = check.object(object, "macOS does not look for a profile here");
                        finding.path.clone_from(path);
                        finding.severity = Severity::Warning;
                    }
                }
            }
        },
        ..about_profiles()
    },
    Rule {
        id: "profile-unneeded",
        severity: Severity::Note,
        rejected_by: &[],
        targets: &[Target::DeveloperId, Target::Local],
        title: "a provisioning profile that nothing needs",
        catalogue: "R159",
        explanation: "The code claims no entitlement that a profile must grant, so macOS does not look at the profile. It does no harm. Perhaps the entitlements were lost when the code was signed.",
        remedy: &[
            Step::Say("remove the profile and sign again, or sign with the entitlements that it is for"),
            run!["rm" File],
            SIGN,
        ],
        scope: Scope::File,
        check: |check| {
            for (subject, profile) in Subject::sound(check) {
                if subject.severity() == Severity::Warning {
                    let message = format!(
                        "the code claims nothing that the profile {} is needed for",
                        label(profile)
                    );
                    subject.at_file(check, message);
                }
            }
        },
        ..about_profiles()
    },
    Rule {
        id: "profile-device-list",
        severity: Severity::Note,
        title: "the code runs on listed devices only",
        catalogue: "R164",
        explanation: "The profile names the devices on which it holds. Whether a certain Mac is among them, its provisioning UDID says (System Information, Hardware; not the hardware UUID, which is often registered by mistake).",
        remedy: &[Step::Say(
            "register the provisioning UDID of each Mac and make the profile anew; for all Macs, sign with Developer ID and embed a profile for Developer ID",
        )],
        apple: "Provisioning profile does not allow this device",
        check: |check| {
            for (subject, profile) in Subject::sound(check) {
                if let Some(devices) = &profile.effective().devices {
                    let message = format!("the profile {} is for {} devices", label(profile), devices.len());
                    let finding = subject.at_file(check, message);
                    finding.details.push(("devices", devices.join(", ")));
                }
            }
        },
        ..about_profiles()
    },
    Rule {
        id: "testflight-needs-profile",
        severity: Severity::Warning,
        rejected_by: &[Party::AppStore],
        targets: &[Target::MacAppStore],
        title: "no provisioning profile in an app for the App Store",
        catalogue: "R166",
        explanation: "An app for the Mac App Store may do without a profile, but TestFlight takes builds with a profile for App Store distribution only.",
        remedy: &[
            Step::Say("embed a profile for Mac App Store Connect, then sign again"),
            run!["cp" "NAME.provisionprofile" Profile],
            SIGN,
        ],
        check: |check| {
            let Some(item) = check.evidence().code.first() else {
                return;
            };
            let is_upload = programs(item).iter().any(|slice| {
                let kind = slice.identity.as_ref().map(|identity| identity.kind);
                kind == Some(CertificateKind::Distribution) && slice.is_for_mac()
            });
            if is_upload && item.is_app_like && item.profile.is_none() {
                check.object(item, "there is no provisioning profile, which TestFlight demands");
            }
        },
        ..about_profiles()
    },
    Rule {
        id: "profile-quarantined",
        rejected_by: &[Party::AppStore],
        title: "the provisioning profile is quarantined",
        catalogue: "R167",
        explanation: "A profile that was downloaded with a browser carries the attribute com.apple.quarantine, and Xcode or cp copied it along. App Store Connect refuses such an app. The seal does not cover the attribute, so codesign says nothing.",
        remedy: &[
            Step::Say("remove the attribute; the signature stays valid"),
            run!["xattr" "-d" "com.apple.quarantine" File],
        ],
        apple: "App Store Connect: ITMS-91109",
        check: |check| {
            let is_upload = check.target() == Target::MacAppStore;
            for subject in Subject::all(check) {
                // Where there are no attributes, nothing says that it was quarantined.
                if subject.embedded.is_quarantined == Some(true) {
                    let path = &subject.embedded.path;
                    let message = "this profile carries the attribute com.apple.quarantine";
                    let finding = check.within(subject.object, path, message);
                    if !is_upload {
                        finding.severity = Severity::Note;
                    }
                }
            }
        },
        ..about_profiles()
    },
];

/// Name and digest of the certificate that signed.
pub(super) fn leaf(slice: &SliceEvidence) -> Option<(String, [u8; 32])> {
    let leaf = slice.identity.as_ref()?.chain.first()?;
    Some((leaf.summary().to_owned(), *leaf.sha256()))
}

/// The first digits of a digest, which are enough to tell certificates apart.
pub(super) fn short(digest: &[u8; 32]) -> String {
    hex(digest).chars().take(12).collect()
}

/// What a profile must be for, by the certificate that signed; `None` where certificates say nothing.
pub(super) fn fits_kind(certificate: CertificateKind, profile: ProfileKind) -> Option<bool> {
    Some(match certificate {
        CertificateKind::DeveloperIdApplication | CertificateKind::DeveloperIdKext => {
            profile == ProfileKind::DeveloperId
        }
        CertificateKind::Development => profile == ProfileKind::Development,
        CertificateKind::Distribution | CertificateKind::IphoneDistribution => matches!(
            profile,
            ProfileKind::AppStore | ProfileKind::AdHoc | ProfileKind::InHouse
        ),
        _ => return None,
    })
}
