//! The fuzz targets of sealcheck, with the fixtures of its tests. See `docs/security.md`.

pub mod targets;
pub mod work;

/// What builds signed code: the tests' own.
#[path = "../../tests/support"]
pub mod support {
    pub mod bundle;
    pub mod cms;
    pub mod der;
    pub mod macho;
    pub mod pki;
    pub mod plist;
    pub mod signature;
    pub mod ticket;
}
