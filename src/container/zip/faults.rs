//! What may make an archive in ZIP form into something else with another tool: looked for once, in all of its members, since a
//! member beside an item can end up in it (`spec/containers.md` 1.3 to 1.7).
//!
//! Names are held against each other as a usual volume of macOS does it, which does not tell cases apart. Not done: names that differ
//! in their Unicode normalisation only, and checksums of members that nobody asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::indexed::{COMPANIONS, Indexed};
use super::{MemberKind, Zip};
use crate::source::fold;
use crate::source::placing::SEPARATOR;
use crate::source::{ContainerFault, ContainerFaultKind};

/// Members that are named of each kind of fault: more say nothing new, and each item of the archive has them.
const MAX_NAMED: usize = 20;
/// What the name of a companion begins with.
pub(super) const COMPANION: &[u8] = b"._";

/// Those that were found, by their kinds.
#[derive(Debug, Default)]
pub(super) struct Faults(BTreeMap<ContainerFaultKind, Vec<Option<String>>>);

impl Faults {
    /// One about the archive.
    fn add(&mut self, kind: ContainerFaultKind) {
        self.0.entry(kind).or_default().push(None);
    }

    /// One about a member.
    pub(super) fn add_member(&mut self, kind: ContainerFaultKind, name: &[u8]) {
        let members = self.0.entry(kind).or_default();
        if members.len() < MAX_NAMED {
            members.push(Some(String::from_utf8_lossy(name).into_owned()));
        }
    }

    /// All of them, by kinds, and of each kind in the order in which they were found.
    pub(super) fn list(self) -> Arc<[ContainerFault]> {
        let with_kind = |(kind, members): (_, Vec<_>)| {
            let one = move |member| ContainerFault { member, kind };
            members.into_iter().map(one)
        };
        self.0.into_iter().flat_map(with_kind).collect()
    }

    /// What the archive as a whole has.
    pub(super) fn of_archive(&mut self, zip: &Zip<'_>) {
        use ContainerFaultKind::{End, Hidden, Leading, Trailing};
        for (is_there, kind) in [
            (zip.leading > 0, Leading),
            (zip.trailing > 0, Trailing),
            (zip.is_doubtful, End),
        ] {
            if is_there {
                self.add(kind);
            }
        }
        for name in zip.hidden() {
            self.add_member(Hidden, name);
        }
    }

    /// What each member has by itself. `budget` is the number of bytes that may be inflated.
    pub(super) fn of_members(&mut self, zip: &Zip<'_>, mut budget: u64) {
        use ContainerFaultKind::{Ambiguous, Backslash, Encrypted, Form, Method};
        for member in &zip.members {
            for (is_there, kind) in [
                (member.name.contains(&b'\\'), Backslash),
                (member.is_encrypted(), Encrypted),
                (
                    member.foreign_method().is_some() && !member.is_encrypted(),
                    Method,
                ),
                (member.has_two_kinds(), Form),
                (zip.is_ambiguous(member, &mut budget), Ambiguous),
            ] {
                if is_there {
                    self.add_member(kind, member.name);
                }
            }
        }
    }

    /// What their paths have in common. The members are sorted by their paths, so that what is in a folder follows it.
    pub(super) fn of_paths(&mut self, members: &[Indexed]) {
        use ContainerFaultKind::{Duplicate, ThroughFile};
        let mut before: Option<&Indexed> = None;
        let mut file: Option<&[u8]> = None;
        for indexed in members {
            let is_in = |folder: &[u8]| is_at_or_in(&indexed.path, folder);
            let name = indexed.member().name;
            if before.is_some_and(|before| before.path == indexed.path) {
                self.add_member(Duplicate, name);
            } else if file.is_some_and(is_in) {
                self.add_member(ThroughFile, name);
            }
            let is_file = indexed.member().unpacked().0 != MemberKind::Directory;
            if is_file && !file.is_some_and(is_in) {
                file = Some(&indexed.path);
            }
            before = Some(indexed);
        }
    }

    /// What a volume takes for one that does not tell cases apart.
    pub(super) fn of_cases(&mut self, members: &[Indexed]) {
        use ContainerFaultKind::Case;
        let mut keys: Vec<(Vec<u8>, &Indexed)> = members
            .iter()
            .map(|indexed| (folded(&indexed.path), indexed))
            .collect();
        keys.sort_by(|one, other| (&one.0, one.1.number).cmp(&(&other.0, other.1.number)));
        for ((key, one), (other_key, other)) in keys.iter().zip(keys.iter().skip(1)) {
            let both = parts(key).zip(parts(other_key));
            let paths = parts(&one.path).zip(parts(&other.path));
            let mut alike = both.zip(paths).take_while(|((key, other), _)| key == other);
            if alike.any(|(_, (part, other))| part != other) {
                self.add_member(Case, other.member().name);
            }
        }
        // Attributes of what has another case.
        for indexed in members {
            let Some(owner) = owner(&indexed.path).filter(|owner| owner.is_apart) else {
                continue;
            };
            let key = folded(&owner.path);
            let at = keys.partition_point(|(found, _)| *found < key);
            let Some((_, found)) = keys.get(at).filter(|(found, _)| is_at_or_in(found, &key)) else {
                continue;
            };
            if !parts(&owner.path).eq(parts(&found.path).take(parts(&owner.path).count())) {
                self.add_member(Case, indexed.member().name);
            }
        }
    }
}

/// What a companion with attributes belongs to.
pub(super) struct Owner {
    pub(super) path: Vec<u8>,
    /// Whether the companion lies in `__MACOSX`, and not beside it.
    pub(super) is_apart: bool,
}

/// The owner of a companion by the companion's path; `None` for what is none by its name.
pub(super) fn owner(path: &[u8]) -> Option<Owner> {
    let start = path.iter().rposition(|byte| *byte == SEPARATOR);
    let start = start.map_or(0, |at| at.saturating_add(1));
    let name = path.get(start..)?.strip_prefix(COMPANION)?;
    let folder = path.get(..start)?;
    let apart = folder
        .strip_prefix(COMPANIONS)
        .and_then(|rest| rest.strip_prefix(&[SEPARATOR]));
    Some(Owner {
        path: [apart.unwrap_or(folder), name].concat(),
        is_apart: apart.is_some(),
    })
}

/// Whether a path is that of a folder, or of something in it.
pub(super) fn is_at_or_in(path: &[u8], folder: &[u8]) -> bool {
    let rest = path.strip_prefix(folder);
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(&SEPARATOR)))
}

fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == SEPARATOR)
}

/// The path without its case.
fn folded(path: &[u8]) -> Vec<u8> {
    match path.is_ascii() {
        true => path.to_ascii_lowercase(),
        false => fold(path).into_bytes(),
    }
}
