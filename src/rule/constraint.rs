//! Rules about launch environment and library constraints (R340–R346).
//!
//! Slots 8 to 11 hold what the code itself, its parent, the process responsible for it, and its libraries must be; a property
//! list for launchd holds what its program must be. Apple's pages "Defining…" and "Applying launch environment and library
//! constraints". How a program was launched and which volume it lies on is not known here; what depends on it is *unknown*.

use super::claims::{certificate, is_developer_id, is_signed_by_apple, list};
use super::linkage::{Image, is_whole};
use super::{Check, Family, Rule, Said, Scope, launchd_job, linkage};
use crate::blob::Slot;
use crate::finding::{Party, Severity};
use crate::plist::{Dictionary, Value};
use crate::remedy::{Condition, SIGN, Sign, Step, Word, run};
use crate::requirement::{Facts, LightweightRequirement};
use crate::trust::CertificateKind;
use crate::verify::{CodeObject, Evidence, SignatureKind, SliceEvidence};

const DEFINING: &str =
    "https://developer.apple.com/documentation/security/defining-launch-environment-and-library-constraints";
const APPLYING: &str =
    "https://developer.apple.com/documentation/security/applying-launch-environment-and-library-constraints";

const SELF: Slot = Slot(8);
const PARENT: Slot = Slot(9);
const RESPONSIBLE: Slot = Slot(10);
const LIBRARY: Slot = Slot(11);

const SIGN_AGAIN: &[Step] = &[
    Step::Say("correct the constraint and sign again, with the option for its kind"),
    Step::Sign(Sign {
        options: &[Word::Text("--launch-constraint-self"), Word::Value("FILE")],
        ..Sign::KEPT
    }),
];

/// `codesign`'s word for the constraint in a slot.
fn name(slot: Slot) -> &'static str {
    match slot {
        SELF => "self constraint",
        PARENT => "parent constraint",
        RESPONSIBLE => "responsible constraint",
        _ => "library constraint",
    }
}

fn read(decoded: Option<&Dictionary>) -> Result<Option<LightweightRequirement>, String> {
    let Some(envelope) = decoded else {
        return Err("its DER cannot be decoded".to_owned());
    };
    LightweightRequirement::from_signature(envelope).map_err(|error| error.to_string())
}

/// The constraint in a slot, if it can be used.
fn constraint(slice: &SliceEvidence, wanted: Slot) -> Option<LightweightRequirement> {
    let (_, decoded) = slice.constraints.iter().find(|(slot, _)| *slot == wanted)?;
    read(decoded.as_ref()).ok().flatten()
}

/// What the kernel calls the validation category, as far as the certificate tells it.
fn category(slice: &SliceEvidence) -> Option<i128> {
    match certificate(slice)? {
        CertificateKind::AppleSoftware => Some(1),
        CertificateKind::TestFlight => Some(2),
        CertificateKind::Development => Some(3),
        CertificateKind::MacAppStore => Some(4),
        CertificateKind::DeveloperIdApplication | CertificateKind::DeveloperIdKext => Some(6),
        // An upload becomes something else in the store; what ad-hoc code is depends on the Mac.
        _ => None,
    }
}

/// Whether code satisfies a constraint; `None` where that is not known.
fn satisfies(slice: &SliceEvidence, constraint: &LightweightRequirement) -> Option<bool> {
    let cdhash = slice.cdhashes.last().map(|cdhash| cdhash.truncated());
    constraint.evaluate(&Facts {
        is_known: slice.hash_type.is_some() && slice.signature != SignatureKind::Unsigned,
        cdhash: cdhash.as_ref().map(|hash| hash.as_bytes()),
        identifier: slice.identifier.as_deref(),
        team: slice.team_id.as_deref(),
        category: category(slice),
        entitlements: slice.entitlements.as_ref(),
        is_platform: certificate(slice) == Some(CertificateKind::AppleSoftware),
    })
}

fn is_program(slice: &SliceEvidence) -> bool {
    slice.file_type.is_some_and(|found| found.is_execute())
}

fn malformed(check: &mut Check<'_>) {
    check.each_slice(|_, _, slice, _| {
        let said: Vec<_> = slice
            .constraints
            .iter()
            .filter_map(|(slot, decoded)| {
                let reason = read(decoded.as_ref()).err()?;
                Some(format!("{}: {reason}", name(*slot)))
            })
            .collect();
        (!said.is_empty()).then(|| Said::new(Severity::Error, said.join("; ")))
    });
}

fn own(check: &mut Check<'_>) {
    let mut unknown: Vec<String> = Vec::new();
    for object in &check.evidence().code {
        let asked = object.slices.iter().filter(|slice| is_program(slice));
        let is_open = |slice: &SliceEvidence| {
            constraint(slice, SELF).is_some_and(|constraint| satisfies(slice, &constraint).is_none())
        };
        if asked.into_iter().any(is_open) {
            unknown.push(object.main_path());
        }
    }
    for path in unknown {
        check.unknown(
            &path,
            "its self constraint asks for what only the Mac knows that starts it",
        );
    }
    check.each_slice(|_, _, slice, _| {
        let constraint = constraint(slice, SELF).filter(|_| is_program(slice))?;
        let is_unmet = satisfies(slice, &constraint) == Some(false);
        is_unmet.then(|| {
            Said::new(
                Severity::Error,
                "the program does not satisfy its own self constraint, so it is not started",
            )
        })
    });
}

/// Every program of the item.
fn programs(evidence: &Evidence) -> impl Iterator<Item = &SliceEvidence> {
    let slices = evidence.code.iter().flat_map(|object| &object.slices);
    slices.filter(|slice| is_program(slice) && !slice.is_duplicate)
}

/// Whether something that macOS brings may satisfy it.
fn admits_platform(constraint: &LightweightRequirement) -> bool {
    let facts = Facts {
        is_known: true,
        is_platform: true,
        category: Some(1),
        ..Facts::default()
    };
    constraint.evaluate(&facts) != Some(false)
}

fn impossible(check: &mut Check<'_>) {
    // Whatever starts a tool by itself is not in the item.
    if !is_whole(check.evidence()) {
        return;
    }
    check.each_slice(|check, object, slice, _| {
        let said: Vec<_> = [PARENT, RESPONSIBLE]
            .into_iter()
            .filter(|slot| {
                constraint(slice, *slot).is_some_and(|constraint| {
                    let is_out = |slice| satisfies(slice, &constraint) == Some(false);
                    programs(check.evidence()).all(is_out) && !admits_platform(&constraint)
                })
            })
            .map(|slot| format!("no program of the item satisfies its {}", name(slot)))
            .collect();
        (!said.is_empty()).then(|| {
            let mut said = Said::new(Severity::Warning, said.join("; "));
            // The app can be the parent of what is in it, not of itself.
            let item = check
                .evidence()
                .code
                .first()
                .filter(|item| item.path != object.path);
            let item = item.and_then(|item| item.slices.first());
            if let Some((identifier, team)) =
                item.and_then(|slice| Some((slice.identifier.as_deref()?, slice.team_id.as_deref()?)))
            {
                said.facts.text("PARENT", identifier).text("TEAM", team);
            }
            said
        })
    });
}

/// Code of the item that a constraint means by its identifier, and whose cdhash it does not have.
fn outdated<'a>(evidence: &'a Evidence, constraint: &LightweightRequirement) -> Option<&'a CodeObject> {
    let hashes: Vec<_> = constraint
        .values("cdhash")
        .into_iter()
        .filter_map(Value::as_data)
        .collect();
    if hashes.is_empty() {
        return None;
    }
    let names = constraint.values("signing-identifier");
    evidence.searched().iter().find(|object| {
        let is_meant = |slice: &SliceEvidence| {
            let identifier = slice.identifier.as_deref();
            identifier.is_some() && names.iter().any(|name| name.as_str() == identifier)
        };
        let is_pinned = |slice: &SliceEvidence| {
            slice
                .cdhashes
                .iter()
                .any(|cdhash| hashes.contains(&cdhash.truncated().as_bytes()))
        };
        object.slices.iter().any(is_meant) && !object.slices.iter().any(is_pinned)
    })
}

fn pinned(check: &mut Check<'_>) {
    check.each_slice(|check, _, slice, _| {
        [PARENT, RESPONSIBLE, LIBRARY].into_iter().find_map(|slot| {
            let other = outdated(check.evidence(), &constraint(slice, slot)?)?;
            Some(Said::new(
                Severity::Error,
                format!(
                    "its {} names a cdhash that {} does not have",
                    name(slot),
                    other.main_path()
                ),
            ))
        })
    });
}

fn libraries(check: &mut Check<'_>) {
    if check
        .evidence()
        .code
        .iter()
        .flat_map(|object| &object.slices)
        .all(|slice| slice.constraints.is_empty())
    {
        return;
    }
    check.each_slice(|check, _, slice, image| {
        let constraint = constraint(slice, LIBRARY).filter(|_| is_program(slice))?;
        let evidence = check.evidence();
        let process = check
            .linkage()
            .processes
            .iter()
            .find(|process| process.program == Some(image))?;
        let is_refused = |image: Image| {
            linkage::slice(evidence, image)
                .filter(|slice| !is_signed_by_apple(slice))
                .is_some_and(|slice| satisfies(slice, &constraint) == Some(false))
        };
        let refused: Vec<_> = process
            .images
            .iter()
            .filter(|(loaded, _)| **loaded != image && is_refused(**loaded))
            .collect();
        let is_required = refused.iter().any(|(_, loaded)| loaded.is_required);
        let paths: Vec<_> = refused
            .iter()
            .filter_map(|(image, _)| evidence.code.get(image.object))
            .map(CodeObject::main_path)
            .collect();
        let severity = if is_required {
            Severity::Error
        } else {
            Severity::Warning
        };
        (!paths.is_empty()).then(|| {
            Said::new(
                severity,
                format!("its library constraint keeps out {}", list(&paths)),
            )
        })
    });
}

fn categories(check: &mut Check<'_>) {
    check.each_slice(|_, _, slice, _| {
        [SELF, PARENT, RESPONSIBLE, LIBRARY].into_iter().find_map(|slot| {
            let constraint = constraint(slice, slot)?;
            let categories: Vec<_> = constraint
                .values("validation-category")
                .into_iter()
                .filter_map(Value::as_integer)
                .collect();
            let generated = categories.iter().find(|category| (7..=9).contains(*category));
            // A self constraint that is not met has a finding of its own.
            let is_of_development =
                slot != SELF && is_developer_id(slice) && !categories.is_empty() && categories.iter().all(|found| *found == 3);
            let message = match generated {
                Some(category) => format!(
                    "its {} asks for validation category {category}, which only code has that the system makes",
                    name(slot)
                ),
                None if is_of_development => format!(
                    "its {} asks for code signed for development (validation category 3), and this is a Developer ID build",
                    name(slot)
                ),
                None => return None,
            };
            Some(Said::new(Severity::Warning, message))
        })
    });
}

/// What a property list for launchd demands of the program that it starts.
fn spawned(check: &mut Check<'_>) {
    launchd_job::each(check, |check, job| {
        let Some(value) = job.list.get("SpawnConstraint") else {
            return;
        };
        let facts = value.as_dictionary();
        let constraint = facts.map(LightweightRequirement::from_facts);
        let message = match constraint {
            None => format!(
                "SpawnConstraint is of type {}, where a dictionary belongs",
                value.kind()
            ),
            Some(Err(error)) => format!("SpawnConstraint cannot be used: {}", error),
            Some(Ok(constraint)) => {
                let Some(code) = job.code(check.evidence()) else {
                    return;
                };
                let answers: Vec<_> = code
                    .slices
                    .iter()
                    .map(|slice| satisfies(slice, &constraint))
                    .collect();
                if !answers.contains(&Some(false)) {
                    if answers.contains(&None) {
                        check.unknown(
                            &job.job.path,
                            "its SpawnConstraint asks for what only the Mac knows that starts the program",
                        );
                    }
                    return;
                }
                format!(
                    "{} does not satisfy the SpawnConstraint, so launchd does not start it",
                    code.main_path()
                )
            }
        };
        check.within(job.app, &job.job.path, message);
    });
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "constraint-malformed",
        family: Family::Constraints,
        rejected_by: &[Party::Amfi],
        title: "a launch or library constraint that macOS cannot read",
        catalogue: "R340",
        explanation: "A constraint is a dictionary of facts and operators. codesign compares only its digest; the kernel evaluates it, and does not start code whose constraint it cannot read. A fact with a value of another type, an operator without operands and an empty dictionary are such.",
        remedy: SIGN_AGAIN,
        reference: DEFINING,
        check: malformed,
        ..Rule::BASE
    },
    Rule {
        id: "self-constraint-unsatisfied",
        family: Family::Constraints,
        rejected_by: &[Party::Amfi],
        title: "a program that does not satisfy its own launch constraint",
        catalogue: "R341",
        explanation: "The self constraint says what the program itself must be: its identifier, team, entitlements, the kind of its certificate. It was evaluated on the real signature, and is not met: the kernel ends the program when it starts. A constraint that was written for a build with another certificate is the usual cause.",
        remedy: SIGN_AGAIN,
        apple: "crash report: \"Namespace CODESIGNING, Code 4, Launch Constraint Violation\"",
        reference: DEFINING,
        check: own,
        ..Rule::BASE
    },
    Rule {
        id: "parent-or-responsible-impossible",
        family: Family::Constraints,
        severity: Severity::Warning,
        title: "a launch constraint on parent or responsible process that nothing in the product satisfies",
        catalogue: "R342",
        explanation: "The constraint asks for a parent, or a process that is responsible, by team, identifier or cdhash, and neither a program of the product nor one of macOS can be that. Unless another product of yours starts it, the kernel never will.",
        remedy: &[Step::If(
            Condition::Knows("PARENT"),
            &[
                Step::Say("let the app be the parent"),
                run!["plutil" "-create" "xml1" "parent.plist"],
                run!["plutil" "-insert" "signing-identifier" "-string" (Value "PARENT") "parent.plist"],
                run!["plutil" "-insert" "team-identifier" "-string" (Value "TEAM") "parent.plist"],
                Step::Sign(Sign {
                    options: &[
                        Word::Text("--launch-constraint-parent"),
                        Word::Text("parent.plist"),
                    ],
                    ..Sign::KEPT
                }),
            ],
            &[
                Step::Say("correct the constraint and sign again"),
                Step::Sign(Sign {
                    options: &[Word::Text("--launch-constraint-parent"), Word::Value("FILE")],
                    ..Sign::KEPT
                }),
            ],
        )],
        reference: APPLYING,
        follows_from: &["constraint-by-cdhash"],
        scope: Scope::Item,
        check: impossible,
        ..Rule::BASE
    },
    Rule {
        id: "constraint-by-cdhash",
        family: Family::Constraints,
        rejected_by: &[Party::Amfi],
        title: "a constraint with the cdhash of an older build",
        catalogue: "R343",
        explanation: "The constraint names other code of the product by its cdhash. Every build and every signature changes the cdhash, and that code has another one now.",
        remedy: &[
            Step::Say(
                "name the code by team-identifier and signing-identifier in place of the cdhash, and sign again",
            ),
            Step::Sign(Sign {
                options: &[Word::Text("--launch-constraint-parent"), Word::Value("FILE")],
                ..Sign::KEPT
            }),
        ],
        reference: DEFINING,
        scope: Scope::Item,
        check: pinned,
        ..Rule::BASE
    },
    Rule {
        id: "library-constraint-excludes-own-libraries",
        family: Family::Constraints,
        rejected_by: &[Party::Amfi, Party::Dyld],
        title: "a library constraint that keeps the program's own libraries out",
        catalogue: "R344",
        explanation: "The kernel maps only libraries that satisfy the program's library constraint. It was evaluated on every library of the product that the program links, and some do not satisfy it: the program ends before its first line runs.",
        remedy: &[
            Step::Say(
                "allow the libraries, or sign them so that they satisfy the constraint, then sign the program",
            ),
            Step::Sign(Sign {
                options: &[Word::Text("--library-constraint"), Word::Value("FILE")],
                ..Sign::KEPT
            }),
        ],
        reference: APPLYING,
        follows_from: &["constraint-by-cdhash"],
        check: libraries,
        ..Rule::BASE
    },
    Rule {
        id: "validation-category-inappropriate",
        family: Family::Constraints,
        severity: Severity::Warning,
        title: "a constraint on a validation category that does not fit",
        catalogue: "R345",
        explanation: "Validation categories say how code is distributed: 4 by the App Store, 6 with a Developer ID, 3 for development. Categories 7 to 9 are of code that the system makes itself, and are not meant for constraints. One for development in a Developer ID build is mostly left from tests.",
        remedy: SIGN_AGAIN,
        reference: DEFINING,
        check: categories,
        ..Rule::BASE
    },
    Rule {
        id: "spawn-constraint",
        family: Family::Constraints,
        rejected_by: &[Party::Amfi],
        title: "a program that launchd does not start because of the SpawnConstraint",
        catalogue: "R346",
        explanation: "SpawnConstraint in the property list of an agent or daemon says what the program must be. launchd evaluates it before it starts the program. It was evaluated on the real signature.",
        remedy: &[Step::Say("correct the constraint, then sign the app"), SIGN],
        reference: DEFINING,
        check: spawned,
        ..Rule::BASE
    },
];
