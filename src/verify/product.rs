//! What systems an item is made for, by the platforms that its code states (`LC_BUILD_VERSION`, `LC_VERSION_MIN_…`).
//!
//! Gatekeeper and the notary service judge products for Macs. Apps for iOS and its relatives, code for their simulators, and
//! XCFrameworks, which Xcode takes apart when it builds a product, are judged by neither. Not here: what Apple's other stores demand.

use super::{CodeKind, Evidence, SliceEvidence};
use crate::bundle::BundleKind;

/// `CPU_TYPE_X86` and `CPU_TYPE_X86_64`.
const INTEL: [i32; 2] = [7, 0x0100_0007];
/// `CPU_TYPE_ARM`, which no Mac has.
const ARM: i32 = 12;

/// What an item is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// macOS, or nothing that its code states.
    Mac,
    /// Devices with this system, such as `iOS`.
    Device(&'static str),
    /// The simulator of this system.
    Simulator(&'static str),
    /// Developers: an XCFramework.
    XcFramework,
}

impl Product {
    /// What it is, for people; `None` for what is made for Macs.
    #[must_use]
    pub fn noun(self) -> Option<String> {
        match self {
            Self::Mac => None,
            Self::Device(system) => Some(format!("code for {system}")),
            Self::Simulator(system) => Some(format!("code for the {system} simulator")),
            Self::XcFramework => Some("an XCFramework, which is for developers".to_owned()),
        }
    }

    /// Why there is no verdict of Gatekeeper, and what was judged; `None` for what is made for Macs.
    #[must_use]
    pub fn scope(self) -> Option<String> {
        let noun = self.noun()?;
        Some(format!(
            "not applicable: this is {noun}; only the integrity of its signature is judged"
        ))
    }

    fn of_slice(slice: &SliceEvidence) -> Self {
        let cpu = slice.architecture.map(|found| found.cpu_type);
        let is_intel = cpu.is_some_and(|cpu| INTEL.contains(&cpu));
        match slice.build_version.map(|version| version.platform) {
            // Before LC_BUILD_VERSION, code for a simulator differed from that for devices by the processor only.
            Some(2) if is_intel => Self::Simulator("iOS"),
            Some(3) if is_intel => Self::Simulator("tvOS"),
            Some(4) if is_intel => Self::Simulator("watchOS"),
            Some(2) => Self::Device("iOS"),
            Some(3) => Self::Device("tvOS"),
            Some(4) => Self::Device("watchOS"),
            Some(5) => Self::Device("bridgeOS"),
            Some(7) => Self::Simulator("iOS"),
            Some(8) => Self::Simulator("tvOS"),
            Some(9) => Self::Simulator("watchOS"),
            Some(11) => Self::Device("visionOS"),
            Some(12) => Self::Simulator("visionOS"),
            None if cpu == Some(ARM) => Self::Device("iOS"),
            _ => Self::Mac,
        }
    }
}

impl Evidence {
    /// What the item is made for. One architecture for Macs makes it a product for Macs.
    #[must_use]
    pub fn product(&self) -> Product {
        let Some(item) = self.code.first() else {
            return Product::Mac;
        };
        if item.kind == CodeKind::Bundle(BundleKind::XcFramework) {
            return Product::XcFramework;
        }
        let mut slices = item.slices.iter().map(Product::of_slice);
        let Some(first) = slices.next() else {
            return Product::Mac;
        };
        if slices.any(|other| other == Product::Mac) {
            Product::Mac
        } else {
            first
        }
    }
}
