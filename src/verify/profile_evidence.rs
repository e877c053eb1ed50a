//! The provisioning profile of one bundle.

use thiserror::Error;

use crate::profile::{Profile, ProfileError};
use crate::source::{SourceError, Unread};

/// Why a bundle's profile says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProfileProblem {
    /// It cannot be read.
    #[error("the profile {}", .0.reason())]
    Unreadable(SourceError),
    /// It is no profile.
    #[error("{0}")]
    Format(#[from] ProfileError),
}

/// The profile of one bundle.
#[derive(Debug, Clone)]
pub struct ProfileEvidence {
    /// Path relative to the item.
    pub path: String,
    /// The profile, with the faults of its signature.
    pub profile: Result<Profile, ProfileProblem>,
    /// Whether it has the attribute `com.apple.quarantine`; not known where attributes may have been lost on the way
    /// from a Mac.
    pub is_quarantined: Option<bool>,
}

impl ProfileEvidence {
    /// The profile as a place that could not be read, if it is one.
    pub(super) fn unread(&self) -> Option<Unread> {
        match &self.profile {
            Err(ProfileProblem::Unreadable(error)) => Some(Unread::new(self.path.clone(), error)),
            Ok(_) | Err(ProfileProblem::Format(_)) => None,
        }
    }

    /// The profile, if a service of Apple's signed it.
    #[must_use]
    pub fn sound(&self) -> Option<&Profile> {
        self.profile.as_ref().ok().filter(|profile| profile.is_sound())
    }
}
