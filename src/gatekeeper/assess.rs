//! The course of an assessment (specification 9.3, `PolicyEngine::evaluateCode` and `evaluateCodeItem`).
//!
//! The code must be valid, strictly and in depth; then the rules are tried on it, and on all code that its seals name.
//! What a rule depends on may not be known here: then both outcomes are followed, and only where they agree there is a
//! verdict.

use super::Operation;
use super::table::rows;
use crate::container::ContainerFormat;
use crate::subject::Unopened;
use crate::time::UnixTime;
use crate::timing::Phase;
use crate::verify::{
    CodeObject, CodesignFlags, Evaluated, Evidence, Nesting, NotJudged, OsStatus, SliceEvidence, fold,
    satisfies,
};

/// What the rules say of code from before notarization, and of code that should be notarized and is not.
const DEVELOPER_ID: &str = "Developer ID";
const UNNOTARIZED: &str = "Unnotarized Developer ID";
/// 2019-06-01: software that was signed later has to be notarized.
const NOTARIZATION_BEGAN: UnixTime = UnixTime(1_559_347_200);

/// Why there is no assessment of an item of which the options left out a part.
const LEFT_OUT: &str = "not judged: the options leave out part of what Gatekeeper evaluates";

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
#[non_exhaustive]
pub struct GatekeeperVerdict {
    /// What was to be done with the code.
    pub operation: Operation,
    /// How it ends.
    pub ruling: Ruling,
    /// The rule that decided, as `source=` names it.
    pub source: Option<&'static str>,
    /// The signer's certificate, as `origin=` names it.
    pub origin: Option<String>,
    /// The nested code that decided, relative to the item.
    pub subcomponent: Option<String>,
}

/// How an assessment ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ruling {
    /// `accepted`: a rule allows code that was evaluated.
    Accepted(Evaluated),
    /// `rejected`, with the fault in the code that decided, where there is one.
    Rejected(Option<OsStatus>),
    /// The code is broken: `spctl` prints the error alone.
    Error(OsStatus),
    /// A rule depends on what is not known here, such as a ticket that only Apple's servers hold; a sentence says what.
    Undetermined(String),
    /// No rule was asked; a sentence says why.
    NotJudged(String),
    /// Gatekeeper does not assess such an item; a sentence says what it is.
    NotApplicable(String),
}

impl GatekeeperVerdict {
    /// Accepted, refused, or not known, for the reason in [`Self::condition`].
    #[must_use]
    pub fn accepted(&self) -> Option<bool> {
        match self.ruling {
            Ruling::Accepted(_) => Some(true),
            Ruling::Rejected(_) | Ruling::Error(_) => Some(false),
            Ruling::Undetermined(_) | Ruling::NotJudged(_) | Ruling::NotApplicable(_) => None,
        }
    }

    /// The fault in the code that led to a rejection or an error.
    #[must_use]
    pub fn status(&self) -> Option<OsStatus> {
        match self.ruling {
            Ruling::Rejected(status) => status,
            Ruling::Error(status) => Some(status),
            Ruling::Accepted(_)
            | Ruling::Undetermined(_)
            | Ruling::NotJudged(_)
            | Ruling::NotApplicable(_) => None,
        }
    }

    /// Why there is no verdict, or what it depends on; a sentence for people.
    #[must_use]
    pub fn condition(&self) -> Option<&str> {
        match &self.ruling {
            Ruling::Undetermined(reason) | Ruling::NotJudged(reason) | Ruling::NotApplicable(reason) => {
                Some(reason)
            }
            Ruling::Accepted(_) | Ruling::Rejected(_) | Ruling::Error(_) => None,
        }
    }

    /// The exit status of `spctl`: 0 accepted, 3 rejected, 1 an error. What is not known is not accepted, as on a Mac
    /// without network access; what is not judged, or not assessed at all, has 4, which `spctl` does not have.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self.ruling {
            Ruling::Accepted(_) => 0,
            Ruling::Rejected(_) | Ruling::Undetermined(_) => 3,
            Ruling::Error(_) => 1,
            Ruling::NotJudged(_) | Ruling::NotApplicable(_) => 4,
        }
    }
}

/// The operation that fits the item: apps are executed; of everything else, `spctl` says with `execute` only that it
/// is no app, so tools and libraries are assessed as if they were installed.
#[must_use]
pub fn fitting_operation(evidence: &Evidence) -> Operation {
    // A disk image is a document that a user opens.
    if evidence.unopened == Some(Unopened::Container(ContainerFormat::DiskImage)) {
        return Operation::Open;
    }
    match evidence.code.first() {
        Some(item) if item.is_app_like => Operation::Execute,
        _ => Operation::Install,
    }
}

/// Assesses the item of the evidence. It is not judged where the options of its verification left out what Gatekeeper
/// evaluates.
#[must_use]
pub fn assess(evidence: &Evidence, operation: Operation) -> GatekeeperVerdict {
    evidence.measure(Phase::Rules, || verdict(evidence, operation))
}

fn verdict(evidence: &Evidence, operation: Operation) -> GatekeeperVerdict {
    let mut verdict = GatekeeperVerdict {
        operation,
        ruling: Ruling::NotJudged(NotJudged::NothingEvaluated.to_string()),
        source: None,
        origin: evidence.code.first().and_then(origin),
        subcomponent: None,
    };
    let flags = &evidence.flags;
    if !flags.deep || !flags.resources || flags.architecture.is_some() || flags.bundle_version.is_some() {
        verdict.ruling = Ruling::NotJudged(LEFT_OUT.to_owned());
        return verdict;
    }
    if let Some(unopened) = evidence.unopened {
        verdict.ruling = Ruling::NotJudged(unopened.text().to_owned());
        return verdict;
    }
    let Some(item) = evidence.code.first() else {
        return verdict;
    };
    if let Some(reason) = evidence.product().scope() {
        verdict.ruling = Ruling::NotApplicable(reason);
        verdict.origin = None;
        return verdict;
    }
    if operation == Operation::Open {
        // Only disk images with the context of a download are judged as documents (specification 9.5).
        verdict.ruling = Ruling::Rejected(None);
        verdict.source = Some("Insufficient Context");
        verdict.origin = None;
        return verdict;
    }
    // Strict and with restricted links; attached data is not minded (9.3, step 4).
    let flags = CodesignFlags {
        restrict_sideband: false,
        ..CodesignFlags::default()
    };
    let codesign = fold(&evidence.code, evidence.gaps(), &flags);
    if let Some(reason) = codesign.not_judged() {
        verdict.ruling = Ruling::NotJudged(reason.to_string());
        return verdict;
    }
    // The test for apps comes before the structure of the executable (specification 6.11). It is left out for
    // preference panes and screen savers only where the caller names their type, which `spctl` does not.
    let is_no_app = operation == Operation::Execute && !item.is_app_like;
    let status = match codesign.status() {
        None | Some(OsStatus::BAD_MAIN_EXECUTABLE) if is_no_app => Some(OsStatus::NOT_APP_LIKE),
        status => status,
    };
    verdict.subcomponent = codesign.subcomponent().map(str::to_owned);
    match status {
        None => rules(evidence, item, &mut verdict),
        // Gatekeeper asks the package itself who signed it, not codesign.
        Some(OsStatus::UNSIGNED) if evidence.format.is_some_and(has_own_signature) => {
            let reason = "not judged: installer packages and their signatures are not read";
            verdict.ruling = Ruling::NotJudged(reason.to_owned());
        }
        Some(OsStatus::UNSIGNED) => {
            verdict.ruling = Ruling::Rejected(None);
            verdict.source = Some("no usable signature");
            verdict.origin = None;
        }
        Some(status) if WEAK.contains(&status) => {
            // Whatever the rules say, it is not accepted; what they refuse is refused in their name.
            let answer = consult(item, operation);
            if answer.ruling == Ruling::Rejected(None) {
                verdict.source = answer.source;
                verdict.ruling = answer.ruling;
            } else {
                verdict.ruling = Ruling::Rejected(Some(status));
            }
        }
        Some(status) => {
            verdict.ruling = Ruling::Error(status);
            verdict.origin = None;
        }
    }
    verdict
}

/// Returns true if Gatekeeper reads a signature of a file in this format that `codesign` does not know.
fn has_own_signature(format: ContainerFormat) -> bool {
    matches!(
        format,
        ContainerFormat::Package | ContainerFormat::Xip | ContainerFormat::Xar
    )
}

/// The rules, on the item and on all nested code (9.3, steps 6 and 7).
fn rules(evidence: &Evidence, item: &CodeObject, verdict: &mut GatekeeperVerdict) {
    let own = consult(item, verdict.operation);
    let is_refused = matches!(own.ruling, Ruling::Rejected(_) | Ruling::Error(_));
    verdict.ruling = own.ruling;
    verdict.source = own.source;
    if is_refused {
        return;
    }
    let nested = evidence
        .code
        .iter()
        .filter(|object| object.nesting == Nesting::Sealed);
    for object in nested {
        let answer = consult(object, verdict.operation);
        let is_refused = matches!(answer.ruling, Ruling::Rejected(_) | Ruling::Error(_));
        let is_accepted = matches!(answer.ruling, Ruling::Accepted(_));
        // The first that is open names what the verdict depends on; one that is refused decides.
        if is_refused || !is_accepted && matches!(verdict.ruling, Ruling::Accepted(_)) {
            verdict.ruling = answer.ruling;
            verdict.source = answer.source;
            verdict.subcomponent = Some(object.path.clone());
        }
        if is_refused {
            return;
        }
    }
}

/// What the rules say about one code object.
struct Answer {
    ruling: Ruling,
    source: Option<&'static str>,
}

impl From<Ruling> for Answer {
    fn from(ruling: Ruling) -> Self {
        Self { ruling, source: None }
    }
}

/// Tries the rules in their order on the slices that Gatekeeper evaluates; the first rule that all of them satisfy
/// decides (`PolicyEngine::evaluateCodeItem`).
fn consult(object: &CodeObject, operation: Operation) -> Answer {
    let slices = || object.assessed_slices();
    let Some(evaluated) = Evaluated::of(slices()) else {
        return Ruling::NotJudged(NotJudged::NothingEvaluated.to_string()).into();
    };
    // Whether a rule before could decide as well, and what it would say.
    let mut possible: Option<bool> = None;
    for (row, requirement) in rows(operation) {
        let mut answer = Some(true);
        for slice in slices() {
            match satisfies(slice, &requirement) {
                Ok(Some(false)) => {
                    answer = Some(false);
                    break;
                }
                Ok(None) => answer = None,
                Ok(Some(true)) => {}
                Err(fault) => match fault.status() {
                    None => answer = None,
                    Some(status) => return Ruling::Error(status).into(),
                },
            }
        }
        match answer {
            Some(false) => {}
            None => {
                possible.get_or_insert(row.allows);
            }
            Some(true) => {
                let is_too_new = row.label == DEVELOPER_ID && slices().any(needs_ticket);
                let ruling = match possible {
                    Some(other) if other != row.allows => Ruling::Undetermined(condition(object)),
                    _ if row.allows && is_too_new => Ruling::Undetermined(condition(object)),
                    _ if row.allows => Ruling::Accepted(evaluated),
                    _ => Ruling::Rejected(None),
                };
                let label = if is_too_new { UNNOTARIZED } else { row.label };
                let source = (!label.is_empty()).then_some(label);
                return Answer { ruling, source };
            }
        }
    }
    // The last row matches everything that is read at all.
    Ruling::Rejected(None).into()
}

/// Returns true if macOS 10.15 and later ask for a ticket although Gatekeeper's rules for the certificate do not: nothing proves that the
/// code was signed before June 2019 (Apple's announcement of 2019-06-03; the rules only know the age of the account).
fn needs_ticket(slice: &SliceEvidence) -> bool {
    let identity = slice.identity.as_ref();
    let stamped = identity.and_then(|identity| identity.timestamp.as_ref());
    stamped.is_none_or(|stamp| stamp.time >= NOTARIZATION_BEGAN)
}

/// What a verdict about the object depends on.
fn condition(object: &CodeObject) -> String {
    let hashes: Vec<String> = object
        .assessed_slices()
        .filter(|slice| slice.notarized.is_none())
        .filter_map(|slice| slice.cdhashes.last())
        .map(|cdhash| cdhash.truncated().to_string())
        .collect();
    format!(
        "unless Apple's servers hold a ticket for {}",
        hashes.join(" and ")
    )
}

fn origin(object: &CodeObject) -> Option<String> {
    let identity = object.slices.first()?.identity.as_ref()?;
    Some(identity.chain.first()?.summary().to_owned())
}
