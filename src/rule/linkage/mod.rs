//! Which file every load command of the item leads to, for every program in it, as dyld finds it.
//!
//! The run paths that count for an image are its own and those of everything that led to it (`man dyld`, `LC_RPATH`;
//! dyld's `Loader.h`, `LoadOptions::rpathStack`). Here they are the union over all ways that lead from a program to the
//! image: what any of them finds counts as found. Code that no program links is looked at as if any of the programs, or
//! any image in one, loaded it with `dlopen`.
//!
//! Not done: variables of the environment, interposing, and paths that are put together while a program runs.

mod place;
mod search;

use crate::bundle::BundleKind;
use std::collections::{BTreeMap, BTreeSet};

pub(super) use place::{Absolute, Anchor, absolute, anchor, folder_of, is_in_build_folder, normalized};

use search::Search;

use crate::macho::Architecture;
use crate::verify::{Evidence, SliceEvidence};

const X86_64: i32 = 0x0100_0007;
const ARM64: i32 = 0x0100_000c;
/// `CPU_SUBTYPE_ARM64E`.
const ARM64E: i32 = 2;

/// One architecture of one code object, by their indexes in the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Image {
    pub(super) object: usize,
    pub(super) slice: usize,
}

/// Where a load command leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    /// A library of macOS.
    System,
    /// Code of the item.
    Image(Image),
    /// Code of the item that is not for this architecture.
    OtherArchitecture {
        /// Index of the code object.
        object: usize,
    },
    /// A file of the item that cannot be read as code.
    File,
    /// To a place of the Mac's where a package manager or an installer may have put it.
    Installed(Absolute),
    /// Nowhere.
    Missing,
    /// It depends on what is around the item.
    Unknown,
}

/// A load command, followed.
#[derive(Debug, Clone)]
pub(super) struct Load {
    /// Index in the linked paths of the slice.
    pub(super) index: usize,
    /// Where it leads.
    pub(super) destination: Destination,
    /// Where dyld would look, if it finds nothing.
    pub(super) tried: Vec<String>,
}

/// An image in a process.
#[derive(Debug, Clone, Default)]
pub(super) struct Loaded {
    /// Whether the program cannot start without it: some chain of load commands leads to it, none of which is weak.
    pub(super) is_required: bool,
    /// Its dependencies, in the order of their commands.
    pub(super) loads: Vec<Load>,
    /// Run paths of what led to it.
    inherited: Vec<usize>,
}

/// A program with everything that its load commands lead to.
#[derive(Debug, Clone)]
pub(super) struct Process {
    /// The program; none for the code that no program links.
    pub(super) program: Option<Image>,
    /// What is loaded into it.
    pub(super) images: BTreeMap<Image, Loaded>,
}

/// Every program of an item with what it loads.
#[derive(Debug, Clone)]
pub(super) struct Linkage {
    /// The programs, and last of all the code that none of them links.
    pub(super) processes: Vec<Process>,
    /// Whether all load commands were followed; if not, there are too many.
    pub(super) is_complete: bool,
    /// Which processes load an image.
    by_image: BTreeMap<Image, Vec<usize>>,
}

impl Linkage {
    /// Follows every load command of the item.
    pub(super) fn of(evidence: &Evidence) -> Self {
        let mut search = Search::new(evidence);
        let mut processes = Vec::new();
        let mut linked = BTreeSet::new();
        let mut folders = Vec::new();
        let mut known = BTreeSet::new();
        let images = search.images();
        for image in &images {
            let slice = slice(evidence, *image);
            if slice.is_some_and(|slice| slice.file_type.is_some_and(|found| found.is_execute())) {
                let folder = search.folder(image.object);
                if known.insert(folder) {
                    folders.push(folder);
                }
                let process = search.explore(Some(*image), &[*image], &[folder]);
                linked.extend(process.images.keys().copied());
                processes.push(process);
            }
        }
        let rest: Vec<_> = images
            .into_iter()
            .filter(|image| !linked.contains(image))
            .collect();
        if !rest.is_empty() {
            processes.push(search.explore(None, &rest, &folders));
        }
        if !search.is_complete {
            // What was not found may lie in a place that was not looked at.
            let images = processes
                .iter_mut()
                .flat_map(|process| process.images.values_mut());
            for load in images.flat_map(|loaded| &mut loaded.loads) {
                if load.destination == Destination::Missing {
                    load.destination = Destination::Unknown;
                }
            }
        }
        let mut by_image: BTreeMap<Image, Vec<usize>> = BTreeMap::new();
        for (index, process) in processes.iter().enumerate() {
            for image in process.images.keys() {
                by_image.entry(*image).or_default().push(index);
            }
        }
        Self {
            processes,
            is_complete: search.is_complete,
            by_image,
        }
    }

    /// Every process that loads the image.
    pub(super) fn with(&self, image: Image) -> impl Iterator<Item = (&Process, &Loaded)> {
        let indexes = self.by_image.get(&image).into_iter().flatten();
        let processes = indexes.filter_map(|index| self.processes.get(*index));
        processes.filter_map(move |process| Some((process, process.images.get(&image)?)))
    }

    /// Whether a program of the item links the image.
    pub(super) fn is_linked(&self, image: Image) -> bool {
        self.with(image).any(|(process, _)| process.program.is_some())
    }
}

/// Returns true if nothing outside of the item belongs to it: an app, not a part of one. An app that is judged where it is in another
/// bundle is a part of that.
pub(super) fn is_whole(evidence: &Evidence) -> bool {
    let mut folders = evidence.root.trim_end_matches('/').rsplit('/').skip(1);
    let is_inside = folders.any(|folder| BundleKind::of_name(folder).is_some());
    !is_inside
        && evidence
            .code
            .first()
            .is_some_and(|item| item.is_app_like && item.executable.is_some())
}

/// The slice of an image.
pub(super) fn slice(evidence: &Evidence, image: Image) -> Option<&SliceEvidence> {
    evidence.code.get(image.object)?.slices.get(image.slice)
}

/// Whether Macs of today run it: not for 32 bits or PowerPC, and not for another system.
pub(super) fn runs_on_macs(slice: &SliceEvidence) -> bool {
    let is_current = slice
        .architecture
        .is_some_and(|found| matches!(found.cpu_type, X86_64 | ARM64));
    let platform = slice.build_version.map_or(1, |version| version.platform);
    is_current && !slice.is_duplicate && matches!(platform, 1 | 6 | 10)
}

/// Whether code of one architecture loads into a process of the other.
fn fits(library: Architecture, loader: Architecture) -> bool {
    let is_arm64e = |found: Architecture| found.cpu_subtype & 0x00ff_ffff == ARM64E;
    library.cpu_type == loader.cpu_type
        && (library.cpu_type != ARM64 || !is_arm64e(library) || is_arm64e(loader))
}
