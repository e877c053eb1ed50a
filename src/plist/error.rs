//! Why a property list could not be read.

use thiserror::Error;

use crate::budget::OverBudget;
use crate::limits::OLD_STYLE_NESTING;

/// Nesting of containers, as CoreFoundation bounds it for binary lists (`_CFPropertyListMaxRecursionDepth`). Whether it does for
/// XML is not published; real lists are less than 20 deep.
pub(crate) const MAX_DEPTH: usize = 512;

/// Why a property list could not be read. Offsets are in bytes of the UTF-8 text, after decoding.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlistError {
    /// There is no text at all.
    #[error("not a property list")]
    Format,
    /// The list is in the old-style form and malformed.
    #[error("malformed property list at line {line}: {problem}")]
    OldStyle {
        /// Where, counted from 1.
        line: usize,
        /// What.
        problem: &'static str,
    },
    /// Containers of the old-style form are nested too deep.
    #[error("nested deeper than {OLD_STYLE_NESTING} levels")]
    OldStyleDepth,
    /// The text is not valid in the encoding that it uses.
    #[error("text is not valid {encoding}")]
    Encoding {
        /// The encoding.
        encoding: &'static str,
    },
    /// The XML is malformed.
    #[error("malformed XML at byte {offset}: {problem}")]
    Xml {
        /// Where.
        offset: usize,
        /// What.
        problem: &'static str,
    },
    /// A value's text does not fit its type.
    #[error("invalid {element} at byte {offset}")]
    Value {
        /// Where.
        offset: usize,
        /// The element's name.
        element: &'static str,
    },
    /// Containers are nested too deep.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    Depth,
    /// Too many values.
    #[error("more than {limit} values")]
    Values {
        /// How many there may be.
        limit: u64,
    },
    /// A binary list whose repeated references would make more values of it than it has bytes.
    #[error("more than {length} values, which is its length in bytes, from repeated references")]
    References {
        /// Its length.
        length: u64,
    },
    /// A binary list whose repeated references would make many times as much text and data of it as it has bytes.
    #[error("more than {limit} bytes of text and data, from repeated references")]
    Expansion {
        /// How many there may be.
        limit: u64,
    },
    /// The budget of the item is spent.
    #[error("{0}")]
    Budget(#[from] OverBudget),
    /// CoreFoundation reads this, which is not read here.
    #[error("in {form}, which is not read here")]
    Unsupported {
        /// What it is.
        form: &'static str,
    },
    /// The binary list is malformed.
    #[error("malformed binary property list: {problem}")]
    Binary {
        /// What the reader says.
        problem: String,
    },
}

impl PlistError {
    /// Returns true if a limit of this reader was reached that Apple's readers do not have: a budget, or an unknown form.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::Values { .. }
                | Self::References { .. }
                | Self::Expansion { .. }
                | Self::Budget(_)
                | Self::OldStyleDepth
                | Self::Unsupported { .. }
        )
    }

    /// The name of the budget that was reached, if the error is that.
    #[must_use]
    pub fn budget(&self) -> Option<&'static str> {
        match self {
            Self::Values { .. } => Some("plist-values"),
            Self::Budget(over) => Some(over.resource.name()),
            _ => None,
        }
    }
}
