//! Rules about library validation: which libraries the kernel lets a process load (R087, R023, R024).
//!
//! A process with the hardened runtime, or with the flag for it alone, loads libraries of its own team and of Apple's
//! only (catalogue 0.1, XNU's `CS_REQUIRE_LV`).

use crate::remedy::{Condition, Edit, Kind, SIGN, SIGN_EDITED, Step, Word};
use std::collections::BTreeMap;

use super::claims::{is_signed_by_apple, list};
use super::linkage::Image;
use super::{Check, Family, Rule, linkage};
use crate::codedir::CodeDirectoryFlags;
use crate::finding::{Party, Severity, Target};
use crate::plist::Value;
use crate::trust::{CertificateKind, oid};
use crate::verify::{CodeObject, SignatureKind, SliceEvidence};

const SIGN_LIBRARY: &[Step] = &[Step::If(
    Condition::Certified,
    &[
        Step::Say("sign the library with the certificate of the app"),
        SIGN,
    ],
    // Without a certificate there is no team, so that no library is of the same one.
    &[
        Step::Say("a program without a certificate has no team: let it load other libraries"),
        Step::Claim(&[Edit::Set(
            Word::Text("com.apple.security.cs.disable-library-validation"),
            Kind::Bool,
            Word::Text("true"),
        )]),
        SIGN_EDITED,
        Step::Or,
        Step::Say("sign the program without --options runtime"),
    ],
)];

/// Rules that tell that a library has no usable signature of anybody's.
const NO_SIGNER: &[&str] = &[
    "unsigned-code",
    "linker-signed-bundle",
    "adhoc-signed",
    "self-signed",
    "certificate-name-forged",
    "cms-signature-invalid",
    "intermediate-missing",
    "superblob-malformed",
];

/// Whether the kernel checks whose libraries the program loads.
pub(super) fn is_validating(program: &SliceEvidence) -> bool {
    let flags = program.flags;
    let is_asked =
        flags.contains(CodeDirectoryFlags::RUNTIME) || flags.contains(CodeDirectoryFlags::LIBRARY_VALIDATION);
    let is_disabled = program.entitlements.as_ref().is_some_and(|claims| {
        claims.get("com.apple.security.cs.disable-library-validation") == Some(&Value::Boolean(true))
    });
    is_asked && !is_disabled
}

/// The team that counts: one that a certificate of Apple's vouches for.
fn team(slice: &SliceEvidence) -> Option<&str> {
    let identity = slice.identity.as_ref()?;
    if identity.kind == CertificateKind::NotApple {
        None
    } else {
        slice.team_id.as_deref()
    }
}

/// Apple's own libraries load everywhere (`is a platform binary`).
fn is_apples(slice: &SliceEvidence) -> bool {
    slice
        .identity
        .as_ref()
        .is_some_and(|found| found.kind == CertificateKind::AppleSoftware)
}

fn who(slice: &SliceEvidence) -> String {
    match (slice.signature, slice.team_id.as_deref()) {
        (SignatureKind::Unsigned, _) => "is not signed".to_owned(),
        (SignatureKind::Adhoc | SignatureKind::LinkerSigned, _) => "is signed ad hoc".to_owned(),
        (SignatureKind::Cms, Some(team)) => format!("is of team {team}"),
        (SignatureKind::Cms, None) => "has no team".to_owned(),
    }
}

fn program_of(slice: &SliceEvidence) -> String {
    match (team(slice), slice.signature) {
        (Some(team), _) => format!("of team {team}"),
        (None, SignatureKind::Cms) => "without a team".to_owned(),
        (None, _) => "which is signed ad hoc and so may load none but Apple's".to_owned(),
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "library-validation-will-block",
        family: Family::HardenedRuntime,
        rejected_by: &[Party::Amfi, Party::Dyld],
        title: "a program links a library that library validation keeps out",
        catalogue: "R087, R380",
        explanation: "The hardened runtime comes with library validation: the kernel maps only libraries that Apple or the program's own team signed. A library that is unsigned, signed ad hoc, or signed by somebody else ends the program before its first line runs. codesign and the notary service say nothing about it.",
        remedy: SIGN_LIBRARY,
        apple: "dyld: \"code signature in … not valid for use in process: mapped file has no Team ID and is not a platform binary (signed with custom identity or adhoc?)\" or \"mapping process and mapped file (non-platform) have different Team IDs\"",
        reference: "https://developer.apple.com/forums/thread/706442",
        follows_from: NO_SIGNER,
        check: blocked,
        ..Rule::BASE
    },
    Rule {
        id: "mixed-teams",
        family: Family::Signature,
        severity: Severity::Warning,
        targets: &[Target::DeveloperId, Target::MacAppStore],
        title: "nested code of another team",
        catalogue: "R023, R375",
        explanation: "Code in the item is signed by another team than the item itself. A program with library validation cannot load it, privacy settings do not pass from one team's code to the other's, and whoever signed it may not know that it is in here.",
        remedy: &[Step::If(
            Condition::OfVendor,
            &[Step::Say(
                "keep the signature if the program of the other team is meant to be in the product, and ignore this finding; otherwise remove the program",
            )],
            &[
                Step::Say("sign the library with the certificate of the app"),
                SIGN,
            ],
        )],
        apple: "dyld: \"mapping process and mapped file (non-platform) have different Team IDs\"",
        reference: "https://developer.apple.com/forums/thread/706442",
        follows_from: &[
            "system-extension-team",
            "unsigned-nested-code",
            "library-validation-will-block",
            "unsigned-code",
            "linker-signed-bundle",
            "adhoc-signed",
            "self-signed",
            "certificate-name-forged",
            "cms-signature-invalid",
            "intermediate-missing",
            "superblob-malformed",
            "team-id-missing",
        ],
        check: mixed,
        ..Rule::BASE
    },
    Rule {
        id: "team-id-missing",
        family: Family::Signature,
        severity: Severity::Warning,
        title: "the signature does not say the team of its certificate",
        catalogue: "R024",
        explanation: "The certificate has a team, but the CodeDirectory does not name it, as signers older than OS X 10.9 and some signers that are not Apple's write it. For library validation the code has no team, so that no program with the hardened runtime loads it.",
        remedy: &[Step::Say("sign it again with a current codesign"), SIGN],
        apple: "dyld: \"mapped file has no Team ID and is not a platform binary (signed with custom identity or adhoc?)\"",
        reference: "https://developer.apple.com/forums/thread/706442",
        follows_from: &["library-validation-will-block"],
        check: |check| {
            for object in &check.evidence().code {
                let said = object.slices.iter().map(|slice| {
                    let identity = slice.identity.as_ref()?;
                    let is_teams = matches!(
                        identity.kind,
                        CertificateKind::DeveloperIdApplication
                            | CertificateKind::Development
                            | CertificateKind::Distribution
                    );
                    let team = identity.chain.first()?.subject.last(oid::ORGANIZATIONAL_UNIT)?;
                    let message = format!("the certificate is of team {team}, the CodeDirectory names none");
                    (is_teams && slice.team_id.is_none())
                        .then(|| super::check::Said::new(Severity::Warning, message))
                });
                let said = said.collect();
                check.slices(object, said);
            }
        },
        ..Rule::BASE
    },
];

/// Follows the graph from every program: every library that must load has to be Apple's or of the program's team.
fn blocked(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let linkage = check.linkage();
    let mut blocked: BTreeMap<usize, (String, Vec<String>, usize)> = BTreeMap::new();
    for process in &linkage.processes {
        let Some(program) = process.program else { continue };
        let Some(facts) = linkage::slice(evidence, program) else {
            continue;
        };
        if !is_validating(facts) || is_signed_by_apple(facts) {
            continue;
        }
        for (image, loaded) in &process.images {
            let Some(library) = linkage::slice(evidence, *image) else {
                continue;
            };
            let is_of_team = team(facts).is_some() && team(library) == team(facts);
            if *image == program || !loaded.is_required || is_of_team || is_apples(library) {
                continue;
            }
            let name = evidence
                .code
                .get(program.object)
                .map_or_else(String::new, CodeObject::main_path);
            let (_, programs, _) = blocked
                .entry(image.object)
                .or_insert_with(|| (format!("{}, but", who(library)), Vec::new(), program.object));
            let text = format!("{name} {}", program_of(facts));
            if !programs.contains(&text) {
                programs.push(text);
            }
        }
    }
    let is_certified = evidence.code.first().and_then(|item| item.slices.first());
    let is_certified = is_certified.is_some_and(|slice| slice.identity.is_some());
    for (object, (what, programs, program)) in blocked {
        if let Some(object) = evidence.code.get(object) {
            let verb = if programs.len() == 1 { "links" } else { "link" };
            let message = format!("{what} {} {verb} it with library validation", list(&programs));
            let program = evidence.code.get(program).filter(|_| !is_certified);
            check.object(object, message).facts.code = program.map(|program| program.path.clone());
        }
    }
    if !linkage.is_complete {
        check.unknown("", "the item has too many load commands to follow them all");
    }
}

/// Nested code whose team is not that of the item.
fn mixed(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let Some(item) = evidence.code.first().and_then(|object| object.slices.first()) else {
        return;
    };
    let Some(own) = team(item) else { return };
    for (index, object) in evidence.code.iter().enumerate().skip(1) {
        let claims_redistribution = |slice: &SliceEvidence| {
            slice.entitlements.as_ref().is_some_and(|claims| {
                claims
                    .get("com.apple.developer.system-extension.redistributable")
                    .is_some()
            })
        };
        let is_fine = |slice: &SliceEvidence| {
            team(slice) == Some(own) || is_signed_by_apple(slice) || claims_redistribution(slice)
        };
        let Some((number, other)) = object
            .slices
            .iter()
            .enumerate()
            .find(|(_, slice)| slice.architecture.is_some() && !is_fine(slice))
        else {
            continue;
        };
        let image = Image {
            object: index,
            slice: number,
        };
        // The host has said that it loads what others signed.
        let is_library = other.file_type.is_some_and(|found| !found.is_execute());
        let is_linked = check.linkage().is_linked(image);
        if is_library && (!is_validating(item) || (is_linked && !is_blocking(check, image))) {
            continue;
        }
        check.object(object, format!("{}, the item is of team {own}", who(other)));
    }
}

/// Whether some program that loads the image validates its libraries.
fn is_blocking(check: &Check<'_>, image: Image) -> bool {
    let evidence = check.evidence();
    check.linkage().with(image).any(|(process, _)| {
        process
            .program
            .and_then(|program| linkage::slice(evidence, program))
            .is_some_and(is_validating)
    })
}
