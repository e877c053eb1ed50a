//! Why a requirement cannot be used.

use thiserror::Error;

use crate::limits::REQUIREMENT_OPERATIONS;

/// Why a requirement cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequirementError {
    /// Malformed binary form (errSecCSReqInvalid).
    #[error("malformed requirement")]
    Invalid,
    /// Another kind of requirement than an expression (errSecCSReqUnsupported).
    #[error("requirement of kind {kind} is not supported")]
    Kind {
        /// The kind field.
        kind: u32,
    },
    /// More operations than the budget.
    #[error("requirement has more than {REQUIREMENT_OPERATIONS} operations")]
    TooLong,
    /// An operation that macOS does not know either (errSecCSUnimplemented).
    #[error("requirement uses the unknown operation {opcode:#x}")]
    Unimplemented {
        /// The whole opcode word.
        opcode: u32,
    },
}
