//! What can go wrong when a tree is read; faults of the signed code itself are never errors here.

use std::io;

use thiserror::Error;

/// The input could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The operating system refused.
    #[error("{path}: {}", self.reason())]
    Io {
        /// The path as the user knows it.
        path: String,
        /// The class of the failure.
        kind: io::ErrorKind,
        /// The system's error number, where there is one.
        errno: Option<i32>,
    },
    /// The node is not a regular file (or was replaced by something else since the tree was listed).
    #[error("{path}: not a regular file")]
    NotRegular {
        /// The path as the user knows it.
        path: String,
    },
    /// The file is not what it was when it was opened.
    #[error("{path}: changed while it was read")]
    Changed {
        /// The path as the user knows it.
        path: String,
    },
    /// The file is larger than the caller accepts.
    #[error("{path}: larger than {limit} bytes")]
    TooLarge {
        /// The path as the user knows it.
        path: String,
        /// The caller's limit in bytes.
        limit: u64,
    },
    /// A budget for what is read was reached.
    #[error("{path}: {}", self.reason())]
    Budget {
        /// The path as the user knows it.
        path: String,
        /// The name of the budget, as `--limit` takes it.
        name: &'static str,
        /// The budget in bytes.
        limit: u64,
    },
    /// The container cannot be read.
    #[error("{path}: {reason}")]
    Container {
        /// The container.
        path: String,
        /// Why.
        reason: String,
        /// The name of the budget that was reached, if that is why.
        limit: Option<&'static str>,
    },
    /// There is nothing of this name in the archive.
    #[error("{path}: not in the archive")]
    NoSuchMember {
        /// The path of the archive and the path in it.
        path: String,
    },
    /// The operand stands for several items, or for places that cannot be read.
    #[error("{path}: {}", self.reason())]
    ManyItems {
        /// The operand.
        path: String,
        /// How many.
        count: usize,
    },
    /// A place where items may be cannot be read.
    #[error("{path}: {reason}")]
    Unread {
        /// The place.
        path: String,
        /// Why.
        reason: String,
    },
    /// Too many archives in archives.
    #[error("{path}: {}", self.reason())]
    TooDeep {
        /// The path as the user knows it.
        path: String,
        /// Archives that are opened, each in the one before.
        limit: usize,
    },
    /// A member of an archive cannot be unpacked.
    #[error("{path}: {}", self.reason())]
    Member {
        /// The path of the archive and the path in it.
        path: String,
        /// Why.
        reason: String,
    },
    /// The companion in an archive that holds extended attributes cannot be unpacked.
    #[error("{path}: {}", self.reason())]
    Attributes {
        /// The path of the archive and that of the companion in it.
        path: String,
        /// Why.
        reason: String,
    },
    /// The budget of the item is spent, so that it is not judged.
    #[error("{path}: {}", self.reason())]
    OverBudget {
        /// What was to be read.
        path: String,
    },
    /// The node is not of this tree.
    #[error("node {0} is not of this tree")]
    NoSuchNode(u32),
}

impl SourceError {
    /// The path as the user knows it.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Io { path, .. }
            | Self::NotRegular { path }
            | Self::Changed { path }
            | Self::TooLarge { path, .. }
            | Self::Budget { path, .. }
            | Self::Container { path, .. }
            | Self::NoSuchMember { path }
            | Self::TooDeep { path, .. }
            | Self::ManyItems { path, .. }
            | Self::Unread { path, .. }
            | Self::Member { path, .. }
            | Self::Attributes { path, .. }
            | Self::OverBudget { path } => Some(path),
            Self::NoSuchNode(_) => None,
        }
    }

    /// What happened, without the path.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Io {
                errno: Some(errno), ..
            } => format!("cannot be read: {}", io::Error::from_raw_os_error(*errno)),
            Self::Io { kind, .. } => format!("cannot be read: {kind}"),
            Self::Changed { .. } => "changed while it was read".to_owned(),
            Self::NotRegular { .. } => "not a regular file".to_owned(),
            Self::TooLarge { limit, .. } => format!("larger than {limit} bytes"),
            Self::Budget { name, limit, .. } => format!("over the limit of {limit} bytes ({name})"),
            Self::NoSuchMember { .. } => "not in the archive".to_owned(),
            Self::ManyItems { count, .. } => {
                format!("it holds {count} items, and one was asked for; each of them has to be checked")
            }
            Self::Unread { reason, .. } | Self::Container { reason, .. } => reason.clone(),
            Self::TooDeep { limit, .. } => {
                format!("in more than {limit} archives, one in the other, of which no more are opened")
            }
            Self::Member { reason, .. } => format!("cannot be unpacked: {reason}"),
            Self::Attributes { reason, .. } => {
                format!("its extended attributes cannot be unpacked: {reason}")
            }
            Self::OverBudget { .. } => "not read, since the budget of the item is spent".to_owned(),
            Self::NoSuchNode(_) => self.to_string(),
        }
    }

    /// The same error, where the limit that the caller gave is the budget of this name.
    #[must_use]
    pub fn named(self, name: &'static str) -> Self {
        match self {
            Self::TooLarge { path, limit } => Self::Budget { path, name, limit },
            other => other,
        }
    }

    /// The name of the budget that was reached, if the error is that: macOS would have read on.
    #[must_use]
    pub fn budget(&self) -> Option<&'static str> {
        match self {
            Self::Budget { name, .. } => Some(name),
            Self::Container { limit, .. } => *limit,
            _ => None,
        }
    }

    /// Wraps a failure of the operating system.
    #[cfg(feature = "fs")]
    pub(crate) fn io(path: String, error: &io::Error) -> Self {
        Self::Io {
            path,
            kind: error.kind(),
            errno: error.raw_os_error(),
        }
    }
}

/// A place that could not be read, so that nothing follows from what was not found there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unread {
    /// Path relative to the item or operand.
    pub path: String,
    /// Why, in words.
    pub reason: String,
    /// The name of the budget that was reached, if that is the reason.
    pub limit: Option<&'static str>,
}

impl Unread {
    /// A place that this error kept from being read.
    pub(crate) fn new(path: String, error: &SourceError) -> Self {
        Self {
            path,
            reason: error.reason(),
            limit: error.budget(),
        }
    }
}

/// A path inside a tree leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// A component does not exist (`ENOENT`).
    #[error("no such file or directory")]
    Missing,
    /// More links than the limit (`ELOOP`).
    #[error("too many levels of symbolic links")]
    Loop,
    /// The path leaves the tree: an absolute link, or `..` above the root.
    #[error("the path leaves the input")]
    Escapes,
    /// The budget of the item is spent, so that it is not judged.
    #[error("the budget of the item is spent")]
    OverBudget,
    /// A component that is not the last one, or is followed by `/`, is no directory (`ENOTDIR`).
    #[error("not a directory")]
    NotDirectory,
}
