//! Why bytes are no profile.

use thiserror::Error;

use crate::asn1::Asn1Error;
use crate::cms::CmsError;
use crate::entitlements::DerError;
use crate::plist::PlistError;

/// Why bytes are no profile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProfileError {
    /// Not a CMS SignedData.
    #[error("not signed: {0}")]
    Cms(#[from] CmsError),
    /// The CMS holds no content.
    #[error("the CMS holds no content")]
    NoContent,
    /// The content is of another type than data.
    #[error("the CMS holds something else than data")]
    ContentType,
    /// The content is no property list.
    #[error("the content is no property list: {0}")]
    Plist(#[from] PlistError),
    /// The property list is no dictionary.
    #[error("the property list is of type {kind}, not dictionary")]
    NotADictionary {
        /// What it is.
        kind: &'static str,
    },
    /// The DER form is malformed.
    #[error("the DER form is malformed: {0}")]
    Der(#[from] Asn1Error),
    /// The entitlements in the DER form are malformed.
    #[error("the entitlements in the DER form are malformed: {0}")]
    DerEntitlements(DerError),
    /// A key is missing.
    #[error("{key} is missing")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A value is of another type.
    #[error("{key} is of type {found}, not {expected}")]
    Type {
        /// The key.
        key: &'static str,
        /// The type that it has.
        found: &'static str,
        /// The type that it must have, with an article.
        expected: &'static str,
    },
    /// More of something than the budget.
    #[error("more than {limit} elements in {key}")]
    TooMany {
        /// The key.
        key: &'static str,
        /// The budget.
        limit: usize,
    },
}
