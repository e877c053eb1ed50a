//! A directory, or a single regular file, on disk.
//!
//! The listing is made once, eagerly, without following links except the operand itself
//! (as `fts_open(FTS_PHYSICAL | FTS_COMFOLLOW)` does in LC/resources.cpp `scan`).
//! Not checked: that a directory on the way is not exchanged for a link while the program runs.

use std::collections::HashSet;
use std::ffi::{CString, OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, SeekFrom, Stat, lgetxattr, lgetxattr_query, lstat, openat,
    seek, statat,
};
use rustix::io::Errno;

use super::file::{self, Place};
use crate::budget::{Budget, SYSTEM_CALL};
use crate::hash::{Digest, HashType};
use crate::limits::Limits;
use crate::parallel;
use crate::source::listing::FACTS;
use crate::source::tree::streamed_digests;
use crate::source::{
    Content, GapReason, Kind, Listing, Node, NodeId, SourceError, Tree, apple_double, shown_path,
};

/// Bytes of one extended attribute. Linux stores 64 KiB; forks on a Mac may be larger.
const MAX_ATTRIBUTE: usize = 16 << 20;

/// Files of at least this many bytes are asked for their holes.
const SPARSE_FROM: u64 = 1 << 20;

/// Names of one directory that are read before the system is asked about them.
const NAMES_AT_ONCE: usize = 8192;

/// Names about which one task asks the system.
const NAMES_PER_TASK: usize = 128;

/// Pieces between holes that are counted in one file.
const MAX_PIECES: usize = 4096;

/// Bytes of an AppleDouble companion.
const MAX_COMPANION: u64 = 16 << 20;

/// A listing of a directory on disk.
#[derive(Debug)]
pub struct DirectoryTree {
    /// Where the operand really is.
    base: PathBuf,
    /// The operand, if it is a directory that can be read; files are opened below it.
    directory: Option<OwnedFd>,
    /// The operand as given.
    shown: String,
    listing: Arc<Listing>,
    limits: Limits,
}

impl DirectoryTree {
    /// Lists a directory or a single file. Only an operand that cannot be reached is an error.
    pub fn open(operand: &Path, limits: &Limits) -> Result<Self, SourceError> {
        let mut shown = shown_path(operand);
        while shown.len() > 1 && shown.ends_with('/') {
            shown.pop();
        }
        let wrap = |error: io::Error| SourceError::io(shown_path(operand), &error);
        let base = fs::canonicalize(operand).map_err(wrap)?;
        let facts = lstat(&base).map_err(|error| wrap(error.into()))?;
        let name = operand
            .file_name()
            .or_else(|| base.file_name())
            .unwrap_or_default();
        let root = node(name.as_bytes(), &facts, None);
        let is_directory = root.is_directory();
        let mut listing = Listing::new(root, Arc::new(Budget::new(limits)));
        let mut data = Data::default();
        listing.budget().allow(data.of(CWD, &base, &facts, &listing));
        let mut directory = None;
        if is_directory {
            walk(&mut listing, &base, limits, &mut data);
            directory = open_directory(&base).ok();
        }

        Ok(Self {
            base,
            directory,
            shown,
            listing: Arc::new(listing),
            limits: limits.clone(),
        })
    }

    /// Calls `read` with the place of a regular file on disk.
    fn file<R>(
        &self,
        id: NodeId,
        read: impl FnOnce(Place<'_>) -> Result<R, SourceError>,
    ) -> Result<R, SourceError> {
        if usize::try_from(id.0).map_or(true, |index| index >= self.listing.len()) {
            return Err(SourceError::NoSuchNode(id.0));
        }
        if !self.listing.node(id).is_file() {
            let path = self.full_path(id);
            return Err(SourceError::NotRegular { path });
        }
        // Who asks for many files asks whether the budget is spent.
        let _ = self.budget().step(SYSTEM_CALL);
        match &self.directory {
            Some(directory) => read(Place {
                directory: directory.as_fd(),
                path: &self.below(id),
            }),
            None => read(Place {
                directory: CWD,
                path: &self.place(id),
            }),
        }
    }

    /// The path of a node below the operand; empty for the operand itself.
    fn below(&self, id: NodeId) -> PathBuf {
        OsString::from_vec(self.listing.joined(NodeId(0), id)).into()
    }

    /// The path of a node on disk.
    fn place(&self, id: NodeId) -> PathBuf {
        let below = self.below(id);
        if below.as_os_str().is_empty() {
            self.base.clone()
        } else {
            self.base.join(below)
        }
    }
}

/// The bytes of an operand that are really there: holes in files and further names of one file are none.
#[derive(Debug, Default)]
struct Data {
    /// Files with several names that were counted: device and number.
    linked: HashSet<(u64, u64)>,
}

impl Data {
    /// The bytes of a node, with the facts about it and its name.
    fn of(&mut self, directory: impl AsFd, name: &Path, facts: &Stat, listing: &Listing) -> u64 {
        let own = u64::try_from(name.as_os_str().len()).unwrap_or_default();
        let own = own.saturating_add(FACTS);
        if FileType::from_raw_mode(facts.st_mode) != FileType::RegularFile {
            return own;
        }
        #[allow(
            clippy::useless_conversion,
            reason = "other systems have other types for them"
        )]
        let is_known = u64::try_from(facts.st_nlink).is_ok_and(|names| names > 1)
            && !self.linked.insert((
                u64::try_from(facts.st_dev).unwrap_or_default(),
                u64::from(facts.st_ino),
            ));
        if is_known {
            return own;
        }
        let size = u64::try_from(facts.st_size).unwrap_or_default();
        let stored = u64::try_from(facts.st_blocks)
            .unwrap_or_default()
            .saturating_mul(512);
        if size < SPARSE_FROM || stored >= size {
            return own.saturating_add(size);
        }
        // Compressed files take less room than they have bytes, too, but no holes.
        let data = data_bytes(directory, name, listing).unwrap_or_default();
        own.saturating_add(data.max(stored).min(size))
    }
}

/// The bytes of a file that are in no hole, as far as so many pieces go.
fn data_bytes(directory: impl AsFd, name: &Path, listing: &Listing) -> Result<u64, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(directory, name, flags, Mode::empty())?;
    let (mut at, mut total) = (0, 0_u64);
    for _ in 0..MAX_PIECES {
        // Who fills the listing asks whether the budget is spent.
        let _ = listing.budget().step(SYSTEM_CALL);
        let Ok(start) = seek(&file, SeekFrom::Data(at)) else {
            break;
        };
        let end = seek(&file, SeekFrom::Hole(start))?;
        total = total.saturating_add(end.saturating_sub(start));
        if end <= at {
            break;
        }
        at = end;
    }
    Ok(total)
}

/// Lists everything below the root.
fn walk(listing: &mut Listing, base: &Path, limits: &Limits, data: &mut Data) {
    let mut pending = vec![(NodeId(0), base.to_owned(), 0_u64)];
    while let Some((id, path, depth)) = pending.pop() {
        if listing.budget().is_spent() {
            return;
        }
        if depth >= limits.depth {
            listing.gap(id, GapReason::DepthLimit(limits.depth));
            continue;
        }
        let entries = entries(listing, id, &path, limits, data);
        let open = listing.fill(id, entries);
        for &(child, kind) in open.iter().rev() {
            let below = path.join(OsStr::from_bytes(&listing.node(child).name));
            if kind == Kind::Directory {
                pending.push((child, below, depth.saturating_add(1)));
                continue;
            }
            let _ = listing.budget().step(SYSTEM_CALL);
            match fs::read_link(&below) {
                Ok(target) => listing.set_link(child, target.into_os_string().into_vec()),
                Err(error) => listing.gap(child, GapReason::Unreadable(error.raw_os_error())),
            }
        }
    }
}

fn open_directory(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
}

/// The entries of one directory in the order of the disk; what cannot be read is recorded.
fn entries(listing: &mut Listing, id: NodeId, path: &Path, limits: &Limits, data: &mut Data) -> Vec<Node> {
    let mut entries = Vec::new();
    if let Err(error) = list(listing, id, path, limits, data, &mut entries) {
        listing.gap(id, GapReason::Unreadable(Some(error.raw_os_error())));
    }
    entries
}

fn list(
    listing: &mut Listing,
    id: NodeId,
    path: &Path,
    limits: &Limits,
    data: &mut Data,
    entries: &mut Vec<Node>,
) -> Result<(), Errno> {
    let most = usize::try_from(limits.nodes).unwrap_or(usize::MAX);
    let mut directory = Dir::new(open_directory(path)?)?;
    loop {
        let mut names = Vec::new();
        while names.len() < NAMES_AT_ONCE
            && let Some(entry) = directory.read()
        {
            let entry = entry?;
            let name = entry.file_name();
            if !matches!(name.to_bytes(), b"." | b"..") {
                names.push(name.to_owned());
            }
        }
        let is_last = names.len() < NAMES_AT_ONCE;
        let room = most.saturating_sub(listing.len()).saturating_sub(entries.len());
        let is_full = names.len() > room;
        names.truncate(room);
        let asked = listing.budget().step(steps_of_calls(names.len()));
        if asked.is_err() {
            return Ok(());
        }
        let directory = directory.fd()?;
        // The older call is the faster one, and there may be many files.
        let ask = |name: &CString| statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
        let facts = parallel::map(&names, NAMES_PER_TASK, ask);
        for (name, facts) in names.iter().zip(facts) {
            let facts = facts?;
            let place = Path::new(OsStr::from_bytes(name.to_bytes()));
            let bytes = data.of(directory, place, &facts, listing);
            listing.budget().allow(bytes);
            entries.push(node(name.to_bytes(), &facts, Some(id)));
        }
        if is_full {
            listing.gap(id, GapReason::NodeLimit(limits.nodes));
        }
        if is_full || is_last {
            return Ok(());
        }
    }
}

/// Steps of so many calls of the system.
fn steps_of_calls(count: usize) -> u64 {
    u64::try_from(count)
        .unwrap_or(u64::MAX)
        .saturating_mul(SYSTEM_CALL)
}

/// The extended attribute of exactly this name.
fn value(path: &Path, name: &str) -> Result<Option<Vec<u8>>, Errno> {
    // Its length first: most files have none, and there may be many files.
    let read = || {
        let length = lgetxattr_query(path, name)?;
        if length > MAX_ATTRIBUTE {
            return Err(Errno::TOOBIG);
        }
        let mut value = vec![0; length];
        let length = lgetxattr(path, name, value.as_mut_slice())?;
        value.truncate(length);
        Ok(Some(value))
    };
    match read() {
        Err(error) if is_no_attribute(error) => Ok(None),
        read => read,
    }
}

/// Whether there is no such attribute, by `getxattr` of Linux and of macOS: the file has none, its file system keeps none, or things of
/// its kind cannot have it.
fn is_no_attribute(error: Errno) -> bool {
    #[cfg(target_vendor = "apple")]
    const NONE: i32 = libc::ENOATTR;
    #[cfg(not(target_vendor = "apple"))]
    const NONE: i32 = libc::ENODATA;
    let for_others = [
        Errno::PERM,
        Errno::ISDIR,
        Errno::INVAL,
        Errno::NOTSUP,
        Errno::OPNOTSUPP,
    ];
    error.raw_os_error() == NONE || for_others.contains(&error)
}

/// Whether there is no regular file of this name: a folder or a link is none.
fn is_no_file(error: &SourceError) -> bool {
    let absent = [Errno::NOENT, Errno::NOTDIR, Errno::LOOP, Errno::NAMETOOLONG];
    match error {
        SourceError::NotRegular { .. } => true,
        SourceError::Io {
            errno: Some(errno), ..
        } => absent.iter().any(|known| known.raw_os_error() == *errno),
        _ => false,
    }
}

/// A node from what the system says about it.
fn node(name: &[u8], facts: &Stat, parent: Option<NodeId>) -> Node {
    let kind = match FileType::from_raw_mode(facts.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Other,
    };
    #[allow(clippy::useless_conversion, reason = "a Mac has 16 bits for it")]
    let mode = u32::from(facts.st_mode) & 0o7777;
    Node {
        name: name.into(),
        kind,
        mode: Some(mode),
        size: u64::try_from(facts.st_size).unwrap_or_default(),
        parent,
    }
}

impl Tree for DirectoryTree {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn listing(&self) -> &Arc<Listing> {
        &self.listing
    }

    fn place(&self) -> PathBuf {
        self.base.clone()
    }

    fn full_path(&self, id: NodeId) -> String {
        crate::source::node::joined(&self.shown, &self.path(id))
    }

    fn open(&self, id: NodeId) -> Result<Content<'_>, SourceError> {
        let shown = || self.full_path(id);
        let whole = self.file(id, |place| file::whole(place, &shown, &self.limits));
        whole.map(Content::Bytes)
    }

    fn small(&self, id: NodeId, limit: u64) -> Result<Vec<u8>, SourceError> {
        let shown = || self.full_path(id);
        let bytes = self.file(id, |place| file::small(place, &shown, limit))?;
        // The same file may be asked for by each thing that it is a part of.
        let paid = self.budget().scan(bytes.len());
        paid.map_err(|_| SourceError::OverBudget { path: shown() })?;
        Ok(bytes)
    }

    fn head(&self, id: NodeId, count: usize) -> Result<Vec<u8>, SourceError> {
        let shown = || self.full_path(id);
        self.file(id, |place| file::head(place, &shown, count))
    }

    fn reads_ends(&self) -> bool {
        true
    }

    fn tail(&self, id: NodeId, count: usize) -> Result<Vec<u8>, SourceError> {
        let shown = || self.full_path(id);
        self.file(id, |place| file::tail(place, &shown, count))
    }

    fn has_attributes(&self, id: NodeId) -> bool {
        let _ = self.budget().step(SYSTEM_CALL);
        // Where the list cannot be had, the attributes are asked for one by one.
        rustix::fs::llistxattr_query(self.place(id)).map_or(true, |length| length > 0)
    }

    fn attribute(&self, id: NodeId, name: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let _ = self.budget().step(SYSTEM_CALL.saturating_mul(3));
        let path = self.place(id);
        for name in [name.to_owned(), format!("user.{name}")] {
            let value = value(&path, &name);
            let value = value.map_err(|error| SourceError::io(self.full_path(id), &error.into()))?;
            if value.is_some() {
                return Ok(value);
            }
        }
        // On a Mac's own volumes `._` files are ordinary files, so only signatures are taken from them, and
        // quarantine, about which no verdict asks.
        if !name.starts_with("com.apple.cs.") && name != "com.apple.quarantine" {
            return Ok(None);
        }
        let Some(own) = path.file_name() else {
            return Ok(None);
        };
        let mut companion = b"._".to_vec();
        companion.extend_from_slice(own.as_bytes());
        let companion = path.with_file_name(OsStr::from_bytes(&companion));
        let shown = || companion.to_string_lossy().into_owned();
        let place = Place {
            directory: CWD,
            path: &companion,
        };
        let file = match file::small(place, &shown, MAX_COMPANION) {
            Ok(file) => file,
            // Hardly anything has one.
            Err(error) if is_no_file(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let found = apple_double::attribute(&file, name);
        Ok(found.map(<[u8]>::to_vec))
    }

    fn for_each_chunk(&self, id: NodeId, visit: &mut (dyn FnMut(&[u8]) + Send)) -> Result<u64, SourceError> {
        let shown = || self.full_path(id);
        self.file(id, |place| file::stream(place, &shown, self.limits.chunk, visit))
    }

    fn digests(
        &self,
        id: NodeId,
        hash_types: &[HashType],
        visit: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Vec<Digest>, SourceError> {
        streamed_digests(self, id, hash_types, visit)
    }

    fn append(&self, id: NodeId, buffer: &mut Vec<u8>) -> Result<bool, SourceError> {
        let shown = || self.full_path(id);
        self.file(id, |place| file::append(place, &shown, self.limits.chunk, buffer))
    }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
