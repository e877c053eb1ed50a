//! Codecs that formats share: the one inflate (RFC 1951, by `zlib-rs`), gzip (RFC 1952), and bytes from front to back within a budget.

mod gzip;
mod inflate;
mod stream;

pub(in crate::container) use gzip::is_gzip;
pub use gzip::{Gunzip, GzipError};
pub use inflate::Inflater;
pub(in crate::container) use inflate::{Deflated, Stop};
pub use stream::{Stream, StreamError};
