//! Elements of ASN.1 in BER, as spans of the bytes that were sent.
//!
//! X.690 section 8, which includes DER. CMS signatures are verified over the bytes on the wire, so the reader never
//! copies or re-encodes: 372 of 432 real signatures have indefinite lengths, and the sets in many are not sorted.
//! Not supported: tag numbers above 30, which occur nowhere in CMS and X.509.

use std::borrow::Cow;

use thiserror::Error;

use crate::limits::ASN1_DEPTH;

/// Identifier octets: class, constructed bit and tag number.
pub mod tag {
    /// BOOLEAN.
    pub const BOOLEAN: u8 = 0x01;
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING.
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING, primitive.
    pub const OCTET_STRING: u8 = 0x04;
    /// OCTET STRING in pieces.
    pub const OCTET_STRINGS: u8 = 0x24;
    /// OBJECT IDENTIFIER.
    pub const OBJECT_IDENTIFIER: u8 = 0x06;
    /// UTF8String.
    pub const UTF8_STRING: u8 = 0x0c;
    /// SEQUENCE.
    pub const SEQUENCE: u8 = 0x30;
    /// SET.
    pub const SET: u8 = 0x31;
    /// UTCTime.
    pub const UTC_TIME: u8 = 0x17;
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// `[0]`, constructed.
    pub const CONTEXT_0: u8 = 0xa0;
    /// `[1]`, constructed.
    pub const CONTEXT_1: u8 = 0xa1;
    /// `[0]`, primitive.
    pub const CONTEXT_0_PRIMITIVE: u8 = 0x80;
}

/// Why bytes are no BER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Asn1Error {
    /// An element does not fit into the space it is in.
    #[error("an ASN.1 element ends too early")]
    Truncated,
    /// A length that BER does not have, or one that no file can have.
    #[error("an ASN.1 length is malformed")]
    Length,
    /// Another element than the format has here.
    #[error("ASN.1 tag {found:#04x} where {expected:#04x} belongs")]
    Tag {
        /// The identifier octet that was found.
        found: u8,
        /// The one that belongs here.
        expected: u8,
    },
    /// A tag number above 30.
    #[error("an ASN.1 tag number is not supported")]
    TagNumber,
    /// Nested too deep.
    #[error("ASN.1 nested deeper than {ASN1_DEPTH} levels")]
    Depth,
    /// Bytes follow the end.
    #[error("bytes follow the end of an ASN.1 element")]
    Trailing,
    /// A value's content does not fit its type.
    #[error("malformed ASN.1 {0}")]
    Value(&'static str),
}

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// The identifier octet.
    pub tag: u8,
    /// The content, without the two zero octets that end an indefinite length.
    pub content: &'a [u8],
    /// The whole element as it was sent.
    pub whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// A reader for the elements inside.
    #[must_use]
    pub fn reader(&self) -> Reader<'a> {
        Reader { rest: self.content }
    }

    /// The octets of an OCTET STRING (or an implicitly tagged one), primitive or in pieces.
    ///
    /// # Errors
    /// [`Asn1Error`], when the pieces are malformed.
    pub fn octets(&self) -> Result<Cow<'a, [u8]>, Asn1Error> {
        match self.tag {
            tag::OCTET_STRING => return Ok(Cow::Borrowed(self.content)),
            tag::OCTET_STRINGS => {}
            found => {
                let expected = tag::OCTET_STRING;
                return Err(Asn1Error::Tag { found, expected });
            }
        }
        let mut octets = Vec::new();
        collect(self.content, 0, &mut octets)?;
        Ok(Cow::Owned(octets))
    }
}

fn collect(content: &[u8], depth: usize, octets: &mut Vec<u8>) -> Result<(), Asn1Error> {
    if depth > ASN1_DEPTH {
        return Err(Asn1Error::Depth);
    }
    let mut reader = Reader::new(content);
    while let Some(piece) = reader.next_element()? {
        match piece.tag {
            tag::OCTET_STRING => octets.extend_from_slice(piece.content),
            tag::OCTET_STRINGS => collect(piece.content, depth.saturating_add(1), octets)?,
            found => {
                return Err(Asn1Error::Tag {
                    found,
                    expected: tag::OCTET_STRING,
                });
            }
        }
    }
    Ok(())
}

/// Reads elements one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next element, or `None` at the end.
    ///
    /// # Errors
    /// See [`Asn1Error`].
    pub fn next_element(&mut self) -> Result<Option<Element<'a>>, Asn1Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (element, rest) = element(self.rest, 0)?;
        self.rest = rest;
        Ok(Some(element))
    }

    /// The next element, which must have this tag.
    ///
    /// # Errors
    /// See [`Asn1Error`].
    pub fn expect(&mut self, expected: u8) -> Result<Element<'a>, Asn1Error> {
        let found = self.next_element()?.ok_or(Asn1Error::Truncated)?;
        if found.tag == expected {
            Ok(found)
        } else {
            Err(Asn1Error::Tag {
                found: found.tag,
                expected,
            })
        }
    }

    /// The next element if it has this tag; otherwise nothing is read.
    ///
    /// # Errors
    /// See [`Asn1Error`].
    pub fn optional(&mut self, wanted: u8) -> Result<Option<Element<'a>>, Asn1Error> {
        if self.rest.first() == Some(&wanted) {
            self.next_element()
        } else {
            Ok(None)
        }
    }

    /// Whether something is left to read.
    #[must_use]
    pub fn next_is_some(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Demands that everything has been read.
    ///
    /// # Errors
    /// [`Asn1Error::Trailing`].
    pub fn finish(&self) -> Result<(), Asn1Error> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Asn1Error::Trailing)
        }
    }
}

/// Splits the first element off.
fn element(bytes: &[u8], depth: usize) -> Result<(Element<'_>, &[u8]), Asn1Error> {
    let (tag, after_tag) = bytes.split_first().ok_or(Asn1Error::Truncated)?;
    if tag & 0x1f == 0x1f {
        return Err(Asn1Error::TagNumber);
    }
    let (first, after_length) = after_tag.split_first().ok_or(Asn1Error::Truncated)?;
    let (content, rest) = match *first {
        short @ 0..=0x7f => split(after_length, usize::from(short))?,
        0x80 if tag & 0x20 != 0 => indefinite(after_length, depth)?,
        long @ 0x81..=0x88 => {
            let (octets, rest) = split(after_length, usize::from(long & 0x7f))?;
            let length = octets
                .iter()
                .fold(0u64, |length, octet| length << 8 | u64::from(*octet));
            split(rest, usize::try_from(length).map_err(|_| Asn1Error::Length)?)?
        }
        _ => return Err(Asn1Error::Length),
    };
    let length = bytes.len().saturating_sub(rest.len());
    let whole = bytes.get(..length).ok_or(Asn1Error::Truncated)?;
    let tag = *tag;
    Ok((Element { tag, content, whole }, rest))
}

fn split(bytes: &[u8], length: usize) -> Result<(&[u8], &[u8]), Asn1Error> {
    bytes.split_at_checked(length).ok_or(Asn1Error::Truncated)
}

/// The content up to the end-of-contents octets, and what follows these.
fn indefinite(bytes: &[u8], depth: usize) -> Result<(&[u8], &[u8]), Asn1Error> {
    if depth >= ASN1_DEPTH {
        return Err(Asn1Error::Depth);
    }
    let mut rest = bytes;
    loop {
        if let Some(after) = rest.strip_prefix(&[0, 0]) {
            let length = bytes.len().saturating_sub(rest.len());
            return Ok((bytes.get(..length).ok_or(Asn1Error::Truncated)?, after));
        }
        rest = element(rest, depth.saturating_add(1))?.1;
    }
}

/// A DER header and its content: how a retagged element looks to the one who signed it.
#[must_use]
pub fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short @ 0..=0x7f) => bytes.push(short),
        _ => {
            let octets: Vec<u8> = content
                .len()
                .to_be_bytes()
                .into_iter()
                .skip_while(|octet| *octet == 0)
                .collect();
            bytes.push(0x80 | u8::try_from(octets.len()).unwrap_or(0x7e));
            bytes.extend(octets);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// The dotted text of an object identifier's content octets; `None` when they are malformed.
#[must_use]
pub fn oid_text(content: &[u8]) -> Option<String> {
    let mut arcs = Vec::new();
    let mut value = 0u64;
    for octet in content {
        value = value.checked_mul(128)?.checked_add(u64::from(octet & 0x7f))?;
        if octet & 0x80 == 0 {
            arcs.push(value);
            value = 0;
        }
    }
    if content.last()? & 0x80 != 0 {
        return None;
    }
    let (first, rest) = arcs.split_first()?;
    let root = (*first / 40).min(2);
    let mut text = format!("{root}.{}", first.checked_sub(root.checked_mul(40)?)?);
    for arc in rest {
        text.push('.');
        text.push_str(&arc.to_string());
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definite_and_indefinite_lengths() {
        // SEQUENCE indefinite { OCTET STRING indefinite { "a", "b" }, NULL }
        let bytes = [
            0x30, 0x80, 0x24, 0x80, 4, 1, b'a', 4, 1, b'b', 0, 0, 5, 0, 0, 0, 0xff,
        ];
        let mut reader = Reader::new(&bytes);
        let outer = reader.expect(tag::SEQUENCE).unwrap();
        assert_eq!(reader.rest(), [0xff]);
        assert_eq!(outer.whole.len(), bytes.len() - 1);
        let mut inner = outer.reader();
        assert_eq!(
            inner.next_element().unwrap().unwrap().octets().unwrap().as_ref(),
            b"ab"
        );
        assert_eq!(inner.expect(5).unwrap().content, b"");
        inner.finish().unwrap();
    }

    #[test]
    fn hostile_lengths_end_at_once() {
        let error = |bytes: &[u8]| Reader::new(bytes).next_element().unwrap_err();
        assert_eq!(error(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), Asn1Error::Truncated);
        assert_eq!(
            error(&[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            Asn1Error::Truncated
        );
        assert_eq!(error(&[0x30, 0x89]), Asn1Error::Length);
        assert_eq!(error(&[0x04, 0x80, 0, 0]), Asn1Error::Length);
        assert_eq!(error(&[0x1f, 0x20, 0]), Asn1Error::TagNumber);
        assert_eq!(error(&[0x30, 0x80].repeat(100_000)), Asn1Error::Depth);
        assert_eq!(error(&[0x30, 0x80, 5, 0]), Asn1Error::Truncated);
    }

    #[test]
    fn object_identifiers_as_text() {
        let cases: [(&[u8], &str); 5] = [
            (
                &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 1, 13],
                "1.2.840.113635.100.6.1.13",
            ),
            (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1], "2.16.840.1.101.3.4.2.1"),
            (&[0x2b, 14, 3, 2, 26], "1.3.14.3.2.26"),
            (&[0x88, 0x37, 1], "2.999.1"),
            (&[9], "0.9"),
        ];
        for (content, text) in cases {
            assert_eq!(oid_text(content).as_deref(), Some(text));
        }
        assert_eq!(oid_text(&[0x2a, 0x86]), None);
        assert_eq!(encode(0x31, &[7; 300])[..4], [0x31, 0x82, 1, 44]);
    }
}
