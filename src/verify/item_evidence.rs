//! Everything that is known about one item: what reports print and what rules are asked about.
//!
//! Facts only; the codesign verdict is folded from them. What could not be read is named, so that nothing follows from its absence.

use std::sync::Arc;

use super::{
    CodeKind, CodeObject, CodesignFlags, CodesignVerdict, FaultKind, Gaps, Options, TicketEvidence, fold,
};
use crate::budget::Budget;
use crate::container::ContainerFormat;
use crate::source::{Container, Listing, NodeId, Unread};
use crate::subject::Unopened;
use crate::time::UnixTime;
use crate::timing::{Phase, PhaseTime, Timings, measure};

/// Numbers about the work done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Regular files in the item.
    pub files: u64,
    /// Slices examined.
    pub slices: u64,
    /// Bytes of code hashed.
    pub bytes_hashed: u64,
}

/// Puts places that could not be read in the order of their paths, each of them once.
pub(super) fn sort_unread(unread: &mut Vec<Unread>) {
    unread.sort_by(|one, other| (&one.path, one.limit).cmp(&(&other.path, other.limit)));
    unread.dedup();
}

/// Everything known about one item.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Evidence {
    /// The operand as given.
    pub path: String,
    /// Where the item really is, links resolved: the bundle, if the operand is its main executable.
    pub root: String,
    /// The item's code objects: itself first, then nested code.
    pub code: Vec<CodeObject>,
    /// What `codesign` would answer.
    pub codesign: CodesignVerdict,
    /// What the verdict minds.
    pub flags: CodesignFlags,
    /// The time for which the verdict holds.
    pub at: UnixTime,
    /// Whether roots count as Apple's that are not.
    pub has_substituted_anchor: bool,
    /// All names in the item.
    pub listing: Arc<Listing>,
    /// Notarization tickets: those of the caller, those stapled to bundles, those in signatures.
    pub tickets: Vec<TicketEvidence>,
    /// Places that could not be read.
    pub unread: Vec<Unread>,
    /// The archive that the item lies in, if it does.
    pub container: Option<Container>,
    /// The item itself as an archive in ZIP form, if it is one without a signature and its directory can be read.
    pub as_archive: Option<Container>,
    /// The format of the item, if it is a container.
    pub format: Option<ContainerFormat>,
    /// Why the item was not opened.
    pub unopened: Option<Unopened>,
    /// Numbers about the work.
    pub statistics: Statistics,
    /// What measures the work on the item, where the caller has a clock.
    pub timings: Option<Arc<Timings>>,
}

impl Evidence {
    /// Evidence about an item of which nothing is known but its path, its names and this code.
    pub(super) fn of_code(
        path: String,
        code: Vec<CodeObject>,
        listing: Arc<Listing>,
        options: &Options,
    ) -> Self {
        Self {
            root: path.clone(),
            path,
            codesign: fold(&code, Gaps::default(), &options.flags),
            code,
            flags: options.flags.clone(),
            at: options.at,
            has_substituted_anchor: options.anchors.is_substituted(),
            listing,
            tickets: Vec::new(),
            unread: Vec::new(),
            container: None,
            as_archive: None,
            format: None,
            unopened: None,
            statistics: Statistics::default(),
            timings: options.timings.clone(),
        }
    }

    /// Returns what a phase of the work on the item took. `None` if the caller passed no clock in.
    #[must_use]
    pub fn time(&self, phase: Phase) -> Option<PhaseTime> {
        self.timings.as_ref().map(|timings| timings.of(phase))
    }

    /// Does work on the item, and measures it where there is a clock.
    pub(crate) fn measure<R>(&self, phase: Phase, work: impl FnOnce() -> R) -> R {
        measure(self.timings.as_deref(), phase, work)
    }

    /// What the item may cost, and what it has cost so far.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        self.listing.budget()
    }

    /// All code, for a search through it for one of many: that is charged. Nothing where the budget is spent.
    pub(crate) fn searched(&self) -> &[CodeObject] {
        let steps = u64::try_from(self.code.len())
            .unwrap_or(u64::MAX)
            .saturating_mul(2);
        match self.budget().step(steps) {
            Ok(()) => &self.code,
            Err(_) => &[],
        }
    }

    /// Takes the verdict back, unless a failure is proven, where the budget was spent after the item was verified.
    pub(crate) fn mind_budget(&mut self) {
        let Some(over) = self.budget().spent() else { return };
        let gaps = self.gaps();
        let Some(item) = self.code.first_mut() else { return };
        let kind = FaultKind::Budget(over);
        if item.faults.iter().all(|fault| fault.kind != kind) {
            item.push(kind, String::new(), None);
            self.codesign = fold(&self.code, gaps, &self.flags);
        }
    }

    /// Adds places that could not be read, and judges again: nothing follows from what was not found there.
    pub(crate) fn add_unread(&mut self, unread: Vec<Unread>) {
        if unread.is_empty() {
            return;
        }
        self.unread.extend(unread);
        sort_unread(&mut self.unread);
        self.judge();
    }

    /// What could not be seen.
    #[must_use]
    pub fn gaps(&self) -> Gaps {
        Gaps {
            has_container_faults: self.has_container_faults(),
            unopened: self.unopened,
            ..Gaps::of(&self.unread, &self.listing)
        }
    }

    /// Returns true if the archive that the item is in, or that it is, can be read in more than one way, so that a Mac may get another
    /// item than the one that was judged.
    #[must_use]
    pub fn has_container_faults(&self) -> bool {
        let mut containers = self.container.iter().chain(&self.as_archive);
        containers.any(Container::has_faults)
    }

    /// Whether names below this path, or the path itself, may be missing in the listing.
    #[must_use]
    pub fn may_hide_names(&self, path: &str) -> bool {
        self.listing.may_hide_names(path)
    }

    /// The word for what a code object is, also the `kind` of JSON output. A folder that is not a bundle, or of which that is not known, is
    /// not a file either.
    #[must_use]
    pub fn kind_name(&self, object: &CodeObject) -> &'static str {
        let is_folder = || {
            let found = self.listing.lookup(NodeId(0), &object.path).id();
            found.is_some_and(|id| self.listing.node(id).is_directory())
        };
        match object.kind {
            CodeKind::Generic if is_folder() => "folder",
            kind => kind.name(),
        }
    }

    /// Returns true if nothing is wrong with what was read, whatever the options of the verdict leave out.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let flags = CodesignFlags {
            architecture: self.flags.architecture.clone(),
            bundle_version: self.flags.bundle_version.clone(),
            ..CodesignFlags::default()
        };
        fold(&self.code, self.gaps(), &flags).valid() == Some(true)
    }

    /// Folds the evidence into the verdict, with what is known about the container.
    pub(super) fn judge(&mut self) {
        self.codesign = fold(&self.code, self.gaps(), &self.flags);
    }

    /// The item's name without the folders around it.
    #[must_use]
    pub fn name(&self) -> &str {
        let root = self.root.trim_end_matches('/');
        root.rsplit_once('/').map_or(root, |(_, name)| name)
    }
}
