//! What can be wrong with the layout of a bundle.

use thiserror::Error;

use crate::source::NodeId;

/// Links followed on the way to a file of the bundle: the kernel's own limit.
pub(super) const MAX_LINKS: usize = 32;

/// A directory that is no bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LayoutError {
    /// There is neither an executable nor an Info.plist (errSecCSBadBundleFormat).
    #[error("not a bundle: neither an Info.plist nor an executable")]
    NotABundle,
    /// There is no such version (errSecCSStaticCodeNotFound).
    #[error("the framework has no such version")]
    NoSuchVersion,
    /// Where the executable belongs is a directory, which is opened like a file (EISDIR).
    #[error("a folder has the name of the executable")]
    ExecutableIsDirectory,
    /// The main file, or a folder on the way to it, lies outside of what was given, where nothing is read; macOS would look there.
    #[error("Info.plist or a link leads out of the item")]
    Outside,
}

/// A fault of the layout that strict validation refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayoutFault {
    /// Something beside `Contents` (errSecCSUnsealedAppRoot).
    UnsealedRoot {
        /// Name of the entry.
        name: String,
    },
    /// Something in a framework's root that does not belong there (errSecCSUnsealedFrameworkRoot).
    UnsealedFrameworkRoot {
        /// Path of the entry in the framework.
        name: String,
    },
    /// The executable or Info.plist outside and inside of a framework's version are different files
    /// (errSecCSAmbiguousBundleFormat).
    Ambiguous,
    /// The main executable or Info.plist is no regular file (errSecCSRegularFile).
    NotRegular {
        /// The link or special file.
        node: NodeId,
    },
    /// `_CodeSignature` is a file, or a link to one (ENOTDIR).
    MetaNotADirectory,
    /// `_CodeSignature` is a link that leads in a circle (ELOOP).
    MetaLoop,
    /// `_CodeSignature` is a link that leads out of what was given, where nothing is read.
    MetaOutside,
    /// A folder, link or special file in `_CodeSignature` (errSecCSUnsealedAppRoot, thrown where it is met).
    MetaNotAFile {
        /// Name of the entry.
        name: String,
    },
    /// A file in `_CodeSignature` that does not belong there (errSecCSUnsealedAppRoot).
    MetaGuest {
        /// Name of the entry.
        name: String,
    },
}
