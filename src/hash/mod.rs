//! The message digests that a CodeDirectory can name, and digests of code pages.
//!
//! Values of `hashType` and their lengths: specification 3.4 (`CSCommonPriv.h`, `cs_blobs.h`). SHA-512
//! has a constant but no implementation on macOS, so it is not a [`HashType`] here.

mod digest;
mod pages;

pub use digest::{Digest, HashType, Hasher};
pub use pages::{PageGeometry, mismatched_pages};
