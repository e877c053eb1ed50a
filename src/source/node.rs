//! The parts of a tree: nodes, their kinds, gaps and the results of lookups.

use std::borrow::Cow;
use std::ffi::OsStr;
#[cfg(not(unix))]
use std::path::Component;
use std::path::Path;
use std::{fmt, io};

/// The number of bytes.
pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The path of a node as the user knows it: that of the operand, then the path inside, which is empty for the operand itself.
pub(crate) fn joined(shown: &str, path: &str) -> String {
    match (path, shown.ends_with('/')) {
        ("", _) => shown.to_owned(),
        (path, true) => format!("{shown}{path}"),
        (path, false) => format!("{shown}/{path}"),
    }
}

/// A name as the operating system takes it. Where that has no names of bytes (Windows, WebAssembly), a name that it cannot have becomes
/// one that nothing has, so that it is never taken for another.
pub(crate) fn file_name(name: &[u8]) -> Cow<'_, OsStr> {
    #[cfg(unix)]
    return Cow::Borrowed(std::os::unix::ffi::OsStrExt::from_bytes(name));
    #[cfg(not(unix))]
    match String::from_utf8_lossy(name) {
        Cow::Borrowed(name) if is_one_name(name) => Cow::Borrowed(OsStr::new(name)),
        other => Cow::Owned(format!("{}\0", other.replace(['\\', ':'], "\u{fffd}")).into()),
    }
}

/// Whether a path of this text is one name: on Windows a name of a Mac may lead into folders, or to another disk.
#[cfg(not(unix))]
fn is_one_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let is_whole = |part| matches!(part, Component::Normal(part) if part == name);
    parts.next().is_some_and(is_whole) && parts.next().is_none()
}

/// A path as reports show it, which is the same on every system: with `/` between its parts.
pub(crate) fn shown_path(path: &Path) -> String {
    let shown = path.to_string_lossy();
    #[cfg(not(windows))]
    return shown.into_owned();
    #[cfg(windows)]
    {
        let shown = shown.replace('\\', "/");
        // As `canonicalize` writes it.
        match (shown.strip_prefix("//?/UNC/"), shown.strip_prefix("//?/")) {
            (Some(share), _) => format!("//{share}"),
            (None, Some(path)) => path.to_owned(),
            (None, None) => shown,
        }
    }
}

/// One node of one tree. Ids are dense and start with the root, 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// What a node is; links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A pipe, socket or device; never opened.
    Other,
}

/// What is known about a node without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The last component of the path as stored; the root has the operand's name.
    pub name: Box<[u8]>,
    /// What it is.
    pub kind: Kind,
    /// The permission bits (`0o7777`); `None` where they are not known.
    pub mode: Option<u32>,
    /// The size in bytes when the tree was listed.
    pub size: u64,
    /// The directory it is in; `None` for the root.
    pub parent: Option<NodeId>,
}

impl Node {
    /// The name as text; bytes that are not UTF-8 become U+FFFD (such a node also has a gap).
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.name)
    }

    /// Whether this is a regular file.
    pub fn is_file(&self) -> bool {
        self.kind == Kind::File
    }

    /// Whether this is a directory (a link to one is not).
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    /// Whether this is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.kind == Kind::Symlink
    }

    /// Whether any of the three execute bits is known to be set.
    pub fn is_executable(&self) -> bool {
        self.mode.is_some_and(|mode| mode & 0o111 != 0)
    }
}

/// The answer to a lookup by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// Found under exactly this name.
    Exact(NodeId),
    /// Found only without regard to case or Unicode form: a Mac's usual volume would find it.
    Folded(NodeId),
    /// Not found.
    Missing,
}

impl Lookup {
    /// The node, however it was found.
    pub fn id(self) -> Option<NodeId> {
        match self {
            Self::Exact(id) | Self::Folded(id) => Some(id),
            Self::Missing => None,
        }
    }
}

/// Something that could not be read, so that nothing may be concluded from its absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The node that is incomplete.
    pub node: NodeId,
    /// Why.
    pub reason: GapReason,
}

/// Why a node is incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapReason {
    /// The directory or link could not be read; the system's error number, where there is one.
    Unreadable(Option<i32>),
    /// The tree has more nodes than this limit; the directory's listing is cut.
    NodeLimit(u64),
    /// The directory is deeper than this limit and was not entered.
    DepthLimit(u64),
    /// The name is not UTF-8, which no Mac volume can store.
    NameNotUtf8,
}

impl GapReason {
    /// The name of the budget that was reached, if that is the reason.
    #[must_use]
    pub fn budget(self) -> Option<&'static str> {
        match self {
            Self::NodeLimit(_) => Some("nodes"),
            Self::DepthLimit(_) => Some("depth"),
            Self::Unreadable(_) | Self::NameNotUtf8 => None,
        }
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(Some(errno)) => {
                write!(f, "cannot be read: {}", io::Error::from_raw_os_error(*errno))
            }
            Self::Unreadable(None) => f.write_str("cannot be read"),
            Self::NodeLimit(limit) => write!(f, "the item has more than {limit} files and folders (nodes)"),
            Self::DepthLimit(limit) => write!(f, "folders are nested deeper than {limit} (depth)"),
            Self::NameNotUtf8 => f.write_str("the name is not UTF-8"),
        }
    }
}
