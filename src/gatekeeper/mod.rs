//! What Gatekeeper would say: `spctl --assess` for programs, installers and documents.
//!
//! Specification 9 (`PolicyEngine::evaluateCode`, the default rows of `syspolicy.sql`). Offline: a ticket proves that
//! code is notarized, its absence proves nothing, so code that only Apple's servers could speak for is undetermined.
//! Not here: XProtect's scans at the first launch (rules tell of them), rules that a Mac's owner added, revocation.

mod assess;
mod table;

pub use assess::{GatekeeperVerdict, Ruling, assess, fitting_operation};
pub use table::Operation;
