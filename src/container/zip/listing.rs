//! The names in an archive, put together to folders: which member lies where, and what lies nowhere.
//!
//! As `spec/containers.md` 1.5 to 1.7 has it: the last member of a path counts, nothing is put through a file or a link, and the files
//! `._NAME` in `__MACOSX` are attributes of what they are named after.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::archive::ZipArchive;
use super::faults::{COMPANION, owner};
use super::indexed::{COMPANIONS, Indexed};
use super::{Member, MemberKind};
use crate::budget::{Budget, OverBudget};
use crate::limits::Limits;
use crate::source::{Container, ContainerFault, ContainerFaultKind};
use crate::source::{GapReason, Kind, Listing, Node, NodeId};

/// Bytes of a folder with one thing in it: a node of a map has room for eleven.
const FOLDER_BYTES: usize = 12 * size_of::<Entry>();
/// Mode of a folder that no member stands for.
const FOLDER: u32 = 0o755;

/// Where a node lies in the archive: the member, if it has one, and its companion with extended attributes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Located {
    pub(super) member: Option<Packed>,
    pub(super) companion: Option<Packed>,
}

/// A member that is to be unpacked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    pub(super) member: Member<'static>,
    /// Whether all up to this one are more than may be unpacked.
    pub(super) is_too_much: bool,
}

/// A folder.
#[derive(Debug, Default)]
pub(super) struct Folder {
    pub(super) entries: BTreeMap<Box<[u8]>, Entry>,
    mode: Option<u32>,
    place: Located,
    is_cut: Option<GapReason>,
}

/// Something in a folder.
#[derive(Debug)]
pub(super) enum Entry {
    Folder(Folder),
    Leaf { kind: Kind, mode: u32, place: Located },
}

impl Entry {
    fn place(&mut self) -> &mut Located {
        match self {
            Self::Folder(folder) => &mut folder.place,
            Self::Leaf { place, .. } => place,
        }
    }
}

/// Whether a path is that of a file with attributes of another one.
fn is_companion(parts: &[&[u8]]) -> bool {
    parts.first() == Some(&COMPANIONS) && parts.last().is_some_and(|name| name.starts_with(COMPANION))
}

impl Folder {
    /// Everything in the archive that lies at `way` or below it, in the folders on the way.
    pub(super) fn of(
        archive: &ZipArchive,
        way: &[&[u8]],
        limits: &Limits,
        budget: &Budget,
        container: &mut Container,
    ) -> Self {
        let mut root = Self::default();
        let mut total = 0_u64;
        let mut packed = |member: &Member<'_>| {
            total = total.saturating_add(member.size);
            Packed {
                member: member.named(&[]),
                is_too_much: total > limits.archive_bytes,
            }
        };
        let is_beside = |indexed: &Indexed| {
            owner(&indexed.path).is_some_and(|owner| !owner.is_apart && archive.has(&owner.path))
        };
        // Attributes of the item itself lie beside those of what is in it.
        let mut beside = way.to_vec();
        let own = beside.pop().map(|name| [COMPANION, name].concat());
        beside.extend(own.as_deref());
        let inner = archive.at(way);
        let outer = own.iter().flat_map(|_| archive.at(&beside));
        for indexed in inner
            .iter()
            .copied()
            .chain(outer)
            .filter(|found| is_beside(found))
        {
            container.own.push(ContainerFault {
                member: Some(indexed.member().text()),
                kind: ContainerFaultKind::Beside,
            });
        }
        for indexed in inner {
            let (parts, member) = (indexed.parts(), indexed.member());
            budget.allow(member.stored());
            if is_companion(&parts) {
                continue;
            }
            if root
                .put(&parts, &member, packed(&member), limits.depth, budget)
                .is_err()
            {
                // Nothing is said about the item.
                break;
            }
            container.modeless.extend(indexed.modeless());
        }
        for way in [way, &beside] {
            let way: Vec<&[u8]> = std::iter::once(COMPANIONS).chain(way.iter().copied()).collect();
            for indexed in archive.at(&way) {
                let parts = indexed.parts();
                if is_companion(&parts) {
                    let member = indexed.member();
                    budget.allow(member.stored());
                    if budget.scan(member.name.len()).is_err() {
                        break;
                    }
                    root.attach(parts.get(1..).unwrap_or_default(), packed(&member));
                }
            }
        }
        root
    }

    /// Puts a member into its folder, unless something that is no folder is in the way.
    fn put(
        &mut self,
        parts: &[&[u8]],
        member: &Member<'_>,
        packed: Packed,
        depth: u64,
        budget: &Budget,
    ) -> Result<(), OverBudget> {
        let Some((name, folders)) = parts.split_last() else {
            return Ok(());
        };
        let steps = u64::try_from(parts.len()).unwrap_or(u64::MAX).saturating_mul(8);
        budget.scan(member.name.len()).and_then(|()| budget.step(steps))?;
        let place = Located {
            member: Some(packed),
            companion: None,
        };
        let mut at = self;
        for (level, part) in folders.iter().enumerate() {
            if u64::try_from(level).unwrap_or(u64::MAX) >= depth {
                at.is_cut = Some(GapReason::DepthLimit(depth));
                return Ok(());
            }
            if !at.entries.contains_key(*part) {
                budget.retain(FOLDER_BYTES.saturating_add(part.len()))?;
            }
            let next = at
                .entries
                .entry((*part).into())
                .or_insert_with(|| Entry::Folder(Self::default()));
            match next {
                Entry::Folder(folder) => at = folder,
                Entry::Leaf { .. } => return Ok(()),
            }
        }
        let (found, mode) = member.unpacked();
        let found = kind(found);
        budget.retain(size_of::<Entry>().saturating_add(name.len()))?;
        match (at.entries.get_mut(*name), found) {
            // A folder that was met on the way to what is in it.
            (Some(Entry::Folder(folder)), Kind::Directory) if folder.mode.is_none() => {
                folder.mode = Some(mode);
                folder.place = place;
            }
            (Some(Entry::Folder(_)), _) => {}
            (None, Kind::Directory) => {
                let folder = Self {
                    mode: Some(mode),
                    place,
                    ..Self::default()
                };
                at.entries.insert((*name).into(), Entry::Folder(folder));
            }
            _ => {
                let leaf = Entry::Leaf {
                    kind: found,
                    mode,
                    place,
                };
                at.entries.insert((*name).into(), leaf);
            }
        }
        Ok(())
    }

    /// Gives the attributes in a companion to what it is named after, if that is there.
    fn attach(&mut self, parts: &[&[u8]], companion: Packed) {
        let Some((name, folders)) = parts.split_last() else {
            return;
        };
        let mut at = self;
        for part in folders {
            match at.entries.get_mut(*part) {
                Some(Entry::Folder(folder)) => at = folder,
                _ => return,
            }
        }
        let name = name.strip_prefix(COMPANION).unwrap_or(name);
        if let Some(entry) = at.entries.get_mut(name) {
            entry.place().companion = Some(companion);
        }
    }
}

impl Entry {
    /// The listing with this entry at its root, and where each node lies.
    pub(super) fn listed(self, name: &[u8], limits: &Limits, budget: Arc<Budget>) -> (Listing, Vec<Located>) {
        let size = |place: &Located| place.member.map_or(0, |packed| packed.member.size);
        let mut pending = VecDeque::new();
        let (root, first) = match self {
            Self::Leaf { kind, mode, place } => (node(name, kind, mode, size(&place), None), place),
            Self::Folder(folder) => {
                let root = node(name, Kind::Directory, folder.mode.unwrap_or(FOLDER), 0, None);
                let place = folder.place;
                pending.push_back((NodeId(0), folder));
                (root, place)
            }
        };
        let mut listing = Listing::new(root, budget);
        let mut places = vec![first];
        while let Some((id, folder)) = pending.pop_front() {
            if listing.budget().is_spent() {
                break;
            }
            if let Some(reason) = folder.is_cut {
                listing.gap(id, reason);
            }
            let room = limits
                .nodes
                .saturating_sub(u64::try_from(listing.len()).unwrap_or(u64::MAX));
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            if folder.entries.len() > room {
                listing.gap(id, GapReason::NodeLimit(limits.nodes));
            }
            let (mut nodes, mut folders) = (Vec::new(), Vec::new());
            for (name, entry) in folder.entries.into_iter().take(room) {
                match entry {
                    Self::Leaf { kind, mode, place } => {
                        nodes.push(node(&name, kind, mode, size(&place), Some(id)));
                        places.push(place);
                    }
                    Self::Folder(inner) => {
                        let mode = inner.mode.unwrap_or(FOLDER);
                        nodes.push(node(&name, Kind::Directory, mode, 0, Some(id)));
                        places.push(inner.place);
                        folders.push(inner);
                    }
                }
            }
            // They come back in the same order, since they are sorted already.
            let inner = listing.fill(id, nodes).into_iter();
            let inner = inner
                .filter(|(_, kind)| *kind == Kind::Directory)
                .map(|(id, _)| id);
            pending.extend(inner.zip(folders));
        }
        (listing, places)
    }
}

/// The kind of a node.
pub(super) fn kind(kind: MemberKind) -> Kind {
    match kind {
        MemberKind::File => Kind::File,
        MemberKind::Directory => Kind::Directory,
        MemberKind::Symlink => Kind::Symlink,
        MemberKind::Other => Kind::Other,
    }
}

/// A node of this kind.
pub(super) fn node(name: &[u8], kind: Kind, mode: u32, size: u64, parent: Option<NodeId>) -> Node {
    Node {
        name: name.into(),
        kind,
        mode: Some(mode),
        size,
        parent,
    }
}
