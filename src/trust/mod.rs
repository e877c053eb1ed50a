//! Who signed, when, and whether macOS would trust it: certificates, paths to a root, timestamps, the CMS signature.
//!
//! Specification 4 (`SecStaticCode::verifySignature`, SecTrust's policy checks). Every fault is kept with its place in
//! Apple's order; what OSStatus it has is decided in `verify`. No network: revocation is never known. Name constraints
//! and certificate policies are not evaluated: a certificate authority that carries name constraints is refused.

mod anchors;
mod attached;
mod certificate;
mod digest;
mod key;
mod kind;
mod name;
mod path;
mod policy;
mod signature;
mod signer;
mod timestamp;

pub use anchors::{AnchorError, Anchors};
pub use attached::{AttachedFault, AttachedSigner, evaluate_attached};
pub use certificate::{Certificate, CertificateError, Extension};
pub use digest::MessageDigest;
pub use key::{PublicKey, SignatureAlgorithm};
pub use kind::CertificateKind;
pub use name::Name;
pub use path::{Cache, Path, Root};
pub use policy::{PathFault, PathProblem, Purpose};
pub use signature::{Identity, IdentityFault, Signed, evaluate};
pub use timestamp::{Timestamp, TimestampFault};

/// Object identifiers of certificates.
pub(crate) mod oid {
    use der::oid::ObjectIdentifier;

    macro_rules! oids {
        ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
            $($(#[$doc])* pub(crate) const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($text);)*
        };
    }

    oids! {
        /// commonName.
        COMMON_NAME = "2.5.4.3";
        /// organizationName.
        ORGANIZATION = "2.5.4.10";
        /// organizationalUnitName.
        ORGANIZATIONAL_UNIT = "2.5.4.11";
        /// subjectKeyIdentifier.
        SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
        /// keyUsage.
        KEY_USAGE = "2.5.29.15";
        /// subjectAltName.
        SUBJECT_ALT_NAME = "2.5.29.17";
        /// basicConstraints.
        BASIC_CONSTRAINTS = "2.5.29.19";
        /// nameConstraints.
        NAME_CONSTRAINTS = "2.5.29.30";
        /// certificatePolicies.
        CERTIFICATE_POLICIES = "2.5.29.32";
        /// authorityKeyIdentifier.
        AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
        /// extKeyUsage.
        EXTENDED_KEY_USAGE = "2.5.29.37";
        /// Purpose codeSigning.
        CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
        /// Purpose timeStamping.
        TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
        /// Marker: Apple Development (WWDR).
        APPLE_DEVELOPMENT = "1.2.840.113635.100.6.1.2";
        /// Marker: iPhone Distribution.
        IPHONE_DISTRIBUTION = "1.2.840.113635.100.6.1.4";
        /// Marker: third-party Mac Developer Application, for submission to the App Store.
        MAC_SUBMISSION = "1.2.840.113635.100.6.1.7";
        /// Marker: third-party Mac Developer Installer.
        MAC_SUBMISSION_INSTALLER = "1.2.840.113635.100.6.1.8";
        /// Marker: Mac App Store application, signed by Apple.
        MAC_APP_STORE = "1.2.840.113635.100.6.1.9";
        /// Marker: Mac Developer.
        MAC_DEVELOPMENT = "1.2.840.113635.100.6.1.12";
        /// Marker: Developer ID Application.
        DEVELOPER_ID_APPLICATION = "1.2.840.113635.100.6.1.13";
        /// Marker: Developer ID Installer.
        DEVELOPER_ID_INSTALLER = "1.2.840.113635.100.6.1.14";
        /// Marker: Developer ID for kernel extensions.
        DEVELOPER_ID_KEXT = "1.2.840.113635.100.6.1.18";
        /// Marker: Apple's own software.
        APPLE_SOFTWARE = "1.2.840.113635.100.6.22";
        /// Marker: TestFlight.
        TEST_FLIGHT = "1.2.840.113635.100.6.1.25.1";
        /// Marker: signing of notarization tickets.
        TICKET_SIGNING = "1.2.840.113635.100.6.1.30";
        /// When the Developer ID account was made.
        DEVELOPER_ID_DATE = "1.2.840.113635.100.6.1.33";
        /// Marker of the intermediate: Worldwide Developer Relations.
        WWDR = "1.2.840.113635.100.6.2.1";
        /// Marker of the intermediate: Developer ID.
        DEVELOPER_ID_CA = "1.2.840.113635.100.6.2.6";
        /// Marker: signs provisioning profiles for macOS.
        MAC_PROFILES = "1.2.840.113635.100.4.11";
        /// Marker: signs the DER form of provisioning profiles.
        DER_PROFILES = "1.2.840.113635.100.12.19";
        /// Marker of the intermediate: Apple System Integration CA 4.
        SYSTEM_INTEGRATION_CA = "1.2.840.113635.100.6.2.17";
        /// All of Apple's private extensions begin with this.
        APPLE_ARC = "1.2.840.113635.100";
    }
}
