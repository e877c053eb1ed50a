//! Reads regular files: mapped when large, read when small, streamed for hashing.
//!
//! Files are opened without following a link in the last component and without waiting (a pipe that took
//! the place of a file cannot hang us), and are used only if the open file is a regular one.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::buffer::spare_capacity;
use rustix::fs::{FileType, Mode, OFlags, flistxattr_query, fstat, openat};
use rustix::io::{Errno, retry_on_intr};

use super::mapping::Mapping;
use crate::limits::Limits;
use crate::source::{Bytes, SourceError};

/// The path of a file for messages, made only when there is one: most files are read without any.
pub(super) type Shown<'a> = &'a dyn Fn() -> String;

/// A file by its path below an open directory, which the system need not look up again for every file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// Where a relative path starts.
    pub(super) directory: BorrowedFd<'a>,
    /// The path.
    pub(super) path: &'a Path,
}

/// Opens a regular file and gives its present length.
fn open(place: Place<'_>, shown: Shown<'_>) -> Result<(File, u64), SourceError> {
    let wrap = |error: io::Error| SourceError::io(shown(), &error);
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = retry_on_intr(|| openat(place.directory, place.path, flags, Mode::empty()));
    let file = File::from(opened.map_err(|error| wrap(error.into()))?);
    // The older call is the faster one, and there may be many files.
    let facts = fstat(&file).map_err(|error| wrap(error.into()))?;
    if FileType::from_raw_mode(facts.st_mode) != FileType::RegularFile {
        return Err(SourceError::NotRegular { path: shown() });
    }
    Ok((file, u64::try_from(facts.st_size).unwrap_or_default()))
}

/// The whole file, mapped from `limits.map_from` bytes up.
pub(super) fn whole(place: Place<'_>, shown: Shown<'_>, limits: &Limits) -> Result<Bytes, SourceError> {
    let (file, length) = open(place, shown)?;
    if length < limits.map_from {
        return read(&file, length, shown, limits.map_from).map(Bytes::from);
    }
    Mapping::new(file)
        .map(Bytes::from)
        .map_err(|error| SourceError::io(shown(), &error))
}

/// The whole file, if it has at most `limit` bytes.
pub(super) fn small(place: Place<'_>, shown: Shown<'_>, limit: u64) -> Result<Vec<u8>, SourceError> {
    let (file, length) = open(place, shown)?;
    read(&file, length, shown, limit)
}

/// Reads a file of `length` bytes, if those are no more than `limit`.
fn read(file: &File, length: u64, shown: Shown<'_>, limit: u64) -> Result<Vec<u8>, SourceError> {
    let too_large = || SourceError::TooLarge { path: shown(), limit };
    if length > limit {
        return Err(too_large());
    }
    // In one call of the system, since there is room for all of it; some give no length for files of their own.
    let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(|_| too_large())?);
    loop {
        let total = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if total > limit {
            return Err(too_large());
        }
        // Another read would only say that the file ends here.
        if total > 0 && total == length {
            return Ok(bytes);
        }
        bytes.reserve(1);
        match rustix::io::read(file, spare_capacity(&mut bytes)) {
            Ok(0) => return Ok(bytes),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(SourceError::io(shown(), &error.into())),
        }
    }
}

/// The first `count` bytes.
pub(super) fn head(place: Place<'_>, shown: Shown<'_>, count: usize) -> Result<Vec<u8>, SourceError> {
    let (file, _) = open(place, shown)?;
    let mut bytes = Vec::new();
    let mut limited = file.take(u64::try_from(count).unwrap_or(u64::MAX));
    limited
        .read_to_end(&mut bytes)
        .map_err(|error| SourceError::io(shown(), &error))?;
    Ok(bytes)
}

/// The last `count` bytes.
pub(super) fn tail(place: Place<'_>, shown: Shown<'_>, count: usize) -> Result<Vec<u8>, SourceError> {
    let (mut file, length) = open(place, shown)?;
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let read = || {
        file.seek(SeekFrom::Start(length.saturating_sub(count)))?;
        file.take(count).read_to_end(&mut bytes)
    };
    read().map_err(|error| SourceError::io(shown(), &error))?;
    Ok(bytes)
}

/// Streams the file through a buffer of `chunk` bytes and gives its length.
pub(super) fn stream(
    place: Place<'_>,
    shown: Shown<'_>,
    chunk: usize,
    visit: &mut dyn FnMut(&[u8]),
) -> Result<u64, SourceError> {
    let (mut file, length) = open(place, shown)?;
    let wanted = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(1);
    let mut buffer = vec![0; chunk.min(wanted).max(1)];
    let mut total = 0_u64;
    loop {
        let count = match file.read(&mut buffer) {
            // It was longer when it was opened.
            Ok(0) if total < length => return Err(SourceError::Changed { path: shown() }),
            Ok(0) => return Ok(total),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(SourceError::io(shown(), &error)),
        };
        visit(buffer.get(..count).unwrap_or_default());
        total = total.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        // Another read would only say that the file ends here. Some systems give no length for files of their own.
        if total == length {
            return Ok(total);
        }
    }
}

/// Adds the contents of the file to `buffer`, `chunk` bytes at a time, and says whether it may have extended attributes,
/// which is cheap to ask while it is open; after an error the buffer is what it was before.
pub(super) fn append(
    place: Place<'_>,
    shown: Shown<'_>,
    chunk: usize,
    buffer: &mut Vec<u8>,
) -> Result<bool, SourceError> {
    let (file, length) = open(place, shown)?;
    // Where the list cannot be had, the attributes are asked for one by one.
    let has_attributes = flistxattr_query(&file).map_or(true, |length| length > 0);
    let start = buffer.len();
    let wanted = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(1);
    loop {
        buffer.reserve(chunk.min(wanted).max(1));
        match rustix::io::read(&file, spare_capacity(buffer)) {
            Ok(0) => return Ok(has_attributes),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                buffer.truncate(start);
                return Err(SourceError::io(shown(), &error.into()));
            }
        }
        // As in `stream`.
        let total = buffer.len().saturating_sub(start);
        if total > 0 && u64::try_from(total).is_ok_and(|total| total == length) {
            return Ok(has_attributes);
        }
    }
}
