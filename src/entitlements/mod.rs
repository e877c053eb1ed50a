//! Entitlements: the property list of slot 5 and the DER of slot 7, decoded and compared.
//!
//! Specification 8. macOS's userland prefers DER and never compares; AMFI reads DER. Two forms that say different
//! things are how one part of a system is made to see other entitlements than the next, so the difference is a
//! finding. `table` says what is known about a key: who may claim it, and of which type its value is. Whether a claim
//! is right is not judged here.

mod compare;
mod der;
mod nearest;
mod table;
mod text;

pub use compare::{Difference, DifferenceKind, compare};
pub use der::{DerError, parse as parse_der};
pub use nearest::nearest;
pub use table::{Class, Entitlement, Flag, Platform, all, classify, find};
pub use text::to_text;

use thiserror::Error;

use crate::plist::{Dictionary, PlistError, Remark, Value};

/// Why entitlements could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EntitlementsError {
    /// The property list is malformed.
    #[error("{0}")]
    Plist(#[from] PlistError),
    /// The DER is malformed.
    #[error("{0}")]
    Der(#[from] DerError),
    /// The value is not a dictionary.
    #[error("a {0} instead of a dictionary")]
    NotADictionary(&'static str),
}

/// Decodes the payload of slot 5, with remarks on its form where it is XML.
///
/// # Errors
/// [`EntitlementsError::Plist`] or [`EntitlementsError::NotADictionary`].
pub fn parse_xml(payload: &[u8]) -> Result<(Dictionary, Vec<Remark>), EntitlementsError> {
    let (value, remarks) = if payload.starts_with(b"bplist0") {
        (crate::plist::parse(payload)?, Vec::new())
    } else {
        let document = crate::plist::parse_xml(payload)?;
        (document.value, document.remarks)
    };
    match value {
        Value::Dictionary(entries) => Ok((entries, remarks)),
        other => Err(EntitlementsError::NotADictionary(other.kind())),
    }
}
