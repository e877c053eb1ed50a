//! Distinguished names: the attributes in the order of the certificate, as text.

use der::Encode;
use der::oid::ObjectIdentifier;

/// A distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Name {
    /// The name in DER.
    der: Vec<u8>,
    attributes: Vec<(ObjectIdentifier, Option<String>)>,
}

impl Name {
    pub(super) fn new(name: &x509_cert::name::Name) -> der::Result<Self> {
        let attributes = name
            .iter()
            .map(|attribute| (attribute.oid, text(&attribute.value)))
            .collect();
        Ok(Self {
            der: name.to_der()?,
            attributes,
        })
    }

    /// The name in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether it has no attribute.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// The first attribute of a type; the inner `None` when its text cannot be decoded.
    #[must_use]
    pub(crate) fn first(&self, oid: ObjectIdentifier) -> Option<Option<&str>> {
        let mut found = self.attributes.iter().filter(|(found, _)| *found == oid);
        found.next().map(|(_, text)| text.as_deref())
    }

    /// The first attribute of a type, if the text of every attribute of that type can be decoded.
    #[must_use]
    pub(crate) fn first_of_all(&self, oid: ObjectIdentifier) -> Option<&str> {
        let found = self.attributes.iter().filter(|(found, _)| *found == oid);
        let texts: Option<Vec<&str>> = found.map(|(_, text)| text.as_deref()).collect();
        texts?.first().copied()
    }

    /// The last attribute of a type, which is the one that requirements see.
    #[must_use]
    pub(crate) fn last(&self, oid: ObjectIdentifier) -> Option<&str> {
        let mut found = self.attributes.iter().rev().filter(|(found, _)| *found == oid);
        found.next().and_then(|(_, text)| text.as_deref())
    }

    /// All attributes in order.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (ObjectIdentifier, Option<&str>)> {
        self.attributes.iter().map(|(oid, text)| (*oid, text.as_deref()))
    }
}

/// The text of a directory string of any of its types (X.520 2.3.3).
fn text(value: &der::Any) -> Option<String> {
    use der::{Tag, Tagged};
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::VisibleString => {
            std::str::from_utf8(bytes).ok().map(str::to_owned)
        }
        // Written as Latin 1 in practice.
        Tag::TeletexString => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
        Tag::BmpString => {
            let units = bytes.chunks(2).map(|pair| match pair {
                [high, low] => Some(u16::from_be_bytes([*high, *low])),
                _ => None,
            });
            String::from_utf16(&units.collect::<Option<Vec<_>>>()?).ok()
        }
        _ => None,
    }
}
