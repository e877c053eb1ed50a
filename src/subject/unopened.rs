//! Why there is no verdict about an item.

use crate::container::ContainerFormat;

/// Why an item is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unopened {
    /// A container that cannot be opened yet.
    Container(ContainerFormat),
    /// A link that leads out of the folder or archive that was given.
    Link,
    /// A pipe, socket or device.
    Special,
    /// Something that cannot be read.
    Unreadable,
}

impl Unopened {
    /// What it is, with its article.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Container(format) => format.noun(),
            Self::Link => "a link that leads out of the operand",
            Self::Special => "a pipe, a socket or a device",
            Self::Unreadable => "something that cannot be read",
        }
    }

    /// Why there is no verdict.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Container(format) => format.not_judged(),
            Self::Link => "not judged: this link leads out of the operand, and sealcheck does not follow it",
            Self::Special => {
                "not judged: this is a pipe, a socket or a device, which sealcheck does not open"
            }
            Self::Unreadable => "not judged: it cannot be read",
        }
    }
}
