//! In which form a property list is.

use std::borrow::Cow;

use super::{PlistError, text};

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
