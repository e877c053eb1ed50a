//! An archive on disk: its members by their paths, so that each of many items in it costs what is in the item.
//!
//! Made once and used for all items of a run ([`Archives`]).

use std::cmp::Ordering;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::CWD;

use super::bytes::{self, Place};
use super::{Bytes, ContainerFault, ContainerFaultKind, SourceError};
use crate::archive::{Member, Zip, is_zip};
use crate::limits::Limits;

/// The folder at the root in which Archive Utility keeps attributes.
pub(super) const COMPANIONS: &[u8] = b"__MACOSX";

/// An archive in ZIP form.
#[derive(Debug)]
pub struct Archive {
    pub(super) path: String,
    pub(super) data: Bytes,
    limits: Limits,
    /// Sorted by path, then as they stand in the archive.
    members: Vec<Indexed>,
    /// What is unusual about the archive as a whole, and members that lie nowhere.
    pub(super) faults: Vec<ContainerFault>,
}

/// A member with a path that can be used.
#[derive(Debug)]
pub(super) struct Indexed {
    /// Its parts with one `/` between them.
    path: Box<[u8]>,
    /// As it is written.
    name: Box<[u8]>,
    /// Its place in the directory.
    number: usize,
    member: Member<'static>,
}

impl Indexed {
    pub(super) fn parts(&self) -> Vec<&[u8]> {
        self.path.split(|byte| *byte == b'/').collect()
    }

    pub(super) fn member(&self) -> Member<'_> {
        self.member.named(&self.name)
    }
}

/// The path that a name stands for, or nothing where it is none that can be put anywhere.
fn path_of(name: &[u8]) -> Option<Box<[u8]>> {
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let parts = name.split(|byte| *byte == b'/').filter(|part| *part != b".");
    let parts: Vec<_> = parts.collect();
    let is_good = |part: &&[u8]| !part.is_empty() && **part != *b".." && !part.contains(&0);
    (!parts.is_empty() && parts.iter().all(is_good)).then(|| parts.join(&b'/').into())
}

impl Archive {
    /// Whether a file is an archive that can be entered.
    #[must_use]
    pub fn is_one(path: &Path) -> bool {
        let shown = || path.to_string_lossy().into_owned();
        // Links are followed here, as for every operand.
        let Ok(real) = path.canonicalize() else {
            return false;
        };
        let place = Place {
            directory: CWD,
            path: &real,
        };
        bytes::head(place, &shown, 4).is_ok_and(|head| is_zip(&head))
    }

    /// The archive that a path leads into, and the path in it.
    #[must_use]
    pub fn around(path: &Path) -> Option<(&Path, &Path)> {
        let archive = path.ancestors().skip(1).find(|ancestor| ancestor.is_file())?;
        let inner = path.strip_prefix(archive).ok()?;
        Self::is_one(archive).then_some((archive, inner))
    }

    /// Reads the directory of an archive.
    ///
    /// # Errors
    /// [`SourceError`] where it cannot be read.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, SourceError> {
        let name = path.to_string_lossy().into_owned();
        let shown = || name.clone();
        let real = path
            .canonicalize()
            .map_err(|error| SourceError::io(shown(), &error))?;
        let place = Place {
            directory: CWD,
            path: &real,
        };
        Self::of(bytes::whole(place, &shown, limits)?, path, limits)
    }

    /// The same of one that was read already, and is called `path`.
    ///
    /// # Errors
    /// [`SourceError`] where it is none.
    pub fn of(data: Bytes, path: &Path, limits: &Limits) -> Result<Self, SourceError> {
        let path = path.to_string_lossy().into_owned();
        let zip = match Zip::parse(&data, limits.archive_members) {
            Ok(zip) => zip,
            Err(error) => return Err(SourceError::Archive { path, error }),
        };
        let mut faults = Vec::new();
        for (is_there, kind) in [
            (zip.leading > 0, ContainerFaultKind::Leading),
            (zip.trailing > 0, ContainerFaultKind::Trailing),
        ] {
            if is_there {
                faults.push(ContainerFault { member: None, kind });
            }
        }
        let mut members = Vec::with_capacity(zip.members.len());
        for (number, member) in zip.members.iter().enumerate() {
            match path_of(member.name) {
                Some(path) => members.push(Indexed {
                    path,
                    name: member.name.into(),
                    number,
                    member: member.named(&[]),
                }),
                None => faults.push(ContainerFault {
                    member: Some(member.text()),
                    kind: ContainerFaultKind::Name,
                }),
            }
        }
        members.sort_by(|one, other| (&one.path, one.number).cmp(&(&other.path, other.number)));
        Ok(Self {
            path,
            limits: limits.clone(),
            data,
            members,
            faults,
        })
    }

    fn range(&self, order: impl Fn(&[u8]) -> Ordering) -> Range<usize> {
        let start = self
            .members
            .partition_point(|member| order(&member.path) == Ordering::Less);
        let end = self
            .members
            .partition_point(|member| order(&member.path) != Ordering::Greater);
        start..end
    }

    /// What lies at a path and below it, in the order of the archive; everything, where the path is empty.
    pub(super) fn at(&self, path: &[u8]) -> Vec<&Indexed> {
        let below = [path, b"/"].concat();
        let start_of = |found: &[u8]| found.get(..below.len()).unwrap_or(found).cmp(below.as_slice());
        let ranges = match path {
            [] => [0..self.members.len(), 0..0],
            _ => [self.range(|found| found.cmp(path)), self.range(start_of)],
        };
        let mut found: Vec<_> = ranges
            .into_iter()
            .filter_map(|range| self.members.get(range))
            .flatten()
            .collect();
        found.sort_by_key(|member| member.number);
        found
    }
}

/// Which file it is, and when it was changed last: device, number, length, seconds and nanoseconds.
type State = (u64, u64, u64, i64, i64);

fn state(path: &Path) -> Option<State> {
    let facts = path.metadata().ok()?;
    Some((
        facts.dev(),
        facts.ino(),
        facts.len(),
        facts.mtime(),
        facts.mtime_nsec(),
    ))
}

/// An archive, and the file that it was read from.
type Opened = (State, Arc<Archive>);

/// The archive that was opened last, for all of its items, as long as the file is the same.
#[derive(Debug, Clone, Default)]
pub struct Archives(Arc<Mutex<Option<Opened>>>);

impl Archives {
    /// An archive, opened now or before.
    ///
    /// # Errors
    /// [`SourceError`] where it cannot be read.
    pub fn open(&self, path: &Path, limits: &Limits) -> Result<Arc<Archive>, SourceError> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = state(path);
        if let (Some((known, archive)), Some(state)) = (last.as_ref(), state)
            && *known == state
            && *archive.path == *path.to_string_lossy()
            && archive.limits == *limits
        {
            return Ok(Arc::clone(archive));
        }
        let archive = Arc::new(Archive::open(path, limits)?);
        *last = state.map(|state| (state, Arc::clone(&archive)));
        Ok(archive)
    }
}
