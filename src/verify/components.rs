//! Where the components of a signature come from: the SuperBlob in the executable, the files in `_CodeSignature`,
//! and the files that special slots 1 and 3 bind.
//!
//! Specification 1.4, 6.5, 7.1 and 7.5 (`BundleDiskRep::component`, `FileDiskRep::component`, `DetachedRep`). The source
//! that has the CodeDirectory must have every other component too; a detached signature comes before all others, which
//! supply what it lacks.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::blob::{BlobError, Slot, SuperBlob, magic};

/// The components in `_CodeSignature`, by the slot that Apple's file names stand for; values are not wrapped.
pub type SignatureFiles = BTreeMap<Slot, Vec<u8>>;

/// Components that lie outside the executable: files of the bundle around it.
#[derive(Debug, Clone, Copy, Default)]
pub struct BoundFiles<'a> {
    /// Whether the code is a bundle, whose Info.plist and CodeResources are files.
    pub is_bundle: bool,
    /// The bundle's Info.plist.
    pub info_plist: Option<&'a [u8]>,
    /// The bundle's `_CodeSignature/CodeResources`.
    pub code_resources: Option<&'a [u8]>,
    /// The other files in `_CodeSignature`, or the extended attributes of a file that is no Mach-O.
    pub signature_files: Option<&'a SignatureFiles>,
    /// A detached signature.
    pub detached: Option<&'a [u8]>,
}

/// The SuperBlobs of a detached signature for one architecture: its own, then the one for all. A file that is not Mach-O has no
/// architecture, so it needs a signature that is for no other (`DetachedRep::DetachedRep`).
///
/// # Errors
/// [`BlobError`], also where there is none for this architecture (errSecCSSignatureInvalid).
pub(super) fn detached_superblobs(
    file: &[u8],
    cpu_type: Option<u32>,
) -> Result<Vec<SuperBlob<'_>>, BlobError> {
    if let Ok(single) = SuperBlob::parse(file, magic::EMBEDDED_SIGNATURE) {
        return Ok(vec![single]);
    }
    let all = SuperBlob::parse(file, magic::DETACHED_SIGNATURE)?;
    let none = BlobError::Magic {
        expected: magic::EMBEDDED_SIGNATURE,
        found: magic::DETACHED_SIGNATURE,
    };
    [Slot(cpu_type.ok_or(none)?), Slot(0)]
        .into_iter()
        .map(|slot| {
            let missing = BlobError::Missing { slot };
            SuperBlob::parse(all.find(slot).ok_or(missing)?, magic::EMBEDDED_SIGNATURE)
        })
        .collect()
}

/// The resource seal in a detached signature: that of the primary slice, else the one for all (`DetachedRep::component`).
pub(super) fn detached_seal(file: &[u8], cpu_type: Option<u32>) -> Option<&[u8]> {
    let superblobs = detached_superblobs(file, cpu_type).ok()?;
    superblobs
        .iter()
        .find_map(|superblob| superblob.component(Slot::RESOURCE_DIRECTORY).ok()?)
}

/// Why a component cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ComponentError {
    /// It is not wrapped as it must be (errSecCSSignatureInvalid).
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// It does not come from where the CodeDirectory comes from (errSecCSSignatureFailed).
    #[error("it comes from another place than the CodeDirectory")]
    OtherSource,
}

/// All components of one signature.
#[derive(Debug, Clone)]
pub(super) struct Components<'a> {
    detached: Vec<SuperBlob<'a>>,
    superblob: Option<SuperBlob<'a>>,
    files: BoundFiles<'a>,
    embedded_info: Option<&'a [u8]>,
}

impl<'a> Components<'a> {
    pub(super) fn new(
        detached: Vec<SuperBlob<'a>>,
        superblob: Option<SuperBlob<'a>>,
        files: BoundFiles<'a>,
        embedded_info: Option<&'a [u8]>,
    ) -> Self {
        Self {
            detached,
            superblob,
            files,
            embedded_info,
        }
    }

    fn embedded(&self, slot: Slot) -> Result<Option<&'a [u8]>, BlobError> {
        self.superblob
            .as_ref()
            .map_or(Ok(None), |superblob| superblob.component(slot))
    }

    fn file(&self, slot: Slot) -> Option<&'a [u8]> {
        self.files.signature_files?.get(&slot).map(Vec::as_slice)
    }

    /// Whether there is a CMS signature, readable or not.
    pub(super) fn has_cms(&self) -> bool {
        self.detached
            .iter()
            .any(|blob| blob.find(Slot::SIGNATURE).is_some())
            || !matches!(self.embedded(Slot::SIGNATURE), Ok(None))
            || self.file(Slot::SIGNATURE).is_some()
    }

    /// Whether the CodeDirectory is a file in `_CodeSignature` or an attribute.
    pub(super) fn is_beside(&self) -> bool {
        let is_detached = self
            .detached
            .iter()
            .any(|blob| blob.find(Slot::CODE_DIRECTORY).is_some());
        !is_detached
            && matches!(self.embedded(Slot::CODE_DIRECTORY), Ok(None))
            && self.file(Slot::CODE_DIRECTORY).is_some()
    }

    /// The component for `slot`, if there is one.
    pub(super) fn get(&self, slot: Slot) -> Result<Option<&'a [u8]>, ComponentError> {
        for superblob in &self.detached {
            if let Some(data) = superblob.component(slot)? {
                return Ok(Some(data));
            }
        }
        match slot {
            Slot::INFO if self.files.is_bundle => return Ok(self.files.info_plist),
            Slot::INFO => return Ok(self.embedded_info),
            Slot::RESOURCE_DIRECTORY if self.files.is_bundle => return Ok(self.files.code_resources),
            _ => {}
        }
        let is_embedded = matches!(self.embedded(Slot::CODE_DIRECTORY), Ok(Some(_)));
        match (self.embedded(slot)?, self.file(slot)) {
            (None, None) => Ok(None),
            (Some(data), _) if is_embedded => Ok(Some(data)),
            (None, Some(data)) if !is_embedded => Ok(Some(data)),
            _ => Err(ComponentError::OtherSource),
        }
    }
}
