//! A Mach-O file with all its slices.

use super::{Fat, FatFault, MachOError, Slice};
use crate::octets::u32_be;
use crate::source::View;

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
