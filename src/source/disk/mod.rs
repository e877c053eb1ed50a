//! Files and folders on disk, the only place that asks the operating system for them.
//!
//! Unix has a tree of its own, with modes and extended attributes. That for other systems is made of the standard library alone; it is
//! tested on Unix as well.

#[cfg(unix)]
mod directory;
#[cfg(unix)]
mod file;
mod mapping;
mod operand;
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

pub(super) use mapping::{Mapping, prefault};
pub(crate) use operand::{file_around, has_name};
pub(crate) use state::FileState;
