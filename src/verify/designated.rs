//! The designated requirement of a slice, and why a requirement cannot be evaluated.

use thiserror::Error;

use super::OsStatus;
use crate::requirement::{Requirement, RequirementError};

/// Why a requirement cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequirementFault {
    /// Info.plist is no dictionary (errSecCSBadDictionaryFormat).
    #[error("Info.plist is no property list with a dictionary")]
    InfoPlist,
    /// The entitlements cannot be decoded (errSecDecode).
    #[error("the entitlements cannot be decoded")]
    Entitlements,
    /// The entitlements do not come from where the CodeDirectory comes from (errSecCSSignatureFailed).
    #[error("the entitlements come from another place than the CodeDirectory")]
    EntitlementsSource,
    /// The requirement set is malformed (errSecCSReqInvalid).
    #[error("the requirement set is malformed")]
    Set,
    /// The requirement itself.
    #[error(transparent)]
    Requirement(#[from] RequirementError),
}

impl RequirementFault {
    /// What Apple's code answers; nothing where a budget was reached.
    #[must_use]
    pub fn status(&self) -> Option<OsStatus> {
        Some(match self {
            Self::InfoPlist => OsStatus::BAD_DICTIONARY_FORMAT,
            Self::Entitlements => OsStatus::DECODE,
            Self::EntitlementsSource => OsStatus::SIGNATURE_FAILED,
            Self::Set | Self::Requirement(RequirementError::Invalid) => OsStatus::REQ_INVALID,
            Self::Requirement(RequirementError::Kind { .. }) => OsStatus::REQ_UNSUPPORTED,
            Self::Requirement(RequirementError::Unimplemented { .. }) => OsStatus::UNIMPLEMENTED,
            Self::Requirement(RequirementError::TooLong) => return None,
        })
    }
}

/// The designated requirement of a slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Designated {
    /// What it demands.
    pub requirement: Requirement,
    /// Whether the signature brings it; otherwise it is the default one.
    pub is_explicit: bool,
    /// Whether the code satisfies it; `None` when that is not known here.
    pub is_satisfied: Result<Option<bool>, RequirementFault>,
}
