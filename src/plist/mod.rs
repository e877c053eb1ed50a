//! Property lists as CoreFoundation reads them: XML and binary.
//!
//! The XML reader is our own: it keeps CDATA text and refuses entities it does not know (native observation 7.5);
//! the stricter grammar of entitlements is read in `entitlements`. Binary lists are read by the `plist` crate. The
//! OpenStep syntax and character sets beside Unicode are not read: what such a list says is not known here, other than to macOS.

mod binary;
mod text;
mod value;
mod write;
mod xml;

pub use value::{Dictionary, Value};
pub use write::to_xml;
pub(crate) use write::{dictionary_to_json, to_json};
pub(crate) use xml::{Event, Events};

use std::borrow::Cow;

use thiserror::Error;

use crate::limits::Limits;

/// Nesting of containers, as CoreFoundation bounds it for binary lists (`_CFPropertyListMaxRecursionDepth`). Whether it does for
/// XML is not published; real lists are less than 20 deep.
pub(crate) const MAX_DEPTH: usize = 512;

/// Why a property list could not be read. Offsets are in bytes of the UTF-8 text, after decoding.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlistError {
    /// Neither XML nor binary.
    #[error("not an XML or binary property list")]
    Format,
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
    /// Whether a limit of this reader was reached, of which Apple's readers have none: a budget, or a form that it does not know.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(self, Self::Values { .. } | Self::Unsupported { .. })
    }
}

/// Reads a property list of either form, with the usual number of values at most.
///
/// # Errors
/// See [`PlistError`].
pub fn parse(bytes: &[u8]) -> Result<Value, PlistError> {
    parse_within(bytes, &Limits::default())
}

/// Reads a property list of either form.
///
/// # Errors
/// See [`PlistError`].
pub fn parse_within(bytes: &[u8], limits: &Limits) -> Result<Value, PlistError> {
    match form(bytes)? {
        Form::Binary => binary::parse(bytes, limits.plist_values),
        Form::Xml(text) => xml::parse(&text, limits.plist_values),
    }
}

/// In which form a list is.
pub(crate) enum Form<'a> {
    /// Binary.
    Binary,
    /// XML, as UTF-8.
    Xml(Cow<'a, str>),
}

/// The form of a list.
///
/// # Errors
/// [`PlistError::Encoding`] and [`PlistError::Unsupported`]
pub(crate) fn form(bytes: &[u8]) -> Result<Form<'_>, PlistError> {
    if bytes.starts_with(b"bplist0") {
        return Ok(Form::Binary);
    }
    let text = text::decode(bytes)?;
    // A dictionary of the older form, or a list of strings for translation, which comes without braces.
    let start = text.trim_start();
    if start.starts_with(['{', '/']) || (!start.starts_with('<') && start.contains('=')) {
        return Err(PlistError::Unsupported {
            form: "the OpenStep form",
        });
    }
    Ok(Form::Xml(text))
}
