//! Attributes of a signer: `SET OF SEQUENCE { type, SET OF value }` (RFC 5652 5.3).
//!
//! Which attribute counts follows Apple's `cmsattr.c`: one whose type occurs twice is not found
//! (`SecCmsAttributeArrayFindAttrByOidTag`), and one with several values has no value (`SecCmsAttributeGetValue`).

use der::oid::ObjectIdentifier;

use super::oid;

use crate::asn1::{Asn1Error, Element, encode, tag};

/// One attribute.
#[derive(Debug, Clone)]
pub struct Attribute<'a> {
    /// Content octets of its type.
    pub oid: &'a [u8],
    /// Its values as they were sent.
    pub values: Vec<Element<'a>>,
}

/// A set of attributes in the order of the wire.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    content: &'a [u8],
    attributes: Vec<Attribute<'a>>,
}

impl<'a> Attributes<'a> {
    /// Reads the content of `set`, whatever its tag.
    pub(super) fn parse(set: Element<'a>) -> Result<Self, Asn1Error> {
        let mut attributes = Vec::new();
        let mut reader = set.reader();
        while reader.next_is_some() {
            let mut fields = reader.expect(tag::SEQUENCE)?.reader();
            let oid = fields.expect(tag::OBJECT_IDENTIFIER)?.content;
            let mut elements = fields.expect(tag::SET)?.reader();
            let mut values = Vec::new();
            while let Some(value) = elements.next_element()? {
                check_type(oid, value.tag)?;
                values.push(value);
            }
            attributes.push(Attribute { oid, values });
        }
        Ok(Self {
            content: set.content,
            attributes,
        })
    }

    /// The bytes that a signature over these attributes covers: as sent, as a SET with definite length.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        encode(tag::SET, self.content)
    }

    /// All attributes of one type.
    pub(crate) fn all(&self, oid: ObjectIdentifier) -> impl Iterator<Item = &Attribute<'a>> {
        self.attributes
            .iter()
            .filter(move |attribute| attribute.oid == oid.as_bytes())
    }

    /// The attribute of this type, if there is exactly one (`SecCmsAttributeArrayFindAttrByOidTag`).
    #[must_use]
    pub(crate) fn only(&self, oid: ObjectIdentifier) -> Option<&Attribute<'a>> {
        let mut all = self.all(oid);
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }

    /// The value of the attribute of this type, if there is exactly one of each (`SecCmsAttributeGetValue`).
    #[must_use]
    pub(crate) fn value(&self, oid: ObjectIdentifier) -> Option<Element<'a>> {
        match self.only(oid)?.values.as_slice() {
            [value] => Some(*value),
            _ => None,
        }
    }

    /// The RFC 3161 timestamp token: the first value of the only such attribute, whatever follows it
    /// (`SecCmsSignerInfoVerifyUnAuthAttrsWithPolicy`).
    #[must_use]
    pub fn timestamp_token(&self) -> Option<Element<'a>> {
        self.only(oid::TIMESTAMP_TOKEN)?.values.first().copied()
    }

    /// Number of attributes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.attributes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }
}

/// Refuses values whose type Apple's decoder fixes by the attribute (`cms_attr_choose_attr_value_template`); it reads all
/// others as they are.
fn check_type(attribute: &[u8], found: u8) -> Result<(), Asn1Error> {
    let expected = if attribute == oid::CONTENT_TYPE.as_bytes() {
        tag::OBJECT_IDENTIFIER
    } else if attribute == oid::MESSAGE_DIGEST.as_bytes() || attribute == oid::HASH_AGILITY.as_bytes() {
        tag::OCTET_STRING
    } else {
        return Ok(());
    };
    let is_constructed = expected == tag::OCTET_STRING && found == tag::OCTET_STRINGS;
    if found == expected || is_constructed {
        Ok(())
    } else {
        Err(Asn1Error::Tag { found, expected })
    }
}
