//! `sealcheck` says, on any operating system, what macOS would say about a piece of signed code.
//!
//! The modules are layers; a module uses only what stands before it in this list (a test holds this):
//! `octets`, `limits`, `time`, `plist`, `asn1`, `hash`, `source`, `macho`, `blob`, `codedir`, `cms`, `trust`, `requirement`,
//! `entitlements`, `ticket`, `profile`, `bundle`, `verify`, `gatekeeper`, `finding`, `rule`, `report`, `cli`.
//!
//! Data flows one way: bytes, facts, evidence, verdict and findings, report. Readers borrow and never judge;
//! only `cli` reads the clock, the environment and the terminal.

// Tests may be blunt: a panic there is a failed test, not a crash on hostile input.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions))]

pub mod asn1;
pub mod blob;
pub mod bundle;
pub mod cli;
pub mod cms;
pub mod codedir;
pub mod entitlements;
pub mod finding;
pub mod gatekeeper;
pub mod hash;
pub mod limits;
pub mod macho;
pub mod octets;
pub mod plist;
pub mod profile;
pub mod report;
pub mod requirement;
pub mod rule;
pub mod source;
pub mod ticket;
pub mod time;
pub mod trust;
pub mod verify;
