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

    /// How far the text is read.
    pub(super) fn at(&self) -> usize {
        self.at
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

    /// The first tag, behind white space, comments, instructions and document types; `None` at the end of the text.
    pub(super) fn first_tag(&mut self) -> Result<Option<Tag<'a>>, PlistError> {
        self.tag_behind(true)
    }

    /// The next tag behind white space, comments and instructions; `None` at the end of the text.
    pub(super) fn next_tag(&mut self) -> Result<Option<Tag<'a>>, PlistError> {
        self.tag_behind(false)
    }

    fn tag_behind(&mut self, is_prolog: bool) -> Result<Option<Tag<'a>>, PlistError> {
        loop {
            self.skip_space();
            let rest = self.rest();
            if rest.is_empty() {
                return Ok(None);
            } else if rest.starts_with('<') && !rest.starts_with("<!") && !rest.starts_with("<?") {
                return self.tag().map(Some);
            } else if is_prolog && rest.starts_with("<!---->") {
                // `parseXMLPropertyList` skips one character too many in newer systems, so that it ends elsewhere there.
                return Err(self.error("empty comment in front of the list"));
            } else if rest.starts_with("<!--") {
                self.skip_past(4, "-->", "comment without end")?;
            } else if rest.starts_with("<?") {
                self.skip_past(2, "?>", "instruction without end")?;
            } else if is_prolog && rest.starts_with("<!DOCTYPE") {
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
        let (name, attributes) = inside
            .bytes()
            .position(is_space)
            .and_then(|end| inside.split_at_checked(end))
            .unwrap_or((inside, ""));
        // `checkForCloseTag`: white space may follow the name, nothing else.
        if closing && (empty || !attributes.bytes().all(is_space)) {
            return Err(PlistError::Xml {
                offset,
                problem: "closing tag with more than its name",
            });
        }
        Ok(Tag {
            name,
            closing,
            empty,
            offset,
        })
    }

    /// The text up to the closing tag of `name` as it is (`parseDataTag` and its like).
    pub(super) fn plain_content(&mut self, name: &str) -> Result<&'a str, PlistError> {
        let rest = self.rest();
        let end = memchr::memchr(b'<', rest.as_bytes()).ok_or(self.error("element without end"))?;
        let text = rest.get(..end).unwrap_or_default();
        self.skip(end);
        self.close(name)?;
        Ok(text)
    }

    /// The closing tag of `name`.
    fn close(&mut self, name: &str) -> Result<(), PlistError> {
        // Nearly every value ends like this.
        let after = self.rest().strip_prefix("</");
        let after = after.and_then(|rest| rest.strip_prefix(name));
        if after.is_some_and(|after| after.starts_with('>')) {
            self.skip(name.len().saturating_add("</>".len()));
            return Ok(());
        }
        let tag = self.tag()?;
        if tag.closing && tag.name == name {
            return Ok(());
        }
        Err(PlistError::Xml {
            offset: tag.offset,
            problem: "tag inside of a value",
        })
    }

    /// The text up to the closing tag of `name`, with references and CDATA resolved (`parseStringTag`, to which comments are
    /// malformed CDATA).
    pub(super) fn content(&mut self, name: &str) -> Result<Cow<'a, str>, PlistError> {
        let mut text = Cow::Borrowed("");
        loop {
            let rest = self.rest();
            let plain = memchr::memchr2(b'<', b'&', rest.as_bytes());
            let plain = plain.ok_or(self.error("element without end"))?;
            append(&mut text, rest.get(..plain).unwrap_or_default());
            self.skip(plain);
            let rest = self.rest();
            if rest.starts_with("</") {
                self.close(name)?;
                return Ok(text);
            } else if rest.starts_with('&') {
                let character = self.reference()?;
                text.to_mut().push(character);
            } else if let Some(section) = rest.strip_prefix("<![CDATA[") {
                let end = section.find("]]>").ok_or(self.error("CDATA without end"))?;
                append(&mut text, section.get(..end).unwrap_or_default());
                self.skip(end.saturating_add("<![CDATA[]]>".len()));
            } else {
                self.close(name)?;
                return Ok(text);
            }
        }
    }

    fn reference(&mut self) -> Result<char, PlistError> {
        let error = self.error("unknown entity");
        // `parseEntityReference_pl` takes eight digits at most.
        let rest = self.rest();
        let end = rest
            .bytes()
            .take("&#x12345678;".len())
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
                let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
                if digits.len() > 8 || !digits.chars().all(|digit| digit.is_digit(radix)) {
                    return Err(error);
                }
                // Without digits it is U+0000 (native observation 7.5).
                let number = if digits.is_empty() {
                    Some(0)
                } else {
                    u32::from_str_radix(digits, radix).ok()
                };
                number.and_then(char::from_u32).ok_or(error)?
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
