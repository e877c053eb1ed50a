//! Faults that are no faults of the code: a limit was reached, or something could not be read.

use super::{ComponentError, Fault, FaultKind, RequirementFault};
use crate::blob::BlobError;
use crate::bundle::{RuleError, SealError};
use crate::cms::CmsError;
use crate::requirement::RequirementError;
use crate::source::Unread;
use crate::trust::IdentityFault;

impl Fault {
    /// The name of the budget that was reached, if the fault is that and `--limit` can set it.
    #[must_use]
    pub fn budget(&self) -> Option<&'static str> {
        match &self.kind {
            FaultKind::TooDeep { .. } => Some("nesting"),
            FaultKind::Budget(over) => Some(over.resource.name()),
            FaultKind::InfoPlist(error) | FaultKind::Seal(SealError::Limit(error)) => error.budget(),
            FaultKind::Seal(SealError::Rule(RuleError::TooMany { .. })) => Some("resource-rules"),
            FaultKind::Unreadable(error) => error.budget(),
            _ => None,
        }
    }

    /// The place that was not read, if the fault is that.
    #[must_use]
    pub fn unread(&self) -> Option<Unread> {
        let reason = match (&self.kind, self.budget()) {
            (FaultKind::Unreadable(error), _) => error.reason(),
            (_, Some(_)) => self.limit()?,
            (_, None) => return None,
        };
        Some(Unread {
            path: self.path.clone(),
            reason,
            limit: self.budget(),
        })
    }

    /// The limit that was reached, in words, if the fault is that: macOS would have gone on.
    #[must_use]
    pub fn limit(&self) -> Option<String> {
        let reached = self.reached()?;
        Some(match self.budget() {
            Some(name) if !reached.ends_with(')') => format!("{reached} ({name})"),
            _ => reached,
        })
    }

    fn reached(&self) -> Option<String> {
        let too_many = |error: &BlobError| matches!(error, BlobError::TooManyEntries { .. });
        match &self.kind {
            FaultKind::TooDeep { limit } => Some(format!("bundles are nested more than {limit} deep")),
            FaultKind::Budget(over) => Some(over.to_string()),
            FaultKind::InfoPlist(error) => Some(format!("Info.plist: {error}")),
            FaultKind::MachO(error) if error.is_limit() => Some(error.to_string()),
            FaultKind::SuperBlob(error)
            | FaultKind::Detached(error)
            | FaultKind::Component {
                error: ComponentError::Blob(error),
                ..
            } if too_many(error) => Some(error.to_string()),
            FaultKind::Seal(error) if error.is_limit() => Some(error.to_string()),
            FaultKind::Unreadable(error) if error.budget().is_some() => Some(error.reason()),
            FaultKind::Requirement(RequirementFault::Requirement(error @ RequirementError::TooLong)) => {
                Some(error.to_string())
            }
            FaultKind::Identity(IdentityFault::Decode(error @ CmsError::TooMany { .. })) => {
                Some(error.to_string())
            }
            _ => None,
        }
    }
}
