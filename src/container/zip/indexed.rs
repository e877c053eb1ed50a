//! A member of an archive in ZIP form, by its path.

use super::Member;
use crate::source::placing::SEPARATOR;

/// The folder at the root in which Archive Utility keeps attributes.
pub(super) const COMPANIONS: &[u8] = b"__MACOSX";

/// A member with a path that can be used.
#[derive(Debug)]
pub(super) struct Indexed {
    pub(super) path: Box<[u8]>,
    /// As it is written.
    name: Box<[u8]>,
    /// Its place in the directory.
    pub(super) number: usize,
    member: Member<'static>,
}

impl Indexed {
    /// The member with this number, which is placed at `path`.
    pub(super) fn new(path: Box<[u8]>, number: usize, member: &Member<'_>) -> Self {
        Self {
            path,
            name: member.name.into(),
            number,
            member: member.named(&[]),
        }
    }

    pub(super) fn parts(&self) -> Vec<&[u8]> {
        self.path.split(|byte| *byte == SEPARATOR).collect()
    }

    pub(super) fn member(&self) -> Member<'_> {
        self.member.named(&self.name)
    }

    /// Its name, if it has no Unix attributes. A folder without them is a folder all the same.
    pub(super) fn modeless(&self) -> Option<String> {
        let member = self.member();
        (member.unix().is_none() && !member.name.ends_with(b"/")).then(|| member.text())
    }
}
