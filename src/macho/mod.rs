//! Mach-O files: thin and universal, 32- and 64-bit, both byte orders.
//!
//! A strict walker of our own over goblin's constants (specification 2; Apple's `macho++.cpp`): goblin's parser
//! accepts a `cmdsize` of zero and refuses fat64. It reads what the signature covers and what the rules ask for,
//! never symbols. Structure that macOS tolerates but should not is kept as a fact, not refused.

mod arch;
mod error;
mod fat;
mod file;
mod head;
mod load_command;
mod plan;
mod slice;

pub use arch::Architecture;
pub use error::MachOError;
pub use fat::{Fat, FatArch, FatFault};
pub use file::{MachO, command_bytes};
pub use head::{MACHO_HEAD, begins_as_macho, is_code, is_macho, needs_macho_head, thin_file_type, type_of};
pub use load_command::{BuildVersion, LinkedPath, LinkedPathKind, Segment};
pub use plan::CodePlan;
pub use slice::{FileType, LinkeditData, Slice};
