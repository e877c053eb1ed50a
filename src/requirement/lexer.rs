//! The words of the requirement language (specification 5.6).

use super::SyntaxError;
use crate::limits::REQUIREMENT_TEXT;

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A word: `identifier`, `leaf`, `ABC123`, `subject.CN`, `field.1.2.840`.
    Word(String),
    /// Decimal digits.
    Integer(String),
    /// `"…"`, without the quotes.
    Text(String),
    /// `H"…"`: the digits.
    Hash(String),
    /// `0x…`: the digits.
    Hex(String),
    /// `/a/b`.
    Path(String),
    /// Punctuation.
    Symbol(&'static str),
    /// The end.
    End,
}

/// A token with its place, counted from 1.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Longer ones first.
const SYMBOLS: [&str; 17] = [
    "=>", "==", "<=", ">=", "(", ")", "[", "]", "<", ">", "=", "~", "*", "!", ",", ";", "-",
];

const KEYWORDS: [&str; 27] = [
    "guest",
    "host",
    "designated",
    "library",
    "plugin",
    "or",
    "and",
    "always",
    "true",
    "never",
    "false",
    "identifier",
    "cdhash",
    "platform",
    "notarized",
    "legacy",
    "anchor",
    "apple",
    "generic",
    "certificate",
    "cert",
    "trusted",
    "info",
    "entitlement",
    "exists",
    "absent",
    "leaf",
];

/// Whether a word belongs to the language and cannot be data.
pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word) || matches!(word, "root" | "timestamp")
}

/// Splits `text` into tokens, the last of which is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, SyntaxError> {
    let mut lexer = Lexer {
        rest: text,
        line: 1,
        column: 1,
    };
    if text.len() > REQUIREMENT_TEXT {
        return Err(lexer.error("requirement text is too long"));
    }
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space()?;
        let (line, column) = (lexer.line, lexer.column);
        let token = lexer.token()?;
        let is_end = token == Token::End;
        tokens.push(Placed { token, line, column });
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
}

impl Lexer<'_> {
    fn error(&self, message: &str) -> SyntaxError {
        SyntaxError {
            line: self.line,
            column: self.column,
            message: message.to_owned(),
        }
    }

    fn advance(&mut self, length: usize) -> String {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        for character in taken.chars() {
            if character == '\n' {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            } else {
                self.column = self.column.saturating_add(1);
            }
        }
        self.rest = rest;
        taken.to_owned()
    }

    fn while_length(&self, accept: impl Fn(char) -> bool) -> usize {
        self.rest
            .find(|character| !accept(character))
            .unwrap_or(self.rest.len())
    }

    fn skip_space(&mut self) -> Result<(), SyntaxError> {
        loop {
            let space = self.while_length(|character| matches!(character, ' ' | '\t' | '\n' | '\r'));
            self.advance(space);
            if self.rest.starts_with('#') || self.rest.starts_with("//") {
                let line = self.while_length(|character| character != '\n');
                self.advance(line);
            } else if self.rest.starts_with("/*") {
                let Some(end) = self.rest.find("*/") else {
                    self.advance(self.rest.len());
                    return Err(self.error("expecting '*', found 'EOF'"));
                };
                self.advance(end.saturating_add(2));
            } else if space == 0 {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, SyntaxError> {
        let Some(first) = self.rest.chars().next() else {
            return Ok(Token::End);
        };
        if first == '"' {
            return self.quoted().map(Token::Text);
        }
        if self.rest.starts_with("H\"") {
            self.advance(1);
            return self.quoted().map(Token::Hash);
        }
        if self.rest.starts_with("0x") {
            self.advance(2);
            let length = self.while_length(|character| character.is_ascii_hexdigit());
            return Ok(Token::Hex(self.advance(length)));
        }
        if first.is_ascii_digit() {
            let length = self.while_length(|character| character.is_ascii_digit());
            return Ok(Token::Integer(self.advance(length)));
        }
        if first.is_ascii_alphabetic() {
            return Ok(Token::Word(self.word()));
        }
        if first == '/' {
            let length = self.while_length(|character| character.is_ascii_alphanumeric() || character == '/');
            return Ok(Token::Path(self.advance(length)));
        }
        for symbol in SYMBOLS {
            if self.rest.starts_with(symbol) {
                self.advance(symbol.len());
                return Ok(Token::Symbol(symbol));
            }
        }
        Err(self.error(&format!("unexpected char: '{first}'")))
    }

    /// Letters and digits, and more of them behind dots.
    fn word(&mut self) -> String {
        let is_part = |character: char| character.is_ascii_alphanumeric();
        let mut word = String::new();
        loop {
            let length = self.while_length(is_part);
            word.push_str(&self.advance(length));
            let mut ahead = self.rest.chars();
            if ahead.next() != Some('.') || !ahead.next().is_some_and(is_part) {
                return word;
            }
            word.push_str(&self.advance(1));
        }
    }

    /// A text in quotes, in which only a quote may stand behind a backslash.
    fn quoted(&mut self) -> Result<String, SyntaxError> {
        self.advance(1);
        let mut text = String::new();
        loop {
            let length = self.while_length(|character| character != '"' && character != '\\');
            text.push_str(&self.advance(length));
            if self.rest.starts_with("\\\"") {
                self.advance(2);
                text.push('"');
            } else if self.rest.starts_with('"') {
                self.advance(1);
                return Ok(text);
            } else if self.rest.is_empty() {
                return Err(self.error("expecting ''\"'', found 'EOF'"));
            } else {
                return Err(self.error("unexpected char: '\\'"));
            }
        }
    }
}
