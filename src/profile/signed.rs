//! A profile in both forms, each with its signature.

use super::{ProfileContents, ProfileError, ProfileKind, ProfileSigner, der};
use crate::budget::Budget;
use crate::cms::{SignedData, oid};
use crate::limits::Limits;
use crate::plist::Value;
use crate::trust::{Anchors, AttachedSigner, Cache, evaluate_attached};

/// A profile, and who signed it.
#[derive(Debug, Clone)]
pub struct Profile {
    /// What the property list says.
    pub contents: ProfileContents,
    /// Who signed the property list.
    pub signer: AttachedSigner,
    /// The same profile in DER; profiles from before 2021 have none.
    pub der: Option<DerProfile>,
}

/// The form of a profile that current systems read.
#[derive(Debug, Clone)]
pub struct DerProfile {
    /// What it says, or why it cannot be read.
    pub contents: Result<ProfileContents, ProfileError>,
    /// Who signed it; `None` when it is no CMS.
    pub signer: Option<AttachedSigner>,
}

impl DerProfile {
    fn read(bytes: &[u8], anchors: &Anchors, cache: &Cache) -> Self {
        let data = match SignedData::parse(bytes) {
            Ok(data) => data,
            Err(error) => {
                return Self {
                    contents: Err(error.into()),
                    signer: None,
                };
            }
        };
        let contents = content(&data)
            .and_then(der::parse)
            .and_then(|entries| ProfileContents::read(&entries));
        Self {
            contents,
            signer: Some(evaluate_attached(&data, anchors, cache)),
        }
    }

    /// What it says, if it is signed by Apple.
    #[must_use]
    pub fn sound(&self) -> Option<&ProfileContents> {
        let signer = self.signer.as_ref()?;
        self.contents.as_ref().ok().filter(|_| signer.faults.is_empty())
    }
}

impl Profile {
    /// Reads and verifies a profile for an item with this budget. It keeps the faults of its signature; they are not errors of this function.
    ///
    /// # Errors
    /// See [`ProfileError`].
    pub fn read(
        bytes: &[u8],
        anchors: &Anchors,
        cache: &Cache,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Self, ProfileError> {
        let data = SignedData::parse(bytes)?;
        let entries = match crate::plist::parse_within(content(&data)?, limits, budget)? {
            Value::Dictionary(entries) => entries,
            other => return Err(ProfileError::NotADictionary { kind: other.kind() }),
        };
        let der = match entries.get("DER-Encoded-Profile") {
            None => None,
            Some(Value::Data(bytes)) => Some(DerProfile::read(bytes, anchors, cache)),
            Some(other) => {
                return Err(ProfileError::Type {
                    key: "DER-Encoded-Profile",
                    found: other.kind(),
                    expected: "data",
                });
            }
        };
        Ok(Self {
            contents: ProfileContents::read(&entries)?,
            signer: evaluate_attached(&data, anchors, cache),
            der,
        })
    }

    /// What current systems go by: the DER form where it is sound, else the property list.
    #[must_use]
    pub fn effective(&self) -> &ProfileContents {
        let sound = self.der.as_ref().and_then(DerProfile::sound);
        sound.unwrap_or(&self.contents)
    }

    /// Which of Apple's services signed it.
    #[must_use]
    pub fn signed_by(&self) -> ProfileSigner {
        ProfileSigner::of(&self.signer)
    }

    /// Whether a service of Apple's signed it, with nothing wrong about the signature. A signer whose name is new
    /// counts; a developer's own certificate does not.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.signer.faults.is_empty() && self.signed_by() != ProfileSigner::Developer
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> ProfileKind {
        // The certificates of the DER form are digests only, which do not tell their kind.
        ProfileKind::of(&self.contents)
    }
}

/// The attached content, which must be plain data.
fn content<'d>(data: &'d SignedData<'_>) -> Result<&'d [u8], ProfileError> {
    if data.content_type != oid::DATA.as_bytes() {
        return Err(ProfileError::ContentType);
    }
    data.content.as_deref().ok_or(ProfileError::NoContent)
}
