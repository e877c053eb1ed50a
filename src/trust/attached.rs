//! A CMS that carries the content which it signs: provisioning profiles.
//!
//! RFC 5652 5.4 and 5.6 with Apple's policies for profiles (`SecPolicyCreateOSXProvisioningProfileSigning`,
//! `SecPolicyCreateiPhoneProvisioningProfileSigning`): a path to a root of Apple's and a key that may sign; no extended
//! key usage. Only the first signer counts. Real signers expire years before the profiles that they signed, so validity
//! in time is judged at the signing time that the signer names. Signatures of code take another way (`signature`), in
//! which content of its own stays a fault.

use std::sync::Arc;

use thiserror::Error;

use super::path::Cache;
use super::policy;
use super::signer::{SignerFault, certificates, signer_certificate, signing_time, verify_signer};
use super::{Anchors, Certificate, CertificateKind, Path, PathFault, Purpose};
use crate::cms::SignedData;
use crate::time::UnixTime;

/// What is wrong with the signature over attached content; in this order.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AttachedFault {
    /// There is no content, only a signature over something elsewhere.
    #[error("the CMS holds no content of its own")]
    NoContent,
    /// Nobody signed.
    #[error("the CMS has no signer")]
    NoSigner,
    /// The signer's certificate is not there.
    #[error("the signer's certificate is not in the CMS")]
    NoCertificate,
    /// Digest and signature algorithm do not fit, or are not supported.
    #[error("the signature uses algorithms that macOS does not accept")]
    Algorithm,
    /// The content is not what was signed.
    #[error("the content was changed after it was signed")]
    MessageDigest,
    /// The signature itself is wrong.
    #[error("the signature does not verify with the signer's key")]
    Signature,
    /// The certificate path is at fault.
    #[error("{0}")]
    Path(#[from] PathFault),
    /// The path ends in a root that is not Apple's.
    #[error("signed by \"{signer}\", not by Apple")]
    NotApple {
        /// Name of the signer's certificate.
        signer: String,
    },
}

/// Who signed attached content.
#[derive(Debug, Clone, Default)]
pub struct AttachedSigner {
    /// The chain, the signer's certificate first; empty when that is not known.
    pub chain: Vec<Arc<Certificate>>,
    /// What Apple issued the signer's certificate for.
    pub kind: Option<CertificateKind>,
    /// The signer's claim about the time.
    pub signing_time: Option<UnixTime>,
    /// What is wrong; nothing when the content is Apple's.
    pub faults: Vec<AttachedFault>,
}

impl AttachedSigner {
    /// Name of the signer's certificate; empty when that is not known.
    #[must_use]
    pub fn name(&self) -> &str {
        self.chain.first().map_or("", |leaf| leaf.summary())
    }
}

/// Verifies the content of `data` up to a root of Apple's.
#[must_use]
pub fn evaluate_attached(data: &SignedData<'_>, anchors: &Anchors, cache: &Cache) -> AttachedSigner {
    let mut found = AttachedSigner::default();
    let Some(content) = &data.content else {
        found.faults.push(AttachedFault::NoContent);
        return found;
    };
    let Some(signer) = data.signers.first() else {
        found.faults.push(AttachedFault::NoSigner);
        return found;
    };
    found.signing_time = signer.signed_attributes.as_ref().and_then(signing_time);
    let pool = certificates(data);
    let Some(leaf) = signer_certificate(signer, &pool) else {
        found.faults.push(AttachedFault::NoCertificate);
        return found;
    };
    let path = Path::build(leaf, &pool, anchors, cache);
    found.chain.clone_from(&path.certificates);
    found.kind = Some(CertificateKind::of(&path.certificates, path.is_apple()));
    if let Err(fault) = verify_signer(signer, data, leaf, |digest| digest.of(content)) {
        found.faults.push(match fault {
            SignerFault::Algorithm => AttachedFault::Algorithm,
            SignerFault::MessageDigest => AttachedFault::MessageDigest,
            SignerFault::Signature => AttachedFault::Signature,
        });
    }
    let at = found.signing_time;
    let problem = policy::check(&path, Purpose::Profiles, at.unwrap_or_default(), at.is_none());
    if let Some(problem) = problem {
        found.faults.push(problem.into());
    } else if !path.is_apple() {
        let signer = leaf.summary().to_owned();
        found.faults.push(AttachedFault::NotApple { signer });
    }
    found
}
