//! What macOS tolerates but an honest signer never writes ([HARDEN] in the specification, column H of section 12).
//!
//! Facts only: none of them has a status, and none changes the verdict of `codesign`.

use crate::blob::Slot;

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
