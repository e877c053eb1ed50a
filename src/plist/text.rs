//! The text of an XML property list: byte order marks and encodings.
//!
//! Native observation 7.5: a mark beats the declaration; without one, UTF-8. Single-byte character sets named in
//! the declaration, which CoreFoundation also honours, are read as UTF-8 here, so other than ASCII is an error.

use std::borrow::Cow;

use super::PlistError;

/// The text as UTF-8, without the byte order mark in front of it.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, PlistError> {
    if let Some(rest) = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]) {
        return utf8(rest);
    }
    // The mark of little-endian UTF-32 begins like that of UTF-16, so it comes first.
    if let Some(rest) = bytes.strip_prefix(&[0xff, 0xfe, 0, 0]) {
        return utf32(rest, u32::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(&[0, 0, 0xfe, 0xff]) {
        return utf32(rest, u32::from_be_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(&[0xff, 0xfe]) {
        return Ok(utf16(rest, u16::from_le_bytes));
    }
    if let Some(rest) = bytes.strip_prefix(&[0xfe, 0xff]) {
        return Ok(utf16(rest, u16::from_be_bytes));
    }
    utf8(bytes)
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, PlistError> {
    std::str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|_| PlistError::Encoding { encoding: "UTF-8" })
}

/// An unpaired surrogate ends the text; an incomplete last unit is dropped.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'static, str> {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    Cow::Owned(char::decode_utf16(units).map_while(Result::ok).collect())
}

/// An illegal value spoils everything; an incomplete last unit is dropped.
fn utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Result<Cow<'static, str>, PlistError> {
    let units = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|quad| char::from_u32(unit(*quad)));
    units
        .collect::<Option<String>>()
        .map(Cow::Owned)
        .ok_or(PlistError::Encoding { encoding: "UTF-32" })
}
