//! The members of archives inside of a product, one after the other, whatever the format: the interface for whoever looks through them
//! and puts nothing anywhere.
//!
//! A format is one folder of `container` and one line in `formats`; which files are tried is in [`ArchiveFormat`].

use std::borrow::Cow;

use super::embedded::ArchiveFormat;
use crate::budget::Budget;

/// The members of an archive, or why there are none.
pub(super) type Found<'a> = Result<Box<dyn Members + 'a>, Failure>;

/// A format, and what reads an archive of it.
pub struct Reader {
    pub(super) format: ArchiveFormat,
    /// Returns true if a file with an archive's name that begins so is one; eight bytes are enough.
    pub(super) begins: fn(&[u8]) -> bool,
    /// True if the beginnings of members can be read without the rest of the archive.
    pub has_directory: bool,
    /// True if archives in it are looked into, as the notary service does.
    pub has_archives: bool,
    pub(super) open: for<'a> fn(&'a [u8], &Allowance<'a>) -> Found<'a>,
}

/// What may be read of an archive, and what it is called.
#[derive(Debug, Clone, Copy)]
pub struct Allowance<'a> {
    /// The archive's name without folders.
    pub name: &'a str,
    /// Members.
    pub members: u64,
    /// Bytes that may be unpacked.
    pub bytes: u64,
    /// The budget of the item.
    pub item: &'a Budget,
}

/// Why something is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why, in words.
    pub reason: String,
    /// The name of the budget that was reached, if that is why.
    pub limit: Option<&'static str>,
    /// True if the file is no archive of the format at all.
    pub is_other: bool,
}

impl Failure {
    /// What was read is broken, or of a kind that is not supported.
    pub(super) fn broken(reason: impl ToString) -> Self {
        Self {
            reason: reason.to_string(),
            limit: None,
            is_other: false,
        }
    }

    /// The budget of this name was reached.
    pub(super) fn limit(reason: impl ToString, name: &'static str) -> Self {
        Self {
            limit: Some(name),
            ..Self::broken(reason)
        }
    }
}

/// Why the contents of a member are not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// They cannot be read.
    Member(Failure),
    /// They are larger than the room for them; their size, where it is known.
    TooLarge(Option<u64>),
    /// The archive cannot be read on.
    Archive(Failure),
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path as stored.
    pub name: Vec<u8>,
    /// What it is.
    pub state: EntryState,
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryState {
    /// A file with contents.
    File,
    /// A folder, a link, or an empty file.
    Nothing,
    /// A file that a password protects.
    Encrypted,
    /// A file that is not put together, for this reason.
    Unread(&'static str),
}

/// The members of an archive. `bytes` is what may still be unpacked of all archives; what is read is taken from it.
pub trait Members {
    /// The next member; `None` at the end.
    ///
    /// # Errors
    /// [`Failure`] where the archive cannot be read on.
    fn next(&mut self, bytes: &mut u64) -> Result<Option<Entry>, Failure>;

    /// The first bytes of the present member: at least eight, fewer if it is shorter, or zeros after them.
    ///
    /// # Errors
    /// [`Unreadable`]
    fn head(&mut self, bytes: &mut u64) -> Result<Vec<u8>, Unreadable>;

    /// Bytes that reading the contents of the present member costs the item, beyond what reading has charged itself.
    fn cost(&self) -> u64 {
        0
    }

    /// All contents of the present member, if they are no more than `room` bytes.
    ///
    /// # Errors
    /// [`Unreadable`]
    fn contents(&mut self, room: u64, bytes: &mut u64) -> Result<Cow<'_, [u8]>, Unreadable>;
}

impl Reader {
    /// Begins to read an archive.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn open<'a>(
        &self,
        archive: &'a [u8],
        allowance: &Allowance<'a>,
    ) -> Result<Box<dyn Members + 'a>, Failure> {
        (self.open)(archive, allowance)
    }
}
