//! An archive in ZIP form: its members by their paths, so that each of many items in it costs what is in the item.
//!
//! Made once and used for all items in it.

use std::ffi::OsStr;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::faults::{Faults, is_at_or_in};
use super::indexed::Indexed;
use super::{MemberKind, Zip};
use crate::limits::Limits;
use crate::source::placing::{Named, SEPARATOR};
use crate::source::{Bytes, Container, ContainerFault, ContainerFaultKind, SourceError, shown_path};

/// An archive in ZIP form.
#[derive(Debug)]
pub struct ZipArchive {
    pub(super) path: String,
    pub(super) data: Bytes,
    /// Sorted by path, then as they stand in the archive.
    members: Vec<Indexed>,
    /// What may become something else with another tool.
    faults: Arc<[ContainerFault]>,
}

impl ZipArchive {
    /// Returns true if the last member of exactly this path is a regular file.
    fn has_file(&self, path: &Path) -> bool {
        let way: Vec<_> = path.iter().map(OsStr::as_encoded_bytes).collect();
        let path = way.join(&SEPARATOR);
        let start = self.members.partition_point(|member| *member.path < *path);
        let rest = self.members.get(start..).unwrap_or_default();
        let last = rest.iter().take_while(|member| *member.path == *path).last();
        last.is_some_and(|found| found.member().unpacked().0 == MemberKind::File)
    }

    /// The shortest path to a regular file in it that `inner` leads through, if it does.
    pub(super) fn file_around<'p>(&self, inner: &'p Path) -> Option<&'p Path> {
        let ancestors: Vec<&Path> = inner.ancestors().skip(1).collect();
        ancestors.into_iter().rev().find(|path| self.has_file(path))
    }

    /// Reads the directory of an archive whose bytes are known; `path` is what it is called.
    ///
    /// # Errors
    /// [`SourceError`] where it is not an archive.
    pub fn of(data: Bytes, path: &Path, limits: &Limits) -> Result<Self, SourceError> {
        let path = shown_path(path);
        let zip = match Zip::parse(&data, limits.archive_members) {
            Ok(zip) => zip,
            Err(error) => {
                return Err(SourceError::Container {
                    path,
                    reason: error.to_string(),
                    limit: error.budget(),
                });
            }
        };
        let mut faults = Faults::default();
        let mut members = Vec::with_capacity(zip.members.len());
        for (number, member) in zip.members.iter().enumerate() {
            match Named::of(member.name) {
                Named::Path(path) => members.push(Indexed::new(path, number, member)),
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
