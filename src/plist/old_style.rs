//! The old-style form: lists of OpenStep, `{ key = value; }`, and files of strings, which have no braces.
//!
//! `CFOldStylePList.c` of CoreFoundation, which reads every text that is not XML: words without quotes, two kinds of quotes,
//! escapes, data in hexadecimal, comments; the last of duplicate keys; a key without value is its own value; a text of white
//! space is an empty dictionary; in a file of strings, text after the last entry does not count. Values are strings, data,
//! arrays and dictionaries alone. Like there, a container in an array that cannot be read ends the array, and is no fault
//! where the closing parenthesis follows. The text is read in UTF-16 as there, so half of a surrogate pair can be in a
//! string; what such a string says is not known here.

use super::{Dictionary, PlistError, Value};
use crate::limits::OLD_STYLE_NESTING;

mod escape;

/// A value; `None` where there is none, which is not always a fault.
type Found<T = Value> = Result<Option<T>, PlistError>;

/// Reads a list of at most `limit` values.
pub(super) fn parse(text: &str, limit: u64) -> Result<Value, PlistError> {
    let mut reader = Reader {
        units: text.encode_utf16().collect(),
        at: 0,
        fault: None,
        values: 0,
        limit,
        depth: 0,
    };
    if reader.units.is_empty() {
        return Err(PlistError::Format);
    }
    match reader.list()? {
        Some(value) => Ok(value),
        None => Err(reader.error()),
    }
}

struct Reader {
    units: Vec<u16>,
    at: usize,
    /// The latest fault: its place and what it is.
    fault: Option<(usize, &'static str)>,
    values: u64,
    limit: u64,
    depth: usize,
}

const fn unit(character: u8) -> u16 {
    // A widening of a byte.
    u16::from_be_bytes([0, character])
}

const QUOTE: u16 = unit(b'"');
const APOSTROPHE: u16 = unit(b'\'');
const BACKSLASH: u16 = unit(b'\\');
const SLASH: u16 = unit(b'/');
const STAR: u16 = unit(b'*');
const LINE_SEPARATOR: u16 = 0x2028;
const PARAGRAPH_SEPARATOR: u16 = 0x2029;

fn is_line_end(found: u16) -> bool {
    matches!(found, 0x0a | 0x0d | LINE_SEPARATOR | PARAGRAPH_SEPARATOR)
}

/// Returns true if a string without quotes may contain it.
fn is_word(found: u16) -> bool {
    escape::ascii(found).is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_$/:.-".contains(&byte))
}

impl Reader {
    fn peek(&self) -> Option<u16> {
        self.units.get(self.at).copied()
    }

    fn skip(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    /// Takes a unit if it is the next one.
    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(unit(wanted));
        if found {
            self.skip();
        }
        found
    }

    fn fail<T>(&mut self, problem: &'static str) -> Found<T> {
        self.fault = Some((self.at, problem));
        Ok(None)
    }

    fn error(&self) -> PlistError {
        let (at, problem) = self.fault.unwrap_or((self.at, "not a property list"));
        let before = self.units.get(..at).unwrap_or(&self.units);
        let mut line = 1_usize;
        let mut last = 0;
        for found in before {
            // A line feed after a carriage return belongs to it.
            if *found == 0x0d || (*found == 0x0a && last != 0x0d) {
                line = line.saturating_add(1);
            }
            last = *found;
        }
        PlistError::OldStyle { line, problem }
    }

    fn count(&mut self) -> Result<(), PlistError> {
        self.values = self.values.saturating_add(1);
        if self.values > self.limit {
            return Err(PlistError::Values { limit: self.limit });
        }
        Ok(())
    }

    /// Goes over white space and comments; returns false at the end of the text (`advanceToNonSpace`).
    fn space(&mut self) -> bool {
        while let Some(found) = self.peek() {
            match found {
                0x09..=0x0d | 0x20 | LINE_SEPARATOR | PARAGRAPH_SEPARATOR => self.skip(),
                SLASH => {
                    let next = self.at.saturating_add(1);
                    match self.units.get(next) {
                        Some(&SLASH) => {
                            while self.peek().is_some_and(|found| !is_line_end(found)) {
                                self.skip();
                            }
                        }
                        Some(&STAR) => self.comment(),
                        _ => return true,
                    }
                }
                _ => return true,
            }
        }
        false
    }

    /// `/* … */`; without an end it goes up to the end of the text.
    fn comment(&mut self) {
        self.at = self.at.saturating_add(2);
        while let Some(found) = self.peek() {
            self.skip();
            if found == STAR && self.take(b'/') {
                return;
            }
        }
    }

    fn list(&mut self) -> Found {
        if !self.space() {
            return Ok(Some(Value::Dictionary(Dictionary::default())));
        }
        let found = self.value(true)?;
        if found.is_none() || !self.space() {
            return Ok(found);
        }
        if !matches!(found, Some(Value::String(_))) {
            return self.fail("text after the list");
        }
        // A file of strings: a dictionary without braces.
        (self.at, self.values) = (0, 0);
        self.fault = None;
        Ok(self.entries()?.map(Value::Dictionary))
    }

    fn value(&mut self, is_required: bool) -> Found {
        if !self.space() {
            return match is_required {
                true => self.fail("value expected, and the text ends"),
                false => Ok(None),
            };
        }
        let found = if self.take(b'{') {
            self.within(Self::dictionary)?
        } else if self.take(b'(') {
            self.within(Self::array)?
        } else if self.take(b'<') {
            self.data()?
        } else {
            let is_quoted = matches!(self.peek(), Some(QUOTE | APOSTROPHE));
            match self.string()? {
                None if is_required && !is_quoted => self.fail("unexpected character")?,
                found => found.map(Value::String),
            }
        };
        if found.is_some() {
            self.count()?;
        }
        Ok(found)
    }

    /// Reads a container, one level deeper.
    fn within(&mut self, read: fn(&mut Self) -> Found) -> Found {
        if self.depth >= OLD_STYLE_NESTING {
            return Err(PlistError::OldStyleDepth);
        }
        self.depth = self.depth.saturating_add(1);
        let found = read(self);
        self.depth = self.depth.saturating_sub(1);
        found
    }

    /// With quotes or without; `None` without a fault where no string begins.
    fn string(&mut self) -> Found<String> {
        match self.peek() {
            Some(quote @ (QUOTE | APOSTROPHE)) => {
                self.skip();
                self.quoted(quote)
            }
            Some(found) if is_word(found) => {
                let rest = self.units.get(self.at..).unwrap_or_default();
                let length = rest.iter().take_while(|found| is_word(**found)).count();
                let word = String::from_utf16_lossy(rest.get(..length).unwrap_or_default());
                self.at = self.at.saturating_add(length);
                Ok(Some(word))
            }
            _ => Ok(None),
        }
    }

    /// After the quote. Without a second one, the text is read on after the first one.
    fn quoted(&mut self, quote: u16) -> Found<String> {
        let begin = self.at;
        let mut text = Vec::new();
        while let Some(found) = self.peek() {
            self.skip();
            if found == quote {
                self.fault = None;
                let text = String::from_utf16(&text);
                return text.map(Some).map_err(|_| PlistError::Unsupported {
                    form: "the OpenStep form with half of a surrogate pair",
                });
            }
            let (found, length) = match found {
                BACKSLASH => escape::read(self.units.get(self.at..).unwrap_or_default()),
                found => (found, 0),
            };
            self.at = self.at.saturating_add(length);
            text.push(found);
        }
        self.at = begin;
        self.fail("string without an end")
    }

    fn array(&mut self) -> Found {
        let mut elements = Vec::new();
        let mut next = self.value(false)?;
        while let Some(value) = next {
            elements.push(value);
            if !self.space() {
                return self.fail("array without an end");
            }
            next = match self.take(b',') {
                true => self.value(false)?,
                false => None,
            };
        }
        if !self.space() || !self.take(b')') {
            return self.fail("array without ')'");
        }
        self.fault = None;
        Ok(Some(Value::Array(elements)))
    }

    fn dictionary(&mut self) -> Found {
        let Some(entries) = self.entries()? else {
            return Ok(None);
        };
        if !self.space() || !self.take(b'}') {
            return self.fail("dictionary without '}'");
        }
        Ok(Some(Value::Dictionary(entries)))
    }

    fn key(&mut self) -> Found<String> {
        match self.space() {
            true => self.string(),
            false => Ok(None),
        }
    }

    /// Up to what is not a key (`parsePlistDictContent`).
    fn entries(&mut self) -> Found<Dictionary> {
        let mut entries = Dictionary::default();
        while let Some(key) = self.key()? {
            if !self.space() {
                return self.fail("';' expected, and the text ends");
            }
            let value = if self.peek() == Some(unit(b';')) {
                self.count()?;
                Value::String(key.clone())
            } else if self.take(b'=') {
                match self.value(true)? {
                    Some(value) => value,
                    None => return Ok(None),
                }
            } else {
                return self.fail("';' or '=' expected after a key");
            };
            entries.insert(key, value);
            if !self.space() || !self.take(b';') {
                return self.fail("';' expected after a value");
            }
        }
        self.fault = None;
        Ok(Some(entries))
    }

    /// Pairs of hexadecimal digits up to `>`. Only the low byte of a unit counts (`fromHexDigit`).
    fn data(&mut self) -> Found {
        let mut data = Vec::new();
        let mut half = None;
        while let Some(found) = self.peek() {
            let [_, low] = found.to_be_bytes();
            let digit = char::from(low)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok());
            match (half.take(), digit) {
                (None, _) if found == unit(b'>') => {
                    self.skip();
                    self.fault = None;
                    return Ok(Some(Value::Data(data)));
                }
                (None, Some(digit)) => half = Some(digit),
                (Some(high), Some(low)) => data.push(high << 4 | low),
                (Some(_), None) => return self.fail("odd number of hexadecimal digits"),
                (None, None) => match found {
                    0x09 | 0x0a | 0x0d | 0x20 | LINE_SEPARATOR | PARAGRAPH_SEPARATOR => {}
                    _ => return self.fail("data that is not hexadecimal"),
                },
            }
            self.skip();
        }
        self.fail("data without '>'")
    }
}

#[cfg(test)]
mod tests;
