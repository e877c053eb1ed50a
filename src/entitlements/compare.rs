//! The two forms of entitlements held against each other, value by value.
//!
//! The order of keys carries no meaning; everything else does.

use crate::plist::{Dictionary, Value};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Keys from the outside in, joined by `/`.
    pub key: String,
    /// What differs.
    pub kind: DifferenceKind,
}

/// How a key differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DifferenceKind {
    /// Only the property list has it.
    OnlyXml,
    /// Only the DER has it.
    OnlyDer,
    /// The values differ.
    Value,
}

impl DifferenceKind {
    /// Words for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::OnlyXml => "only in the XML form",
            Self::OnlyDer => "only in the DER form",
            Self::Value => "different values",
        }
    }
}

/// All differences, keys of the property list first.
#[must_use]
pub fn compare(xml: &Dictionary, der: &Dictionary) -> Vec<Difference> {
    let mut differences = Vec::new();
    dictionaries("", xml, der, &mut differences);
    differences
}

fn dictionaries(prefix: &str, xml: &Dictionary, der: &Dictionary, out: &mut Vec<Difference>) {
    let path = |key: &str| {
        if prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{prefix}/{key}")
        }
    };
    for (key, value) in xml.iter() {
        match (value, der.get(key)) {
            (_, None) => out.push(Difference {
                key: path(key),
                kind: DifferenceKind::OnlyXml,
            }),
            (Value::Dictionary(xml), Some(Value::Dictionary(der))) => {
                dictionaries(&path(key), xml, der, out);
            }
            (value, Some(other)) if value != other => {
                out.push(Difference {
                    key: path(key),
                    kind: DifferenceKind::Value,
                });
            }
            _ => {}
        }
    }
    for (key, _) in der.iter() {
        if xml.get(key).is_none() {
            out.push(Difference {
                key: path(key),
                kind: DifferenceKind::OnlyDer,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Dictionary {
        let text = format!("<plist><dict>{text}</dict></plist>");
        crate::plist::parse(text.as_bytes())
            .unwrap()
            .as_dictionary()
            .unwrap()
            .clone()
    }

    #[test]
    fn names_each_difference() {
        let a = list("<key>a</key><true/><key>b</key><dict><key>c</key><integer>1</integer></dict>");
        let b = list("<key>b</key><dict><key>c</key><integer>1</integer></dict><key>a</key><true/>");
        assert_eq!(compare(&a, &b), []);
        let c = list("<key>b</key><dict><key>c</key><integer>2</integer></dict><key>d</key><true/>");
        let found: Vec<_> = compare(&a, &c).into_iter().map(|d| (d.key, d.kind)).collect();
        assert_eq!(
            found,
            [
                ("a".to_owned(), DifferenceKind::OnlyXml),
                ("b/c".to_owned(), DifferenceKind::Value),
                ("d".to_owned(), DifferenceKind::OnlyDer),
            ]
        );
    }
}
