//! What a profile says, read from the dictionary that both of its forms decode to.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::ProfileError;
use crate::octets::hex;
use crate::plist::{Dictionary, Value};
use crate::time::UnixTime;
use crate::trust::Certificate;

/// Certificates in one profile; a large team has some hundred.
const MAX_CERTIFICATES: usize = 4096;
/// Length of the digests that stand for certificates in the DER form.
const SHA256_LENGTH: usize = 32;

/// A certificate with which code under the profile may be signed.
#[derive(Debug, Clone)]
pub struct ProfileCertificate {
    /// SHA-256 of the certificate.
    pub sha256: [u8; 32],
    /// The certificate; `None` in the DER form, which holds digests only, and when it cannot be decoded.
    pub certificate: Option<Arc<Certificate>>,
}

impl PartialEq for ProfileCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.sha256 == other.sha256
    }
}

/// The facts of a profile. Names of keys are Apple's.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileContents {
    /// `Name`.
    pub name: String,
    /// `UUID`.
    pub uuid: String,
    /// `AppIDName`.
    pub app_id_name: String,
    /// `TeamIdentifier`.
    pub team_ids: Vec<String>,
    /// `TeamName`.
    pub team_name: String,
    /// `ApplicationIdentifierPrefix`.
    pub app_id_prefixes: Vec<String>,
    /// `Platform`: `OSX`, `iOS`, …; empty in profiles from before 2013.
    pub platforms: Vec<String>,
    /// `CreationDate`.
    pub created: Option<UnixTime>,
    /// `ExpirationDate`.
    pub expires: UnixTime,
    /// `DeveloperCertificates`.
    pub certificates: Vec<ProfileCertificate>,
    /// `ProvisionedDevices`; `None` without the key.
    pub devices: Option<Vec<String>>,
    /// `ProvisionsAllDevices`.
    pub all_devices: bool,
    /// `LocalProvision`: made for a team without membership.
    pub is_local: bool,
    /// `Entitlements`: what code under the profile may claim.
    pub entitlements: Dictionary,
}

impl ProfileContents {
    pub(super) fn read(entries: &Dictionary) -> Result<Self, ProfileError> {
        let keys = Keys(entries);
        let devices = entries.get("ProvisionedDevices");
        Ok(Self {
            name: keys.string("Name")?,
            uuid: keys.string("UUID")?,
            app_id_name: keys.string("AppIDName")?,
            team_ids: keys.strings("TeamIdentifier")?,
            team_name: keys.string("TeamName")?,
            app_id_prefixes: keys.strings("ApplicationIdentifierPrefix")?,
            platforms: keys.strings("Platform")?,
            created: keys.date("CreationDate")?,
            expires: keys.date("ExpirationDate")?.ok_or(ProfileError::Missing {
                key: "ExpirationDate",
            })?,
            certificates: keys.certificates("DeveloperCertificates")?,
            devices: devices.map(|_| keys.strings("ProvisionedDevices")).transpose()?,
            all_devices: keys.boolean("ProvisionsAllDevices")?,
            is_local: keys.boolean("LocalProvision")?,
            entitlements: match entries.get("Entitlements") {
                Some(Value::Dictionary(entitlements)) => entitlements.clone(),
                Some(other) => return Err(wrong("Entitlements", other, "a dictionary")),
                None => return Err(ProfileError::Missing { key: "Entitlements" }),
            },
        })
    }

    /// Whether this certificate may sign.
    #[must_use]
    pub fn lists_certificate(&self, sha256: &[u8; 32]) -> bool {
        self.certificates.iter().any(|known| known.sha256 == *sha256)
    }

    /// The pattern of App IDs: the grant for the application identifier, under its macOS or its iOS name.
    #[must_use]
    pub fn app_id(&self) -> Option<&str> {
        ["com.apple.application-identifier", "application-identifier"]
            .iter()
            .find_map(|key| self.entitlements.get(key)?.as_str())
    }

    /// Whether the profile is for this App ID.
    #[must_use]
    pub fn covers_app_id(&self, app_id: &str) -> bool {
        self.app_id().is_some_and(|pattern| fits(app_id, pattern))
    }

    /// Keys whose values differ between two forms of one profile. Certificates count by their digests.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        [
            ("Name", self.name == other.name),
            ("UUID", self.uuid == other.uuid),
            ("TeamIdentifier", self.team_ids == other.team_ids),
            (
                "ApplicationIdentifierPrefix",
                self.app_id_prefixes == other.app_id_prefixes,
            ),
            ("Platform", self.platforms == other.platforms),
            ("CreationDate", self.created == other.created),
            ("ExpirationDate", self.expires == other.expires),
            ("DeveloperCertificates", self.certificates == other.certificates),
            ("ProvisionedDevices", self.devices == other.devices),
            ("ProvisionsAllDevices", self.all_devices == other.all_devices),
            ("Entitlements", self.entitlements == other.entitlements),
        ]
        .into_iter()
        .filter(|(_, is_equal)| !is_equal)
        .map(|(key, _)| key)
        .collect()
    }
}

/// Typed access: what is missing is empty, what has another type is an error.
struct Keys<'d>(&'d Dictionary);

impl Keys<'_> {
    fn string(&self, key: &'static str) -> Result<String, ProfileError> {
        match self.0.get(key) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(wrong(key, other, "a string")),
        }
    }

    fn boolean(&self, key: &'static str) -> Result<bool, ProfileError> {
        match self.0.get(key) {
            None => Ok(false),
            Some(Value::Boolean(value)) => Ok(*value),
            Some(other) => Err(wrong(key, other, "a boolean")),
        }
    }

    fn date(&self, key: &'static str) -> Result<Option<UnixTime>, ProfileError> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::Date(seconds)) => Ok(Some(whole_seconds(*seconds))),
            Some(other) => Err(wrong(key, other, "a date")),
        }
    }

    fn strings(&self, key: &'static str) -> Result<Vec<String>, ProfileError> {
        let elements = match self.0.get(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(elements)) => elements,
            Some(other) => return Err(wrong(key, other, "an array of strings")),
        };
        elements
            .iter()
            .map(|element| match element {
                Value::String(text) => Ok(text.clone()),
                other => Err(wrong(key, other, "an array of strings")),
            })
            .collect()
    }

    fn certificates(&self, key: &'static str) -> Result<Vec<ProfileCertificate>, ProfileError> {
        let elements = match self.0.get(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(elements)) => elements,
            Some(other) => return Err(wrong(key, other, "an array of data")),
        };
        if elements.len() > MAX_CERTIFICATES {
            let limit = MAX_CERTIFICATES;
            return Err(ProfileError::TooMany { key, limit });
        }
        elements
            .iter()
            .map(|element| match element {
                // No certificate is as short as a digest.
                Value::Data(bytes) => Ok(match <[u8; SHA256_LENGTH]>::try_from(bytes.as_slice()) {
                    Ok(sha256) => ProfileCertificate {
                        sha256,
                        certificate: None,
                    },
                    Err(_) => ProfileCertificate {
                        sha256: Sha256::digest(bytes).into(),
                        certificate: Certificate::parse(bytes).ok().map(Arc::new),
                    },
                }),
                other => Err(wrong(key, other, "an array of data")),
            })
            .collect()
    }
}

impl ProfileCertificate {
    /// Its name, or its digest where only that is known.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.certificate {
            Some(certificate) => certificate.summary().to_owned(),
            None => format!("SHA-256 {}", hex(&self.sha256)),
        }
    }
}

fn wrong(key: &'static str, value: &Value, expected: &'static str) -> ProfileError {
    let found = value.kind();
    ProfileError::Type { key, found, expected }
}

/// Dates of profiles have whole seconds; anything beyond the years that have four digits is cut off there.
fn whole_seconds(absolute: f64) -> UnixTime {
    const FIRST: i64 = -63_114_076_800;
    const LAST: i64 = 252_423_993_599;
    let text = format!("{:.0}", absolute.floor());
    let fallback = if absolute < 0.0 { FIRST } else { LAST };
    let seconds = text.parse::<i64>().unwrap_or(fallback);
    UnixTime::from_absolute(seconds.clamp(FIRST, LAST))
}

/// Equal, or the pattern ends in `*` and the text begins with what stands before it.
pub(super) fn fits(text: &str, pattern: &str) -> bool {
    text == pattern
        || pattern
            .strip_suffix('*')
            .is_some_and(|prefix| text.starts_with(prefix))
}
