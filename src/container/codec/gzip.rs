//! What is compressed with gzip, piece by piece (RFC 1952).
//!
//! Several such files may stand one after the other, and something else behind the last one, which every tool passes over.
//! The checksum and the size in the trailer are compared at the end of each file. Not checked: the checksum of a header, which few writers
//! give.

use std::ops::Range;

use crc32fast::Hasher;
use thiserror::Error;

use super::inflate::{Deflated, Inflater, Stop};
use crate::octets::Endian;

/// The two bytes at the start, and the only method there is: deflate.
const MAGIC: &[u8] = &[0x1f, 0x8b, 8];
const HEADER_SIZE: usize = 10;
/// The checksum and the size.
const TRAILER_SIZE: usize = 8;
/// Bytes that are inflated at a time.
const PIECE: usize = 32 << 10;
const HAS_CHECKSUM: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

/// Why what is compressed cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GzipError {
    /// The header is not what it should be.
    #[error("its gzip header is broken")]
    Header,
    /// The deflated data is broken, or ends too early.
    #[error("its deflated data is broken")]
    Deflate,
    /// The trailer gives another checksum.
    #[error("its checksum is {found:08x}, and its gzip trailer says {expected:08x}")]
    Checksum {
        /// The CRC-32 in the trailer.
        expected: u32,
        /// The CRC-32 of the contents.
        found: u32,
    },
    /// The trailer gives another size.
    #[error("it has another size than its gzip trailer says")]
    Size,
}

/// Whether a file begins as gzip files do.
#[must_use]
pub(in crate::container) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// Inflates one piece after the other.
pub struct Gunzip<'a> {
    /// What follows the last file that was read.
    rest: &'a [u8],
    /// The deflated data of the present file; `None` between two files.
    stream: Option<Deflated<'a>>,
    buffer: Box<[u8]>,
    /// What in the buffer was not handed out.
    ready: Range<usize>,
    /// Bytes that the present file held so far, and their checksum.
    size: u64,
    checksum: Hasher,
}

impl std::fmt::Debug for Gunzip<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gunzip")
            .field("rest", &self.rest.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Gunzip<'a> {
    /// Begins to read; nothing is inflated yet.
    ///
    /// # Errors
    /// [`GzipError::Header`]
    pub fn new(data: &'a [u8]) -> Result<Self, GzipError> {
        let mut new = Self {
            rest: data,
            stream: None,
            buffer: vec![0; PIECE].into(),
            ready: 0..0,
            size: 0,
            checksum: Hasher::new(),
        };
        new.begin()?;
        Ok(new)
    }

    /// Passes over the header of a file.
    fn begin(&mut self) -> Result<(), GzipError> {
        let data = after_header(self.rest).ok_or(GzipError::Header)?;
        self.stream = Some(Deflated::new(data, Inflater::default()));
        self.size = 0;
        self.checksum = Hasher::new();
        Ok(())
    }

    /// At most so many of the next bytes; none at the end.
    ///
    /// # Errors
    /// [`GzipError`]
    pub fn piece(&mut self, count: usize) -> Result<&[u8], GzipError> {
        while self.ready.is_empty() {
            if self.stream.is_none() {
                if !is_gzip(self.rest) {
                    return Ok(&[]);
                }
                self.begin()?;
            }
            self.inflate()?;
        }
        let end = self.ready.end.min(self.ready.start.saturating_add(count));
        let piece = self.ready.start..end;
        self.ready.start = end;
        self.buffer.get(piece).ok_or(GzipError::Deflate)
    }

    /// Fills the buffer, or as much of it as the file has left.
    fn inflate(&mut self) -> Result<(), GzipError> {
        let stream = self.stream.as_mut().ok_or(GzipError::Deflate)?;
        let (count, stop) = stream.fill(&mut self.buffer);
        self.ready = 0..count;
        let size = u64::try_from(count).unwrap_or(u64::MAX);
        self.size = self.size.saturating_add(size);
        self.checksum.update(self.buffer.get(..count).unwrap_or_default());
        match stop {
            Stop::Full => Ok(()),
            Stop::Cut | Stop::Broken => Err(GzipError::Deflate),
            Stop::End => {
                let behind = stream.rest().split_at_checked(TRAILER_SIZE);
                let (trailer, rest) = behind.ok_or(GzipError::Size)?;
                let expected = Endian::Little.u32(trailer, 0).ok_or(GzipError::Size)?;
                let found = self.checksum.clone().finalize();
                if expected != found {
                    return Err(GzipError::Checksum { expected, found });
                }
                // The lowest 32 bits only.
                if Endian::Little.u32(trailer, 4).map(u64::from) != Some(self.size & u64::from(u32::MAX)) {
                    return Err(GzipError::Size);
                }
                self.rest = rest;
                self.stream = None;
                Ok(())
            }
        }
    }
}

/// What stands behind the header (RFC 1952, section 2.3).
fn after_header(data: &[u8]) -> Option<&[u8]> {
    if !is_gzip(data) {
        return None;
    }
    let flags = *data.get(MAGIC.len())?;
    if flags & RESERVED != 0 {
        return None;
    }
    let mut rest = data.get(HEADER_SIZE..)?;
    if flags & HAS_EXTRA != 0 {
        let size = usize::from(Endian::Little.u16(rest, 0)?);
        rest = rest.get(size.checked_add(2)?..)?;
    }
    for flag in [HAS_NAME, HAS_COMMENT] {
        if flags & flag != 0 {
            let end = memchr::memchr(0, rest)?;
            rest = rest.get(end.checked_add(1)?..)?;
        }
    }
    if flags & HAS_CHECKSUM != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}
