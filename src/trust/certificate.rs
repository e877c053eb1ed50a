//! One X.509 certificate, decoded by `x509-cert`, with what path validation and requirements ask of it.
//!
//! RFC 5280 section 4. The signature is checked over the bytes that were sent. A certificate that cannot be decoded
//! takes no part in any path.

use std::sync::Arc;

use der::oid::ObjectIdentifier;
use der::{Decode, Encode};
use sha1::Digest as _;
use thiserror::Error;
use x509_cert::certificate::{CertificateInner, Raw};

use super::{MessageDigest, Name, PublicKey, SignatureAlgorithm, oid};
use crate::asn1::{Reader, tag};
use crate::limits::CERTIFICATE;
use crate::time::UnixTime;

/// Why bytes are no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// Not a certificate in DER.
    #[error("malformed certificate")]
    Malformed,
    /// Larger than the budget.
    #[error("a certificate of {length} bytes is larger than {CERTIFICATE}")]
    TooLong {
        /// Its length.
        length: usize,
    },
}

/// One extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Type.
    pub(crate) oid: ObjectIdentifier,
    /// Whether a reader that does not know it must refuse the certificate.
    pub critical: bool,
    /// Its value in DER.
    pub value: Vec<u8>,
}

/// A certificate.
#[derive(Debug, Clone)]
pub struct Certificate {
    der: Arc<[u8]>,
    sha1: [u8; 20],
    sha256: [u8; 32],
    /// Content octets of the serial number.
    pub serial: Vec<u8>,
    /// Whom it is about.
    pub subject: Name,
    /// Who issued it.
    pub issuer: Name,
    /// First moment of validity.
    pub not_before: UnixTime,
    /// Last moment of validity.
    pub not_after: UnixTime,
    /// The key; `None` when it is of a kind that is not supported.
    pub key: Option<PublicKey>,
    /// Extensions in order.
    pub extensions: Vec<Extension>,
    signature_algorithm: Vec<u8>,
    signature: Vec<u8>,
}

impl Certificate {
    /// Decodes a certificate.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, CertificateError> {
        if bytes.len() > CERTIFICATE {
            return Err(CertificateError::TooLong { length: bytes.len() });
        }
        Self::decode(bytes).map_err(|_| CertificateError::Malformed)
    }

    fn decode(bytes: &[u8]) -> der::Result<Self> {
        let decoded = CertificateInner::<Raw>::from_der(bytes)?;
        let body = decoded.tbs_certificate();
        let time = |time: x509_cert::time::Time| {
            let seconds = time.to_unix_duration().as_secs();
            UnixTime(i64::try_from(seconds).unwrap_or(i64::MAX))
        };
        let extensions = body
            .extensions()
            .map(|all| {
                all.iter()
                    .map(|extension| Extension {
                        oid: extension.extn_id,
                        critical: extension.critical,
                        value: extension.extn_value.as_bytes().to_vec(),
                    })
                    .collect()
            })
            .unwrap_or_default();
        // Signatures are whole octets; unused bits would be a second spelling of the same one.
        let signature = decoded.signature().as_bytes().ok_or(der::ErrorKind::Value {
            tag: der::Tag::BitString,
        })?;
        Ok(Self {
            der: bytes.into(),
            sha1: sha1::Sha1::digest(bytes).into(),
            sha256: sha2::Sha256::digest(bytes).into(),
            serial: body.serial_number().as_bytes().to_vec(),
            subject: Name::new(body.subject())?,
            issuer: Name::new(body.issuer())?,
            not_before: time(body.validity().not_before),
            not_after: time(body.validity().not_after),
            key: PublicKey::from_spki(&body.subject_public_key_info().to_der()?),
            extensions,
            signature_algorithm: decoded.signature_algorithm().oid.as_bytes().to_vec(),
            signature: signature.to_vec(),
        })
    }

    /// The certificate as it was sent.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-1 of the certificate, by which requirements name it.
    #[must_use]
    pub fn sha1(&self) -> &[u8; 20] {
        &self.sha1
    }

    /// SHA-256 of the certificate.
    #[must_use]
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// The common name, or what stands for it: organisational unit, organisation.
    #[must_use]
    pub fn summary(&self) -> &str {
        [oid::COMMON_NAME, oid::ORGANIZATIONAL_UNIT, oid::ORGANIZATION]
            .iter()
            .find_map(|oid| self.subject.last(*oid))
            .unwrap_or_default()
    }

    /// The extension of this type, the first if there are several.
    #[must_use]
    pub(crate) fn extension(&self, oid: ObjectIdentifier) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }

    /// Whether there is an extension of this type.
    #[must_use]
    pub(crate) fn has_extension(&self, oid: ObjectIdentifier) -> bool {
        self.extension(oid).is_some()
    }

    /// Whether subject and issuer are the same.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject.der() == self.issuer.der()
    }

    /// Whether it is valid at `time`; both ends included.
    #[must_use]
    pub fn is_valid_at(&self, time: UnixTime) -> bool {
        (self.not_before..=self.not_after).contains(&time)
    }

    /// `basicConstraints`: whether it is a certificate authority, and how many may follow it. `None` without the
    /// extension, `Some(None)` when that is malformed.
    #[must_use]
    pub fn basic_constraints(&self) -> Option<Option<(bool, Option<u64>)>> {
        let value = &self.extension(oid::BASIC_CONSTRAINTS)?.value;
        Some(parse_basic_constraints(value))
    }

    /// `keyUsage` as a mask whose bit 0 is digitalSignature; `None` without the extension.
    #[must_use]
    pub fn key_usage(&self) -> Option<u16> {
        let value = &self.extension(oid::KEY_USAGE)?.value;
        let bits = Reader::new(value)
            .expect(tag::BIT_STRING)
            .map(|bits| bits.content)
            .unwrap_or_default();
        let octets = bits.get(1..).unwrap_or_default();
        let octet = |index: usize| octets.get(index).copied().unwrap_or_default().reverse_bits();
        Some(u16::from_le_bytes([octet(0), octet(1)]))
    }

    /// Purposes in `extKeyUsage`, as content octets; `None` without the extension or when it is malformed.
    #[must_use]
    pub fn extended_key_usage(&self) -> Option<Vec<Vec<u8>>> {
        let value = &self.extension(oid::EXTENDED_KEY_USAGE)?.value;
        let mut reader = Reader::new(value).expect(tag::SEQUENCE).ok()?.reader();
        let mut purposes = Vec::new();
        while reader.next_is_some() {
            purposes.push(reader.expect(tag::OBJECT_IDENTIFIER).ok()?.content.to_vec());
        }
        Some(purposes)
    }

    /// Identifiers in `certificatePolicies`, as content octets.
    #[must_use]
    pub fn policies(&self) -> Vec<Vec<u8>> {
        let parse = || {
            let value = &self.extension(oid::CERTIFICATE_POLICIES)?.value;
            let mut reader = Reader::new(value).expect(tag::SEQUENCE).ok()?.reader();
            let mut policies = Vec::new();
            while reader.next_is_some() {
                let mut policy = reader.expect(tag::SEQUENCE).ok()?.reader();
                policies.push(policy.expect(tag::OBJECT_IDENTIFIER).ok()?.content.to_vec());
            }
            Some(policies)
        };
        parse().unwrap_or_default()
    }

    /// `subjectKeyIdentifier`.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        let value = &self.extension(oid::SUBJECT_KEY_IDENTIFIER)?.value;
        Reader::new(value)
            .expect(tag::OCTET_STRING)
            .ok()
            .map(|octets| octets.content)
    }

    /// The key identifier in `authorityKeyIdentifier`.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        let value = &self.extension(oid::AUTHORITY_KEY_IDENTIFIER)?.value;
        let mut fields = Reader::new(value).expect(tag::SEQUENCE).ok()?.reader();
        let found = fields.optional(tag::CONTEXT_0_PRIMITIVE).ok()??;
        Some(found.content)
    }

    /// Whether one extension type occurs twice (RFC 5280 4.2).
    #[must_use]
    pub fn has_duplicate_extension(&self) -> bool {
        self.extensions.iter().enumerate().any(|(index, extension)| {
            self.extensions
                .iter()
                .take(index)
                .any(|other| other.oid == extension.oid)
        })
    }

    /// The algorithm that it is signed with; `None` when it is not supported.
    #[must_use]
    pub fn signature_algorithm(&self) -> Option<SignatureAlgorithm> {
        SignatureAlgorithm::from_oid(&self.signature_algorithm)
    }

    /// Whether it is signed with MD2, MD4 or MD5 and RSA.
    #[must_use]
    pub fn has_weak_digest(&self) -> bool {
        let text = crate::asn1::oid_text(&self.signature_algorithm);
        matches!(
            text.as_deref(),
            Some("1.2.840.113549.1.1.2" | "1.2.840.113549.1.1.3" | "1.2.840.113549.1.1.4")
        )
    }

    /// Whether `issuer`'s key made the signature of this certificate.
    #[must_use]
    pub fn is_signed_by(&self, issuer: &Self) -> bool {
        let verify = || {
            let key = issuer.key.as_ref()?;
            let algorithm = self.signature_algorithm()?;
            let digest: MessageDigest = algorithm.digest?;
            let mut outer = Reader::new(&self.der).expect(tag::SEQUENCE).ok()?.reader();
            let body = outer.expect(tag::SEQUENCE).ok()?.whole;
            Some(key.verifies(algorithm, digest, &digest.of(body), &self.signature))
        };
        verify().unwrap_or(false)
    }
}

fn parse_basic_constraints(value: &[u8]) -> Option<(bool, Option<u64>)> {
    let mut fields = Reader::new(value).expect(tag::SEQUENCE).ok()?.reader();
    let is_ca = match fields.optional(tag::BOOLEAN).ok()? {
        Some(found) => found.content != [0],
        None => false,
    };
    let length = match fields.optional(tag::INTEGER).ok()? {
        None => None,
        Some(found)
            if found.content.len() <= 8 && found.content.first().is_some_and(|octet| octet & 0x80 == 0) =>
        {
            Some(
                found
                    .content
                    .iter()
                    .fold(0u64, |sum, octet| sum << 8 | u64::from(*octet)),
            )
        }
        Some(_) => return None,
    };
    Some((is_ca, length))
}
