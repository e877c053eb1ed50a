//! The binary form of a requirement (specification 5.1).
//!
//! `fade0c00`, length, kind, then one expression in prefix form; elements are padded to four bytes. Whatever follows
//! the expression is ignored. A malformed part becomes a node of the tree, since macOS notices it only when it gets
//! there.

use super::RequirementError;
use super::expression::{Expression, Match};
use crate::blob::{magic, unwrap};
use crate::limits::REQUIREMENT_OPERATIONS;
use crate::octets::{range, u32_be, u64_be};

/// Nesting, as in Apple's interpreter.
const MAX_DEPTH: usize = 1000;
/// The kind of an expression.
const EXPRESSION: u32 = 1;

const FLAG_FALSE: u32 = 0x8000_0000;
const FLAG_SKIP: u32 = 0x4000_0000;
const OPCODE: u32 = 0x00ff_ffff;

pub(super) fn decode(blob: &[u8]) -> Result<Expression, RequirementError> {
    let payload = unwrap(blob, magic::REQUIREMENT).map_err(|_| RequirementError::Invalid)?;
    match u32_be(payload, 0).ok_or(RequirementError::Invalid)? {
        EXPRESSION => {}
        kind => return Err(RequirementError::Kind { kind }),
    }
    let mut reader = Reader {
        data: payload,
        at: 4,
        operations: 0,
    };
    let expression = reader.expression(0);
    if reader.operations > REQUIREMENT_OPERATIONS {
        return Err(RequirementError::TooLong);
    }
    Ok(expression)
}

struct Reader<'a> {
    data: &'a [u8],
    at: u64,
    operations: usize,
}

impl Reader<'_> {
    fn word(&mut self) -> Option<u32> {
        let value = u32_be(self.data, self.at)?;
        self.at = self.at.checked_add(4)?;
        Some(value)
    }

    fn slot(&mut self) -> Option<i32> {
        self.word().map(u32::cast_signed)
    }

    fn time(&mut self) -> Option<i64> {
        let value = u64_be(self.data, self.at)?;
        self.at = self.at.checked_add(8)?;
        Some(value.cast_signed())
    }

    /// The padding of the last element may be missing.
    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = u64::from(self.word()?);
        let bytes = range(self.data, self.at, length)?;
        self.at = self.at.checked_add(length.checked_next_multiple_of(4)?)?;
        Some(bytes.to_vec())
    }

    /// Only operations with operands of their own kind recurse, in a frame as small as possible: a thread's stack must
    /// hold `MAX_DEPTH` of them.
    fn expression(&mut self, depth: usize) -> Expression {
        self.operations = self.operations.saturating_add(1);
        if depth > MAX_DEPTH || self.operations > REQUIREMENT_OPERATIONS {
            return Expression::Malformed;
        }
        let inner = depth.saturating_add(1);
        let Some(word) = self.word() else {
            return Expression::Malformed;
        };
        match word & OPCODE {
            6 => Expression::And(self.boxed(inner), self.boxed(inner)),
            7 => Expression::Or(self.boxed(inner), self.boxed(inner)),
            9 => Expression::Not(self.boxed(inner)),
            opcode @ 24.. if word & FLAG_FALSE == 0 && word & FLAG_SKIP != 0 => match self.bytes() {
                Some(_) => Expression::GenericSkip(opcode, self.boxed(inner)),
                None => Expression::Malformed,
            },
            _ => self.leaf(word),
        }
    }

    #[inline(never)]
    fn leaf(&mut self, word: u32) -> Expression {
        self.read(word).unwrap_or(Expression::Malformed)
    }

    fn read(&mut self, word: u32) -> Option<Expression> {
        Some(match word & OPCODE {
            0 => Expression::False,
            1 => Expression::True,
            2 => Expression::Identifier(self.bytes()?),
            3 => Expression::AppleAnchor,
            4 => Expression::AnchorHash(self.slot()?, self.bytes()?),
            5 => Expression::InfoKeyValue(self.bytes()?, self.bytes()?),
            8 => Expression::CdHash(self.bytes()?),
            10 => Expression::InfoKeyField(self.bytes()?, self.matching()),
            11 => Expression::CertificateField(self.slot()?, self.bytes()?, self.matching()),
            12 => Expression::TrustedCertificate(self.slot()?),
            13 => Expression::TrustedCertificates,
            14 => Expression::CertificateGeneric(self.slot()?, self.bytes()?, self.matching()),
            15 => Expression::AppleGenericAnchor,
            16 => Expression::EntitlementField(self.bytes()?, self.matching()),
            17 => Expression::CertificatePolicy(self.slot()?, self.bytes()?, self.matching()),
            18 => Expression::NamedAnchor(self.bytes()?),
            19 => Expression::NamedCode(self.bytes()?),
            20 => Expression::Platform(self.slot()?),
            21 => Expression::Notarized,
            22 => Expression::CertificateDate(self.slot()?, self.bytes()?, self.matching()),
            23 => Expression::LegacyDeveloperId,
            opcode if word & FLAG_FALSE != 0 => {
                self.bytes()?;
                Expression::GenericFalse(opcode)
            }
            _ => Expression::Unknown(word),
        })
    }

    fn boxed(&mut self, depth: usize) -> Box<Expression> {
        Box::new(self.expression(depth))
    }

    fn matching(&mut self) -> Match {
        self.read_match().unwrap_or(Match::Malformed)
    }

    fn read_match(&mut self) -> Option<Match> {
        Some(match self.word()? {
            0 => Match::Exists,
            1 => Match::Equal(self.bytes()?),
            2 => Match::Contains(self.bytes()?),
            3 => Match::BeginsWith(self.bytes()?),
            4 => Match::EndsWith(self.bytes()?),
            5 => Match::LessThan(self.bytes()?),
            6 => Match::GreaterThan(self.bytes()?),
            7 => Match::LessEqual(self.bytes()?),
            8 => Match::GreaterEqual(self.bytes()?),
            9 => Match::On(self.time()?),
            10 => Match::Before(self.time()?),
            11 => Match::After(self.time()?),
            12 => Match::OnOrBefore(self.time()?),
            13 => Match::OnOrAfter(self.time()?),
            14 => Match::Absent,
            // Apple takes it for one with an operand (reqinterp.cpp, Match::Match).
            unknown => Match::Unknown(unknown, self.bytes()?),
        })
    }
}

pub(super) fn encode(expression: &Expression) -> Vec<u8> {
    let mut payload = EXPRESSION.to_be_bytes().to_vec();
    write(expression, &mut payload);
    wrap(magic::REQUIREMENT, &payload)
}

/// A blob of this magic around `payload`.
pub(super) fn wrap(magic: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).saturating_add(8);
    let mut blob = magic.to_be_bytes().to_vec();
    blob.extend(length.to_be_bytes());
    blob.extend_from_slice(payload);
    blob
}

fn word(value: u32, out: &mut Vec<u8>) {
    out.extend(value.to_be_bytes());
}

fn bytes(data: &[u8], out: &mut Vec<u8>) {
    word(u32::try_from(data.len()).unwrap_or(u32::MAX), out);
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn write(expression: &Expression, out: &mut Vec<u8>) {
    let mut plain = |opcode| word(opcode, out);
    match expression {
        Expression::False => plain(0),
        Expression::True => plain(1),
        Expression::AppleAnchor => plain(3),
        Expression::TrustedCertificates => plain(13),
        Expression::AppleGenericAnchor => plain(15),
        Expression::Notarized => plain(21),
        Expression::LegacyDeveloperId => plain(23),
        Expression::Unknown(opcode) => plain(*opcode),
        Expression::Malformed => {}
        Expression::Identifier(data) => with_data(2, data, out),
        Expression::CdHash(data) => with_data(8, data, out),
        Expression::NamedAnchor(data) => with_data(18, data, out),
        Expression::NamedCode(data) => with_data(19, data, out),
        Expression::AnchorHash(slot, hash) => with_slot(4, *slot, hash, out),
        Expression::InfoKeyValue(key, value) => {
            with_data(5, key, out);
            bytes(value, out);
        }
        Expression::And(first, second) | Expression::Or(first, second) => {
            word(
                if matches!(expression, Expression::And(..)) {
                    6
                } else {
                    7
                },
                out,
            );
            write(first, out);
            write(second, out);
        }
        Expression::Not(inner) => {
            word(9, out);
            write(inner, out);
        }
        Expression::InfoKeyField(key, found) => {
            with_data(10, key, out);
            write_match(found, out);
        }
        Expression::EntitlementField(key, found) => {
            with_data(16, key, out);
            write_match(found, out);
        }
        Expression::CertificateField(slot, key, found) => {
            with_slot(11, *slot, key, out);
            write_match(found, out);
        }
        Expression::CertificateGeneric(slot, oid, found) => {
            with_slot(14, *slot, oid, out);
            write_match(found, out);
        }
        Expression::CertificatePolicy(slot, oid, found) => {
            with_slot(17, *slot, oid, out);
            write_match(found, out);
        }
        Expression::CertificateDate(slot, oid, found) => {
            with_slot(22, *slot, oid, out);
            write_match(found, out);
        }
        Expression::TrustedCertificate(slot) => {
            word(12, out);
            word(slot.cast_unsigned(), out);
        }
        Expression::Platform(platform) => {
            word(20, out);
            word(platform.cast_unsigned(), out);
        }
        Expression::GenericFalse(opcode) => with_data(opcode | FLAG_FALSE, &[], out),
        Expression::GenericSkip(opcode, next) => {
            with_data(opcode | FLAG_SKIP, &[], out);
            write(next, out);
        }
    }
}

fn with_data(opcode: u32, data: &[u8], out: &mut Vec<u8>) {
    word(opcode, out);
    bytes(data, out);
}

fn with_slot(opcode: u32, slot: i32, data: &[u8], out: &mut Vec<u8>) {
    word(opcode, out);
    word(slot.cast_unsigned(), out);
    bytes(data, out);
}

fn write_match(found: &Match, out: &mut Vec<u8>) {
    let (opcode, data, time) = match found {
        Match::Exists => (0, None, None),
        Match::Equal(data) => (1, Some(data), None),
        Match::Contains(data) => (2, Some(data), None),
        Match::BeginsWith(data) => (3, Some(data), None),
        Match::EndsWith(data) => (4, Some(data), None),
        Match::LessThan(data) => (5, Some(data), None),
        Match::GreaterThan(data) => (6, Some(data), None),
        Match::LessEqual(data) => (7, Some(data), None),
        Match::GreaterEqual(data) => (8, Some(data), None),
        Match::On(time) => (9, None, Some(*time)),
        Match::Before(time) => (10, None, Some(*time)),
        Match::After(time) => (11, None, Some(*time)),
        Match::OnOrBefore(time) => (12, None, Some(*time)),
        Match::OnOrAfter(time) => (13, None, Some(*time)),
        Match::Absent => (14, None, None),
        Match::Unknown(opcode, operand) => (*opcode, Some(operand), None),
        Match::Malformed => return,
    };
    word(opcode, out);
    if let Some(data) = data {
        bytes(data, out);
    }
    if let Some(time) = time {
        out.extend(time.to_be_bytes());
    }
}
