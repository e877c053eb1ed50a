//! What a requirement says about one piece of code (specification 5.1–5.4, `Requirement::Interpreter`).
//!
//! Both sides of `and` and `or` are evaluated, so a fault in either counts. Texts are compared byte by byte;
//! CoreFoundation also takes canonically equivalent Unicode for equal.

use std::cmp::Ordering;
use std::sync::Arc;

use super::expression::{CertificateSlot, Expression, Match};
use super::{RequirementError, numeric};
use crate::asn1::{Reader, oid_text, tag};
use crate::plist::{Dictionary, Value};
use crate::time::UnixTime;
use crate::trust::{Certificate, oid};

/// When Developer ID accounts began to need notarization, in seconds since 2001: 2019-04-08 00:00 UTC. (Specification 5.4
/// gives this number and calls it the day before; the number is Apple's.)
const LEGACY_ACCOUNT: i64 = 576_374_400;
/// When all Developer ID code began to need it: 2019-06-01.
const LEGACY_TIMESTAMP: i64 = 581_040_000;

/// The code that a requirement is held against: one slice with what its signature binds.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Identifier of the chosen CodeDirectory.
    pub identifier: &'a [u8],
    /// Its cdhash, 20 bytes.
    pub cdhash: &'a [u8],
    /// Its platform identifier.
    pub platform: u8,
    /// Info.plist.
    pub info: Option<&'a Dictionary>,
    /// Entitlements.
    pub entitlements: Option<&'a Dictionary>,
    /// Certificates, leaf first; empty for code signed ad hoc.
    pub chain: &'a [Arc<Certificate>],
    /// Whether the last of them is a root of Apple's.
    pub is_apple: bool,
    /// Whether a notarization ticket lists the cdhash; `None` when that is not known.
    pub is_notarized: Option<bool>,
    /// The secure timestamp.
    pub timestamp: Option<UnixTime>,
}

type Answer = Result<Option<bool>, RequirementError>;

/// The recursion is as deep as the tree, which the reader bounds; its frame is kept small.
pub(super) fn evaluate(expression: &Expression, context: &Context<'_>) -> Answer {
    match expression {
        Expression::And(first, second) => {
            let first = evaluate(first, context)?;
            let second = evaluate(second, context)?;
            Ok(match (first, second) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            })
        }
        Expression::Or(first, second) => {
            let first = evaluate(first, context)?;
            let second = evaluate(second, context)?;
            Ok(match (first, second) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            })
        }
        Expression::Not(inner) => Ok(evaluate(inner, context)?.map(|answer| !answer)),
        Expression::GenericSkip(_, next) => evaluate(next, context),
        _ => leaf(expression, context),
    }
}

#[inline(never)]
fn leaf(expression: &Expression, context: &Context<'_>) -> Answer {
    Ok(match expression {
        Expression::False => Some(false),
        Expression::True => Some(true),
        Expression::Identifier(identifier) => Some(context.identifier == identifier),
        Expression::AppleAnchor => Some(apple_anchor(context)),
        Expression::AnchorHash(slot, hash) => {
            if hash.len() != 20 {
                return Err(RequirementError::Invalid);
            }
            Some(certificate(context, *slot).is_some_and(|found| found.sha1().as_slice() == hash))
        }
        Expression::InfoKeyValue(key, value) => Some(
            lookup(context.info, key)
                .and_then(Value::as_str)
                .map(str::as_bytes)
                == Some(value),
        ),
        Expression::CdHash(hash) => Some(context.cdhash == hash),
        Expression::InfoKeyField(key, wanted) => Some(holds(wanted, lookup(context.info, key))?),
        Expression::EntitlementField(key, wanted) => Some(holds(wanted, lookup(context.entitlements, key))?),
        Expression::CertificateField(slot, key, wanted) => {
            fault(wanted)?;
            let value = certificate(context, *slot).and_then(|found| subject_field(found, key));
            // A missing attribute is false, even for `absent`.
            Some(value.is_some_and(|value| holds(wanted, Some(&value)) == Ok(true)))
        }
        Expression::CertificateGeneric(slot, oid, wanted) => {
            fault(wanted)?;
            let has = |found: &Arc<Certificate>| {
                found
                    .extensions
                    .iter()
                    .any(|extension| extension.oid.as_bytes() == oid)
            };
            present(certificate(context, *slot).map(has), wanted)?
        }
        Expression::CertificatePolicy(slot, oid, wanted) => {
            fault(wanted)?;
            let has = |found: &Arc<Certificate>| found.policies().contains(oid);
            present(certificate(context, *slot).map(has), wanted)?
        }
        Expression::CertificateDate(slot, oid, wanted) => {
            let date = certificate(context, *slot).and_then(|found| date_extension(found, oid));
            // Without such a certificate there is no date, so `absent` holds.
            Some(holds(wanted, date.as_ref())?)
        }
        Expression::AppleGenericAnchor => Some(!context.chain.is_empty() && context.is_apple),
        Expression::Platform(platform) => Some(i32::from(context.platform) == *platform),
        Expression::Notarized => context.is_notarized,
        Expression::LegacyDeveloperId => legacy(context),
        // Trust settings live on a Mac; the named anchors and named code of a Mac are unknown to it by default.
        Expression::TrustedCertificate(_) | Expression::TrustedCertificates => None,
        Expression::NamedAnchor(_) | Expression::NamedCode(_) | Expression::GenericFalse(_) => Some(false),
        Expression::Unknown(opcode) => return Err(RequirementError::Unimplemented { opcode: *opcode }),
        // Only `evaluate` itself takes apart what has operands.
        Expression::Malformed
        | Expression::And(..)
        | Expression::Or(..)
        | Expression::Not(_)
        | Expression::GenericSkip(..) => return Err(RequirementError::Invalid),
    })
}

fn fault(wanted: &Match) -> Result<(), RequirementError> {
    wanted.fault().map_or(Ok(()), Err)
}

/// No certificate: false. A certificate with or without the thing: a true value, or none.
fn present(found: Option<bool>, wanted: &Match) -> Answer {
    let Some(found) = found else {
        return Ok(Some(false));
    };
    let value = Value::Boolean(true);
    holds(wanted, found.then_some(&value)).map(Some)
}

fn lookup<'a>(dictionary: Option<&'a Dictionary>, key: &[u8]) -> Option<&'a Value> {
    dictionary?.get(std::str::from_utf8(key).ok()?)
}

fn certificate<'a>(context: &Context<'a>, slot: CertificateSlot) -> Option<&'a Arc<Certificate>> {
    let index = match usize::try_from(slot) {
        Ok(from_leaf) => from_leaf,
        Err(_) => context
            .chain
            .len()
            .checked_sub(usize::try_from(slot.unsigned_abs()).ok()?)?,
    };
    context.chain.get(index)
}

/// Specification 5.4: Apple's own software, by its intermediate's name and its marker.
fn apple_anchor(context: &Context<'_>) -> bool {
    let named = |found: &Arc<Certificate>| {
        found.subject.last(oid::COMMON_NAME) == Some("Apple Code Signing Certification Authority")
            && found.subject.last(oid::ORGANIZATION) == Some("Apple Inc.")
    };
    context.is_apple
        && context.chain.len() >= 3
        && certificate(context, -2).is_some_and(named)
        && certificate(context, 0).is_some_and(|leaf| leaf.has_extension(oid::APPLE_SOFTWARE))
}

/// Specification 5.4: false for young accounts, true for old timestamps; otherwise Apple's list would have to say.
fn legacy(context: &Context<'_>) -> Option<bool> {
    let leaf = certificate(context, 0)?;
    if let Some(extension) = leaf.extension(oid::DEVELOPER_ID_DATE) {
        match date_extension(leaf, extension.oid.as_bytes()) {
            Some(Value::Date(seconds)) if whole(seconds) < LEGACY_ACCOUNT => {}
            _ => return Some(false),
        }
    }
    match context.timestamp {
        Some(time) if time.to_absolute() < LEGACY_TIMESTAMP => Some(true),
        _ => None,
    }
}

/// The last attribute of the subject that the key names, or the mail addresses.
fn subject_field(certificate: &Certificate, key: &[u8]) -> Option<Value> {
    const KEYS: [(&str, &str); 13] = [
        ("subject.C", "2.5.4.6"),
        ("subject.CN", "2.5.4.3"),
        ("subject.D", "2.5.4.13"),
        ("subject.L", "2.5.4.7"),
        ("subject.O", "2.5.4.10"),
        ("subject.C-O", "2.5.4.10.1"),
        ("subject.OU", "2.5.4.11"),
        ("subject.C-OU", "2.5.4.11.1"),
        ("subject.ST", "2.5.4.8"),
        ("subject.C-ST", "2.5.4.8.1"),
        ("subject.STREET", "2.5.4.9"),
        ("subject.C-STREET", "2.5.4.9.1"),
        ("subject.UID", "0.9.2342.19200300.100.1.1"),
    ];
    let key = std::str::from_utf8(key).ok()?;
    if key == "email" {
        let addresses = mail_addresses(certificate);
        return (!addresses.is_empty()).then_some(Value::Array(addresses));
    }
    let (_, wanted) = KEYS.iter().find(|(known, _)| *known == key)?;
    let mut last = None;
    for (oid, text) in certificate.subject.attributes() {
        if oid.to_string() == *wanted {
            last = text;
        }
    }
    last.map(|text| Value::String(text.to_owned()))
}

/// `rfc822Name` of the subject's alternative names, and the mail attribute of its name.
fn mail_addresses(certificate: &Certificate) -> Vec<Value> {
    const RFC822_NAME: u8 = 0x81;
    const MAIL: &str = "1.2.840.113549.1.9.1";
    let mut addresses: Vec<Value> = certificate
        .subject
        .attributes()
        .filter(|(oid, _)| oid.to_string() == MAIL)
        .filter_map(|(_, text)| text.map(|text| Value::String(text.to_owned())))
        .collect();
    let names = certificate
        .extension(oid::SUBJECT_ALT_NAME)
        .and_then(|extension| Reader::new(&extension.value).expect(tag::SEQUENCE).ok());
    if let Some(names) = names {
        let mut reader = names.reader();
        while let Ok(Some(name)) = reader.next_element() {
            if name.tag == RFC822_NAME
                && let Ok(text) = std::str::from_utf8(name.content)
            {
                addresses.push(Value::String(text.to_owned()));
            }
        }
    }
    addresses
}

/// An extension whose value is a UTF8String with a generalized time in it.
fn date_extension(certificate: &Certificate, oid: &[u8]) -> Option<Value> {
    let extension = certificate
        .extensions
        .iter()
        .find(|extension| extension.oid.as_bytes() == oid)?;
    let text = Reader::new(&extension.value).expect(tag::UTF8_STRING).ok()?;
    let time = UnixTime::from_generalized(text.content)?;
    seconds(time.to_absolute()).map(Value::Date)
}

/// Whole seconds as CoreFoundation keeps them; every four-digit year fits.
fn seconds(value: i64) -> Option<f64> {
    value.to_string().parse().ok()
}

/// The whole seconds of a date; a fraction counts as the next second down.
fn whole(seconds: f64) -> i64 {
    format!("{:.0}", seconds.floor()).parse().unwrap_or(i64::MAX)
}

/// Specification 5.2.
fn holds(wanted: &Match, candidate: Option<&Value>) -> Result<bool, RequirementError> {
    fault(wanted)?;
    let Some(value) = candidate else {
        return Ok(*wanted == Match::Absent);
    };
    Ok(match wanted {
        Match::Absent => false,
        Match::Exists => *value != Value::Boolean(false),
        _ => matches(wanted, value),
    })
}

fn matches(wanted: &Match, value: &Value) -> bool {
    // Lists in lists are looked into as well; readers of property lists bound their depth.
    if let Value::Array(elements) = value {
        return elements.iter().any(|element| matches(wanted, element));
    }
    let text = |operand: &[u8], compare: fn(&str, &str) -> bool| {
        let operand = std::str::from_utf8(operand).ok();
        value
            .as_str()
            .zip(operand)
            .is_some_and(|(value, operand)| compare(value, operand))
    };
    let order = |operand: &[u8], accept: fn(Ordering) -> bool| {
        let operand = std::str::from_utf8(operand).ok();
        value
            .as_str()
            .zip(operand)
            .is_some_and(|(value, operand)| accept(numeric::compare(value, operand)))
    };
    let date = |operand: i64, accept: fn(Ordering) -> bool| match (value, seconds(operand)) {
        (Value::Date(value), Some(operand)) => value.partial_cmp(&operand).is_some_and(accept),
        _ => false,
    };
    match wanted {
        Match::Equal(operand) => text(operand, |value, operand| value == operand),
        // CoreFoundation never finds an empty text.
        Match::Contains(operand) => text(operand, |value, operand| {
            !operand.is_empty() && value.contains(operand)
        }),
        Match::BeginsWith(operand) => text(operand, |value, operand| {
            !operand.is_empty() && value.starts_with(operand)
        }),
        Match::EndsWith(operand) => text(operand, |value, operand| {
            !operand.is_empty() && value.ends_with(operand)
        }),
        Match::LessThan(operand) => order(operand, Ordering::is_lt),
        Match::GreaterThan(operand) => order(operand, Ordering::is_gt),
        Match::LessEqual(operand) => order(operand, Ordering::is_le),
        Match::GreaterEqual(operand) => order(operand, Ordering::is_ge),
        Match::On(operand) => date(*operand, Ordering::is_eq),
        Match::Before(operand) => date(*operand, Ordering::is_lt),
        Match::After(operand) => date(*operand, Ordering::is_gt),
        Match::OnOrBefore(operand) => date(*operand, Ordering::is_le),
        Match::OnOrAfter(operand) => date(*operand, Ordering::is_ge),
        Match::Exists | Match::Absent | Match::Unknown(..) | Match::Malformed => false,
    }
}

/// The dotted form of an object identifier in a requirement, for messages.
#[must_use]
pub(super) fn oid_or_hex(oid: &[u8]) -> String {
    oid_text(oid).unwrap_or_else(|| format!("0x{}", crate::octets::hex(oid)))
}
