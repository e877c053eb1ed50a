//! All facts of one survey.

use std::collections::BTreeMap;

use super::archive_facts::ArchiveEvidence;
use super::collisions::{Collision, collisions};
use super::launchd::LaunchdJob;
use super::{archives, launchd, misplaced};
use crate::limits::Limits;
use crate::parallel;
use crate::source::Tree;
use crate::source::Unread;
use crate::verify::Evidence;

/// What a survey found in one item.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Survey {
    /// Archives in the item with code, or with what could not be read.
    pub archives: Vec<ArchiveEvidence>,
    /// Property lists for launchd in the item's bundles.
    pub launchd_jobs: Vec<LaunchdJob>,
    /// Names that differ from another one in the same folder in case only, so that a usual volume holds one of them (specification
    /// 6.14).
    pub collisions: Vec<Collision>,
    /// Paths of profiles where macOS does not look for any, by the index of the code object that is the innermost bundle around them.
    pub misplaced_profiles: BTreeMap<usize, Vec<String>>,
}

impl Survey {
    /// Places that could not be read, because a budget was reached. Whether a file can be read at all is asked elsewhere, and archives
    /// say themselves what is not known about them.
    pub(super) fn unread(&self) -> Vec<Unread> {
        let jobs = self.launchd_jobs.iter();
        jobs.filter_map(LaunchdJob::unread).cloned().collect()
    }

    /// Returns true if a limit kept an archive from being looked into.
    pub(crate) fn has_unread_archive(&self) -> bool {
        let mut unread = self.archives.iter().flat_map(|archive| &archive.unread);
        unread.any(|unread| unread.limit.is_some())
    }

    /// The misplaced profiles of the code object with this index.
    #[must_use]
    pub fn misplaced_profiles_of(&self, object: usize) -> &[String] {
        self.misplaced_profiles.get(&object).map_or(&[], Vec::as_slice)
    }
}

/// Surveys the item at the root of `tree`, about which there is this evidence. It is not complete where the budget is spent.
pub fn survey<T: Tree + ?Sized>(tree: &T, evidence: &Evidence, limits: &Limits) -> Survey {
    let budget = tree.budget();
    let before = budget.cost();
    if budget.is_spent() {
        return Survey::default();
    }
    let found = gather(tree, evidence, limits);
    if !budget.is_spent() {
        return found;
    }
    // Which of two budgets is spent first depends on threads, unless there is only one.
    budget.rewind(before);
    tree.listing().forget_tables();
    parallel::alone(|| gather(tree, evidence, limits))
}

fn gather<T: Tree + ?Sized>(tree: &T, evidence: &Evidence, limits: &Limits) -> Survey {
    Survey {
        collisions: collisions(tree),
        misplaced_profiles: misplaced::misplaced_profiles(tree, &evidence.code),
        launchd_jobs: launchd::jobs(tree),
        archives: archives::archives(tree, limits),
    }
}
