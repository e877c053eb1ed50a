//! The XML form, read in one pass without recursion.
//!
//! CoreFoundation's semantics (native observation 7.5): with or without `<plist>`; CDATA text counts; numeric
//! references and the five predefined entities; the last of duplicate keys; text behind the first value ignored.
//! Stricter than CoreFoundation: an internal DTD subset is refused, since its entities would change the text.

use std::borrow::Cow;

use super::{Dictionary, MAX_DEPTH, PlistError, Value};

/// Reads the first value in `text`, which may hold `limit` values.
pub(super) fn parse(text: &str, limit: u64) -> Result<Value, PlistError> {
    let mut reader = Reader {
        text,
        at: 0,
        values: 0,
        limit,
    };
    reader.document()
}

/// An open container.
enum Container {
    Array(Vec<Value>),
    Dictionary {
        entries: Dictionary,
        key: Option<String>,
    },
}

/// A tag without its attributes.
struct Tag<'a> {
    name: &'a str,
    closing: bool,
    empty: bool,
    offset: usize,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: u64,
    limit: u64,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, problem: &'static str) -> PlistError {
        PlistError::Xml {
            offset: self.at,
            problem,
        }
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    fn skip_space(&mut self) {
        let rest = self.rest().as_bytes();
        let space = rest.iter().take_while(|byte| is_space(**byte)).count();
        self.skip(space);
    }

    /// Skips to behind the next `end`, from `start` characters on.
    fn skip_past(&mut self, start: usize, end: &str, problem: &'static str) -> Result<(), PlistError> {
        let rest = self.rest().get(start..).ok_or(self.error(problem))?;
        let found = rest.find(end).ok_or(self.error(problem))?;
        self.skip(start.saturating_add(found).saturating_add(end.len()));
        Ok(())
    }

    /// The next tag behind white space, comments and instructions; `None` at the end of the text.
    fn next_tag(&mut self) -> Result<Option<Tag<'a>>, PlistError> {
        loop {
            self.skip_space();
            let rest = self.rest();
            if rest.is_empty() {
                return Ok(None);
            } else if rest.starts_with('<') && !rest.starts_with("<!") && !rest.starts_with("<?") {
                return self.tag().map(Some);
            } else if rest.starts_with("<!--") {
                self.skip_past(4, "-->", "comment without end")?;
            } else if rest.starts_with("<?") {
                self.skip_past(2, "?>", "instruction without end")?;
            } else if rest.starts_with("<!DOCTYPE") {
                let end = rest.find('>').ok_or(self.error("document type without end"))?;
                if rest.get(..end).is_some_and(|text| text.contains('[')) {
                    return Err(self.error("document type with internal subset"));
                }
                self.skip(end.saturating_add(1));
            } else if rest.starts_with('<') {
                return self.tag().map(Some);
            } else {
                return Err(self.error("text outside of an element"));
            }
        }
    }

    fn tag(&mut self) -> Result<Tag<'a>, PlistError> {
        let offset = self.at;
        let rest = self.rest();
        // Attribute values may hold `>` in theory; property lists have one attribute, version.
        let end = rest.bytes().position(|byte| byte == b'>');
        let end = end.ok_or(self.error("tag without end"))?;
        let inside = rest.get(1..end).ok_or(self.error("empty tag"))?;
        self.skip(end.saturating_add(1));
        let (inside, closing) = inside
            .strip_prefix('/')
            .map_or((inside, false), |name| (name, true));
        let (inside, empty) = inside
            .strip_suffix('/')
            .map_or((inside, false), |name| (name, true));
        let name = inside
            .bytes()
            .position(is_space)
            .and_then(|end| inside.get(..end));
        let name = name.unwrap_or(inside);
        Ok(Tag {
            name,
            closing,
            empty,
            offset,
        })
    }

    fn document(&mut self) -> Result<Value, PlistError> {
        let first = self.next_tag()?.ok_or(PlistError::Format)?;
        let is_wrapped = first.name == "plist" && !first.closing && !first.empty;
        if !is_wrapped {
            return self.value(first);
        }
        let first = self.next_tag()?.ok_or(self.error("no value"))?;
        self.value(first)
    }

    /// The value that opens with `tag`, its contents included. Containers wait on a stack of bounded height.
    fn value(&mut self, tag: Tag<'a>) -> Result<Value, PlistError> {
        let mut stack: Vec<Container> = Vec::new();
        let mut tag = tag;
        loop {
            let done = if tag.closing {
                self.close(&tag, &mut stack)?
            } else {
                self.open(&tag, &mut stack)?
            };
            if let Some(value) = done {
                self.values = self.values.saturating_add(1);
                if self.values > self.limit {
                    return Err(PlistError::Values { limit: self.limit });
                }
                match stack.last_mut() {
                    None => return Ok(value),
                    Some(Container::Array(elements)) => elements.push(value),
                    Some(Container::Dictionary { entries, key }) => {
                        let key = key.take().ok_or(PlistError::Xml {
                            offset: tag.offset,
                            problem: "value without key",
                        })?;
                        entries.insert(key, value);
                    }
                }
            }
            tag = self.next_tag()?.ok_or(self.error("unexpected end"))?;
        }
    }

    fn close(&self, tag: &Tag<'_>, stack: &mut Vec<Container>) -> Result<Option<Value>, PlistError> {
        match (tag.name, stack.pop()) {
            ("array", Some(Container::Array(elements))) => Ok(Some(Value::Array(elements))),
            ("dict", Some(Container::Dictionary { entries, key: None })) => {
                Ok(Some(Value::Dictionary(entries)))
            }
            ("dict", Some(Container::Dictionary { key: Some(_), .. })) => Err(PlistError::Xml {
                offset: tag.offset,
                problem: "key without value",
            }),
            _ => Err(PlistError::Xml {
                offset: tag.offset,
                problem: "closing tag that nothing opened",
            }),
        }
    }

    fn open(&mut self, tag: &Tag<'a>, stack: &mut Vec<Container>) -> Result<Option<Value>, PlistError> {
        let offset = tag.offset;
        let container = match tag.name {
            "array" => Some(Container::Array(Vec::new())),
            "dict" => Some(Container::Dictionary {
                entries: Dictionary::default(),
                key: None,
            }),
            _ => None,
        };
        if let Some(container) = container {
            if tag.empty {
                return Ok(Some(match container {
                    Container::Array(elements) => Value::Array(elements),
                    Container::Dictionary { entries, .. } => Value::Dictionary(entries),
                }));
            }
            if stack.len() >= MAX_DEPTH {
                return Err(PlistError::Depth);
            }
            stack.push(container);
            return Ok(None);
        }
        let text = if tag.empty {
            Cow::Borrowed("")
        } else {
            self.content(tag.name)?
        };
        let invalid = |element| PlistError::Value { offset, element };
        Ok(Some(match tag.name {
            "key" => {
                return match stack.last_mut() {
                    Some(Container::Dictionary { key, .. }) if key.is_none() => {
                        *key = Some(text.into_owned());
                        Ok(None)
                    }
                    _ => Err(PlistError::Xml {
                        offset,
                        problem: "key outside of a dictionary or after a key",
                    }),
                };
            }
            "string" => Value::String(text.into_owned()),
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            "integer" => Value::Integer(integer(&text).ok_or(invalid("integer"))?),
            "real" => Value::Real(text.trim().parse().map_err(|_| invalid("real"))?),
            "data" => Value::Data(crate::octets::base64(&text).ok_or(invalid("data"))?),
            "date" => Value::Date(date(text.trim()).ok_or(invalid("date"))?),
            _ => {
                return Err(PlistError::Xml {
                    offset,
                    problem: "unknown element",
                });
            }
        }))
    }

    /// The text up to the closing tag of `name`, with references and CDATA resolved.
    fn content(&mut self, name: &str) -> Result<Cow<'a, str>, PlistError> {
        let mut text = Cow::Borrowed("");
        loop {
            let rest = self.rest();
            let plain = memchr::memchr2(b'<', b'&', rest.as_bytes());
            let plain = plain.ok_or(self.error("element without end"))?;
            append(&mut text, rest.get(..plain).unwrap_or_default());
            self.skip(plain);
            let rest = self.rest();
            // Nearly every value ends here.
            let after = rest.strip_prefix("</").and_then(|rest| rest.strip_prefix(name));
            if after.is_some_and(|after| after.starts_with('>')) {
                self.skip(name.len().saturating_add("</>".len()));
                return Ok(text);
            }
            if rest.starts_with('&') {
                let character = self.reference()?;
                text.to_mut().push(character);
            } else if let Some(section) = rest.strip_prefix("<![CDATA[") {
                let end = section.find("]]>").ok_or(self.error("CDATA without end"))?;
                append(&mut text, section.get(..end).unwrap_or_default());
                self.skip(end.saturating_add("<![CDATA[]]>".len()));
            } else if rest.starts_with("<!--") {
                self.skip_past(4, "-->", "comment without end")?;
            } else {
                let tag = self.tag()?;
                if tag.closing && tag.name == name {
                    return Ok(text);
                }
                return Err(PlistError::Xml {
                    offset: tag.offset,
                    problem: "tag inside of a value",
                });
            }
        }
    }

    fn reference(&mut self) -> Result<char, PlistError> {
        let error = self.error("unknown entity");
        // The longest reference that is any use is `&#x10FFFF;`; leading zeros get some room.
        let rest = self.rest();
        let end = rest
            .bytes()
            .take(32)
            .position(|byte| byte == b';')
            .ok_or(error.clone())?;
        let name = rest.get(1..end).ok_or(error.clone())?;
        let character = match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = name.strip_prefix('#').ok_or(error.clone())?;
                let number = match number.strip_prefix(['x', 'X']) {
                    Some(digits) => u32::from_str_radix(digits, 16),
                    None => number.parse(),
                };
                number.ok().and_then(char::from_u32).ok_or(error)?
            }
        };
        self.skip(end.saturating_add(1));
        Ok(character)
    }
}

/// Adds to a text, which is copied only when it does not lie in one piece.
fn append<'a>(text: &mut Cow<'a, str>, more: &'a str) {
    if text.is_empty() {
        *text = Cow::Borrowed(more);
    } else if !more.is_empty() {
        text.to_mut().push_str(more);
    }
}

/// White space of XML.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
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

#[cfg(test)]
mod tests;
