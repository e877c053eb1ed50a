//! Finds what is odd about a signature that macOS tolerates: see [`Oddity`].

use super::{Oddity, SliceEvidence};
use crate::blob::{Slot, SuperBlob};
use crate::codedir::{CodeDirectory, CodeDirectoryFlags};
use crate::macho::Slice;

/// What is odd about the index of a SuperBlob and the space behind it.
pub(super) fn of_superblob(superblob: &SuperBlob<'_>, space: &[u8]) -> Vec<Oddity> {
    let (empty, mut entries): (Vec<_>, Vec<_>) = superblob
        .entries()
        .iter()
        .copied()
        .partition(|entry| entry.is_empty());
    let mut found: Vec<Oddity> = empty
        .iter()
        .map(|entry| Oddity::EmptyEntry { slot: entry.slot })
        .collect();
    let cut = entries.iter().filter(|entry| entry.is_cut());
    found.extend(cut.map(|entry| Oddity::CutBlob { slot: entry.slot }));
    entries.sort_by_key(|entry| entry.offset);
    let mut slots: Vec<_> = superblob.entries().iter().map(|entry| entry.slot).collect();
    slots.sort();
    for pair in slots.windows(2) {
        if let [one, other] = pair
            && one == other
        {
            found.push(Oddity::DuplicateEntry { slot: *one });
        }
    }
    let length = |data: &[u8]| u64::try_from(data.len()).unwrap_or(u64::MAX);
    let mut end: Option<u64> = None;
    for entry in &entries {
        let start = u64::from(entry.offset);
        match end {
            Some(end) if start < end => found.push(Oddity::OverlappingBlobs { slot: entry.slot }),
            Some(end) if start > end => found.push(Oddity::BytesBetweenBlobs {
                count: start.saturating_sub(end),
            }),
            _ => {}
        }
        end = Some(
            start
                .saturating_add(length(entry.data))
                .max(end.unwrap_or_default()),
        );
    }
    let behind = space.get(superblob.data().len()..).unwrap_or_default();
    if behind.iter().any(|byte| *byte != 0) {
        found.push(Oddity::BytesBehindSuperBlob {
            count: length(behind),
        });
    }
    let has = |number: u32| superblob.find(Slot(number)).is_some();
    let first = Slot::ALTERNATE_CODE_DIRECTORY.0;
    let mut is_gap = false;
    for number in (0..Slot::MAX_ALTERNATES).map(|number| first.saturating_add(number)) {
        if is_gap && has(number) {
            found.push(Oddity::UnreachableAlternate { slot: Slot(number) });
        }
        is_gap |= !has(number);
    }
    found
}

/// What is odd about the CodeDirectories and who signed them.
pub(super) fn of_directories(
    facts: &SliceEvidence,
    best: &CodeDirectory<'_>,
    directories: &[CodeDirectory<'_>],
    has_ignored_certificate: bool,
) -> Vec<Oddity> {
    let mut found = Vec::new();
    if has_ignored_certificate {
        found.push(Oddity::IgnoredCertificate);
    }
    let unknown = directories
        .iter()
        .filter(|directory| directory.hash_type().is_none());
    found.extend(unknown.map(|directory| Oddity::UnknownHashType {
        hash_type: directory.hash_type_raw,
    }));
    let header = header_length(best.version);
    // A team identifier at offset zero is none.
    let team = Some(best.team_offset).filter(|offset| *offset != 0);
    let texts = std::iter::once(best.identifier_offset).chain(team);
    let inside = texts.filter(|offset| *offset < header);
    found.extend(inside.map(|offset| Oddity::TextInHeader { offset }));
    if !best.scatter.is_empty() {
        found.push(Oddity::Scatter);
    }
    // Code of 4 GiB and more has the largest number, or nothing, in the narrow field.
    let narrow = best.code_limit32;
    if u64::from(narrow) != best.code_limit && !matches!(narrow, 0 | u32::MAX) {
        found.push(Oddity::TwoCodeLimits);
    }
    let identity = facts.identity.as_ref();
    if directories.len() > 1 && identity.is_some_and(|found| !found.has_hash_agility) {
        found.push(Oddity::UnsignedAlternates);
    }
    let is_apples = identity.is_some_and(|found| found.kind == crate::trust::CertificateKind::AppleSoftware);
    if best.platform != 0 && !is_apples {
        found.push(Oddity::PlatformIdentifier {
            platform: best.platform,
        });
    }
    if let (Some(identity), Some(team)) = (identity, &facts.team_id)
        && !identity.is_apple()
    {
        found.push(Oddity::UncheckedTeam { team: team.clone() });
    }
    found
}

/// Length of the fixed part of a CodeDirectory, by its version (specification 3.1).
fn header_length(version: u32) -> u32 {
    match version {
        0x20600.. => 108,
        0x20500.. => 96,
        0x20400.. => 88,
        0x20300.. => 64,
        0x20200.. => 52,
        0x20100.. => 48,
        _ => 44,
    }
}

/// Whether the executable segment is `__TEXT`. Signers that know none leave it empty, and linkers write numbers of
/// their own.
pub(super) fn of_segments(slice: &Slice<'_>, best: &CodeDirectory<'_>) -> Option<Oddity> {
    if best.flags.contains(CodeDirectoryFlags::LINKER_SIGNED) {
        return None;
    }
    let segment = best.exec_segment.filter(|segment| segment.limit != 0)?;
    let text = slice.segments.iter().find(|found| found.name == "__TEXT")?;
    let is_same = segment.base == text.file_offset && segment.limit == text.file_size;
    (!is_same).then_some(Oddity::ExecutableSegment {
        limit: segment.limit,
        text: text.file_size,
    })
}
