//! Bytes and names: the trees of files that everything above reads from.
//!
//! A [`Tree`] is one input (a directory or a single file on disk, [`DirectoryTree`], or an item in an archive, [`ArchiveTree`]) with an immutable [`Listing`].
//! Nothing above this module opens a path: it asks a tree for nodes, lookups and contents. Links are followed
//! by [`Listing::resolve`] only, and never out of the tree. What could not be read is a [`Gap`], never silence.
//!
//! Not checked here: access control lists, Unicode normalisation of names.

mod apple_double;
mod archive;
mod archive_faults;
mod archive_listing;
mod archive_tree;
mod archives;
mod bytes;
mod capture;
mod container_format;
mod content;
#[cfg(feature = "fs")]
mod disk;
mod error;
mod hold;
mod listing;
mod memory;
mod node;
mod pager;
mod resolve;
mod tree;
mod view;

pub use archive::Archive;
pub use archive_faults::{Container, ContainerFault, ContainerFaultKind};
pub use archive_tree::ArchiveTree;
pub use archives::Archives;
pub use bytes::{Bytes, prefault};
pub use capture::{Capture, Planner, Run, Wants};
pub use container_format::{container_format, container_format_of};
pub use content::{Content, Pieces, ReadAt};
#[cfg(feature = "fs")]
pub use disk::{DirectoryTree, guard_mappings};
pub use error::{ResolveError, SourceError};
pub use hold::judge_file;
pub use listing::Listing;
pub use memory::{MemoryTree, NamedBytes};
pub use node::{Gap, GapReason, Kind, Lookup, Node, NodeId};
pub(crate) use node::{file_name, shown_path};
pub use resolve::{MAX_LINKS, differs_in_form_only};
pub use tree::Tree;
pub use view::View;
