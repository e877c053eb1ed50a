//! What macOS tolerates but an honest signer never writes ([HARDEN] in the specification, column H of section 12).
//!
//! Facts only: none of them has a status, and none changes the verdict of `codesign`.

use super::SliceEvidence;
use crate::blob::{Slot, SuperBlob};
use crate::codedir::CodeDirectory;

/// Something odd about a signature or the bundle around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oddity {
    /// An index entry without blob (row 3).
    EmptyEntry {
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
    let mut found: Vec<Oddity> = superblob
        .empty_entries()
        .iter()
        .map(|slot| Oddity::EmptyEntry { slot: *slot })
        .collect();
    let mut entries = superblob.entries().to_vec();
    entries.sort_by_key(|entry| entry.offset);
    let mut slots: Vec<_> = entries.iter().map(|entry| entry.slot).collect();
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
