//! Goes through one archive and the archives in it, and asks every Mach-O file who signed it.
//!
//! Only what begins like code or an archive is unpacked, in memory and within three budgets: members, bytes in all, and bytes
//! at once. What is in Electron's archives is asked for code only, since the notary service does not open them.

use std::sync::Arc;

use super::archive_facts::{ArchiveEvidence, ArchivedCode, ArchivedName, Reason, UnreadMember};
use super::archived_code::signature_of;
use crate::budget::{Budget, OverBudget};
use crate::container::{
    ArchiveFormat, Asar, AsarError, Inflater, MemberError, Stream, StreamError, Tar, TarError, Zip, ZipError,
    is_tar,
};
use crate::limits::{ARCHIVE_DEPTH, Limits};
use crate::macho::{command_bytes, is_macho};

/// Steps of finding out what a member is: its first bytes are inflated.
const PER_MEMBER: u64 = 64;
/// Bytes of a member that say what it is.
const HEAD: u64 = 8;
/// Bytes that say whether it is a tar archive.
const TAR_HEAD: u64 = 512;

/// What a member is, by its name and its first bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content {
    Code,
    Archive(ArchiveFormat),
}

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

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// The numbers of the members in which something is to be looked for; what is encrypted or cannot be read goes into `found`.
pub(super) fn heads(
    zip: &Zip<'_>,
    within: &Arc<[String]>,
    inflater: &mut Inflater,
    found: &mut ArchiveEvidence,
    item: &Budget,
) -> Vec<(usize, Content)> {
    let mut members = Vec::new();
    for (number, member) in zip.members.iter().enumerate() {
        let kept = size_of::<UnreadMember>().saturating_add(member.name.len());
        if item.step(PER_MEMBER).and_then(|()| item.retain(kept)).is_err() {
            break;
        }
        if member.is_directory() {
            continue;
        }
        let name = || ArchivedName {
            within: within.clone(),
            name: member.text(),
        };
        if member.is_encrypted() {
            found.encrypted.push(name());
            continue;
        }
        match zip.head(member, inflater) {
            Ok(head) => {
                let content = Content::of(member.name, &head);
                members.extend(content.map(|content| (number, content)));
            }
            Err(error) => found.unread.push(UnreadMember {
                name: name(),
                format: ArchiveFormat::Zip,
                reason: error.to_string(),
                limit: None,
            }),
        }
    }
    members
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
    inflater: Inflater,
    found: ArchiveEvidence,
}

impl<'l> Walk<'l> {
    pub(super) fn new(found: ArchiveEvidence, budget: u64, limits: &'l Limits, item: &'l Budget) -> Self {
        Self {
            limits,
            item,
            budget,
            members: limits.archive_members,
            inflater: Inflater::default(),
            found,
        }
    }

    /// What was found, and what is left of the budget.
    pub(super) fn end(self) -> (ArchiveEvidence, u64) {
        (self.found, self.budget)
    }

    fn outermost(&self) -> Place {
        Place {
            within: Arc::default(),
            format: self.found.format,
            held: 0,
        }
    }

    /// Looks into all of the archive, which is `bytes`.
    pub(super) fn whole(&mut self, bytes: &[u8]) {
        self.open(bytes, &self.outermost());
    }

    /// Looks into these members of the archive in ZIP form which is `bytes`, and whose other members were looked at.
    pub(super) fn zip_members(&mut self, bytes: &[u8], members: &[(usize, Content)]) {
        if let Ok(zip) = Zip::parse(bytes, self.members) {
            self.count(&zip);
            self.unpack(&zip, members, &self.outermost());
        }
    }

    fn open(&mut self, bytes: &[u8], place: &Place) {
        match place.format {
            ArchiveFormat::Zip => self.zip(bytes, place),
            ArchiveFormat::Tar if is_tar(bytes) => {
                let stream = Stream::plain(bytes, self.budget);
                self.tar(Tar::new(stream), place);
            }
            ArchiveFormat::Gzip => {
                if let Err(error) = self.gzip(bytes, place) {
                    self.unread(place.own(), place, stream_reason(error));
                }
            }
            ArchiveFormat::Asar => self.asar(bytes, place),
            // Called tar only; what is not opened was never unpacked.
            ArchiveFormat::Tar | ArchiveFormat::Unread(_) => {}
        }
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

    fn too_large(&self, size: u64, place: &Place) -> Reason {
        self.limit(place, &format!("its {size} bytes are"))
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
                self.open(bytes, &inner);
            }
        }
    }

    fn too_many(&self) -> ZipError {
        ZipError::TooMany {
            limit: self.limits.archive_members,
        }
    }

    fn count(&mut self, zip: &Zip<'_>) {
        let members = u64::try_from(zip.members.len()).unwrap_or(u64::MAX);
        self.members = self.members.saturating_sub(members);
    }

    fn zip(&mut self, bytes: &[u8], place: &Place) {
        let zip = match Zip::parse(bytes, self.members) {
            Ok(zip) => zip,
            Err(error) => {
                let error = match error {
                    ZipError::TooMany { .. } => self.too_many(),
                    other => other,
                };
                return self.unread(place.own(), place, error);
            }
        };
        self.count(&zip);
        let members = heads(
            &zip,
            &place.within,
            &mut self.inflater,
            &mut self.found,
            self.item,
        );
        self.unpack(&zip, &members, place);
    }

    fn unpack(&mut self, zip: &Zip<'_>, members: &[(usize, Content)], place: &Place) {
        for (number, content) in members {
            let Some(member) = zip.members.get(*number) else {
                continue;
            };
            if let Some(reason) = Self::refusal(*content, place) {
                self.unread(place.member(member.text()), place, reason);
                continue;
            }
            if self.item.hash(member.unpacked_at_most()).is_err() {
                return;
            }
            let room = self.room(place);
            let contents = zip.contents(member, &mut self.inflater, room);
            let reason = match &contents {
                Err(MemberError::TooLarge { size }) => self.too_large(*size, place),
                Err(error) => error.to_string().into(),
                Ok(_) => String::new().into(),
            };
            // A member counts with the size that it claims, also where that turns out to be wrong.
            if !matches!(contents, Err(MemberError::TooLarge { .. })) {
                self.budget = self.budget.saturating_sub(member.size);
            }
            match contents {
                Ok(bytes) => self.take(*content, member.text(), &bytes, place),
                Err(_) => self.unread(place.member(member.text()), place, reason),
            }
        }
    }

    /// One file or a tar archive.
    fn gzip(&mut self, bytes: &[u8], place: &Place) -> Result<(), StreamError> {
        let mut head = Vec::new();
        let mut stream = Stream::gzip(bytes, self.budget)?.charged(self.item);
        stream.read(TAR_HEAD.min(self.budget), &mut head)?;
        if is_tar(&head) {
            let again = Stream::gzip(bytes, self.budget)?.charged(self.item);
            self.tar(Tar::new(again), place);
            return Ok(());
        }
        self.budget = *stream.budget();
        let archive = place.within.last().unwrap_or(&self.found.path);
        let name = archive.rsplit('/').next().unwrap_or_default();
        let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned();
        let Some(content) = Content::of(name.as_bytes(), &head) else {
            return Ok(());
        };
        if let Some(reason) = Self::refusal(content, place) {
            self.unread(place.member(name), place, reason);
            return Ok(());
        }
        let over = self.limit(place, "it is");
        let room = self.room(place).saturating_sub(length(&head));
        let end = stream.read_to_end(room, &mut head);
        self.budget = *stream.budget();
        match end {
            Err(StreamError::TooLarge) => self.unread(place.member(name), place, over),
            end => {
                end?;
                self.take(content, name, &head, place);
            }
        }
        Ok(())
    }

    /// Pays for one member with a name of so many bytes.
    fn pay(&self, name: usize) -> Result<(), OverBudget> {
        let kept = size_of::<UnreadMember>().saturating_add(name);
        self.item.step(PER_MEMBER).and_then(|()| self.item.retain(kept))
    }

    fn tar(&mut self, mut tar: Tar<'_>, place: &Place) {
        let end = self.tar_members(&mut tar, place);
        self.budget = *tar.budget();
        if let Err(reason) = end {
            self.unread(place.own(), place, reason);
        }
    }

    /// Looks into every member of a tar archive, or says why not.
    fn tar_members(&mut self, tar: &mut Tar<'_>, place: &Place) -> Result<(), Reason> {
        let mut bytes = Vec::new();
        while let Some(member) = tar.next_member().map_err(tar_reason)? {
            if self.pay(member.name.len()).is_err() {
                return Ok(());
            }
            self.members = self.members.checked_sub(1).ok_or_else(|| self.too_many())?;
            if !member.is_file || member.size == 0 {
                continue;
            }
            if member.is_sparse {
                let reason = "it is stored as a sparse file, which is not put together".to_owned();
                self.unread(place.member(text(&member.name)), place, reason);
                continue;
            }
            bytes.clear();
            tar.read(HEAD, &mut bytes).map_err(tar_reason)?;
            let Some(content) = Content::of(&member.name, &bytes) else {
                continue;
            };
            self.budget = *tar.budget();
            let refusal = Self::refusal(content, place);
            let refusal = refusal
                .or_else(|| (member.size > self.room(place)).then(|| self.too_large(member.size, place)));
            if let Some(reason) = refusal {
                self.unread(place.member(text(&member.name)), place, reason);
                continue;
            }
            tar.read(member.size, &mut bytes).map_err(tar_reason)?;
            self.budget = *tar.budget();
            self.take(content, text(&member.name), &bytes, place);
            *tar.budget() = self.budget;
        }
        Ok(())
    }

    fn asar(&mut self, bytes: &[u8], place: &Place) {
        let asar = match Asar::parse(bytes, self.members) {
            Ok(asar) => asar,
            Err(error) => {
                let is_limit = matches!(error, AsarError::TooMany { .. });
                let limit = is_limit.then_some("archive-members");
                let text = error.to_string();
                return self.unread(place.own(), place, Reason { text, limit });
            }
        };
        let members = u64::try_from(asar.members.len()).unwrap_or(u64::MAX);
        self.members = self.members.saturating_sub(members);
        for member in &asar.members {
            if self.pay(member.name.len()).is_err() {
                return;
            }
            match asar.contents(member) {
                // Members may share their bytes, which are read for each of them.
                Some(contents) if is_macho(contents) => match self.budget.checked_sub(length(contents)) {
                    Some(left) => {
                        self.budget = left;
                        self.take(Content::Code, member.name.clone(), contents, place);
                    }
                    None => {
                        let limit = self.limits.archive_bytes;
                        let reason = format!(
                            "its {} bytes are over the limit of {limit} bytes for code in archives (archive-bytes)",
                            contents.len()
                        );
                        let reason = Reason::limit(reason, "archive-bytes");
                        self.unread(place.member(member.name.clone()), place, reason);
                    }
                },
                Some(_) => {}
                None => {
                    let reason = "it is not where the directory says".to_owned();
                    self.unread(place.member(member.name.clone()), place, reason);
                }
            }
        }
    }
}

fn stream_reason(error: StreamError) -> Reason {
    match error {
        StreamError::TooLarge => Reason::limit(format!("{error} (archive-bytes)"), "archive-bytes"),
        StreamError::Gzip(_) | StreamError::Spent => error.to_string().into(),
    }
}

fn tar_reason(error: TarError) -> Reason {
    match error {
        TarError::Stream(error) => stream_reason(error),
        other => other.to_string().into(),
    }
}
