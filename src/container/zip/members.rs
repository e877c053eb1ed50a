//! The members of an archive in ZIP form for whoever looks through them: in the order of the central directory.

use std::borrow::Cow;

use super::{Member, MemberError, Zip, ZipError};
use crate::container::codec::Inflater;
use crate::container::embedded::{ArchiveFormat, is_zip};
use crate::container::members::{Allowance, Entry, EntryState, Failure, Found, Members, Reader, Unreadable};

/// How archives in ZIP form are looked through.
pub(in crate::container) const READER: Reader = Reader {
    format: ArchiveFormat::Zip,
    begins: is_zip,
    has_directory: true,
    has_archives: true,
    open,
};

/// The present member is the one before `next`.
struct ZipMembers<'a> {
    zip: Zip<'a>,
    next: usize,
    inflater: Inflater,
}

fn open<'a>(archive: &'a [u8], allowance: &Allowance<'a>) -> Found<'a> {
    let zip = Zip::parse(archive, allowance.members).map_err(|error| Failure {
        reason: error.to_string(),
        limit: error.budget(),
        is_other: error == ZipError::NoEnd,
    })?;
    Ok(Box::new(ZipMembers {
        zip,
        next: 0,
        inflater: Inflater::default(),
    }))
}

fn unreadable(error: MemberError) -> Unreadable {
    match error {
        MemberError::TooLarge { size } => Unreadable::TooLarge(Some(size)),
        error => Unreadable::Member(Failure::broken(error)),
    }
}

impl<'a> ZipMembers<'a> {
    fn member(&self) -> Result<Member<'a>, Unreadable> {
        let member = self.next.checked_sub(1).and_then(|at| self.zip.members.get(at));
        let missing = || Unreadable::Member(Failure::broken("there is no member"));
        member.copied().ok_or_else(missing)
    }
}

impl Members for ZipMembers<'_> {
    fn next(&mut self, _: &mut u64) -> Result<Option<Entry>, Failure> {
        let Some(member) = self.zip.members.get(self.next) else {
            return Ok(None);
        };
        self.next = self.next.saturating_add(1);
        Ok(Some(Entry {
            name: member.name.to_vec(),
            state: if member.is_directory() {
                EntryState::Nothing
            } else if member.is_encrypted() {
                EntryState::Encrypted
            } else {
                EntryState::File
            },
        }))
    }

    fn head(&mut self, _: &mut u64) -> Result<Vec<u8>, Unreadable> {
        let member = self.member()?;
        let head = self.zip.head(&member, &mut self.inflater);
        head.map(Vec::from).map_err(unreadable)
    }

    fn cost(&self) -> u64 {
        self.member().map_or(0, |member| member.unpacked_at_most())
    }

    fn contents(&mut self, room: u64, bytes: &mut u64) -> Result<Cow<'_, [u8]>, Unreadable> {
        let member = self.member()?;
        let contents = self.zip.contents(&member, &mut self.inflater, room);
        // A member counts with the size that it claims, also where that turns out to be wrong.
        if !matches!(contents, Err(MemberError::TooLarge { .. })) {
            *bytes = bytes.saturating_sub(member.size);
        }
        contents.map(Cow::Owned).map_err(unreadable)
    }
}
