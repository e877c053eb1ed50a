//! What is compressed with gzip (RFC 1952): one file, or a tar archive.

use std::borrow::Cow;

use crate::container::codec::{Stream, StreamError, is_gzip};
use crate::container::embedded::ArchiveFormat;
use crate::container::members::{Allowance, Entry, EntryState, Failure, Found, Members, Reader, Unreadable};
use crate::container::tar::{TarMembers, is_tar, stream_failure};

/// Bytes that say whether it is a tar archive.
const HEAD: u64 = 512;

/// How files that are compressed with gzip are looked through.
pub(in crate::container) const READER: Reader = Reader {
    format: ArchiveFormat::Gzip,
    begins: is_gzip,
    has_directory: false,
    has_archives: true,
    open,
};

/// The one file, which is named like the archive without its last extension.
struct OneFile<'a> {
    stream: Stream<'a>,
    /// What was read of it.
    read: Vec<u8>,
    /// `None` when it was handed out.
    name: Option<Vec<u8>>,
}

fn open<'a>(archive: &'a [u8], allowance: &Allowance<'a>) -> Found<'a> {
    let stream = || {
        let stream = Stream::gzip(archive, allowance.bytes).map_err(StreamError::from);
        stream
            .map(|stream| stream.charged(allowance.item))
            .map_err(stream_failure)
    };
    let mut first = stream()?;
    let mut read = Vec::new();
    first
        .read(HEAD.min(allowance.bytes), &mut read)
        .map_err(stream_failure)?;
    if is_tar(&read) {
        return Ok(Box::new(TarMembers::new(stream()?)));
    }
    let name = allowance.name;
    let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    Ok(Box::new(OneFile {
        stream: first,
        read,
        name: Some(name.as_bytes().to_vec()),
    }))
}

impl Members for OneFile<'_> {
    fn next(&mut self, bytes: &mut u64) -> Result<Option<Entry>, Failure> {
        *bytes = *self.stream.budget();
        Ok(self.name.take().map(|name| Entry {
            name,
            state: EntryState::File,
        }))
    }

    fn head(&mut self, _: &mut u64) -> Result<Vec<u8>, Unreadable> {
        Ok(self.read.clone())
    }

    fn contents(&mut self, room: u64, bytes: &mut u64) -> Result<Cow<'_, [u8]>, Unreadable> {
        let head = u64::try_from(self.read.len()).unwrap_or(u64::MAX);
        let end = self.stream.read_to_end(room.saturating_sub(head), &mut self.read);
        *bytes = *self.stream.budget();
        match end {
            Ok(()) => Ok(Cow::Borrowed(&self.read)),
            Err(StreamError::TooLarge) => Err(Unreadable::TooLarge(None)),
            Err(error) => Err(Unreadable::Archive(stream_failure(error))),
        }
    }
}
