//! Finds further facts about an item that rules need and the verdict of `codesign` does not: code in archives, property lists for
//! launchd, names that collide, profiles where macOS does not look for them.
//!
//! A survey follows [`verify`](crate::verify) and reads the same tree. Whoever wants only the verdict does not ask for it. What a survey
//! could not read counts for the item as what verification could not read.

mod archive_facts;
mod archive_walk;
mod archived_code;
mod archives;
mod collisions;
mod examine;
mod facts;
mod launchd;
mod misplaced;

pub use archive_facts::{ArchiveEvidence, ArchivedCode, ArchivedName, ArchivedSignature, UnreadMember};
pub use collisions::Collision;
pub use examine::{examine_item, examine_tree};
pub use facts::{Survey, survey};
pub use launchd::LaunchdJob;
