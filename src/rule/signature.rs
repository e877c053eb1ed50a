//! Rules about the signature itself: present, readable, and matching the code (family SIG, R001–R033).

use super::displaced::UNRECOGNIZED;
use super::{Family, Rule};
use crate::blob::Slot;
use crate::finding::{Party, Severity};
use crate::remedy::{SIGN, Step, run};
use crate::source::Container;
use crate::verify::{CodeKind, FaultKind, SlotProblem};

const SIGN_AGAIN: &[Step] = &[Step::Say("sign again, last of all build steps"), SIGN];
/// For a file that is no code: signing it is not what its owner wants.
const NO_CODE: &[Step] = &[Step::Say(
    "name the app, the program, or a folder or ZIP archive with such; a file that holds no code is checked with the bundle around it",
)];
/// For an archive without code.
const LOOK_INTO_IT: &[Step] = &[
    Step::Say("pack what is to be checked into the archive"),
    run!["ditto" "-c" "-k" "--sequesterRsrc" "--keepParent" (Value "APP") Code],
];

/// For a provisioning profile.
const PROFILE: &[Step] = &[
    Step::Say("look at the profile itself"),
    run!["sealcheck" "profile" Code],
];

/// Returns true for the names that Xcode gives to provisioning profiles.
fn is_named_profile(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|found| {
        ["provisionprofile", "mobileprovision"]
            .iter()
            .any(|known| found.eq_ignore_ascii_case(known))
    })
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "unsigned-code",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "code carries no signature",
        catalogue: "R001, R208",
        explanation: "There is no signature, or one without CodeDirectory, or one that is neither marked ad hoc nor signed with a certificate. Gatekeeper and the notary service refuse unsigned code, and Apple silicon does not run it at all.",
        remedy: SIGN_AGAIN,
        check: |check| {
            // What is nested has a rule of its own.
            let Some(item) = check.evidence().code.first() else {
                return;
            };
            // A signature may be where no name could be read.
            let is_hidden = check.evidence().may_hide_names(&item.path);
            for fault in item
                .faults
                .iter()
                .filter(|fault| fault.kind == FaultKind::Unsigned && !is_hidden)
            {
                let slice = fault.slice.and_then(|index| item.slices.get(index));
                let architecture = slice.and_then(|slice| slice.architecture);
                let archive = check.evidence().as_archive.as_ref();
                // What nobody can unpack as it was meant, nobody can find code in.
                if archive.is_some_and(Container::has_faults) {
                    continue;
                }
                let is_profile = item.kind == CodeKind::Generic && is_named_profile(check.evidence().name());
                let message = match (archive, slice, architecture) {
                    (Some(_), ..) => {
                        "this is an archive in which no code was found, and it carries no signature itself"
                    }
                    _ if is_profile => "this is a provisioning profile, not code",
                    (_, Some(_), None) => "this is not Mach-O code, and there is no signature for it",
                    _ => "the code is not signed",
                };
                let finding = check.object(item, message);
                finding.architecture = architecture.map(|found| found.to_string());
                finding.status = fault.status();
                if is_profile {
                    finding.facts.steps = Some(PROFILE);
                } else if archive.is_some() {
                    finding.facts.steps = Some(LOOK_INTO_IT);
                } else if item.kind == CodeKind::Generic {
                    finding.facts.steps = Some(NO_CODE);
                }
            }
        },
        follows_from: &["bundle-executable-missing"],
        follows_from_bundle: &["info-plist-invalid"],
        ..Rule::BASE
    },
    Rule {
        id: "signature-broken-pages",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary, Party::Amfi],
        title: "executable bytes differ from the page hashes",
        catalogue: "R002",
        explanation: "Every page of the executable has a digest in the CodeDirectory. A page that differs was changed after signing: by strip, install_name_tool, a packer, a patch, or damage in transport. The kernel kills a process when it touches such a page.",
        remedy: SIGN_AGAIN,
        check: |check| {
            check.each_fault(|fault, _| match fault.kind {
                FaultKind::Pages {
                    bad,
                    total,
                    first,
                    offset,
                } => Some(format!(
                    "{bad} of {total} code pages changed after signing; the first is page {first} at offset {offset:#x}"
                )),
                _ => None,
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "info-plist-changed",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary, Party::Amfi],
        title: "Info.plist does not match the signature",
        catalogue: "R006",
        explanation: "Special slot 1 of the CodeDirectory holds the digest of Info.plist. A build step that stamps a version or reformats the file after signing breaks it, even if the values stay the same.",
        remedy: &[
            Step::Say("write Info.plist before signing, then sign again"),
            SIGN,
        ],
        check: |check| {
            check.each_fault(|fault, _| match fault.kind {
                FaultKind::SpecialSlot {
                    slot: Slot::INFO,
                    problem,
                } => Some(match problem {
                    SlotProblem::Modified => "Info.plist changed after signing".to_owned(),
                    _ => "the signature covers an Info.plist that is not there".to_owned(),
                }),
                _ => None,
            });
        },
        follows_from_outer: &["framework-flattened"],
        follows_from_bundle: UNRECOGNIZED,
        ..Rule::BASE
    },
    Rule {
        id: "special-slot-missing",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary, Party::Amfi],
        title: "a component of the signature does not match its special slot",
        catalogue: "R032, R347",
        explanation: "Requirements, CodeResources, entitlements and launch constraints each have a digest in a special slot of the CodeDirectory. A component that differs, or is missing, was changed after signing. A component without digest is not covered at all, and macOS ignores it.",
        remedy: SIGN_AGAIN,
        check: |check| {
            check.each_fault(|fault, _| match fault.kind {
                FaultKind::SpecialSlot { slot: Slot::INFO, .. } => None,
                FaultKind::SpecialSlot {
                    slot,
                    problem: SlotProblem::Modified,
                } => Some(format!("{slot} changed after signing (special slot {})", slot.0)),
                FaultKind::SpecialSlot {
                    slot,
                    problem: SlotProblem::Missing,
                } => Some(format!(
                    "{slot} is missing, but the signature covers it (special slot {})",
                    slot.0
                )),
                FaultKind::SpecialSlot {
                    slot,
                    problem: SlotProblem::OtherList,
                } => Some(format!(
                    "{slot} lists other components than there are (special slot {})",
                    slot.0
                )),
                _ => None,
            });
        },
        follows_from_outer: &["framework-flattened"],
        follows_from_bundle: UNRECOGNIZED,
        ..Rule::BASE
    },
    Rule {
        id: "unbound-component",
        family: Family::Signature,
        severity: Severity::Warning,
        rejected_by: &[Party::Amfi],
        title: "a component of the signature is not covered by the CodeDirectory",
        catalogue: "R032",
        explanation: "The signature contains a component whose special slot is empty. Anybody can change such a component without breaking the signature; macOS treats it as absent.",
        remedy: SIGN_AGAIN,
        check: |check| {
            check.each_fault(|fault, _| match fault.kind {
                FaultKind::SlotUnbound { slot } => Some(format!(
                    "{slot} is present, but the signature does not cover it (special slot {})",
                    slot.0
                )),
                _ => None,
            });
        },
        follows_from: &["linker-signed-bundle"],
        follows_from_outer: &["framework-flattened"],
        ..Rule::BASE
    },
    Rule {
        id: "superblob-malformed",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary, Party::Amfi],
        title: "the signature cannot be read",
        catalogue: "R033",
        explanation: "The SuperBlob or a CodeDirectory in it is malformed: wrong magic, out of range, duplicated, or of an unknown version. Either the file is damaged or the tool that signed it is wrong.",
        remedy: SIGN_AGAIN,
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::SuperBlob(error) => Some(format!("the signature cannot be read: {error}")),
                FaultKind::Component { slot, error } => Some(format!("{slot} cannot be read: {error}")),
                FaultKind::CodeDirectory { slot, error, .. } => Some(format!("{slot} is malformed: {error}")),
                FaultKind::DuplicateHashType => {
                    Some("two CodeDirectories have the same hash type".to_owned())
                }
                FaultKind::NoUsableHashType => {
                    Some("no CodeDirectory has a hash type that macOS knows".to_owned())
                }
                _ => None,
            });
        },
        follows_from: &["macho-malformed"],
        ..Rule::BASE
    },
    Rule {
        id: "dual-directory-inconsistent",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Amfi],
        title: "alternate CodeDirectories disagree",
        catalogue: "R027",
        explanation: "Code signed with several hash types has one CodeDirectory for each. They must cover the same bytes in the same pages; macOS compares pages only as the strongest one says, an old system follows another.",
        remedy: SIGN_AGAIN,
        check: |check| {
            check.each_fault(|fault, _| {
                (fault.kind == FaultKind::AlternatesDisagree)
                    .then(|| "the CodeDirectories cover different bytes or pages".to_owned())
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "slices-disagree",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper],
        title: "slices of a universal binary are signed by different teams",
        catalogue: "R026",
        explanation: "macOS demands that all slices of a universal binary have the same team identifier, or none. A difference comes from joining separately signed files with lipo.",
        remedy: &[
            Step::Say("join first, then sign the universal file once"),
            run!["lipo" "-create" "…" "-output" Code],
            SIGN,
        ],
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::TeamDiffersBetweenSlices { primary, other } => Some(format!(
                    "team {} differs from team {} of the first slice",
                    other.as_deref().unwrap_or("none"),
                    primary.as_deref().unwrap_or("none")
                )),
                _ => None,
            });
        },
        ..Rule::BASE
    },
];
