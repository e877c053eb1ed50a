//! Subjects: the items that operands stand for, each of which gets a verdict of its own.
//!
//! An [`Origin`] is where operands are: a disk or files in memory. It finds the [`Items`] of an operand depth first, also those in
//! containers in containers, and owns what was opened on the way. An [`Item`] knows the container that it is in ([`Opened`]); its tree is
//! that of the item alone. Nothing is judged here.

mod entry;
mod find;
mod item;
mod items;
mod main_executable;
mod opened;
mod origin;
mod unopened;
mod walk;

pub use entry::format_of;
pub use item::Item;
pub use items::{Items, Search, Skipped};
pub use opened::Opened;
pub use origin::Origin;
pub use unopened::Unopened;
