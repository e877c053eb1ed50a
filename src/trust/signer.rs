//! The signer of a CMS: its certificate, and whether its signature verifies.

use std::sync::Arc;

use super::{Certificate, MessageDigest, SignatureAlgorithm};
use crate::asn1::tag;
use crate::cms::{Attributes, SignedData, SignerIdentifier, SignerInfo, oid as cms_oid};
use crate::time::UnixTime;

/// What is wrong with the signature of a signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignerFault {
    /// Digest and signature algorithm do not fit, or are not supported.
    Algorithm,
    /// The signature is over other content.
    MessageDigest,
    /// The signature itself is wrong.
    Signature,
}

/// The certificates of a SignedData that can be decoded.
pub(super) fn certificates(data: &SignedData<'_>) -> Vec<Arc<Certificate>> {
    data.certificates
        .iter()
        .filter_map(|der| Certificate::parse(der).ok())
        .map(Arc::new)
        .collect()
}

/// The certificate that the signer names.
pub(super) fn signer_certificate<'p>(
    signer: &SignerInfo<'_>,
    pool: &'p [Arc<Certificate>],
) -> Option<&'p Arc<Certificate>> {
    match signer.identifier.as_ref()? {
        SignerIdentifier::IssuerAndSerialNumber { issuer, serial } => pool
            .iter()
            .find(|certificate| certificate.issuer.der() == issuer && certificate.serial == *serial),
        SignerIdentifier::SubjectKeyIdentifier(identifier) => pool
            .iter()
            .find(|certificate| certificate.subject_key_identifier() == Some(identifier)),
    }
}

/// The signer's cryptography over content of which `digest_of` gives the digest.
pub(super) fn verify_signer(
    signer: &SignerInfo<'_>,
    data: &SignedData<'_>,
    certificate: &Certificate,
    digest_of: impl Fn(MessageDigest) -> Vec<u8>,
) -> Result<(), SignerFault> {
    // `SecCmsSignedDataGetDigestByAlgTag` finds no other digest of the content.
    if !data.digest_algorithms.contains(&signer.digest_algorithm) {
        return Err(SignerFault::Algorithm);
    }
    let named = MessageDigest::from_oid(signer.digest_algorithm).ok_or(SignerFault::Algorithm)?;
    let algorithm = SignatureAlgorithm::from_oid(signer.signature_algorithm).ok_or(SignerFault::Algorithm)?;
    let digest = algorithm.with_digest(named).ok_or(SignerFault::Algorithm)?;
    let key = certificate.key.as_ref().ok_or(SignerFault::Algorithm)?;
    let content_hash = digest_of(digest);
    let signed_hash = match &signer.signed_attributes {
        None => content_hash,
        Some(attributes) => {
            let value = |oid, tag| attributes.value(oid).filter(|value| value.tag == tag);
            let content_type = value(cms_oid::CONTENT_TYPE, tag::OBJECT_IDENTIFIER);
            if content_type.is_none_or(|value| value.content != data.content_type) {
                return Err(SignerFault::Signature);
            }
            let message_digest = value(cms_oid::MESSAGE_DIGEST, tag::OCTET_STRING);
            if message_digest.is_none_or(|value| value.content != content_hash) {
                return Err(SignerFault::MessageDigest);
            }
            digest.of(&attributes.signed_bytes())
        }
    };
    if key.verifies(algorithm, digest, &signed_hash, &signer.signature) {
        Ok(())
    } else {
        Err(SignerFault::Signature)
    }
}

/// The signer's claim about the time.
pub(super) fn signing_time(attributes: &Attributes<'_>) -> Option<UnixTime> {
    let value = attributes.value(cms_oid::SIGNING_TIME)?;
    match value.tag {
        tag::UTC_TIME => UnixTime::from_utc_time(value.content),
        tag::GENERALIZED_TIME => UnixTime::from_generalized(value.content),
        _ => None,
    }
}
