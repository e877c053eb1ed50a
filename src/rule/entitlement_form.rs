//! Rules about the form of entitlements: what readers refuse, types of values, what was never filled in
//! (R104–R108, R135, R136).

use super::claims::{self, Claimant, list};
use super::{Family, Rule, Scope};
use crate::blob::Slot;
use crate::entitlements::{AmfiProblem, Class, Entitlement, Platform, find};
use crate::finding::{Party, Place, Severity};
use crate::plist::{Dictionary, Value};
use crate::remedy::{Condition, Edit, Kind, SIGN_EDITED, Step, Word, run};
use crate::verify::{CodeObject, FaultKind, SliceEvidence};

const SIGN_AGAIN: &[Step] = &[
    Step::Say("sign again with the codesign of a current macOS, which writes both forms"),
    Step::Claim(&[]),
    SIGN_EDITED,
];
const ISSUES: &str =
    "https://developer.apple.com/documentation/security/resolving-common-notarization-issues";
const FORMAT: &str = "https://developer.apple.com/documentation/xcode/using-the-latest-code-signature-format";
/// Differences between the two forms that one message names.
const SHOWN: usize = 5;

/// The tag of a dictionary in DER as codesign of macOS 11 wrote it, without version.
const SET: u8 = 0x31;

/// Returns true if a value of another type is meant as the boolean.
fn means_true(value: &Value) -> bool {
    match value {
        Value::Integer(number) => *number == 1,
        Value::String(text) => ["true", "yes"].iter().any(|word| text.eq_ignore_ascii_case(word)),
        _ => false,
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "entitlements-malformed",
        family: Family::Entitlements,
        rejected_by: &[Party::Notary, Party::Amfi],
        title: "entitlements that Apple's readers refuse",
        catalogue: "R106",
        explanation: "AMFI, codesign and the notary service read entitlements with a strict reader of their own: no byte order mark, no binary list, no CDATA, no \"--\" in comments, no space in <true />, no key twice, line ends of Unix, ASCII only. plutil -lint accepts all of that. codesign does not look at it when it verifies; the notary service refuses the code, and AMFI kills it when it starts. macOS 12 and later read the DER form where there is one, so AMFI does not mind then.",
        remedy: &[
            Step::Say("write the file anew and sign with it"),
            run!["plutil" "-convert" "xml1" (Value "FILE")],
            SIGN_EDITED,
        ],
        apple: "notary service: \"Embedded entitlements are invalid: syntax error near line 1\"; AMFI: \"AMFIUnserializeXML: syntax error near line 1\"",
        reference: ISSUES,
        check: |check| {
            for (object, slice, fault) in check.evidence().code.iter().flat_map(faults) {
                match fault {
                    FaultKind::EntitlementsMalformed { slot, error } => {
                        let is_xml = *slot == Slot::ENTITLEMENTS;
                        let form = if is_xml { "property list" } else { "DER" };
                        let message = format!("the entitlements ({form}) cannot be decoded: {error}");
                        let finding = check.slice(object, slice, message);
                        if is_xml && is_never_read_as_xml(slice) {
                            finding.rejected_by = vec![Party::Notary];
                        }
                    }
                    FaultKind::EntitlementsForm(error) => {
                        let said = match &error.problem {
                            AmfiProblem::NotAscii => "what the notary service does not accept".to_owned(),
                            problem if problem.is_refused() => {
                                format!("{} near line {} for AMFI", problem.message(), error.line)
                            }
                            _ => "which not every reader understands in the same way".to_owned(),
                        };
                        let message = format!(
                            "the entitlements contain {} in line {}, {said}",
                            error.problem, error.line
                        );
                        let finding = check.slice(object, slice, message);
                        if !error.problem.is_refused() {
                            finding.severity = Severity::Warning;
                        }
                        if is_never_read_as_xml(slice) {
                            finding.rejected_by = vec![Party::Notary];
                        }
                    }
                    _ => {}
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "der-entitlements-missing",
        family: Family::Entitlements,
        severity: Severity::Warning,
        rejected_by: &[],
        title: "entitlements without their DER form, or in its first version",
        catalogue: "R107",
        explanation: "Since macOS 11 codesign writes entitlements twice, as XML and as DER. macOS 12 and later read the DER, and hold it against provisioning profiles; where it is missing they make do with the XML, iOS 15 does not. The first version of the form, which macOS 11 wrote in 2020, is read but no longer written.",
        remedy: SIGN_AGAIN,
        reference: FORMAT,
        check: |check| {
            claims::each(check, |check, claimant| {
                let Claimant { object, slice, .. } = claimant;
                let message = match (&slice.entitlements_xml, &slice.entitlements_der) {
                    (_, Some(der)) if der.first() == Some(&SET) => {
                        "DER entitlements of the first version, without version number"
                    }
                    // A form that is there but not bound is another problem.
                    (Some(_), None) if !has_component(slice, Slot::ENTITLEMENTS_DER) => {
                        "entitlements as XML only, without DER"
                    }
                    _ => return,
                };
                let is_ios = claims::platform(slice)
                    .is_some_and(|platform| !matches!(platform, Platform::MacOs | Platform::Catalyst));
                let finding = check.slice(object, slice, message);
                if is_ios {
                    finding.severity = Severity::Error;
                    finding.rejected_by = vec![Party::Amfi];
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "der-xml-disagree",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        title: "the two forms of the entitlements say different things",
        catalogue: "R108",
        explanation: "Entitlements are stored as XML (slot 5) and as DER (slot 7). Current systems read the DER, old systems and many tools the XML. If they differ, one reader grants what another never saw; AMFI refuses such code.",
        remedy: SIGN_AGAIN,
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::EntitlementsDiffer(differences) => {
                    let keys: Vec<_> = differences
                        .iter()
                        .take(SHOWN)
                        .map(|difference| format!("{} ({})", difference.key, difference.kind.text()))
                        .collect();
                    Some(format!(
                        "{} keys differ between XML and DER: {}",
                        differences.len(),
                        keys.join(", ")
                    ))
                }
                _ => None,
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "entitlement-wrong-type",
        family: Family::Entitlements,
        severity: Severity::Warning,
        rejected_by: &[Party::Amfi],
        title: "the value of an entitlement is of the wrong type",
        catalogue: "R104",
        explanation: "Every entitlement takes values of one type. The string \"true\" is no boolean, and a single string is no array: macOS takes such a claim for absent, so that the feature is silently off, or finds that the profile does not grant it and kills the program.",
        remedy: &[Step::If(
            Condition::Knows("KEY"),
            &[
                Step::Say("write the value as a boolean"),
                Step::Claim(&[Edit::Set(Word::Value("KEY"), Kind::Bool, Word::Text("true"))]),
                SIGN_EDITED,
            ],
            &[
                Step::Say(
                    "correct the value in the entitlements file (plutil -type KEY FILE shows its type) and sign again",
                ),
                SIGN_EDITED,
            ],
        )],
        reference: "https://developer.apple.com/documentation/bundleresources/entitlements",
        check: |check| {
            claims::each(check, |check, claimant| {
                for (key, value) in claimant.claims.iter() {
                    let Some(line) = find(key).filter(|line| !line.accepts(value)) else {
                        continue;
                    };
                    let message = format!(
                        "{key} is {}, but must be {}",
                        article(value.kind()),
                        article(&line.types())
                    );
                    let finding = check.slice(claimant.object, claimant.slice, message);
                    if line.accepts(&Value::Boolean(true)) && means_true(value) {
                        finding.facts.keys([key]);
                    }
                    if is_grave(&line) {
                        finding.severity = Severity::Error;
                    } else {
                        finding.rejected_by = Vec::new();
                    }
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "entitlement-false",
        family: Family::Entitlements,
        severity: Severity::Note,
        title: "an entitlement that is claimed as false",
        catalogue: "R105",
        explanation: "A boolean entitlement is claimed or left out; the value false means the same as leaving it out, except that a restricted one still needs a provisioning profile, and that other tools look only at the key.",
        remedy: &[
            Step::Say("remove the key from the entitlements file of the project, and sign without it"),
            Step::Claim(&[Edit::Remove(Word::Value("KEY"))]),
            SIGN_EDITED,
        ],
        check: |check| {
            claims::each(check, |check, claimant| {
                let is_false = |(_, value): &(&str, &Value)| *value == &Value::Boolean(false);
                // Other people's keys may mean something by it.
                let is_known = |(key, _): &(&str, &Value)| {
                    find(key)
                        .is_some_and(|line| line.class == Class::Unrestricted || line.class.needs_profile())
                };
                let entries = claimant.claims.iter().filter(is_false).filter(is_known);
                let keys: Vec<_> = entries.map(|(key, _)| key).collect();
                if !keys.is_empty() {
                    let message = format!("claimed as false: {}", list(&keys));
                    let finding = check.slice(claimant.object, claimant.slice, message);
                    finding.facts.keys(keys);
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "unexpanded-build-variable",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi, Party::AppStore],
        title: "a build variable in the entitlements that nobody filled in",
        catalogue: "R135",
        explanation: "Xcode replaces variables such as $(TeamIdentifierPrefix) and $(PRODUCT_BUNDLE_IDENTIFIER) before it signs; codesign signs the file as it is. The claim then names nobody's team: no profile grants it, and lookups by such names find nothing.",
        remedy: &[
            Step::Say(
                "replace the variables, or take the entitlements that Xcode has made (codesign -d --entitlements FILE --xml BUILT.app), and sign again",
            ),
            SIGN_EDITED,
        ],
        apple: "App Store Connect: \"ITMS-90288: Invalid Code Signing Entitlements\"",
        check: |check| {
            claims::each(check, |check, claimant| {
                for (key, value) in claimant.claims.iter() {
                    // Sandbox profiles are a language of their own.
                    let is_text = key != "com.apple.security.temporary-exception.sbpl";
                    if is_variable(key) || is_text && has_variable(value) {
                        let message = format!("a build variable in {key}: {}", shown(value));
                        let finding = check.slice(claimant.object, claimant.slice, message);
                        if crate::entitlements::classify(key) == Class::Foreign && !is_variable(key) {
                            finding.severity = Severity::Warning;
                            finding.rejected_by = Vec::new();
                        }
                    }
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "same-entitlements-everywhere",
        family: Family::Entitlements,
        severity: Severity::Warning,
        title: "nested programs claim exactly what the app claims",
        catalogue: "R136",
        explanation: "Helpers with the very entitlements of the app are the trace of codesign --deep --entitlements, or of a script like it. Each program should claim only what it needs: more is a gift to attackers, and restricted entitlements get a helper without a profile killed.",
        remedy: &[
            Step::Say("sign each program by itself with its own entitlements, from the inside out"),
            SIGN_EDITED,
        ],
        reference: "https://developer.apple.com/forums/thread/129980",
        scope: Scope::Item,
        check: |check| {
            let evidence = check.evidence();
            let Some(main) = evidence.code.first() else { return };
            let Some(claims) = main.slices.first().and_then(|slice| slice.entitlements.as_ref()) else {
                return;
            };
            let is_apples = main.slices.first().is_some_and(claims::is_signed_by_apple);
            // Chromium's helpers share the entitlements of the hardened runtime by design.
            let is_telling = |(key, _): (&str, &Value)| !is_of_runtime(key);
            if claims.len() < 2 || is_apples || !claims.iter().any(is_telling) {
                return;
            }
            let same: Vec<Place> = evidence
                .code
                .iter()
                .skip(1)
                .filter(|object| object.slices.iter().any(|slice| is_program_with(slice, claims)))
                .map(|object| Place {
                    path: object.main_path(),
                    note: "the same",
                })
                .collect();
            if same.len() < 2 {
                return;
            }
            let message = format!(
                "{} nested programs have the {} entitlements of the app",
                same.len(),
                claims.len()
            );
            let is_open = claims
                .iter()
                .all(|(key, _)| key.starts_with("com.apple.security."));
            let finding = check.object(main, message);
            finding.places = same;
            if is_open {
                finding.severity = Severity::Note;
            }
        },
        ..Rule::BASE
    },
];

fn faults(object: &CodeObject) -> impl Iterator<Item = (&CodeObject, &SliceEvidence, &FaultKind)> {
    object.faults.iter().filter_map(move |fault| {
        let slice = object.slices.get(fault.slice.unwrap_or_default())?;
        Some((object, slice, &fault.kind))
    })
}

fn has_component(slice: &SliceEvidence, slot: Slot) -> bool {
    slice
        .slots
        .iter()
        .any(|found| found.slot == slot && found.length.is_some())
}

fn is_program_with(slice: &SliceEvidence, claims: &Dictionary) -> bool {
    slice.file_type.is_some_and(|found| found.is_execute()) && slice.entitlements.as_ref() == Some(claims)
}

fn is_of_runtime(key: &str) -> bool {
    find(key).is_some_and(|line| line.has(crate::entitlements::Flag::HardenedRuntime))
}

/// Keys for which a wrong type is more than a feature that is off: the sandbox is not entered, a claim is not granted.
fn is_grave(line: &Entitlement) -> bool {
    let named = [
        "com.apple.security.get-task-allow",
        "com.apple.security.app-sandbox",
        "com.apple.security.inherit",
        "com.apple.security.application-groups",
    ];
    line.class.needs_profile() || named.contains(&line.key)
}

fn article(words: &str) -> String {
    let article = if words.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {words}")
}

fn is_variable(text: &str) -> bool {
    text.contains("$(") || text.contains("${")
}

/// Decoding has bounded the depth.
fn has_variable(value: &Value) -> bool {
    match value {
        Value::String(text) => is_variable(text),
        Value::Array(elements) => elements.iter().any(has_variable),
        Value::Dictionary(entries) => entries
            .iter()
            .any(|(key, value)| is_variable(key) || has_variable(value)),
        _ => false,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(elements) => {
            let texts: Vec<_> = elements
                .iter()
                .filter_map(Value::as_str)
                .filter(|text| is_variable(text))
                .collect();
            list(&texts)
        }
        other => article(other.kind()),
    }
}

/// Returns true if AMFI does not read the XML form: it takes the DER form where there is one. What a ticket lists was read by the
/// notary service with AMFI's own reader.
fn is_never_read_as_xml(slice: &SliceEvidence) -> bool {
    slice.entitlements_der.is_some() || slice.notarized == Some(true)
}
