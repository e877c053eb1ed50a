//! Rules about the layout of Mach-O files around their signature (R017 and rows 19, 53–61 of specification 12).

use super::{Check, Family, Rule};
use crate::finding::{Party, Severity};
use crate::macho::{FatFault, MachOError};
use crate::remedy::{SIGN, Step, run};
use crate::verify::{Fault, FaultKind, status_of_cut_off};

const REBUILD: &[Step] = &[Step::Say("build the file again and sign it last"), SIGN];

fn malformed(check: &mut Check<'_>) {
    for object in &check.evidence().code {
        let is_past_end = |fault: &Fault| matches!(fault.kind, FaultKind::Fat(FatFault::PastEnd { .. }));
        let is_cut_off = object.faults.iter().any(is_past_end);
        for fault in object.faults.iter().filter(|fault| fault.limit().is_none()) {
            let message = match fault.kind {
                FaultKind::Fat(FatFault::PastEnd { offset }) => {
                    format!("the file ends before the slice at {offset:#x} does")
                }
                // That says why its slices cannot be read.
                FaultKind::MachO(MachOError::Truncated { .. }) if is_cut_off => continue,
                FaultKind::MachO(error) | FaultKind::Unloadable(error) => error.to_string(),
                _ => continue,
            };
            let finding = check.within(object, &fault.path, message);
            let slice = fault.slice.and_then(|index| object.slices.get(index));
            finding.architecture = slice
                .and_then(|slice| slice.architecture)
                .map(|found| found.to_string());
            finding.status = match fault.kind {
                FaultKind::Fat(FatFault::PastEnd { .. }) => status_of_cut_off(object),
                _ => fault.status(),
            };
            // What verification does not need is refused by others.
            if finding.status.is_none() {
                finding.rejected_by = vec![Party::Dyld];
            }
        }
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "macho-malformed",
        family: Family::Load,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary, Party::Dyld],
        title: "the file starts like Mach-O but cannot be read",
        catalogue: "R214",
        explanation: "The Mach-O header, universal header or load commands are damaged or cut off. No part of macOS runs such a file. Verification of a signature reads only the commands that it needs, so it may accept what the kernel and the dynamic linker refuse.",
        remedy: &[Step::Say(
            "get an undamaged copy of the file; compare its size with the original",
        )],
        check: malformed,
        ..Rule::BASE
    },
    Rule {
        id: "trailing-data-or-misplaced-signature",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "bytes of the executable lie outside the signature",
        catalogue: "R017",
        explanation: "The signature must be the last thing in the slice, and the signed bytes must end where it begins. Data appended after signing (an installer payload, an overlay of a packer) is not covered by the signature, and strict validation refuses it.",
        remedy: REBUILD,
        check: |check| {
            check.each_fault(|fault, _| match fault.kind {
                FaultKind::LinkeditEnd {
                    end: Some(end),
                    length,
                } => Some(format!(
                    "__LINKEDIT ends at {end:#x}, but the slice has {length:#x} bytes"
                )),
                FaultKind::LinkeditEnd { end: None, .. } => {
                    Some("the slice has no __LINKEDIT segment".to_owned())
                }
                FaultKind::CodeLimit { limit, extent } => Some(format!(
                    "the signature covers {limit:#x} bytes, but the code has {extent:#x} bytes before it"
                )),
                FaultKind::BytesAfterSignature { count } => Some(format!(
                    "{count} bytes follow the signature and are not covered by it"
                )),
                FaultKind::SignatureOutsideSlice => {
                    Some("the signature reaches past the end of the slice".to_owned())
                }
                FaultKind::SecondCodeSignature { count } => Some(format!(
                    "{count} LC_CODE_SIGNATURE commands; macOS reads the first, other readers another"
                )),
                _ => None,
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "fat-layout-suspicious",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper],
        title: "the universal file has hidden, overlapping or misplaced parts",
        catalogue: "",
        explanation: "Bytes between or behind the slices of a universal file belong to no architecture and are covered by no signature; duplicate or hidden entries make readers disagree about what the file contains.",
        remedy: &[
            Step::Say("make the universal file again with lipo from signed thin files, then sign it"),
            run!["lipo" "-create" "…" "-output" Code],
            SIGN,
        ],
        check: |check| {
            check.each_fault(|fault, _| match fault.kind {
                FaultKind::Fat(FatFault::Gap { offset }) => Some(format!(
                    "the gap before the slice at {offset:#x} is too large or not filled with zeros"
                )),
                FaultKind::Fat(FatFault::Overlap { offset }) => Some(format!(
                    "the slice at {offset:#x} overlaps what is in front of it"
                )),
                FaultKind::Fat(FatFault::TrailingBytes { count }) => {
                    Some(format!("{count} bytes follow the last slice"))
                }
                FaultKind::Fat(FatFault::MixedFileTypes) => {
                    Some("the slices have different file types".to_owned())
                }
                FaultKind::Fat(FatFault::HiddenEntry) => {
                    Some("an arm64 slice hides behind the declared number of slices".to_owned())
                }
                FaultKind::Fat(FatFault::OtherArchitecture { entry, slice }) => Some(format!(
                    "the universal header says {entry} of a slice for {slice}"
                )),
                FaultKind::Fat(FatFault::Duplicate { architecture }) => Some(format!(
                    "two slices are for {architecture}; macOS verifies only one of them"
                )),
                _ => None,
            });
        },
        ..Rule::BASE
    },
];
