//! The members of a tar archive, from front to back (POSIX.1-2024, pax, "ustar Interchange Format" and "pax Interchange
//! Format"; the GNU tar manual, "Basic Tar Format").
//!
//! As much as is needed to find files and their contents: names, types and sizes, also in pax headers and in GNU's members for
//! long names. What stands behind the first block of zeros is not read; no tool of a Mac does. Not read: the maps of sparse files,
//! attributes, and archives in several volumes.

use thiserror::Error;

mod header;
mod members;

use self::header::{BLOCK, Header, Pax};
use super::codec::{Stream, StreamError};
use crate::limits::TAR_EXTENDED_HEADER;
pub use header::is_tar;
pub(super) use members::{READER, TarMembers, stream_failure};

/// Why an archive cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TarError {
    /// It could not be unpacked so far.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Something else stands where a header should.
    #[error("the tar header at offset {offset} is broken")]
    Header {
        /// Where, in bytes of what is unpacked.
        offset: u64,
    },
    /// It ends in the middle of a member.
    #[error("the tar archive ends in the middle of a member")]
    Truncated,
    /// A pax header or long name is larger than any honest one.
    #[error("the extended tar header at offset {offset} has {size} bytes")]
    TooLong {
        /// Where.
        offset: u64,
        /// Its size.
        size: u64,
    },
    /// A pax header for all members gives them one name or size; readers do not agree what that means.
    #[error("the tar header for all members at offset {offset} gives them a name or a size")]
    Ambiguous {
        /// Where.
        offset: u64,
    },
    /// A member begins in another archive.
    #[error("the tar archive continues another one")]
    Volume,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TarMember {
    /// Its path as stored.
    pub name: Vec<u8>,
    /// How many bytes it has in the archive.
    pub size: u64,
    /// Whether it is a regular file, and no folder, link or device.
    pub is_file: bool,
    /// Whether holes were left out of its contents.
    pub is_sparse: bool,
}

/// A tar archive that is read from front to back.
#[derive(Debug)]
pub struct Tar<'a> {
    stream: Stream<'a>,
    /// What was not read of the present member, and what fills its last block.
    contents: u64,
    padding: u64,
    /// Whether there was a pax header: only then links may have contents.
    is_pax: bool,
    block: Vec<u8>,
}

impl<'a> Tar<'a> {
    /// Begins to read.
    #[must_use]
    pub fn new(stream: Stream<'a>) -> Self {
        Self {
            stream,
            contents: 0,
            padding: 0,
            is_pax: false,
            block: Vec::new(),
        }
    }

    /// See [`Stream::budget`].
    pub fn budget(&mut self) -> &mut u64 {
        self.stream.budget()
    }

    /// Passes over what follows the last member, so that a compressed stream compares its checksum.
    ///
    /// # Errors
    /// [`TarError`]
    pub fn finish(&mut self) -> Result<(), TarError> {
        self.stream.skip(u64::MAX)?;
        Ok(())
    }

    /// The next member; `None` at the end.
    ///
    /// # Errors
    /// [`TarError`]
    pub fn next_member(&mut self) -> Result<Option<TarMember>, TarError> {
        let mut long_name = None;
        let mut pax = Pax::default();
        loop {
            let rest = self.contents.saturating_add(self.padding);
            // What fills the last block of the archive may be missing.
            if self.stream.skip(rest)? < self.contents {
                return Err(TarError::Truncated);
            }
            (self.contents, self.padding) = (0, 0);
            let offset = self.stream.position();
            self.block.clear();
            self.stream.read(BLOCK, &mut self.block)?;
            let is_end = self.block.iter().all(|byte| *byte == 0);
            if is_end {
                return Ok(None);
            }
            let header = Header::parse(&self.block).ok_or(TarError::Header { offset })?;
            let size = match header.kind {
                b'x' | b'X' | b'g' | b'L' | b'K' | b'V' | b'A' | b'D' | b'N' => header.size,
                _ => pax.size.unwrap_or(header.size),
            };
            match header.kind {
                b'x' | b'X' => {
                    self.is_pax = true;
                    let body = self.extended(size, offset)?;
                    pax.add(&body).ok_or(TarError::Header { offset })?;
                }
                b'g' => {
                    self.is_pax = true;
                    let body = self.extended(size, offset)?;
                    let mut global = Pax::default();
                    global.add(&body).ok_or(TarError::Header { offset })?;
                    if global != Pax::default() {
                        return Err(TarError::Ambiguous { offset });
                    }
                }
                b'L' => {
                    let mut name = self.extended(size, offset)?;
                    let end = name.iter().position(|byte| *byte == 0);
                    name.truncate(end.unwrap_or(name.len()));
                    long_name = Some(name);
                }
                // A long target of a link, a label, Solaris' access lists, lists of folders, old long names.
                b'K' | b'V' | b'A' | b'D' | b'N' => self.expect(size),
                b'M' => return Err(TarError::Volume),
                kind => {
                    let is_sparse = kind == b'S' || pax.is_sparse;
                    if kind == b'S' {
                        self.pass_map()?;
                    }
                    let name = pax.name.or(long_name).unwrap_or(header.name);
                    let is_folder = kind == b'5' || name.ends_with(b"/");
                    // Sizes of links, folders and devices say nothing; of hard links only in pax archives (libarchive,
                    // archive_read_support_format_tar.c, header_common).
                    let size = match kind {
                        b'1' if self.is_pax => size,
                        b'1'..=b'6' => 0,
                        _ => size,
                    };
                    self.expect(size);
                    return Ok(Some(TarMember {
                        is_file: !is_folder && !matches!(kind, b'2'..=b'6') && (kind != b'1' || size > 0),
                        is_sparse,
                        name,
                        size,
                    }));
                }
            }
        }
    }

    /// So many bytes follow, and what fills their last block.
    fn expect(&mut self, size: u64) {
        self.contents = size;
        let blocks = size.checked_next_multiple_of(BLOCK);
        self.padding = blocks.unwrap_or(size).saturating_sub(size);
    }

    /// The body of a header that extends the next one.
    fn extended(&mut self, size: u64, offset: u64) -> Result<Vec<u8>, TarError> {
        if size > TAR_EXTENDED_HEADER {
            return Err(TarError::TooLong { offset, size });
        }
        self.expect(size);
        let mut body = Vec::new();
        self.read(size, &mut body)?;
        Ok(body)
    }

    /// Adds the next bytes of the present member to `out`: so many, or all that are left.
    ///
    /// # Errors
    /// [`TarError`]
    pub fn read(&mut self, count: u64, out: &mut Vec<u8>) -> Result<(), TarError> {
        let count = count.min(self.contents);
        let before = self.stream.position();
        self.stream.read(count, out)?;
        if self.stream.position().saturating_sub(before) < count {
            return Err(TarError::Truncated);
        }
        self.contents = self.contents.saturating_sub(count);
        Ok(())
    }

    /// Passes over the blocks with the rest of the map of a sparse file in GNU's older form.
    fn pass_map(&mut self) -> Result<(), TarError> {
        /// Where the header and each block say that another block follows.
        const FOLLOWS: [usize; 2] = [482, 504];
        let [mut flag, next] = FOLLOWS;
        while self.block.get(flag).is_some_and(|byte| *byte != 0) {
            self.block.clear();
            self.stream.read(BLOCK, &mut self.block)?;
            if self.block.is_empty() {
                return Err(TarError::Truncated);
            }
            flag = next;
        }
        Ok(())
    }
}
