//! Rules about what a Mach-O file says of itself: SDK, UUID, architectures, platform (R202, R204–R207, R213).

use crate::remedy::{Condition, Fact, SIGN, Step, run};
use std::collections::BTreeMap;

use super::claims::{is_signed_by_apple, list};
use super::{Check, Family, Rule, Scope, check::Said};
use crate::finding::{Party, Place, Severity, Target};
use crate::macho::BuildVersion;
use crate::verify::{CodeKind, CodeObject, SliceEvidence};

const X86_64: i32 = 0x0100_0007;
const I386: i32 = 7;
const ARM64: i32 = 0x0100_000c;
const POWERPC: [i32; 2] = [18, 0x0100_0012];
/// `MH_EXECUTE`, `MH_DYLIB`, `MH_BUNDLE`.
const LOADED: [u32; 3] = [2, 6, 8];
const OLDEST_SDK: u32 = 0x000a_0900;
/// The first SDK whose code dyld refuses without a UUID (dyld's `Policy.cpp`, `enforceHasUUID`).
const UUID_SINCE: u32 = 12 << 16;
/// Files that are named in one finding.
const MAX_PLACES: usize = 20;

const ISSUES: &str =
    "https://developer.apple.com/documentation/security/resolving-common-notarization-issues";
const UUIDS: &str = "https://developer.apple.com/documentation/technotes/tn3178-checking-for-and-resolving-build-uuid-problems";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "sdk-too-old",
        family: Family::Load,
        rejected_by: &[Party::Notary],
        targets: &[Target::DeveloperId],
        title: "built with an SDK older than that of OS X 10.9",
        catalogue: "R202",
        explanation: "The notary service refuses Intel code that was built with an SDK older than 10.9, wherever it lies in the product. Code that states no SDK counts as old.",
        remedy: &[
            Step::Say(
                "get a newer build of the file, or build it with a current Xcode; if nothing uses it, delete it",
            ),
            run!["vtool" "-show-build" File],
        ],
        apple: "notary service: \"The binary uses an SDK older than the 10.9 SDK.\"",
        reference: ISSUES,
        check: |check| {
            check.each_slice(|_, _, slice, _| {
                let is_judged = is_of(slice, &[X86_64, I386]) && is_loaded(slice);
                match slice.build_version {
                    _ if !is_judged => None,
                    None => Some(Said::new(
                        Severity::Warning,
                        "no load command states the SDK that it was built with",
                    )),
                    Some(version) if version.platform == 1 && version.sdk < OLDEST_SDK => {
                        let sdk = match version.sdk {
                            0 => "an SDK without a version".to_owned(),
                            sdk => format!("the SDK of {}", BuildVersion::text(sdk)),
                        };
                        Some(Said::new(Severity::Error, format!("built with {sdk}")))
                    }
                    Some(_) => None,
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "missing-uuid",
        family: Family::Load,
        rejected_by: &[Party::Dyld],
        title: "the image has no UUID",
        catalogue: "R204",
        explanation: "Current versions of dyld refuse code without LC_UUID that was built with the SDK of macOS 12 or later. Go before 1.24 and links with -no_uuid leave it out. Crash reports and network privacy need it as well.",
        remedy: &[
            Step::Say("build with Go 1.24 or later, or without -Wl,-no_uuid, then sign again"),
            SIGN,
        ],
        apple: "dyld: \"missing LC_UUID load command in …\"",
        reference: UUIDS,
        check: |check| {
            check.each_slice(|_, _, slice, _| {
                if slice.uuid.is_some() || !is_loaded(slice) || !is_of(slice, &[X86_64, ARM64]) {
                    return None;
                }
                let is_enforced = slice
                    .build_version
                    .is_some_and(|version| version.sdk >= UUID_SINCE);
                let severity = match (is_program(slice), is_enforced) {
                    (true, true) => Severity::Error,
                    (false, false) => Severity::Note,
                    _ => Severity::Warning,
                };
                Some(Said::new(severity, "no LC_UUID"))
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "duplicate-main-uuid",
        family: Family::Load,
        severity: Severity::Warning,
        title: "two programs with different identifiers share a UUID",
        catalogue: "R205",
        explanation: "macOS tells programs apart by the UUID of their main executable, for network privacy among others. Two bundles with the same executable under different identifiers, or a linker that computes the same UUID for different programs, confuse it.",
        remedy: &[
            Step::Say("link each program by itself"),
            run!["dwarfdump" "--uuid" File],
        ],
        reference: UUIDS,
        check: same_uuid,
        ..Rule::BASE
    },
    Rule {
        id: "dead-architectures",
        family: Family::Load,
        rejected_by: &[Party::Amfi, Party::Dyld],
        title: "code for architectures that no current Mac runs",
        catalogue: "R206",
        explanation: "macOS 10.15 and later run no code for 32 bits, and none has run PowerPC since 10.7. A file that has nothing else does not run; beside other architectures it is dead weight.",
        remedy: &[Step::If(
            Condition::Knows("ARCH"),
            &[
                Step::Say("remove the architectures that no Mac runs, then sign again"),
                run!["lipo" "-remove" (Value "ARCH") File "-output" File],
                SIGN,
            ],
            &[Step::Say(
                "build it for arm64 and x86_64, or leave the file out of the product",
            )],
        )],
        apple: "\"Bad CPU type in executable\"",
        scope: Scope::File,
        check: |check| {
            for object in &check.evidence().code {
                let is_dead = |slice: &SliceEvidence| {
                    slice
                        .architecture
                        .is_some_and(|found| found.cpu_type == I386 || POWERPC.contains(&found.cpu_type))
                };
                let dead: Vec<String> = object
                    .slices
                    .iter()
                    .filter(|slice| is_dead(slice) && is_loaded(slice))
                    .filter_map(|slice| Some(slice.architecture?.to_string()))
                    .collect();
                let is_apples = object.slices.first().is_some_and(is_signed_by_apple);
                if dead.is_empty() || is_apples {
                    continue;
                }
                if dead.len() == object.slices.len() {
                    check.object(object, format!("is for {} only", list(&dead)));
                } else {
                    let finding = check.object(object, format!("has code for {} too", list(&dead)));
                    finding.severity = Severity::Note;
                    finding.rejected_by = Vec::new();
                    for architecture in dead {
                        finding.facts.record(vec![("ARCH", Fact::Text(architecture))]);
                    }
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "no-arm64",
        family: Family::Load,
        severity: Severity::Note,
        targets: &[Target::DeveloperId, Target::MacAppStore],
        title: "a program for Intel only",
        catalogue: "R207",
        explanation: "On Macs with Apple silicon the program runs under Rosetta, which has to be installed first and is going away.",
        remedy: &[
            Step::Say("build it for both architectures"),
            run!["xcodebuild" "ARCHS=arm64 x86_64" "ONLY_ACTIVE_ARCH=NO"],
        ],
        scope: Scope::File,
        check: |check| {
            for object in &check.evidence().code {
                let is_intel = |slice: &SliceEvidence| is_of(slice, &[X86_64]) && is_program(slice);
                let has_arm = object.slices.iter().any(|slice| is_of(slice, &[ARM64]));
                let is_news = object.slices.iter().any(is_intel) && !has_arm;
                if is_news && !object.slices.first().is_some_and(is_signed_by_apple) {
                    check.object(object, "is for x86_64 only");
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "foreign-platform-slice",
        family: Family::Load,
        severity: Severity::Warning,
        rejected_by: &[Party::Dyld],
        title: "code for another system than macOS",
        catalogue: "R213",
        explanation: "The code was built for iOS, a simulator or another of Apple's systems. dyld loads no such code into a Mac process.",
        remedy: &[
            Step::Say("build it for macOS, or leave it out, and sign again"),
            run!["vtool" "-show-build" File],
        ],
        apple: "dyld: \"mach-o file, but is an incompatible platform (have 'iOS', need 'macOS')\"",
        scope: Scope::Item,
        check: foreign,
        ..Rule::BASE
    },
];

pub(super) fn is_program(slice: &SliceEvidence) -> bool {
    slice.file_type.is_some_and(|found| found.is_execute())
}

/// Whether processes load such a file.
pub(super) fn is_loaded(slice: &SliceEvidence) -> bool {
    slice.file_type.is_some_and(|found| LOADED.contains(&found.0))
}

fn is_of(slice: &SliceEvidence, cpu_types: &[i32]) -> bool {
    slice
        .architecture
        .is_some_and(|found| cpu_types.contains(&found.cpu_type))
}

/// Main executables of bundles that share a UUID under different identifiers.
fn same_uuid(check: &mut Check<'_>) {
    let mut by_uuid: BTreeMap<[u8; 16], Vec<&CodeObject>> = BTreeMap::new();
    for object in &check.evidence().code {
        if !matches!(object.kind, CodeKind::Bundle(_)) {
            continue;
        }
        let programs = object.slices.iter().filter(|slice| is_program(slice));
        for uuid in programs.filter_map(|slice| slice.uuid) {
            by_uuid.entry(uuid).or_default().push(object);
        }
    }
    let identifier = |object: &CodeObject| object.slices.first().and_then(|slice| slice.identifier.clone());
    let mut reported: Vec<String> = Vec::new();
    for objects in by_uuid.values() {
        let mut names: Vec<String> = objects.iter().filter_map(|object| identifier(object)).collect();
        names.sort_unstable();
        names.dedup();
        let Some(first) = objects.first() else { continue };
        // Both architectures of the same programs say it twice.
        let what = list(&names);
        if names.len() < 2 || reported.contains(&what) {
            continue;
        }
        let finding = check.object(first, format!("has the same UUID as others: {what}"));
        finding.places = objects
            .iter()
            .take(MAX_PLACES)
            .map(|object| Place {
                path: object.main_path(),
                note: "same",
            })
            .collect();
        reported.push(what);
    }
}

/// Code for other systems, in an item that is for Macs.
fn foreign(check: &mut Check<'_>) {
    let is_for_macs = |slice: &SliceEvidence| {
        slice
            .build_version
            .is_none_or(|version| matches!(version.platform, 1 | 6 | 10))
    };
    let evidence = check.evidence();
    let item = evidence.code.first();
    if !item.is_some_and(|item| item.slices.iter().any(is_for_macs)) {
        return;
    }
    check.each_slice(|check, object, slice, image| {
        // An iOS app that runs on Macs lies in a folder of this name.
        let is_wrapped = object.path.split('/').any(|name| name == "Wrapper");
        let version = slice
            .build_version
            .filter(|_| !is_for_macs(slice) && !is_wrapped)?;
        let severity = if check.linkage().is_linked(image) && !is_program(slice) {
            Severity::Error
        } else {
            Severity::Warning
        };
        Some(Said::new(
            severity,
            format!("built for {}", version.platform_name()),
        ))
    });
}
