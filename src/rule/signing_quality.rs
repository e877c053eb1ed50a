//! Rules about signatures that macOS accepts today and that do not age well (R018, R021, R022, R028, R030, R035, R038).
//!
//! They speak of code that a certificate signed; what is signed ad hoc is for the machine that built it. Names without a dot are
//! not reported: many tools have one, and it does no harm as long as it stays the same.

use crate::remedy::{SIGN, Sign, Step, Word};
use std::collections::BTreeMap;

use super::check::Said;
use super::claims::certificate;
use super::nesting::is_in_flattened;
use super::{Check, Family, Rule, Scope};
use crate::codedir::{CodeDirectoryFlags, ExecSegmentFlags};
use crate::finding::{Party, Severity};
use crate::hash::HashType;
use crate::requirement::Expression;
use crate::trust::CertificateKind;
use crate::verify::{CodeObject, SignatureKind, SliceEvidence};

const SIGN_AGAIN: &[Step] = &[Step::Say("sign again with a current codesign"), SIGN];
/// The first version with fields for the executable segment (`CodeDirectory::supportsExecSegment`).
const WITH_EXEC_SEGMENT: u32 = 0x20400;
/// The first version with a field for the version of the hardened runtime (`CodeDirectory::supportsPreEncrypt`).
const WITH_RUNTIME: u32 = 0x20500;
/// Digits of the hash that codesign puts behind a file's name where nobody gives it an identifier.
const HASH_DIGITS: usize = 40;
/// The signing certificate in requirements (specification 5.2).
const LEAF: i32 = 0;
/// Names that compilers and tutorials give.
const NAMES_OF_NOTHING: [&str; 2] = ["a.out", "main"];

const WARNING: Rule = Rule {
    family: Family::Signature,
    severity: Severity::Warning,
    remedy: SIGN_AGAIN,
    ..Rule::BASE
};

fn warn(message: impl Into<String>) -> Option<Said> {
    Some(Said::new(Severity::Warning, message))
}

fn is_certified(slice: &SliceEvidence) -> bool {
    slice.signature == SignatureKind::Cms
}

fn is_program(slice: &SliceEvidence) -> bool {
    slice.file_type.is_some_and(|found| found.is_execute())
}

fn weak_digest(slice: &SliceEvidence) -> Option<Said> {
    (slice.hash_type == Some(HashType::Sha1))
        .then(|| warn("the only CodeDirectory hashes with SHA-1"))
        .flatten()
}

fn unsuitable_identifier(slice: &SliceEvidence) -> Option<Said> {
    let identifier = slice.identifier.as_deref().filter(|_| is_program(slice))?;
    let tail = identifier.rsplit_once('-').map_or("", |(_, tail)| tail);
    let is_hash = tail.len() >= HASH_DIGITS && tail.bytes().all(|digit| digit.is_ascii_hexdigit());
    if identifier.is_empty() {
        warn("the identifier is empty")
    } else if is_hash {
        warn(format!(
            "the identifier {identifier} ends with a hash of this build"
        ))
    } else if NAMES_OF_NOTHING.contains(&identifier) {
        warn(format!(
            "the identifier is {identifier}, as of many other programs"
        ))
    } else {
        None
    }
}

fn old_version(slice: &SliceEvidence) -> Option<Said> {
    let version = slice.code_directory_version?;
    if slice.flags.contains(CodeDirectoryFlags::RUNTIME) && version < WITH_RUNTIME {
        warn(format!(
            "the CodeDirectory has version {version:#x}, which has no place for the version of the hardened runtime"
        ))
    } else if slice.architecture.is_some() && !slice.is_for_mac() && version < WITH_EXEC_SEGMENT {
        warn(format!(
            "the CodeDirectory has version {version:#x}; iOS 15 and later ask for {WITH_EXEC_SEGMENT:#x}"
        ))
    } else {
        None
    }
}

/// What a requirement demands that no later version has.
fn pinned(expression: &Expression) -> Option<&'static str> {
    match expression {
        Expression::CdHash(_) => Some("a cdhash, which is that of this build only"),
        Expression::AnchorHash(LEAF, _) => Some("the hash of the signing certificate, which will be renewed"),
        Expression::And(one, other) => pinned(one).or_else(|| pinned(other)),
        // One of them is enough.
        Expression::Or(one, other) => pinned(one).filter(|_| pinned(other).is_some()),
        _ => None,
    }
}

fn unstable_requirement(slice: &SliceEvidence) -> Option<Said> {
    // With another certificate there is nothing better to name.
    let is_apple = certificate(slice).is_some_and(|kind| kind != CertificateKind::NotApple);
    let designated = slice
        .designated
        .as_ref()
        .filter(|designated| is_apple && designated.is_explicit)?;
    let what = pinned(&designated.requirement.expression)?;
    warn(format!("the designated requirement demands {what}"))
}

fn exec_segment(slice: &SliceEvidence) -> Option<Said> {
    // Before macOS 11, codesign left the fields empty; the kernel then takes no notice of them (`MachORep::needsExecSeg`).
    let recorded = slice.exec_segment.filter(|recorded| recorded.limit != 0)?;
    let text = slice.segments.iter().find(|segment| segment.name == "__TEXT")?;
    let is_main = recorded.flags.0 & ExecSegmentFlags::MAIN_BINARY != 0;
    if (recorded.base, recorded.limit) != (text.file_offset, text.file_size) {
        warn(format!(
            "the CodeDirectory says that the executable segment has {} bytes at {:#x}; __TEXT has {} bytes at {:#x}",
            recorded.limit, recorded.base, text.file_size, text.file_offset
        ))
    } else if is_main != is_program(slice) {
        warn(match is_main {
            true => "the CodeDirectory calls this a main executable, which it is not",
            false => "the CodeDirectory does not call this a main executable, which it is",
        })
    } else {
        None
    }
}

/// The identifier of a program, where all its slices have the same.
fn identifier_of(object: &CodeObject) -> Option<&str> {
    let first = object.slices.first()?;
    let is_same = object
        .slices
        .iter()
        .all(|slice| slice.identifier == first.identifier && is_program(slice) && is_certified(slice));
    first.identifier.as_deref().filter(|_| is_same)
}

fn identifier_collision(check: &mut Check<'_>) {
    let mut first: BTreeMap<&str, &CodeObject> = BTreeMap::new();
    let evidence = check.evidence();
    for object in &evidence.code {
        if is_in_flattened(evidence, &object.path) {
            continue;
        }
        let Some(identifier) = identifier_of(object).filter(|name| !name.is_empty()) else {
            continue;
        };
        let Some(other) = first.get(identifier) else {
            first.insert(identifier, object);
            continue;
        };
        // Copies of one program are one program.
        let hashes =
            |object: &CodeObject| -> Vec<_> { object.slices.iter().map(SliceEvidence::cdhash).collect() };
        if hashes(object) != hashes(other) {
            let message = format!(
                "the identifier {identifier} is that of {} as well",
                other.main_path()
            );
            check.object(object, message);
        }
    }
}

fn system_program(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let is_of_system = |slice: &SliceEvidence| {
        certificate(slice) == Some(CertificateKind::AppleSoftware) && slice.platform != 0 && is_program(slice)
    };
    // Apple's own products bring what they want.
    let is_apple = |object: &CodeObject| {
        object
            .slices
            .iter()
            .any(|slice| certificate(slice) == Some(CertificateKind::AppleSoftware))
    };
    if evidence.code.first().is_some_and(is_apple) {
        return;
    }
    for object in &evidence.code {
        if object.slices.iter().any(is_of_system) {
            check.object(object, "this is a copy of a program of macOS, signed by Apple");
        }
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "weak-digest-only",
        title: "the signature knows SHA-1 only",
        catalogue: "R018",
        explanation: "SHA-1 can be forged, so that a signature with nothing else proves little. Signing tools add SHA-256 since macOS 10.11.4, and notarization tickets list that one only. codesign leaves it out where LSMinimumSystemVersion or the load commands name a system before that.",
        remedy: &[
            Step::Say("sign again, with both if it must run on old systems"),
            Step::Sign(Sign {
                options: &[Word::Text("--digest-algorithm=sha1,sha256")],
                ..Sign::KEPT
            }),
        ],
        check: |check| {
            check.each_slice(|_, _, slice, _| is_certified(slice).then(|| weak_digest(slice)).flatten());
        },
        // Somebody took the better one away.
        follows_from: &["cms-cdhashes-mismatch"],
        ..WARNING
    },
    Rule {
        id: "identifier-unsuitable",
        title: "the identifier of a program is not one to rely on",
        catalogue: "R021",
        explanation: "Where codesign is given no identifier and finds none in an Info.plist, it makes one of the file's name and a hash that changes with every build. Requirements, privacy settings and keychain items that name it do not fit the next version.",
        remedy: &[
            Step::Say("sign again with an identifier of your own"),
            Step::Sign(Sign {
                identifier: Some(Word::Text("com.example.NAME")),
                ..Sign::KEPT
            }),
        ],
        check: |check| {
            check.each_slice(|_, _, slice, _| {
                is_certified(slice)
                    .then(|| unsuitable_identifier(slice))
                    .flatten()
            });
        },
        ..WARNING
    },
    Rule {
        id: "identifier-collision",
        title: "two programs of the product have the same identifier",
        catalogue: "R022",
        explanation: "macOS tells programs of one team apart by their identifiers: privacy settings, keychain items and system extensions of one are those of the other. Libraries are not asked; theirs are names only.",
        remedy: &[
            Step::Say("give each program an identifier of its own, and sign what is around it again"),
            Step::Sign(Sign {
                identifier: Some(Word::Text("com.example.NAME")),
                ..Sign::KEPT
            }),
        ],
        scope: Scope::Item,
        check: identifier_collision,
        ..WARNING
    },
    Rule {
        id: "code-directory-version-old",
        title: "the CodeDirectory is of a version that lacks what is asked of it",
        catalogue: "R028",
        explanation: "CodeDirectories before version 0x20500 have no place for the version of the hardened runtime, so that macOS takes the oldest one; those before 0x20400 do not say where the executable segment is, and iOS 15 refuses them. On a Mac they are fine otherwise. Old or foreign signing tools write them.",
        check: |check| {
            check.each_slice(|_, _, slice, _| is_certified(slice).then(|| old_version(slice)).flatten());
        },
        ..WARNING
    },
    Rule {
        id: "designated-requirement-unstable",
        title: "the designated requirement fits this build or this certificate only",
        catalogue: "R030",
        explanation: "The designated requirement says what counts as the same program. macOS keeps it with privacy settings, login items and keychain items, and updaters compare with it: one that names a cdhash or the signing certificate does not fit the next version.",
        remedy: &[
            Step::Say("leave the requirement to codesign, which names identifier and team"),
            SIGN,
        ],
        check: |check| {
            check.each_slice(|_, _, slice, _| {
                is_certified(slice).then(|| unstable_requirement(slice)).flatten()
            });
        },
        ..WARNING
    },
    Rule {
        id: "system-program-copied",
        rejected_by: &[Party::Amfi],
        title: "a program of macOS was copied into the product",
        catalogue: "R035",
        explanation: "Since macOS 13 programs of the system carry launch constraints that macOS keeps for itself: AMFI kills a copy outside of the system volume, on Apple silicon above all. Libraries that Apple lets developers ship, such as those of Swift, are not meant. Whether macOS has a constraint for this program stands in no file of the product.",
        remedy: &[Step::Say(
            "leave it out, and call the system's own program by its path",
        )],
        check: system_program,
        ..WARNING
    },
    Rule {
        id: "exec-segment-inconsistent",
        rejected_by: &[Party::Amfi],
        title: "the CodeDirectory says something else about the executable segment than the file",
        catalogue: "R038",
        explanation: "From version 0x20400 on, the CodeDirectory says where __TEXT lies and whether the file is a main executable; macOS grants entitlements to main executables only. Tools that sign by themselves get this wrong, or change the file type or the segment afterwards.",
        check: |check| {
            check.each_slice(|_, _, slice, _| is_certified(slice).then(|| exec_segment(slice)).flatten());
        },
        ..WARNING
    },
];
