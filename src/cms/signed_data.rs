//! `ContentInfo { SignedData }` and its signers (RFC 5652 3, 5.1 and 5.3).

use std::borrow::Cow;

use der::{Choice, Decode, Encode, Sequence};
use thiserror::Error;
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;

use super::{Attributes, oid};
use crate::asn1::{Asn1Error, Element, Reader, tag};
use crate::limits::{CMS_CERTIFICATES, CMS_SIGNERS};

/// Why bytes are no SignedData.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CmsError {
    /// Not BER, or not the structure.
    #[error(transparent)]
    Asn1(#[from] Asn1Error),
    /// The content type is another one.
    #[error("the CMS content is no signed data")]
    NotSignedData,
    /// The content type is `data`: Apple's decoder reads it and finds no signature in it.
    #[error("the CMS holds plain data and no signature")]
    PlainData,
    /// More certificates or signers than the budget.
    #[error("more than {limit} {what} in a CMS signature")]
    TooMany {
        /// Certificates or signers.
        what: &'static str,
        /// The budget.
        limit: usize,
    },
}

/// A SignedData.
#[derive(Debug, Clone)]
pub struct SignedData<'a> {
    /// Content octets of the digest algorithms that the signers say they use; Apple's decoder computes these and no others.
    pub digest_algorithms: Vec<&'a [u8]>,
    /// Content octets of `eContentType`.
    pub content_type: &'a [u8],
    /// Embedded content; signatures of code have none.
    pub content: Option<Cow<'a, [u8]>>,
    /// Certificates as they were sent.
    pub certificates: Vec<&'a [u8]>,
    /// Signers in the order of the wire.
    pub signers: Vec<SignerInfo<'a>>,
}

/// How a signer names its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignerIdentifier {
    /// By issuer and serial number.
    IssuerAndSerialNumber {
        /// DER of the issuer's name.
        issuer: Vec<u8>,
        /// Content octets of the serial number.
        serial: Vec<u8>,
    },
    /// By subject key identifier.
    SubjectKeyIdentifier(Vec<u8>),
}

/// One signer.
#[derive(Debug, Clone)]
pub struct SignerInfo<'a> {
    /// Which certificate; `None` when that cannot be decoded.
    pub identifier: Option<SignerIdentifier>,
    /// Content octets of the digest algorithm.
    pub digest_algorithm: &'a [u8],
    /// Attributes under the signature.
    pub signed_attributes: Option<Attributes<'a>>,
    /// Content octets of the signature algorithm.
    pub signature_algorithm: &'a [u8],
    /// The signature.
    pub signature: Cow<'a, [u8]>,
    /// Attributes beside the signature.
    pub unsigned_attributes: Option<Attributes<'a>>,
}

impl<'a> SignedData<'a> {
    /// Reads a ContentInfo with SignedData. Bytes behind it are ignored, as Apple's decoder does.
    ///
    /// # Errors
    /// See [`CmsError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CmsError> {
        let mut outer = Reader::new(bytes).expect(tag::SEQUENCE)?.reader();
        let kind = outer.expect(tag::OBJECT_IDENTIFIER)?.content;
        if kind == oid::DATA.as_bytes() {
            return Err(plain_data(&mut outer)?);
        }
        if kind != oid::SIGNED_DATA.as_bytes() {
            return Err(CmsError::NotSignedData);
        }
        let mut fields = outer
            .expect(tag::CONTEXT_0)?
            .reader()
            .expect(tag::SEQUENCE)?
            .reader();
        fields.expect(tag::INTEGER)?;
        let mut digest_algorithms = Vec::new();
        let mut reader = fields.expect(tag::SET)?.reader();
        while let Some(found) = reader.next_element()? {
            digest_algorithms.push(algorithm(found)?);
        }
        let mut encapsulated = fields.expect(tag::SEQUENCE)?.reader();
        let content_type = encapsulated.expect(tag::OBJECT_IDENTIFIER)?.content;
        let content = match encapsulated.optional(tag::CONTEXT_0)? {
            None => None,
            Some(explicit) => {
                let inner = explicit.reader().next_element()?.ok_or(Asn1Error::Truncated)?;
                Some(inner.octets()?)
            }
        };
        encapsulated.finish()?;
        let mut certificates = Vec::new();
        if let Some(set) = fields.optional(tag::CONTEXT_0)? {
            let mut reader = set.reader();
            while let Some(certificate) = reader.next_element()? {
                // Attribute certificates and other choices carry context tags.
                if certificate.tag == tag::SEQUENCE {
                    certificates.push(certificate.whole);
                }
                if certificates.len() > CMS_CERTIFICATES {
                    return Err(too_many("certificates", CMS_CERTIFICATES));
                }
            }
        }
        fields.optional(tag::CONTEXT_1)?;
        let mut reader = fields.expect(tag::SET)?.reader();
        let mut signers = Vec::new();
        while let Some(signer) = reader.next_element()? {
            if signers.len() >= CMS_SIGNERS {
                return Err(too_many("signers", CMS_SIGNERS));
            }
            signers.push(SignerInfo::parse(signer)?);
        }
        fields.finish()?;
        Ok(Self {
            digest_algorithms,
            content_type,
            content,
            certificates,
            signers,
        })
    }
}

/// The rest of a ContentInfo of type `data`: perhaps an octet string, and nothing else.
fn plain_data(outer: &mut Reader<'_>) -> Result<CmsError, Asn1Error> {
    if let Some(explicit) = outer.optional(tag::CONTEXT_0)? {
        let mut inner = explicit.reader();
        inner.next_element()?.ok_or(Asn1Error::Truncated)?.octets()?;
        inner.finish()?;
    }
    outer.finish()?;
    Ok(CmsError::PlainData)
}

/// Content octets of the identifier in an AlgorithmIdentifier.
fn algorithm(element: Element<'_>) -> Result<&[u8], Asn1Error> {
    let mut fields = element.reader();
    Ok(fields.expect(tag::OBJECT_IDENTIFIER)?.content)
}

fn too_many(what: &'static str, limit: usize) -> CmsError {
    CmsError::TooMany { what, limit }
}

impl<'a> SignerInfo<'a> {
    fn parse(element: Element<'a>) -> Result<Self, Asn1Error> {
        if element.tag != tag::SEQUENCE {
            let (found, expected) = (element.tag, tag::SEQUENCE);
            return Err(Asn1Error::Tag { found, expected });
        }
        let mut fields = element.reader();
        fields.expect(tag::INTEGER)?;
        let identifier = fields.next_element()?.ok_or(Asn1Error::Truncated)?;
        let digest_algorithm = algorithm(fields.expect(tag::SEQUENCE)?)?;
        let signed_attributes = fields
            .optional(tag::CONTEXT_0)?
            .map(Attributes::parse)
            .transpose()?;
        let signature_algorithm = algorithm(fields.expect(tag::SEQUENCE)?)?;
        let signature = fields.next_element()?.ok_or(Asn1Error::Truncated)?.octets()?;
        let unsigned_attributes = fields
            .optional(tag::CONTEXT_1)?
            .map(Attributes::parse)
            .transpose()?;
        fields.finish()?;
        Ok(Self {
            identifier: decode(identifier.whole),
            digest_algorithm,
            signed_attributes,
            signature_algorithm,
            signature,
            unsigned_attributes,
        })
    }
}

/// `IssuerAndSerialNumber` as it is sent (RFC 5652, section 10.2.4).
#[derive(Sequence)]
struct IssuerAndSerialNumber {
    issuer: Name,
    serial_number: SerialNumber,
}

/// `SignerIdentifier` as it is sent (RFC 5652, section 5.3).
#[derive(Choice)]
enum Decoded {
    IssuerAndSerialNumber(IssuerAndSerialNumber),
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    SubjectKeyIdentifier(SubjectKeyIdentifier),
}

fn decode(bytes: &[u8]) -> Option<SignerIdentifier> {
    Some(match Decoded::from_ber(bytes).ok()? {
        Decoded::IssuerAndSerialNumber(found) => SignerIdentifier::IssuerAndSerialNumber {
            issuer: found.issuer.to_der().ok()?,
            serial: found.serial_number.as_bytes().to_vec(),
        },
        Decoded::SubjectKeyIdentifier(found) => {
            SignerIdentifier::SubjectKeyIdentifier(found.0.as_bytes().to_vec())
        }
    })
}
