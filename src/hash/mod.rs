//! The message digests that a CodeDirectory can name, and digests of code pages.
//!
//! Values of `hashType` and their lengths: specification 3.4 (`CSCommonPriv.h`, `cs_blobs.h`). SHA-512
//! has a constant but no implementation on macOS, so it is not a [`HashType`] here.

mod digest;
mod kernel;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod pages;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use digest::{Digest, HashType, Hasher};
pub use kernel::{Kernel, KernelName};
pub use pages::{Around, PageGeometry, mismatched_digests, mismatched_pages};

/// What SHA-1 and SHA-256 take in at a time.
#[cfg(target_arch = "x86_64")]
type Block = [u8; 64];
