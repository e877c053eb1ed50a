//! Files and folders on disk, the only place that asks the operating system for them.
//!
//! Unix has a tree of its own, with modes and extended attributes. That for other systems is made of the standard library alone; it is
//! tested on Unix as well.

mod archive;
#[cfg(unix)]
mod directory;
#[cfg(unix)]
mod file;
mod mapping;
#[cfg(any(not(unix), test))]
#[cfg_attr(
    unix,
    allow(dead_code, unreachable_pub, reason = "only the tests use it on Unix")
)]
mod portable;
mod state;

#[cfg(unix)]
pub use directory::DirectoryTree;
pub use mapping::guard_mappings;
#[cfg(not(unix))]
pub use portable::DirectoryTree;

pub(super) use archive::{archive_around, open_archive};
#[cfg(unix)]
use file::whole_at;
pub(super) use mapping::{Mapping, prefault};
#[cfg(not(unix))]
use portable::whole_at;
pub(super) use state::FileState;
