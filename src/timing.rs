//! How long the phases of judging an item take, by a clock that the caller passes in.
//!
//! Without a clock nothing is measured. The time of a phase is the sum of the times that all threads spend in it, and no time counts
//! twice: a phase inside of another one is not part of the outer one, also where a thread that waits takes over other work.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// A part of the work on an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Listing the names in the item, or in the operand that it is in.
    Listing,
    /// Reading files, unpacking them, and hashing them.
    Contents,
    /// Verifying signatures of certificates, timestamps, tickets and profiles.
    Certificates,
    /// Asking the rules, and Gatekeeper's.
    Rules,
    /// Everything else: seals, headers, requirements, and waiting for other threads.
    Other,
}

impl Phase {
    /// All phases, in the order of a report.
    pub const ALL: [Self; 5] = [
        Self::Listing,
        Self::Contents,
        Self::Certificates,
        Self::Rules,
        Self::Other,
    ];

    /// Returns the name in JSON output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Contents => "contents",
            Self::Certificates => "certificates",
            Self::Rules => "rules",
            Self::Other => "other",
        }
    }

    /// Returns the name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Listing => "listing names",
            Self::Contents => "reading and hashing",
            Self::Certificates => "certificates",
            Self::Rules => "rules",
            Self::Other => "other work, waiting",
        }
    }

    /// Returns true if the bytes of the phase are counted.
    #[must_use]
    pub fn has_bytes(self) -> bool {
        self == Self::Contents
    }
}

/// What one phase took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PhaseTime {
    /// The time of all threads together.
    pub time: Duration,
    /// The bytes that were read and hashed, where [`Phase::has_bytes`].
    pub bytes: u64,
}

/// Measures the phases of one item.
pub struct Timings {
    clock: Arc<dyn Fn() -> Duration + Send + Sync>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phases: HashMap<Phase, PhaseTime>,
    /// What each thread has spent in phases that have ended: an outer phase does not count that again.
    ended: HashMap<ThreadId, Duration>,
}

impl Timings {
    /// Measures with a clock: the time since a moment that stays the same.
    #[must_use]
    pub fn new(clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self {
            clock: Arc::new(clock),
            state: Mutex::default(),
        }
    }

    /// Returns one that measures with the same clock, and has measured nothing yet.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self {
            clock: Arc::clone(&self.clock),
            state: Mutex::default(),
        }
    }

    /// Returns what a phase has taken so far.
    #[must_use]
    pub fn of(&self, phase: Phase) -> PhaseTime {
        self.state().phases.get(&phase).copied().unwrap_or_default()
    }

    /// Adds time and bytes that were measured elsewhere.
    pub fn add(&self, phase: Phase, time: Duration, bytes: u64) {
        let mut state = self.state();
        let sum = state.phases.entry(phase).or_default();
        sum.time = sum.time.saturating_add(time);
        sum.bytes = sum.bytes.saturating_add(bytes);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this thread has spent in phases that have ended.
    fn ended(&self) -> Duration {
        let state = self.state();
        state
            .ended
            .get(&thread::current().id())
            .copied()
            .unwrap_or_default()
    }

    fn during<R>(&self, phase: Phase, work: impl FnOnce() -> R) -> R {
        let before = self.ended();
        let start = (self.clock)();
        let result = work();
        let spent = (self.clock)().saturating_sub(start);
        let inside = self.ended().saturating_sub(before);
        self.add(phase, spent.saturating_sub(inside), 0);
        let ended = before.saturating_add(spent);
        self.state().ended.insert(thread::current().id(), ended);
        result
    }
}

impl fmt::Debug for Timings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = Phase::ALL.iter().map(|phase| (phase.name(), self.of(*phase)));
        formatter.debug_map().entries(times).finish()
    }
}

/// Does the work, and measures it where the caller has a clock.
pub(crate) fn measure<R>(timings: Option<&Timings>, phase: Phase, work: impl FnOnce() -> R) -> R {
    match timings {
        Some(timings) => timings.during(phase, work),
        None => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A clock that goes on by as many seconds as the work says.
    fn clock() -> (Arc<AtomicU64>, Timings) {
        let now = Arc::new(AtomicU64::new(100));
        let read = Arc::clone(&now);
        let timings = Timings::new(move || Duration::from_secs(read.load(Ordering::Relaxed)));
        (now, timings)
    }

    #[test]
    fn a_phase_inside_of_another_counts_once() {
        let (now, timings) = clock();
        let pass = |seconds| now.fetch_add(seconds, Ordering::Relaxed);
        let shared = Some(&timings);
        let answer = measure(shared, Phase::Other, || {
            pass(1);
            measure(shared, Phase::Contents, || {
                pass(10);
                measure(shared, Phase::Certificates, || pass(100));
                pass(20);
            });
            pass(2);
            measure(shared, Phase::Contents, || pass(30));
            // Work of the same phase that was taken over while the thread waited.
            measure(shared, Phase::Other, || pass(4));
            7
        });
        assert_eq!(answer, 7);
        let seconds = |phase| timings.of(phase).time.as_secs();
        let all = Phase::ALL.map(seconds);
        assert_eq!(all, [0, 60, 100, 0, 7]);
    }

    #[test]
    fn threads_add_up() {
        let (now, timings) = clock();
        let timings = &timings;
        measure(Some(timings), Phase::Other, || {
            thread::scope(|scope| {
                let other = scope.spawn(|| {
                    measure(Some(timings), Phase::Contents, || {
                        now.fetch_add(5, Ordering::Relaxed)
                    });
                });
                other.join().unwrap();
            });
        });
        assert_eq!(timings.of(Phase::Contents).time.as_secs(), 5);
        // The thread that waits for the other one does spend the time.
        assert_eq!(timings.of(Phase::Other).time.as_secs(), 5);
    }

    #[test]
    fn a_clock_that_goes_back_takes_nothing_away() {
        let (now, timings) = clock();
        measure(Some(&timings), Phase::Rules, || now.store(3, Ordering::Relaxed));
        timings.add(Phase::Contents, Duration::ZERO, 9);
        assert_eq!(timings.of(Phase::Rules), PhaseTime::default());
        assert_eq!(timings.of(Phase::Contents).bytes, 9);
    }
}
