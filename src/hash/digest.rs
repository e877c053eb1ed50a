//! One digest: its type, its value, and the streaming computation of several digests at once.
//!
//! Wraps `sha1` and `sha2` (FIPS 180-4). Compares values in plain time: every value here is public.

use std::fmt;

use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384};

/// A `hashType` that macOS can compute.
///
/// The order is Apple's preference, weakest first (`bestHashOf` in Apple's `codedirectory.cpp`; the kernel's
/// ranking in `ubc_subr.c` agrees): SHA-1, truncated SHA-256, SHA-256, SHA-384.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HashType {
    /// Type 1: SHA-1, 20 bytes.
    Sha1,
    /// Type 3: the first 20 bytes of SHA-256.
    Sha256Truncated,
    /// Type 2: SHA-256, 32 bytes.
    Sha256,
    /// Type 4: SHA-384, 48 bytes.
    Sha384,
}

impl HashType {
    /// The type with this number in a CodeDirectory, or `None` when macOS cannot compute it.
    #[must_use]
    pub fn from_raw(raw: u8) -> Option<Self> {
        match raw {
            1 => Some(Self::Sha1),
            2 => Some(Self::Sha256),
            3 => Some(Self::Sha256Truncated),
            4 => Some(Self::Sha384),
            _ => None,
        }
    }

    /// The number of this type in a CodeDirectory.
    #[must_use]
    pub fn raw(self) -> u8 {
        match self {
            Self::Sha1 => 1,
            Self::Sha256 => 2,
            Self::Sha256Truncated => 3,
            Self::Sha384 => 4,
        }
    }

    /// Length of a digest of this type in bytes.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Self::Sha1 | Self::Sha256Truncated => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    /// The name `codesign -d` prints, as in `Hash type=sha256 size=32`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha256Truncated => "sha256-truncated",
            Self::Sha384 => "sha384",
        }
    }

    /// The digest of `data`.
    #[must_use]
    pub fn digest(self, data: &[u8]) -> Digest {
        match self {
            Self::Sha1 => Digest::new(&Sha1::digest(data)),
            Self::Sha256 => Digest::new(&Sha256::digest(data)),
            Self::Sha256Truncated => Digest::new(&Sha256::digest(data)).truncated(),
            Self::Sha384 => Digest::new(&Sha384::digest(data)),
        }
    }
}

impl fmt::Display for HashType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The value of a digest, at most 48 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest {
    bytes: [u8; 48],
    length: u8,
}

impl Digest {
    /// A digest with this value; bytes past the 48th are dropped.
    #[must_use]
    pub fn new(value: &[u8]) -> Self {
        let mut bytes = [0; 48];
        let value = value.get(..bytes.len()).unwrap_or(value);
        if let Some(start) = bytes.get_mut(..value.len()) {
            start.copy_from_slice(value);
        }
        let length = u8::try_from(value.len()).unwrap_or_default();
        Self { bytes, length }
    }

    /// The value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The first 20 bytes of the value, which is how macOS shortens a cdhash.
    #[must_use]
    pub fn truncated(&self) -> Self {
        Self::new(self.as_bytes().get(..20).unwrap_or(self.as_bytes()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::octets::hex(self.as_bytes()))
    }
}

/// Computes the digests of several types over one stream, so that a file is read once.
#[derive(Default)]
pub struct Hasher {
    sha1: Option<Sha1>,
    sha256: Option<Sha256>,
    sha384: Option<Sha384>,
}

impl Hasher {
    /// A hasher for each of `types`.
    #[must_use]
    pub fn new(types: &[HashType]) -> Self {
        let mut hasher = Self::default();
        for hash_type in types {
            match hash_type {
                HashType::Sha1 => hasher.sha1 = Some(Sha1::new()),
                HashType::Sha256 | HashType::Sha256Truncated => hasher.sha256 = Some(Sha256::new()),
                HashType::Sha384 => hasher.sha384 = Some(Sha384::new()),
            }
        }
        hasher
    }

    /// Adds `data` to every digest.
    pub fn update(&mut self, data: &[u8]) {
        if let Some(state) = &mut self.sha1 {
            state.update(data);
        }
        if let Some(state) = &mut self.sha256 {
            state.update(data);
        }
        if let Some(state) = &mut self.sha384 {
            state.update(data);
        }
    }

    /// The digest of this type over all data so far, or `None` when the type was not asked for.
    #[must_use]
    pub fn digest(&self, hash_type: HashType) -> Option<Digest> {
        match hash_type {
            HashType::Sha1 => self.sha1.clone().map(|state| Digest::new(&state.finalize())),
            HashType::Sha256 => self.sha256.clone().map(|state| Digest::new(&state.finalize())),
            HashType::Sha256Truncated => self
                .sha256
                .clone()
                .map(|state| Digest::new(&state.finalize()).truncated()),
            HashType::Sha384 => self.sha384.clone().map(|state| Digest::new(&state.finalize())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4 examples for the message "abc".
    #[test]
    fn abc_has_the_published_digests() {
        let expected = [
            (HashType::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                HashType::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                HashType::Sha256Truncated,
                "ba7816bf8f01cfea414140de5dae2223b00361a3",
            ),
            (
                HashType::Sha384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            ),
        ];
        for (hash_type, text) in expected {
            assert_eq!(hash_type.digest(b"abc").to_string(), text);
            let mut hasher = Hasher::new(&[hash_type]);
            hasher.update(b"a");
            hasher.update(b"bc");
            assert_eq!(hasher.digest(hash_type).unwrap(), hash_type.digest(b"abc"));
            assert_eq!(HashType::from_raw(hash_type.raw()), Some(hash_type));
        }
        assert_eq!(HashType::from_raw(5), None);
    }

    #[test]
    fn preference_is_strength() {
        assert!(HashType::Sha1 < HashType::Sha256Truncated);
        assert!(HashType::Sha256Truncated < HashType::Sha256);
        assert!(HashType::Sha256 < HashType::Sha384);
    }
}
