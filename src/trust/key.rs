//! Public keys and the verification of one signature: RSA with PKCS #1 v1.5, and ECDSA on P-256, P-384 and P-521.
//!
//! Specification 4.2. No PSS, no EdDSA: Apple's library for code signatures knows neither.

use der::oid::ObjectIdentifier;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::traits::SignatureScheme as _;
use rsa::{BoxedUint, Pkcs1v15Sign};

use super::MessageDigest;
use crate::asn1::{Reader, encode, tag};

/// Bits of the smallest and the largest RSA modulus that is computed with. Smaller ones than 1,024 are verified, and
/// then refused by policy; the upper bound is that of Apple's library.
const RSA_BITS: std::ops::RangeInclusive<usize> = 512..=8192;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// Which computation a signature algorithm identifier names, and with which digest, where it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignatureAlgorithm {
    /// Whether it is RSA; otherwise ECDSA.
    pub is_rsa: bool,
    /// The digest that the identifier itself names.
    pub digest: Option<MessageDigest>,
}

impl SignatureAlgorithm {
    /// The algorithm with these content octets as its identifier.
    #[must_use]
    pub fn from_oid(oid: &[u8]) -> Option<Self> {
        use MessageDigest::{Sha1, Sha256, Sha384, Sha512};
        const NAMES: [(&str, bool, Option<MessageDigest>); 14] = [
            ("1.2.840.113549.1.1.1", true, None),
            ("1.2.840.113549.1.1.5", true, Some(Sha1)),
            ("1.3.14.3.2.29", true, Some(Sha1)),
            ("1.2.840.113549.1.1.11", true, Some(Sha256)),
            ("1.2.840.113549.1.1.12", true, Some(Sha384)),
            ("1.2.840.113549.1.1.13", true, Some(Sha512)),
            ("1.2.840.10045.2.1", false, None),
            ("1.2.840.10045.3.1.7", false, None),
            ("1.3.132.0.34", false, None),
            ("1.3.132.0.35", false, None),
            ("1.2.840.10045.4.1", false, Some(Sha1)),
            ("1.2.840.10045.4.3.2", false, Some(Sha256)),
            ("1.2.840.10045.4.3.3", false, Some(Sha384)),
            ("1.2.840.10045.4.3.4", false, Some(Sha512)),
        ];
        let text = crate::asn1::oid_text(oid)?;
        NAMES
            .iter()
            .find(|(known, ..)| *known == text)
            .map(|(_, is_rsa, digest)| Self {
                is_rsa: *is_rsa,
                digest: *digest,
            })
    }

    /// The digest to use beside a separately named one; `None` when the two contradict (specification 4.2).
    #[must_use]
    pub fn with_digest(self, named: MessageDigest) -> Option<MessageDigest> {
        match self.digest {
            None => Some(named),
            Some(own) => (own == named).then_some(own),
        }
    }
}

/// A public key: RSA, or ECDSA on P-256, P-384 or P-521.
#[derive(Debug, Clone)]
pub struct PublicKey(Key);

#[derive(Debug, Clone)]
enum Key {
    Rsa(Box<rsa::PublicKey>),
    P256(p256::ecdsa::VerifyingKey),
    P384(Box<p384::ecdsa::VerifyingKey>),
    P521(Box<p521::ecdsa::VerifyingKey>),
}

impl PublicKey {
    /// Decodes a SubjectPublicKeyInfo; `None` for keys of other kinds or malformed ones.
    #[must_use]
    pub fn from_spki(spki: &[u8]) -> Option<Self> {
        let mut fields = Reader::new(spki).expect(tag::SEQUENCE).ok()?.reader();
        let mut algorithm = fields.expect(tag::SEQUENCE).ok()?.reader();
        let kind = algorithm.expect(tag::OBJECT_IDENTIFIER).ok()?.content;
        let key = fields.expect(tag::BIT_STRING).ok()?.content.strip_prefix(&[0])?;
        if kind == RSA_ENCRYPTION.as_bytes() {
            let mut numbers = Reader::new(key).expect(tag::SEQUENCE).ok()?.reader();
            let modulus = numbers.expect(tag::INTEGER).ok()?.content;
            let exponent = numbers.expect(tag::INTEGER).ok()?.content;
            // Bounded before any arithmetic: the constructor reads whole numbers.
            if modulus.len() > (*RSA_BITS.end()).div_ceil(8).saturating_add(1) || exponent.len() > 9 {
                return None;
            }
            let modulus = BoxedUint::from_be_slice_vartime(modulus);
            let exponent = BoxedUint::from_be_slice_vartime(exponent);
            let key = rsa::PublicKey::new_with_size_limits(modulus, exponent, RSA_BITS).ok()?;
            return Some(Self(Key::Rsa(Box::new(key))));
        }
        if kind != EC_PUBLIC_KEY.as_bytes() {
            return None;
        }
        let curve = algorithm.expect(tag::OBJECT_IDENTIFIER).ok()?.content;
        if curve == P256.as_bytes() {
            p256::ecdsa::VerifyingKey::from_sec1_bytes(key)
                .ok()
                .map(|key| Self(Key::P256(key)))
        } else if curve == P384.as_bytes() {
            let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
            Some(Self(Key::P384(Box::new(key))))
        } else if curve == P521.as_bytes() {
            let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
            Some(Self(Key::P521(Box::new(key))))
        } else {
            None
        }
    }

    /// Bits of the modulus or of the curve.
    #[must_use]
    pub fn bits(&self) -> u32 {
        use rsa::traits::PublicKeyParts as _;
        match &self.0 {
            Key::Rsa(key) => key.n().bit_width(),
            Key::P256(_) => 256,
            Key::P384(_) => 384,
            Key::P521(_) => 521,
        }
    }

    /// Whether it is an RSA key.
    #[must_use]
    pub fn is_rsa(&self) -> bool {
        matches!(self.0, Key::Rsa(_))
    }

    /// Whether it is a point on P-256.
    #[must_use]
    pub fn is_p256(&self) -> bool {
        matches!(self.0, Key::P256(_))
    }

    /// Whether `signature` was made with this key over a message with this digest.
    #[must_use]
    pub fn verifies(
        &self,
        algorithm: SignatureAlgorithm,
        digest: MessageDigest,
        hash: &[u8],
        signature: &[u8],
    ) -> bool {
        if algorithm.is_rsa != self.is_rsa() {
            return false;
        }
        match &self.0 {
            Key::Rsa(key) => {
                let with_null = digest_info(digest, hash, true);
                let without = digest_info(digest, hash, false);
                // RFC 8017 A.2.4: parameters are NULL; absent ones are to be accepted.
                [with_null, without].iter().any(|info| {
                    Pkcs1v15Sign::new_unprefixed()
                        .verify(key, info, signature)
                        .is_ok()
                })
            }
            Key::P256(key) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&padded(hash, 32), &signature).is_ok()),
            Key::P384(key) => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&padded(hash, 48), &signature).is_ok()),
            Key::P521(key) => p521::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&padded(hash, 66), &signature).is_ok()),
        }
    }
}

/// `DigestInfo` of PKCS #1.
fn digest_info(digest: MessageDigest, hash: &[u8], with_null: bool) -> Vec<u8> {
    let mut algorithm = encode(tag::OBJECT_IDENTIFIER, digest.oid());
    if with_null {
        algorithm.extend([5, 0]);
    }
    let mut content = encode(tag::SEQUENCE, &algorithm);
    content.extend(encode(tag::OCTET_STRING, hash));
    encode(tag::SEQUENCE, &content)
}

/// A hash that is shorter than the curve is a small number (FIPS 186-5 6.4); the crate wants it in full length.
fn padded(hash: &[u8], length: usize) -> Vec<u8> {
    let mut padded = vec![0; length.saturating_sub(hash.len())];
    padded.extend_from_slice(hash);
    padded
}
