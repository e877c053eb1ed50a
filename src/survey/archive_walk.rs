//! Goes through one archive and the archives in it, whatever their formats, and asks every Mach-O file who signed it.
//!
//! Only what begins like code or an archive is unpacked, in memory and within three budgets: members, bytes in all, and bytes
//! at once. What is in Electron's archives is asked for code only, since the notary service does not open them.

use std::borrow::Cow;
use std::sync::Arc;

use super::archive_facts::{ArchiveEvidence, ArchivedCode, ArchivedName, Reason, UnreadMember};
use super::archived_code::signature_of;
use crate::budget::{Budget, OverBudget};
use crate::container::{Allowance, ArchiveFormat, Entry, EntryState, Members, Unreadable};
use crate::limits::{ARCHIVE_DEPTH, Limits};
use crate::macho::{command_bytes, is_macho};
use crate::source::placing::shown;

/// Steps of finding out what a member is: its first bytes are inflated.
const PER_MEMBER: u64 = 64;

/// What a member is, by its name and its first bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content {
    Code,
    Archive(ArchiveFormat),
}

/// The number of a member, and what it is.
pub(super) type Wanted = (usize, Content);

impl Content {
    fn of(name: &[u8], head: &[u8]) -> Option<Self> {
        if is_macho(head) {
            return Some(Self::Code);
        }
        ArchiveFormat::of(name, head).map(Self::Archive)
    }
}

/// An archive that is looked into.
struct Place {
    /// The archives on the way, with itself; empty for the outermost one.
    within: Arc<[String]>,
    format: ArchiveFormat,
    /// Bytes in memory of it and of those around it.
    held: u64,
}

impl Place {
    fn member(&self, name: impl Into<String>) -> ArchivedName {
        ArchivedName {
            within: self.within.clone(),
            name: name.into(),
        }
    }

    /// The archive itself.
    fn own(&self) -> ArchivedName {
        match self.within.split_last() {
            Some((name, within)) => ArchivedName {
                within: within.into(),
                name: name.clone(),
            },
            None => ArchivedName::default(),
        }
    }
}

/// Bytes that there are, or as many as can be counted.
fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Pays for one member with a name of so many bytes.
fn pay(item: &Budget, name: usize) -> Result<(), OverBudget> {
    let kept = size_of::<UnreadMember>().saturating_add(name);
    item.step(PER_MEMBER).and_then(|()| item.retain(kept))
}

/// The numbers of the members of an outermost archive in which something is to be looked for; what is encrypted or cannot be read goes
/// into `found`.
pub(super) fn heads(members: &mut dyn Members, found: &mut ArchiveEvidence, item: &Budget) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    // Beginnings alone cost nothing of it.
    let mut bytes = 0;
    for number in 0_usize.. {
        let Ok(Some(entry)) = members.next(&mut bytes) else {
            break;
        };
        if pay(item, entry.name.len()).is_err() {
            break;
        }
        let name = || ArchivedName {
            within: Arc::default(),
            name: shown(&entry.name),
        };
        match entry.state {
            EntryState::Nothing => continue,
            EntryState::Encrypted => {
                found.encrypted.push(name());
                continue;
            }
            EntryState::Unread(_) | EntryState::File => {}
        }
        match members.head(&mut bytes) {
            Ok(head) => {
                let content = Content::of(&entry.name, &head);
                wanted.extend(content.map(|content| (number, content)));
            }
            Err(Unreadable::Member(failure) | Unreadable::Archive(failure)) => {
                let Reason { text, limit } = failure.into();
                found.unread.push(UnreadMember {
                    name: name(),
                    format: found.format,
                    reason: text,
                    limit,
                });
            }
            // Only contents are too large.
            Err(Unreadable::TooLarge(_)) => {}
        }
    }
    wanted
}

/// The way through one archive of the item.
pub(super) struct Walk<'l> {
    limits: &'l Limits,
    /// The budget of the item.
    item: &'l Budget,
    /// Bytes that may still be unpacked.
    budget: u64,
    /// Members that may still be looked at.
    members: u64,
    found: ArchiveEvidence,
}

impl<'l> Walk<'l> {
    pub(super) fn new(found: ArchiveEvidence, budget: u64, limits: &'l Limits, item: &'l Budget) -> Self {
        Self {
            limits,
            item,
            budget,
            members: limits.archive_members,
            found,
        }
    }

    /// What was found, and what is left of the budget.
    pub(super) fn end(self) -> (ArchiveEvidence, u64) {
        (self.found, self.budget)
    }

    /// Looks into the archive, which is `bytes`: into these members if they are known, because the others were looked at, and into all
    /// otherwise.
    pub(super) fn outermost(&mut self, bytes: &[u8], known: Option<&[Wanted]>) {
        let place = Place {
            within: Arc::default(),
            format: self.found.format,
            held: 0,
        };
        self.open(bytes, &place, known);
    }

    fn open(&mut self, bytes: &[u8], place: &Place, known: Option<&[Wanted]>) {
        let Some(reader) = place.format.reader() else {
            return;
        };
        let name = place.within.last().unwrap_or(&self.found.path);
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        let allowance = Allowance {
            name: &name,
            members: self.members,
            bytes: self.budget,
            item: self.item,
        };
        let mut members = match reader.open(bytes, &allowance) {
            Ok(members) => members,
            Err(failure) => {
                let reason = match failure.limit {
                    Some("archive-members") => self.too_many(place.format),
                    _ => failure.into(),
                };
                return self.unread(place.own(), place, reason);
            }
        };
        let end = match known {
            Some(known) => self.known(&mut *members, known, place),
            None => self.all(&mut *members, reader.has_archives, place),
        };
        if let Err(reason) = end {
            self.unread(place.own(), place, reason);
        }
    }

    /// Looks into members whose beginnings were read; the archive was paid for.
    fn known(&mut self, members: &mut dyn Members, known: &[Wanted], place: &Place) -> Result<(), Reason> {
        let mut known = known.iter().peekable();
        for number in 0_usize.. {
            let Some((wanted, content)) = known.peek() else {
                break;
            };
            let Some(entry) = members.next(&mut self.budget)? else {
                break;
            };
            self.members = self.members.saturating_sub(1);
            if *wanted == number {
                self.member(members, &entry, *content, place)?;
                known.next();
            }
        }
        Ok(())
    }

    /// Looks into every member, or says why not.
    fn all(&mut self, members: &mut dyn Members, has_archives: bool, place: &Place) -> Result<(), Reason> {
        while let Some(entry) = members.next(&mut self.budget)? {
            if pay(self.item, entry.name.len()).is_err() {
                return Ok(());
            }
            let left = self.members.checked_sub(1);
            self.members = left.ok_or_else(|| self.too_many(place.format))?;
            match entry.state {
                EntryState::Nothing => continue,
                EntryState::Encrypted => {
                    self.found.encrypted.push(place.member(shown(&entry.name)));
                    continue;
                }
                EntryState::Unread(reason) => {
                    self.unread(place.member(shown(&entry.name)), place, reason.to_owned());
                    continue;
                }
                EntryState::File => {}
            }
            let head = match members.head(&mut self.budget) {
                Ok(head) => head,
                Err(error) => {
                    self.failed(error, &entry, place)?;
                    continue;
                }
            };
            match Content::of(&entry.name, &head) {
                Some(Content::Archive(_)) if !has_archives => {}
                Some(content) => self.member(members, &entry, content, place)?,
                None => {}
            }
        }
        Ok(())
    }

    /// Looks into the present member.
    fn member(
        &mut self,
        members: &mut dyn Members,
        entry: &Entry,
        content: Content,
        place: &Place,
    ) -> Result<(), Reason> {
        if let Some(reason) = Self::refusal(content, place) {
            self.unread(place.member(shown(&entry.name)), place, reason);
            return Ok(());
        }
        if self.item.hash(members.cost()).is_err() {
            return Ok(());
        }
        let room = self.room(place);
        match members.contents(room, &mut self.budget) {
            Ok(contents) => {
                let contents: Cow<'_, [u8]> = contents;
                self.take(content, shown(&entry.name), &contents, place);
                Ok(())
            }
            Err(error) => self.failed(error, entry, place),
        }
    }

    /// Says why a member is not read; an error where the archive cannot be read on.
    fn failed(&mut self, error: Unreadable, entry: &Entry, place: &Place) -> Result<(), Reason> {
        let reason = match error {
            Unreadable::Archive(failure) => return Err(failure.into()),
            Unreadable::Member(failure) => failure.into(),
            Unreadable::TooLarge(Some(size)) => self.limit(place, &format!("its {size} bytes are")),
            Unreadable::TooLarge(None) => self.limit(place, "it is"),
        };
        self.unread(place.member(shown(&entry.name)), place, reason);
        Ok(())
    }

    fn unread(&mut self, name: ArchivedName, place: &Place, reason: impl Into<Reason>) {
        let Reason { text, limit } = reason.into();
        self.found.unread.push(UnreadMember {
            name,
            format: place.format,
            reason: text,
            limit,
        });
    }

    /// Bytes that may be unpacked at once.
    fn room(&self, place: &Place) -> u64 {
        let memory = self.limits.archive_memory.saturating_sub(place.held);
        self.budget.min(memory)
    }

    /// The budget that is used up first.
    fn limit(&self, place: &Place, subject: &str) -> Reason {
        let (limit, what, name) = if self.room(place) == self.budget {
            let limit = self.limits.archive_bytes;
            (limit, "all that is unpacked from archives", "archive-bytes")
        } else {
            let limit = self.limits.archive_memory;
            (limit, "what is unpacked at once", "archive-memory")
        };
        let text = format!("{subject} over the limit of {limit} bytes for {what} ({name})");
        Reason::limit(text, name)
    }

    /// There are more members than may be looked at, here or in all archives so far.
    fn too_many(&self, format: ArchiveFormat) -> Reason {
        let limit = self.limits.archive_members;
        let what = match format {
            ArchiveFormat::Asar => "it",
            _ => "the archive",
        };
        let text = format!("{what} has more than {limit} members (archive-members)");
        Reason::limit(text, "archive-members")
    }

    /// Why something is not unpacked, whatever its size.
    fn refusal(content: Content, place: &Place) -> Option<Reason> {
        let Content::Archive(format) = content else {
            return None;
        };
        if let ArchiveFormat::Unread(what) = format {
            return Some(format!("it is {what}, which is not opened").into());
        }
        // With the outermost archive and itself.
        let depth = place.within.len().saturating_add(2);
        (depth > ARCHIVE_DEPTH).then(|| {
            let text = format!("it is an archive in {ARCHIVE_DEPTH} archives, which is not opened");
            Reason::limit(text, "archive-depth")
        })
    }

    /// Looks into what was unpacked.
    fn take(&mut self, content: Content, name: String, bytes: &[u8], place: &Place) {
        if self.item.step(command_bytes(bytes) / 8).is_err() {
            return;
        }
        match content {
            Content::Code => match signature_of(bytes) {
                Ok(Some(signed)) => self.found.code.push(ArchivedCode {
                    name: place.member(name),
                    format: place.format,
                    signed,
                }),
                // Object files and debug symbols are not asked for a signature.
                Ok(None) => {}
                Err(reason) => self.unread(place.member(name), place, reason),
            },
            Content::Archive(format) => {
                let within = place.within.iter().cloned().chain([name]).collect();
                let inner = Place {
                    within,
                    format,
                    held: place.held.saturating_add(length(bytes)),
                };
                self.open(bytes, &inner, None);
            }
        }
    }
}
