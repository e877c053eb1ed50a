//! What can be wrong with an archive in ZIP form, and with a member of it.

use thiserror::Error;

/// Why an archive cannot be read. Offsets are in bytes from the start of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ZipError {
    /// There is no end record.
    #[error("the archive has no end of central directory record")]
    NoEnd,
    /// The directory is not where the end record says.
    #[error("the central directory lies outside of the archive")]
    Directory,
    /// Something else stands where an entry should.
    #[error("the central directory is broken at offset {offset}")]
    Entry {
        /// Where.
        offset: u64,
    },
    /// The end record counts other members than there are.
    #[error("the central directory counts {counted} members and has {found}")]
    Count {
        /// What the end record says.
        counted: u64,
        /// What was found.
        found: u64,
    },
    /// More members than are read.
    #[error("the archive has more than {limit} members (archive-members)")]
    TooMany {
        /// The limit.
        limit: u64,
    },
    /// Two members share bytes, or one reaches into the directory.
    #[error(
        "a member at offset {offset} shares bytes with another one or with the directory, which no program for archives writes and Apple's tools refuse"
    )]
    Overlap {
        /// Where the second one starts, or the one that reaches into the directory.
        offset: u64,
    },
}

impl ZipError {
    /// The name of the budget that was reached, if the error is that.
    #[must_use]
    pub fn budget(&self) -> Option<&'static str> {
        matches!(self, Self::TooMany { .. }).then_some("archive-members")
    }
}

/// Why a member cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MemberError {
    /// Its local header is not where the directory says, or its data runs out of the archive.
    #[error("it is not where the central directory says")]
    Place,
    /// A compression that is not supported.
    #[error("compression method {method} is not supported")]
    Method {
        /// The number of the method (APPNOTE 4.4.5).
        method: u16,
    },
    /// It is encrypted.
    #[error("it is encrypted")]
    Encrypted,
    /// The deflated data is broken.
    #[error("its deflated data is broken after {found} of {expected} bytes")]
    Deflate {
        /// The size that the directory says.
        expected: u64,
        /// Bytes that could be inflated.
        found: u64,
    },
    /// The deflated data begins with blocks that hold nothing.
    #[error("its deflated data begins with blocks that hold nothing")]
    SlowStart,
    /// Its contents have another checksum than the directory says.
    #[error("its checksum is {found:08x}, and the central directory says {expected:08x}")]
    Checksum {
        /// The CRC-32 in the directory.
        expected: u32,
        /// The CRC-32 of the contents.
        found: u32,
    },
    /// Other bytes follow its deflated data.
    #[error("{count} other bytes follow its deflated data")]
    Rest {
        /// How many.
        count: u64,
    },
    /// It does not have the size that the directory says.
    #[error(
        "it has {found} bytes, which is another size than the {expected} bytes that the central directory says"
    )]
    Size {
        /// The size in the directory.
        expected: u64,
        /// The size of the contents.
        found: u64,
    },
    /// It is longer than the directory says; how much is not asked.
    #[error("it has another size than the central directory says: it goes on after {expected} bytes")]
    TooLong {
        /// The size in the directory.
        expected: u64,
    },
    /// No stream of its length holds as much as the directory says.
    #[error(
        "it has another size than the central directory says: {compressed} bytes cannot be inflated to {expected}"
    )]
    Impossible {
        /// The size in the directory.
        expected: u64,
        /// The compressed size.
        compressed: u64,
    },
    /// It is larger than what may still be read.
    #[error("its {size} bytes are more than may be read")]
    TooLarge {
        /// Its size.
        size: u64,
    },
}

impl MemberError {
    /// Returns true if the contents are not what the directory says.
    #[must_use]
    pub fn is_damage(self) -> bool {
        matches!(
            self,
            Self::Deflate { .. }
                | Self::Checksum { .. }
                | Self::Rest { .. }
                | Self::Size { .. }
                | Self::TooLong { .. }
                | Self::Impossible { .. }
        )
    }
}
