//! Rules about secure timestamps (R071–R074, R076).
//!
//! Why a token does not count is found out in `trust`; here each cause gets its own repair. Times are compared only
//! where both are proven by a token.

use super::{Family, Rule, Scope};
use crate::finding::{Party, Severity};
use crate::remedy::{SIGN, Step};
use crate::time::UnixTime;
use crate::trust::{IdentityFault, PathProblem, TimestampFault};
use crate::verify::{CodeObject, FaultKind, Nesting, SliceEvidence};

const STAMP_AGAIN: &[Step] = &[
    Step::Say("sign again with a connection to Apple's timestamp service"),
    SIGN,
];

/// One day, in seconds: clocks of build machines are wrong by hours, not by more (catalogue R073, R074).
const DAY: i64 = 86_400;
/// Clocks of several timestamp servers may differ by this much, in seconds.
const SERVERS_DIFFER: i64 = 60;

/// Whether the authority's certificate was not valid at the time that it stamped.
fn is_out_of_range(fault: &TimestampFault) -> bool {
    matches!(fault, TimestampFault::Path(found) if found.problem == PathProblem::Expired)
}

/// Time of the token, if it counts.
fn stamped(slice: &SliceEvidence) -> Option<UnixTime> {
    Some(slice.identity.as_ref()?.timestamp.as_ref()?.time)
}

fn is_later(time: UnixTime, than: UnixTime, by: i64) -> bool {
    time.0 > than.0.saturating_add(by)
}

const fn about_timestamps() -> Rule {
    Rule {
        family: Family::Time,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        remedy: STAMP_AGAIN,
        ..Rule::BASE
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "timestamp-invalid",
        title: "the secure timestamp is not valid",
        catalogue: "R071",
        explanation: "A secure timestamp proves when code was signed. One that is damaged, belongs to another signature, or lacks its authority's certificate makes the whole signature invalid.",
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::Identity(IdentityFault::Timestamp(found)) if !is_out_of_range(found) => {
                    Some(found.to_string())
                }
                _ => None,
            });
        },
        ..about_timestamps()
    },
    Rule {
        id: "timestamp-foreign-tsa",
        title: "the secure timestamp is not from Apple",
        catalogue: "R072",
        explanation: "Beside a certificate that Apple issued, macOS accepts timestamps of Apple's own authority only (timestamp.apple.com). A token of another authority, however sound, makes the signature invalid. Signing tools other than codesign can be told which authority to ask.",
        remedy: &[
            Step::Say(
                "sign again with Apple's timestamp service (rcodesign: --timestamp-url http://timestamp.apple.com/ts01)",
            ),
            SIGN,
        ],
        check: |check| {
            check.each_fault(|fault, slice| match &fault.kind {
                FaultKind::Identity(found @ IdentityFault::TimestampNotApple) => {
                    let identity = slice.and_then(|slice| slice.identity.as_ref());
                    let timestamp = identity.and_then(|identity| identity.timestamp.as_ref());
                    let authority = timestamp.and_then(|timestamp| timestamp.chain.first());
                    Some(match authority {
                        Some(authority) => format!("{found}: it is from \"{}\"", authority.summary()),
                        None => found.to_string(),
                    })
                }
                _ => None,
            });
        },
        ..about_timestamps()
    },
    Rule {
        id: "timestamp-out-of-range",
        title: "the secure timestamp names a time that cannot be",
        catalogue: "R073",
        explanation: "The time in a token lies within the validity of the authority's certificate, and not in the future. A token outside of that validity makes the signature invalid. One from the future counts for codesign; either the clock here is wrong, or the authority's is.",
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::Identity(IdentityFault::Timestamp(found)) if is_out_of_range(found) => {
                    Some(found.to_string())
                }
                _ => None,
            });
            let now = check.evidence().at;
            for object in &check.evidence().code {
                for slice in &object.slices {
                    if let Some(time) = stamped(slice).filter(|time| is_later(*time, now, DAY)) {
                        let message = format!("stamped {time}, which is later than {now}");
                        let finding = check.slice(object, slice, message);
                        finding.severity = Severity::Warning;
                        finding.rejected_by = Vec::new();
                    }
                }
            }
        },
        ..about_timestamps()
    },
    Rule {
        id: "signing-time-vs-timestamp",
        severity: Severity::Note,
        rejected_by: &[],
        title: "the signer's clock and the timestamp differ by more than a day",
        catalogue: "R074",
        explanation: "The signature names the time by the signing machine's clock, the token the time by the authority's. macOS believes the token. A difference of days means that the clock was wrong, or that the token was added later.",
        remedy: &[
            Step::Say("set the signing machine's clock, then sign again"),
            SIGN,
        ],
        check: |check| {
            for object in &check.evidence().code {
                for slice in &object.slices {
                    let claimed = slice.identity.as_ref().and_then(|identity| identity.signing_time);
                    if let (Some(claimed), Some(time)) = (claimed, stamped(slice))
                        && (is_later(claimed, time, DAY) || is_later(time, claimed, DAY))
                    {
                        let message = format!("signed {claimed} by the signer's clock, stamped {time}");
                        check.slice(object, slice, message);
                    }
                }
            }
        },
        ..about_timestamps()
    },
    Rule {
        id: "mixed-signing-times",
        severity: Severity::Warning,
        rejected_by: &[],
        title: "nested code was signed after the code around it",
        catalogue: "R076",
        explanation: "Code is signed from the inside out, so that the outer seal covers what is inside as it is delivered. Nested code with a later timestamp was signed again, or exchanged, after that. The seal holds only where it asks for no more than the nested code's requirement.",
        remedy: &[
            Step::Say("sign again from the inside out, the outermost bundle last"),
            SIGN,
        ],
        scope: Scope::Item,
        check: |check| {
            let code = &check.evidence().code;
            for object in code.iter().filter(|object| object.nesting == Nesting::Sealed) {
                let parent = object.parent.and_then(|index| code.get(index));
                let Some((inner, outer)) = parent.and_then(|parent| Some((newest(object)?, newest(parent)?)))
                else {
                    continue;
                };
                if is_later(inner, outer, SERVERS_DIFFER) {
                    check.object(
                        object,
                        format!("stamped {inner}, the code around it already {outer}"),
                    );
                }
            }
        },
        ..about_timestamps()
    },
];

/// The time of the last token of all architectures; of none where not all have one.
fn newest(object: &CodeObject) -> Option<UnixTime> {
    let times: Option<Vec<_>> = object.slices.iter().map(stamped).collect();
    times?.into_iter().max_by_key(|time| time.0)
}
