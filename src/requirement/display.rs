//! The text of a requirement, byte for byte as `codesign -d -r-` prints it (specification 5.7, native observations
//! 6.1; Apple's `reqdumper.cpp`).
//!
//! Apple's text does not always compile to the same bytes: a chain that nests to the right, as Apple's own default
//! requirements do, is printed flat and read as one that nests to the left; a few other forms cannot be read at all.
//! The *source* form, which is ours, has parentheses and spellings that do compile to the same bytes.

use super::evaluate::oid_or_hex;
use super::expression::{Expression, Match};
use super::lexer::is_keyword;
use crate::octets::hex;
use crate::time::UnixTime;

/// Simple texts pass through a buffer of 256 bytes in Apple's code.
const MAX_SIMPLE: usize = 255;

/// How tightly the surroundings bind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Primary,
    And,
    Or,
}

/// Whose text it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Apple,
    Source,
}

pub(super) fn text(expression: &Expression, form: Form) -> String {
    let mut out = String::new();
    write(expression, Level::Or, form, &mut out);
    out
}

/// The recursion is as deep as the tree, which its reader bounds. Says whether printing goes on.
fn write(expression: &Expression, level: Level, form: Form, out: &mut String) -> bool {
    match expression {
        Expression::And(first, second) => infix((first, " and ", second), Level::And, level, form, out),
        Expression::Or(first, second) => infix((first, " or ", second), Level::Or, level, form, out),
        Expression::Not(inner) => {
            out.push_str("! ");
            write(inner, Level::Primary, form, out)
        }
        Expression::GenericSkip(opcode, next) => {
            out.push_str(&format!(" /* opcode {opcode} */"));
            write(next, level, form, out)
        }
        Expression::Unknown(opcode) => {
            let opcode = opcode.cast_signed();
            out.push_str(&format!("OPCODE {opcode} NOT UNDERSTOOD (ending print)"));
            false
        }
        Expression::Malformed => false,
        _ => {
            out.push_str(&leaf(expression, form));
            true
        }
    }
}

fn infix(
    (first, word, second): (&Expression, &str, &Expression),
    own: Level,
    around: Level,
    form: Form,
    out: &mut String,
) -> bool {
    let is_enclosed = around < own;
    if is_enclosed {
        out.push('(');
    }
    // The compiler nests to the left, so a right operand of the same kind needs parentheses to stay one.
    let right = match (form, own) {
        (Form::Apple, _) => own,
        (Form::Source, Level::Or) => Level::And,
        (Form::Source, _) => Level::Primary,
    };
    let goes_on = write(first, own, form, out) && {
        out.push_str(word);
        write(second, right, form, out)
    };
    if is_enclosed {
        out.push(')');
    }
    goes_on
}

fn leaf(expression: &Expression, form: Form) -> String {
    let data = |bytes: &[u8], dot_is_simple| data(bytes, dot_is_simple, form);
    let matching = |found: &Match| matching(found, form);
    match expression {
        Expression::False => "never".to_owned(),
        Expression::True => "always".to_owned(),
        Expression::Identifier(identifier) => format!("identifier {}", data(identifier, false)),
        Expression::AppleAnchor => "anchor apple".to_owned(),
        Expression::AppleGenericAnchor => "anchor apple generic".to_owned(),
        Expression::AnchorHash(at, hash) => format!("certificate {} = H\"{}\"", slot(*at), hex(hash)),
        Expression::InfoKeyValue(key, value) => format!("info[{}] = {}", data(key, true), data(value, false)),
        Expression::CdHash(hash) => format!("cdhash H\"{}\"", hex(hash)),
        Expression::InfoKeyField(key, found) => format!("info[{}]{}", data(key, true), matching(found)),
        Expression::EntitlementField(key, found) => {
            format!("entitlement[{}]{}", data(key, true), matching(found))
        }
        Expression::CertificateField(at, key, found) => {
            format!(
                "certificate {}[{}]{}",
                slot(*at),
                data(key, true),
                matching(found)
            )
        }
        Expression::CertificateGeneric(at, oid, found) => {
            format!(
                "certificate {}[field.{}]{}",
                slot(*at),
                oid_or_hex(oid),
                matching(found)
            )
        }
        Expression::CertificatePolicy(at, oid, found) => {
            format!(
                "certificate {}[policy.{}]{}",
                slot(*at),
                oid_or_hex(oid),
                matching(found)
            )
        }
        Expression::CertificateDate(at, oid, found) => {
            format!(
                "certificate {}[timestamp.{}]{}",
                slot(*at),
                oid_or_hex(oid),
                matching(found)
            )
        }
        // Apple prints no space here.
        Expression::TrustedCertificate(at) if form == Form::Apple => {
            format!("certificate {}trusted", slot(*at))
        }
        Expression::TrustedCertificate(at) => format!("certificate {} trusted", slot(*at)),
        Expression::TrustedCertificates => "anchor trusted".to_owned(),
        Expression::NamedAnchor(name) => format!("anchor apple {}", data(name, false)),
        Expression::NamedCode(name) => format!("({})", data(name, false)),
        Expression::Platform(platform) => format!("platform = {platform}"),
        Expression::Notarized => "notarized".to_owned(),
        Expression::LegacyDeveloperId => "legacy".to_owned(),
        Expression::GenericFalse(opcode) => format!(" false /* opcode {opcode} */"),
        Expression::And(..)
        | Expression::Or(..)
        | Expression::Not(_)
        | Expression::GenericSkip(..)
        | Expression::Unknown(_)
        | Expression::Malformed => String::new(),
    }
}

fn slot(slot: i32) -> String {
    match slot {
        0 => "leaf".to_owned(),
        -1 => "root".to_owned(),
        other => other.to_string(),
    }
}

fn matching(found: &Match, form: Form) -> String {
    let text = |bytes: &[u8]| data(bytes, false, form);
    let date = |time| date(time, form);
    match found {
        Match::Exists => " /* exists */".to_owned(),
        Match::Absent => " absent ".to_owned(),
        Match::Equal(operand) => format!(" = {}", text(operand)),
        Match::Contains(operand) => format!(" ~ {}", text(operand)),
        Match::BeginsWith(operand) => format!(" = {}*", text(operand)),
        Match::EndsWith(operand) => format!(" = *{}", text(operand)),
        Match::LessThan(operand) => format!(" < {}", text(operand)),
        Match::GreaterThan(operand) => format!(" > {}", text(operand)),
        Match::LessEqual(operand) => format!(" <= {}", text(operand)),
        Match::GreaterEqual(operand) => format!(" >= {}", text(operand)),
        Match::On(time) => format!(" = {}", date(*time)),
        Match::Before(time) => format!(" < {}", date(*time)),
        Match::After(time) => format!(" > {}", date(*time)),
        Match::OnOrBefore(time) => format!(" <= {}", date(*time)),
        Match::OnOrAfter(time) => format!(" >= {}", date(*time)),
        Match::Unknown(opcode, _) => format!("MATCH OPCODE {} NOT UNDERSTOOD", opcode.cast_signed()),
        Match::Malformed => String::new(),
    }
}

/// The description of a date between angle brackets (specification 5.7, marked uncertain there).
fn date(time: i64, form: Form) -> String {
    let (year, month, day, hour, minute, second) = UnixTime::from_absolute(time).to_utc();
    if form == Form::Source {
        return format!("timestamp \"{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z\"");
    }
    format!("<{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} +0000>")
}

/// A text bare, in quotes, or in hexadecimal.
fn data(bytes: &[u8], dot_is_simple: bool, form: Form) -> String {
    let is_simple = |byte: &u8| byte.is_ascii_alphanumeric() || (dot_is_simple && *byte == b'.');
    let starts_well = bytes.first().is_some_and(|byte| !byte.is_ascii_digit());
    let text = String::from_utf8_lossy(bytes);
    if starts_well && bytes.iter().all(is_simple) && !is_keyword(&text) {
        return match form {
            Form::Apple => text.chars().take(MAX_SIMPLE).collect(),
            Form::Source => text.into_owned(),
        };
    }
    let is_printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte == 0x0b;
    // The compiler knows no other escape than that of the quotation mark.
    let is_readable = form == Form::Apple || !bytes.contains(&b'\\');
    if is_readable && bytes.iter().all(is_printable) {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        return format!("\"{escaped}\"");
    }
    format!("0x{}", hex(bytes))
}
