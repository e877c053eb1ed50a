//! An archive on disk: its members by their paths, so that each of many items in it costs what is in the item.
//!
//! Made once and used for all items of a run ([`Archives`]).

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::CWD;

use super::archive_faults::{Faults, is_at_or_in};
use super::bytes::{self, Place};
use super::mapping::FileState;
use super::{Bytes, Container, ContainerFault, ContainerFaultKind, SourceError};
use crate::archive::{Member, Zip, is_zip};
use crate::limits::Limits;

/// The folder at the root in which Archive Utility keeps attributes.
pub(super) const COMPANIONS: &[u8] = b"__MACOSX";

/// Between the parts of a path: it stands in no name, and what is in a folder follows the folder when paths are sorted.
pub(super) const SEPARATOR: u8 = 0;

/// An archive in ZIP form.
#[derive(Debug)]
pub struct Archive {
    pub(super) path: String,
    pub(super) data: Bytes,
    limits: Limits,
    /// Sorted by path, then as they stand in the archive.
    members: Vec<Indexed>,
    /// What may become something else with another tool.
    faults: Arc<[ContainerFault]>,
}

/// A member with a path that can be used.
#[derive(Debug)]
pub(super) struct Indexed {
    pub(super) path: Box<[u8]>,
    /// As it is written.
    name: Box<[u8]>,
    /// Its place in the directory.
    pub(super) number: usize,
    member: Member<'static>,
}

impl Indexed {
    pub(super) fn parts(&self) -> Vec<&[u8]> {
        self.path.split(|byte| *byte == SEPARATOR).collect()
    }

    pub(super) fn member(&self) -> Member<'_> {
        self.member.named(&self.name)
    }

    /// Its name, if it has no Unix attributes. A folder without them is a folder all the same.
    pub(super) fn modeless(&self) -> Option<String> {
        let member = self.member();
        (member.unix().is_none() && !member.name.ends_with(b"/")).then(|| member.text())
    }
}

/// What a name stands for.
enum Named {
    /// Something in the archive.
    Path(Box<[u8]>),
    /// The folder that the archive is unpacked into: nothing of its own.
    Root,
    /// Nothing that can be put anywhere.
    Nowhere,
}

impl Named {
    fn of(name: &[u8]) -> Self {
        let name = name.strip_suffix(b"/").unwrap_or(name);
        let parts = || name.split(|byte| *byte == b'/').filter(|part| *part != b".");
        let is_good = |part: &[u8]| !part.is_empty() && part != b".." && !part.contains(&SEPARATOR);
        match parts().next() {
            None => Self::Root,
            Some(_) if parts().all(is_good) => {
                let parts: Vec<_> = parts().collect();
                Self::Path(parts.join(&SEPARATOR).into())
            }
            Some(_) => Self::Nowhere,
        }
    }
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
        let mut faults = Faults::default();
        let mut members = Vec::with_capacity(zip.members.len());
        for (number, member) in zip.members.iter().enumerate() {
            match Named::of(member.name) {
                Named::Path(path) => members.push(Indexed {
                    path,
                    name: member.name.into(),
                    number,
                    member: member.named(&[]),
                }),
                Named::Root => {}
                Named::Nowhere => faults.add_member(ContainerFaultKind::Name, member.name),
            }
        }
        members.sort_by(|one, other| (&one.path, one.number).cmp(&(&other.path, other.number)));
        faults.of_archive(&zip);
        faults.of_members(&zip, limits.archive_bytes);
        faults.of_paths(&members);
        faults.of_cases(&members);
        Ok(Self {
            path,
            limits: limits.clone(),
            data,
            members,
            faults: faults.list(),
        })
    }

    /// What is unusual about it.
    #[must_use]
    pub fn container(&self) -> Container {
        Container {
            path: self.path.clone(),
            faults: Arc::clone(&self.faults),
            ..Container::default()
        }
    }

    /// The same with all files in it that have no Unix attributes.
    #[must_use]
    pub fn container_of_all(&self) -> Container {
        Container {
            modeless: self.members.iter().filter_map(Indexed::modeless).collect(),
            ..self.container()
        }
    }

    /// Where what lies at a path and below it stands among the members; everything, where the path is empty.
    fn range(&self, path: &[u8]) -> Range<usize> {
        if path.is_empty() {
            return 0..self.members.len();
        }
        let start = self.members.partition_point(|member| *member.path < *path);
        let rest = self.members.get(start..).unwrap_or_default();
        let count = rest.partition_point(|member| is_at_or_in(&member.path, path));
        start..start.saturating_add(count)
    }

    /// Whether anything lies at a path.
    pub(super) fn has(&self, path: &[u8]) -> bool {
        !self.range(path).is_empty()
    }

    /// What lies at a path and below it, in the order of the archive.
    pub(super) fn at(&self, way: &[&[u8]]) -> Vec<&Indexed> {
        let range = self.range(&way.join(&SEPARATOR));
        let mut found: Vec<_> = self.members.get(range).unwrap_or_default().iter().collect();
        found.sort_by_key(|member| member.number);
        found
    }
}

fn state(path: &Path) -> Option<FileState> {
    Some(FileState::from(&path.metadata().ok()?))
}

/// An archive, and the file that it was read from.
type Opened = (FileState, Arc<Archive>);

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
