//! The directory of Electron's archive, asar (the format as `@electron/asar` writes it: two pickles of Chromium's, with a
//! directory in JSON in the second one).
//!
//! Not checked: hashes, and whether members overlap; the writer itself lets equal files share their bytes.

mod members;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use thiserror::Error;

pub(super) use self::members::READER;
use crate::limits::{ASAR_HEADER, ASAR_PATHS};
use crate::octets::{Endian, range};

/// Two pickles: the first holds the size of the second. Their payload's sizes and that of the text come before the text.
const PREFIX: u64 = 16;
/// The size of the number in the first pickle, which the archive begins with.
const FIRST: u32 = 4;

/// Why an archive cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AsarError {
    /// The numbers in front of the directory do not fit each other, or the file.
    #[error("the asar header is broken")]
    Header,
    /// The directory is larger than any honest one.
    #[error("the asar directory has {size} bytes")]
    TooLong {
        /// Its size.
        size: u64,
    },
    /// The directory lists more files than the budget.
    #[error("it has more than {limit} members (archive-members)")]
    TooMany {
        /// The budget.
        limit: u64,
    },
    /// The directory is no JSON of the kind.
    #[error("the asar directory cannot be read: {reason}")]
    Directory {
        /// Why.
        reason: String,
    },
}

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsarMember {
    /// Its path.
    pub name: String,
    offset: u64,
    size: u64,
}

/// An archive: the files that lie in it, in the order of the directory.
#[derive(Debug, Clone)]
pub struct Asar<'a> {
    /// What stands behind the directory.
    contents: &'a [u8],
    /// Its files; those that were left beside it, and links, are not among them.
    pub members: Vec<AsarMember>,
}

/// Whether a file begins like an asar archive.
pub(super) fn is_asar(head: &[u8]) -> bool {
    let number = |offset| Endian::Little.u32(head, offset);
    number(0) == Some(FIRST) && number(4).is_some_and(|size| u64::from(size) > 8)
}

impl<'a> Asar<'a> {
    /// Reads the directory.
    ///
    /// # Errors
    /// [`AsarError`]
    pub fn parse(data: &'a [u8], max_members: u64) -> Result<Self, AsarError> {
        let number = |offset| Endian::Little.u32(data, offset).map(u64::from);
        let (Some(pickle), Some(size), true) = (number(4), number(12), is_asar(data)) else {
            return Err(AsarError::Header);
        };
        if size > ASAR_HEADER {
            return Err(AsarError::TooLong { size });
        }
        let text = range(data, PREFIX, size).filter(|_| size.saturating_add(8) <= pickle);
        let start = usize::try_from(pickle.saturating_add(8)).ok();
        let contents = start.and_then(|start| data.get(start..));
        let (Some(text), Some(contents)) = (text, contents) else {
            return Err(AsarError::Header);
        };
        let mut members = Vec::new();
        let mut path = String::new();
        let mut reader = serde_json::Deserializer::from_slice(text);
        let mut left = ASAR_PATHS;
        let mut is_full = false;
        let top = Node {
            path: &mut path,
            left: &mut left,
            members: &mut members,
            max_members,
            is_full: &mut is_full,
        };
        let read = top.deserialize(&mut reader).and_then(|()| reader.end());
        match read {
            Ok(()) => {}
            // The reader turns every error into text.
            Err(_) if is_full => return Err(AsarError::TooMany { limit: max_members }),
            Err(error) => {
                let reason = error.to_string();
                return Err(AsarError::Directory { reason });
            }
        }
        Ok(Self { contents, members })
    }

    /// The contents of a file; `None` where they would lie outside of the archive.
    #[must_use]
    pub fn contents(&self, member: &AsarMember) -> Option<&'a [u8]> {
        range(self.contents, member.offset, member.size)
    }
}

/// A folder, file or link of the directory; its path is what the folders around it have pushed. Folders in folders are bounded by
/// what serde_json takes, 128 levels of braces.
struct Node<'s> {
    path: &'s mut String,
    /// Bytes that paths may still take.
    left: &'s mut usize,
    members: &'s mut Vec<AsarMember>,
    max_members: u64,
    /// Set where there are more members than that.
    is_full: &'s mut bool,
}

/// The value of `files`: names and nodes.
struct Folder<'s>(Node<'s>);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> DeserializeSeed<'de> for Folder<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file or folder")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut size, mut offset) = (None, None);
        let mut is_elsewhere = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "files" => map.next_value_seed(Folder(Node {
                    path: &mut *self.path,
                    left: &mut *self.left,
                    members: &mut *self.members,
                    max_members: self.max_members,
                    is_full: &mut *self.is_full,
                }))?,
                "size" => size = Some(map.next_value::<u64>()?),
                "offset" => offset = Some(map.next_value::<String>()?),
                "unpacked" => is_elsewhere |= map.next_value::<bool>()?,
                "link" => {
                    is_elsewhere = true;
                    map.next_value::<IgnoredAny>()?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if let (Some(size), Some(offset), false) = (size, offset, is_elsewhere) {
            let count = u64::try_from(self.members.len()).unwrap_or(u64::MAX);
            if count >= self.max_members {
                *self.is_full = true;
                return Err(A::Error::custom("it has too many members"));
            }
            *self.left = self
                .left
                .checked_sub(self.path.len())
                .ok_or_else(|| A::Error::custom("its paths are too long"))?;
            self.members.push(AsarMember {
                name: self.path.clone(),
                offset: offset.parse().map_err(A::Error::custom)?,
                size,
            });
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Folder<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the contents of a folder")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(node) = self;
        let length = node.path.len();
        while let Some(name) = map.next_key::<String>()? {
            if length > 0 {
                node.path.push('/');
            }
            node.path.push_str(&name);
            map.next_value_seed(Node {
                path: &mut *node.path,
                left: &mut *node.left,
                members: &mut *node.members,
                max_members: node.max_members,
                is_full: &mut *node.is_full,
            })?;
            node.path.truncate(length);
        }
        Ok(())
    }
}
