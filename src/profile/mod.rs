//! Provisioning profiles: who may run which code where, and what it may claim; signed by Apple.
//!
//! Technical note TN3125 and measured profiles: a CMS SignedData around a property list, and inside of that list, under
//! `DER-Encoded-Profile`, the same profile once more as a CMS of its own around DER, which current systems read.
//! Both are read and verified here; [`grant`] holds one claim against what a profile allows. Whether a claim needs a
//! grant at all, and what a difference means for whom, is for `rule` to say. Revocation of profiles is never known.

mod contents;
mod der;
mod error;
mod kind;
mod matching;
mod signed;

pub use contents::{ProfileCertificate, ProfileContents};
pub use error::ProfileError;
pub use kind::{ProfileKind, ProfileSigner};
pub use matching::{Answer, Difference, NotGranted, Step, grant};
pub use signed::{DerProfile, Profile};
