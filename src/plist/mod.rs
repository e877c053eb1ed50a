//! Property lists as CoreFoundation reads them: binary, XML and the old-style form of OpenStep, in this order
//! (`_CFPropertyListCreateWithData` of `CFPropertyList.c`).
//!
//! The XML reader is our own: it keeps CDATA text and refuses entities it does not know (native observation 7.5);
//! the stricter grammar of entitlements is read in `entitlements`. Binary lists are read by the `plist` crate. Character
//! sets other than Unicode are not read: what such a list says is known to macOS, and not here.

mod binary;
mod lines;
mod old_style;
mod text;
mod value;
mod write;
mod xml;

pub(crate) use lines::key_lines;
pub use value::{Dictionary, Value};
#[cfg(feature = "report")]
pub(crate) use write::dictionary_to_json;
pub(crate) use write::to_json;
pub use write::to_xml;
pub(crate) use xml::{Event, Events};

use std::borrow::Cow;

use thiserror::Error;

use crate::budget::{Budget, OverBudget};
use crate::limits::{Limits, OLD_STYLE_NESTING};

/// Nesting of containers, as CoreFoundation bounds it for binary lists (`_CFPropertyListMaxRecursionDepth`). Whether it does for
/// XML is not published; real lists are less than 20 deep.
pub(crate) const MAX_DEPTH: usize = 512;

/// Why a property list could not be read. Offsets are in bytes of the UTF-8 text, after decoding.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlistError {
    /// There is no text at all.
    #[error("not a property list")]
    Format,
    /// The list is in the old-style form and malformed.
    #[error("malformed property list at line {line}: {problem}")]
    OldStyle {
        /// Where, counted from 1.
        line: usize,
        /// What.
        problem: &'static str,
    },
    /// Containers of the old-style form are nested too deep.
    #[error("nested deeper than {OLD_STYLE_NESTING} levels")]
    OldStyleDepth,
    /// The text is not valid in the encoding that it uses.
    #[error("text is not valid {encoding}")]
    Encoding {
        /// The encoding.
        encoding: &'static str,
    },
    /// The XML is malformed.
    #[error("malformed XML at byte {offset}: {problem}")]
    Xml {
        /// Where.
        offset: usize,
        /// What.
        problem: &'static str,
    },
    /// A value's text does not fit its type.
    #[error("invalid {element} at byte {offset}")]
    Value {
        /// Where.
        offset: usize,
        /// The element's name.
        element: &'static str,
    },
    /// Containers are nested too deep.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    Depth,
    /// Too many values.
    #[error("more than {limit} values")]
    Values {
        /// How many there may be.
        limit: u64,
    },
    /// A binary list whose repeated references would make more values of it than it has bytes.
    #[error("more than {length} values, which is its length in bytes, from repeated references")]
    References {
        /// Its length.
        length: u64,
    },
    /// A binary list whose repeated references would make many times as much text and data of it as it has bytes.
    #[error("more than {limit} bytes of text and data, from repeated references")]
    Expansion {
        /// How many there may be.
        limit: u64,
    },
    /// The budget of the item is spent.
    #[error("{0}")]
    Budget(#[from] OverBudget),
    /// CoreFoundation reads this, which is not read here.
    #[error("in {form}, which is not read here")]
    Unsupported {
        /// What it is.
        form: &'static str,
    },
    /// The binary list is malformed.
    #[error("malformed binary property list: {problem}")]
    Binary {
        /// What the reader says.
        problem: String,
    },
}

impl PlistError {
    /// Returns true if a limit of this reader was reached that Apple's readers do not have: a budget, or an unknown form.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::Values { .. }
                | Self::References { .. }
                | Self::Expansion { .. }
                | Self::Budget(_)
                | Self::OldStyleDepth
                | Self::Unsupported { .. }
        )
    }

    /// The name of the budget that was reached, if the error is that.
    #[must_use]
    pub fn budget(&self) -> Option<&'static str> {
        match self {
            Self::Values { .. } => Some("plist-values"),
            Self::Budget(over) => Some(over.resource.name()),
            _ => None,
        }
    }
}

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

/// In which form a list is.
pub(crate) enum Form<'a> {
    /// Binary.
    Binary,
    /// XML, as UTF-8.
    Xml(Cow<'a, str>),
    /// The old-style form, as UTF-8.
    OldStyle(Cow<'a, str>),
}

/// Returns the form that a list begins with.
///
/// # Errors
/// [`PlistError::Encoding`] and [`PlistError::Unsupported`]
pub(crate) fn form(bytes: &[u8]) -> Result<Form<'_>, PlistError> {
    if bytes.starts_with(b"bplist0") {
        return Ok(Form::Binary);
    }
    let text = text::decode(bytes)?;
    let begin = text.trim_start_matches([' ', '\t', '\n', '\r']);
    Ok(match begin.starts_with('<') {
        true => Form::Xml(text),
        false => Form::OldStyle(text),
    })
}
