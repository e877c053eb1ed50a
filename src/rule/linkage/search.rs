//! Follows load commands from image to image until nothing new is found.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::place::{self, Spot, follow};
use super::{
    Absolute, Anchor, Destination, Image, Load, Loaded, Process, absolute, anchor, fits, is_whole,
    runs_on_macs, slice,
};
use crate::macho::{LinkedPath, LinkedPathKind};
use crate::source::NodeId;
use crate::verify::{CodeObject, Evidence, SliceEvidence};

/// Places that are looked at in one item. A product with 300 libraries of 20 load commands each and 20 programs that
/// link all of them has 120,000 for each run path.
const MAX_PLACES: usize = 2_000_000;
/// Run paths of one item that are told apart; real products have less than fifty.
const MAX_RUN_PATHS: usize = 256;

/// A run path, expanded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum RunPath {
    /// From a folder of the item; from an unknown one, if the item is a single file.
    Within(Option<NodeId>, String),
    /// A folder of the Mac's, or of wherever the program is started.
    Elsewhere(String),
}

/// The work of [`super::Linkage::of`].
pub(super) struct Search<'a> {
    evidence: &'a Evidence,
    is_whole: bool,
    nodes: Vec<Option<NodeId>>,
    objects: HashMap<NodeId, usize>,
    run_paths: Vec<RunPath>,
    numbers: HashMap<RunPath, usize>,
    found: HashMap<(usize, String), Spot>,
    places: usize,
    pub(super) is_complete: bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(evidence: &'a Evidence) -> Self {
        let listing = &evidence.listing;
        let node = |object: &CodeObject| listing.lookup(NodeId(0), &object.main_path()).id();
        let nodes: Vec<_> = evidence.code.iter().map(node).collect();
        let mut objects = HashMap::new();
        for (index, node) in nodes.iter().enumerate() {
            if let Some(node) = node {
                objects.entry(*node).or_insert(index);
            }
        }
        Self {
            evidence,
            is_whole: is_whole(evidence),
            nodes,
            objects,
            run_paths: Vec::new(),
            numbers: HashMap::new(),
            found: HashMap::new(),
            places: 0,
            is_complete: true,
        }
    }

    /// Every slice that Macs of today run or load.
    pub(super) fn images(&self) -> Vec<Image> {
        let mut images = Vec::new();
        for (object, code) in self.evidence.code.iter().enumerate() {
            for (slice, facts) in code.slices.iter().enumerate() {
                if runs_on_macs(facts) {
                    images.push(Image { object, slice });
                }
            }
        }
        images
    }

    /// The folder in which the code lies.
    pub(super) fn folder(&self, object: usize) -> Option<NodeId> {
        let node = self.nodes.get(object).copied().flatten()?;
        self.evidence.listing.node(node).parent
    }

    /// Follows load commands from the roots until nothing new is found.
    pub(super) fn explore(
        &mut self,
        program: Option<Image>,
        roots: &[Image],
        executables: &[Option<NodeId>],
    ) -> Process {
        // With dlopen, anything may load it that was found before.
        let base: Vec<usize> = if program.is_none() {
            (0..self.run_paths.len()).collect()
        } else {
            Vec::new()
        };
        let mut images: BTreeMap<Image, Loaded> = BTreeMap::new();
        let mut queue = VecDeque::new();
        for root in roots {
            let loaded = Loaded {
                is_required: program.is_some(),
                loads: Vec::new(),
                inherited: base.clone(),
            };
            images.insert(*root, loaded);
            queue.push_back(*root);
        }
        while let Some(image) = queue.pop_front() {
            let Some(facts) = slice(self.evidence, image) else {
                continue;
            };
            let Some(loaded) = images.get(&image) else {
                continue;
            };
            let is_required = loaded.is_required;
            let mut stack = self.own_run_paths(image, facts, executables);
            merge(&mut stack, &loaded.inherited);
            let mut loads = Vec::new();
            for (index, dependency) in facts.linked_paths.iter().enumerate() {
                if !dependency.kind.is_dependency() {
                    continue;
                }
                self.places = self.places.saturating_add(stack.len()).saturating_add(1);
                let budget = self.evidence.budget();
                let steps = u64::try_from(stack.len()).unwrap_or(u64::MAX).saturating_add(8);
                if self.places > MAX_PLACES || budget.step(steps).is_err() {
                    self.is_complete = false;
                    break;
                }
                let (destination, tried) = self.load(image, dependency, &stack, executables);
                let kept = tried
                    .iter()
                    .map(|path| path.len().saturating_add(size_of::<String>()));
                // The next charge says so, if that was too much.
                let _ = budget.retain(kept.fold(size_of::<Load>(), usize::saturating_add));
                if let Destination::Image(target) = destination {
                    let is_needed = is_required
                        && !matches!(
                            dependency.kind,
                            LinkedPathKind::WeakLibrary | LinkedPathKind::LazyLibrary
                        );
                    let is_new = !images.contains_key(&target);
                    let loaded = images.entry(target).or_default();
                    let has_grown = merge(&mut loaded.inherited, &stack);
                    let is_news = is_needed && !loaded.is_required;
                    loaded.is_required |= is_needed;
                    if is_new || has_grown || is_news {
                        queue.push_back(target);
                    }
                }
                loads.push(Load {
                    index,
                    destination,
                    tried,
                });
            }
            if let Some(loaded) = images.get_mut(&image) {
                loaded.loads = loads;
            }
        }
        Process { program, images }
    }

    /// The numbers of the run paths of one image.
    fn own_run_paths(
        &mut self,
        image: Image,
        facts: &SliceEvidence,
        executables: &[Option<NodeId>],
    ) -> Vec<usize> {
        let mut own = Vec::new();
        for path in &facts.linked_paths {
            if path.kind != LinkedPathKind::RunPath {
                continue;
            }
            let expanded: Vec<RunPath> = match anchor(&path.path) {
                Anchor::Loader(rest) => {
                    vec![RunPath::Within(self.folder(image.object), rest.to_owned())]
                }
                Anchor::Executable(rest) => executables
                    .iter()
                    .map(|folder| RunPath::Within(*folder, rest.to_owned()))
                    .collect(),
                Anchor::RunPath(_) | Anchor::Absolute | Anchor::Relative => {
                    vec![RunPath::Elsewhere(path.path.clone())]
                }
            };
            for run_path in expanded {
                own.extend(self.number(run_path));
            }
        }
        own
    }

    fn number(&mut self, run_path: RunPath) -> Option<usize> {
        if let Some(number) = self.numbers.get(&run_path) {
            return Some(*number);
        }
        let number = self.run_paths.len();
        if number >= MAX_RUN_PATHS {
            self.is_complete = false;
            return None;
        }
        self.run_paths.push(run_path.clone());
        self.numbers.insert(run_path, number);
        Some(number)
    }

    /// Where one load command leads, and where dyld looks in vain.
    fn load(
        &mut self,
        image: Image,
        dependency: &LinkedPath,
        stack: &[usize],
        executables: &[Option<NodeId>],
    ) -> (Destination, Vec<String>) {
        let mut outcome = Outcome::default();
        let listing = &self.evidence.listing;
        match anchor(&dependency.path) {
            Anchor::Loader(rest) => {
                let spot = follow(listing, self.folder(image.object), rest);
                self.consider(image, &spot, &mut outcome);
            }
            Anchor::Executable(rest) => {
                outcome.is_unknown = executables.is_empty();
                for folder in executables {
                    let spot = follow(listing, *folder, rest);
                    self.consider(image, &spot, &mut outcome);
                }
            }
            Anchor::RunPath(rest) => {
                // Without its host, nobody knows all run paths of a plug-in.
                outcome.is_unknown = executables.is_empty() && !self.is_whole;
                for number in stack {
                    self.try_run_path(image, *number, rest, &mut outcome);
                    if outcome.found.is_some() {
                        break;
                    }
                }
                if outcome.found.is_none() && place::last_resort(rest) {
                    outcome.found = Some(Destination::System);
                }
            }
            Anchor::Absolute => {
                outcome.found = match absolute(&dependency.path) {
                    Absolute::System => Some(Destination::System),
                    Absolute::Removed | Absolute::Foreign => None,
                    other @ (Absolute::PackageManager | Absolute::Installed) => {
                        Some(Destination::Installed(other))
                    }
                };
            }
            // A rule of its own is about these.
            Anchor::Relative => outcome.is_unknown = true,
        }
        outcome.end(self.is_whole)
    }

    fn try_run_path(&mut self, image: Image, number: usize, rest: &str, outcome: &mut Outcome) {
        match self.run_paths.get(number) {
            Some(RunPath::Within(folder, base)) => {
                let key = (number, rest.to_owned());
                let spot = if let Some(spot) = self.found.get(&key) {
                    spot.clone()
                } else {
                    let path = format!("{base}/{rest}");
                    let spot = follow(&self.evidence.listing, *folder, path.trim_start_matches('/'));
                    self.found.insert(key, spot.clone());
                    spot
                };
                self.consider(image, &spot, outcome);
            }
            Some(RunPath::Elsewhere(folder)) if place::is_there(folder, rest) => {
                outcome.found = Some(Destination::System);
            }
            Some(RunPath::Elsewhere(folder)) => {
                let path = format!("{}/{rest}", folder.trim_end_matches('/'));
                if absolute(&path) == Absolute::Installed {
                    outcome.installed = true;
                }
                outcome.tried.push(path);
            }
            None => {}
        }
    }

    fn consider(&self, image: Image, spot: &Spot, outcome: &mut Outcome) {
        match spot {
            Spot::File(node) => {
                if outcome.found.is_none() {
                    let found = self.code_at(image, *node);
                    if matches!(found, Destination::OtherArchitecture { .. }) {
                        outcome.unfit.get_or_insert(found);
                    } else {
                        outcome.found = Some(found);
                    }
                }
            }
            Spot::Missing(path) => outcome.tried.push(path.clone()),
            Spot::Outside(path) => {
                outcome.is_outside = true;
                outcome.tried.push(path.clone());
            }
        }
    }

    /// The code in a file, in the architecture of the image that loads it.
    fn code_at(&self, image: Image, node: NodeId) -> Destination {
        let code = self
            .objects
            .get(&node)
            .and_then(|object| Some((*object, self.evidence.code.get(*object)?)));
        let Some((object, code)) = code else {
            return Destination::File;
        };
        let loader = slice(self.evidence, image).and_then(|facts| facts.architecture);
        if code.slices.iter().all(|facts| facts.architecture.is_none()) {
            return Destination::File;
        }
        let fitting = code.slices.iter().position(|facts| {
            let pair = facts.architecture.zip(loader);
            !facts.is_duplicate && pair.is_some_and(|(library, loader)| fits(library, loader))
        });
        fitting.map_or(Destination::OtherArchitecture { object }, |slice| {
            Destination::Image(Image { object, slice })
        })
    }
}

/// What became of one load command.
#[derive(Default)]
struct Outcome {
    found: Option<Destination>,
    unfit: Option<Destination>,
    installed: bool,
    is_outside: bool,
    is_unknown: bool,
    tried: Vec<String>,
}

impl Outcome {
    fn end(self, is_whole: bool) -> (Destination, Vec<String>) {
        let found = self.found.or(self.unfit);
        let found = found.or(self
            .installed
            .then_some(Destination::Installed(Absolute::Installed)));
        let is_unknown = self.is_unknown || (self.is_outside && !is_whole);
        match found {
            Some(found) => (found, Vec::new()),
            None if is_unknown && self.is_outside => (Destination::Unknown, self.tried),
            None if is_unknown => (Destination::Unknown, Vec::new()),
            None => (Destination::Missing, self.tried),
        }
    }
}

/// Adds what is not there yet; says whether there was something.
fn merge(stack: &mut Vec<usize>, more: &[usize]) -> bool {
    let before = stack.len();
    // Stacks are short: a handful of run paths in real products, [`MAX_RUN_PATHS`] at most.
    for number in more {
        if !stack.contains(number) {
            stack.push(*number);
        }
    }
    stack.len() > before
}
