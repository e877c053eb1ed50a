//! `sealcheck` says, on any operating system, what macOS would say about a piece of signed code.
//!
//! ```no_run
//! use std::path::Path;
//! use std::time::SystemTime;
//!
//! use sealcheck::{Checker, Demand, Target};
//!
//! let mut checker = Checker::new(SystemTime::now())?;
//! checker.target = Some(Target::DeveloperId);
//! checker.expectations.team = Some("S8XHQB96PW".to_owned());
//! checker.expectations.required = vec![Demand::DeveloperId, Demand::Notarized];
//!
//! let outcome = checker.check(Path::new("Downloads/Example.app"))?;
//! for reason in outcome.objections() {
//!     eprintln!("refused: {reason}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Checker::check_all`] does the same for every item of a folder or an archive in ZIP form. What cannot be opened is an item, too, to
//! which there is an objection.
//!
//! [`Checker::check`] looks at one item, an app, a framework, a tool, and gives its [`Outcome`]: the facts and the verdict of
//! `codesign` ([`Evidence`]), that of Gatekeeper ([`GatekeeperVerdict`]) and the findings ([`Advice`]).
//! [`Outcome::objections`] lists every reason not to trust the item, also what was not or could not be checked: an updater
//! installs nothing of which there is one. `examples/updater.rs` and `examples/scanner.rs` are whole programs.
//!
//! # What is promised
//! The items on this page, their methods, and those of their fields whose types are on this page or of the standard library. No
//! type of another crate is among them. The modules behind them are public for the program, its tests and its fuzz targets; they
//! are not shown here, and change without notice.
//!
//! # What the caller decides
//! The time for which verdicts hold, and whether the process survives that a file is cut short while it is read
//! ([`guard_mappings`]). Nothing asks a network, reads the clock or prints. Where the caller
//! passes a clock in ([`Options::timings`]), the phases of the work are measured with it.
//!
//! # Layers
//! The modules are layers; a module uses only what stands before it in this list (a test holds this):
//! `octets`, `parallel`, `limits`, `budget`, `time`, `timing`, `plist`, `asn1`, `hash`, `source`, `macho`, `container`, `blob`, `codedir`, `cms`, `trust`, `requirement`,
//! `entitlements`, `ticket`, `profile`, `bundle`, `subject`, `verify`, `survey`, `gatekeeper`, `remedy`, `finding`, `rule`, `outcome`, `report`, `checker`, `cli`.
//!
//! Data flows one way: bytes, facts, evidence, verdict and findings, report. Readers borrow and never judge;
//! only `cli` reads the clock, the environment and the terminal.

// Tests may be blunt: a panic there is a failed test, not a crash on hostile input.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions))]

#[doc(hidden)]
pub mod asn1;
#[doc(hidden)]
pub mod blob;
#[doc(hidden)]
pub mod budget;
#[doc(hidden)]
pub mod bundle;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod cms;
#[doc(hidden)]
pub mod codedir;
#[doc(hidden)]
pub mod container;
#[doc(hidden)]
pub mod entitlements;
#[doc(hidden)]
pub mod finding;
#[doc(hidden)]
pub mod gatekeeper;
#[doc(hidden)]
pub mod hash;
#[doc(hidden)]
pub mod limits;
#[doc(hidden)]
pub mod macho;
#[doc(hidden)]
pub mod octets;
#[doc(hidden)]
pub mod outcome;
#[doc(hidden)]
pub mod plist;
#[doc(hidden)]
pub mod profile;
#[doc(hidden)]
pub mod remedy;
#[cfg(feature = "report")]
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod requirement;
#[doc(hidden)]
pub mod rule;
#[doc(hidden)]
pub mod source;
#[doc(hidden)]
pub mod subject;
#[doc(hidden)]
pub mod survey;
#[doc(hidden)]
pub mod ticket;
#[doc(hidden)]
pub mod time;
#[doc(hidden)]
pub mod timing;
#[doc(hidden)]
pub mod trust;
#[doc(hidden)]
pub mod verify;

mod checker;
mod parallel;

pub use checker::Checker;
pub use codedir::{CdHash, CodeDirectoryFlags};
pub use finding::{Finding, Party, Place, Severity, Target};
pub use gatekeeper::{GatekeeperVerdict, Operation, Ruling};
pub use hash::{Digest, HashType};
pub use limits::Limits;
pub use macho::Architecture;
pub use outcome::{Objection, ObjectionKind, Outcome};
pub use remedy::{Command, Part, Repair, Stage};
pub use rule::{Advice, Demand, Expectations, ExpectedEntitlement, Unknown};
#[cfg(feature = "fs")]
pub use source::guard_mappings;
pub use source::{NamedBytes, SourceError, Unread};
pub use subject::{Item, Items, Opened, Skipped, Unopened};
pub use time::UnixTime;
pub use timing::{Phase, PhaseTime, Timings};
pub use trust::{AnchorError, Anchors, CertificateKind, Identity};
pub use verify::{
    CodeKind, CodeObject, CodesignAnswer, CodesignFailure, CodesignFlags, CodesignVerdict, Evaluated,
    Evidence, HostArchitecture, Nesting, NotJudged, Options, OsStatus, RequirementAnswer, Reservation,
    SignatureKind, SliceEvidence, SuppliedTicket,
};

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
