//! The slices of a universal file: their order, their layout, and whether they have one signer.
//!
//! Specification 2.3, 2.4 and 2.7.

use super::{CodeObject, Fault, FaultKind, HostArchitecture, Oddity, SignatureKind, SliceEvidence};
use crate::macho::{Architecture, FatFault, MachO, Slice};

/// The layout of a universal file. Where a fault lies in front of a slice, macOS stops to measure, and the lengths of
/// the slices behind it are missed when they are verified (specification 2.4 and 17.3).
pub(super) fn fat_faults(macho: &MachO<'_>, object: &mut CodeObject, path: &str) {
    let Some(fat) = &macho.fat else { return };
    for fault in &fat.faults {
        object.push(FaultKind::Fat(*fault), path.to_owned(), None);
        let at = match fault {
            FatFault::Gap { offset } | FatFault::Overlap { offset } | FatFault::PastEnd { offset } => *offset,
            _ => continue,
        };
        if fat.architectures.iter().any(|entry| entry.offset > at) {
            object.push(FaultKind::UnmeasuredSlices, path.to_owned(), Some(1));
        }
    }
}

/// All signed slices must name the primary slice's team (specification 2.7).
pub(super) fn compare_teams(object: &mut CodeObject, path: &str) {
    let Some((primary, others)) = object.slices.split_first() else {
        return;
    };
    let signed = |slice: &SliceEvidence| slice.signature != SignatureKind::Unsigned && !slice.is_duplicate;
    let mut faults = Vec::new();
    for (index, slice) in (1..).zip(others) {
        if signed(primary) && signed(slice) && slice.team_id_bytes != primary.team_id_bytes {
            let (primary, other) = (primary.team_id.clone(), slice.team_id.clone());
            let kind = FaultKind::TeamDiffersBetweenSlices { primary, other };
            faults.push(Fault {
                kind,
                path: path.to_owned(),
                slice: Some(index),
            });
        }
    }
    object.faults.extend(faults);
}

/// Whether every signed slice is signed by whoever signed the first: the same certificate, or nobody.
pub(super) fn compare_signers(object: &mut CodeObject, path: &str) {
    let signer = |slice: &SliceEvidence| {
        let leaf = slice
            .identity
            .as_ref()
            .and_then(|identity| identity.chain.first());
        (slice.hash_type.is_some(), leaf.map(|leaf| *leaf.sha256()))
    };
    let Some((primary, others)) = object.slices.split_first() else {
        return;
    };
    let first = signer(primary);
    let different: Vec<usize> = (1..)
        .zip(others)
        .filter(|(_, slice)| signer(slice) != first && slice.hash_type.is_some() && first.0)
        .map(|(index, _)| index)
        .collect();
    for index in different {
        object.push(
            FaultKind::Oddity(Oddity::DifferentSigners),
            path.to_owned(),
            Some(index),
        );
    }
}

/// The slice that a name asks for (`Universal::findArch`): of this architecture, else of its family, else of its CPU.
pub(super) fn find_architecture<'m, 'a>(slices: &[&'m Slice<'a>], name: &str) -> Option<&'m Slice<'a>> {
    let find =
        |is_meant: &dyn Fn(Architecture) -> bool| slices.iter().copied().find(|slice| is_meant(slice.entry));
    let named = || find(&|found| found.to_string() == name);
    let wanted = Architecture::from_name(name);
    named().or_else(|| {
        let wanted = wanted?;
        find(&|found| found.cpu_type == wanted.cpu_type && found.subtype_family() == 0)
            .or_else(|| find(&|found| found.cpu_type == wanted.cpu_type))
    })
}

/// The slice that `host` would run first, then the others by architecture (specification 2.3).
pub(super) fn in_order<'m, 'a>(macho: &'m MachO<'a>, host: HostArchitecture) -> Vec<&'m Slice<'a>> {
    let mut slices: Vec<_> = macho.slices.iter().collect();
    // Of arm64e and arm64 the former sorts first, as an Apple silicon host prefers it.
    let preferred = slices
        .iter()
        .map(|slice| slice.entry)
        .filter(|found| host.runs(*found))
        .min();
    let primary = preferred.or_else(|| slices.first().map(|slice| slice.entry));
    slices.sort_by_key(|slice| (Some(slice.entry) != primary, slice.entry));
    slices
}

/// `Mach-O thin (arm64)` or `Mach-O universal (x86_64 arm64)`.
pub(super) fn format(macho: &MachO<'_>) -> String {
    let mut architectures: Vec<Architecture> = macho.slices.iter().map(|slice| slice.entry).collect();
    architectures.sort();
    architectures.dedup();
    let names: Vec<_> = architectures.iter().map(ToString::to_string).collect();
    let word = if macho.fat.is_some() { "universal" } else { "thin" };
    format!("Mach-O {word} ({})", names.join(" "))
}
