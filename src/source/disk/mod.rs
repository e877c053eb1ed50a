//! Files and folders on disk, the only place that asks the operating system for them.

mod archive;
mod directory;
mod file;
mod mapping;

pub use directory::DirectoryTree;
pub use mapping::guard_mappings;

pub(super) use archive::{archive_around, open_archive};
pub(super) use mapping::{FileState, Mapping, prefault};
