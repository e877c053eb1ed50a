//! Signature blobs: the SuperBlob and the components in its slots.
//!
//! Implements specification 1.1–1.4 (Apple's `blob.h`, `superblob.h`, `sigblob.cpp`). Bounds only: what a
//! component says is read by the module of its own format, and whether it is genuine is judged elsewhere.

mod slot;
mod superblob;

pub use slot::Slot;
pub use superblob::{BlobError, IndexEntry, SuperBlob, magic, unwrap};
