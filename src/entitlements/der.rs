//! The DER form of entitlements (and of launch constraints).
//!
//! `[APPLICATION 16] { INTEGER 1, [16] { SEQUENCE { UTF8String key, value } … } }` (specification 8). Strict DER
//! (X.690 section 10): definite, shortest lengths, no trailing bytes. Keys must ascend by bytes, as CoreEntitlements
//! demands; that also rules out duplicates.
//!
//! The first signers that wrote this form (macOS 11) had neither the wrapper nor the version: a bare
//! `SET { SEQUENCE { UTF8String key, value } … }`, keys in any order. CoreEntitlements still reads it (the dictionary
//! tag and the order of keys are parameters of `der_vm_context_create`), and real apps carry it.

use thiserror::Error;

use crate::limits::ASN1_DEPTH;
use crate::plist::{Dictionary, Value};

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const UTF8_STRING: u8 = 0x0c;
const SEQUENCE: u8 = 0x30;
/// `[APPLICATION 16]`, constructed.
const ENTITLEMENTS: u8 = 0x70;
/// `[16]`, constructed.
const DICTIONARY: u8 = 0xb0;
/// `SET`: a dictionary of the form without version.
const SET: u8 = 0x31;

/// Why DER entitlements are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DerError {
    /// An element does not fit, or its length is not in the shortest form.
    #[error("malformed length")]
    Length,
    /// Another element than the format has here.
    #[error("tag {found:#04x} where {expected} belongs")]
    Tag {
        /// The tag byte.
        found: u8,
        /// What belongs here.
        expected: &'static str,
    },
    /// The version is not 1.
    #[error("unknown version")]
    Version,
    /// A value's content does not fit its type.
    #[error("malformed {0}")]
    Value(&'static str),
    /// Keys are not in ascending order, or one occurs twice.
    #[error("keys are not in ascending order")]
    KeyOrder,
    /// Bytes follow the end.
    #[error("trailing bytes")]
    Trailing,
    /// Nested too deep.
    #[error("nested deeper than {ASN1_DEPTH} levels")]
    Depth,
}

/// Decodes the payload of a DER entitlements blob.
///
/// # Errors
/// See [`DerError`].
pub fn parse(payload: &[u8]) -> Result<Dictionary, DerError> {
    let mut reader = Reader(payload);
    if payload.first() == Some(&SET) {
        let content = reader.expect(SET, "SET")?;
        reader.finish()?;
        return dictionary(content, Form::Unversioned, 0);
    }
    let mut outer = Reader(reader.expect(ENTITLEMENTS, "[APPLICATION 16]")?);
    reader.finish()?;
    if outer.expect(INTEGER, "INTEGER")? != [1] {
        return Err(DerError::Version);
    }
    let entries = dictionary(outer.expect(DICTIONARY, "[16]")?, Form::Versioned, 0)?;
    outer.finish()?;
    Ok(entries)
}

/// How dictionaries are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Unversioned,
    Versioned,
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn element(&mut self) -> Result<(u8, &'a [u8]), DerError> {
        let (tag, rest) = self.0.split_first().ok_or(DerError::Length)?;
        let (first, rest) = rest.split_first().ok_or(DerError::Length)?;
        let (length, rest) = match *first {
            short @ 0..=0x7f => (usize::from(short), rest),
            long @ 0x81..=0x84 => {
                let (bytes, rest) = rest
                    .split_at_checked(usize::from(long & 0x7f))
                    .ok_or(DerError::Length)?;
                let length = bytes
                    .iter()
                    .fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
                // Shortest form: no leading zero, and not below 128.
                if bytes.first() == Some(&0) || length < 0x80 {
                    return Err(DerError::Length);
                }
                (length, rest)
            }
            _ => return Err(DerError::Length),
        };
        let (content, rest) = rest.split_at_checked(length).ok_or(DerError::Length)?;
        self.0 = rest;
        Ok((*tag, content))
    }

    fn expect(&mut self, tag: u8, expected: &'static str) -> Result<&'a [u8], DerError> {
        match self.element()? {
            (found, content) if found == tag => Ok(content),
            (found, _) => Err(DerError::Tag { found, expected }),
        }
    }

    fn finish(&self) -> Result<(), DerError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(DerError::Trailing)
        }
    }
}

fn dictionary(content: &[u8], form: Form, depth: usize) -> Result<Dictionary, DerError> {
    if depth >= ASN1_DEPTH {
        return Err(DerError::Depth);
    }
    let mut reader = Reader(content);
    let mut entries = Dictionary::default();
    let mut last: Option<&[u8]> = None;
    while !reader.0.is_empty() {
        let mut pair = Reader(reader.expect(SEQUENCE, "SEQUENCE")?);
        let key = pair.expect(UTF8_STRING, "UTF8String")?;
        if form == Form::Versioned && last.is_some_and(|last| last >= key) {
            return Err(DerError::KeyOrder);
        }
        last = Some(key);
        let (tag, content) = pair.element()?;
        pair.finish()?;
        let key = std::str::from_utf8(key).map_err(|_| DerError::Value("UTF8String"))?;
        if entries.get(key).is_some() {
            return Err(DerError::KeyOrder);
        }
        entries.insert(key.to_owned(), value(tag, content, form, depth)?);
    }
    Ok(entries)
}

fn value(tag: u8, content: &[u8], form: Form, depth: usize) -> Result<Value, DerError> {
    let inner = depth.saturating_add(1);
    Ok(match tag {
        BOOLEAN => match content {
            [0] => Value::Boolean(false),
            [0xff] => Value::Boolean(true),
            // The signers of the form without version wrote 1 for true.
            [1] if form == Form::Unversioned => Value::Boolean(true),
            _ => return Err(DerError::Value("BOOLEAN")),
        },
        INTEGER => Value::Integer(integer(content).ok_or(DerError::Value("INTEGER"))?),
        OCTET_STRING => Value::Data(content.to_vec()),
        UTF8_STRING => Value::String(
            std::str::from_utf8(content)
                .map_err(|_| DerError::Value("UTF8String"))?
                .to_owned(),
        ),
        SEQUENCE => {
            if inner >= ASN1_DEPTH {
                return Err(DerError::Depth);
            }
            let mut reader = Reader(content);
            let mut elements = Vec::new();
            while !reader.0.is_empty() {
                let (tag, content) = reader.element()?;
                elements.push(value(tag, content, form, inner)?);
            }
            Value::Array(elements)
        }
        DICTIONARY if form == Form::Versioned => Value::Dictionary(dictionary(content, form, inner)?),
        SET if form == Form::Unversioned => Value::Dictionary(dictionary(content, form, inner)?),
        found => {
            return Err(DerError::Tag {
                found,
                expected: "a value",
            });
        }
    })
}

/// Two's complement in the fewest bytes, at most 64 bits with sign.
fn integer(content: &[u8]) -> Option<i128> {
    let shortest = match content {
        [] => false,
        [0, second, ..] => second & 0x80 != 0,
        [0xff, second, ..] => second & 0x80 == 0,
        _ => true,
    };
    if !shortest || content.len() > 9 {
        return None;
    }
    let sign = if content.first()? & 0x80 == 0 { 0i128 } else { -1 };
    Some(
        content
            .iter()
            .fold(sign, |sum, byte| sum << 8 | i128::from(*byte)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        match u8::try_from(content.len()).unwrap() {
            short @ 0..=0x7f => bytes.push(short),
            long => bytes.extend([0x81, long]),
        }
        bytes.extend(content);
        bytes
    }

    fn pair(key: &str, value: &[u8]) -> Vec<u8> {
        tlv(
            SEQUENCE,
            &[tlv(UTF8_STRING, key.as_bytes()), value.to_vec()].concat(),
        )
    }

    fn entitlements(pairs: &[Vec<u8>]) -> Vec<u8> {
        tlv(
            ENTITLEMENTS,
            &[vec![INTEGER, 1, 1], tlv(DICTIONARY, &pairs.concat())].concat(),
        )
    }

    #[test]
    fn every_kind_of_value() {
        let bytes = entitlements(&[
            pair("a", &[BOOLEAN, 1, 0xff]),
            pair("b", &[INTEGER, 2, 0xff, 0x7f]),
            pair("c", &tlv(SEQUENCE, &tlv(UTF8_STRING, b"x"))),
            pair("d", &tlv(DICTIONARY, &pair("e", &[BOOLEAN, 1, 0]))),
        ]);
        let entries = parse(&bytes).unwrap();
        assert_eq!(entries.get("a"), Some(&Value::Boolean(true)));
        assert_eq!(entries.get("b"), Some(&Value::Integer(-129)));
        assert_eq!(
            entries.get("c"),
            Some(&Value::Array(vec![Value::String("x".into())]))
        );
        let inner = entries.get("d").unwrap().as_dictionary().unwrap();
        assert_eq!(inner.get("e"), Some(&Value::Boolean(false)));
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).is_err());
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(parse(&longer), Err(DerError::Trailing));
    }

    #[test]
    fn the_form_without_version() {
        let bytes = tlv(
            SET,
            &[
                pair("b", &[BOOLEAN, 1, 1]),
                pair("a", &tlv(SET, &pair("c", &[BOOLEAN, 1, 0]))),
            ]
            .concat(),
        );
        let entries = parse(&bytes).unwrap();
        assert_eq!(entries.get("b"), Some(&Value::Boolean(true)));
        let inner = entries.get("a").unwrap().as_dictionary().unwrap();
        assert_eq!(inner.get("c"), Some(&Value::Boolean(false)));
        let twice = tlv(
            SET,
            &[pair("a", &[BOOLEAN, 1, 0]), pair("a", &[BOOLEAN, 1, 0])].concat(),
        );
        assert_eq!(parse(&twice), Err(DerError::KeyOrder));
        let mixed = tlv(SET, &pair("a", &tlv(DICTIONARY, &pair("c", &[BOOLEAN, 1, 0]))));
        assert!(matches!(
            parse(&mixed),
            Err(DerError::Tag {
                found: DICTIONARY,
                ..
            })
        ));
    }

    #[test]
    fn only_strict_der() {
        let yes = [BOOLEAN, 1, 0xff];
        assert_eq!(
            parse(&entitlements(&[pair("b", &yes), pair("a", &yes)])),
            Err(DerError::KeyOrder)
        );
        assert_eq!(
            parse(&entitlements(&[pair("a", &yes), pair("a", &yes)])),
            Err(DerError::KeyOrder)
        );
        assert_eq!(
            parse(&entitlements(&[pair("a", &[BOOLEAN, 1, 1])])),
            Err(DerError::Value("BOOLEAN"))
        );
        assert_eq!(
            parse(&entitlements(&[pair("a", &[INTEGER, 2, 0, 1])])),
            Err(DerError::Value("INTEGER"))
        );
        assert_eq!(
            parse(&entitlements(&[pair("a", &[BOOLEAN, 0x81, 1, 0xff])])),
            Err(DerError::Length)
        );
        assert_eq!(
            parse(&tlv(ENTITLEMENTS, &[INTEGER, 1, 2, DICTIONARY, 0])),
            Err(DerError::Version)
        );
        let mut deep = Vec::new();
        for _ in 0..20 {
            deep = tlv(SEQUENCE, &deep);
        }
        assert!(parse(&entitlements(&[pair("a", &deep)])).is_ok());
        let mut deep = Vec::new();
        for _ in 0..40 {
            deep = tlv(SEQUENCE, &deep);
        }
        assert_eq!(parse(&entitlements(&[pair("a", &deep)])), Err(DerError::Depth));
    }
}
