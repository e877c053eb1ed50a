//! The kind of a signing certificate, from Apple's marker extensions under a verified chain, never from a name.

use std::sync::Arc;

use super::{Certificate, oid};

/// What Apple issued a certificate for (specification 4.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateKind {
    /// Apple's own software.
    AppleSoftware,
    /// Developer ID Application.
    DeveloperIdApplication,
    /// Developer ID Application that may also sign kernel extensions.
    DeveloperIdKext,
    /// Developer ID Installer.
    DeveloperIdInstaller,
    /// An app in the Mac App Store, signed by Apple.
    MacAppStore,
    /// TestFlight.
    TestFlight,
    /// Submission to the Mac App Store (Apple Distribution, 3rd Party Mac Developer Application).
    Distribution,
    /// Installer package for submission.
    DistributionInstaller,
    /// iPhone Distribution.
    IphoneDistribution,
    /// Apple Development, Mac Developer.
    Development,
    /// Issued under a root of Apple's for something else.
    OtherApple,
    /// Not issued by Apple.
    NotApple,
}

impl CertificateKind {
    /// The kind of the first certificate of a chain; `is_apple` says whether its root is Apple's.
    #[must_use]
    pub fn of(chain: &[Arc<Certificate>], is_apple: bool) -> Self {
        let Some(leaf) = chain.first().filter(|_| is_apple) else {
            return Self::NotApple;
        };
        let intermediate = |marker| chain.get(1).is_some_and(|issuer| issuer.has_extension(marker));
        let has = |marker| leaf.has_extension(marker);
        // Developer ID markers count only under the Developer ID authority.
        let developer_id = intermediate(oid::DEVELOPER_ID_CA);
        if has(oid::APPLE_SOFTWARE) {
            Self::AppleSoftware
        } else if developer_id && has(oid::DEVELOPER_ID_KEXT) {
            Self::DeveloperIdKext
        } else if developer_id && has(oid::DEVELOPER_ID_APPLICATION) {
            Self::DeveloperIdApplication
        } else if developer_id && has(oid::DEVELOPER_ID_INSTALLER) {
            Self::DeveloperIdInstaller
        } else if has(oid::MAC_APP_STORE) {
            Self::MacAppStore
        } else if has(oid::TEST_FLIGHT) {
            Self::TestFlight
        } else if has(oid::MAC_SUBMISSION) {
            Self::Distribution
        } else if has(oid::MAC_SUBMISSION_INSTALLER) {
            Self::DistributionInstaller
        } else if has(oid::APPLE_DEVELOPMENT) || has(oid::MAC_DEVELOPMENT) {
            Self::Development
        } else if has(oid::IPHONE_DISTRIBUTION) {
            Self::IphoneDistribution
        } else {
            Self::OtherApple
        }
    }

    /// Words for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AppleSoftware => "Apple software",
            Self::DeveloperIdApplication => "Developer ID Application",
            Self::DeveloperIdKext => "Developer ID Application with kernel extensions",
            Self::DeveloperIdInstaller => "Developer ID Installer",
            Self::MacAppStore => "Mac App Store",
            Self::TestFlight => "TestFlight",
            Self::Distribution => "Apple Distribution",
            Self::DistributionInstaller => "installer for the Mac App Store",
            Self::IphoneDistribution => "iPhone Distribution",
            Self::Development => "Apple Development",
            Self::OtherApple => "other certificate of Apple's",
            Self::NotApple => "not issued by Apple",
        }
    }
}
