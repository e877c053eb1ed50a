//! Faults of requirement text, in the words of Apple's compiler.
//!
//! Apple generates its compiler with ANTLR 2 (`requirements.grammar`, `RequirementLexer.cpp`, `RequirementParser.cpp`).
//! Its parser does not end at the first fault: each rule reports its own, skips tokens and goes on, so one text can have
//! several. The texts are those of `MismatchedCharException`, `NoViableAltForCharException`,
//! `MismatchedTokenException`, `NoViableAltException` and `SemanticException`.

use std::fmt;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line, counted from 1. Line breaks inside comments and strings do not count.
    pub line: usize,
    /// Column, counted from 1 in bytes. A tab leads to the column after the next multiple of 8.
    pub column: usize,
}

/// One fault of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxFault {
    /// Where it is; Apple's compiler gives no place for a value that it cannot use.
    pub place: Option<Place>,
    /// What Apple's compiler says.
    pub message: String,
}

impl fmt::Display for SyntaxFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The space is there without a place, too (`RecognitionException::getFileLineColumnString`).
        if let Some(Place { line, column }) = self.place {
            write!(f, "line {line}:{column}:")?;
        }
        write!(f, " {}", self.message)
    }
}

/// Why a text is not a requirement: one line for each fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The faults in the order in which the compiler finds them; there is at least one.
    pub faults: Vec<SyntaxFault>,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for SyntaxError {}

impl From<SyntaxFault> for SyntaxError {
    fn from(fault: SyntaxFault) -> Self {
        Self { faults: vec![fault] }
    }
}

/// Returns the name of a byte in a message, as ANTLR's `charName`: printable ones in quotes, others in hexadecimal.
pub(super) fn byte_name(byte: Option<u8>) -> String {
    match byte {
        None => "EOF".to_owned(),
        Some(byte @ 0x20..=0x7e) => format!("'{}'", char::from(byte)),
        Some(byte) => format!("0x{byte:02X}"),
    }
}
