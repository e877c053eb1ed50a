//! The members of an asar archive for whoever looks through them: in the order of its directory.

use std::borrow::Cow;

use super::{Asar, AsarError, AsarMember, is_asar};
use crate::container::embedded::ArchiveFormat;
use crate::container::members::{Allowance, Entry, EntryState, Failure, Found, Members, Reader, Unreadable};

/// How asar archives are looked through. The notary service does not open them, nor what is in them.
pub(in crate::container) const READER: Reader = Reader {
    format: ArchiveFormat::Asar,
    begins: is_asar,
    has_directory: false,
    has_archives: false,
    open,
};

/// The present member is the one before `next`.
struct AsarMembers<'a> {
    asar: Asar<'a>,
    next: usize,
}

fn open<'a>(archive: &'a [u8], allowance: &Allowance<'a>) -> Found<'a> {
    match Asar::parse(archive, allowance.members) {
        Ok(asar) => Ok(Box::new(AsarMembers { asar, next: 0 })),
        Err(error @ AsarError::TooMany { .. }) => Err(Failure::limit(error, "archive-members")),
        Err(error) => Err(Failure::broken(error)),
    }
}

impl<'a> AsarMembers<'a> {
    fn present(&self) -> Result<&'a [u8], Unreadable> {
        let member = self.next.checked_sub(1).and_then(|at| self.asar.members.get(at));
        let contents = member.and_then(|member: &AsarMember| self.asar.contents(member));
        contents.ok_or_else(|| Unreadable::Member(Failure::broken("it is not where the directory says")))
    }
}

impl Members for AsarMembers<'_> {
    fn next(&mut self, _: &mut u64) -> Result<Option<Entry>, Failure> {
        let Some(member) = self.asar.members.get(self.next) else {
            return Ok(None);
        };
        self.next = self.next.saturating_add(1);
        Ok(Some(Entry {
            name: member.name.clone().into_bytes(),
            state: EntryState::File,
        }))
    }

    fn head(&mut self, _: &mut u64) -> Result<Vec<u8>, Unreadable> {
        let contents = self.present()?;
        Ok(contents.get(..8).unwrap_or(contents).to_vec())
    }

    fn contents(&mut self, _: u64, bytes: &mut u64) -> Result<Cow<'_, [u8]>, Unreadable> {
        let contents = self.present()?;
        let size = u64::try_from(contents.len()).unwrap_or(u64::MAX);
        // Members may share their bytes, which are read for each of them.
        let left = bytes.checked_sub(size).ok_or(Unreadable::TooLarge(Some(size)))?;
        *bytes = left;
        Ok(Cow::Borrowed(contents))
    }
}
