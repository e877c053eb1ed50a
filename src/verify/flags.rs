//! What `codesign --verify` is asked for.
//!
//! Specification 11.1 and 11.4, native observation 5.1 (`SecCSFlags`). Evidence is gathered in full whatever the flags
//! say; they decide which of it the verdict minds.

/// Options of the verdict; the default is that of `codesign --verify --deep --strict`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodesignFlags {
    /// Nested code is verified in full (`kSecCSCheckNestedCode`); without, its pages and seals do not count.
    pub deep: bool,
    /// Strict rules apply (`kSecCSStrictValidate`).
    pub strict: bool,
    /// Destinations of sealed links are judged (`kSecCSRestrictSymlinks`).
    pub restrict_symlinks: bool,
    /// Resource forks and Finder information are refused (`kSecCSRestrictSidebandData`).
    pub restrict_sideband: bool,
    /// The seal and nested code are verified at all; off: `--ignore-resources`.
    pub resources: bool,
    /// Only the slice of this architecture, as `codesign -a`; all without.
    pub architecture: Option<String>,
    /// The version of a framework; the current one without.
    pub bundle_version: Option<String>,
}

impl Default for CodesignFlags {
    fn default() -> Self {
        Self {
            deep: true,
            strict: true,
            restrict_symlinks: true,
            restrict_sideband: true,
            resources: true,
            architecture: None,
            bundle_version: None,
        }
    }
}

impl CodesignFlags {
    /// Whether a restriction of sealed links counts.
    pub(super) fn minds_symlinks(&self) -> bool {
        self.strict && self.restrict_symlinks
    }

    /// Whether resource forks and Finder information count.
    pub(super) fn minds_sideband(&self) -> bool {
        self.strict && self.restrict_sideband
    }
}
