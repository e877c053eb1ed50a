//! Property lists as CoreFoundation reads them: binary, XML and the old-style form of OpenStep, in this order
//! (`_CFPropertyListCreateWithData` of `CFPropertyList.c`).
//!
//! The XML reader is our own: it keeps CDATA text and refuses entities it does not know (native observation 7.5);
//! the stricter grammar of entitlements is read in `entitlements`. Binary lists are read by the `plist` crate. Character
//! sets other than Unicode are not read: what such a list says is known to macOS, and not here.

mod binary;
mod error;
mod form;
mod lines;
mod old_style;
mod text;
mod value;
mod write;
mod xml;

pub(crate) use error::MAX_DEPTH;
pub use error::PlistError;
pub(crate) use form::{Form, form};
pub(crate) use lines::key_lines;
pub use value::{Dictionary, Value};
#[cfg(feature = "report")]
pub(crate) use write::dictionary_to_json;
pub(crate) use write::to_json;
pub use write::to_xml;
pub(crate) use xml::{Event, Events};

use std::borrow::Cow;

use crate::budget::Budget;
use crate::limits::Limits;

/// Reads a property list of any form, with the usual number of values at most.
///
/// # Errors
/// See [`PlistError`].
pub fn parse(bytes: &[u8]) -> Result<Value, PlistError> {
    let limits = Limits::default();
    let budget = Budget::new(&limits);
    budget.allow(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    parse_within(bytes, &limits, &budget)
}

/// Reads a property list of any form for an item with this budget.
///
/// # Errors
/// See [`PlistError`].
pub fn parse_within(bytes: &[u8], limits: &Limits, budget: &Budget) -> Result<Value, PlistError> {
    budget.scan(bytes.len())?;
    let value = match form(bytes)? {
        // What its references repeat is charged where it is read.
        Form::Binary => {
            return binary::parse(bytes, limits.plist_values, budget)
                .or_else(|error| text_instead(error, || text::decode(bytes), limits));
        }
        Form::Xml(text) => xml::parse(&text, limits.plist_values)
            .or_else(|error| text_instead(error, || Ok(Cow::Borrowed(&*text)), limits)),
        Form::OldStyle(text) => old_style::parse(&text, limits.plist_values),
    }?;
    budget.retain(value.size())?;
    Ok(value)
}

/// A list that begins like another form and is malformed there may still be one of the old style: `<0102>` is.
fn text_instead<'a>(
    error: PlistError,
    text: impl FnOnce() -> Result<Cow<'a, str>, PlistError>,
    limits: &Limits,
) -> Result<Value, PlistError> {
    if error.is_limit() {
        return Err(error);
    }
    match text().map(|text| old_style::parse(&text, limits.plist_values)) {
        Ok(Ok(value)) => Ok(value),
        _ => Err(error),
    }
}
