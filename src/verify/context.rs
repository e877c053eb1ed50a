//! What every step of one verification needs.

use super::heads::Heads;
use super::main_executables::MainExecutables;
use super::tickets::TicketStore;
use super::{Nesting, Options};
use crate::source::Tree;

/// What every step of one verification needs.
pub(super) struct Context<'t, T: ?Sized> {
    pub(super) tree: &'t T,
    pub(super) options: &'t Options,
    pub(super) tickets: &'t TicketStore,
    pub(super) heads: &'t Heads,
    pub(super) main_executables: &'t MainExecutables,
}

impl<T: Tree + ?Sized> Context<'_, T> {
    /// The detached signature, which is the item's only.
    pub(super) fn detached(&self, nesting: Nesting) -> Option<&[u8]> {
        self.options
            .detached
            .as_deref()
            .filter(|_| nesting == Nesting::Item)
    }
}
