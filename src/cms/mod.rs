//! CMS SignedData (RFC 5652), read as spans of what was sent.
//!
//! The message that a signature covers is the attributes exactly as they were sent, only under another tag
//! (specification 4.2 and 17.2), so they are cut out and never re-encoded. Signer identifiers are decoded by the
//! `cms` crate. Nothing is verified here.

mod attributes;
mod signed_data;

pub use attributes::{Attribute, Attributes};
pub use signed_data::{CmsError, SignedData, SignerIdentifier, SignerInfo};

/// Object identifiers of CMS and of Apple's attributes, as content octets.
pub(crate) mod oid {
    use der::oid::ObjectIdentifier;

    macro_rules! oids {
        ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
            $($(#[$doc])* pub(crate) const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($text);)*
        };
    }

    oids! {
        /// id-data.
        DATA = "1.2.840.113549.1.7.1";
        /// id-signedData.
        SIGNED_DATA = "1.2.840.113549.1.7.2";
        /// Attribute contentType.
        CONTENT_TYPE = "1.2.840.113549.1.9.3";
        /// Attribute messageDigest.
        MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
        /// Attribute signingTime.
        SIGNING_TIME = "1.2.840.113549.1.9.5";
        /// Unsigned attribute with an RFC 3161 timestamp token.
        TIMESTAMP_TOKEN = "1.2.840.113549.1.9.16.2.14";
        /// Content type of a timestamp token.
        TST_INFO = "1.2.840.113549.1.9.16.1.4";
        /// Apple's hash agility, version 1: a property list of cdhashes.
        HASH_AGILITY = "1.2.840.113635.100.9.1";
        /// Apple's hash agility, version 2: digests by algorithm.
        HASH_AGILITY_V2 = "1.2.840.113635.100.9.2";
    }
}
