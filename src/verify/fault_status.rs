//! The OSStatus that Apple's static validation answers to one fault (specification 4 and 11.2).

use super::{ComponentError, Fault, FaultKind, LinkProblem, OsStatus};
use crate::blob::Slot;
use crate::bundle::{LayoutError, LayoutFault, ScanFault, SealError};
use crate::cms::CmsError;
use crate::codedir::CodeDirectoryError;
use crate::macho::{FatFault, MachOError};
use crate::trust::{IdentityFault, PathProblem};

impl Fault {
    /// Returns true if Apple's code throws this as an error of the system: `validateNestedCode` lets it pass without adding the path of
    /// the nested code.
    #[must_use]
    pub fn is_of_the_system(&self) -> bool {
        match &self.kind {
            FaultKind::MachO(MachOError::SameOffset { .. }) => false,
            FaultKind::MachO(_) | FaultKind::Fat(FatFault::MixedFileTypes) => true,
            _ => self.status().is_some_and(OsStatus::is_of_the_system),
        }
    }

    /// What Apple's validation answers to this fault alone; `None` when it does not mind.
    #[must_use]
    pub fn status(&self) -> Option<OsStatus> {
        if self.limit().is_some() {
            return None;
        }
        Some(match &self.kind {
            FaultKind::Unsigned => OsStatus::UNSIGNED,
            FaultKind::MachO(MachOError::SameOffset { .. }) => OsStatus::INTERNAL_COMPONENT,
            // The brackets around the API make this of ENOEXEC (`END_CSAPI_ERRORS`).
            FaultKind::MachO(_) => OsStatus::BAD_OBJECT_FORMAT,
            FaultKind::Fat(
                FatFault::HiddenEntry | FatFault::Duplicate { .. } | FatFault::OtherArchitecture { .. },
            ) => return None,
            FaultKind::Fat(FatFault::MixedFileTypes) => OsStatus::BAD_OBJECT_FORMAT,
            FaultKind::Fat(_) | FaultKind::LinkeditEnd { .. } => OsStatus::BAD_MAIN_EXECUTABLE,
            FaultKind::SuperBlob(_)
            | FaultKind::Detached(_)
            | FaultKind::Component {
                error: ComponentError::Blob(_),
                ..
            }
            | FaultKind::DuplicateHashType
            | FaultKind::TeamDiffersBetweenSlices { .. }
            | FaultKind::CodeLimit { .. } => OsStatus::SIGNATURE_INVALID,
            FaultKind::CodeDirectory { has_cms: false, .. } => OsStatus::UNSIGNED,
            FaultKind::CodeDirectory { error, .. } => match error {
                CodeDirectoryError::Version { .. } => OsStatus::SIGNATURE_UNSUPPORTED,
                _ => OsStatus::SIGNATURE_FAILED,
            },
            FaultKind::Bundle(LayoutError::NotABundle | LayoutError::Outside) => OsStatus::BAD_BUNDLE_FORMAT,
            FaultKind::Bundle(LayoutError::ExecutableIsDirectory) => OsStatus::IS_A_DIRECTORY,
            FaultKind::Bundle(LayoutError::NoSuchVersion) => OsStatus::STATIC_CODE_NOT_FOUND,
            FaultKind::SealAbsent | FaultKind::Seal(SealError::Incomplete | SealError::NoBundle) => {
                OsStatus::RESOURCES_NOT_FOUND
            }
            FaultKind::Seal(SealError::NotADictionary) => OsStatus::BAD_DICTIONARY_FORMAT,
            FaultKind::Seal(SealError::NoRules) | FaultKind::Scan(ScanFault::MalformedEntry) => {
                OsStatus::RESOURCES_INVALID
            }
            FaultKind::Seal(SealError::Limit(_) | SealError::Budget(_)) => return None,
            FaultKind::Seal(SealError::Rule(_)) => OsStatus::RESOURCE_RULES_INVALID,
            FaultKind::SealVersion1 => OsStatus::WEAK_RESOURCE_ENVELOPE,
            FaultKind::SealWeak => OsStatus::WEAK_RESOURCE_RULES,
            FaultKind::Resources {
                added,
                modified,
                nested,
                ..
            } => {
                // The first one in the order of the scan decides; what is missing is noticed last.
                if nested.is_empty() {
                    return Some(OsStatus::BAD_RESOURCE);
                }
                let first = added.iter().chain(modified).min();
                if first.is_some_and(|first| nested.contains(first)) {
                    OsStatus::BAD_NESTED_CODE
                } else {
                    OsStatus::BAD_RESOURCE
                }
            }
            FaultKind::Requirement(fault) => return fault.status(),
            FaultKind::Scan(ScanFault::IsADirectory) => OsStatus::IS_A_DIRECTORY,
            FaultKind::Scan(ScanFault::DsStoreSymlink) => OsStatus::DS_STORE_SYMLINK,
            FaultKind::Scan(ScanFault::NotSupported) => OsStatus::RESOURCE_NOT_SUPPORTED,
            FaultKind::Layout(
                LayoutFault::UnsealedRoot { .. }
                | LayoutFault::MetaGuest { .. }
                | LayoutFault::MetaNotAFile { .. }
                | LayoutFault::MetaOutside,
            ) => OsStatus::UNSEALED_APP_ROOT,
            FaultKind::Layout(LayoutFault::UnsealedFrameworkRoot { .. }) => OsStatus::UNSEALED_FRAMEWORK_ROOT,
            FaultKind::Layout(LayoutFault::MetaNotADirectory)
            | FaultKind::LinkUnopened(LinkProblem::NotADirectory) => OsStatus::NOT_A_DIRECTORY,
            FaultKind::LinkUnopened(LinkProblem::Missing) => OsStatus::NO_SUCH_FILE,
            FaultKind::Layout(LayoutFault::MetaLoop) | FaultKind::LinkUnopened(LinkProblem::Loop) => {
                OsStatus::TOO_MANY_LINKS
            }
            FaultKind::LinkUnopened(LinkProblem::NotAllowed) | FaultKind::LinkDestination => {
                OsStatus::INVALID_SYMLINK
            }
            FaultKind::Sideband { .. } => OsStatus::INVALID_ASSOCIATED_FILE_DATA,
            FaultKind::FrameworkVersion { system, .. } => system.unwrap_or(OsStatus::BAD_FRAMEWORK_VERSION),
            FaultKind::UnmeasuredSlices => OsStatus::INTERNAL_COMPONENT,
            FaultKind::NoSuchArchitecture => OsStatus::BAD_OBJECT_FORMAT,
            FaultKind::Layout(LayoutFault::Ambiguous) => OsStatus::AMBIGUOUS_BUNDLE_FORMAT,
            FaultKind::Layout(LayoutFault::NotRegular { .. }) => OsStatus::REGULAR_FILE,
            FaultKind::Identity(fault) => return identity_status(fault),
            FaultKind::Expired => OsStatus::CERT_EXPIRED,
            FaultKind::NoUsableHashType => OsStatus::UNSUPPORTED_DIGEST_ALGORITHM,
            FaultKind::SpecialSlot { slot: Slot::INFO, .. } => OsStatus::INFO_PLIST_FAILED,
            FaultKind::SpecialSlot {
                slot: Slot::RESOURCE_DIRECTORY,
                ..
            } => OsStatus::RESOURCE_DIRECTORY_FAILED,
            FaultKind::SpecialSlot { .. }
            | FaultKind::Pages { .. }
            | FaultKind::Component {
                error: ComponentError::OtherSource,
                ..
            } => OsStatus::SIGNATURE_FAILED,
            FaultKind::Unloadable(_)
            | FaultKind::SlotUnbound { .. }
            | FaultKind::SlotMagic { .. }
            | FaultKind::SignatureOutsideSlice
            | FaultKind::BytesAfterSignature { .. }
            | FaultKind::SecondCodeSignature { .. }
            | FaultKind::EntitlementsMalformed { .. }
            | FaultKind::NestedReplaced
            | FaultKind::TooDeep { .. }
            | FaultKind::Budget(_)
            | FaultKind::InfoPlist(_)
            | FaultKind::Unreadable(_)
            | FaultKind::EntitlementsForm(_)
            | FaultKind::EntitlementsDiffer(_)
            | FaultKind::AlternatesDisagree
            | FaultKind::AssumedLink { .. }
            | FaultKind::Oddity(_) => return None,
        })
    }
}

/// Specification 4.1–4.6 and table 4.4.1.
fn identity_status(fault: &IdentityFault) -> Option<OsStatus> {
    Some(match fault {
        // `CMSDecoderCopySignerStatus` calls it unsigned.
        IdentityFault::Decode(CmsError::PlainData) => OsStatus::SIGNATURE_FAILED,
        IdentityFault::Decode(_) => OsStatus::UNKNOWN_FORMAT,
        IdentityFault::HashAgilityUnsupported => OsStatus::SIGNATURE_UNSUPPORTED,
        IdentityFault::HashAgilityMalformed => OsStatus::DECODE,
        IdentityFault::InvalidTeam => OsStatus::INVALID_TEAM_IDENTIFIER,
        IdentityFault::Team { .. } => OsStatus::BAD_TEAM_IDENTIFIER,
        IdentityFault::TimestampNotApple => OsStatus::NOT_TRUSTED,
        IdentityFault::Path(fault) => path_status(fault.problem),
        IdentityFault::NoSigner
        | IdentityFault::NoCertificate
        | IdentityFault::EmbeddedContent
        | IdentityFault::Algorithm
        | IdentityFault::MessageDigest
        | IdentityFault::Signature
        | IdentityFault::Timestamp(_)
        | IdentityFault::HashAgility { .. } => OsStatus::SIGNATURE_FAILED,
    })
}

fn path_status(problem: PathProblem) -> OsStatus {
    match problem {
        PathProblem::Expired => OsStatus::CERT_EXPIRED,
        PathProblem::NotTrusted => OsStatus::NOT_TRUSTED,
        PathProblem::Invalid(_) => OsStatus::INVALID_CERTIFICATE,
        PathProblem::NoBasicConstraints => OsStatus::NO_BASIC_CONSTRAINTS,
        PathProblem::InvalidCa => OsStatus::INVALID_CA,
        PathProblem::PathLength => OsStatus::PATH_LEN_CONSTRAINT,
        PathProblem::AuthorityKeyIdentifier => OsStatus::INVALID_AUTHORITY_ID,
        PathProblem::UnknownCriticalExtension => OsStatus::UNKNOWN_CRITICAL_EXTENSION,
        PathProblem::EmptySubject => OsStatus::INVALID_EMPTY_SUBJECT,
        PathProblem::KeyUsage => OsStatus::INVALID_KEY_USAGE,
        PathProblem::ExtendedKeyUsage => OsStatus::INVALID_EXTENDED_KEY_USAGE,
        PathProblem::WeakDigest => OsStatus::INVALID_DIGEST_ALGORITHM,
    }
}
