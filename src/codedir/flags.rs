//! The flag words of a CodeDirectory and the names `codesign -d` prints for them.
//!
//! Specification 3.3 (`SecCodeSignatureFlags` in Apple's `CSCommon.h`) and 2.9 (executable segment flags,
//! `cs_blobs.h`). Names come in ascending bit order, as in Apple's flag table.

use std::fmt;

/// `flags` of a CodeDirectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct CodeDirectoryFlags(pub u32);

impl CodeDirectoryFlags {
    /// Signed without an identity.
    pub const ADHOC: u32 = 0x0000_0002;
    /// Certificate expiration is enforced.
    pub const EXPIRES: u32 = 0x0000_0400;
    /// Library validation is required.
    pub const LIBRARY_VALIDATION: u32 = 0x0000_2000;
    /// Hardened runtime.
    pub const RUNTIME: u32 = 0x0001_0000;
    /// Signed by the linker.
    pub const LINKER_SIGNED: u32 = 0x0002_0000;

    const NAMES: [(u32, &'static str); 10] = [
        (0x0000_0001, "host"),
        (Self::ADHOC, "adhoc"),
        (0x0000_0100, "hard"),
        (0x0000_0200, "kill"),
        (Self::EXPIRES, "expires"),
        (0x0000_0800, "restrict"),
        (0x0000_1000, "enforcement"),
        (Self::LIBRARY_VALIDATION, "library-validation"),
        (Self::RUNTIME, "runtime"),
        (Self::LINKER_SIGNED, "linker-signed"),
    ];

    /// Whether every bit of `mask` is set.
    #[must_use]
    pub fn contains(self, mask: u32) -> bool {
        self.0 & mask == mask
    }

    /// Names of the known bits that are set, ascending.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        Self::NAMES
            .iter()
            .filter(|(bit, _)| self.0 & bit != 0)
            .map(|(_, name)| *name)
            .collect()
    }

    /// Bits without a name.
    #[must_use]
    pub fn unknown(self) -> u32 {
        Self::NAMES.iter().fold(self.0, |rest, (bit, _)| rest & !bit)
    }
}

impl fmt::Display for CodeDirectoryFlags {
    /// `0x10002(adhoc,runtime)`, `0x0(none)`, `0x4(???)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = self.names();
        if self.0 == 0 {
            names.push("none");
        }
        if self.unknown() != 0 {
            names.push("???");
        }
        write!(f, "{:#x}({})", self.0, names.join(","))
    }
}

/// `execSegFlags` of a CodeDirectory: what the kernel grants the process of this executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct ExecSegmentFlags(pub u64);

impl ExecSegmentFlags {
    /// The slice is a main executable.
    pub const MAIN_BINARY: u64 = 0x1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_matches_codesign() {
        let text = |bits| CodeDirectoryFlags(bits).to_string();
        assert_eq!(text(0), "0x0(none)");
        assert_eq!(text(0x10000), "0x10000(runtime)");
        assert_eq!(text(0x20002), "0x20002(adhoc,linker-signed)");
        assert_eq!(text(0x4), "0x4(???)");
        assert_eq!(text(0x6), "0x6(adhoc,???)");
    }
}
