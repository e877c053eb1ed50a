//! The CodeDirectory: the table of digests that a signature is made of.
//!
//! Layout and integrity rules of specification 3.1–3.4 (Apple's `codedirectory.h`, `CodeDirectory::checkIntegrity`).
//! Reads every version from 0x20001 to 0x2F000. What is hashed, and whether digests match, is not judged here.

mod flags;
mod header;

pub use flags::{CodeDirectoryFlags, ExecSegmentFlags};
pub use header::{CodeDirectory, CodeDirectoryError, ExecSegment, Linkage, ScatterRange};

use crate::hash::{Digest, HashType};

/// The identity of one CodeDirectory: the digest of all its bytes by its own hash type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CdHash {
    /// The hash type of the CodeDirectory.
    pub hash_type: HashType,
    /// The whole digest (`CandidateCDHashFull`).
    pub full: Digest,
}

impl CdHash {
    /// The first 20 bytes, which is what macOS calls the cdhash.
    #[must_use]
    pub fn truncated(&self) -> Digest {
        self.full.truncated()
    }
}
