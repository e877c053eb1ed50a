//! A directory, or a single regular file, on the disk of a system that is not Unix, by the standard library alone.
//!
//! Such disks keep neither modes nor extended attributes of a Mac: modes are not known, and attributes are read from `._` companions
//! only. The text of a link has `/` between its parts; one that begins with a disk leads out of the tree.
//!
//! Not checked: what another process does between the question whether something is a link and its opening, except that the length and
//! times of the file must be the same; holes in files.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::mapping::Mapping;
use super::state::FileState;
use crate::budget::{Budget, SYSTEM_CALL};
use crate::hash::{Digest, HashType};
use crate::limits::Limits;
use crate::source::listing::FACTS;
use crate::source::tree::streamed_digests;
use crate::source::{
    Bytes, Content, GapReason, Kind, Listing, Node, NodeId, SourceError, Tree, apple_double, file_name,
    shown_path,
};

/// Bytes of an AppleDouble companion.
const MAX_COMPANION: u64 = 16 << 20;

/// The path of a file for messages, made only when there is one.
type Shown<'a> = &'a dyn Fn() -> String;

/// A listing of a directory on disk.
#[derive(Debug)]
pub struct DirectoryTree {
    /// Where the operand really is.
    base: PathBuf,
    /// The operand as given, with `/` between its parts.
    shown: String,
    listing: Arc<Listing>,
    limits: Limits,
}

impl DirectoryTree {
    /// Lists a directory or a single file. Only an operand that cannot be reached is an error.
    ///
    /// # Errors
    /// [`SourceError::Io`]
    pub fn open(operand: &Path, limits: &Limits) -> Result<Self, SourceError> {
        let mut shown = shown_path(operand);
        while shown.len() > 1 && shown.ends_with('/') {
            shown.pop();
        }
        let wrap = |error: io::Error| SourceError::io(shown_path(operand), &error);
        let base = real(operand).map_err(wrap)?;
        let facts = fs::symlink_metadata(&base).map_err(wrap)?;
        let name = operand
            .file_name()
            .or_else(|| base.file_name())
            .unwrap_or_default();
        let root = node(name.as_encoded_bytes(), &facts, None);
        let is_directory = root.is_directory();
        let mut listing = Listing::new(root, Arc::new(Budget::new(limits)));
        let length = base.as_os_str().len();
        listing.budget().allow(data(length, &facts));
        if is_directory {
            walk(&mut listing, &base, limits);
        }
        Ok(Self {
            base,
            shown,
            listing: Arc::new(listing),
            limits: limits.clone(),
        })
    }

    /// The path of a node on disk.
    fn place(&self, id: NodeId) -> PathBuf {
        let mut names = Vec::new();
        let mut at = id;
        while let Some(parent) = self.listing.node(at).parent {
            names.push(file_name(&self.listing.node(at).name));
            at = parent;
        }
        let mut path = self.base.clone();
        path.extend(names.into_iter().rev());
        path
    }

    /// Opens the regular file that a node is.
    fn file(&self, id: NodeId) -> Result<Opened, SourceError> {
        if usize::try_from(id.0).map_or(true, |index| index >= self.listing.len()) {
            return Err(SourceError::NoSuchNode(id.0));
        }
        if !self.listing.node(id).is_file() {
            let path = self.full_path(id);
            return Err(SourceError::NotRegular { path });
        }
        // Who asks for many files asks whether the budget is spent.
        let _ = self.budget().step(SYSTEM_CALL);
        Opened::new(&self.place(id), &|| self.full_path(id))
    }

    /// The extended attribute that the `._` companion of a node keeps.
    fn companion(&self, id: NodeId, name: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let path = self.place(id);
        let Some(own) = path.file_name().and_then(|own| own.to_str()) else {
            return Ok(None);
        };
        let companion = path.with_file_name(format!("._{own}"));
        let shown = || shown_path(&companion);
        // Hardly anything has one.
        match fs::symlink_metadata(&companion) {
            Ok(facts) if facts.is_file() => {}
            Ok(_) => return Ok(None),
            Err(error) if is_no_file(&error) => return Ok(None),
            Err(error) => return Err(SourceError::io(shown(), &error)),
        }
        let file = Opened::new(&companion, &shown)?.read(&shown, MAX_COMPANION)?;
        Ok(apple_double::attribute(&file, name).map(<[u8]>::to_vec))
    }
}

/// Whether there is nothing of this name.
fn is_no_file(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}

/// A path without links, and on Windows without the prefix that changes the meaning of `/`.
fn real(path: &Path) -> io::Result<PathBuf> {
    let real = path.canonicalize()?;
    #[cfg(windows)]
    if real.to_str().is_some() {
        return Ok(PathBuf::from(shown_path(&real).replace('/', "\\")));
    }
    Ok(real)
}

/// The bytes of the operand that a node with a name of so many bytes is.
fn data(name: usize, facts: &Metadata) -> u64 {
    let own = u64::try_from(name).unwrap_or_default().saturating_add(FACTS);
    match facts.is_file() {
        true => own.saturating_add(facts.len()),
        false => own,
    }
}

/// A node from what the system says about it.
fn node(name: &[u8], facts: &Metadata, parent: Option<NodeId>) -> Node {
    let kind = match facts.file_type() {
        kind if kind.is_symlink() => Kind::Symlink,
        kind if kind.is_dir() => Kind::Directory,
        kind if kind.is_file() => Kind::File,
        _ => Kind::Other,
    };
    Node {
        name: name.into(),
        kind,
        mode: None,
        size: facts.len(),
        parent,
    }
}

/// Lists everything below the root.
fn walk(listing: &mut Listing, base: &Path, limits: &Limits) {
    let mut pending = vec![(NodeId(0), base.to_owned(), 0_u64)];
    while let Some((id, path, depth)) = pending.pop() {
        if listing.budget().is_spent() {
            return;
        }
        if depth >= limits.depth {
            listing.gap(id, GapReason::DepthLimit(limits.depth));
            continue;
        }
        let mut entries = Vec::new();
        if let Err(error) = list(listing, id, &path, limits, &mut entries) {
            listing.gap(id, GapReason::Unreadable(error.raw_os_error()));
        }
        let open = listing.fill(id, entries);
        for &(child, kind) in open.iter().rev() {
            let below = path.join(file_name(&listing.node(child).name));
            if kind == Kind::Directory {
                pending.push((child, below, depth.saturating_add(1)));
                continue;
            }
            let _ = listing.budget().step(SYSTEM_CALL);
            match fs::read_link(&below) {
                Ok(target) => listing.set_link(child, link_text(&target)),
                Err(error) => listing.gap(child, GapReason::Unreadable(error.raw_os_error())),
            }
        }
    }
}

/// The entries of one directory in the order of the disk.
fn list(
    listing: &mut Listing,
    id: NodeId,
    path: &Path,
    limits: &Limits,
    entries: &mut Vec<Node>,
) -> io::Result<()> {
    let most = usize::try_from(limits.nodes).unwrap_or(usize::MAX);
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if listing.len().saturating_add(entries.len()) >= most {
            listing.gap(id, GapReason::NodeLimit(limits.nodes));
            return Ok(());
        }
        if listing.budget().step(SYSTEM_CALL).is_err() {
            return Ok(());
        }
        let facts = entry.metadata()?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        listing.budget().allow(data(name.len(), &facts));
        entries.push(node(name, &facts, Some(id)));
    }
    Ok(())
}

/// The text of a link as a Mac has it.
fn link_text(target: &Path) -> Vec<u8> {
    let has_disk = matches!(target.components().next(), Some(Component::Prefix(_)));
    if !has_disk && !cfg!(windows) {
        return target.as_os_str().as_encoded_bytes().to_vec();
    }
    let text = shown_path(target);
    match has_disk && !text.starts_with('/') {
        true => format!("/{text}").into_bytes(),
        false => text.into_bytes(),
    }
}

/// A regular file that is open, and what it was before.
struct Opened {
    file: File,
    state: FileState,
    length: u64,
}

impl Opened {
    /// Opens what is at a path, unless it is a link or something else.
    fn new(path: &Path, shown: Shown<'_>) -> Result<Self, SourceError> {
        let wrap = |error: io::Error| SourceError::io(shown(), &error);
        // Whoever opens a pipe waits.
        if !fs::symlink_metadata(path).map_err(wrap)?.is_file() {
            return Err(SourceError::NotRegular { path: shown() });
        }
        let file = File::open(path).map_err(wrap)?;
        let facts = file.metadata().map_err(wrap)?;
        if !facts.is_file() {
            return Err(SourceError::NotRegular { path: shown() });
        }
        Ok(Self {
            state: FileState::from(&facts),
            length: facts.len(),
            file,
        })
    }

    /// Fails if the file is not what it was when it was opened.
    fn compare(&self, shown: Shown<'_>) -> Result<(), SourceError> {
        let now = self.file.metadata();
        let now = now.map_err(|error| SourceError::io(shown(), &error))?;
        match FileState::from(&now) == self.state {
            true => Ok(()),
            false => Err(SourceError::Changed { path: shown() }),
        }
    }

    /// The whole file, mapped from `limits.map_from` bytes up.
    fn whole(self, shown: Shown<'_>, limits: &Limits) -> Result<Bytes, SourceError> {
        if self.length < limits.map_from {
            return self.read(shown, limits.map_from).map(Bytes::from);
        }
        let mapping = Mapping::new(self.file);
        mapping
            .map(Bytes::from)
            .map_err(|error| SourceError::io(shown(), &error))
    }

    /// The whole file, if it has at most `limit` bytes.
    fn read(mut self, shown: Shown<'_>, limit: u64) -> Result<Vec<u8>, SourceError> {
        if self.length > limit {
            return Err(SourceError::TooLarge { path: shown(), limit });
        }
        let mut bytes = Vec::new();
        self.part(0, self.length.saturating_add(1), shown, &mut bytes)?;
        match u64::try_from(bytes.len()) {
            Ok(length) if length == self.length => Ok(bytes),
            _ => Err(SourceError::Changed { path: shown() }),
        }
    }

    /// Adds at most `count` bytes from `start` on.
    fn part(
        &mut self,
        start: u64,
        count: u64,
        shown: Shown<'_>,
        bytes: &mut Vec<u8>,
    ) -> Result<(), SourceError> {
        let mut read = || {
            self.file.seek(SeekFrom::Start(start))?;
            (&self.file).take(count).read_to_end(bytes)
        };
        read().map_err(|error| SourceError::io(shown(), &error))?;
        self.compare(shown)
    }

    /// Streams the file through a buffer of `chunk` bytes and gives its length.
    fn stream(
        mut self,
        shown: Shown<'_>,
        chunk: usize,
        visit: &mut dyn FnMut(&[u8]),
    ) -> Result<u64, SourceError> {
        let wanted = usize::try_from(self.length).unwrap_or(usize::MAX);
        let mut buffer = vec![0; chunk.min(wanted.saturating_add(1)).max(1)];
        let mut total = 0_u64;
        loop {
            let count = match self.file.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(SourceError::io(shown(), &error)),
            };
            if count == 0 {
                break;
            }
            visit(buffer.get(..count).unwrap_or_default());
            total = total.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        }
        self.compare(shown)?;
        match total == self.length {
            true => Ok(total),
            false => Err(SourceError::Changed { path: shown() }),
        }
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
        let whole = self.file(id)?.whole(&shown, &self.limits);
        whole.map(Content::Bytes)
    }

    fn small(&self, id: NodeId, limit: u64) -> Result<Vec<u8>, SourceError> {
        let shown = || self.full_path(id);
        let bytes = self.file(id)?.read(&shown, limit)?;
        // The same file may be asked for by each thing that it is a part of.
        let paid = self.budget().scan(bytes.len());
        paid.map_err(|_| SourceError::OverBudget { path: shown() })?;
        Ok(bytes)
    }

    fn head(&self, id: NodeId, count: usize) -> Result<Vec<u8>, SourceError> {
        let mut bytes = Vec::new();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let mut file = self.file(id)?;
        file.part(0, count, &|| self.full_path(id), &mut bytes)?;
        Ok(bytes)
    }

    fn reads_ends(&self) -> bool {
        true
    }

    fn tail(&self, id: NodeId, count: usize) -> Result<Vec<u8>, SourceError> {
        let mut bytes = Vec::new();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let mut file = self.file(id)?;
        let start = file.length.saturating_sub(count);
        file.part(start, count, &|| self.full_path(id), &mut bytes)?;
        Ok(bytes)
    }

    fn has_attributes(&self, _id: NodeId) -> bool {
        false
    }

    fn attribute(&self, id: NodeId, name: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let _ = self.budget().step(SYSTEM_CALL);
        // As on Unix: `._` files are ordinary files on a Mac's own volumes.
        match name.starts_with("com.apple.cs.") || name == "com.apple.quarantine" {
            true => self.companion(id, name),
            false => Ok(None),
        }
    }

    fn for_each_chunk(&self, id: NodeId, visit: &mut (dyn FnMut(&[u8]) + Send)) -> Result<u64, SourceError> {
        let shown = || self.full_path(id);
        self.file(id)?.stream(&shown, self.limits.chunk, visit)
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
        let start = buffer.len();
        let shown = || self.full_path(id);
        let mut add = |chunk: &[u8]| buffer.extend_from_slice(chunk);
        let added = self.file(id)?.stream(&shown, self.limits.chunk, &mut add);
        match added {
            Ok(_) => Ok(false),
            Err(error) => {
                buffer.truncate(start);
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Lookup;

    fn tree(path: &Path) -> DirectoryTree {
        DirectoryTree::open(path, &Limits::default()).unwrap()
    }

    #[test]
    fn files_are_read_alike_in_every_way() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        let data: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        fs::write(folder.path().join("b/Large"), &data).unwrap();
        fs::write(folder.path().join("b/Small"), b"abc").unwrap();
        let tree = tree(folder.path());
        assert!(tree.gaps().is_empty());
        for (path, expected) in [("b/Large", &data[..]), ("b/Small", b"abc")] {
            let Lookup::Exact(file) = tree.lookup(tree.root(), path) else {
                panic!("{path}")
            };
            assert_eq!(tree.node(file).mode, None);
            assert_eq!(tree.node(file).size, expected.len() as u64);
            assert!(tree.whole(file).unwrap()[..] == *expected);
            assert!(tree.whole(file).unwrap().are_unchanged());
            assert!(tree.small(file, 3_000_000).unwrap() == expected);
            assert_eq!(tree.head(file, 2).unwrap(), &expected[..2]);
            assert_eq!(tree.tail(file, 2).unwrap(), &expected[expected.len() - 2..]);
            let mut all = b"before".to_vec();
            assert_eq!(tree.append(file, &mut all), Ok(false));
            assert!(all[6..] == *expected);
            assert!(matches!(
                tree.small(file, 2),
                Err(SourceError::TooLarge { limit: 2, .. })
            ));
        }
        assert_eq!(tree.full_path(tree.root()), shown_path(folder.path()));
    }

    #[test]
    fn limits_are_gaps() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b/c")).unwrap();
        let gaps = |limits: &Limits| {
            let tree = DirectoryTree::open(folder.path(), limits).unwrap();
            let gaps: Vec<_> = tree.gaps().iter().map(|gap| gap.reason).collect();
            gaps
        };
        let depth = Limits {
            depth: 2,
            ..Limits::default()
        };
        assert_eq!(gaps(&depth), [GapReason::DepthLimit(2)]);
        let nodes = Limits {
            nodes: 3,
            ..Limits::default()
        };
        assert_eq!(gaps(&nodes), [GapReason::NodeLimit(3)]);
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, b"abc").unwrap();
        let shown = || "f".to_owned();
        for longer in [&b"abcd"[..], b"ab"] {
            let opened = Opened::new(&path, &shown).unwrap();
            fs::write(&path, longer).unwrap();
            let changed = Err(SourceError::Changed { path: "f".to_owned() });
            assert_eq!(opened.stream(&shown, 16, &mut |_| {}), changed);
            let opened = Opened::new(&path, &shown).unwrap();
            fs::write(&path, b"abc").unwrap();
            assert!(opened.read(&shown, 16).is_err());
        }
    }

    #[test]
    fn only_files_are_opened_and_companions_keep_attributes() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("d")).unwrap();
        fs::write(folder.path().join("f"), b"abc").unwrap();
        let tree = tree(folder.path());
        let at = |name| tree.lookup(tree.root(), name).id().unwrap();
        assert!(matches!(tree.whole(at("d")), Err(SourceError::NotRegular { .. })));
        assert_eq!(tree.attribute(at("f"), "com.apple.quarantine"), Ok(None));
        assert!(Opened::new(&folder.path().join("d"), &String::new).is_err());
        assert!(Opened::new(&folder.path().join("gone"), &String::new).is_err());
    }

    /// A file may take the place of a link or a link that of a file after the listing.
    #[cfg(unix)]
    #[test]
    fn links_are_kept_as_text_and_never_opened() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f"), b"abc").unwrap();
        std::os::unix::fs::symlink("f", folder.path().join("l")).unwrap();
        let tree = tree(folder.path());
        let at = |name| tree.lookup(tree.root(), name).id().unwrap();
        assert_eq!(tree.link_target(at("l")), Some(&b"f"[..]));
        assert!(tree.whole(at("l")).is_err());
        fs::remove_file(folder.path().join("f")).unwrap();
        std::os::unix::fs::symlink("l", folder.path().join("f")).unwrap();
        assert!(matches!(tree.whole(at("f")), Err(SourceError::NotRegular { .. })));
    }

    #[cfg(windows)]
    #[test]
    fn links_read_as_on_a_mac() {
        for (target, text) in [
            (r"Versions\Current\A", "Versions/Current/A"),
            (r"C:\Windows", "/C:/Windows"),
            (r"\\?\C:\Windows", "/C:/Windows"),
            (r"\\server\share\x", "//server/share/x"),
        ] {
            assert_eq!(link_text(Path::new(target)), text.as_bytes(), "{target}");
        }
    }
}
