//! The DER form of a profile, measured on real ones: `SET { SEQUENCE { UTF8String key, value } … }`.
//!
//! Values are strings, integers, booleans, times, sequences of strings or octets, and under `Entitlements` the DER
//! form of entitlements. Only keys that [`super::ProfileContents`] reads are decoded; what else may come is left alone.

use super::ProfileError;
use crate::asn1::{Asn1Error, Element, Reader, tag};
use crate::plist::{Dictionary, Value};
use crate::time::UnixTime;

/// Keys that are read.
const KEYS: [&str; 14] = [
    "Name",
    "UUID",
    "AppIDName",
    "TeamIdentifier",
    "TeamName",
    "ApplicationIdentifierPrefix",
    "Platform",
    "CreationDate",
    "ExpirationDate",
    "DeveloperCertificates",
    "ProvisionedDevices",
    "ProvisionsAllDevices",
    "LocalProvision",
    "Entitlements",
];

/// The same dictionary as that of the property list, with digests for certificates.
pub(super) fn parse(bytes: &[u8]) -> Result<Dictionary, ProfileError> {
    let mut outer = Reader::new(bytes);
    let mut pairs = outer.expect(tag::SET)?.reader();
    outer.finish()?;
    let mut entries = Dictionary::default();
    while let Some(pair) = pairs.next_element()? {
        let mut fields = pair.reader();
        let key = string(fields.expect(tag::UTF8_STRING)?)?;
        let element = fields.next_element()?.ok_or(Asn1Error::Truncated)?;
        fields.finish()?;
        let Some(known) = KEYS.iter().find(|known| **known == key) else {
            continue;
        };
        let value = if *known == "Entitlements" {
            let entitlements = crate::entitlements::parse_der(element.whole);
            Value::Dictionary(entitlements.map_err(ProfileError::DerEntitlements)?)
        } else {
            value(element)?
        };
        entries.insert(key, value);
    }
    Ok(entries)
}

fn string(element: Element<'_>) -> Result<String, Asn1Error> {
    match std::str::from_utf8(element.content) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(unexpected(element)),
    }
}

fn value(element: Element<'_>) -> Result<Value, Asn1Error> {
    let date = |time: Option<UnixTime>| {
        let seconds = time.ok_or_else(|| unexpected(element))?.to_absolute();
        // Times of certificates have four digits for the year: the number is exact.
        let seconds = format!("{seconds}").parse().map_err(|_| unexpected(element))?;
        Ok(Value::Date(seconds))
    };
    Ok(match element.tag {
        tag::UTF8_STRING => Value::String(string(element)?),
        tag::BOOLEAN => Value::Boolean(element.content != [0]),
        tag::OCTET_STRING => Value::Data(element.content.to_vec()),
        tag::UTC_TIME => return date(UnixTime::from_utc_time(element.content)),
        tag::GENERALIZED_TIME => return date(UnixTime::from_generalized(element.content)),
        tag::SEQUENCE => {
            let mut reader = element.reader();
            let mut elements = Vec::new();
            while let Some(inner) = reader.next_element()? {
                elements.push(match inner.tag {
                    tag::UTF8_STRING => Value::String(string(inner)?),
                    tag::OCTET_STRING => Value::Data(inner.content.to_vec()),
                    _ => return Err(unexpected(inner)),
                });
            }
            Value::Array(elements)
        }
        _ => return Err(unexpected(element)),
    })
}

fn unexpected(element: Element<'_>) -> Asn1Error {
    Asn1Error::Tag {
        found: element.tag,
        expected: tag::UTF8_STRING,
    }
}
