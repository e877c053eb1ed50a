//! What a profile is for, and which of Apple's services signed it.

use super::ProfileContents;
use crate::plist::Value;
use crate::trust::{AttachedSigner, CertificateKind, oid};

/// How code under a profile reaches its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProfileKind {
    /// Developer ID: on every Mac.
    DeveloperId,
    /// Development: on the devices that it lists, for debugging.
    Development,
    /// Ad hoc: on the devices that it lists; iOS and its kin only.
    AdHoc,
    /// Submission to the App Store or to TestFlight; such code runs nowhere before Apple has signed it again.
    AppStore,
    /// In-house distribution of an enterprise; iOS and its kin only.
    InHouse,
}

impl ProfileKind {
    /// The devices decide, and with them the certificates (rules.md 6). macOS has no ad-hoc distribution, and its
    /// development profiles need not grant `get-task-allow`, which anybody may claim there.
    #[must_use]
    pub fn of(contents: &ProfileContents) -> Self {
        let is_developer_id = contents.certificates.iter().any(|listed| {
            listed.certificate.as_ref().is_some_and(|certificate| {
                certificate.has_extension(oid::DEVELOPER_ID_APPLICATION)
                    || certificate.has_extension(oid::DEVELOPER_ID_KEXT)
            })
        });
        let may_be_debugged = ["get-task-allow", "com.apple.security.get-task-allow"]
            .iter()
            .any(|key| contents.entitlements.get(key) == Some(&Value::Boolean(true)));
        let is_mac = contents.platforms.iter().any(|platform| platform == "OSX");
        match (contents.all_devices, &contents.devices) {
            (true, _) if is_developer_id => Self::DeveloperId,
            (true, _) => Self::InHouse,
            (false, Some(_)) if may_be_debugged || is_mac => Self::Development,
            (false, Some(_)) => Self::AdHoc,
            (false, None) => Self::AppStore,
        }
    }

    /// Words for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DeveloperId => "Developer ID",
            Self::Development => "development",
            Self::AdHoc => "ad hoc",
            Self::AppStore => "App Store",
            Self::InHouse => "in-house",
        }
    }
}

/// Which of Apple's services signed a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProfileSigner {
    /// For macOS: marker 4.11 under an authority with the marker of developer relations
    /// (`SecPolicyCreateOSXProvisioningProfileSigning`).
    Mac,
    /// For iOS, known by its name and its issuer's (`SecPolicyCreateiPhoneProvisioningProfileSigning`).
    Iphone,
    /// The service that signs the DER form: marker 12.19 under an authority with marker 6.2.17 (measured).
    Der,
    /// A certificate that Apple issued to a developer, or for software; it is not for profiles.
    Developer,
    /// Another certificate of Apple's.
    Other,
    /// Nobody, or nobody whose certificate leads to Apple.
    NotApple,
}

impl ProfileSigner {
    /// The signer's kind by its certificate and its issuer's.
    #[must_use]
    pub fn of(signer: &AttachedSigner) -> Self {
        let (Some(leaf), Some(issuer), Some(kind)) = (signer.chain.first(), signer.chain.get(1), signer.kind)
        else {
            return Self::NotApple;
        };
        match kind {
            CertificateKind::NotApple => Self::NotApple,
            CertificateKind::OtherApple => {
                if leaf.has_extension(oid::MAC_PROFILES) && issuer.has_extension(oid::WWDR) {
                    Self::Mac
                } else if leaf.has_extension(oid::DER_PROFILES)
                    && issuer.has_extension(oid::SYSTEM_INTEGRATION_CA)
                {
                    Self::Der
                } else if leaf.summary() == "Apple iPhone OS Provisioning Profile Signing"
                    && issuer.summary() == "Apple iPhone Certification Authority"
                {
                    Self::Iphone
                } else {
                    Self::Other
                }
            }
            _ => Self::Developer,
        }
    }
}
