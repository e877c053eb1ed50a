//! Rules about notarization tickets (R170–R177, R181, R183).
//!
//! A ticket proves that code is notarized; that there is none proves nothing, since Apple's servers may hold one. So
//! these rules speak of what is stapled, never of what is notarized. Revocation (R182) only those servers know; disk
//! images, packages and archives (R178–R180) are not read yet.

use super::{Check, Family, Rule, Scope};
use crate::finding::{Finding, Party, Severity, Target};
use crate::hash::HashType;
use crate::remedy::{Condition, SIGN, Step, run};
use crate::ticket::Ticket;
use crate::trust::CertificateKind;
use crate::verify::{
    CodeKind, CodeObject, Coverage, SliceEvidence, TicketEvidence, TicketOrigin, TicketProblem,
    ticket_coverage,
};

const NOTARIZE: &[Step] = &[
    Step::Say("notarize exactly what is shipped, then staple"),
    Step::Notarize,
];
const STAPLE_AGAIN: &[Step] = &[
    Step::Say("remove the ticket, then notarize and staple again"),
    Step::If(Condition::Knows("TICKET"), &[run!["rm" (Value "TICKET")]], &[]),
    Step::Notarize,
];
const REFERENCE: &str =
    "https://developer.apple.com/documentation/security/customizing-the-notarization-workflow";
/// Seconds by which the clocks of Apple's timestamp authority and notary service may differ.
const CLOCK_DIFFERENCE: i64 = 300;
/// Seconds after signing from which a ticket is late: 30 days (catalogue R176).
const LATE: i64 = 30 * 86_400;

/// Signatures that can be in no ticket: whose certificate is the wrong one says it already.
const WRONG_SIGNER: &[&str] = &[
    "linker-signed-bundle",
    "adhoc-signed",
    "development-signed",
    "app-store-distribution-signed",
    "ios-or-enterprise-signed",
    "installer-and-application-certificates-swapped",
    "certificate-name-forged",
    "self-signed",
    "not-developer-id",
    "cms-signature-invalid",
];

/// Whether the item is signed with a Developer ID, so that somebody is to notarize it.
fn is_developer_id(check: &Check<'_>) -> bool {
    let item = check.evidence().code.first();
    let primary = item.and_then(|item| item.slices.first());
    primary
        .and_then(|slice| slice.identity.as_ref())
        .is_some_and(|identity| {
            matches!(
                identity.kind,
                CertificateKind::DeveloperIdApplication | CertificateKind::DeveloperIdKext
            )
        })
}

/// For a property list at the place of the ticket.
const NO_TICKET: &str = "This file is a property list, which macOS ignores, as if nothing were stapled: it asks Apple's servers when the item is first opened. Usually somebody copied the seal, which has the same name, out of _CodeSignature.";
/// For the ticket of nested code.
const OF_NESTED_CODE: &str = "macOS asks for the ticket of the item that is opened, which counts for all code in it. It does not read tickets of nested code, so a damaged one has no effect here. If the nested code is also shipped by itself, it needs a ticket that can be read.";

/// Whether the ticket is meant for the item itself: attached to it, or supplied for it.
fn is_for_item(ticket: &TicketEvidence) -> bool {
    ticket.owner.as_deref().is_none_or(str::is_empty)
}

/// Where a finding about a ticket stands; the name of one that lies elsewhere stands in the message.
fn place(ticket: &TicketEvidence) -> (&str, String) {
    match ticket.origin {
        TicketOrigin::Supplied => ("", format!("{}: ", ticket.path)),
        TicketOrigin::Stapled | TicketOrigin::Embedded => (&ticket.path, String::new()),
    }
}

/// Reports a ticket. One that belongs to nested code is ignored by macOS, and the item's own counts for all of it.
fn report<'c>(
    check: &'c mut Check<'_>,
    ticket: &TicketEvidence,
    severity: Severity,
    message: &str,
) -> &'c mut Finding {
    let (path, name) = place(ticket);
    let finding = check.file(path, format!("{name}{message}"));
    if ticket.origin == TicketOrigin::Stapled {
        finding.facts.path("TICKET", path);
    }
    finding.severity = if is_for_item(ticket) {
        severity
    } else {
        severity.min(Severity::Warning)
    };
    finding
}

/// Visits every slice that Gatekeeper looks at, with what the valid tickets say about it, where there is a ticket for
/// the item that could say something.
fn each_slice(
    check: &mut Check<'_>,
    mut visit: impl FnMut(&mut Check<'_>, usize, &CodeObject, &SliceEvidence, Coverage),
) {
    let evidence = check.evidence();
    let could_cover =
        |ticket: &TicketEvidence| is_for_item(ticket) && (ticket.valid().is_some() || ticket.is_unknown());
    if !evidence.tickets.iter().any(could_cover) {
        return;
    }
    let coverage = ticket_coverage(&evidence.code, &evidence.tickets);
    for (index, (object, coverage)) in evidence.code.iter().zip(coverage).enumerate() {
        for (number, (slice, coverage)) in object.slices.iter().zip(coverage).enumerate() {
            if object.is_assessed(number) {
                visit(check, index, object, slice, coverage);
            }
        }
    }
}

/// Reports slices that no ticket lists, of the item or of what is nested in it.
fn uncovered(check: &mut Check<'_>, is_wanted: fn(usize) -> bool, message: &str) {
    each_slice(check, |check, index, object, slice, coverage| match coverage {
        _ if !is_wanted(index) => {}
        Coverage::NotCovered => {
            // The item is what is notarized and stapled, whatever was left out.
            let finding = check.file(&object.main_path(), message);
            finding.code.clone_from(&object.path);
            finding.architecture = slice.architecture.map(|found| found.to_string());
        }
        Coverage::CannotJudge => {
            check.unknown(
                &object.main_path(),
                "a ticket is of a kind that is not known here",
            );
        }
        Coverage::Covered | Coverage::NotNeeded | Coverage::Unsigned => {}
    });
}

fn has_uncovered(check: &Check<'_>) -> bool {
    let evidence = check.evidence();
    ticket_coverage(&evidence.code, &evidence.tickets)
        .into_iter()
        .flatten()
        .any(|coverage| coverage == Coverage::NotCovered)
}

/// Records of the ticket that are about no code of the item. What those of an unknown type are about is not known.
fn foreign_records(check: &Check<'_>, ticket: &Ticket) -> usize {
    let slices = check.evidence().code.iter().flat_map(|object| &object.slices);
    let mut known: Vec<(u8, Vec<u8>)> = slices
        .flat_map(|slice| &slice.cdhashes)
        .map(|cdhash| (cdhash.hash_type.raw(), cdhash.truncated().as_bytes().to_vec()))
        .collect();
    known.sort_unstable();
    let is_known = |hash_type: u8, hash: &[u8]| {
        known
            .binary_search_by(|(known_type, known)| (*known_type, known.as_slice()).cmp(&(hash_type, hash)))
            .is_ok()
    };
    ticket
        .records
        .iter()
        .filter(|record| HashType::from_raw(record.hash_type).is_some())
        .filter(|record| !is_known(record.hash_type, &record.hash))
        .count()
}

/// The newest timestamp of code that the ticket lists.
fn newest_timestamp(check: &Check<'_>, ticket: &TicketEvidence) -> Option<i64> {
    let slices = check.evidence().code.iter().flat_map(|object| &object.slices);
    slices
        .filter(|slice| ticket.coverage(slice) == Coverage::Covered)
        .filter_map(|slice| Some(slice.identity.as_ref()?.timestamp.as_ref()?.time.0))
        .max()
}

fn check_time(check: &mut Check<'_>, evidence: &TicketEvidence, ticket: &Ticket) {
    let now = check.evidence().at;
    let issued = ticket.time;
    if issued > now {
        report(
            check,
            evidence,
            Severity::Warning,
            &format!("the ticket is of {issued}, which is after {now}"),
        );
    }
    let Some(signed) = newest_timestamp(check, evidence) else {
        return;
    };
    let after = issued.0.saturating_sub(signed);
    if after < -CLOCK_DIFFERENCE {
        let signed = crate::time::UnixTime(signed);
        report(
            check,
            evidence,
            Severity::Warning,
            &format!("the ticket is of {issued}, but lists code that was signed only at {signed}"),
        );
    } else if after > LATE {
        let days = after / 86_400;
        report(
            check,
            evidence,
            Severity::Note,
            &format!("notarized {days} days after the code was signed"),
        );
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ticket-missing",
        family: Family::Ticket,
        severity: Severity::Warning,
        targets: &[Target::DeveloperId],
        title: "no notarization ticket is stapled",
        catalogue: "R170, R180",
        explanation: "Whether the item is notarized only Apple's servers know now. A Mac asks them when the item is first opened; without network it refuses. A stapled ticket answers on the spot, on any Mac. An archive in ZIP form can be notarized and cannot carry a ticket: staple what is in it, then pack it again.",
        remedy: &[
            Step::Say("notarize it and staple the ticket; if it is notarized already, only staple"),
            Step::Notarize,
        ],
        apple: "syspolicy_check: \"A Notarization ticket is not stapled to this application.\"",
        reference: REFERENCE,
        check: |check| {
            let evidence = check.evidence();
            let Some(item) = evidence.code.first() else { return };
            // The stapler takes bundles with an executable; code that does not verify has other troubles.
            let is_bundle = matches!(item.kind, CodeKind::Bundle(_))
                && item
                    .slices
                    .first()
                    .is_some_and(|slice| slice.architecture.is_some());
            let is_stapled = evidence
                .tickets
                .iter()
                .any(|ticket| ticket.owner.as_deref() == Some(""));
            if is_bundle && !is_stapled && is_developer_id(check) && evidence.is_sound() {
                let message = match evidence.container {
                    Some(_) => {
                        "not stapled, and an archive cannot be: the first launch needs Apple's servers"
                    }
                    None => "not stapled: the first launch needs Apple's servers",
                };
                let is_listed = item.assessed_slices().all(|slice| slice.notarized == Some(true));
                let finding = check.file("", message);
                if is_listed {
                    // A ticket at hand says that it is notarized; that of an installer package is registered with what it installs.
                    "not stapled, but a ticket at hand lists it".clone_into(&mut finding.message);
                    finding.severity = Severity::Note;
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "ticket-malformed",
        family: Family::Ticket,
        rejected_by: &[Party::Gatekeeper],
        title: "the notarization ticket is damaged",
        catalogue: "R171",
        explanation: "macOS cannot read this ticket, so Gatekeeper takes the item for Unnotarized Developer ID until Apple's servers say otherwise, and refuses it on a Mac without a network. The product was stapled so that this does not happen, so the release is broken. Tickets are binary files that must be copied byte by byte; a step that edits the bundle after stapling may have cut it or changed its line ends.",
        remedy: STAPLE_AGAIN,
        apple: "stapler: error 65; the log of syspolicyd: \"Unable to parse ticket\"",
        reference: REFERENCE,
        check: |check| {
            for ticket in &check.evidence().tickets {
                let problem = match &ticket.ticket {
                    Err(problem) if !ticket.is_unknown() => problem,
                    Err(problem @ (TicketProblem::Unreadable(_) | TicketProblem::TooMany { .. })) => {
                        check.unknown(place(ticket).0, problem.to_string());
                        continue;
                    }
                    _ => continue,
                };
                let is_list = matches!(problem, TicketProblem::Format(error) if error.is_property_list());
                let finding = if is_list {
                    let message = "a property list where a ticket belongs: probably a copy of _CodeSignature/CodeResources";
                    report(check, ticket, Severity::Warning, message)
                } else {
                    report(check, ticket, Severity::Error, &problem.to_string())
                };
                if !is_for_item(ticket) {
                    finding.explanation = OF_NESTED_CODE;
                } else if is_list {
                    finding.explanation = NO_TICKET;
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "ticket-signature-invalid",
        family: Family::Ticket,
        rejected_by: &[Party::Gatekeeper],
        title: "the notarization ticket is not from Apple, or was changed",
        catalogue: "R172",
        explanation: "Tickets are signed by Apple's notary service, over every byte, with a certificate whose chain ends in a root of Apple's. This one is not: it was damaged or made by somebody else, whatever names stand in it. The age of the certificate does not matter; it is judged at the time of the ticket.",
        remedy: STAPLE_AGAIN,
        reference: REFERENCE,
        check: |check| {
            for ticket in &check.evidence().tickets {
                let faults: Vec<String> = ticket.faults().iter().map(ToString::to_string).collect();
                if !faults.is_empty() {
                    report(check, ticket, Severity::Error, &faults.join("; "));
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "ticket-does-not-cover-main",
        family: Family::Ticket,
        rejected_by: &[Party::Gatekeeper],
        targets: &[Target::DeveloperId],
        title: "the notarization ticket belongs to another version of this code",
        catalogue: "R173",
        explanation: "A ticket lists the cdhash of every architecture that was notarized. The main executable is not among them, so it was signed again after notarization, or the ticket comes from another build. Unless Apple's servers hold a ticket for this very code, Gatekeeper rejects it as Unnotarized Developer ID.",
        remedy: NOTARIZE,
        apple: "spctl: \"rejected, source=Unnotarized Developer ID\"",
        reference: REFERENCE,
        follows_from: WRONG_SIGNER,
        check: |check| uncovered(check, |index| index == 0, "the ticket does not list this code"),
        ..Rule::BASE
    },
    Rule {
        id: "ticket-does-not-cover-nested",
        family: Family::Ticket,
        rejected_by: &[Party::Gatekeeper],
        targets: &[Target::DeveloperId],
        title: "the notarization ticket does not list all nested code",
        catalogue: "R174",
        explanation: "Gatekeeper assesses every piece of code by its own cdhash when it is loaded for the first time after download. This code was added or signed again after notarization. Unless Apple's servers hold a ticket for it, it is blocked, and with it what needs it.",
        remedy: NOTARIZE,
        apple: "\"library load disallowed by system policy\"",
        reference: REFERENCE,
        follows_from: WRONG_SIGNER,
        check: |check| {
            uncovered(
                check,
                |index| index > 0,
                "the ticket does not list this nested code",
            )
        },
        ..Rule::BASE
    },
    Rule {
        id: "ticket-extra-records",
        family: Family::Ticket,
        severity: Severity::Note,
        title: "the notarization ticket lists code that is not here",
        catalogue: "R175",
        explanation: "The ticket covers everything in this item, and more: code or architectures were removed after notarization, or the code lies in an archive that is not looked into. It does no harm.",
        remedy: &[
            Step::Say(
                "nothing has to be done; if code is missing that should be there, compare with the log",
            ),
            run!["xcrun" "notarytool" "log" (Value "SUBMISSION-ID")],
        ],
        scope: Scope::Item,
        check: |check| {
            if has_uncovered(check) {
                return;
            }
            for evidence in &check.evidence().tickets {
                let is_stapled = evidence.owner.as_deref() == Some("");
                let Some(ticket) = evidence.valid().filter(|_| is_stapled) else {
                    continue;
                };
                let foreign = foreign_records(check, ticket);
                if foreign > 0 {
                    let message = format!(
                        "{foreign} of {} records are about code that is not here",
                        ticket.records.len()
                    );
                    report(check, evidence, Severity::Note, &message);
                }
            }
        },
        // The records are about the code that cannot be read.
        follows_from: &["macho-malformed"],
        ..Rule::BASE
    },
    Rule {
        id: "ticket-time",
        family: Family::Ticket,
        severity: Severity::Warning,
        title: "the time of the notarization ticket does not fit that of the code",
        catalogue: "R176",
        explanation: "Code is signed, then notarized. A ticket that is older than the timestamp of code that it lists cannot come from that order of events. One that is much younger is merely unusual, and one from the future means that a clock is wrong.",
        remedy: NOTARIZE,
        scope: Scope::Item,
        check: |check| {
            for evidence in &check.evidence().tickets {
                if let Some(ticket) = evidence.valid() {
                    check_time(check, evidence, ticket);
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "ticket-flags-unknown",
        family: Family::Ticket,
        severity: Severity::Note,
        title: "the notarization ticket is of a kind that is not known here",
        catalogue: "R177",
        explanation: "Apple does not publish the layout of tickets. This one has a version, a flag or a kind of record that was never seen when this program was written; a Mac may well understand it. Nothing is concluded from it.",
        remedy: &[
            Step::Say("ask a Mac"),
            run!["xcrun" "stapler" "validate" "-v" Code],
        ],
        check: |check| {
            for evidence in &check.evidence().tickets {
                match &evidence.ticket {
                    Err(TicketProblem::Format(error)) if error.is_unknown_kind() => {
                        report(check, evidence, Severity::Note, &error.to_string());
                    }
                    Ok(ticket) => {
                        let flags = ticket.flags;
                        if !Ticket::KNOWN_FLAGS.contains(&flags) {
                            let message = format!("the ticket has flags {flags:#x}, where 0 and 2 are known");
                            report(check, evidence, Severity::Note, &message);
                        }
                        if ticket.has_unknown_hash_type() {
                            let message = "the ticket has records of an unknown hash type";
                            report(check, evidence, Severity::Note, message);
                        }
                    }
                    Err(_) => {}
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "tool-cannot-be-stapled",
        family: Family::Ticket,
        severity: Severity::Note,
        targets: &[Target::DeveloperId],
        title: "no ticket can be stapled to a bare Mach-O file",
        catalogue: "R181",
        explanation: "The stapler takes apps, other bundles, disk images and installer packages. A tool or library by itself is notarized like any code, but every Mac has to ask Apple's servers about it.",
        remedy: &[
            Step::Say(
                "for Macs without network, ship it in a disk image or signed installer package and staple that; on a Mac, ask with",
            ),
            run!["codesign" "--verify" "--check-notarization" "-R=notarized" Code],
        ],
        reference: REFERENCE,
        check: |check| {
            let evidence = check.evidence();
            let Some(item) = evidence.code.first() else { return };
            let is_known = item.assessed_slices().all(|slice| slice.notarized.is_some());
            if item.kind == CodeKind::MachO && !is_known && is_developer_id(check) && evidence.is_sound() {
                check.file(
                    "",
                    "nothing can be stapled to it: Macs have to ask Apple's servers",
                );
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "ticket-in-seal",
        family: Family::Ticket,
        severity: Severity::Warning,
        title: "the seal lists the place of the notarization ticket",
        catalogue: "R183",
        explanation: "The ticket is stapled after signing, so no seal may know it; macOS leaves its place out when it holds the bundle against the seal, and misses the file then. Apple's signer never lists it. Another tool signed a bundle that had a ticket already.",
        remedy: &[
            Step::Say("remove the ticket, sign with Apple's codesign, then notarize and staple"),
            run!["rm" (Support "CodeResources")],
            SIGN,
            Step::Notarize,
        ],
        check: |check| {
            for object in &check.evidence().code {
                if object.seal.as_ref().is_some_and(|seal| seal.lists_ticket) {
                    check.object(object, "the seal lists CodeResources, where the ticket lies");
                }
            }
        },
        ..Rule::BASE
    },
];
