//! What guesses ahead which parts of a file will be asked for.

use super::{View, Wants};

/// Guesses what will be asked about a file while it passes by.
pub trait Planner: Send {
    /// Looks at the bytes of `known`, a file of which only the bytes from `start` on are known, as many as are read ahead. Returns what to
    /// keep from `start` on, and where it wants to look again, if it does: behind `start`.
    ///
    /// What it asks `known` for is kept, whether it is known yet or not.
    fn look(&mut self, known: View<'_>, start: u64) -> (Wants, Option<u64>);
}
