//! The grammar of XML entitlements that AMFI, `codesign` and the notary service demand.
//!
//! AMFI reads property lists with the parser of IOKit (`OSUnserializeXML`, XNU libkern/c++/OSUnserializeXML.y), as
//! its message shows: `AMFIUnserializeXML: syntax error near line 6`. CoreFoundation, and so `plutil -lint`, reads
//! much more. This is a reader of that grammar which keeps nothing but the first thing that is refused, and what
//! would be read by one of the two otherwise than by the other.
//!
//! Not here: values, which `plist` reads. References between elements (`ID`, `IDREF`) are refused, although AMFI
//! follows them, since no other reader does.

use std::borrow::Cow;
use std::collections::HashSet;

use thiserror::Error;

/// The longest name of a tag or attribute, and the longest value of one (`TAG_MAX_LENGTH`).
const MAX_NAME: usize = 30;
/// Most attributes of a tag (`TAG_MAX_ATTRIBUTES`).
const MAX_ATTRIBUTES: usize = 31;

/// What is the matter with XML entitlements, and in which line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct AmfiError {
    /// The line, from 1.
    pub line: usize,
    /// What is there.
    pub problem: AmfiProblem,
}

/// What AMFI's grammar does not allow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AmfiProblem {
    /// A binary property list.
    #[error("a binary property list")]
    Binary,
    /// A byte order mark in front of the text.
    #[error("a byte order mark in front of the text")]
    ByteOrderMark,
    /// Lines end with carriage returns.
    #[error("a carriage return")]
    CarriageReturn,
    /// Two hyphens inside of a comment.
    #[error("a comment that contains \"--\"")]
    CommentHyphens,
    /// A comment inside of a value.
    #[error("a comment inside of a value")]
    CommentInValue,
    /// A CDATA section.
    #[error("a CDATA section")]
    Cdata,
    /// Another reference than `&amp;`, `&lt;` and `&gt;`.
    #[error("another character reference than &amp;, &lt; and &gt;")]
    Reference,
    /// A key twice in one dictionary.
    #[error("the key {0} for the second time")]
    DuplicateKey(String),
    /// An element that does not exist for AMFI, such as `real` or `date`.
    #[error("the element {0}")]
    Element(String),
    /// A tag that is not written in the one way that is read: `<true />` with its space, for example.
    #[error("a malformed tag")]
    Tag,
    /// A reference between elements.
    #[error("an element that refers to another one")]
    ElementReference,
    /// Text where a tag belongs.
    #[error("text where a tag belongs")]
    Text,
    /// Elements in an order that makes no property list.
    #[error("an element that does not belong here")]
    Order,
    /// The text ends early.
    #[error("the end of the text")]
    End,
    /// Something follows the value. AMFI does not look at it.
    #[error("something behind the end of the property list")]
    Trailing,
    /// Other characters than those of ASCII. AMFI reads them, the notary service does not.
    #[error("a character that is not ASCII")]
    NotAscii,
}

impl AmfiProblem {
    /// Whether AMFI refuses to read on; otherwise it is others who mind.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        !matches!(self, Self::Trailing | Self::NotAscii | Self::ElementReference)
    }

    /// What AMFI says of it, in front of `near line N`.
    #[must_use]
    pub fn message(&self) -> &'static str {
        match self {
            Self::DuplicateKey(_) => "duplicate dictionary key",
            _ => "syntax error",
        }
    }
}

/// Reads XML entitlements as AMFI does.
///
/// # Errors
/// The first thing that AMFI refuses; where there is none, the first thing that others refuse.
pub fn check_xml(text: &[u8]) -> Result<(), AmfiError> {
    let mut reader = Reader { text, at: 0 };
    let result = reader.document().and_then(|()| reader.remainder());
    result.map_err(|problem| {
        let before = text.get(..reader.at).unwrap_or(text);
        let newlines = before.iter().filter(|byte| **byte == b'\n').count();
        AmfiError {
            line: newlines.saturating_add(1),
            problem,
        }
    })
}

/// A tag as the grammar sees it.
enum Tag<'a> {
    Start(&'a [u8]),
    End(&'a [u8]),
    Empty(&'a [u8]),
    /// A comment, declaration or instruction.
    Ignored,
}

/// What the grammar is made of.
enum Token<'a> {
    Open(Kind),
    Close(Kind),
    Key(Cow<'a, [u8]>),
    /// A whole value.
    Value,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dictionary,
    Array,
    Set,
}

impl Kind {
    fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"dict" => Some(Self::Dictionary),
            b"array" => Some(Self::Array),
            b"set" => Some(Self::Set),
            _ => None,
        }
    }
}

/// An open container.
struct Container<'a> {
    kind: Kind,
    keys: HashSet<Cow<'a, [u8]>>,
    /// Whether a key waits for its value.
    has_key: bool,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

impl<'a> Reader<'a> {
    /// The byte at the place of reading; zero ends the text, as in C.
    fn current(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn next(&mut self) -> u8 {
        if self.current() != 0 {
            self.at = self.at.saturating_add(1);
        }
        self.current()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The bytes from here as long as they are wanted.
    fn take(&mut self, is_wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest
            .iter()
            .take_while(|byte| **byte != 0 && is_wanted(**byte))
            .count();
        self.at = self.at.saturating_add(length);
        rest.get(..length).unwrap_or_default()
    }

    /// One value; what follows is not looked at.
    fn document(&mut self) -> Result<(), AmfiProblem> {
        let mut stack: Vec<Container<'a>> = Vec::new();
        loop {
            let token = self.token()?;
            let is_value = match (token, stack.last_mut()) {
                (Token::Key(key), Some(open)) if open.kind == Kind::Dictionary && !open.has_key => {
                    if open.keys.contains(&key) {
                        let key = String::from_utf8_lossy(&key).into_owned();
                        return Err(AmfiProblem::DuplicateKey(key));
                    }
                    open.keys.insert(key);
                    open.has_key = true;
                    false
                }
                (Token::Key(_), _) => return Err(AmfiProblem::Order),
                (Token::Close(kind), Some(open)) if open.kind == kind && !open.has_key => {
                    stack.pop();
                    true
                }
                (Token::Close(_), _) => return Err(AmfiProblem::Order),
                (_, Some(open)) if open.kind == Kind::Dictionary && !open.has_key => {
                    return Err(AmfiProblem::Order);
                }
                (Token::Open(kind), _) => {
                    stack.push(Container {
                        kind,
                        keys: HashSet::new(),
                        has_key: false,
                    });
                    false
                }
                (Token::Value, _) => true,
            };
            if is_value {
                match stack.last_mut() {
                    Some(open) => open.has_key = false,
                    None => return Ok(()),
                }
            }
        }
    }

    /// What AMFI does not mind: the text behind the value, and other characters than ASCII.
    fn remainder(&mut self) -> Result<(), AmfiProblem> {
        self.take(|byte| byte.is_ascii_whitespace());
        if self.rest().starts_with(b"</plist>") {
            self.at = self.at.saturating_add(b"</plist>".len());
            self.take(|byte| byte.is_ascii_whitespace());
        }
        // For AMFI, a zero is the end.
        if self.rest().iter().any(|byte| *byte != 0) {
            return Err(AmfiProblem::Trailing);
        }
        match self.text.iter().position(|byte| !byte.is_ascii()) {
            Some(at) => {
                self.at = at;
                Err(AmfiProblem::NotAscii)
            }
            None => Ok(()),
        }
    }

    fn token(&mut self) -> Result<Token<'a>, AmfiProblem> {
        loop {
            self.take(|byte| b" \t\n".contains(&byte));
            if self.current() == 0 && self.at >= self.text.len() {
                return Err(AmfiProblem::End);
            }
            let (name, is_empty, is_end) = match self.tag()? {
                Tag::Ignored => continue,
                Tag::Start(name) => (name, false, false),
                Tag::Empty(name) => (name, true, false),
                Tag::End(name) => (name, false, true),
            };
            if let Some(kind) = Kind::of(name) {
                return Ok(match (is_empty, is_end) {
                    (true, _) => Token::Value,
                    (_, true) => Token::Close(kind),
                    _ => Token::Open(kind),
                });
            }
            match name {
                // Where it stands does not matter.
                b"plist" => {}
                _ if is_end => return Err(AmfiProblem::Order),
                b"true" | b"false" | b"string" | b"data" | b"integer" if is_empty => return Ok(Token::Value),
                b"string" => {
                    self.string(name)?;
                    return Ok(Token::Value);
                }
                b"key" if !is_empty => return Ok(Token::Key(self.string(name)?)),
                b"data" => {
                    self.take(|byte| byte != b'<');
                    self.end_of(name)?;
                    return Ok(Token::Value);
                }
                b"integer" => {
                    if self.current() == b'-' {
                        self.next();
                    }
                    self.take(|byte| byte.is_ascii_hexdigit() || byte == b'x');
                    self.end_of(name)?;
                    return Ok(Token::Value);
                }
                _ => return Err(AmfiProblem::Element(String::from_utf8_lossy(name).into_owned())),
            }
        }
    }

    fn tag(&mut self) -> Result<Tag<'a>, AmfiProblem> {
        if self.current() != b'<' {
            return Err(match self.current() {
                b'\r' => AmfiProblem::CarriageReturn,
                b'b' if self.at == 0 && self.text.starts_with(b"bplist") => AmfiProblem::Binary,
                0xef | 0xfe | 0xff | 0 if self.at == 0 => AmfiProblem::ByteOrderMark,
                _ => AmfiProblem::Text,
            });
        }
        match self.next() {
            b'!' => return self.declaration(),
            b'?' => {
                while self.next() != 0 {
                    if self.current() == b'?' && matches!(self.next(), b'>' | 0) {
                        self.next();
                        return Ok(Tag::Ignored);
                    }
                }
                return Err(AmfiProblem::End);
            }
            _ => {}
        }
        let is_end = self.current() == b'/';
        if is_end {
            self.next();
        }
        let name = self.take(is_name);
        if name.len() > MAX_NAME || !name.first().is_some_and(u8::is_ascii_alphabetic) {
            return Err(AmfiProblem::Tag);
        }
        let mut attributes = 0_usize;
        while !matches!(self.current(), b'>' | b'/') {
            self.attribute()?;
            attributes = attributes.saturating_add(1);
            if attributes > MAX_ATTRIBUTES {
                return Err(AmfiProblem::Tag);
            }
        }
        let is_empty = self.current() == b'/';
        if is_empty {
            self.next();
        }
        if self.current() != b'>' {
            return Err(AmfiProblem::Tag);
        }
        self.next();
        Ok(match (is_empty, is_end) {
            (true, _) => Tag::Empty(name),
            (_, true) => Tag::End(name),
            _ => Tag::Start(name),
        })
    }

    /// `name="value"`, with spaces in front and around the sign only.
    fn attribute(&mut self) -> Result<(), AmfiProblem> {
        let is_space = |byte: u8| byte == b' ' || byte == b'\t';
        self.take(is_space);
        let name = self.take(is_name);
        self.take(is_space);
        if self.current() != b'=' {
            return Err(AmfiProblem::Tag);
        }
        self.next();
        self.take(is_space);
        if self.current() != b'"' {
            return Err(AmfiProblem::Tag);
        }
        self.next();
        let value = self.take(|byte| byte != b'"');
        if self.current() != b'"' || name.len() > MAX_NAME || value.len() > MAX_NAME {
            return Err(AmfiProblem::Tag);
        }
        self.next();
        if name.starts_with(b"ID") {
            return Err(AmfiProblem::ElementReference);
        }
        Ok(())
    }

    /// Behind `<!`: a declaration up to the next `>`, or a comment, in which `--` may only be part of its end.
    fn declaration(&mut self) -> Result<Tag<'a>, AmfiProblem> {
        let rest = self.rest();
        if !rest.starts_with(b"!--") {
            self.next();
            if !self.current().is_ascii_alphabetic() {
                let is_cdata = rest.starts_with(b"![CDATA[");
                return Err(if is_cdata {
                    AmfiProblem::Cdata
                } else {
                    AmfiProblem::Tag
                });
            }
            self.take(|byte| byte != b'>');
            return self.ignored();
        }
        self.at = self.at.saturating_add(2);
        while self.next() != 0 {
            if self.current() == b'-' && self.next() == b'-' {
                return match self.next() {
                    b'>' => self.ignored(),
                    _ => Err(AmfiProblem::CommentHyphens),
                };
            }
        }
        Err(AmfiProblem::End)
    }

    /// Steps over the `>` that is expected here.
    fn ignored(&mut self) -> Result<Tag<'a>, AmfiProblem> {
        if self.current() == 0 {
            return Err(AmfiProblem::End);
        }
        self.next();
        Ok(Tag::Ignored)
    }

    /// Text with its references resolved, and the closing tag behind it.
    fn string(&mut self, name: &[u8]) -> Result<Cow<'a, [u8]>, AmfiProblem> {
        let start = self.at;
        let raw = self.take(|byte| byte != b'<');
        let text = resolved(raw).map_err(|offset| {
            self.at = start.saturating_add(offset);
            AmfiProblem::Reference
        })?;
        self.end_of(name)?;
        Ok(text)
    }

    fn end_of(&mut self, name: &[u8]) -> Result<(), AmfiProblem> {
        if self.current() == 0 {
            return Err(AmfiProblem::End);
        }
        match self.tag()? {
            Tag::End(found) if found == name => Ok(()),
            Tag::Ignored => Err(AmfiProblem::CommentInValue),
            _ => Err(AmfiProblem::Order),
        }
    }
}

/// The text with its three references resolved, or where another one begins.
fn resolved(raw: &[u8]) -> Result<Cow<'_, [u8]>, usize> {
    if !raw.contains(&b'&') {
        return Ok(Cow::Borrowed(raw));
    }
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((byte, tail)) = rest.split_first() {
        if *byte != b'&' {
            text.push(*byte);
            rest = tail;
            continue;
        }
        let known: [(&[u8], u8); 3] = [(b"amp;", b'&'), (b"lt;", b'<'), (b"gt;", b'>')];
        let found = known
            .iter()
            .find_map(|(name, byte)| Some((tail.strip_prefix(*name)?, *byte)));
        let Some((tail, byte)) = found else {
            return Err(raw.len().saturating_sub(rest.len()));
        };
        text.push(byte);
        rest = tail;
    }
    Ok(Cow::Owned(text))
}

#[cfg(test)]
mod tests;
