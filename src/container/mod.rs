//! Containers: files that hold other files. Which format one has, and readers of those that are opened.
//!
//! Archives in ZIP form are opened as trees ([`Archive`]). Of archives inside of a product, which the notary service
//! unpacks, and those of Electron, tar, gzip and asar are read as well ([`ArchiveFormat`]). Others are only recognized
//! ([`ContainerFormat`]). A reader never judges: what is unusual is a fact ([`Container`](crate::source::Container)).

mod asar;
mod codec;
mod detect;
mod embedded;
mod format;
mod formats;
mod gzip;
mod members;
mod node;
mod opened;
mod tar;
mod zip;

pub use asar::{Asar, AsarError, AsarMember};
pub use codec::{Gunzip, GzipError, Inflater, Stream, StreamError};
pub use detect::{CONTAINER_HEAD, named_folder};
pub use embedded::ArchiveFormat;
pub use format::ContainerFormat;
pub use formats::{is_opened, open};
pub use members::{Allowance, Entry, EntryState, Failure, Members, Reader, Unreadable};
pub use node::{container_format, container_format_of};
pub use opened::Archive;
pub use tar::{Tar, TarError, TarMember, is_tar};
pub use zip::{Member, MemberError, MemberKind, Unpacker, Zip, ZipArchive, ZipError, ZipTree};
