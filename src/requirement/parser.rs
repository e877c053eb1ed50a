//! The grammar of requirement text (specification 5.6, `requirements.grammar`), with the messages of Apple's compiler.

use std::fmt;

use super::expression::{Expression, Match};
use super::lexer::{Placed, Token, is_keyword, tokens};
use crate::asn1::oid_from_text;
use crate::limits::{REQUIREMENT_CHAIN, REQUIREMENT_NESTING};
use crate::time::UnixTime;

/// Why a text is no requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Line, counted from 1.
    pub line: usize,
    /// Column, counted from 1.
    pub column: usize,
    /// What Apple's compiler says.
    pub message: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for SyntaxError {}

type Parsed<T> = Result<T, SyntaxError>;

/// One requirement and nothing else.
pub(super) fn requirement(text: &str) -> Parsed<Expression> {
    let mut parser = Parser::new(text)?;
    let expression = parser.expression(0)?;
    parser.skip_separators();
    parser.end()?;
    Ok(expression)
}

/// A list of `type => requirement`; types as numbers, in the order of the text.
pub(super) fn set(text: &str) -> Parsed<Vec<(u32, Expression)>> {
    let mut parser = Parser::new(text)?;
    let mut entries = Vec::new();
    loop {
        let number = parser.requirement_type()?;
        parser.expect_symbol("=>", "ARROW")?;
        entries.push((number, parser.expression(0)?));
        parser.skip_separators();
        if *parser.peek() == Token::End {
            return Ok(entries);
        }
    }
}

/// Whether the text begins like a set.
pub(super) fn is_set(text: &str) -> bool {
    tokens(text).is_ok_and(|tokens| {
        tokens.first().is_some_and(|first| match &first.token {
            Token::Word(word) => type_number(word).is_some(),
            Token::Integer(_) => true,
            _ => false,
        })
    })
}

fn type_number(word: &str) -> Option<u32> {
    Some(match word {
        "host" => 1,
        "guest" => 2,
        "designated" => 3,
        "library" => 4,
        "plugin" => 5,
        _ => return None,
    })
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
}

impl Parser {
    fn new(text: &str) -> Parsed<Self> {
        Ok(Self {
            tokens: tokens(text)?,
            at: 0,
        })
    }

    fn peek(&self) -> &Token {
        self.tokens
            .get(self.at)
            .map_or(&Token::End, |placed| &placed.token)
    }

    fn peek_second(&self) -> &Token {
        let next = self.at.saturating_add(1);
        self.tokens.get(next).map_or(&Token::End, |placed| &placed.token)
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        // The last token, the end, is never left.
        if token != Token::End {
            self.at = self.at.saturating_add(1);
        }
        token
    }

    fn error(&self, message: String) -> SyntaxError {
        let (line, column) = self
            .tokens
            .get(self.at)
            .or(self.tokens.last())
            .map_or((1, 1), |placed| (placed.line, placed.column));
        SyntaxError {
            line,
            column,
            message,
        }
    }

    fn unexpected(&self) -> SyntaxError {
        match self.peek() {
            Token::End => self.error("unexpected end of file".to_owned()),
            token => self.error(format!("unexpected token: {}", shown(token))),
        }
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), Token::Symbol(found) if *found == symbol)
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.advance();
        }
        found
    }

    fn expect_symbol(&mut self, symbol: &str, name: &str) -> Parsed<()> {
        if self.take_symbol(symbol) {
            return Ok(());
        }
        match self.peek() {
            Token::End => Err(self.error("unexpected end of file".to_owned())),
            token => Err(self.error(format!("expecting {name}, found '{}'", shown(token)))),
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found == word)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    fn skip_separators(&mut self) {
        while self.take_symbol(";") {}
    }

    fn end(&self) -> Parsed<()> {
        match self.peek() {
            Token::End => Ok(()),
            _ => Err(self.unexpected()),
        }
    }

    fn requirement_type(&mut self) -> Parsed<u32> {
        let number = match self.peek() {
            Token::Word(word) => type_number(word),
            Token::Integer(digits) => digits.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.unexpected())?;
        self.advance();
        Ok(number)
    }

    fn expression(&mut self, depth: usize) -> Parsed<Expression> {
        let mut left = self.term(depth)?;
        for length in 0.. {
            if !self.is_word("or") {
                break;
            }
            self.bound(length, REQUIREMENT_CHAIN)?;
            self.advance();
            left = Expression::Or(Box::new(left), Box::new(self.term(depth)?));
        }
        Ok(left)
    }

    fn term(&mut self, depth: usize) -> Parsed<Expression> {
        let mut left = self.primary(depth)?;
        for length in 0.. {
            if !self.is_word("and") {
                break;
            }
            self.bound(length, REQUIREMENT_CHAIN)?;
            self.advance();
            left = Expression::And(Box::new(left), Box::new(self.primary(depth)?));
        }
        Ok(left)
    }

    fn bound(&self, found: usize, limit: usize) -> Parsed<()> {
        if found < limit {
            Ok(())
        } else {
            Err(self.error(format!("more than {limit} operands or levels")))
        }
    }

    fn primary(&mut self, depth: usize) -> Parsed<Expression> {
        self.bound(depth, REQUIREMENT_NESTING)?;
        let inner = depth.saturating_add(1);
        if self.take_symbol("!") {
            return Ok(Expression::Not(Box::new(self.primary(inner)?)));
        }
        if self.take_symbol("(") {
            let is_name = matches!(self.peek_second(), Token::Symbol(")"));
            let named = match self.peek() {
                Token::Text(text) if is_name => Some(text.clone()),
                Token::Word(word) if is_name && !is_keyword(word) => Some(word.clone()),
                _ => None,
            };
            let found = match named {
                Some(name) => {
                    self.advance();
                    Expression::NamedCode(name.into_bytes())
                }
                None => self.expression(inner)?,
            };
            self.expect_symbol(")", "RPAREN")?;
            return Ok(found);
        }
        let Token::Word(word) = self.peek().clone() else {
            return Err(self.unexpected());
        };
        if !is_keyword(&word) {
            return Err(self.unexpected());
        }
        match word.as_str() {
            "always" | "true" => self.plain(Expression::True),
            "never" | "false" => self.plain(Expression::False),
            "notarized" => self.plain(Expression::Notarized),
            "legacy" => self.plain(Expression::LegacyDeveloperId),
            "identifier" => {
                self.advance();
                self.skip_equals();
                self.data().map(Expression::Identifier)
            }
            "cdhash" => {
                self.advance();
                self.skip_equals();
                self.hash().map(Expression::CdHash)
            }
            "platform" => {
                self.advance();
                self.skip_equals();
                self.integer().map(Expression::Platform)
            }
            "anchor" => self.anchor(),
            "certificate" | "cert" => self.certificate(),
            "info" => {
                self.advance();
                let key = self.key()?;
                Ok(Expression::InfoKeyField(key.into_bytes(), self.matching()?))
            }
            "entitlement" => {
                self.advance();
                let key = self.key()?;
                Ok(Expression::EntitlementField(key.into_bytes(), self.matching()?))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn plain(&mut self, expression: Expression) -> Parsed<Expression> {
        self.advance();
        Ok(expression)
    }

    fn skip_equals(&mut self) {
        if !self.take_symbol("=") {
            self.take_symbol("==");
        }
    }

    fn anchor(&mut self) -> Parsed<Expression> {
        self.advance();
        if self.take_word("apple") {
            if self.take_word("generic") {
                return Ok(Expression::AppleGenericAnchor);
            }
            let name = match self.peek() {
                Token::Text(text) => Some(text.clone()),
                Token::Word(word) if !is_keyword(word) => Some(word.clone()),
                _ => None,
            };
            return Ok(match name {
                Some(name) => {
                    self.advance();
                    Expression::NamedAnchor(name.into_bytes())
                }
                None => Expression::AppleAnchor,
            });
        }
        if self.take_word("generic") {
            return if self.take_word("apple") {
                Ok(Expression::AppleGenericAnchor)
            } else {
                Err(self.unexpected())
            };
        }
        if self.take_word("trusted") {
            return Ok(Expression::TrustedCertificates);
        }
        self.slot_specification(-1)
    }

    fn certificate(&mut self) -> Parsed<Expression> {
        self.advance();
        if self.take_word("trusted") {
            return Ok(Expression::TrustedCertificates);
        }
        let slot = if self.take_word("leaf") {
            0
        } else if self.take_word("root") {
            -1
        } else if self.take_symbol("-") {
            self.integer()?.saturating_neg()
        } else {
            self.integer()?
        };
        if self.take_word("trusted") {
            return Ok(Expression::TrustedCertificate(slot));
        }
        self.slot_specification(slot)
    }

    fn slot_specification(&mut self, slot: i32) -> Parsed<Expression> {
        if !self.is_symbol("[") {
            self.skip_equals();
            if let Token::Path(_) | Token::Text(_) = self.peek() {
                return Err(self.error("certificate files are not read; give the hash, H\"…\"".to_owned()));
            }
            return Ok(Expression::AnchorHash(slot, self.hash()?));
        }
        let place = self.at.saturating_add(1);
        let key = self.key()?;
        let field = |prefix: &str| key.strip_prefix(prefix).map(oid_from_text);
        let kind: fn(i32, Vec<u8>, Match) -> Expression;
        let oid = if let Some(oid) = field("field.").or(field("extension.")) {
            kind = Expression::CertificateGeneric;
            oid
        } else if let Some(oid) = field("policy.") {
            kind = Expression::CertificatePolicy;
            oid
        } else if let Some(oid) = field("timestamp.") {
            kind = Expression::CertificateDate;
            oid
        } else if key.starts_with("subject.") {
            return Ok(Expression::CertificateField(
                slot,
                key.into_bytes(),
                self.matching()?,
            ));
        } else {
            self.at = place;
            return Err(self.unexpected());
        };
        match oid {
            Some(oid) => Ok(kind(slot, oid, self.matching()?)),
            None => {
                self.at = place;
                Err(self.error("malformed object identifier".to_owned()))
            }
        }
    }

    /// `[…]`.
    fn key(&mut self) -> Parsed<String> {
        self.expect_symbol("[", "LBRACK")?;
        let key = match self.peek() {
            Token::Word(word) => word.clone(),
            Token::Text(text) => text.clone(),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        self.expect_symbol("]", "RBRACK")?;
        Ok(key)
    }

    fn matching(&mut self) -> Parsed<Match> {
        if self.take_word("exists") {
            return Ok(Match::Exists);
        }
        if self.take_word("absent") {
            return Ok(Match::Absent);
        }
        if self.take_symbol("=") || self.take_symbol("==") {
            if self.is_word("timestamp") {
                return self.date().map(Match::On);
            }
            let is_open_before = self.take_symbol("*");
            let data = self.data()?;
            let is_open_behind = self.take_symbol("*");
            return Ok(match (is_open_before, is_open_behind) {
                (false, false) => Match::Equal(data),
                (false, true) => Match::BeginsWith(data),
                (true, false) => Match::EndsWith(data),
                (true, true) => Match::Contains(data),
            });
        }
        if self.take_symbol("~") {
            return self.data().map(Match::Contains);
        }
        type Both = (fn(Vec<u8>) -> Match, fn(i64) -> Match);
        let orders: [(&str, Both); 4] = [
            ("<=", (Match::LessEqual, Match::OnOrBefore)),
            (">=", (Match::GreaterEqual, Match::OnOrAfter)),
            ("<", (Match::LessThan, Match::Before)),
            (">", (Match::GreaterThan, Match::After)),
        ];
        for (symbol, (of_data, of_date)) in orders {
            if self.take_symbol(symbol) {
                return if self.is_word("timestamp") {
                    self.date().map(of_date)
                } else {
                    self.data().map(of_data)
                };
            }
        }
        Ok(Match::Exists)
    }

    /// `timestamp "YYYYMMDDHHMMSSZ"`, in seconds since 2001.
    fn date(&mut self) -> Parsed<i64> {
        self.advance();
        let time = match self.peek() {
            Token::Text(text) => UnixTime::from_generalized(text.as_bytes()),
            _ => None,
        };
        let time = time.ok_or_else(|| self.unexpected())?;
        self.advance();
        Ok(time.to_absolute())
    }

    fn data(&mut self) -> Parsed<Vec<u8>> {
        let data = match self.peek() {
            Token::Word(word) if !is_keyword(word) => Some(word.clone().into_bytes()),
            Token::Text(text) => Some(text.clone().into_bytes()),
            Token::Hex(digits) => from_hex(digits),
            _ => None,
        };
        let data = data.ok_or_else(|| self.unexpected())?;
        self.advance();
        Ok(data)
    }

    /// `H"…"` with 40 digits.
    fn hash(&mut self) -> Parsed<Vec<u8>> {
        let hash = match self.peek() {
            Token::Hash(digits) => from_hex(digits).filter(|hash| hash.len() == 20),
            _ => None,
        };
        let hash = hash.ok_or_else(|| self.unexpected())?;
        self.advance();
        Ok(hash)
    }

    fn integer(&mut self) -> Parsed<i32> {
        let value = match self.peek() {
            Token::Integer(digits) => digits.parse().ok(),
            _ => None,
        };
        let value = value.ok_or_else(|| self.unexpected())?;
        self.advance();
        Ok(value)
    }
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let nibbles: Vec<u8> = digits
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
        .collect::<Option<_>>()?;
    nibbles
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(high << 4 | low),
            _ => None,
        })
        .collect()
}

/// A token in a message.
fn shown(token: &Token) -> String {
    match token {
        Token::Word(text)
        | Token::Integer(text)
        | Token::Text(text)
        | Token::Hash(text)
        | Token::Path(text) => text.clone(),
        Token::Hex(digits) => format!("0x{digits}"),
        Token::Symbol(symbol) => (*symbol).to_owned(),
        Token::End => "EOF".to_owned(),
    }
}
