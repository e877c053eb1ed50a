//! The code requirement language: binary and text, both ways, and what a requirement says about code.
//!
//! Specification 5 and native observations 6 (Apple's `requirement.cpp`, `reqinterp.cpp`, `reqdumper.cpp`,
//! `requirements.grammar`, `drmaker.cpp`). Not known here: trust settings of a Mac, its named anchors, its list of old
//! Developer ID code, and tickets on Apple's servers; what depends on them is *unknown*, neither true nor false.

mod binary;
mod default;
mod display;
mod error;
mod evaluate;
mod expression;
mod grammar;
mod lexer;
mod lightweight;
mod numeric;
mod parser;
mod query;
mod set;
mod syntax;

pub use default::{DefaultRequirement, default_designated};
pub use error::RequirementError;
pub use evaluate::Context;
pub use expression::{Expression, Match};
pub use lightweight::{Facts, LightweightError, LightweightRequirement};
pub use query::QueryError;
pub use set::{Compiled, RequirementSet, RequirementType};
pub use syntax::{Place, SyntaxError, SyntaxFault};

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// What it demands.
    pub expression: Expression,
}

impl Requirement {
    /// Reads a requirement blob.
    ///
    /// # Errors
    /// [`RequirementError::Invalid`] for another blob, [`RequirementError::Kind`] for one of another kind. Faults of the
    /// expression show when it is evaluated, as on a Mac; see [`Requirement::fault`].
    pub fn from_blob(blob: &[u8]) -> Result<Self, RequirementError> {
        binary::decode(blob).map(|expression| Self { expression })
    }

    /// The requirement blob.
    #[must_use]
    pub fn to_blob(&self) -> Vec<u8> {
        binary::encode(&self.expression)
    }

    /// Compiles the text of one requirement.
    ///
    /// # Errors
    /// [`SyntaxError`] with lines and columns, in the words of Apple's compiler.
    pub fn from_text(text: &str) -> Result<Self, SyntaxError> {
        parser::requirement(text).map(|expression| Self { expression })
    }

    /// Text that compiles to the same bytes, where the language can say them: what Apple prints, with parentheses
    /// around chains that nest to the right.
    #[must_use]
    pub fn to_source(&self) -> String {
        display::text(&self.expression, display::Form::Source)
    }

    /// Whether code satisfies it; `None` when that depends on what is not known here.
    ///
    /// # Errors
    /// See [`RequirementError`].
    pub fn evaluate(&self, context: &Context<'_>) -> Result<Option<bool>, RequirementError> {
        evaluate::evaluate(&self.expression, context)
    }

    /// The first part that cannot be evaluated, if there is one.
    #[must_use]
    pub fn fault(&self) -> Option<RequirementError> {
        self.expression.fault()
    }
}

/// The text that `codesign -d -r-` prints.
impl std::fmt::Display for Requirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&display::text(&self.expression, display::Form::Apple))
    }
}
