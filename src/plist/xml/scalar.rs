//! Values without others in them, as text that is read when it is asked for.

use std::borrow::Cow;

use super::super::{PlistError, Value};
use crate::octets::base64_value;

/// What kind of value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    String,
    True,
    False,
    Integer,
    Real,
    Data,
    Date,
}

impl Element {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "data" => Self::Data,
            "string" => Self::String,
            "true" => Self::True,
            "false" => Self::False,
            "integer" => Self::Integer,
            "real" => Self::Real,
            "date" => Self::Date,
            _ => return None,
        })
    }
}

/// A value without others in it.
#[derive(Debug, Clone)]
pub(crate) struct Scalar<'a> {
    pub(super) element: Element,
    pub(super) text: Cow<'a, str>,
    /// Where it starts.
    pub(super) offset: usize,
}

impl Scalar<'_> {
    fn invalid(&self, element: &'static str) -> PlistError {
        PlistError::Value {
            offset: self.offset,
            element,
        }
    }

    /// The boolean, if it is one.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.element {
            Element::True => Some(true),
            Element::False => Some(false),
            _ => None,
        }
    }

    /// The string, if it is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        (self.element == Element::String).then_some(&*self.text)
    }

    /// The bytes in `room`, if it is data. Of every other kind it is checked that the text fits it.
    pub(crate) fn data<'r>(&self, room: &'r mut Vec<u8>) -> Result<Option<&'r [u8]>, PlistError> {
        match self.element {
            Element::Data => {
                data(&self.text, room).ok_or_else(|| self.invalid("data"))?;
                Ok(Some(room))
            }
            Element::String | Element::True | Element::False => Ok(None),
            Element::Integer | Element::Real | Element::Date => self.clone().value().map(|_| None),
        }
    }

    /// The value.
    pub(super) fn value(self) -> Result<Value, PlistError> {
        let text = &*self.text;
        Ok(match self.element {
            Element::String => Value::String(self.text.into_owned()),
            Element::True => Value::Boolean(true),
            Element::False => Value::Boolean(false),
            Element::Integer => Value::Integer(integer(text).ok_or_else(|| self.invalid("integer"))?),
            Element::Real => {
                let number = text.trim_start_matches(is_skipped).parse();
                Value::Real(number.map_err(|_| self.invalid("real"))?)
            }
            Element::Data => {
                let mut bytes = Vec::new();
                data(text, &mut bytes).ok_or_else(|| self.invalid("data"))?;
                Value::Data(bytes)
            }
            Element::Date => Value::Date(date(text).ok_or_else(|| self.invalid("date"))?),
        })
    }
}

/// The bytes of base64 text as CoreFoundation reads it (`parseDataTag`): four characters make up to three bytes, less those that
/// `=` before them takes away; other characters of ASCII are skipped; what is left at the end counts for nothing.
fn data(text: &str, bytes: &mut Vec<u8>) -> Option<()> {
    bytes.clear();
    bytes.reserve(text.len().saturating_mul(3).checked_div(4)?);
    let mut rest = text.as_bytes().trim_ascii_start();
    // Four characters at a time up to the first white space or padding.
    while let Some((four, others)) = rest.split_first_chunk::<4>() {
        let [a, b, c, d] = four.map(base64_value);
        if a | b | c | d > 63 {
            break;
        }
        bytes.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
        rest = others;
    }
    let (mut buffer, mut count, mut padding) = (0u32, 0u32, 0u32);
    for byte in rest {
        match byte {
            b'=' => padding = padding.saturating_add(1),
            // `isspace` of C counts the vertical tab as well.
            b' ' | b'\t'..=b'\r' => {}
            0x80.. => return None,
            _ => padding = 0,
        }
        let value = match (byte, base64_value(*byte)) {
            (b'=', _) => 0,
            (_, 255) => continue,
            (_, value) => value,
        };
        buffer = buffer << 6 | u32::from(value);
        count = count.wrapping_add(1);
        if count & 3 == 0 {
            let [_, first, second, third] = buffer.to_be_bytes();
            let whole = [first, second, third];
            bytes.extend(whole.iter().take(match padding {
                0 => 3,
                1 => 2,
                _ => 1,
            }));
        }
    }
    Some(())
}

/// White space in front of a number, as CoreFoundation skips it.
fn is_skipped(character: char) -> bool {
    character <= ' ' || character == '\x7f'
}

/// Decimal or `0x` hexadecimal, in the range of signed or unsigned 64-bit integers. White space may stand in front of sign and
/// digits, not behind them (`parseIntegerTag`).
fn integer(text: &str) -> Option<i128> {
    let text = text.trim_start_matches(is_skipped);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.trim_start_matches(is_skipped);
    let (digits, radix) = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None => (digits, 10),
    };
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let value = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let value = if negative { value.checked_neg()? } else { value };
    (value >= i128::from(i64::MIN)).then_some(value)
}

/// `2024-02-29T12:00:00Z` as seconds since 2001-01-01.
fn date(text: &str) -> Option<f64> {
    let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
    // `parseDateTag`: any number of digits for the year, two for all others.
    let (years, rest) = day.split_at_checked(day.len().checked_sub("-00-00".len())?)?;
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let has_form =
        |text: &str, separator: char| text.split(separator).all(|two| two.len() == 2 && is_digits(two));
    if !is_digits(years) || !has_form(rest.strip_prefix('-')?, '-') || !has_form(time, ':') {
        return None;
    }
    let mut day = day.splitn(3, '-').map(str::parse::<i32>);
    let (year, month, day) = (day.next()?.ok()?, day.next()?.ok()?, day.next()?.ok()?);
    let mut time = time.splitn(3, ':').map(str::parse::<u32>);
    let (hour, minute, second) = (time.next()?.ok()?, time.next()?.ok()?, time.next()?.ok()?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    // Days from the civil calendar, with years that begin in March, so that leap days come last.
    let year = i64::from(year).checked_sub(i64::from(month <= 2))?;
    let month = (i64::from(month).checked_add(9)?).checked_rem(12)?;
    let in_year = month
        .checked_mul(153)?
        .checked_add(2)?
        .checked_div(5)?
        .checked_add(i64::from(day))?;
    let years = year.checked_mul(365)?.checked_add(year.div_euclid(4))?;
    let days = years
        .checked_sub(year.div_euclid(100))?
        .checked_add(year.div_euclid(400))?;
    // 2001-01-01 is day 730,791 of this count.
    let days = days.checked_add(in_year)?.checked_sub(730_792)?;
    let in_day = hour
        .checked_mul(3600)?
        .checked_add(minute.checked_mul(60)?)?
        .checked_add(second)?;
    let days = i32::try_from(days).ok()?;
    Some(f64::from(days) * 86_400.0 + f64::from(in_day))
}
