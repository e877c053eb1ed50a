//! The contents of a regular file: mapped when large, read when small, streamed for hashing.
//!
//! Files are opened without following a link in the last component and without waiting (a pipe that took
//! the place of a file cannot hang us), and are used only if the open file is a regular one.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::ops::Deref;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use memmap2::Mmap;

use super::{Limits, SourceError};

/// `O_NONBLOCK | O_NOFOLLOW` as the system's C headers define them.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "aarch64", target_arch = "arm", target_arch = "powerpc64")
))]
const OPEN_FLAGS: i32 = 0o4_000 | 0o100_000;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "x86", target_arch = "riscv64")
))]
const OPEN_FLAGS: i32 = 0o4_000 | 0o400_000;
#[cfg(target_os = "macos")]
const OPEN_FLAGS: i32 = 0x4 | 0x100;
#[cfg(not(any(
    target_os = "macos",
    all(
        target_os = "linux",
        any(
            target_arch = "aarch64",
            target_arch = "arm",
            target_arch = "powerpc64",
            target_arch = "x86_64",
            target_arch = "x86",
            target_arch = "riscv64"
        )
    )
)))]
const OPEN_FLAGS: i32 = 0;

/// The contents of one file.
#[derive(Debug)]
pub struct Bytes(Storage);

/// Where the bytes are.
#[derive(Debug)]
enum Storage {
    /// In a private read-only mapping.
    Mapped(Mmap),
    /// In memory.
    Owned(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Storage::Mapped(map) => map,
            Storage::Owned(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Storage::Owned(bytes))
    }
}

/// The path of a file for messages, made only when there is one: most files are read without any.
pub(super) type Shown<'a> = &'a dyn Fn() -> String;

/// Opens a regular file and gives its present length.
fn open(path: &Path, shown: Shown<'_>) -> Result<(File, u64), SourceError> {
    let wrap = |error: io::Error| SourceError::io(shown(), &error);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OPEN_FLAGS)
        .open(path)
        .map_err(wrap)?;
    let metadata = file.metadata().map_err(wrap)?;
    if !metadata.is_file() {
        return Err(SourceError::NotRegular { path: shown() });
    }
    Ok((file, metadata.len()))
}

/// The whole file, mapped from `limits.map_from` bytes up.
pub(super) fn whole(path: &Path, shown: Shown<'_>, limits: &Limits) -> Result<Bytes, SourceError> {
    let (file, length) = open(path, shown)?;
    if length < limits.map_from {
        return read(&file, shown, limits.map_from).map(Bytes::from);
    }
    // SAFETY: the mapping is read-only and private, and `Bytes` hands it out only as `&[u8]` that cannot outlive
    // it. The memory behind it could change only if another process wrote to the file while it is verified; then
    // the reader sees changed bytes (all readers check every bound against the fixed length of the slice, so a
    // change cannot lead them outside it), and if the file is cut short the process ends with a bus error.
    // Inputs are expected to be at rest; this is the usual contract of a mapped file.
    let map = unsafe { Mmap::map(&file) };
    map.map(|map| Bytes(Storage::Mapped(map)))
        .map_err(|error| SourceError::io(shown(), &error))
}

/// The whole file, if it has at most `limit` bytes.
pub(super) fn small(path: &Path, shown: Shown<'_>, limit: u64) -> Result<Vec<u8>, SourceError> {
    let (file, _) = open(path, shown)?;
    read(&file, shown, limit)
}

/// Reads to the end, but not beyond `limit` bytes.
fn read(file: &File, shown: Shown<'_>, limit: u64) -> Result<Vec<u8>, SourceError> {
    let mut bytes = Vec::new();
    let mut limited = file.take(limit.saturating_add(1));
    limited
        .read_to_end(&mut bytes)
        .map_err(|error| SourceError::io(shown(), &error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(SourceError::TooLarge { path: shown(), limit })
    }
}

/// The first `count` bytes.
pub(super) fn head(path: &Path, shown: Shown<'_>, count: usize) -> Result<Vec<u8>, SourceError> {
    let (file, _) = open(path, shown)?;
    let mut bytes = Vec::new();
    let mut limited = file.take(u64::try_from(count).unwrap_or(u64::MAX));
    limited
        .read_to_end(&mut bytes)
        .map_err(|error| SourceError::io(shown(), &error))?;
    Ok(bytes)
}

/// Streams the file through a buffer of `chunk` bytes and gives its length.
pub(super) fn stream(
    path: &Path,
    shown: Shown<'_>,
    chunk: usize,
    visit: &mut dyn FnMut(&[u8]),
) -> Result<u64, SourceError> {
    let (mut file, length) = open(path, shown)?;
    let wanted = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(1);
    let mut buffer = vec![0; chunk.min(wanted).max(1)];
    let mut total = 0_u64;
    loop {
        let count = match file.read(&mut buffer) {
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
