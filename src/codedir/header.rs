//! Reading one CodeDirectory and holding it against Apple's integrity rules.
//!
//! Specification 3.1 and 3.2. The checks come in Apple's order, since the first failure decides the OSStatus.
//! Two rules are ours: a `hashSize` that is not the length of the hash type, and a page size of 2³² or more,
//! are refused; Apple's code then reads out of bounds or shifts too far (specification 17.12).

use thiserror::Error;

use super::{CdHash, CodeDirectoryFlags, ExecSegmentFlags};
use crate::blob::{Slot, magic};
use crate::hash::{Digest, HashType, PageGeometry};
use crate::octets::{c_string, range, u8_at, u16_be, u32_be, u64_be};

/// Size of the C structure, which Apple's reader demands whatever the version.
const MIN_LENGTH: u64 = 96;
const EARLIEST_VERSION: u32 = 0x20001;
/// `compatibilityLimit` in Apple's `codedirectory.h`.
const LATEST_VERSION: u32 = 0x2_F000;
/// Size of one scatter record.
const SCATTER_RECORD: u64 = 24;

/// Why a CodeDirectory is refused. Offsets are in bytes from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CodeDirectoryError {
    /// Wrong magic, or a length that is not the component's, or too short (errSecCSSignatureFailed:
    /// `loadCodeDirectories` calls `validateBlob` before `checkIntegrity` does).
    #[error("not a CodeDirectory blob of its own length ({length} bytes)")]
    NotACodeDirectory {
        /// Bytes in the component.
        length: u64,
    },
    /// The version is not one that macOS reads (errSecCSSignatureUnsupported).
    #[error("CodeDirectory version {version:#x} is not supported")]
    Version {
        /// The version field.
        version: u32,
    },
    /// The identifier or team identifier has no end inside the blob (errSecCSSignatureFailed).
    #[error("{field} at offset {offset} is not a string inside the CodeDirectory")]
    Text {
        /// Which string.
        field: &'static str,
        /// Its offset field.
        offset: u32,
    },
    /// A table does not lie inside the blob (errSecCSSignatureFailed).
    #[error("{table} does not fit in the CodeDirectory")]
    Table {
        /// Which table.
        table: &'static str,
    },
    /// The number of code slots does not cover `codeLimit` (errSecCSSignatureFailed).
    #[error("{slots} code slots do not cover {limit} bytes")]
    Coverage {
        /// The number of code slots.
        slots: u32,
        /// The number of bytes that they must cover.
        limit: u64,
    },
    /// The page size is 2³² bytes or more: undefined in Apple's code, refused here.
    #[error("page size 2^{log2} is out of range")]
    PageSize {
        /// The field.
        log2: u8,
    },
    /// `hashSize` is not the length of `hashType`: undefined in Apple's code, refused here and by the kernel.
    #[error("hash size {size} does not belong to hash type {hash_type}")]
    HashSize {
        /// The hash type field.
        hash_type: u8,
        /// The hash size field.
        size: u8,
    },
}

/// The executable segment of a CodeDirectory of version 0x20400 or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecSegment {
    /// File offset of `__TEXT` in the slice, in bytes.
    pub base: u64,
    /// File size of `__TEXT`, in bytes.
    pub limit: u64,
    /// What the kernel grants.
    pub flags: ExecSegmentFlags,
}

/// The linkage fields of a CodeDirectory of version 0x20600 or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linkage {
    /// Hash type of the linkage.
    pub hash_type: u8,
    /// Application type.
    pub application_type: u8,
    /// Application sub-type.
    pub application_sub_type: u16,
    /// Offset in the blob.
    pub offset: u32,
    /// Length in bytes.
    pub size: u32,
}

/// One record of a scatter vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScatterRange {
    /// Number of pages.
    pub count: u32,
    /// First page number.
    pub base: u32,
    /// Offset of the first page in the target.
    pub target_offset: u64,
}

/// A CodeDirectory that passed the integrity rules, borrowed from its blob.
#[derive(Debug, Clone)]
pub struct CodeDirectory<'a> {
    data: &'a [u8],
    /// Version, such as 0x20400.
    pub version: u32,
    /// Flags.
    pub flags: CodeDirectoryFlags,
    /// Signing identifier, in most cases UTF-8.
    pub identifier: &'a [u8],
    /// Team identifier; version 0x20200 and later.
    pub team_id: Option<&'a [u8]>,
    /// Number of special slots.
    pub special_slots: u32,
    /// Number of code slots.
    pub code_slots: u32,
    /// Bytes covered by code slots: `codeLimit64` where it is set, else `codeLimit`.
    pub code_limit: u64,
    /// The 32-bit field, which counts only where `codeLimit64` is zero.
    pub code_limit32: u32,
    /// Length of one digest in bytes.
    pub hash_size: u8,
    /// The hash type field; see [`CodeDirectory::hash_type`].
    pub hash_type_raw: u8,
    /// Platform identifier; not zero marks Apple's platform binaries.
    pub platform: u8,
    /// Logarithm of the page size in bytes; 0 means a single page.
    pub page_size_log2: u8,
    /// Offset of code slot 0.
    pub hash_offset: u32,
    /// Offset of the identifier.
    pub identifier_offset: u32,
    /// Offset of the team identifier; 0 without one.
    pub team_offset: u32,
    /// Scatter vector, empty in practice.
    pub scatter: Vec<ScatterRange>,
    /// Executable segment.
    pub exec_segment: Option<ExecSegment>,
    /// Hardened runtime version as 0x00AABBCC.
    pub runtime: Option<u32>,
    /// Offset of the table of digests before encryption; 0 without one.
    pub pre_encrypt_offset: u32,
    /// Linkage.
    pub linkage: Option<Linkage>,
}

impl<'a> CodeDirectory<'a> {
    /// Reads the CodeDirectory that is the whole of `data`.
    ///
    /// # Errors
    /// See [`CodeDirectoryError`].
    pub fn parse(data: &'a [u8]) -> Result<Self, CodeDirectoryError> {
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        let not_one = CodeDirectoryError::NotACodeDirectory { length };
        if length < MIN_LENGTH
            || u32_be(data, 0) != Some(magic::CODE_DIRECTORY)
            || u32_be(data, 4).map(u64::from) != Some(length)
        {
            return Err(not_one);
        }
        let word = |offset| u32_be(data, offset).ok_or(not_one);
        let byte = |offset| u8_at(data, offset).ok_or(not_one);
        let long = |offset| u64_be(data, offset).ok_or(not_one);
        let version = word(8)?;
        if !(EARLIEST_VERSION..=LATEST_VERSION).contains(&version) {
            return Err(CodeDirectoryError::Version { version });
        }
        let text = |field, offset: u32| {
            c_string(data, u64::from(offset)).ok_or(CodeDirectoryError::Text { field, offset })
        };
        let identifier_offset = word(20)?;
        let identifier = text("identifier", identifier_offset)?;
        let team_offset = if version >= 0x20200 { word(48)? } else { 0 };
        let team_id = if team_offset == 0 {
            None
        } else {
            Some(text("team identifier", team_offset)?)
        };
        let code_limit32 = word(32)?;
        let limit64 = if version >= 0x20300 { long(56)? } else { 0 };
        let exec_segment = if version >= 0x20400 {
            Some(ExecSegment {
                base: long(64)?,
                limit: long(72)?,
                flags: ExecSegmentFlags(long(80)?),
            })
        } else {
            None
        };
        let mut directory = Self {
            data,
            version,
            flags: CodeDirectoryFlags(word(12)?),
            identifier,
            team_id,
            special_slots: word(24)?,
            code_slots: word(28)?,
            code_limit: if limit64 == 0 {
                u64::from(code_limit32)
            } else {
                limit64
            },
            code_limit32,
            hash_size: byte(36)?,
            hash_type_raw: byte(37)?,
            platform: byte(38)?,
            page_size_log2: byte(39)?,
            hash_offset: word(16)?,
            identifier_offset,
            team_offset,
            scatter: Vec::new(),
            exec_segment,
            runtime: if version >= 0x20500 { Some(word(88)?) } else { None },
            pre_encrypt_offset: if version >= 0x20500 { word(92)? } else { 0 },
            linkage: linkage(data, version),
        };
        directory.check_tables(length)?;
        directory.scatter = directory.read_scatter()?;
        directory.check_coverage()?;
        Ok(directory)
    }

    /// Special and code slots, and the pre-encryption table, lie inside the blob.
    fn check_tables(&self, length: u64) -> Result<(), CodeDirectoryError> {
        if self
            .hash_type()
            .is_some_and(|hash_type| hash_type.length() != usize::from(self.hash_size))
            || self.hash_size == 0
        {
            return Err(CodeDirectoryError::HashSize {
                hash_type: self.hash_type_raw,
                size: self.hash_size,
            });
        }
        // At most 255 * 2^32: none of these products or sums can overflow 64 bits.
        let size = u64::from(self.hash_size);
        let special = u64::from(self.special_slots).saturating_mul(size);
        let code = u64::from(self.code_slots).saturating_mul(size);
        let slots = CodeDirectoryError::Table {
            table: "the slot table",
        };
        let start = u64::from(self.hash_offset).checked_sub(special).ok_or(slots)?;
        if start < 8 || u64::from(self.hash_offset).saturating_add(code) > length {
            return Err(slots);
        }
        if self.pre_encrypt_offset != 0 {
            let start = u64::from(self.pre_encrypt_offset);
            if start < 8 || start.saturating_add(code) > length {
                return Err(CodeDirectoryError::Table {
                    table: "the pre-encryption table",
                });
            }
        }
        Ok(())
    }

    fn read_scatter(&self) -> Result<Vec<ScatterRange>, CodeDirectoryError> {
        let error = CodeDirectoryError::Table {
            table: "the scatter vector",
        };
        let mut records = Vec::new();
        if self.version < 0x20100 {
            return Ok(records);
        }
        let mut at = u64::from(u32_be(self.data, 44).ok_or(error)?);
        if at == 0 {
            return Ok(records);
        }
        let mut pages = 0u64;
        // Each record lies behind the one before, so the blob bounds their number.
        loop {
            let record = range(self.data, at, SCATTER_RECORD).ok_or(error)?;
            let count = u32_be(record, 0).ok_or(error)?;
            if count == 0 {
                // The last page of the vector must have a slot.
                return if pages <= u64::from(self.code_slots) {
                    Ok(records)
                } else {
                    Err(error)
                };
            }
            pages = pages.saturating_add(u64::from(count));
            records.push(ScatterRange {
                count,
                base: u32_be(record, 4).ok_or(error)?,
                target_offset: u64_be(record, 8).ok_or(error)?,
            });
            at = at.saturating_add(SCATTER_RECORD);
        }
    }

    fn check_coverage(&self) -> Result<(), CodeDirectoryError> {
        let needed = match self.page_size()? {
            None => u64::from(self.code_limit > 0),
            // A limit of zero with pages is refused as well (`limit > 0` in Apple's test).
            Some(_) if self.code_limit == 0 => u64::MAX,
            Some(size) => self.code_limit.div_ceil(size),
        };
        if needed == u64::from(self.code_slots) {
            Ok(())
        } else {
            Err(CodeDirectoryError::Coverage {
                slots: self.code_slots,
                limit: self.code_limit,
            })
        }
    }

    fn page_size(&self) -> Result<Option<u64>, CodeDirectoryError> {
        match self.page_size_log2 {
            0 => Ok(None),
            log2 @ 1..=31 => Ok(1u64.checked_shl(u32::from(log2))),
            log2 => Err(CodeDirectoryError::PageSize { log2 }),
        }
    }

    /// All bytes of the CodeDirectory.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The hash type, or `None` when macOS cannot compute it.
    #[must_use]
    pub fn hash_type(&self) -> Option<HashType> {
        HashType::from_raw(self.hash_type_raw)
    }

    /// The identity of this CodeDirectory, or `None` when macOS cannot compute its hash type.
    #[must_use]
    pub fn cdhash(&self) -> Option<CdHash> {
        let hash_type = self.hash_type()?;
        // The cdhash of a truncated type is the truncated digest; "full" keeps all of SHA-256.
        Some(CdHash {
            hash_type,
            full: hash_type.digest(self.data),
        })
    }

    /// How the slice is cut into pages.
    #[must_use]
    pub fn geometry(&self) -> PageGeometry {
        PageGeometry {
            limit: self.code_limit,
            page_size: self.page_size().ok().flatten(),
            count: u64::from(self.code_slots),
        }
    }

    /// All code slots, one digest after the other.
    #[must_use]
    pub fn code_slot_table(&self) -> &'a [u8] {
        let length = u64::from(self.code_slots).saturating_mul(u64::from(self.hash_size));
        range(self.data, u64::from(self.hash_offset), length).unwrap_or_default()
    }

    /// The digest in special slot `slot`; `None` when there is no such slot or all its bytes are zero, which
    /// macOS takes for "nothing is bound here" (`CodeDirectory::slotIsPresent`).
    #[must_use]
    pub fn special_slot(&self, slot: Slot) -> Option<Digest> {
        if slot.0 == 0 || slot.0 > self.special_slots {
            return None;
        }
        let size = u64::from(self.hash_size);
        let start = u64::from(self.hash_offset).checked_sub(u64::from(slot.0).checked_mul(size)?)?;
        let value = range(self.data, start, size)?;
        value.iter().any(|byte| *byte != 0).then(|| Digest::new(value))
    }
}

fn linkage(data: &[u8], version: u32) -> Option<Linkage> {
    if version < 0x20600 {
        return None;
    }
    Some(Linkage {
        hash_type: u8_at(data, 96)?,
        application_type: u8_at(data, 97)?,
        application_sub_type: u16_be(data, 98)?,
        offset: u32_be(data, 100)?,
        size: u32_be(data, 104)?,
    })
}

#[cfg(test)]
mod tests;
