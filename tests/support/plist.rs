//! Values of property lists and entitlements, written as XML and as DER.

use std::collections::BTreeMap;

use super::der::{integer, tlv};

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plist {
    Bool(bool),
    Integer(i64),
    Text(String),
    Data(Vec<u8>),
    List(Vec<Plist>),
    Dict(Entries),
}

/// Values by key.
pub type Entries = BTreeMap<String, Plist>;

/// `entries! { "key" => true, "other" => ["a", "b"], "third" => entries! { "x" => 1 } }`
macro_rules! entries {
    ($($key:expr => $value:expr),* $(,)?) => {
        $crate::support::plist::Entries::from([
            $((String::from($key), $crate::support::plist::Plist::from($value))),*
        ])
    };
}
pub(crate) use entries;

impl From<bool> for Plist {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Plist {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Plist {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<Entries> for Plist {
    fn from(value: Entries) -> Self {
        Self::Dict(value)
    }
}

impl<T: Into<Plist>> From<Vec<T>> for Plist {
    fn from(value: Vec<T>) -> Self {
        Self::List(value.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Plist>, const N: usize> From<[T; N]> for Plist {
    fn from(value: [T; N]) -> Self {
        Self::List(value.into_iter().map(Into::into).collect())
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn body(entries: &Entries, depth: usize) -> String {
    let indent = "\t".repeat(depth);
    entries
        .iter()
        .map(|(key, value)| format!("{indent}<key>{}</key>\n{}", escaped(key), value.element(depth)))
        .collect()
}

impl Plist {
    fn element(&self, depth: usize) -> String {
        let indent = "\t".repeat(depth);
        match self {
            Self::Bool(value) => format!("{indent}<{value}/>\n"),
            Self::Integer(value) => format!("{indent}<integer>{value}</integer>\n"),
            Self::Text(value) => format!("{indent}<string>{}</string>\n", escaped(value)),
            Self::Data(value) => format!("{indent}<data>{}</data>\n", super::bundle::base64(value)),
            Self::List(values) => {
                let inside: String = values.iter().map(|value| value.element(depth + 1)).collect();
                format!("{indent}<array>\n{inside}{indent}</array>\n")
            }
            Self::Dict(entries) => {
                format!("{indent}<dict>\n{}{indent}</dict>\n", body(entries, depth + 1))
            }
        }
    }

    fn der(&self) -> Vec<u8> {
        match self {
            Self::Bool(value) => tlv(0x01, &[if *value { 0xff } else { 0 }]),
            Self::Integer(value) => integer(u64::try_from(*value).expect("not negative")),
            Self::Text(value) => tlv(0x0c, value.as_bytes()),
            Self::Data(value) => tlv(0x04, value),
            Self::List(values) => tlv(0x30, &values.iter().flat_map(Plist::der).collect::<Vec<_>>()),
            Self::Dict(entries) => tlv(0xb0, &pairs(entries)),
        }
    }
}

fn pairs(entries: &Entries) -> Vec<u8> {
    entries
        .iter()
        .flat_map(|(key, value)| tlv(0x30, &[tlv(0x0c, key.as_bytes()), value.der()].concat()))
        .collect()
}

/// A property list as Apple's tools lay it out.
pub fn xml(entries: &Entries) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n{}</dict>\n</plist>\n",
        body(entries, 1)
    )
    .into_bytes()
}

/// The same in the DER of entitlements and constraints.
pub fn der(entries: &Entries) -> Vec<u8> {
    tlv(0x70, &[vec![2, 1, 1], tlv(0xb0, &pairs(entries))].concat())
}
