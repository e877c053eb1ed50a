//! The universal ("fat") header and the layout of its slices.
//!
//! Specification 2.2 and 2.4 (`Universal::Universal` in Apple's `macho++.cpp`). Entries are 20 bytes, or 32 for
//! fat64, which Apple's verifier does not take for Mach-O at all. A magic number whose bytes are swapped counts like the usual one,
//! and the table after it is read in network order all the same; where its numbers are swapped as well, they lead nowhere
//! (`type_of`). Both are read here so that their slices can be shown.

use goblin::mach::fat::{FAT_CIGAM, FAT_MAGIC};

use super::head::{FAT_MAGIC_64, MAX_ARCHITECTURES};
use super::{Architecture, MachOError, type_of};
use crate::octets::Endian;
use crate::source::View;

const FAT_CIGAM_64: u32 = 0xbfba_feca;
const CPU_TYPE_ARM64: u32 = 0x0100_000c;

/// One entry of the universal header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FatArch {
    /// The entry's own CPU type and subtype.
    pub architecture: Architecture,
    /// Offset of the slice in the file, in bytes.
    pub offset: u64,
    /// Length of the slice in bytes.
    pub size: u64,
    /// Logarithm of the alignment.
    pub align: u32,
}

/// A fault in the layout that macOS calls suspicious (`Universal::isSuspicious`), or that hides a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FatFault {
    /// The gap before the slice at this offset is not filled with zeros, or too large.
    Gap {
        /// Offset of the slice after the gap.
        offset: u64,
    },
    /// The slice at this offset begins before the one in front of it ends.
    Overlap {
        /// Offset of the slice.
        offset: u64,
    },
    /// The file goes on after the last slice.
    TrailingBytes {
        /// How many bytes follow.
        count: u64,
    },
    /// The file ends before the slice at this offset does.
    PastEnd {
        /// Offset of the slice.
        offset: u64,
    },
    /// The slices have different file types (`Universal::make`).
    MixedFileTypes,
    /// An arm64 entry stands behind the declared number of entries; macOS counts it as one more.
    HiddenEntry,
    /// Two entries name the same architecture; macOS looks at one of them only.
    Duplicate {
        /// The architecture.
        architecture: Architecture,
    },
    /// The entry names another architecture than the header of its slice. No signature covers the entry, and macOS
    /// chooses slices by it.
    OtherArchitecture {
        /// In the entry.
        entry: Architecture,
        /// In the slice.
        slice: Architecture,
    },
}

/// A universal header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fat {
    /// Entries in file order, a hidden one last.
    pub architectures: Vec<FatArch>,
    /// Faults in the layout, in the order of the file.
    pub faults: Vec<FatFault>,
    /// Whether offsets are 64-bit; `codesign` takes such a file for unsigned generic data.
    pub is_fat64: bool,
    /// Whether the magic number has its bytes swapped; the kernel does not run such a file.
    pub has_swapped_magic: bool,
}

impl Fat {
    /// Whether `magic`, the first four bytes in big-endian order, opens a universal file.
    #[must_use]
    pub fn is_magic(magic: u32) -> bool {
        matches!(magic, FAT_MAGIC | FAT_CIGAM | FAT_MAGIC_64 | FAT_CIGAM_64)
    }

    /// Reads the header of `file`.
    ///
    /// # Errors
    /// [`MachOError`], when the header is not in the file, or two slices begin at one place.
    pub fn parse<'a>(file: impl Into<View<'a>>) -> Result<Self, MachOError> {
        let file = file.into();
        let truncated = MachOError::Truncated {
            what: "universal header",
        };
        let magic = file.u32_be(0).ok_or(truncated)?;
        let (endian, is_fat64) = match magic {
            FAT_MAGIC => (Endian::Big, false),
            FAT_CIGAM if type_of(file).is_some() => (Endian::Big, false),
            FAT_CIGAM => (Endian::Little, false),
            FAT_MAGIC_64 => (Endian::Big, true),
            FAT_CIGAM_64 => (Endian::Little, true),
            _ => return Err(MachOError::Magic { magic }),
        };
        let count = u32_at(file, endian, 4).ok_or(truncated)?;
        if count > MAX_ARCHITECTURES {
            return Err(MachOError::ArchitectureCount { count });
        }
        let entry_size: u64 = if is_fat64 { 32 } else { 20 };
        let mut header_end = 8u64.saturating_add(entry_size.saturating_mul(u64::from(count)));
        let mut architectures = Vec::new();
        for index in 0..u64::from(count) {
            let at = 8u64.saturating_add(index.saturating_mul(entry_size));
            architectures.push(entry(file, endian, is_fat64, at).ok_or(truncated)?);
        }
        let mut faults = Vec::new();
        // Apple reads one entry more than declared, which must be there, and takes it for a slice if it says arm64.
        let hidden = entry(file, endian, is_fat64, header_end).ok_or(truncated)?;
        if hidden.architecture.cpu_type.cast_unsigned() == CPU_TYPE_ARM64 {
            architectures.push(hidden);
            faults.push(FatFault::HiddenEntry);
            header_end = header_end.saturating_add(entry_size);
        }
        if architectures.is_empty() {
            return Err(MachOError::ArchitectureCount { count });
        }
        let mut fat = Self {
            architectures,
            faults,
            is_fat64,
            has_swapped_magic: matches!(magic, FAT_CIGAM | FAT_CIGAM_64),
        };
        fat.check_layout(file, header_end)?;
        Ok(fat)
    }

    fn check_layout(&mut self, file: View<'_>, header_end: u64) -> Result<(), MachOError> {
        let length = file.len();
        let mut by_offset = self.architectures.clone();
        by_offset.sort_by_key(|entry| entry.offset);
        let mut end = header_end;
        let mut last = None;
        for (index, entry) in by_offset.iter().enumerate() {
            let slice_end = entry.offset.saturating_add(entry.size);
            let rest = by_offset.get(index.saturating_add(1)..).unwrap_or_default();
            // Where something is wrong before, macOS does not measure that far.
            if last == Some(entry.offset) && !self.faults.iter().any(FatFault::ends_measuring) {
                return Err(MachOError::SameOffset { offset: entry.offset });
            }
            match entry.offset.checked_sub(end) {
                None => self.faults.push(FatFault::Overlap { offset: entry.offset }),
                Some(gap) => {
                    let limit = 1u64.checked_shl(entry.align).filter(|_| entry.align <= 30);
                    let too_large = last.is_some() && limit.is_none_or(|limit| gap >= limit);
                    // One that is too large is not looked at.
                    let is_zero = || {
                        file.range(end, gap)
                            .is_some_and(|gap| gap.iter().all(|b| *b == 0))
                    };
                    if end.checked_add(gap).is_none_or(|end| end > length) {
                        self.faults.push(FatFault::PastEnd { offset: entry.offset });
                    } else if too_large || !is_zero() {
                        self.faults.push(FatFault::Gap { offset: entry.offset });
                    }
                }
            }
            if rest.iter().any(|other| other.architecture == entry.architecture) {
                self.faults.push(FatFault::Duplicate {
                    architecture: entry.architecture,
                });
            }
            end = slice_end;
            last = Some(entry.offset);
        }
        match (length.checked_sub(end), last) {
            (Some(0), _) | (None, None) => {}
            (Some(count), _) => self.faults.push(FatFault::TrailingBytes { count }),
            (None, Some(_)) if self.faults.iter().any(FatFault::is_past_end) => {}
            (None, Some(offset)) => self.faults.push(FatFault::PastEnd { offset }),
        }
        Ok(())
    }
}

impl FatFault {
    /// Returns true if macOS measures no slice after this fault.
    fn ends_measuring(&self) -> bool {
        matches!(
            self,
            Self::Gap { .. } | Self::Overlap { .. } | Self::PastEnd { .. }
        )
    }

    fn is_past_end(&self) -> bool {
        matches!(self, Self::PastEnd { .. })
    }
}

fn u32_at(file: View<'_>, endian: Endian, at: u64) -> Option<u32> {
    endian.u32(file.range(at, 4)?, 0)
}

fn entry(file: View<'_>, endian: Endian, is_fat64: bool, at: u64) -> Option<FatArch> {
    let field = |offset: u64| u32_at(file, endian, at.saturating_add(offset));
    let long = |offset: u64| endian.u64(file.range(at.saturating_add(offset), 8)?, 0);
    let architecture = Architecture::new(field(0)?, field(4)?);
    Some(if is_fat64 {
        FatArch {
            architecture,
            offset: long(8)?,
            size: long(16)?,
            align: field(24)?,
        }
    } else {
        FatArch {
            architecture,
            offset: field(8)?.into(),
            size: field(12)?.into(),
            align: field(16)?,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fat(entries: &[(u32, u32, u32, u32)], length: usize) -> Vec<u8> {
        let mut file = vec![0; length];
        file[..4].copy_from_slice(&FAT_MAGIC.to_be_bytes());
        file[4..8].copy_from_slice(&u32::try_from(entries.len()).unwrap().to_be_bytes());
        for (index, (cpu, offset, size, align)) in entries.iter().enumerate() {
            let at = 8 + 20 * index;
            for (field, value) in [*cpu, 0, *offset, *size, *align].iter().enumerate() {
                file[at + 4 * field..at + 4 * field + 4].copy_from_slice(&value.to_be_bytes());
            }
        }
        file
    }

    #[test]
    fn a_sound_layout_has_no_faults() {
        let file = fat(&[(7, 4096, 100, 12), (CPU_TYPE_ARM64, 8192, 100, 12)], 8292);
        let parsed = Fat::parse(&file).unwrap();
        assert_eq!(parsed.architectures.len(), 2);
        assert_eq!(parsed.faults, []);
    }

    /// Rows 53 to 56 of specification 12.D.
    #[test]
    fn layout_faults_are_facts() {
        let two = [(7, 4096, 100, 12), (CPU_TYPE_ARM64, 8192, 100, 12)];
        let mut file = fat(&two, 8292);
        file[100] = 1;
        assert_eq!(
            Fat::parse(&file).unwrap().faults,
            [FatFault::Gap { offset: 4096 }]
        );
        assert_eq!(
            Fat::parse(&fat(&two, 8300)).unwrap().faults,
            [FatFault::TrailingBytes { count: 8 }]
        );
        let far = [(7, 4096, 100, 12), (CPU_TYPE_ARM64, 16384, 100, 12)];
        assert_eq!(
            Fat::parse(&fat(&far, 16484)).unwrap().faults,
            [FatFault::Gap { offset: 16384 }]
        );
        let over = [(7, 4096, 5000, 12), (CPU_TYPE_ARM64, 8192, 904, 12)];
        assert_eq!(
            Fat::parse(&fat(&over, 9096)).unwrap().faults,
            [FatFault::Overlap { offset: 8192 }]
        );
        let same = [(7, 4096, 100, 12), (CPU_TYPE_ARM64, 4096, 100, 12)];
        assert_eq!(
            Fat::parse(&fat(&same, 4196)),
            Err(MachOError::SameOffset { offset: 4096 })
        );
        let twice = [(7, 4096, 100, 12), (7, 8192, 100, 12)];
        let architecture = Architecture::new(7, 0);
        assert_eq!(
            Fat::parse(&fat(&twice, 8292)).unwrap().faults,
            [FatFault::Duplicate { architecture }]
        );
        let mut hidden = fat(&two, 8292);
        hidden[4..8].copy_from_slice(&1u32.to_be_bytes());
        let hidden = Fat::parse(&hidden).unwrap();
        assert_eq!(hidden.architectures.len(), 2);
        assert_eq!(hidden.faults, [FatFault::HiddenEntry]);
        // In front of the first slice nothing is measured but the bytes.
        assert_eq!(Fat::parse(&fat(&[(7, 4096, 100, 31)], 4196)).unwrap().faults, []);
    }

    #[test]
    fn counts_and_ranges_are_bounded() {
        let mut file = fat(&[(7, 4096, 100, 12)], 4196);
        for count in [0, 101, u32::MAX] {
            file[4..8].copy_from_slice(&count.to_be_bytes());
            assert_eq!(Fat::parse(&file), Err(MachOError::ArchitectureCount { count }));
        }
        let outside = fat(&[(7, 4096, 101, 12)], 4196);
        let faults = Fat::parse(&outside).unwrap().faults;
        assert_eq!(faults, [FatFault::PastEnd { offset: 4096 }]);
        // One entry more than declared must be there.
        assert!(matches!(
            Fat::parse(&file[..47]),
            Err(MachOError::ArchitectureCount { .. })
        ));
        file[4..8].copy_from_slice(&1u32.to_be_bytes());
        assert!(matches!(
            Fat::parse(&file[..47]),
            Err(MachOError::Truncated { .. })
        ));
    }
}
