//! The course of an assessment (specification 9.3, `PolicyEngine::evaluateCode` and `evaluateCodeItem`).
//!
//! The code must be valid, strictly and in depth; then the rules are tried on it, and on all code that its seals name.
//! What a rule depends on may not be known here: then both outcomes are followed, and only where they agree there is a
//! verdict.

use super::Operation;
use super::table::rows;
use crate::archive::ArchiveFormat;
use crate::verify::{CodeObject, CodesignFlags, Evidence, Nesting, OsStatus, fold, satisfies};

/// CPU types of PowerPC, whose slices Gatekeeper leaves out (`kSecCSCheckGatekeeperArchitectures`).
const POWERPC: [i32; 2] = [18, 0x0100_0012];

/// Faults that do not end an assessment at once: the rules are asked first (`PolicyEngine::evaluateCode`).
const WEAK: [OsStatus; 12] = [
    OsStatus::WEAK_RESOURCE_RULES,
    OsStatus::WEAK_RESOURCE_ENVELOPE,
    OsStatus::RESOURCE_NOT_SUPPORTED,
    OsStatus::AMBIGUOUS_BUNDLE_FORMAT,
    OsStatus::SIGNATURE_NOT_VERIFIABLE,
    OsStatus::REGULAR_FILE,
    OsStatus::BAD_MAIN_EXECUTABLE,
    OsStatus::BAD_FRAMEWORK_VERSION,
    OsStatus::UNSEALED_APP_ROOT,
    OsStatus::UNSEALED_FRAMEWORK_ROOT,
    OsStatus::INVALID_SYMLINK,
    OsStatus::NOT_APP_LIKE,
];

/// What Gatekeeper would answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatekeeperVerdict {
    /// What was to be done with the code.
    pub operation: Operation,
    /// How it ends.
    pub ruling: Ruling,
    /// The rule that decided, as `source=` names it.
    pub source: Option<&'static str>,
    /// The signer's certificate, as `origin=` names it.
    pub origin: Option<String>,
    /// The fault in the code behind a rejection or an error.
    pub status: Option<OsStatus>,
    /// The nested code that decided, relative to the item.
    pub subcomponent: Option<String>,
    /// Why there is no verdict, or on what it depends; a sentence for people.
    pub condition: Option<String>,
}

/// How an assessment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ruling {
    /// `accepted`.
    Accepted,
    /// `rejected`.
    Rejected,
    /// The code is broken: `spctl` prints the error alone.
    Error,
    /// Not known here.
    Undetermined,
}

impl GatekeeperVerdict {
    /// Accepted, refused, or not known.
    #[must_use]
    pub fn accepted(&self) -> Option<bool> {
        match self.ruling {
            Ruling::Accepted => Some(true),
            Ruling::Rejected | Ruling::Error => Some(false),
            Ruling::Undetermined => None,
        }
    }

    /// The exit status of `spctl`: 0 accepted, 3 rejected, 1 an error; what is not known is not accepted, as on a Mac
    /// without network.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self.ruling {
            Ruling::Accepted => 0,
            Ruling::Rejected | Ruling::Undetermined => 3,
            Ruling::Error => 1,
        }
    }
}

/// The operation that fits the item: apps are executed; of everything else, `spctl` says with `execute` only that it
/// is no app, so tools and libraries are assessed as if they were installed.
#[must_use]
pub fn fitting_operation(evidence: &Evidence) -> Operation {
    match evidence.code.first() {
        Some(item) if item.is_app_like => Operation::Execute,
        _ => Operation::Install,
    }
}

/// Assesses the item of the evidence; `None` where the flags of its verification left something out that Gatekeeper
/// looks at.
#[must_use]
pub fn assess(evidence: &Evidence, operation: Operation) -> Option<GatekeeperVerdict> {
    let flags = &evidence.flags;
    if !flags.deep || !flags.resources || flags.architecture.is_some() || flags.bundle_version.is_some() {
        return None;
    }
    let item = evidence.code.first()?;
    let mut verdict = GatekeeperVerdict {
        operation,
        ruling: Ruling::Rejected,
        source: None,
        origin: origin(item),
        status: None,
        subcomponent: None,
        condition: None,
    };
    if operation == Operation::Open {
        // Only disk images with the context of a download are judged as documents (specification 9.5).
        verdict.source = Some("Insufficient Context");
        verdict.origin = None;
        return Some(verdict);
    }
    // Strict and with restricted links; attached data is not minded (9.3, step 4).
    let flags = CodesignFlags {
        restrict_sideband: false,
        ..CodesignFlags::default()
    };
    let codesign = fold(&evidence.code, evidence.gaps(), &flags);
    if let Some(reason) = codesign.not_judged {
        verdict.ruling = Ruling::Undetermined;
        verdict.condition = Some(reason.text().to_owned());
        return Some(verdict);
    }
    // The test for apps comes before the structure of the executable (specification 6.11). It is left out for
    // preference panes and screen savers only where the caller names their type, which `spctl` does not.
    let is_no_app = operation == Operation::Execute && !item.is_app_like;
    let status = match codesign.status {
        None | Some(OsStatus::BAD_MAIN_EXECUTABLE) if is_no_app => Some(OsStatus::NOT_APP_LIKE),
        status => status,
    };
    verdict.subcomponent.clone_from(&codesign.subcomponent);
    match status {
        None => {
            rules(evidence, item, &mut verdict);
        }
        // Gatekeeper asks the package itself who signed it, not codesign.
        Some(OsStatus::UNSIGNED) if evidence.unread_format() == Some(ArchiveFormat::PACKAGE) => {
            verdict.ruling = Ruling::Undetermined;
            verdict.condition =
                Some("not judged: installer packages and their signatures are not read".to_owned());
        }
        Some(OsStatus::UNSIGNED) => {
            verdict.source = Some("no usable signature");
            verdict.origin = None;
        }
        Some(status) if WEAK.contains(&status) => {
            // Whatever the rules say, it is not accepted; what they refuse is refused in their name.
            let answer = consult(item, operation);
            if answer.ruling == Ruling::Rejected {
                verdict.source = answer.source();
            } else {
                verdict.status = Some(status);
            }
        }
        Some(status) => {
            verdict.ruling = Ruling::Error;
            verdict.status = Some(status);
            verdict.origin = None;
        }
    }
    Some(verdict)
}

/// The rules, on the item and on all nested code (9.3, steps 6 and 7).
fn rules(evidence: &Evidence, item: &CodeObject, verdict: &mut GatekeeperVerdict) {
    let own = consult(item, verdict.operation);
    verdict.ruling = own.ruling;
    verdict.source = own.source();
    if own.ruling == Ruling::Undetermined {
        verdict.condition = Some(own.condition(item));
    }
    if let Some(status) = own.error {
        verdict.ruling = Ruling::Error;
        verdict.status = Some(status);
    }
    if !matches!(verdict.ruling, Ruling::Accepted | Ruling::Undetermined) {
        return;
    }
    let nested = evidence
        .code
        .iter()
        .filter(|object| object.nesting == Nesting::Sealed);
    for object in nested {
        let answer = consult(object, verdict.operation);
        match answer.ruling {
            Ruling::Accepted => {}
            Ruling::Rejected | Ruling::Error => {
                verdict.ruling = answer.ruling;
                verdict.source = answer.source();
                verdict.status = answer.error;
                verdict.subcomponent = Some(object.path.clone());
                verdict.condition = None;
                return;
            }
            Ruling::Undetermined if verdict.ruling == Ruling::Accepted => {
                verdict.ruling = Ruling::Undetermined;
                verdict.source = answer.source();
                verdict.subcomponent = Some(object.path.clone());
                verdict.condition = Some(answer.condition(object));
            }
            Ruling::Undetermined => {}
        }
    }
}

/// What the rules say about one code object.
struct Answer {
    ruling: Ruling,
    label: &'static str,
    /// A requirement could not be evaluated.
    error: Option<OsStatus>,
}

impl Answer {
    fn source(&self) -> Option<&'static str> {
        (!self.label.is_empty()).then_some(self.label)
    }

    fn condition(&self, object: &CodeObject) -> String {
        let slices = object.slices.iter();
        let hashes: Vec<String> = slices
            .filter(|slice| slice.notarized.is_none())
            .filter_map(|slice| slice.cdhashes.last())
            .map(|cdhash| cdhash.truncated().to_string())
            .collect();
        format!(
            "unless Apple's servers hold a ticket for {}",
            hashes.join(" and ")
        )
    }
}

/// Tries the rules in their order on every slice of an object; the first that all slices satisfy decides.
fn consult(object: &CodeObject, operation: Operation) -> Answer {
    // Whether a rule before could decide as well, and what it would say.
    let mut possible: Option<bool> = None;
    for (row, requirement) in rows(operation) {
        let slices = object.slices.iter().filter(|slice| {
            let cpu_type = slice.architecture.map(|found| found.cpu_type);
            !cpu_type.is_some_and(|cpu_type| POWERPC.contains(&cpu_type))
        });
        let mut answer = Some(true);
        for slice in slices {
            match satisfies(slice, &requirement) {
                Ok(Some(false)) => {
                    answer = Some(false);
                    break;
                }
                Ok(None) => answer = None,
                Ok(Some(true)) => {}
                Err(fault) => match fault.status() {
                    None => answer = None,
                    error => {
                        return Answer {
                            ruling: Ruling::Error,
                            label: "",
                            error,
                        };
                    }
                },
            }
        }
        match answer {
            Some(false) => {}
            None => {
                possible.get_or_insert(row.allows);
            }
            Some(true) => {
                let ruling = match possible {
                    Some(other) if other != row.allows => Ruling::Undetermined,
                    _ if row.allows => Ruling::Accepted,
                    _ => Ruling::Rejected,
                };
                return Answer {
                    ruling,
                    label: row.label,
                    error: None,
                };
            }
        }
    }
    // The last row matches everything that is read at all.
    Answer {
        ruling: Ruling::Rejected,
        label: "",
        error: None,
    }
}

fn origin(object: &CodeObject) -> Option<String> {
    let identity = object.slices.first()?.identity.as_ref()?;
    Some(identity.chain.first()?.summary().to_owned())
}
