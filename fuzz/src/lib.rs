//! The fuzz targets of sealcheck, with the fixtures of its tests. See `docs/security.md`.

pub mod targets;

/// What builds signed code: the tests' own.
pub mod support {
    #[path = "../../../tests/support/bundle.rs"]
    pub mod bundle;
    #[path = "../../../tests/support/cms.rs"]
    pub mod cms;
    #[path = "../../../tests/support/der.rs"]
    pub mod der;
    #[path = "../../../tests/support/macho.rs"]
    pub mod macho;
    #[path = "../../../tests/support/pki.rs"]
    pub mod pki;
    #[path = "../../../tests/support/plist.rs"]
    pub mod plist;
    #[path = "../../../tests/support/signature.rs"]
    pub mod signature;
    #[path = "../../../tests/support/ticket.rs"]
    pub mod ticket;
}
