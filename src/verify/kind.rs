//! What a code object is, and how it was found.

use crate::bundle::BundleKind;

/// What kind of thing a code object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodeKind {
    /// A bare Mach-O file.
    MachO,
    /// A file that is no Mach-O.
    Generic,
    /// A bundle.
    Bundle(BundleKind),
}

impl CodeKind {
    /// A word for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MachO => "mach-o",
            Self::Generic => "file",
            Self::Bundle(kind) => kind.name(),
        }
    }
}

/// How a code object was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Nesting {
    /// It is the item itself.
    Item,
    /// The seal of the object around it names it as code.
    Sealed,
    /// It is another version of a nested framework than the current one.
    OtherVersion,
    /// Its bytes say that it is code; for the seal it is an ordinary file, or nothing.
    Found,
}
