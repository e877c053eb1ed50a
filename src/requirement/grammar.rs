//! The rules of requirement text: `requirements.grammar`, as ANTLR 2 made Apple's `RequirementParser.cpp` of it.
//!
//! Each function is one rule, with the tokens that may follow it. Files with certificates are not read, so a path in the
//! place of a hash is refused; a date that cannot be read is refused, too, where Apple's compiler writes an arbitrary number.

use super::expression::{Expression, Match};
use super::lexer::{
    ARROW, EQL, EQQL, GE, GT, Kind, LBRACK, LE, LESS, LPAREN, NEG, NOT, RBRACK, RPAREN, SEMI, STAR, SUBS,
    Token,
};
use super::parser::{Either, Entries, Parsed, Parser};
use super::syntax::SyntaxFault;
use crate::limits::{REQUIREMENT_CHAIN, REQUIREMENT_NESTING};
use crate::time::UnixTime;

use Kind::{DotKey, End, Hash, Hex, Integer, Path, String as Text, Word};

/// What begins an entry of a set.
const TYPES: [Kind; 6] = [
    Word("guest"),
    Word("host"),
    Word("designated"),
    Word("library"),
    Word("plugin"),
    Integer,
];
/// What begins an operand, other than a name in parentheses.
const PRIMARIES: [Kind; 16] = [
    LPAREN,
    NOT,
    Word("always"),
    Word("true"),
    Word("never"),
    Word("false"),
    Word("identifier"),
    Word("cdhash"),
    Word("platform"),
    Word("notarized"),
    Word("legacy"),
    Word("anchor"),
    Word("certificate"),
    Word("cert"),
    Word("info"),
    Word("entitlement"),
];
const EQUALS: [Kind; 2] = [EQL, EQQL];
const NAMES: [Kind; 2] = [DotKey, Text];
const DIGESTS: [Kind; 4] = [Hash, DotKey, Text, Path];

macro_rules! kinds {
    ($($kind:expr),* $(,)?) => {
        &[End, TYPES[0], TYPES[1], TYPES[2], TYPES[3], TYPES[4], TYPES[5], $($kind),*]
    };
}
/// What follows a requirement.
const AFTER_ELEMENT: &[Kind] = kinds![];
const AFTER_EXPRESSION: &[Kind] = kinds![RPAREN, SEMI];
const AFTER_TERM: &[Kind] = kinds![Word("or"), RPAREN, SEMI];
const AFTER_PRIMARY: &[Kind] = kinds![Word("or"), Word("and"), RPAREN, SEMI];
const AFTER_INTEGER: &[Kind] = kinds![
    ARROW,
    Word("or"),
    Word("and"),
    RPAREN,
    Word("trusted"),
    EQL,
    EQQL,
    LBRACK,
    Hash,
    DotKey,
    Text,
    Path,
    SEMI,
];
const AFTER_KEY: &[Kind] = kinds![
    Word("or"),
    Word("and"),
    RPAREN,
    Word("exists"),
    Word("absent"),
    EQL,
    EQQL,
    SUBS,
    LESS,
    GT,
    LE,
    GE,
    SEMI,
];
const AFTER_DATA: &[Kind] = kinds![Word("or"), Word("and"), RPAREN, STAR, SEMI];
const AFTER_STRING: &[Kind] = kinds![Word("or"), Word("and"), RPAREN, STAR, RBRACK, SEMI];
const AFTER_EQUALS: &[Kind] = &[Hash, DotKey, Text, Path, Integer];
const AFTER_SLOT: &[Kind] = &[Word("trusted"), EQL, EQQL, LBRACK, Hash, DotKey, Text, Path];

/// A value that cannot be used (`SemanticException`, which has no place).
fn unusable(message: impl Into<String>) -> SyntaxFault {
    let message = message.into();
    SyntaxFault { place: None, message }
}

/// What our reader refuses and Apple's does not.
fn refused(token: &Token<'_>, message: &str) -> SyntaxFault {
    SyntaxFault {
        place: Some(token.place),
        message: message.to_owned(),
    }
}

impl Parser<'_> {
    pub(super) fn autosense(&mut self) -> Either {
        self.rule(&[End], Either::Set(Vec::new()), |parser| {
            if parser.is_one_of(&PRIMARIES) {
                Ok(Either::One(parser.requirement()))
            } else if parser.is_one_of(&TYPES) {
                Ok(Either::Set(parser.requirement_set()))
            } else {
                Err(parser.unexpected())
            }
        })
    }

    pub(super) fn requirement(&mut self) -> Expression {
        self.rule(&[End], Expression::Malformed, |parser| {
            let found = parser.element();
            parser.expect(End)?;
            Ok(found)
        })
    }

    pub(super) fn requirement_set(&mut self) -> Entries {
        self.rule(&[End], Vec::new(), |parser| {
            let mut entries = Vec::new();
            while parser.is_one_of(&TYPES) {
                let kind = parser.requirement_type();
                parser.expect(ARROW)?;
                entries.push((kind, parser.element()));
            }
            if entries.is_empty() {
                return Err(parser.unexpected());
            }
            parser.expect(End)?;
            Ok(entries)
        })
    }

    fn requirement_type(&mut self) -> u32 {
        let number = match self.next() {
            Word("host") => 1,
            Word("guest") => 2,
            Word("designated") => 3,
            Word("library") => 4,
            Word("plugin") => 5,
            _ => return self.integer().cast_unsigned(),
        };
        self.consume();
        number
    }

    fn element(&mut self) -> Expression {
        self.rule(AFTER_ELEMENT, Expression::Malformed, |parser| {
            let found = parser.expression(0);
            while parser.take(SEMI) {}
            Ok(found)
        })
    }

    fn expression(&mut self, depth: usize) -> Expression {
        self.rule(AFTER_EXPRESSION, Expression::Malformed, |parser| {
            let mut left = parser.term(depth);
            for length in 0.. {
                if !parser.is_word("or") {
                    break;
                }
                parser.bound(length, REQUIREMENT_CHAIN)?;
                parser.consume();
                left = Expression::Or(Box::new(left), Box::new(parser.term(depth)));
            }
            Ok(left)
        })
    }

    fn term(&mut self, depth: usize) -> Expression {
        self.rule(AFTER_TERM, Expression::Malformed, |parser| {
            let mut left = parser.primary(depth);
            for length in 0.. {
                if !parser.is_word("and") {
                    break;
                }
                parser.bound(length, REQUIREMENT_CHAIN)?;
                parser.consume();
                left = Expression::And(Box::new(left), Box::new(parser.primary(depth)));
            }
            Ok(left)
        })
    }

    fn primary(&mut self, depth: usize) -> Expression {
        self.rule(AFTER_PRIMARY, Expression::Malformed, |parser| {
            parser.bound(depth, REQUIREMENT_NESTING)?;
            parser.operand(depth.saturating_add(1))
        })
    }

    fn operand(&mut self, inner: usize) -> Parsed<Expression> {
        let plain = match self.next() {
            NOT => {
                self.consume();
                return Ok(Expression::Not(Box::new(self.primary(inner))));
            }
            LPAREN => return self.parenthesis(inner),
            Word("anchor" | "certificate" | "cert") => return Ok(self.certificate()),
            Word("info") => return Ok(self.field(Expression::InfoKeyField)),
            Word("entitlement") => return Ok(self.field(Expression::EntitlementField)),
            Word("identifier") => {
                self.consume();
                self.equals();
                return Ok(Expression::Identifier(
                    self.name(&NAMES, AFTER_PRIMARY).into_bytes(),
                ));
            }
            Word("cdhash") => {
                self.consume();
                self.equals();
                return Ok(Expression::CdHash(self.hash()));
            }
            Word("platform") => {
                self.consume();
                self.equals();
                return Ok(Expression::Platform(self.integer()));
            }
            Word("always" | "true") => Expression::True,
            Word("never" | "false") => Expression::False,
            Word("notarized") => Expression::Notarized,
            Word("legacy") => Expression::LegacyDeveloperId,
            _ => return Err(self.unexpected()),
        };
        self.consume();
        Ok(plain)
    }

    fn parenthesis(&mut self, inner: usize) -> Parsed<Expression> {
        let found = if PRIMARIES.contains(&self.after_next()) {
            self.consume();
            self.expression(inner)
        } else if NAMES.contains(&self.after_next()) {
            self.consume();
            Expression::NamedCode(self.name(&NAMES, AFTER_PRIMARY).into_bytes())
        } else {
            return Err(self.unexpected());
        };
        self.expect(RPAREN)?;
        Ok(found)
    }

    /// Rule `certspec`; its alternatives are told apart by two tokens.
    fn certificate(&mut self) -> Expression {
        self.rule(AFTER_PRIMARY, Expression::Malformed, |parser| {
            let is_anchor = parser.is_word("anchor");
            match parser.after_next() {
                Word("apple") if is_anchor => {
                    parser.consume();
                    parser.consume();
                    Ok(parser.apple_anchor())
                }
                Word("generic") if is_anchor => {
                    parser.consume();
                    parser.consume();
                    parser.expect(Word("apple"))?;
                    Ok(Expression::AppleGenericAnchor)
                }
                Word("trusted") => {
                    parser.consume();
                    parser.consume();
                    Ok(Expression::TrustedCertificates)
                }
                NEG | Integer | Word("leaf" | "root") if !is_anchor => {
                    parser.consume();
                    let slot = parser.slot();
                    if parser.take(Word("trusted")) {
                        return Ok(Expression::TrustedCertificate(slot));
                    }
                    if !parser.is_one_of(AFTER_SLOT) {
                        return Err(parser.unexpected());
                    }
                    Ok(parser.slot_specification(slot))
                }
                next if is_anchor && AFTER_SLOT.contains(&next) => {
                    parser.consume();
                    Ok(parser.slot_specification(-1))
                }
                _ => Err(parser.unexpected()),
            }
        })
    }

    fn apple_anchor(&mut self) -> Expression {
        self.rule(AFTER_PRIMARY, Expression::Malformed, |parser| {
            if parser.is_one_of(AFTER_PRIMARY) {
                Ok(Expression::AppleAnchor)
            } else if parser.take(Word("generic")) {
                Ok(Expression::AppleGenericAnchor)
            } else if parser.is_one_of(&NAMES) {
                Ok(Expression::NamedAnchor(
                    parser.name(&NAMES, AFTER_PRIMARY).into_bytes(),
                ))
            } else {
                Err(parser.unexpected())
            }
        })
    }

    fn slot(&mut self) -> i32 {
        self.rule(AFTER_SLOT, 0, |parser| {
            if parser.next() == Integer {
                return Ok(parser.integer());
            }
            let found = parser.consume();
            Ok(match found.kind {
                NEG => parser.integer().wrapping_neg(),
                Word("root") => -1,
                _ => 0,
            })
        })
    }

    fn slot_specification(&mut self, slot: i32) -> Expression {
        self.rule(AFTER_PRIMARY, Expression::Malformed, |parser| {
            if parser.next() != LBRACK {
                parser.equals();
                return Ok(Expression::AnchorHash(slot, parser.digest()));
            }
            let key = parser.key();
            let field = |prefix: &str| key.strip_prefix(prefix);
            let kind: fn(i32, Vec<u8>, Match) -> Expression;
            let oid = if let Some(oid) = field("timestamp.") {
                kind = Expression::CertificateDate;
                oid
            } else if key.starts_with("subject.") {
                let key = key.into_bytes();
                return Ok(Expression::CertificateField(slot, key, parser.comparison()));
            } else if let Some(oid) = field("field.").or(field("extension.")) {
                kind = Expression::CertificateGeneric;
                oid
            } else if let Some(oid) = field("policy.") {
                kind = Expression::CertificatePolicy;
                oid
            } else {
                return Err(unusable(format!("{key}: unrecognized certificate field")));
            };
            let oid = oid_from_key(oid);
            Ok(kind(slot, oid, parser.comparison()))
        })
    }

    /// `info` or `entitlement`, a key and a comparison.
    fn field(&mut self, kind: fn(Vec<u8>, Match) -> Expression) -> Expression {
        self.rule(AFTER_PRIMARY, Expression::Malformed, |parser| {
            parser.consume();
            let key = parser.key();
            Ok(kind(key.into_bytes(), parser.comparison()))
        })
    }

    /// `[…]`.
    fn key(&mut self) -> String {
        // The key counts even where the bracket after it is missing.
        let mut key = String::new();
        self.rule(AFTER_KEY, (), |parser| {
            parser.expect(LBRACK)?;
            key = parser.name(&NAMES, AFTER_STRING);
            parser.expect(RBRACK)?;
            Ok(())
        });
        key
    }

    /// Rule `match_suffix`.
    fn comparison(&mut self) -> Match {
        self.rule(AFTER_PRIMARY, Match::Malformed, |parser| {
            type Both = (fn(Vec<u8>) -> Match, fn(i64) -> Match);
            if parser.take(Word("exists")) || parser.is_one_of(AFTER_PRIMARY) {
                return Ok(Match::Exists);
            }
            if parser.take(Word("absent")) {
                return Ok(Match::Absent);
            }
            if parser.take(SUBS) {
                return Ok(Match::Contains(parser.data()));
            }
            let both: Option<Both> = match parser.next() {
                EQL | EQQL => None,
                LE => Some((Match::LessEqual, Match::OnOrBefore)),
                GE => Some((Match::GreaterEqual, Match::OnOrAfter)),
                LESS => Some((Match::LessThan, Match::Before)),
                GT => Some((Match::GreaterThan, Match::After)),
                _ => return Err(parser.unexpected()),
            };
            match (both, parser.after_next()) {
                (None, Word("timestamp")) => {
                    parser.consume();
                    Ok(Match::On(parser.date()))
                }
                (None, DotKey | Text | Hex | STAR) => {
                    parser.consume();
                    parser.pattern()
                }
                (Some((_, of_date)), Word("timestamp")) => {
                    parser.consume();
                    Ok(of_date(parser.date()))
                }
                (Some((of_data, _)), DotKey | Text | Hex) => {
                    parser.consume();
                    Ok(of_data(parser.data()))
                }
                _ => Err(parser.unexpected()),
            }
        })
    }

    /// Data, with an asterisk before it, after it, or both.
    fn pattern(&mut self) -> Parsed<Match> {
        let is_open_before = self.take(STAR);
        if !is_open_before && !matches!(self.next(), DotKey | Text | Hex) {
            return Err(self.unexpected());
        }
        let data = self.data();
        let is_open_after = self.take(STAR);
        if !is_open_after && !self.is_one_of(AFTER_PRIMARY) {
            return Err(self.unexpected());
        }
        Ok(match (is_open_before, is_open_after) {
            (false, false) => Match::Equal(data),
            (false, true) => Match::BeginsWith(data),
            (true, false) => Match::EndsWith(data),
            (true, true) => Match::Contains(data),
        })
    }

    /// `=`, `==` or nothing.
    fn equals(&mut self) {
        self.rule(AFTER_EQUALS, (), |parser| {
            if parser.is_one_of(&EQUALS) {
                parser.consume();
            } else if !parser.is_one_of(AFTER_EQUALS) {
                return Err(parser.unexpected());
            }
            Ok(())
        });
    }

    fn data(&mut self) -> Vec<u8> {
        self.rule(AFTER_DATA, Vec::new(), |parser| match parser.next() {
            DotKey | Text => Ok(parser.name(&NAMES, AFTER_STRING).into_bytes()),
            Hex => from_hex(&parser.consume().text),
            _ => Err(parser.unexpected()),
        })
    }

    fn name(&mut self, kinds: &[Kind], follow: &[Kind]) -> String {
        self.rule(follow, String::new(), |parser| {
            if parser.is_one_of(kinds) {
                Ok(parser.consume().text.into_owned())
            } else {
                Err(parser.unexpected())
            }
        })
    }

    /// Rule `certificateDigest`.
    fn digest(&mut self) -> Vec<u8> {
        self.rule(AFTER_PRIMARY, Vec::new(), |parser| match parser.next() {
            Hash => Ok(parser.hash()),
            next if DIGESTS.contains(&next) => {
                let path = parser.consume();
                Err(refused(
                    &path,
                    "certificate files are not read; give the hash, H\"…\"",
                ))
            }
            _ => Err(parser.unexpected()),
        })
    }

    /// `H"…"` with 40 digits.
    fn hash(&mut self) -> Vec<u8> {
        self.rule(AFTER_PRIMARY, Vec::new(), |parser| {
            let token = parser.expect(Hash)?;
            if token.text.len() != 40 {
                return Err(unusable("invalid hash length"));
            }
            from_hex(&token.text)
        })
    }

    /// A number as C's `atol` reads it, cut to 32 bits.
    fn integer(&mut self) -> i32 {
        self.rule(AFTER_INTEGER, 0, |parser| {
            let token = parser.expect(Integer)?;
            let number: i64 = token.text.parse().unwrap_or(i64::MAX);
            let [.., a, b, c, d] = number.to_be_bytes();
            Ok(i32::from_be_bytes([a, b, c, d]))
        })
    }

    /// `timestamp "YYYYMMDDHHMMSSZ"`, in seconds since 2001.
    fn date(&mut self) -> i64 {
        self.rule(AFTER_PRIMARY, 0, |parser| {
            parser.expect(Word("timestamp"))?;
            let token = parser.expect(Text)?;
            UnixTime::from_generalized(token.text.as_bytes())
                .map(UnixTime::to_absolute)
                .ok_or_else(|| refused(&token, "a timestamp has the form YYYYMMDDHHMMSSZ"))
        })
    }
}

/// Reads pairs of hexadecimal digits (`hexString`).
fn from_hex(digits: &str) -> Parsed<Vec<u8>> {
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect::<Option<_>>()
        .ok_or_else(|| unusable("odd number of digits"))
}

/// Reads an object identifier as loosely as Apple's `CssmOwnedData::fromOid`: up to the first part that is not a number
/// after a dot. Of less than two numbers nothing is left.
fn oid_from_key(text: &str) -> Vec<u8> {
    let mut content = Vec::new();
    let (first, mut rest) = leading_number(text);
    let mut head = first.wrapping_mul(40);
    while let Some(next) = rest.strip_prefix('.') {
        let (number, after) = leading_number(next);
        put_arc(&mut content, head.wrapping_add(number));
        (head, rest) = (0, after);
    }
    content
}

/// Reads a number as C's `strtoul`: white space, a sign and digits; also returns the text after it.
fn leading_number(text: &str) -> (u64, &str) {
    let unsigned = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let (is_negative, digits) = match unsigned.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, unsigned.strip_prefix('+').unwrap_or(unsigned)),
    };
    let end = digits
        .find(|found: char| !found.is_ascii_digit())
        .unwrap_or(digits.len());
    let (digits, after) = digits.split_at_checked(end).unwrap_or((digits, ""));
    if digits.is_empty() {
        return (0, text);
    }
    match digits.parse::<u64>() {
        Ok(number) if is_negative => (number.wrapping_neg(), after),
        Ok(number) => (number, after),
        Err(_) => (u64::MAX, after),
    }
}

/// Appends a part of an object identifier: seven bits a byte, all but the last one marked.
fn put_arc(content: &mut Vec<u8>, number: u64) {
    let begin = content.len();
    let mut left = number;
    loop {
        let [.., low] = left.to_be_bytes();
        let is_last = content.len() == begin;
        content.push(if is_last { low & 0x7f } else { low | 0x80 });
        left >>= 7;
        if left == 0 {
            break;
        }
    }
    if let Some(groups) = content.get_mut(begin..) {
        groups.reverse();
    }
}
