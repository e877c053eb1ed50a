//! How items are verified: what the caller decides.

use std::sync::Arc;
use std::time::Duration;

use super::{CodesignFlags, HostArchitecture, Progress};
use crate::budget::Budget;
use crate::hash::Kernel;
use crate::limits::Limits;
use crate::subject::Search;
use crate::time::UnixTime;
use crate::timing::{Phase, Timings, measure};
use crate::trust::{Anchors, Cache};

/// How to verify.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Budgets for reading.
    pub limits: Limits,
    /// The Mac whose choice of the primary slice is followed.
    pub host_architecture: HostArchitecture,
    /// Roots of certificates.
    pub anchors: Anchors,
    /// Signatures of certificates that were verified before.
    pub cache: Arc<Cache>,
    /// The budget of the item that is worked on. Every item has its own: [`verify_tree`](super::verify_tree) puts that of its tree here.
    pub budget: Arc<Budget>,
    /// The time for which the verdict is to hold; it matters where a signature names no time itself.
    pub at: UnixTime,
    /// Whether an expired certificate is a failure also where the signature has no timestamp.
    pub check_expiration: bool,
    /// What the verdict minds.
    pub flags: CodesignFlags,
    /// A detached signature for the item.
    pub detached: Option<Arc<[u8]>>,
    /// Notarization tickets that do not come with the item.
    pub tickets: Vec<SuppliedTicket>,
    /// Whether evidence holds the digest of every code page; there are 65,536 for each 256 MiB of code.
    pub keeps_page_digests: bool,
    /// True if evidence is to hold the SHA-256 digest of every executable file, which no verdict needs.
    pub keeps_file_digests: bool,
    /// Which implementation computes digests; the result is the same with all.
    pub kernel: Kernel,
    /// Whether containers are files like others, as for `codesign`. What is in them counts for nothing then.
    pub containers_are_files: bool,
    /// Whether an operand that is a file without code, and no container, is left out of the items.
    pub only_code: bool,
    /// Counters to be kept up to date.
    pub progress: Option<Arc<Progress>>,
    /// The clock that measures phases of the work, with what was measured so far. [`Checker`](crate::Checker) measures every item by
    /// itself, with this clock ([`Evidence::time`](super::Evidence::time)); what is left here is the search for items.
    pub timings: Option<Arc<Timings>>,
}

impl Options {
    /// Does the work, and measures it where there is a clock.
    pub(crate) fn measure<R>(&self, phase: Phase, work: impl FnOnce() -> R) -> R {
        measure(self.timings.as_deref(), phase, work)
    }

    /// Counts bytes that were read and hashed.
    pub(super) fn add_bytes(&self, count: u64) {
        if let Some(progress) = &self.progress {
            progress.add_bytes(count);
        }
        if let Some(timings) = &self.timings {
            timings.add(Phase::Contents, Duration::ZERO, count);
        }
    }
}

impl Options {
    /// How the items to verify are looked for.
    #[must_use]
    pub fn search(&self) -> Search<'_> {
        Search {
            limits: &self.limits,
            only_code: self.only_code,
        }
    }
}

/// A ticket that does not come with the item.
#[derive(Debug, Clone)]
pub struct SuppliedTicket {
    /// How the caller calls it.
    pub path: String,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}
