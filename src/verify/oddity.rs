//! What macOS tolerates but an honest signer never writes ([HARDEN] in the specification, column H of section 12).
//!
//! Facts only: none of them has a status, and none changes the verdict of `codesign`.

use super::SliceEvidence;
use crate::blob::{Slot, SuperBlob};
use crate::codedir::{CodeDirectory, CodeDirectoryFlags};
use crate::macho::Slice;

/// Something odd about a signature or the bundle around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oddity {
    /// An index entry without blob (row 3).
    EmptyEntry {
        /// Its type.
        slot: Slot,
    },
    /// A blob that is shorter than its own header (row 12).
    CutBlob {
        /// Its type.
        slot: Slot,
    },
    /// Two index entries of one type; macOS takes the first, the kernel may take the other (row 4).
    DuplicateEntry {
        /// Their type.
        slot: Slot,
    },
    /// Blobs share bytes (row 5).
    OverlappingBlobs {
        /// The type of the blob that begins inside of another.
        slot: Slot,
    },
    /// Bytes between blobs that belong to none (row 5).
    BytesBetweenBlobs {
        /// How many.
        count: u64,
    },
    /// Bytes other than zero between the end of the SuperBlob and the end of its space (row 7).
    BytesBehindSuperBlob {
        /// How many bytes there are.
        count: u64,
    },
    /// An alternate CodeDirectory that is never looked at, since the one in front of it is missing (row 17).
    UnreachableAlternate {
        /// Its type.
        slot: Slot,
    },
    /// Alternate CodeDirectories, of which the certificate signature says nothing (row 14).
    UnsignedAlternates,
    /// A certificate signature beside the ad-hoc flag, which nobody looks at (row 28).
    IgnoredCertificate,
    /// A platform identifier, which belongs to Apple (row 30).
    PlatformIdentifier {
        /// The identifier.
        platform: u8,
    },
    /// Two different code limits (row 20).
    TwoCodeLimits,
    /// A scatter vector, which macOS ignores (row 21).
    Scatter,
    /// A team identifier that no certificate of Apple's vouches for (row 45).
    UncheckedTeam {
        /// What the code claims.
        team: String,
    },
    /// Slices of different signers (row 51).
    DifferentSigners,
    /// A universal file with 64-bit offsets, which macOS takes for data (row 57).
    Fat64,
    /// A CodeDirectory whose hash type nobody can compute (specification 3.7).
    UnknownHashType {
        /// The number of the hash type.
        hash_type: u8,
    },
    /// An identifier that begins inside of the CodeDirectory's own header (row 27).
    TextInHeader {
        /// Where it begins.
        offset: u32,
    },
    /// `LC_CODE_SIGNATURE` gives the signature no bytes, which macOS takes for "as many as there are" (specification
    /// 1.3).
    NoSignatureSize,
    /// An executable segment that is not `__TEXT` (row 32).
    ExecutableSegment {
        /// Its end as the signature gives it.
        limit: u64,
        /// The length of `__TEXT`.
        text: u64,
    },
    /// A bundle with code that the seal around it takes for data (row 92).
    BundleAsData,
    /// A file in a place that every seal leaves out (rows 67 and 68).
    HidingPlace,
    /// A sealed path that leads out of the bundle (row 105).
    SealedPathEscapes {
        /// The path in the seal.
        sealed: String,
    },
}

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
