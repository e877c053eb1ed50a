//! What is unusual about the container that a tree comes from, and about one item in it: facts for rules, whatever the format.

use std::sync::Arc;

/// What is unusual about an archive and about one item in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Container {
    /// The archive, as the caller named it.
    pub path: String,
    /// Files of the item without Unix attributes, by their paths in the archive.
    pub modeless: Vec<String>,
    /// What Apple's tools may take for something else, or not at all, anywhere in the archive; of each kind no more than are worth naming.
    pub faults: Arc<[ContainerFault]>,
    /// The same of the item alone, as far as it was read.
    pub own: Vec<ContainerFault>,
}

/// One of them, with the member's name in the archive; without any it is about the archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerFault {
    /// The member.
    pub member: Option<String>,
    /// What it is about.
    pub kind: ContainerFaultKind,
}

/// What is unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContainerFaultKind {
    /// Its name has a backslash, which is an ordinary character on a Mac.
    Backslash,
    /// A password protects it.
    Encrypted,
    /// It is compressed in a way that macOS does not unpack.
    Method,
    /// Its name is absolute, or has `..`, empty parts or a zero byte: it is put nowhere.
    Name,
    /// Another member has the same path.
    Duplicate,
    /// Another member has the same path but for the case of letters, there or in a folder on the way.
    Case,
    /// Its path goes through something that is no folder: it is put nowhere.
    ThroughFile,
    /// Its name says that it is a folder, its attributes that it is none, or the other way round.
    Form,
    /// It holds the attributes of something in the item, but lies beside it, and not in `__MACOSX`.
    Beside,
    /// What was unpacked of it is broken, or has another size or checksum than the directory says.
    Damaged,
    /// What stands in front of its data, or behind it, says something else than the central directory.
    Ambiguous,
    /// It stands between others, and the central directory does not know it.
    Hidden,
    /// The records at the end of the archive contradict each other.
    End,
    /// Something stands in front of the archive.
    Leading,
    /// Something stands behind the archive.
    Trailing,
}

impl Container {
    /// What is unusual about the archive, and about the item in it.
    pub fn all_faults(&self) -> impl Iterator<Item = &ContainerFault> {
        self.faults.iter().chain(&self.own)
    }

    /// Whether there is anything.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        self.all_faults().next().is_some()
    }
}
