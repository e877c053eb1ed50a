//! A finding: one problem, where it is, who rejects it, and how to repair it.
//!
//! Findings are advice of ours. The verdict of `codesign` is made from faults, never from findings.

mod fingerprint;

pub use fingerprint::fingerprint;

use std::fmt;

use crate::remedy::{Facts, Repair};
use crate::verify::OsStatus;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probable trouble.
    Warning,
    /// A party will reject the code.
    Error,
}

impl Severity {
    /// The word in every output format.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A part of Apple's systems that rejects code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Party {
    /// `codesign --verify`.
    Codesign,
    /// Gatekeeper on a user's Mac.
    Gatekeeper,
    /// The notary service.
    Notary,
    /// The kernel and amfid when code starts or is mapped.
    Amfi,
    /// The dynamic linker.
    Dyld,
    /// App Store Connect.
    AppStore,
    /// The parts of macOS that register and start what a product brings: LaunchServices, launchd, ServiceManagement, sysextd, the
    /// sandbox, and the scan of XProtect at the first launch.
    MacOs,
}

impl Party {
    /// The word in every output format.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Codesign => "codesign",
            Self::Gatekeeper => "gatekeeper",
            Self::Notary => "notary",
            Self::Amfi => "amfi",
            Self::Dyld => "dyld",
            Self::AppStore => "app-store",
            Self::MacOs => "macos",
        }
    }
}

/// Where code is meant to go, which decides what rules apply to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Target {
    /// Users download it; Gatekeeper and the notary service judge it.
    DeveloperId,
    /// App Store Connect gets it.
    MacAppStore,
    /// It stays on the Mac that it was built on.
    Local,
    /// It runs on iOS or one of its relatives, never on a Mac as a product of its own. Only its integrity is judged.
    Ios,
}

impl Target {
    /// The word on the command line and in every output format.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DeveloperId => "developer-id",
            Self::MacAppStore => "mac-app-store",
            Self::Local => "local",
            Self::Ios => "ios",
        }
    }
}

/// One of several files that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The file, relative to the item.
    pub path: String,
    /// What is the matter with it, one word such as `added`.
    pub note: &'static str,
}

impl Place {
    /// A file, and what is the matter with it.
    #[must_use]
    pub fn new(path: impl Into<String>, note: &'static str) -> Self {
        let path = path.into();
        Self { path, note }
    }
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's stable id, such as `sealed-resource-broken`.
    pub rule: &'static str,
    /// Severity.
    pub severity: Severity,
    /// Who rejects it.
    pub rejected_by: Vec<Party>,
    /// The code object that is to be repaired, relative to the item; empty for the item itself.
    pub code: String,
    /// The file or bundle, relative to the item; empty for the item itself.
    pub path: String,
    /// The line of that file, where it is a text and one line is meant.
    pub line: Option<u64>,
    /// The architecture, where one is meant.
    pub architecture: Option<String>,
    /// What is wrong, one sentence with the facts.
    pub message: String,
    /// The files that the problem is about, where it is about several.
    pub places: Vec<Place>,
    /// The background, from the rule.
    pub explanation: &'static str,
    /// What repairs it; its text has one command per line.
    pub remedy: Repair,
    /// What is known for the remedy alone.
    pub(crate) facts: Facts,
    /// What Apple's tool says, where it says something.
    pub status: Option<OsStatus>,
    /// Facts by name, for programs, such as the claim and the grant that do not fit.
    pub details: Vec<(&'static str, String)>,
    /// Ids of rules that would have found something in the same code only because of this.
    pub consequences: Vec<&'static str>,
}

impl Finding {
    /// Adds the parties that reject a consequence: they reject its cause.
    pub(crate) fn take_over(&mut self, parties: &[Party], status: Option<OsStatus>) {
        for party in parties {
            if !self.rejected_by.contains(party) {
                self.rejected_by.push(*party);
            }
        }
        self.status = self.status.or(status);
    }
}
