//! The members of a tar archive for whoever looks through them: from front to back.

use std::borrow::Cow;

use super::{Tar, TarError, is_tar};
use crate::container::codec::{Stream, StreamError};
use crate::container::embedded::ArchiveFormat;
use crate::container::members::{Allowance, Entry, EntryState, Failure, Found, Members, Reader, Unreadable};

/// Bytes of a member that say what it is.
const HEAD: u64 = 8;

/// How tar archives are looked through.
pub(in crate::container) const READER: Reader = Reader {
    format: ArchiveFormat::Tar,
    // The first block shows it, which is longer than what is asked here.
    begins: |head| !head.is_empty(),
    has_directory: false,
    has_archives: true,
    open,
};

/// The members of a tar archive; `None` for a file that is only called one, in which there are none.
pub(in crate::container) struct TarMembers<'a> {
    tar: Option<Tar<'a>>,
    /// The size of the present member, and what was read of it.
    size: u64,
    read: Vec<u8>,
}

fn open<'a>(archive: &'a [u8], allowance: &Allowance<'a>) -> Found<'a> {
    let tar = is_tar(archive).then(|| Tar::new(Stream::plain(archive, allowance.bytes)));
    Ok(Box::new(TarMembers {
        tar,
        ..TarMembers::new(Stream::plain(&[], 0))
    }))
}

/// Why a stream cannot be read on.
pub(in crate::container) fn stream_failure(error: StreamError) -> Failure {
    match error {
        StreamError::TooLarge => Failure::limit(format!("{error} (archive-bytes)"), "archive-bytes"),
        error => Failure::broken(error),
    }
}

fn failure(error: TarError) -> Failure {
    match error {
        TarError::Stream(error) => stream_failure(error),
        error => Failure::broken(error),
    }
}

impl<'a> TarMembers<'a> {
    pub(in crate::container) fn new(stream: Stream<'a>) -> Self {
        Self {
            tar: Some(Tar::new(stream)),
            size: 0,
            read: Vec::new(),
        }
    }

    /// Reads on, with what may be unpacked.
    fn with<T>(
        &mut self,
        bytes: &mut u64,
        read: impl FnOnce(&mut Tar<'a>, &mut Vec<u8>) -> Result<T, TarError>,
    ) -> Result<Option<T>, Failure> {
        let Some(tar) = &mut self.tar else {
            return Ok(None);
        };
        *tar.budget() = *bytes;
        let found = read(tar, &mut self.read);
        *bytes = *tar.budget();
        found.map(Some).map_err(failure)
    }
}

impl Members for TarMembers<'_> {
    fn next(&mut self, bytes: &mut u64) -> Result<Option<Entry>, Failure> {
        let Some(member) = self.with(bytes, |tar, _| tar.next_member())?.flatten() else {
            self.with(bytes, |tar, _| tar.finish())?;
            return Ok(None);
        };
        self.size = member.size;
        self.read.clear();
        Ok(Some(Entry {
            name: member.name,
            state: if !member.is_file || member.size == 0 {
                EntryState::Nothing
            } else if member.is_sparse {
                EntryState::Unread("it is stored as a sparse file, which is not put together")
            } else {
                EntryState::File
            },
        }))
    }

    fn head(&mut self, bytes: &mut u64) -> Result<Vec<u8>, Unreadable> {
        let read = self.with(bytes, |tar, out| tar.read(HEAD, out));
        read.map_err(Unreadable::Archive)?;
        Ok(self.read.clone())
    }

    fn contents(&mut self, room: u64, bytes: &mut u64) -> Result<Cow<'_, [u8]>, Unreadable> {
        let size = self.size;
        if size > room {
            return Err(Unreadable::TooLarge(Some(size)));
        }
        let read = self.with(bytes, |tar, out| tar.read(size, out));
        read.map_err(Unreadable::Archive)?;
        Ok(Cow::Borrowed(&self.read))
    }
}
