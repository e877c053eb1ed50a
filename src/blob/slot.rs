//! The slots of a signature and the names Apple gives them.
//!
//! Specification 1.4: `slotAttributes` and `canonicalSlotName` in Apple's `codedirectory.cpp`.

use std::fmt;

/// The type of a component in a SuperBlob; for 1 to 11 also the number of its special slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

impl Slot {
    /// The CodeDirectory that the CMS signature signs.
    pub const CODE_DIRECTORY: Slot = Slot(0);
    /// Info.plist: a bundle's file, or the section `__TEXT,__info_plist`.
    pub const INFO: Slot = Slot(1);
    /// The internal requirements.
    pub const REQUIREMENTS: Slot = Slot(2);
    /// `_CodeSignature/CodeResources`.
    pub const RESOURCE_DIRECTORY: Slot = Slot(3);
    /// The top directory, practically unused.
    pub const TOP_DIRECTORY: Slot = Slot(4);
    /// Entitlements as a property list.
    pub const ENTITLEMENTS: Slot = Slot(5);
    /// Specific to the disk representation: the trailer of a disk image.
    pub const REP_SPECIFIC: Slot = Slot(6);
    /// Entitlements in DER.
    pub const ENTITLEMENTS_DER: Slot = Slot(7);
    /// Launch constraint on the process itself.
    pub const LAUNCH_CONSTRAINT_SELF: Slot = Slot(8);
    /// Launch constraint on the parent process.
    pub const LAUNCH_CONSTRAINT_PARENT: Slot = Slot(9);
    /// Launch constraint on the responsible process.
    pub const LAUNCH_CONSTRAINT_RESPONSIBLE: Slot = Slot(10);
    /// Constraint on libraries to be loaded.
    pub const LIBRARY_CONSTRAINT: Slot = Slot(11);
    /// The first alternate CodeDirectory; four more may follow.
    pub const ALTERNATE_CODE_DIRECTORY: Slot = Slot(0x1000);
    /// The CMS signature.
    pub const SIGNATURE: Slot = Slot(0x10000);
    /// Identification of detached signatures.
    pub const IDENTIFICATION: Slot = Slot(0x10001);
    /// A stapled notarization ticket.
    pub const TICKET: Slot = Slot(0x10002);

    /// The highest special slot that macOS checks (`cdSlotMax`).
    pub const MAX_SPECIAL: u32 = 11;
    /// How many alternate CodeDirectories macOS looks at (`cdAlternateCodeDirectoryLimit`).
    pub const MAX_ALTERNATES: u32 = 5;

    /// Whether the component is a whole blob, header included; others are wrapped in a BlobWrapper.
    #[must_use]
    pub fn is_blob(self) -> bool {
        matches!(self.0, 0 | 2 | 5 | 7..=11 | 0x1000..=0x1004)
    }

    /// Apple's name: the file in `_CodeSignature` and the suffix of the attribute `com.apple.cs.`.
    #[must_use]
    pub fn canonical_name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "CodeDirectory",
            1 => "Info.plist",
            2 => "CodeRequirements",
            3 => "CodeResources",
            4 => "CodeTopDirectory",
            5 => "CodeEntitlements",
            6 => "CodeRepSpecific",
            7 => "CodeEntitlementDER",
            8 => "LaunchConstraintSelf",
            9 => "LaunchConstraintParent",
            10 => "LaunchConstraintResponsible",
            11 => "LibraryConstraint",
            // Apple's own quirk: alternates are called after the requirements.
            0x1000 => "CodeRequirements-1",
            0x1001 => "CodeRequirements-2",
            0x1002 => "CodeRequirements-3",
            0x1003 => "CodeRequirements-4",
            0x1004 => "CodeRequirements-5",
            0x10000 => "CodeSignature",
            _ => return None,
        })
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.canonical_name() {
            Some(name) => f.write_str(name),
            None => write!(f, "slot {:#x}", self.0),
        }
    }
}
