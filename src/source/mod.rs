//! Bytes and names: the trees of files that everything above reads from.
//!
//! A [`Tree`] is one input (a directory or a single file on disk, [`DirectoryTree`], or files in memory, [`MemoryTree`]) with an immutable [`Listing`].
//! Nothing above this module opens a path: it asks a tree for nodes, lookups and contents. Links are followed
//! by [`Listing::resolve`] only, and never out of the tree. What could not be read is a [`Gap`], never silence.
//!
//! Not checked here: access control lists, Unicode normalisation of names.

pub(crate) mod apple_double;
mod bytes;
mod capture;
mod content;
#[cfg(feature = "fs")]
mod disk;
mod error;
mod facts;
mod hold;
mod listing;
mod memory;
mod node;
mod pager;
pub(crate) mod placing;
mod planner;
mod resolve;
mod tree;
mod view;

pub use bytes::{Bytes, prefault};
pub use capture::{Capture, Run, Wants};
pub use content::{Content, Pieces, ReadAt};
#[cfg(feature = "fs")]
pub use disk::{DirectoryTree, guard_mappings};
#[cfg(feature = "fs")]
pub(crate) use disk::{FileState, file_around, has_name};
pub use error::{ResolveError, SourceError, Unread};
pub use facts::{Container, ContainerFault, ContainerFaultKind};
pub use hold::judge_file;
pub use listing::Listing;
pub use memory::{MemoryTree, NamedBytes};
pub use node::{Gap, GapReason, Kind, Lookup, Node, NodeId};
pub(crate) use node::{file_name, joined, shown_path};
pub use planner::Planner;
pub(crate) use resolve::fold;
pub use resolve::{MAX_LINKS, differs_in_form_only};
pub use tree::Tree;
pub use view::View;
