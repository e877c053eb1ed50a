//! Tags and texts of XML, as far as property lists have them.

use std::borrow::Cow;

use super::super::PlistError;

/// A tag without its attributes.
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
    pub(super) closing: bool,
    pub(super) empty: bool,
    pub(super) offset: usize,
}

/// Where the reading is.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn error(&self, problem: &'static str) -> PlistError {
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
    pub(super) fn next_tag(&mut self) -> Result<Option<Tag<'a>>, PlistError> {
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

    /// The text up to the closing tag of `name`, with references and CDATA resolved.
    pub(super) fn content(&mut self, name: &str) -> Result<Cow<'a, str>, PlistError> {
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
