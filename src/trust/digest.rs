//! Message digests of CMS and of certificates.
//!
//! Specification 4.2: SHA-1, SHA-256, SHA-384 and SHA-512. MD5, which Apple's CMS library still knows, is not computed:
//! such a signature counts as invalid here.

use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// A digest algorithm that signatures may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageDigest {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl MessageDigest {
    const OIDS: [(Self, der::oid::ObjectIdentifier); 4] = [
        (
            Self::Sha1,
            der::oid::ObjectIdentifier::new_unwrap("1.3.14.3.2.26"),
        ),
        (
            Self::Sha256,
            der::oid::ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"),
        ),
        (
            Self::Sha384,
            der::oid::ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"),
        ),
        (
            Self::Sha512,
            der::oid::ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"),
        ),
    ];

    /// The algorithm with these content octets as its identifier.
    #[must_use]
    pub fn from_oid(oid: &[u8]) -> Option<Self> {
        Self::OIDS
            .iter()
            .find(|(_, known)| known.as_bytes() == oid)
            .map(|(digest, _)| *digest)
    }

    /// Returns true for the identifier of a digest that Apple's library knows (`secoid.c`), computed here or not.
    #[must_use]
    pub(super) fn is_known_oid(oid: &[u8]) -> bool {
        const OTHERS: [der::oid::ObjectIdentifier; 4] = [
            der::oid::ObjectIdentifier::new_unwrap("1.2.840.113549.2.2"),
            der::oid::ObjectIdentifier::new_unwrap("1.2.840.113549.2.4"),
            der::oid::ObjectIdentifier::new_unwrap("1.2.840.113549.2.5"),
            der::oid::ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4"),
        ];
        Self::from_oid(oid).is_some() || OTHERS.iter().any(|other| other.as_bytes() == oid)
    }

    /// Content octets of the identifier.
    #[must_use]
    pub fn oid(self) -> &'static [u8] {
        Self::OIDS
            .iter()
            .find(|(digest, _)| *digest == self)
            .map(|(_, oid)| oid.as_bytes())
            .unwrap_or_default()
    }

    /// The digest of `data`.
    #[must_use]
    pub fn of(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(data).to_vec(),
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha384 => Sha384::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
        }
    }
}
