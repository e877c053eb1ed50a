//! The contents of a regular file: in memory, or mapped from a disk.

use std::ops::Deref;
use std::sync::Arc;

#[cfg(feature = "fs")]
use super::disk::Mapping;

/// The contents of one file.
#[derive(Debug)]
pub struct Bytes(Storage);

/// Where the bytes are.
#[derive(Debug)]
enum Storage {
    /// In a private read-only mapping.
    #[cfg(feature = "fs")]
    Mapped(Mapping),
    /// In memory.
    Owned(Vec<u8>),
    /// In memory that belongs to others as well.
    Shared(Arc<[u8]>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            #[cfg(feature = "fs")]
            Storage::Mapped(map) => map,
            Storage::Owned(bytes) => bytes,
            Storage::Shared(bytes) => bytes,
        }
    }
}

impl Bytes {
    /// Whether the file is still the one that was mapped, by its length and the time of its last change; bytes in memory
    /// are.
    #[must_use]
    pub fn are_unchanged(&self) -> bool {
        match &self.0 {
            #[cfg(feature = "fs")]
            Storage::Mapped(map) => map.is_unchanged(),
            Storage::Owned(_) | Storage::Shared(_) => true,
        }
    }
}

impl From<Arc<[u8]>> for Bytes {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self(Storage::Shared(bytes))
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Storage::Owned(bytes))
    }
}

#[cfg(feature = "fs")]
impl From<Mapping> for Bytes {
    fn from(mapping: Mapping) -> Self {
        Self(Storage::Mapped(mapping))
    }
}

/// Reads these bytes of a mapped file ahead, all at once; bytes in memory are left as they are.
pub fn prefault(bytes: &[u8]) {
    #[cfg(feature = "fs")]
    super::disk::prefault(bytes);
    #[cfg(not(feature = "fs"))]
    let _ = bytes;
}
