//! Bundles: which directory holds what, what the resource seal says, and what is really there.
//!
//! Specification 6 (Apple's `bundlediskrep.cpp`, `resources.cpp`). No cryptography and no digests: the scan says
//! which files have to be hashed and which nested code has to be verified.

mod layout;
mod layout_fault;
mod pattern;
mod places;
mod roots;
mod rules;
mod scan;
mod seal;
mod seal_contents;
mod seal_entry;

pub use layout::{BundleKind, Layout, MainFile};
pub use layout_fault::{LayoutError, LayoutFault};
pub use rules::{Rule, RuleError, Rules};
pub use scan::{Item, ItemKind, Scan, ScanFault, scan};
pub use seal::{Seal, SealedPaths};
pub use seal_entry::{SealEntry, SealError, SealedItem};
