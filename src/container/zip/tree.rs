//! An archive in ZIP form, or one item in it, as a tree: what a Mac gets when it unpacks the archive, without unpacking it.
//!
//! The central directory is believed, as Apple's tools believe it for kinds, modes and sizes; where the rest of the archive disagrees
//! with it, that is a [`Container`] fact. Members are unpacked when they are asked for, and their checksums compared. Extended
//! attributes come from the companions in `__MACOSX`, as Archive Utility and `ditto` put them back.
//!
//! Not done: access control lists, names in other encodings than UTF-8, encrypted members.

use std::collections::BTreeSet;
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, PoisonError};

use super::archive::ZipArchive;
use super::listing::{Entry, Folder, Located};
use super::{Member, MemberError, Unpacker, Zip};
use crate::budget::Budget;
use crate::container::codec::Inflater;
use crate::limits::Limits;
use crate::source::{Container, ContainerFault, ContainerFaultKind};
use crate::source::{
    Content, GapReason, Listing, NodeId, Pieces, SourceError, Tree, apple_double, joined, shown_path,
};

/// Bytes of an AppleDouble companion.
const MAX_COMPANION: u64 = 16 << 20;
/// Bytes of a resource fork without resources.
const EMPTY_FORK: usize = 286;
/// Bytes whose unpacking costs as much as finding a member.
const HEADER: u64 = 400;
/// Bytes of the text of a link; macOS takes no longer ones.
const MAX_LINK: u64 = 1023;

/// An item in an archive.
#[derive(Debug)]
pub struct ZipTree {
    archive: Arc<ZipArchive>,
    shown: String,
    listing: Arc<Listing>,
    limits: Limits,
    /// By node.
    places: Vec<Located>,
    container: Container,
    /// Members that turned out to be damaged when they were read.
    damaged: Mutex<BTreeSet<String>>,
}

impl ZipTree {
    /// An item in an archive by its path; everything in it, where the path is empty.
    ///
    /// # Errors
    /// [`SourceError::NoSuchMember`]
    pub fn new(archive: Arc<ZipArchive>, inner: &Path, limits: &Limits) -> Result<Self, SourceError> {
        let outer = Path::new(&archive.path);
        let full = match inner.as_os_str().is_empty() {
            // Without a slash at its end.
            true => archive.path.clone(),
            false => shown_path(&outer.join(inner)),
        };
        let mut way = Vec::new();
        for component in inner.components() {
            match component {
                Component::Normal(part) => way.push(part.as_encoded_bytes()),
                _ => return Err(SourceError::NoSuchMember { path: full }),
            }
        }
        let mut container = archive.container();
        let budget = Arc::new(Budget::new(limits));
        let mut folder = Folder::of(&archive, &way, limits, &budget, &mut container);
        let last = way.pop();
        let mut at = Some(&mut folder);
        for part in way {
            at = at.and_then(|folder| match folder.entries.get_mut(part) {
                Some(Entry::Folder(inner)) => Some(inner),
                _ => None,
            });
        }
        let root = match (last, at) {
            (Some(last), Some(folder)) => folder.entries.remove(last),
            (None, _) => Some(Entry::Folder(folder)),
            (Some(_), None) => None,
        };
        let root = root.ok_or(SourceError::NoSuchMember { path: full.clone() })?;
        let label = last.unwrap_or_else(|| outer.file_name().unwrap_or_default().as_encoded_bytes());
        let (mut listing, places) = root.listed(label, limits, budget);
        let links: Vec<_> = listing
            .ids()
            .filter(|id| listing.node(*id).is_symlink())
            .collect();
        for id in links {
            let packed = usize::try_from(id.0).ok().and_then(|index| places.get(index));
            let packed = packed.and_then(|packed| packed.member);
            if listing.budget().hash(MAX_LINK).is_err() {
                break;
            }
            if let Some(Ok(target)) = packed.map(|packed| unpack(&archive.data, &packed.member, MAX_LINK)) {
                listing.set_link(id, target);
            } else {
                listing.gap(id, GapReason::Unreadable(None));
            }
        }
        Ok(Self {
            shown: full,
            listing: Arc::new(listing),
            limits: limits.clone(),
            places,
            container,
            damaged: Mutex::default(),
            archive,
        })
    }

    fn located(&self, id: NodeId) -> Located {
        let index = usize::try_from(id.0).unwrap_or(usize::MAX);
        self.places.get(index).copied().unwrap_or_default()
    }

    fn member(&self, id: NodeId) -> Result<Member<'static>, SourceError> {
        let packed = self.located(id).member;
        let packed = packed.filter(|_| self.listing.node(id).is_file());
        let path = || self.full_path(id);
        let packed = packed.ok_or_else(|| SourceError::NotRegular { path: path() })?;
        match packed.is_too_much {
            true => Err(self.too_much(path())),
            false => Ok(packed.member),
        }
    }

    /// The budget for everything that is unpacked is used up.
    fn too_much(&self, path: String) -> SourceError {
        SourceError::Budget {
            path,
            name: "archive-bytes",
            limit: self.limits.archive_bytes,
        }
    }

    /// Charges the unpacking of so many bytes.
    fn pay(&self, id: NodeId, bytes: u64) -> Result<(), SourceError> {
        let over = |_| SourceError::OverBudget {
            path: self.full_path(id),
        };
        self.budget().hash(bytes).map_err(over)
    }

    fn failed(&self, id: NodeId) -> impl Fn(MemberError) -> SourceError {
        move |error| {
            let path = self.full_path(id);
            self.note(&path, error);
            SourceError::Member {
                path,
                reason: error.to_string(),
            }
        }
    }

    /// Remembers a damaged member by its path.
    fn note(&self, path: &str, error: MemberError) {
        if error.is_damage() {
            let name = path.strip_prefix(&self.container.path).unwrap_or(path);
            let name = name.trim_start_matches('/').to_owned();
            let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
            damaged.insert(name);
        }
    }

    /// Where the companion of a node lies, as a path.
    fn companion_path(&self, id: NodeId) -> String {
        let path = self.full_path(id);
        let outer = &self.container.path;
        let inner = path.strip_prefix(outer).unwrap_or(&path).trim_start_matches('/');
        let (folder, name) = inner.rsplit_once('/').unwrap_or_default();
        let name = if folder.is_empty() { inner } else { name };
        let way = [outer.as_str(), "__MACOSX", folder];
        let way: Vec<_> = way.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{}/._{name}", way.join("/"))
    }
}

/// A member that is unpacked piece by piece; each is paid for before.
#[derive(Debug)]
struct MemberPieces<'t> {
    tree: &'t ZipTree,
    id: NodeId,
    unpacker: Unpacker<'t>,
    paid: u64,
}

impl Pieces for MemberPieces<'_> {
    fn size(&self) -> u64 {
        self.unpacker.size()
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, SourceError> {
        let room = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        let price = room.min(self.size().saturating_sub(self.paid));
        self.tree.pay(self.id, price)?;
        self.paid = self.paid.saturating_add(price);
        self.unpacker.fill(buffer).map_err(self.tree.failed(self.id))
    }
}

/// A whole member of at most `limit` bytes.
fn unpack(data: &[u8], member: &Member<'_>, limit: u64) -> Result<Vec<u8>, MemberError> {
    Zip::over(data).contents(member, &mut Inflater::default(), limit)
}

impl Tree for ZipTree {
    fn listing(&self) -> &Arc<Listing> {
        &self.listing
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn full_path(&self, id: NodeId) -> String {
        joined(&self.shown, &self.path(id))
    }

    fn open(&self, id: NodeId) -> Result<Content<'_>, SourceError> {
        let member = self.member(id)?;
        self.pay(id, HEADER)?;
        let unpacker = Zip::over(&self.archive.data).unpacker(&member, Inflater::default());
        Ok(Content::Pieces(Box::new(MemberPieces {
            tree: self,
            id,
            unpacker: unpacker.map_err(self.failed(id))?,
            paid: 0,
        })))
    }

    fn container(&self) -> Option<Container> {
        let mut container = self.container.clone();
        if self.budget().is_spent() {
            // Which members were read before is a matter of threads.
            return Some(container);
        }
        let damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        container.own.extend(damaged.iter().map(|name| ContainerFault {
            member: Some(name.clone()),
            kind: ContainerFaultKind::Damaged,
        }));
        Some(container)
    }

    fn is_unchanged(&self) -> bool {
        self.archive.data.are_unchanged()
    }

    fn has_attributes(&self, id: NodeId) -> bool {
        self.located(id).companion.is_some()
    }

    fn attribute(&self, id: NodeId, name: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(companion) = self.located(id).companion else {
            return Ok(None);
        };
        if companion.is_too_much {
            return Err(self.too_much(self.companion_path(id)));
        }
        self.pay(
            id,
            companion.member.size.min(MAX_COMPANION).saturating_add(HEADER),
        )?;
        let file = unpack(&self.archive.data, &companion.member, MAX_COMPANION).map_err(|error| {
            let path = self.companion_path(id);
            self.note(&path, error);
            SourceError::Attributes {
                path,
                reason: error.to_string(),
            }
        })?;
        let found = match name {
            "com.apple.FinderInfo" => {
                apple_double::finder_info(&file).filter(|info| info.iter().any(|byte| *byte != 0))
            }
            // macOS drops the map without resources that some folders have.
            "com.apple.ResourceFork" => {
                let is_folder = self.listing.node(id).is_directory();
                let is_real = |fork: &&[u8]| !(is_folder && fork.len() == EMPTY_FORK);
                apple_double::resource_fork(&file).filter(is_real)
            }
            _ => None,
        };
        // Whatever is there by its name is attached as well (`copyfile_unpack` in copyfile.c).
        let found = found.or_else(|| apple_double::attribute(&file, name));
        Ok(found.map(<[u8]>::to_vec))
    }
}
