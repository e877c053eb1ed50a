//! The facts about one code object: owned, so that rules and reports outlive the files.

use super::{CodeKind, Fault, FaultKind, Nesting, ProfileEvidence, SliceEvidence};
use crate::hash::Digest;
use crate::macho::Architecture;
use crate::plist::Dictionary;

/// Facts about a resource seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealEvidence {
    /// 1 or 2.
    pub version: u32,
    /// Number of rules.
    pub rules: usize,
    /// Number of sealed files.
    pub files: usize,
    /// Whether it lists the place of the notarization ticket, which no seal can know.
    pub lists_ticket: bool,
}

/// The file in which a bundle keeps its Info.plist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfoPlistFile {
    /// Path relative to the item, links followed.
    pub path: String,
    /// Whether it is a property list with a dictionary.
    pub is_dictionary: bool,
    /// Why it was not read, where macOS may read it.
    pub not_read: Option<String>,
    /// The lines of its keys, where it is XML.
    pub lines: Vec<(String, u64)>,
}

impl InfoPlistFile {
    /// Returns the line of a key.
    #[must_use]
    pub fn line(&self, key: &str) -> Option<u64> {
        let mut lines = self.lines.iter();
        lines.find(|(found, _)| found == key).map(|(_, line)| *line)
    }
}

/// One code object: the item itself or code nested in it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CodeObject {
    /// Path relative to the item; empty for the item itself.
    pub path: String,
    /// Path of the file that the signature covers, relative to the item.
    pub executable: Option<String>,
    /// The SHA-256 digest of that file, where the options ask for it.
    pub file_digest: Option<Digest>,
    /// Kind.
    pub kind: CodeKind,
    /// Whether that file is a script: it starts with `#!`.
    pub is_script: bool,
    /// What `codesign -d` prints after `Format=`.
    pub format: String,
    /// Whether `spctl` takes it for an app: a bundle whose package type is `APPL`, and that is no framework
    /// (specification 6.3).
    pub is_app_like: bool,
    /// The bundle's Info.plist; bound by special slot 1 only as far as there is no fault about it.
    pub info_plist: Option<Dictionary>,
    /// The file that it was read from, where the bundle has one.
    pub info_plist_file: Option<InfoPlistFile>,
    /// The folder of a bundle that its Info.plist and its seal belong to (`Contents`, the version of a framework, or the bundle
    /// itself), relative to the item.
    pub support: Option<String>,
    /// How it was found.
    pub nesting: Nesting,
    /// Whether its parent's seal demands a requirement of it that was not evaluated.
    pub requirement_pending: bool,
    /// The first slice that does not satisfy what its parent's seal demands: macOS looks no further then.
    pub unmet_slice: Option<usize>,
    /// Index of the enclosing code object.
    pub parent: Option<usize>,
    /// The provisioning profile of a bundle, where macOS looks for it.
    pub profile: Option<ProfileEvidence>,
    /// How `codesign` spells the path of the selected version of a framework: the path from the item, and the one to
    /// print in its place.
    pub spelling: Option<(String, String)>,
    /// Facts per slice, primary slice first.
    pub slices: Vec<SliceEvidence>,
    /// Architectures of the file that were not read, because the options ask for another one.
    pub unread_architectures: Vec<Architecture>,
    /// The resource seal.
    pub seal: Option<SealEvidence>,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

impl CodeObject {
    /// One of which nothing is known but where it lies and how it was found.
    pub(super) fn new(path: String, format: &str, nesting: Nesting) -> Self {
        Self {
            path,
            executable: None,
            file_digest: None,
            kind: CodeKind::Generic,
            is_script: false,
            format: format.to_owned(),
            is_app_like: false,
            info_plist: None,
            info_plist_file: None,
            support: None,
            nesting,
            requirement_pending: nesting == Nesting::Sealed,
            unmet_slice: None,
            parent: None,
            profile: None,
            spelling: None,
            slices: Vec::new(),
            unread_architectures: Vec::new(),
            seal: None,
            faults: Vec::new(),
        }
    }

    /// Returns true if there is a file that a signature could cover: a folder without code is an object as well, and none.
    #[must_use]
    pub fn is_code(&self) -> bool {
        !self.slices.is_empty()
    }

    /// Returns true if Gatekeeper evaluates the slice of this index. It always evaluates the primary slice; of the others,
    /// it leaves out PowerPC (`SecStaticCode::staticValidate` with `kSecCSCheckGatekeeperArchitectures`) and those that
    /// macOS never sees.
    #[must_use]
    pub fn is_assessed(&self, index: usize) -> bool {
        let is_other = |slice: &SliceEvidence| {
            let is_powerpc = slice.architecture.is_some_and(Architecture::is_powerpc);
            !slice.is_duplicate && !is_powerpc
        };
        index == 0 || self.slices.get(index).is_some_and(is_other)
    }

    /// The slices that Gatekeeper evaluates, the primary one first.
    pub fn assessed_slices(&self) -> impl Iterator<Item = &SliceEvidence> {
        let slices = self.slices.iter().enumerate();
        slices
            .filter(|(index, _)| self.is_assessed(*index))
            .map(|(_, slice)| slice)
    }

    /// Adds something that is wrong.
    pub(super) fn push(&mut self, kind: FaultKind, path: String, slice: Option<usize>) {
        self.faults.push(Fault { kind, path, slice });
    }

    /// The path of its executable, or its own.
    #[must_use]
    pub fn main_path(&self) -> String {
        self.executable.clone().unwrap_or_else(|| self.path.clone())
    }
}

/// Adds code that is in the first of `objects`, with everything in it. Indices inside of a group count from its own first object.
pub(super) fn adopt(objects: &mut Vec<CodeObject>, mut group: Vec<CodeObject>) {
    let base = objects.len();
    for (index, object) in group.iter_mut().enumerate() {
        object.parent = Some(match (index, object.parent) {
            (0, _) | (_, None) => 0,
            (_, Some(parent)) => parent.saturating_add(base),
        });
    }
    objects.extend(group);
}

/// `name` in a directory that may be the item itself.
pub(super) fn below(directory: &str, name: &str) -> String {
    match directory {
        "" => name.to_owned(),
        directory => format!("{directory}/{name}"),
    }
}
