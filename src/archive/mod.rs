//! Archives inside of a product, which the notary service unpacks, and those of Electron.
//!
//! The ZIP family (jars, wheels and the like), tar, gzip and asar. Others are only known by their names. Disk images and
//! packages are not read.

mod asar;
mod container;
mod format;
mod gzip;
mod inflate;
mod stream;
mod tar;
mod tar_header;
mod zip;
mod zip_agree;
mod zip_end;
mod zip_member;
mod zip_unpack;

pub use asar::{Asar, AsarError, AsarMember};
pub use container::{
    CONTAINER_HEAD, CONTAINER_LONG_HEAD, CONTAINER_TAIL, ContainerFormat, Ends, is_zip_with_prefix,
    named_folder,
};
pub use format::{ArchiveFormat, is_zip};
pub use gzip::{Gunzip, GzipError};
pub use inflate::Inflater;
pub use stream::{Stream, StreamError};
pub use tar::{Tar, TarError, TarMember};
pub use tar_header::is_tar;
pub use zip::{Member, Zip, ZipError};
pub use zip_member::{MemberError, Unpacker};
pub use zip_unpack::MemberKind;
