//! Gathers evidence about code and folds it into the verdict of `codesign --verify --deep --strict`.
//!
//! Evidence is facts and [`Fault`]s, with the place of each; severity and advice belong to `rule`. The order in
//! which Apple's `SecStaticCode::staticValidate` meets faults (specification 11.2) decides which one the verdict
//! names.

mod bundle_files;
mod code;
mod code_directories;
mod code_object;
mod codesign;
mod components;
mod context;
mod designated;
mod entitled;
mod examination;
mod executable;
mod fault;
mod fault_limit;
mod fault_status;
mod files;
mod flags;
mod heads;
mod host;
mod item;
mod item_evidence;
mod kind;
mod links;
mod main_executables;
mod nested;
mod oddities;
mod oddity;
mod open;
mod options;
mod pages;
mod product;
mod profile_evidence;
mod profiles;
mod progress;
mod requirements;
mod reservation;
mod resources;
mod slice;
mod slice_evidence;
mod special_slots;
mod status;
mod ticket_evidence;
mod tickets;
mod universal;
mod unsealed;
mod verdict;

pub use code_object::{CodeObject, InfoPlistFile, SealEvidence};
pub use codesign::{
    CodesignAnswer, CodesignFailure, CodesignVerdict, Evaluated, NotJudged, RequirementAnswer,
};
pub use components::{BoundFiles, ComponentError, SignatureFiles};
pub use designated::{Designated, RequirementFault};
pub use examination::Subject;
pub use fault::{Fault, FaultKind, SidebandPlace, SlotProblem, Stage};
pub use flags::CodesignFlags;
pub use host::HostArchitecture;
pub(crate) use item::given_up;
pub use item::verify_tree;
pub use item_evidence::{Evidence, Statistics};
pub use kind::{CodeKind, Nesting};
pub use links::LinkProblem;
pub use oddity::Oddity;
pub use open::{Examine, examine_item, verify, verify_at};
pub use options::{Options, SuppliedTicket};
pub use product::Product;
pub use profile_evidence::{ProfileEvidence, ProfileProblem};
pub use profiles::Claim;
pub use progress::Progress;
pub use requirements::{every_slice_satisfies, satisfies};
pub use reservation::Reservation;
pub use slice::examine;
pub use slice_evidence::{EmbeddedList, EntitlementsState, SignatureKind, SliceEvidence, SlotEvidence};
pub use status::OsStatus;
pub use ticket_evidence::{Coverage, TicketEvidence, TicketOrigin, TicketProblem};
pub use tickets::ticket_coverage;
pub(crate) use verdict::status_of_cut_off;
pub use verdict::{Gaps, fold};
