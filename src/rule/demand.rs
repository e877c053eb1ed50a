//! What the user requires of all code in an item (`--require`): notarized, Developer ID, hardened runtime, timestamp,
//! architectures.
//!
//! The demands are those of the notary service, asked of code that may be on its way elsewhere. Nested code that Apple
//! signed itself is left out, as there. What the options leave out is not known to meet a demand: with `--arch` the other
//! architectures, with `--ignore-resources` and `--no-deep` nested code.

use crate::remedy::{SIGN, Step, run};
use std::fmt;

use super::claims::{is_developer_id, is_signed_by_apple};
use super::expectation::unsigned;
use super::{Check, Family, Rule, Said};
use crate::codedir::CodeDirectoryFlags;
use crate::finding::Severity;
use crate::macho::Architecture;
use crate::verify::{CodeObject, Coverage, SliceEvidence, ticket_coverage};

const SIGN_AGAIN: &[Step] = &[Step::Say("sign from the inside out"), SIGN];

/// One value of `--require`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Demand {
    /// A ticket at hand lists every slice that needs one.
    Notarized,
    /// Every slice is signed with a Developer ID.
    DeveloperId,
    /// Every program has the hardened runtime.
    HardenedRuntime,
    /// Every signature has a secure timestamp.
    Timestamp,
    /// The item and every program in it have a slice for this architecture.
    Architecture(Architecture),
}

impl Demand {
    /// The demand with this name, in any case; architectures stand behind `arch:`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let simple = [
            Self::Notarized,
            Self::DeveloperId,
            Self::HardenedRuntime,
            Self::Timestamp,
        ];
        match name.strip_prefix("arch:") {
            Some(architecture) => Architecture::from_name(architecture).map(Self::Architecture),
            None => simple.into_iter().find(|demand| demand.to_string() == name),
        }
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Notarized => f.write_str("notarized"),
            Self::DeveloperId => f.write_str("developer-id"),
            Self::HardenedRuntime => f.write_str("hardened-runtime"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Architecture(architecture) => write!(f, "arch:{architecture}"),
        }
    }
}

fn is_program(slice: &SliceEvidence) -> bool {
    slice.file_type.is_some_and(|found| found.is_execute())
}

/// Code objects that a demand is about, with whether each is the item itself, and its slices that Apple did not sign.
/// What Apple signed counts where it is the item itself.
fn each<'a>(
    check: &Check<'a>,
) -> impl Iterator<Item = (&'a CodeObject, impl Fn(&SliceEvidence) -> bool + use<>)> + use<'a> {
    let code = check.evidence().code.iter().enumerate();
    code.map(|(index, object)| {
        (object, move |slice: &SliceEvidence| {
            index == 0 || !is_signed_by_apple(slice)
        })
    })
}

/// Reports every slice about which there is something to say.
fn every_slice(check: &mut Check<'_>, judge: impl Fn(&SliceEvidence) -> Option<String>) {
    for (object, counts) in each(check) {
        let said = object.slices.iter().map(|slice| {
            let message = judge(slice).filter(|_| counts(slice))?;
            Some(Said::new(Severity::Error, message))
        });
        check.slices(object, said.collect());
    }
}

/// Who signed, in words.
fn signer(slice: &SliceEvidence) -> String {
    match &slice.identity {
        None => unsigned(slice.signature).to_owned(),
        Some(identity) => match identity.chain.first() {
            Some(leaf) => format!("signed by \"{}\"", leaf.summary()),
            None => "signed by nobody knows whom".to_owned(),
        },
    }
}

/// A ticket proves it; that there is none proves nothing, but for code that no ticket can be about: the notary service
/// takes no product that is not signed with a Developer ID (catalogue R050).
fn notarized(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let coverage = ticket_coverage(&evidence.code, &evidence.tickets);
    for (index, (object, coverage)) in evidence.code.iter().zip(coverage).enumerate() {
        let mut said = Vec::new();
        let mut reason = None;
        for (number, (slice, coverage)) in object.slices.iter().zip(coverage).enumerate() {
            let is_looked_at = object.is_assessed(number);
            let never = match coverage {
                Coverage::Covered | Coverage::NotNeeded => false,
                Coverage::Unsigned => is_looked_at,
                Coverage::NotCovered | Coverage::CannotJudge => {
                    let is_impossible = index == 0 && !is_developer_id(slice);
                    if is_looked_at && !is_impossible {
                        reason = Some(match coverage {
                            Coverage::CannotJudge => "a ticket is of a kind that is not known here",
                            _ => "no ticket at hand lists it; Apple's servers may hold one",
                        });
                    }
                    is_looked_at && is_impossible
                }
            };
            let message = never.then(|| format!("{}, so not notarized", signer(slice)));
            said.push(message.map(|message| Said::new(Severity::Error, message)));
        }
        check.slices(object, said);
        if let Some(reason) = reason {
            check.unknown(&object.main_path(), reason);
        }
    }
}

fn timestamp(check: &mut Check<'_>) {
    every_slice(check, |slice| match &slice.identity {
        Some(identity) if identity.timestamp.is_some() => None,
        Some(_) => Some("no secure timestamp".to_owned()),
        None => Some(format!("{}, without timestamp", unsigned(slice.signature))),
    });
    for (object, counts) in each(check) {
        let is_open = object.slices.iter().any(|slice| {
            counts(slice)
                && slice
                    .identity
                    .as_ref()
                    .is_some_and(|identity| identity.is_timestamp_root_unknown)
        });
        if is_open {
            check.unknown(
                &object.main_path(),
                "the root of the timestamp's authority is not at hand",
            );
        }
    }
}

fn architecture(check: &mut Check<'_>, wanted: Architecture) {
    let evidence = check.evidence();
    for (index, object) in evidence.code.iter().enumerate() {
        let is_asked = index == 0 || object.slices.iter().any(is_program);
        let has = |slice: &SliceEvidence| {
            slice
                .architecture
                .is_some_and(|found| found.to_string() == wanted.to_string())
        };
        if !is_asked || object.slices.iter().any(has) {
            continue;
        }
        if !object.unread_architectures.is_empty() {
            check.unknown(&object.main_path(), super::scope::REASON);
            continue;
        }
        let found: Vec<_> = object
            .slices
            .iter()
            .filter_map(|slice| Some(slice.architecture?.to_string()))
            .collect();
        let found = match found.as_slice() {
            [] => "no Mach-O code".to_owned(),
            found => found.join(", "),
        };
        check.object(object, format!("no code for {wanted}, only {found}"));
    }
}

/// What the options leave out is not known to meet a demand: a broken architecture beside the one that was looked at runs on
/// other Macs.
fn unseen(check: &mut Check<'_>) {
    let evidence = check.evidence();
    for object in &evidence.code {
        if !object.unread_architectures.is_empty() {
            check.unknown(&object.main_path(), super::scope::REASON);
        }
    }
    let reason = if !evidence.flags.resources {
        "with --ignore-resources, no nested code was looked at"
    } else if !evidence.flags.deep && evidence.code.iter().any(|object| object.parent.is_some()) {
        "with --no-deep, nested code was not verified"
    } else {
        return;
    };
    if let Some(item) = evidence.code.first() {
        check.unknown(&item.main_path(), reason);
    }
}

/// Whether this is required.
fn is_required(check: &Check<'_>, demand: Demand) -> bool {
    check.expectations().required.contains(&demand)
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "required-notarization-missing",
        family: Family::Expectation,
        title: "--require notarized is not met",
        explanation: "You require that Apple notarized the item. A ticket proves it that is stapled, embedded or given with --ticket and lists every architecture of every piece of code; code that Apple signed itself needs none. Without a ticket nobody but Apple's servers knows: then the answer is unknown, with exit status 4. Code that is not signed, or an item without a Developer ID, is certainly not notarized.",
        remedy: &[
            Step::Say("notarize it and staple the ticket, or bring the ticket with --ticket FILE"),
            Step::Notarize,
        ],
        check: |check| {
            if is_required(check, Demand::Notarized) {
                notarized(check);
                unseen(check);
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "required-developer-id-missing",
        family: Family::Expectation,
        title: "--require developer-id is not met",
        explanation: "You require a certificate of the kind Developer ID Application for every architecture of every piece of code, whatever the target is. The markers that Apple puts into certificates count, not their names. Nested code that Apple signed itself is left out.",
        remedy: SIGN_AGAIN,
        check: |check| {
            if is_required(check, Demand::DeveloperId) {
                every_slice(check, |slice| {
                    (!is_developer_id(slice)).then(|| format!("{}, not with a Developer ID", signer(slice)))
                });
                unseen(check);
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "required-hardened-runtime-missing",
        family: Family::Expectation,
        title: "--require hardened-runtime is not met",
        explanation: "You require the hardened runtime of every program, main or helper, for every architecture, whatever the target is. Libraries do not need it. Nested programs that Apple signed itself are left out.",
        remedy: SIGN_AGAIN,
        check: |check| {
            if is_required(check, Demand::HardenedRuntime) {
                every_slice(check, |slice| {
                    let is_missing = !slice.flags.contains(CodeDirectoryFlags::RUNTIME);
                    (is_program(slice) && is_missing).then(|| "no hardened runtime".to_owned())
                });
                unseen(check);
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "required-timestamp-missing",
        family: Family::Expectation,
        title: "--require timestamp is not met",
        explanation: "You require a secure timestamp in every signature, for every architecture of every piece of code, whatever the target is. Without it, a signature ends with its certificate. Nested code that Apple signed itself is left out.",
        remedy: SIGN_AGAIN,
        check: |check| {
            if is_required(check, Demand::Timestamp) {
                timestamp(check);
                unseen(check);
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "required-architecture-missing",
        family: Family::Expectation,
        title: "--require arch:ARCH is not met",
        explanation: "You require code for an architecture. The item itself and every program in it must have a slice of just that name, such as arm64 or x86_64. Whether libraries fit the programs that load them is asked by other rules.",
        remedy: &[
            Step::Say("build for the architecture, join with lipo, sign again"),
            run!["lipo" "-create" (Value "ONE") (Value "OTHER") "-output" File],
            SIGN,
        ],
        check: |check| {
            for demand in &check.expectations().required {
                if let Demand::Architecture(wanted) = demand {
                    architecture(check, *wanted);
                }
            }
        },
        ..Rule::BASE
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for name in [
            "notarized",
            "developer-id",
            "hardened-runtime",
            "timestamp",
            "arch:arm64",
            "arch:x86_64",
        ] {
            assert_eq!(Demand::from_name(name).unwrap().to_string(), name);
        }
        assert_eq!(Demand::from_name("arch:ARM64"), Demand::from_name("arch:arm64"));
        for name in ["", "arch:", "arch:6502", "arm64", "notarised"] {
            assert_eq!(Demand::from_name(name), None, "{name}");
        }
    }
}
