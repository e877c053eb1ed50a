//! The verdict of `codesign --verify --deep --strict`, folded from faults in Apple's order.
//!
//! Specification 11.2: creation, then slice by slice (primary first) signature, special slots, pages; then the
//! seal; then strict rules. A fault without status never changes the verdict. Code signed with a certificate
//! has no verdict yet unless a failure is already proven.

use super::{CodeObject, Fault, OsStatus, SignatureKind, Stage};

/// What `codesign` would answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CodesignVerdict {
    /// Valid, invalid, or `None`: not judged.
    pub valid: Option<bool>,
    /// The status of an invalid item.
    pub status: Option<OsStatus>,
    /// Path of the nested code object that failed.
    pub subcomponent: Option<String>,
    /// The architecture that failed, where the failure belongs to one.
    pub architecture: Option<String>,
    /// Why there is no verdict.
    pub not_judged: Option<NotJudged>,
}

/// Why there is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotJudged {
    /// The certificate signature was not evaluated.
    Identity,
}

impl NotJudged {
    /// A sentence for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Identity => "identity not evaluated: the certificate signature was not checked",
        }
    }
}

/// Folds the faults of the item and of everything nested in it.
#[must_use]
pub fn fold(code: &[CodeObject]) -> CodesignVerdict {
    let failures = code
        .iter()
        .filter_map(|object| first_failure(object).map(|fault| (object, fault)));
    if let Some((object, fault)) = failures.into_iter().next() {
        let slice = fault.slice.and_then(|index| object.slices.get(index));
        // Structure, seal and creation errors name no architecture (native observations 1.3 and 5.2).
        let names_architecture = matches!(
            fault.stage(),
            Stage::Signature | Stage::SpecialSlots | Stage::Pages
        );
        return CodesignVerdict {
            valid: Some(false),
            status: fault.status(),
            subcomponent: (!object.path.is_empty()).then(|| object.path.clone()),
            architecture: slice
                .filter(|_| names_architecture)
                .and_then(|slice| slice.architecture)
                .map(|architecture| architecture.to_string()),
            not_judged: None,
        };
    }
    let has_cms = code
        .iter()
        .flat_map(|object| &object.slices)
        .any(|slice| slice.signature == SignatureKind::Cms);
    if has_cms {
        return CodesignVerdict {
            not_judged: Some(NotJudged::Identity),
            ..Default::default()
        };
    }
    CodesignVerdict {
        valid: Some(true),
        ..Default::default()
    }
}

/// The fault that decides: of the slice stages slice by slice, then the later stages.
fn first_failure(object: &CodeObject) -> Option<&Fault> {
    object
        .faults
        .iter()
        .filter(|fault| fault.status().is_some())
        .min_by_key(|fault| {
            let stage = fault.stage();
            match stage {
                Stage::Creation => (0, 0, stage),
                Stage::Signature | Stage::SpecialSlots | Stage::Pages => {
                    (1, fault.slice.unwrap_or_default(), stage)
                }
                _ => (2, fault.slice.unwrap_or_default(), stage),
            }
        })
}
