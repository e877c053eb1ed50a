//! Notarization tickets: what Apple's notary service signs about code that it has seen.
//!
//! The layout is not published; it was measured on 17 real tickets of 2019 to 2026 (specification 9.6). A ticket lists
//! the cdhash of every slice that was submitted. Where a ticket lies, and whose code it is held against, is for
//! `verify`; whether it was revoked only Apple's servers know.

mod read;
mod signer;

pub use read::{Record, Ticket, TicketError};
pub use signer::{TicketFault, TicketSigner};
