//! One entry of a resource seal, and why a seal is refused.

use thiserror::Error;

use super::RuleError;
use crate::budget::OverBudget;
use crate::hash::{Digest, HashType};
use crate::plist::PlistError;

/// Why a seal is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealError {
    /// Not a property list, or no dictionary (errSecCSBadDictionaryFormat).
    #[error("CodeResources is not a property list with a dictionary")]
    NotADictionary,
    /// The dictionaries `rules` and `files` are missing (errSecCSResourcesNotFound).
    #[error("CodeResources has no rules and files")]
    Incomplete,
    /// The code is a file by itself (errSecCSResourcesNotFound).
    #[error("a file by itself has no resources, but its signature covers a seal")]
    NoBundle,
    /// `files2` is no dictionary, or `rules2` is none (errSecCSResourcesInvalid).
    #[error("CodeResources has files2, but files2 and rules2 are not both dictionaries")]
    NoRules,
    /// A budget for property lists was reached.
    #[error("CodeResources has {0}")]
    Limit(PlistError),
    /// The budget of the item is spent.
    #[error("{0}")]
    Budget(#[from] OverBudget),
    /// A rule is unusable (errSecCSResourceRulesInvalid).
    #[error("{0}")]
    Rule(#[from] RuleError),
}

impl SealError {
    /// Whether a budget was reached, of which Apple's reader has none.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::Limit(_)
                | Self::Budget(_)
                | Self::Rule(RuleError::TooMany { .. } | RuleError::TooLarge { .. } | RuleError::Budget(_))
        )
    }
}

impl From<PlistError> for SealError {
    fn from(error: PlistError) -> Self {
        if error.is_limit() {
            Self::Limit(error)
        } else {
            Self::NotADictionary
        }
    }
}

/// What one entry demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealedItem {
    /// A file with these digests, by the number behind `hash` in the key (0 without one).
    File {
        /// Digests, with no more bytes of each than the longest hash type has; `None` for a value that is not data. There may be
        /// none at all.
        digests: Vec<(u8, Option<Digest>)>,
    },
    /// A symbolic link with this text.
    Symlink {
        /// The text.
        target: String,
    },
    /// Nested code that satisfies this requirement.
    Nested {
        /// The requirement's text.
        requirement: String,
        /// The cdhash that the code had when it was sealed; macOS does not look at it.
        cdhash: Option<Vec<u8>>,
    },
    /// Values of other types (errSecCSResourcesInvalid, whether the file is there or not).
    Malformed,
}

/// One sealed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealEntry {
    /// What belongs there.
    pub item: SealedItem,
    /// Whether it may be missing.
    pub optional: bool,
}

impl SealEntry {
    pub(super) const MALFORMED: Self = Self {
        item: SealedItem::Malformed,
        optional: false,
    };

    /// The digest that a file must have in `hash_type` (`ResourceSeal::hash`): the key of that type, else the plain `hash`.
    /// `None` if there is neither, or if the value is not data (errSecCSResourcesInvalid).
    #[must_use]
    pub fn digest(&self, hash_type: HashType) -> Option<&[u8]> {
        let SealedItem::File { digests } = &self.item else {
            return None;
        };
        let own = if hash_type == HashType::Sha1 {
            0
        } else {
            hash_type.raw()
        };
        let with = |number| digests.iter().find(|(key, _)| *key == number);
        let (_, digest) = with(own).or_else(|| with(0))?;
        digest.as_ref().map(Digest::as_bytes)
    }
}
