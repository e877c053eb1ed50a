//! What there is to say about the archives in an item: facts that are owned, so that rules and reports outlive the files.

use std::fmt;
use std::sync::Arc;

use crate::container::{ArchiveFormat, Failure};
use crate::source::SourceError;

/// What is in one archive; archives without any of it are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveEvidence {
    /// Path relative to the item.
    pub path: String,
    /// How it is packed.
    pub format: ArchiveFormat,
    /// Whether only its name says so: it is something else.
    pub is_misnamed: bool,
    /// Programs, libraries and plug-ins in it and in the archives in it, in the order in which they stand there.
    pub code: Vec<ArchivedCode>,
    /// Members that are encrypted.
    pub encrypted: Vec<ArchivedName>,
    /// What could not be read, so that code may be in it.
    pub unread: Vec<UnreadMember>,
}

/// Where something is in an archive. Many share the way there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArchivedName {
    /// The archives in the archive on the way to it, each by its name in the one before.
    pub within: Arc<[String]>,
    /// Its name in the last of them; empty for the archive itself.
    pub name: String,
}

impl fmt::Display for ArchivedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for archive in self.within.iter() {
            write!(f, "{archive}/")?;
        }
        f.write_str(&self.name)
    }
}

/// A Mach-O file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedCode {
    /// Where.
    pub name: ArchivedName,
    /// How the archive is packed in which it lies.
    pub format: ArchiveFormat,
    /// Who signed the slice that is worst off.
    pub signed: ArchivedSignature,
}

/// Something in an archive that was not looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadMember {
    /// Where.
    pub name: ArchivedName,
    /// How the archive is packed that could not be read, or that it lies in.
    pub format: ArchiveFormat,
    /// Why.
    pub reason: String,
    /// The name of the budget that was reached, if that is the reason.
    pub limit: Option<&'static str>,
}

/// Why something in an archive was not looked into.
pub(super) struct Reason {
    pub(super) text: String,
    pub(super) limit: Option<&'static str>,
}

impl Reason {
    /// The budget of this name was reached.
    pub(super) fn limit(text: String, name: &'static str) -> Self {
        let limit = Some(name);
        Self { text, limit }
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self { text, limit: None }
    }
}

impl From<Failure> for Reason {
    fn from(failure: Failure) -> Self {
        Self {
            text: failure.reason,
            limit: failure.limit,
        }
    }
}

impl From<SourceError> for Reason {
    fn from(error: SourceError) -> Self {
        Self {
            text: error.reason(),
            limit: error.budget(),
        }
    }
}

/// Whether a certificate signed code in an archive; the worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArchivedSignature {
    /// There is no signature.
    Unsigned,
    /// There is one without a certificate.
    AdHoc,
    /// There is one with a certificate, which was not verified.
    Certificate,
}

impl ArchiveEvidence {
    pub(super) fn new(path: String, format: ArchiveFormat) -> Self {
        Self {
            path,
            format,
            is_misnamed: false,
            code: Vec::new(),
            encrypted: Vec::new(),
            unread: Vec::new(),
        }
    }

    /// The archive itself could not be read.
    pub(super) fn failed(mut self, reason: impl Into<Reason>) -> Self {
        let Reason { text, limit } = reason.into();
        self.unread.push(UnreadMember {
            name: ArchivedName::default(),
            format: self.format,
            reason: text,
            limit,
        });
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        let is_told = !(self.code.is_empty() && self.encrypted.is_empty() && self.unread.is_empty());
        !is_told && !self.is_misnamed
    }
}
