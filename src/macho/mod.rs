//! Mach-O files: thin and universal, 32- and 64-bit, both byte orders.
//!
//! A strict walker of our own over goblin's constants (specification 2; Apple's `macho++.cpp`): goblin's parser
//! accepts a `cmdsize` of zero and refuses fat64. It reads what the signature covers and what the rules ask for,
//! never symbols. Structure that macOS tolerates but should not is kept as a fact, not refused.

mod arch;
mod fat;
mod load_command;
mod plan;
mod slice;

pub use arch::Architecture;
pub use fat::{Fat, FatArch, FatFault};
pub use load_command::{BuildVersion, LinkedPath, LinkedPathKind, Segment};
pub use plan::CodePlan;
pub use slice::{FileType, LinkeditData, Slice};

use thiserror::Error;

use crate::octets::{Endian, u32_be};
use crate::source::View;

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

/// Headers that are read on the way to the first slice of a universal file.
const MAX_HEADERS: usize = 3;

/// The file type that macOS goes by: that of the first slice, whatever the others are (`Universal::typeOf`). Nothing where the file
/// is not Mach-O to macOS, such as one with 64-bit offsets.
#[must_use]
pub fn type_of<'a>(file: impl Into<View<'a>>) -> Option<FileType> {
    use goblin::mach::fat::{FAT_CIGAM, FAT_MAGIC};
    use goblin::mach::header;
    let file = file.into();
    let mut at = 0u64;
    for _ in 0..MAX_HEADERS {
        // The length of a header, also of the 64-bit one, of which the last field is not read.
        let head = file.range(at, 28)?;
        let endian = match u32_be(head, 0)? {
            header::MH_MAGIC | header::MH_MAGIC_64 => Endian::Big,
            header::MH_CIGAM | header::MH_CIGAM_64 => Endian::Little,
            FAT_MAGIC | FAT_CIGAM => {
                at = u64::from(u32_be(head, 16)?);
                continue;
            }
            _ => return None,
        };
        return endian.u32(head, 12).map(FileType);
    }
    None
}

/// Returns true if macOS looks for a signature in the file itself (`MachORep::candidate`).
#[must_use]
pub fn is_code<'a>(file: impl Into<View<'a>>) -> bool {
    type_of(file).is_some_and(FileType::is_code)
}

/// Bytes at the start of a file that decide whether it is Mach-O: the table of a universal file with all the slices that macOS accepts.
pub const MACHO_HEAD: usize = 8 + 20 * 100;
/// The lowest version of a Java class file (JDK 1.1), which is where a universal file has the number of its slices. Both begin alike.
const LOWEST_CLASS_VERSION: u32 = 45;

/// Returns true if `file`, all of it, is to be read as Mach-O.
#[must_use]
pub fn is_macho<'a>(file: impl Into<View<'a>>) -> bool {
    let file = file.into();
    begins_as_macho(file.head(MACHO_HEAD), file.len())
}

/// Returns true if the file of `size` bytes that begins with `head` is to be read as Mach-O. Eight bytes are enough unless
/// [`needs_macho_head`] says otherwise; then [`MACHO_HEAD`] bytes are.
///
/// Universal files and Java classes have the same magic number. With fewer than 45 slices, the number decides. With more, the file is
/// universal if every slice in its table is in the file, which the kernel requires (`fatfile_validate_fatarches`).
#[must_use]
pub fn begins_as_macho(head: &[u8], size: u64) -> bool {
    use goblin::mach::fat::{FAT_CIGAM, FAT_MAGIC};
    use goblin::mach::header;
    match u32_be(head, 0) {
        Some(header::MH_MAGIC | header::MH_CIGAM | header::MH_MAGIC_64 | header::MH_CIGAM_64) => true,
        Some(FAT_MAGIC) => match u32_be(head, 4) {
            Some(count) if count >= LOWEST_CLASS_VERSION => has_slices(head, count, size),
            count => count.is_some_and(|count| count > 0),
        },
        // No class file begins so.
        Some(fat::FAT_MAGIC_64) => {
            u32_be(head, 4).is_some_and(|count| (1..=fat::MAX_ARCHITECTURES).contains(&count))
        }
        // With the bytes of its magic number or of its whole header swapped, which no tool writes.
        Some(FAT_CIGAM) => u32_be(head, 4).is_some_and(|count| {
            [count, count.swap_bytes()]
                .iter()
                .any(|count| (1..=fat::MAX_ARCHITECTURES).contains(count))
        }),
        _ => false,
    }
}

/// Returns true if eight bytes do not decide whether the file is Mach-O.
#[must_use]
pub fn needs_macho_head(head: &[u8]) -> bool {
    let count = u32_be(head, 4).filter(|_| u32_be(head, 0) == Some(goblin::mach::fat::FAT_MAGIC));
    count.is_some_and(|count| (LOWEST_CLASS_VERSION..=fat::MAX_ARCHITECTURES).contains(&count))
}

/// Returns true if the table of so many slices is there, and every slice is in the file.
fn has_slices(head: &[u8], count: u32, size: u64) -> bool {
    if count > fat::MAX_ARCHITECTURES {
        return false;
    }
    let end = u64::from(count).saturating_mul(20).saturating_add(8);
    (0..u64::from(count)).all(|index| {
        let at = index.saturating_mul(20).saturating_add(8);
        let field = |offset: u64| u32_be(head, at.saturating_add(offset)).map(u64::from);
        match (field(8), field(12)) {
            (Some(offset), Some(length)) => offset >= end && offset.saturating_add(length) <= size,
            _ => false,
        }
    })
}

/// The file type in the header of the thin file that starts with `head`; `None` for another file.
#[must_use]
pub fn thin_file_type(head: &[u8]) -> Option<FileType> {
    use goblin::mach::header;
    let file_type = match u32_be(head, 0) {
        Some(header::MH_MAGIC | header::MH_MAGIC_64) => u32_be(head, 12),
        Some(header::MH_CIGAM | header::MH_CIGAM_64) => u32_be(head, 12).map(u32::swap_bytes),
        _ => None,
    };
    file_type.map(FileType)
}

/// The bytes of load commands that [`MachO::parse`] goes through, as the headers say: slices may share them, so that they can be
/// many times the file.
#[must_use]
pub fn command_bytes<'a>(file: impl Into<View<'a>>) -> u64 {
    let file = file.into();
    let length = file.len();
    let of_slice = |offset: u64| {
        let header = file.range(offset, 24).unwrap_or_default();
        let field = u32_be(header, 20).unwrap_or_default();
        let is_big = matches!(
            u32_be(header, 0),
            Some(goblin::mach::header::MH_MAGIC | goblin::mach::header::MH_MAGIC_64)
        );
        u64::from(if is_big { field } else { field.swap_bytes() }).min(length)
    };
    let is_fat = file.u32_be(0).is_some_and(Fat::is_magic);
    match Fat::parse(file) {
        Ok(fat) if is_fat => fat
            .architectures
            .iter()
            .fold(0, |sum, entry| sum.saturating_add(of_slice(entry.offset))),
        _ => of_slice(0),
    }
}

/// A Mach-O file with all its slices.
#[derive(Debug, Clone)]
pub struct MachO<'a> {
    /// The universal header, or `None` for a thin file.
    pub fat: Option<Fat>,
    /// The slices, in the order of the file's header; one for a thin file.
    pub slices: Vec<Slice<'a>>,
}

impl<'a> MachO<'a> {
    /// Reads the headers and load commands of every slice of `file`. A slice of a universal file that cannot be read says so itself
    /// ([`Slice::fault`]): macOS reads each when it is its turn.
    ///
    /// # Errors
    /// See [`MachOError`].
    pub fn parse(file: impl Into<View<'a>>) -> Result<Self, MachOError> {
        let file = file.into();
        let magic = file
            .u32_be(0)
            .ok_or(MachOError::Truncated { what: "magic number" })?;
        let length = file.len();
        if !Fat::is_magic(magic) {
            return Ok(Self {
                fat: None,
                slices: vec![Slice::parse(file, 0, length)?],
            });
        }
        let mut fat = Fat::parse(file)?;
        let mut slices = Vec::with_capacity(fat.architectures.len());
        for entry in &fat.architectures {
            let bytes = file.part(entry.offset, entry.size);
            let slice = Slice::parse(bytes, entry.offset, entry.size)
                .unwrap_or_else(|error| Slice::unreadable(bytes, entry.offset, entry.size, error));
            slices.push(Slice {
                entry: entry.architecture,
                ..slice
            });
        }
        for (entry, slice) in fat.architectures.iter().zip(&slices) {
            if slice.fault.is_none() && entry.architecture != slice.architecture {
                fat.faults.push(FatFault::OtherArchitecture {
                    entry: entry.architecture,
                    slice: slice.architecture,
                });
            }
        }
        // Of two slices of one architecture, macOS looks at the first.
        let is_first = |index: usize| {
            let entry = slices.get(index).map(|slice| slice.entry);
            !slices.iter().take(index).any(|other| Some(other.entry) == entry)
        };
        let mut types = (0..)
            .zip(&slices)
            .filter(|(index, slice)| slice.fault.is_none() && is_first(*index))
            .map(|(_, slice)| slice.file_type);
        let first = types.next();
        if types.any(|file_type| Some(file_type) != first) {
            fat.faults.push(FatFault::MixedFileTypes);
        }
        Ok(Self {
            fat: Some(fat),
            slices,
        })
    }
}
