//! Entitlements: the property list of slot 5 and the DER of slot 7, decoded and compared.
//!
//! Specification 8. macOS's userland prefers DER and never compares; AMFI reads DER. Two forms that say different
//! things are how one part of a system is made to see other entitlements than the next, so the difference is a
//! finding. `table` says what is known about a key: who may claim it, and of which type its value is. Whether a claim
//! is right is not judged here.

mod amfi;
mod compare;
mod der;
mod nearest;
mod table;
mod text;

pub use amfi::{AmfiError, AmfiProblem, check_xml};
pub use compare::{Difference, DifferenceKind, compare};
pub use der::{DerError, parse as parse_der};
pub use nearest::nearest;
pub(crate) use nearest::nearest_of;
pub use table::{Class, Entitlement, Flag, Platform, all, classify, find};
pub use text::{to_remarked_text, to_text};

use thiserror::Error;

use crate::budget::Budget;
use crate::limits::Limits;
use crate::plist::{Dictionary, PlistError, Value};

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

/// Returns true if every value can be written in the DER form, which has no real numbers, dates or references. macOS
/// converts entitlements that have no DER form, and reads none where that fails (`CESerializeCFDictionary`).
#[must_use]
pub fn has_der_form(entries: &Dictionary) -> bool {
    fn is_writable(value: &Value) -> bool {
        match value {
            Value::Boolean(_) | Value::Integer(_) | Value::String(_) | Value::Data(_) => true,
            Value::Array(items) => items.iter().all(is_writable),
            Value::Dictionary(entries) => has_der_form(entries),
            Value::Real(_) | Value::Date(_) | Value::Uid(_) => false,
        }
    }
    entries.iter().all(|(_, value)| is_writable(value))
}

/// Decodes the payload of slot 5 for an item with this budget, in any form that CoreFoundation reads; see [`check_xml`] for AMFI's.
///
/// # Errors
/// [`EntitlementsError::Plist`] or [`EntitlementsError::NotADictionary`].
pub fn parse_xml(payload: &[u8], limits: &Limits, budget: &Budget) -> Result<Dictionary, EntitlementsError> {
    match crate::plist::parse_within(payload, limits, budget)? {
        Value::Dictionary(entries) => Ok(entries),
        other => Err(EntitlementsError::NotADictionary(other.kind())),
    }
}
