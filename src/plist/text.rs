//! The text of an XML property list: byte order marks and encodings.
//!
//! Native observation 7.5 and `encodingForXMLData` of CFPropertyList.c: a mark beats the declaration; without both, UTF-8.
//! Of the single-byte character sets that CoreFoundation knows, those that hold ASCII are read as long as the text is ASCII. What
//! a text says that is declared to be anything else, or is UTF-16 without a mark, is not known here.

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
    if matches!(bytes, [0, _, _, ..] | [_, 0, _, ..]) {
        return Err(PlistError::Unsupported {
            form: "UTF-16 without a mark",
        });
    }
    match declared(bytes) {
        None => utf8(bytes),
        Some(name) if name.eq_ignore_ascii_case(b"utf-8") => utf8(bytes),
        Some(name) if bytes.is_ascii() && holds_ascii(name) => utf8(bytes),
        Some(_) => Err(OTHER),
    }
}

const OTHER: PlistError = PlistError::Unsupported {
    form: "a character set beside Unicode",
};

/// The name in the XML declaration, found as CoreFoundation does: the first `encoding=` in it, with a quote right behind it.
fn declared(bytes: &[u8]) -> Option<&[u8]> {
    const KEY: &[u8] = b"encoding=";
    let rest = bytes.strip_prefix(b"<?xml")?;
    let end = rest.iter().position(|byte| matches!(byte, b'?' | b'>'))?;
    let at = rest.get(..end)?.windows(KEY.len()).position(|word| word == KEY)?;
    let (quote, name) = rest.get(at.checked_add(KEY.len())?..)?.split_first()?;
    let length = name.iter().position(|byte| byte == quote);
    matches!(quote, b'"' | b'\'')
        .then(|| name.get(..length?))
        .flatten()
}

/// Whether this is a character set whose first half is ASCII, by the names of `__CFStringEncodingGetFromCanonicalName`.
fn holds_ascii(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let number = |prefix: &[u8]| -> Option<u16> {
        let digits = std::str::from_utf8(name.strip_prefix(prefix)?).ok()?;
        digits.parse().ok()
    };
    name == b"us-ascii"
        || number(b"iso-8859-").is_some_and(|part| (1..=16).contains(&part))
        || number(b"windows-").is_some_and(|page| (1250..=1258).contains(&page))
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
