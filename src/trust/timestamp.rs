//! Timestamps of RFC 3161 over the signature of code.
//!
//! Specification 4.3 (`tsaSupport.c`): the token is a SignedData over a TSTInfo; its imprint must be the digest of the
//! outer signature, its authority's certificate valid at that time and made for timestamps. Whether the root is good
//! enough depends on the signer and is judged with it.

use std::sync::Arc;

use thiserror::Error;

use super::path::Cache;
use super::policy;
use super::signer::{certificates, signer_certificate, verify_signer};
use super::{Anchors, Certificate, MessageDigest, Path, PathFault, Purpose, Root};
use crate::asn1::{Asn1Error, Reader, tag};
use crate::cms::{CmsError, SignedData, oid};
use crate::time::UnixTime;

/// A verified timestamp.
#[derive(Debug, Clone)]
pub struct Timestamp {
    /// `genTime`.
    pub time: UnixTime,
    /// The authority's chain, its own certificate first.
    pub chain: Vec<Arc<Certificate>>,
    /// What the chain ends in.
    pub root: Root,
}

/// Why a timestamp does not count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimestampFault {
    /// There are unsigned attributes, but not exactly one timestamp among them.
    #[error("the unsigned attributes hold no single timestamp")]
    NotOne,
    /// The token cannot be decoded.
    #[error("the timestamp cannot be decoded: {0}")]
    Decode(#[from] CmsError),
    /// The token is not about a TSTInfo of version 1.
    #[error("the timestamp holds no TSTInfo of version 1")]
    NotTstInfo,
    /// The imprint uses another digest than SHA-1 or SHA-256.
    #[error("the timestamp's imprint uses an unknown digest")]
    ImprintAlgorithm,
    /// The imprint is not that of this signature.
    #[error("the timestamp belongs to another signature")]
    Imprint,
    /// `genTime` is not of the form that macOS reads.
    #[error("the timestamp's time cannot be read")]
    Time,
    /// The authority's certificate is not in the token.
    #[error("the timestamp does not hold its authority's certificate")]
    NoCertificate,
    /// The authority's signature does not verify.
    #[error("the timestamp's own signature does not verify")]
    Signature,
    /// The authority's chain is at fault.
    #[error("timestamp authority: {0}")]
    Path(#[from] PathFault),
}

impl From<Asn1Error> for TimestampFault {
    fn from(error: Asn1Error) -> Self {
        Self::Decode(error.into())
    }
}

/// Verifies the token `bytes` over the signature `signature`.
pub(super) fn evaluate(
    bytes: &[u8],
    signature: &[u8],
    anchors: &Anchors,
    cache: &Cache,
) -> Result<Timestamp, TimestampFault> {
    let token = SignedData::parse(bytes)?;
    let content = match &token.content {
        Some(content) if token.content_type == oid::TST_INFO.as_bytes() => content,
        _ => return Err(TimestampFault::NotTstInfo),
    };
    let time = tst_info(content, signature)?;
    let signer = token.signers.first().ok_or(TimestampFault::Signature)?;
    let pool = certificates(&token);
    let certificate = signer_certificate(signer, &pool).ok_or(TimestampFault::NoCertificate)?;
    verify_signer(signer, &token, certificate, |digest| digest.of(content))
        .map_err(|_| TimestampFault::Signature)?;
    let path = Path::build(certificate, &pool, anchors, cache);
    if !certificate.is_valid_at(time) {
        let problem = super::PathProblem::Expired;
        let subject = certificate.summary().to_owned();
        return Err(TimestampFault::Path(PathFault {
            problem,
            certificate: 0,
            subject,
        }));
    }
    // Expiry of the chain itself is forgiven; a missing root is judged with the signer.
    match policy::check(&path, Purpose::TimeStamping, time, true) {
        Some(fault) if fault.problem != super::PathProblem::NotTrusted => Err(fault.into()),
        _ => Ok(Timestamp {
            time,
            chain: path.certificates.clone(),
            root: path.root,
        }),
    }
}

/// `genTime`, once version and imprint are right (RFC 3161 2.4.2).
fn tst_info(content: &[u8], signature: &[u8]) -> Result<UnixTime, TimestampFault> {
    let mut fields = Reader::new(content).expect(tag::SEQUENCE)?.reader();
    if fields.expect(tag::INTEGER)?.content != [1] {
        return Err(TimestampFault::NotTstInfo);
    }
    fields.expect(tag::OBJECT_IDENTIFIER)?;
    let mut imprint = fields.expect(tag::SEQUENCE)?.reader();
    let mut algorithm = imprint.expect(tag::SEQUENCE)?.reader();
    let digest = match MessageDigest::from_oid(algorithm.expect(tag::OBJECT_IDENTIFIER)?.content) {
        Some(digest @ (MessageDigest::Sha1 | MessageDigest::Sha256)) => digest,
        _ => return Err(TimestampFault::ImprintAlgorithm),
    };
    if imprint.expect(tag::OCTET_STRING)?.content != digest.of(signature) {
        return Err(TimestampFault::Imprint);
    }
    fields.expect(tag::INTEGER)?;
    let time = fields.expect(tag::GENERALIZED_TIME)?;
    UnixTime::from_generalized(time.content).ok_or(TimestampFault::Time)
}
