//! An archive in ZIP form: its members by their paths, so that each of many items in it costs what is in the item.
//!
//! Made once and used for all items of a run ([`super::Archives`]).

use std::ffi::OsStr;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::archive_faults::{Faults, is_at_or_in};
use super::{
    ArchiveTree, Bytes, Container, ContainerFault, ContainerFaultKind, SourceError, Tree, shown_path,
};
use crate::archive::{Member, MemberKind, Zip};
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
    /// Bytes in memory of this archive and of those around it, if it is a member of one.
    held: u64,
    /// See [`Self::level`].
    level: usize,
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
pub(super) enum Named {
    /// Something in the archive.
    Path(Box<[u8]>),
    /// The folder that the archive is unpacked into: nothing of its own.
    Root,
    /// Nothing that can be put anywhere.
    Nowhere,
}

impl Named {
    pub(super) fn of(name: &[u8]) -> Self {
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
    /// Returns true if it was opened with these limits.
    pub(super) fn has_limits(&self, limits: &Limits) -> bool {
        self.limits == *limits
    }

    /// The number of archives down to this one: 1 for one on disk.
    #[must_use]
    pub fn level(&self) -> usize {
        self.level
    }

    /// Reads the archive that is a member of this one.
    ///
    /// # Errors
    /// [`SourceError`] where the member cannot be unpacked or is not an archive.
    pub(super) fn member(self: &Arc<Self>, inner: &Path) -> Result<Self, SourceError> {
        // All archives on the way stay in memory.
        let mut limits = self.limits.clone();
        limits.archive_memory = limits.archive_memory.saturating_sub(self.held);
        let tree = ArchiveTree::new(Arc::clone(self), inner, &limits)?;
        let data = tree.whole(tree.root())?;
        let held = u64::try_from(data.len()).unwrap_or(u64::MAX);
        let archive = Self::of(data, &Path::new(&self.path).join(inner), &self.limits)?;
        Ok(Self {
            held: self.held.saturating_add(held),
            level: self.level.saturating_add(1),
            ..archive
        })
    }

    /// Returns true if the last member of exactly this path is a regular file.
    fn has_file(&self, path: &Path) -> bool {
        let way: Vec<_> = path.iter().map(OsStr::as_encoded_bytes).collect();
        let path = way.join(&SEPARATOR);
        let start = self.members.partition_point(|member| *member.path < *path);
        let rest = self.members.get(start..).unwrap_or_default();
        let last = rest.iter().take_while(|member| *member.path == *path).last();
        last.is_some_and(|found| found.member().unpacked().0 == MemberKind::File)
    }

    /// The shortest path to an archive in this one that `inner` leads into, and the rest.
    pub(super) fn split<'p>(&self, inner: &'p Path) -> Option<(&'p Path, &'p Path)> {
        let ancestors: Vec<&Path> = inner.ancestors().skip(1).collect();
        let outer = *ancestors.iter().rev().find(|path| self.has_file(path))?;
        Some((outer, inner.strip_prefix(outer).ok()?))
    }

    /// Reads the directory of an archive whose bytes are known; `path` is what it is called.
    ///
    /// # Errors
    /// [`SourceError`] where it is not an archive.
    pub fn of(data: Bytes, path: &Path, limits: &Limits) -> Result<Self, SourceError> {
        let path = shown_path(path);
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
            held: 0,
            level: 1,
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
