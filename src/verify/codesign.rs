//! What `codesign --verify` answers about an item: valid, invalid, or not judged.
//!
//! A valid answer holds an [`Evaluated`], which only slices whose CodeDirectory was read can make. An answer from
//! nothing is not representable.

use std::fmt;
use std::num::NonZeroUsize;

use super::{OsStatus, SliceEvidence};
use crate::subject::Unopened;

/// Proof that at least one slice was evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Evaluated(NonZeroUsize);

impl Evaluated {
    /// Counts the slices whose CodeDirectory was read; `None` where there is none.
    pub(crate) fn of<'s>(slices: impl IntoIterator<Item = &'s SliceEvidence>) -> Option<Self> {
        let read = slices.into_iter().filter(|slice| slice.hash_type.is_some());
        NonZeroUsize::new(read.count()).map(Self)
    }

    /// The number of slices that were evaluated.
    #[must_use]
    pub fn slices(self) -> usize {
        self.0.get()
    }
}

/// What `codesign` would answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodesignVerdict {
    answer: CodesignAnswer,
    /// What the primary slice's designated requirement says, where it could be evaluated.
    designated: Option<bool>,
    /// Whether all nested code was verified before the answer was clear.
    pub(crate) has_seen_nested: bool,
}

/// The three answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodesignAnswer {
    /// `valid on disk`.
    Valid(Evaluated),
    /// One OSStatus, with the place that it is about.
    Invalid(CodesignFailure),
    /// There is no answer.
    NotJudged(NotJudged),
}

/// What `codesign` reports about an item that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodesignFailure {
    /// The status.
    pub status: OsStatus,
    /// Path of the nested code object that failed.
    pub subcomponent: Option<String>,
    /// The architecture that failed, where the failure belongs to one.
    pub architecture: Option<String>,
    /// Files that the failing object's seal does not list.
    pub files_added: Vec<String>,
    /// Files that changed.
    pub files_modified: Vec<String>,
    /// Files that are missing.
    pub files_missing: Vec<String>,
    /// Files with a resource fork or Finder information, with the attribute.
    pub attached_data: Vec<(String, &'static str)>,
}

impl CodesignVerdict {
    /// An answer; `designated` is what the designated requirement says, and `has_seen_nested` is true where all nested
    /// code was verified before the answer was clear.
    pub(super) fn new(answer: CodesignAnswer, designated: Option<bool>, has_seen_nested: bool) -> Self {
        Self {
            answer,
            designated,
            has_seen_nested,
        }
    }

    /// The answer with what belongs to it.
    #[must_use]
    pub fn answer(&self) -> &CodesignAnswer {
        &self.answer
    }

    /// Valid, invalid, or `None`: not judged, for the reason in [`Self::not_judged`].
    #[must_use]
    pub fn valid(&self) -> Option<bool> {
        match self.answer {
            CodesignAnswer::Valid(_) => Some(true),
            CodesignAnswer::Invalid(_) => Some(false),
            CodesignAnswer::NotJudged(_) => None,
        }
    }

    /// What failed, if the item is invalid.
    #[must_use]
    pub fn failure(&self) -> Option<&CodesignFailure> {
        match &self.answer {
            CodesignAnswer::Invalid(failure) => Some(failure),
            CodesignAnswer::Valid(_) | CodesignAnswer::NotJudged(_) => None,
        }
    }

    /// The status of an invalid item.
    #[must_use]
    pub fn status(&self) -> Option<OsStatus> {
        self.failure().map(|failure| failure.status)
    }

    /// Path of the nested code object that failed.
    #[must_use]
    pub fn subcomponent(&self) -> Option<&str> {
        self.failure()?.subcomponent.as_deref()
    }

    /// The architecture that failed, where the failure belongs to one.
    #[must_use]
    pub fn architecture(&self) -> Option<&str> {
        self.failure()?.architecture.as_deref()
    }

    /// Why there is no answer.
    #[must_use]
    pub fn not_judged(&self) -> Option<NotJudged> {
        match self.answer {
            CodesignAnswer::NotJudged(reason) => Some(reason),
            CodesignAnswer::Valid(_) | CodesignAnswer::Invalid(_) => None,
        }
    }

    /// Returns whether the primary slice satisfies its own designated requirement, or why that is not known.
    #[must_use]
    pub fn designated_requirement(&self) -> RequirementAnswer {
        match self.satisfies_designated_requirement() {
            Some(true) => RequirementAnswer::Met,
            Some(false) => RequirementAnswer::NotMet,
            None => RequirementAnswer::not_known(self),
        }
    }

    /// Returns true if the primary slice satisfies its own designated requirement; `None` where that is not known. It is
    /// never affirmed of an item that is not judged: part of the item was not read.
    #[must_use]
    pub fn satisfies_designated_requirement(&self) -> Option<bool> {
        match self.answer {
            CodesignAnswer::NotJudged(_) => self.designated.filter(|answer| !answer),
            CodesignAnswer::Valid(_) | CodesignAnswer::Invalid(_) => self.designated,
        }
    }
}

/// Whether code satisfies a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequirementAnswer {
    /// It does.
    Met,
    /// It does not, or the requirement cannot be evaluated on any Mac either.
    NotMet,
    /// It is not known here; a sentence says why.
    NotKnown(String),
}

impl RequirementAnswer {
    /// Why nothing is known about a requirement on an item with this verdict.
    pub(crate) fn not_known(verdict: &CodesignVerdict) -> Self {
        Self::NotKnown(match (verdict.not_judged(), verdict.status()) {
            (Some(reason), _) => reason.to_string(),
            (None, Some(OsStatus::UNSIGNED)) => "the code is not signed".to_owned(),
            _ => "it depends on what only a Mac knows, such as its trust settings or a notarization ticket, or on what was changed"
                .to_owned(),
        })
    }
}

/// Why there is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotJudged {
    /// The root of a timestamp is not at hand; a Mac may trust it or not.
    TimestampRoot,
    /// A requirement that a seal demands of nested code depends on what is not known here.
    NestedRequirement,
    /// Part of the item could not be read.
    Gap,
    /// The budget of this name was reached, which `--limit` can set.
    Limit(&'static str),
    /// A fixed budget was reached, or a form was met that is not read.
    Budget,
    /// The item was not opened.
    Unopened(Unopened),
    /// The archive around the item is damaged, or can be read in more than one way, so that a Mac may get another item.
    ContainerFaults,
    /// No slice of the item, or of code nested in it, has a CodeDirectory that was read.
    NothingEvaluated,
}

impl fmt::Display for NotJudged {
    /// A sentence for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Limit(name) => return write!(f, "not judged: the limit {name} was reached (--limit {name}=NUMBER)"),
            Self::TimestampRoot => {
                "not judged: the timestamp's root is not Apple's; --trust-anchor names roots that count as trusted"
            }
            Self::NestedRequirement => {
                "not judged: a requirement on nested code depends on what only a Mac knows"
            }
            Self::Gap => "not judged: part of the item could not be read",
            Self::Budget => "not judged: a fixed limit was reached, or a file has a form that sealcheck does not read",
            Self::Unopened(unopened) => unopened.text(),
            Self::ContainerFaults => {
                "not judged: the archive is damaged or ambiguous, so that a Mac may get something else from it"
            }
            Self::NothingEvaluated => "not judged: no signature was evaluated",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::HashType;

    /// `Evaluated` has no other constructor, and a valid answer cannot be made without it.
    #[test]
    fn nothing_proves_that_nothing_was_evaluated() {
        assert_eq!(Evaluated::of([]), None);
        let unread = SliceEvidence::default();
        assert_eq!(Evaluated::of([&unread]), None);
        let read = SliceEvidence {
            hash_type: Some(HashType::Sha256),
            ..SliceEvidence::default()
        };
        assert_eq!(Evaluated::of([&unread, &read]).map(Evaluated::slices), Some(1));
    }

    /// What is not judged affirms nothing, but a requirement that is known not to be met stays so.
    #[test]
    fn an_item_that_is_not_judged_satisfies_nothing() {
        let open = |designated| {
            let answer = CodesignAnswer::NotJudged(NotJudged::Gap);
            CodesignVerdict::new(answer, designated, false).satisfies_designated_requirement()
        };
        assert_eq!(
            [open(Some(true)), open(None), open(Some(false))],
            [None, None, Some(false)]
        );
    }
}
