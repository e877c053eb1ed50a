//! `sealcheck` says, on any operating system, what macOS would say about a piece of signed code.
//!
//! The modules are layers; a module uses only what stands before it in this list (a test holds this):
//! `plist`, `asn1`, `hash`, `source`, `macho`, `blob`, `codedir`, `cms`, `trust`, `requirement`,
//! `entitlements`, `bundle`, `verify`, `finding`, `rule`, `report`, `cli`.

pub mod source;
