//! Values without others in them, as text that is read when it is asked for.

use std::borrow::Cow;

use super::super::{PlistError, Value};
use crate::octets::base64_into;

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
                base64_into(&self.text, room).ok_or_else(|| self.invalid("data"))?;
                Ok(Some(room))
            }
            Element::String | Element::True | Element::False => Ok(None),
            Element::Integer | Element::Real | Element::Date => self.clone().value().map(|_| None),
        }
    }

    /// The value.
    pub(super) fn value(self) -> Result<Value, PlistError> {
        let text = self.text.trim();
        Ok(match self.element {
            Element::String => Value::String(self.text.into_owned()),
            Element::True => Value::Boolean(true),
            Element::False => Value::Boolean(false),
            Element::Integer => Value::Integer(integer(text).ok_or_else(|| self.invalid("integer"))?),
            Element::Real => Value::Real(text.parse().map_err(|_| self.invalid("real"))?),
            Element::Data => {
                let mut bytes = Vec::new();
                base64_into(text, &mut bytes).ok_or_else(|| self.invalid("data"))?;
                Value::Data(bytes)
            }
            Element::Date => Value::Date(date(text).ok_or_else(|| self.invalid("date"))?),
        })
    }
}

/// Decimal or `0x` hexadecimal, in the range of signed or unsigned 64-bit integers.
fn integer(text: &str) -> Option<i128> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) => i128::from(u64::from_str_radix(hex, 16).ok()?),
        None if digits.bytes().all(|byte| byte.is_ascii_digit()) => i128::from(digits.parse::<u64>().ok()?),
        None => return None,
    };
    let value = if negative { value.checked_neg()? } else { value };
    (value >= i128::from(i64::MIN)).then_some(value)
}

/// `2024-02-29T12:00:00Z` as seconds since 2001-01-01.
fn date(text: &str) -> Option<f64> {
    let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
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
