//! What rules are about: the families of the catalogue.

use std::fmt;

/// A family of rules, in the order of the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Presence and integrity of the signature, strictness.
    Signature,
    /// Certificates and who signed.
    Certificate,
    /// Timestamps and dates.
    Time,
    /// Hardened runtime.
    HardenedRuntime,
    /// Entitlements.
    Entitlements,
    /// Provisioning profiles.
    Profile,
    /// Notarization tickets.
    Ticket,
    /// Load commands, dyld, facts of Mach-O files.
    Load,
    /// Layout of bundles and nested code.
    Nesting,
    /// Info.plist.
    InfoPlist,
    /// Files, attributes, names.
    Files,
    /// Helpers, services, extensions.
    Services,
    /// Launch and library constraints.
    Constraints,
    /// Upload to the App Store.
    AppStore,
    /// What the user expects of this item.
    Expectation,
}

impl Family {
    /// The catalogue's short name, also in every output format.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Signature => "SIG",
            Self::Certificate => "CERT",
            Self::Time => "TIME",
            Self::HardenedRuntime => "HR",
            Self::Entitlements => "ENT",
            Self::Profile => "PROF",
            Self::Ticket => "TKT",
            Self::Load => "LOAD",
            Self::Nesting => "NEST",
            Self::InfoPlist => "PLIST",
            Self::Files => "FS",
            Self::Services => "SVC",
            Self::Constraints => "LCON",
            Self::AppStore => "MAS",
            Self::Expectation => "EXPECT",
        }
    }

    /// Words for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Signature => "Signature and seal",
            Self::Certificate => "Certificates",
            Self::Time => "Time",
            Self::HardenedRuntime => "Hardened runtime",
            Self::Entitlements => "Entitlements",
            Self::Profile => "Provisioning profiles",
            Self::Ticket => "Notarization tickets",
            Self::Load => "Load commands and dyld",
            Self::Nesting => "Layout and nested code",
            Self::InfoPlist => "Info.plist",
            Self::Files => "Files",
            Self::Services => "Helpers, services, extensions",
            Self::Constraints => "Launch and library constraints",
            Self::AppStore => "App Store",
            Self::Expectation => "Expectations",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
