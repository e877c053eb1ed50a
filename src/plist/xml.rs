//! The XML form, read in one pass without recursion: as events, of which `tree` makes values where somebody wants all of them.
//!
//! CoreFoundation's semantics (native observation 7.5, `CFPropertyList.c`): with or without `<plist>`; in strings CDATA counts,
//! numeric references and the five predefined entities, but no comment; other values are plain text; the last of duplicate
//! keys; text behind the first value ignored, but not inside of `<plist>`. What it does not read nobody must read here: another
//! reading of Info.plist is another main executable. Stricter than CoreFoundation: `<plist>` in other values, keys in place of
//! strings, and references of keyed archives are refused.

use std::borrow::Cow;

use super::{MAX_DEPTH, PlistError};

mod reader;
mod scalar;
mod tree;

use reader::{Reader, Tag};
use scalar::Element;
pub(crate) use scalar::Scalar;
pub(super) use tree::parse;

/// One step through a list.
#[derive(Debug, Clone)]
pub(crate) enum Event<'a> {
    /// An array begins.
    Array,
    /// A dictionary begins.
    Dictionary,
    /// The innermost of them ends.
    End,
    /// The key of the value that follows.
    Key(Cow<'a, str>),
    /// A value without others in it.
    Scalar(Scalar<'a>),
}

/// An open container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Array,
    Dictionary { has_key: bool },
}

/// Goes through a list from front to back. What comes out is well formed: every key has a value, every container an end. A copy
/// goes on from the same place.
#[derive(Debug, Clone)]
pub(crate) struct Events<'a> {
    reader: Reader<'a>,
    values: u64,
    limit: u64,
    open: Vec<Open>,
    is_begun: bool,
    /// Whether the value lies in `<plist>`.
    is_wrapped: bool,
    /// Whether the innermost container was an empty tag, so that its end comes next.
    is_empty: bool,
}

impl<'a> Events<'a> {
    /// At the start of a text that may hold `limit` values.
    pub(crate) fn new(text: &'a str, limit: u64) -> Self {
        Self {
            reader: Reader::new(text),
            values: 0,
            limit,
            open: Vec::new(),
            is_begun: false,
            is_wrapped: false,
            is_empty: false,
        }
    }

    /// How many bytes of the text are read.
    pub(crate) fn at(&self) -> usize {
        self.reader.at()
    }

    /// The next event; behind the first value there is none, whatever else follows in the text.
    ///
    /// # Errors
    /// [`PlistError`]
    pub(crate) fn step(&mut self) -> Result<Event<'a>, PlistError> {
        if std::mem::take(&mut self.is_empty) {
            return self.end();
        }
        let tag = if self.is_begun && !self.open.is_empty() {
            self.reader
                .next_tag()?
                .ok_or(self.reader.error("unexpected end"))?
        } else if self.is_begun {
            return Err(self.reader.error("nothing behind the first value"));
        } else {
            self.is_begun = true;
            self.first_tag()?
        };
        match (tag.closing, tag.name) {
            (true, _) => self.close(&tag),
            (false, "key") => self.key(&tag),
            (false, "array") => self.container(&tag, Open::Array),
            (false, "dict") => self.container(&tag, Open::Dictionary { has_key: false }),
            (false, _) => self.scalar(&tag),
        }
    }

    /// Goes to behind the value that begins with an event. Bytes of data in it are read into `room`.
    ///
    /// # Errors
    /// [`PlistError`]
    pub(crate) fn skip_value(&mut self, first: &Event<'a>, room: &mut Vec<u8>) -> Result<(), PlistError> {
        let above = match first {
            Event::Array | Event::Dictionary => self.open.len().saturating_sub(1),
            Event::Scalar(scalar) => return scalar.data(room).map(drop),
            Event::End | Event::Key(_) => return Ok(()),
        };
        while self.open.len() > above {
            if let Event::Scalar(scalar) = self.step()? {
                scalar.data(room)?;
            }
        }
        Ok(())
    }

    /// Behind the first value: what is left must end the list that it lies in (`parsePListTag`).
    ///
    /// # Errors
    /// [`PlistError`]
    pub(crate) fn finish(mut self) -> Result<(), PlistError> {
        if !self.is_wrapped {
            return Ok(());
        }
        let tag = self
            .reader
            .next_tag()?
            .ok_or(self.reader.error("unexpected end"))?;
        if tag.closing && tag.name == "plist" {
            return Ok(());
        }
        Err(PlistError::Xml {
            offset: tag.offset,
            problem: "more than one value",
        })
    }

    /// The tag of the first value.
    fn first_tag(&mut self) -> Result<Tag<'a>, PlistError> {
        let first = self.reader.first_tag()?.ok_or(PlistError::Format)?;
        if first.name == "plist" && !first.closing && !first.empty {
            self.is_wrapped = true;
            return self.reader.next_tag()?.ok_or(self.reader.error("no value"));
        }
        Ok(first)
    }

    /// A value begins: in a dictionary it needs a key.
    fn begin(&mut self, tag: &Tag<'_>) -> Result<(), PlistError> {
        match self.open.last_mut() {
            None | Some(Open::Array) => Ok(()),
            Some(Open::Dictionary { has_key }) if *has_key => {
                *has_key = false;
                Ok(())
            }
            Some(Open::Dictionary { .. }) => Err(PlistError::Xml {
                offset: tag.offset,
                problem: "value without key",
            }),
        }
    }

    /// A value is whole.
    fn count(&mut self) -> Result<(), PlistError> {
        self.values = self.values.saturating_add(1);
        if self.values > self.limit {
            return Err(PlistError::Values { limit: self.limit });
        }
        Ok(())
    }

    fn container(&mut self, tag: &Tag<'a>, open: Open) -> Result<Event<'a>, PlistError> {
        self.begin(tag)?;
        if self.open.len() >= MAX_DEPTH && !tag.empty {
            return Err(PlistError::Depth);
        }
        self.open.push(open);
        self.is_empty = tag.empty;
        Ok(match open {
            Open::Array => Event::Array,
            Open::Dictionary { .. } => Event::Dictionary,
        })
    }

    fn end(&mut self) -> Result<Event<'a>, PlistError> {
        self.open.pop();
        self.count()?;
        Ok(Event::End)
    }

    fn close(&mut self, tag: &Tag<'a>) -> Result<Event<'a>, PlistError> {
        let problem = match (tag.name, self.open.last()) {
            ("array", Some(Open::Array)) | ("dict", Some(Open::Dictionary { has_key: false })) => {
                return self.end();
            }
            ("dict", Some(Open::Dictionary { has_key: true })) => "key without value",
            _ => "closing tag that nothing opened",
        };
        Err(PlistError::Xml {
            offset: tag.offset,
            problem,
        })
    }

    fn key(&mut self, tag: &Tag<'a>) -> Result<Event<'a>, PlistError> {
        let text = match tag.empty {
            true => Cow::Borrowed(""),
            false => self.reader.content(tag.name)?,
        };
        match self.open.last_mut() {
            // A dictionary with this key alone is none to CoreFoundation.
            Some(_) if text == "CF$UID" => Err(PlistError::Xml {
                offset: tag.offset,
                problem: "reference of a keyed archive",
            }),
            Some(Open::Dictionary { has_key }) if !*has_key => {
                *has_key = true;
                Ok(Event::Key(text))
            }
            _ => Err(PlistError::Xml {
                offset: tag.offset,
                problem: "key outside of a dictionary or after a key",
            }),
        }
    }

    fn scalar(&mut self, tag: &Tag<'a>) -> Result<Event<'a>, PlistError> {
        let offset = tag.offset;
        let problem = "unknown element";
        let element = Element::named(tag.name).ok_or(PlistError::Xml { offset, problem })?;
        self.begin(tag)?;
        let text = match (tag.empty, element) {
            (true, Element::String | Element::True | Element::False) => Cow::Borrowed(""),
            (true, _) => {
                let problem = "empty tag where a value is needed";
                return Err(PlistError::Xml { offset, problem });
            }
            (false, Element::String | Element::Real) => self.reader.content(tag.name)?,
            (false, Element::True | Element::False) => match self.reader.plain_content(tag.name)? {
                "" => Cow::Borrowed(""),
                _ => {
                    let problem = "text in a boolean";
                    return Err(PlistError::Xml { offset, problem });
                }
            },
            (false, _) => Cow::Borrowed(self.reader.plain_content(tag.name)?),
        };
        self.count()?;
        Ok(Event::Scalar(Scalar {
            element,
            text,
            offset,
        }))
    }
}

#[cfg(test)]
mod tests;
