//! Roots: Apple's own, and those that the caller adds.
//!
//! Specification 4.7 and 17.1. Apple's root certificates are public; their SHA-256 is checked against the pinned values
//! by a test. Roots added as *trusted* may complete a chain but are not Apple's; roots added as *Apple's* count as such.

use std::sync::{Arc, OnceLock};

use thiserror::Error;

use super::{Certificate, CertificateError};

/// SHA-256 of every certificate that macOS takes for a root of Apple's (`SecAppleAnchor.c`): Apple Root CA, G2, G3, and
/// the two roots of platform code signing.
pub(super) const APPLE_ROOTS: [&str; 5] = [
    "b0b1730ecbc7ff4505142c49f1295e6eda6bcaed7e2c68c5be91b5a11001f024",
    "c2b9b042dd57830e7d117dac55ac8ae19407d38e41d88f3215bc3a890444a050",
    "63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179",
    "fb3f6cf69467b5fa9ffa2b3b392b6e5e775bbb09c77b6e759e9038e26bbf9049",
    "eda23b3f224f45e0952f20e4d2b33e000d49c8044c1168de47b443cd2b3536dc",
];

const EMBEDDED: [&[u8]; 3] = [
    include_bytes!("roots/AppleIncRootCertificate.cer"),
    include_bytes!("roots/AppleRootCA-G2.cer"),
    include_bytes!("roots/AppleRootCA-G3.cer"),
];

/// Why an anchor cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AnchorError {
    /// Not a certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// There are no certificates in it, or something else beside them.
    #[error("neither one certificate in DER nor only certificates in PEM")]
    Pem,
}

/// The roots of one verification.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    /// The embedded roots; code that is signed ad hoc never asks for them.
    embedded: OnceLock<Vec<Arc<Certificate>>>,
    /// Roots that count as Apple's besides.
    apple: Vec<Arc<Certificate>>,
    trusted: Vec<Arc<Certificate>>,
    substituted: bool,
}

impl Anchors {
    /// Adds roots that may complete a chain: one in DER, or all of a file in PEM.
    ///
    /// # Errors
    /// See [`AnchorError`].
    pub fn trust(&mut self, file: &[u8]) -> Result<(), AnchorError> {
        self.trusted.extend(certificates(file)?);
        Ok(())
    }

    /// Adds roots that count as Apple's: one in DER, or all of a file in PEM. Every report says so afterwards.
    ///
    /// # Errors
    /// See [`AnchorError`].
    pub fn trust_as_apple(&mut self, file: &[u8]) -> Result<(), AnchorError> {
        self.apple.extend(certificates(file)?);
        self.substituted = true;
        Ok(())
    }

    /// Whether roots count as Apple's that are not.
    #[must_use]
    pub fn is_substituted(&self) -> bool {
        self.substituted
    }

    /// Whether macOS takes this certificate for a root of Apple's.
    #[must_use]
    pub fn is_apple(&self, certificate: &Certificate) -> bool {
        let text = crate::octets::hex(certificate.sha256());
        APPLE_ROOTS.contains(&text.as_str()) || contains(&self.apple, certificate)
    }

    /// Whether the caller trusts this root.
    #[must_use]
    pub fn is_trusted(&self, certificate: &Certificate) -> bool {
        contains(&self.trusted, certificate)
    }

    /// All roots at hand, Apple's first.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        self.embedded().iter().chain(&self.apple).chain(&self.trusted)
    }

    fn embedded(&self) -> &[Arc<Certificate>] {
        self.embedded.get_or_init(|| {
            let parsed = EMBEDDED.iter().filter_map(|der| Certificate::parse(der).ok());
            parsed.map(Arc::new).collect()
        })
    }
}

fn contains(list: &[Arc<Certificate>], certificate: &Certificate) -> bool {
    list.iter().any(|anchor| anchor.sha256() == certificate.sha256())
}

/// The certificates of a file: one in DER, or any number in PEM (RFC 7468) with nothing but white space around them. What
/// else is there may be a certificate that is mistyped, and would be left out silently.
fn certificates(file: &[u8]) -> Result<Vec<Arc<Certificate>>, AnchorError> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    if file.first() == Some(&crate::asn1::tag::SEQUENCE) {
        return Ok(vec![Arc::new(Certificate::parse(file)?)]);
    }
    let mut rest = std::str::from_utf8(file).map_err(|_| AnchorError::Pem)?.trim();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let block = rest.strip_prefix(BEGIN).and_then(|rest| rest.split_once(END));
        let (body, after) = block.ok_or(AnchorError::Pem)?;
        // The decoder ends at the first `=`.
        let content = body.trim_end().trim_end_matches('=');
        let der = crate::octets::base64(content).filter(|_| !content.contains('='));
        found.push(Arc::new(Certificate::parse(&der.ok_or(AnchorError::Pem)?)?));
        rest = after.trim_start();
    }
    if found.is_empty() {
        return Err(AnchorError::Pem);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_roots_are_the_pinned_ones() {
        let anchors = Anchors::default();
        let found: Vec<_> = anchors
            .all()
            .map(|root| crate::octets::hex(root.sha256()))
            .collect();
        assert_eq!(found, &APPLE_ROOTS[..3]);
        for root in anchors.all() {
            assert!(
                root.is_self_issued() && root.is_signed_by(root),
                "{}",
                root.summary()
            );
            assert!(root.summary().starts_with("Apple Root CA"));
        }
        assert!(!anchors.is_substituted());
    }
}
