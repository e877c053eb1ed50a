//! Files that the program itself reads and writes: configuration, baselines, tickets, certificates, requirements,
//! detached signatures, profiles; reports and baselines.
//!
//! A name may belong to a FIFO, which blocks whoever opens it, or to a device without end. Files are opened without
//! blocking, only regular files are read, and no more of one than a budget. `/dev/null` is an empty file, as everywhere.
//!
//! A file is written beside its place and renamed when it is complete, so that an interrupted run leaves no file that
//! reads as a whole one.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
#[cfg(unix)]
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Names that are tried for a file beside another one.
const NAMES: u32 = 100;

/// Why a file cannot be read.
#[derive(Debug, Error)]
pub(super) enum InputError {
    /// The system says why.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("cannot be read: it is {0}, not a file")]
    NotAFile(&'static str),
    /// It has more bytes than this.
    #[error("cannot be read: it is larger than {0} bytes")]
    TooLarge(u64),
}

/// Opens a regular file for reading.
///
/// # Errors
/// [`InputError`], at once, whatever the name belongs to.
pub(super) fn open(path: &Path) -> Result<File, InputError> {
    let mut options = OpenOptions::new();
    // Without O_NONBLOCK, a FIFO waits for a writer; a terminal must not become the one that controls the process.
    #[cfg(unix)]
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.read(true).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() || is_null(&metadata) {
        return Ok(file);
    }
    Err(InputError::NotAFile(if metadata.is_dir() {
        "a folder"
    } else {
        special(&metadata)
    }))
}

/// What it is, if it is neither a file nor a folder.
fn special(metadata: &Metadata) -> &'static str {
    #[cfg(unix)]
    if metadata.file_type().is_fifo() {
        return "a FIFO";
    } else if metadata.file_type().is_socket() {
        return "a socket";
    }
    #[cfg(not(unix))]
    let _ = metadata;
    "a device"
}

#[cfg(not(unix))]
fn is_null(_: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn is_null(metadata: &Metadata) -> bool {
    metadata.file_type().is_char_device()
        && fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == metadata.rdev())
}

/// Reads a regular file with at most this many bytes.
///
/// # Errors
/// See [`InputError`].
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, InputError> {
    read_from(open(path)?, limit)
}

/// Reads at most this many bytes, which must be all.
///
/// # Errors
/// See [`InputError`].
pub(super) fn read_from(source: impl Read, limit: u64) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    source.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= limit => Ok(bytes),
        _ => Err(InputError::TooLarge(limit)),
    }
}

/// A file that is written beside its place; without [`Pending::complete`], it is removed.
#[derive(Debug)]
pub(super) struct Pending {
    file: File,
    temporary: PathBuf,
    place: PathBuf,
    is_complete: bool,
}

impl Pending {
    /// Begins a report. An old one is removed at once, since it would read as that of this run if this one is
    /// interrupted. What is not a regular file, such as a FIFO or a link, and folders that take no new file, are written
    /// in place.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn report(path: &Path) -> io::Result<(File, Option<Self>)> {
        let is_file = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata.is_file(),
            Err(_) => true,
        };
        if is_file && let Ok(pending) = Self::beside(path) {
            let file = pending.file.try_clone()?;
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {}
                _ => return Ok((file, Some(pending))),
            }
        }
        Ok((File::create(path)?, None))
    }

    /// Creates a file beside this one, with its mode.
    fn beside(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut attempt = 0;
        let (temporary, file) = loop {
            let mut temporary = OsString::from(".");
            temporary.push(name);
            temporary.push(format!(".{}.{attempt}.part", std::process::id()));
            let temporary = path.with_file_name(temporary);
            match OpenOptions::new().write(true).create_new(true).open(&temporary) {
                Ok(file) => break (temporary, file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < NAMES => {
                    attempt = attempt.saturating_add(1);
                }
                Err(error) => return Err(error),
            }
        };
        let pending = Self {
            file,
            temporary,
            place: path.to_owned(),
            is_complete: false,
        };
        if let Ok(metadata) = fs::metadata(path) {
            pending.file.set_permissions(metadata.permissions())?;
        }
        Ok(pending)
    }

    /// Gives the file its name, once the system has all of its bytes.
    ///
    /// # Errors
    /// Those of the system; then there is no file.
    pub(super) fn complete(mut self) -> io::Result<()> {
        // Some file systems tell only now that there is no room.
        self.file.sync_data()?;
        fs::rename(&self.temporary, &self.place)?;
        self.is_complete = true;
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.is_complete {
            // Its name says that it is not the report.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Writes a file with these bytes, or leaves the old one as it was.
///
/// # Errors
/// Those of the system.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let is_file = fs::symlink_metadata(path).map_or(true, |metadata| metadata.is_file());
    if !is_file {
        return File::create(path)?.write_all(bytes);
    }
    match Pending::beside(path) {
        Ok(mut pending) => {
            pending.file.write_all(bytes)?;
            pending.complete()
        }
        Err(_) => File::create(path)?.write_all(bytes),
    }
}
