//! Which Mac the verdict is for.

use crate::macho::Architecture;

/// The kind of Mac for which the primary slice is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum HostArchitecture {
    /// Apple silicon.
    #[default]
    Arm64,
    /// Intel.
    X86_64,
}

impl HostArchitecture {
    /// The word on the command line and in JSON output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }

    pub(super) fn runs(self, architecture: Architecture) -> bool {
        match self {
            Self::Arm64 => architecture.is_arm64(),
            Self::X86_64 => architecture.is_x86_64(),
        }
    }
}
