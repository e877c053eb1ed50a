//! Gathers evidence about code and folds it into the verdict of `codesign --verify --deep --strict`.
//!
//! Evidence is facts and [`Fault`]s, with the place of each; severity and advice belong to `rule`. The order in
//! which Apple's `SecStaticCode::staticValidate` meets faults (specification 11.2) decides which one the verdict
//! names.

mod code;
mod codesign;
mod components;
mod entitled;
mod evidence;
mod fault;
mod files;
mod flags;
mod item;
mod item_evidence;
mod links;
mod mains;
mod oddity;
mod open;
mod options;
mod outside;
mod product;
mod profiles;
mod progress;
mod requirements;
mod reservation;
mod resources;
mod slice;
mod status;
mod tickets;
mod verdict;

pub use code::HostArchitecture;
pub use codesign::{CodesignAnswer, CodesignFailure, CodesignVerdict, Evaluated, NotJudged};
pub use components::{BoundFiles, ComponentError, SignatureFiles};
pub use entitled::EntitlementsState;
pub use evidence::{
    CodeKind, CodeObject, EmbeddedList, InfoPlistFile, Nesting, SealEvidence, SignatureKind, SliceEvidence,
    SlotEvidence,
};
pub use fault::{Fault, FaultKind, SidebandPlace, SlotProblem, Stage};
pub use flags::CodesignFlags;
pub(crate) use item::given_up;
pub use item::verify_tree;
pub use item_evidence::{Evidence, Statistics};
pub use links::LinkProblem;
pub use oddity::Oddity;
pub use open::{Examine, examine_item, verify, verify_at};
pub use options::Options;
pub use product::Product;
pub use profiles::{Claim, ProfileEvidence, ProfileProblem};
pub use progress::Progress;
pub use requirements::{Designated, RequirementFault, every_slice_satisfies, satisfies};
pub use reservation::Reservation;
pub use slice::{Subject, examine};
pub use status::OsStatus;
pub use tickets::{Coverage, SuppliedTicket, TicketEvidence, TicketOrigin, TicketProblem, ticket_coverage};
pub(crate) use verdict::status_of_cut_off;
pub use verdict::{Gaps, fold};
