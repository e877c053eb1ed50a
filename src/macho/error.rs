//! Why a Mach-O file could not be read.

use thiserror::Error;

/// Why a Mach-O file could not be read. Offsets are in bytes from the start of the slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MachOError {
    /// The file does not start with a Mach-O or universal magic number.
    #[error("not a Mach-O file (magic {magic:#010x})")]
    Magic {
        /// The first four bytes, big-endian.
        magic: u32,
    },
    /// The file ends inside a header.
    #[error("file ends inside its {what}")]
    Truncated {
        /// What could not be read.
        what: &'static str,
    },
    /// The number of architectures is zero or more than Apple's limit of 100.
    #[error("universal header counts {count} architectures")]
    ArchitectureCount {
        /// The count field.
        count: u32,
    },
    /// Two universal entries have the same offset (errSecInternalError on macOS).
    #[error("two slices at the same offset {offset}")]
    SameOffset {
        /// Offset in the file.
        offset: u64,
    },
    /// The number of load commands is not the one that the header gives.
    #[error("the header counts {counted} load commands, and there are {found}")]
    CommandCount {
        /// `ncmds`.
        counted: u32,
        /// How many fit into `sizeofcmds`.
        found: u32,
    },
    /// More load commands than the reader's budget.
    #[error("more than {limit} load commands")]
    TooManyCommands {
        /// The budget.
        limit: u32,
    },
    /// The bytes of the universal header's magic number are swapped, those of its table are not.
    #[error("the magic number of the universal header has its bytes swapped, the table after it does not")]
    SwappedMagic,
    /// A load command is too small, unaligned, or runs past `sizeofcmds`.
    #[error("load command {index} at offset {offset} has size {size}")]
    LoadCommand {
        /// Number of the command.
        index: u32,
        /// Offset in the slice.
        offset: u64,
        /// The `cmdsize` field.
        size: u32,
    },
}

impl MachOError {
    /// Returns true if a budget of ours was reached: macOS would read on.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(self, Self::TooManyCommands { .. })
    }
}
