//! Writing values: XML as Apple's tools lay it out, and JSON.

use std::fmt::Write as _;

use super::{Dictionary, Value};
use crate::octets::hex;

const HEADER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n";

/// The value as an XML property list, indented with tabs.
#[must_use]
pub fn to_xml(value: &Value) -> String {
    let mut text = format!("{HEADER}<plist version=\"1.0\">\n");
    element(value, 0, &mut text);
    text.push_str("</plist>\n");
    text
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn element(value: &Value, depth: usize, out: &mut String) {
    let indent = "\t".repeat(depth);
    let inner = depth.saturating_add(1);
    // Writing to a String cannot fail.
    let _ = match value {
        Value::Boolean(true) => writeln!(out, "{indent}<true/>"),
        Value::Boolean(false) => writeln!(out, "{indent}<false/>"),
        Value::Integer(number) => writeln!(out, "{indent}<integer>{number}</integer>"),
        Value::Real(number) => writeln!(out, "{indent}<real>{number}</real>"),
        Value::String(text) => writeln!(out, "{indent}<string>{}</string>", escape(text)),
        Value::Data(bytes) => writeln!(out, "{indent}<data>{}</data>", base64(bytes)),
        Value::Date(seconds) => writeln!(out, "{indent}<date>{seconds}</date>"),
        Value::Uid(number) => writeln!(out, "{indent}<integer>{number}</integer>"),
        Value::Array(elements) if elements.is_empty() => writeln!(out, "{indent}<array/>"),
        Value::Array(elements) => {
            let _ = writeln!(out, "{indent}<array>");
            elements.iter().for_each(|value| element(value, inner, out));
            writeln!(out, "{indent}</array>")
        }
        Value::Dictionary(entries) if entries.is_empty() => writeln!(out, "{indent}<dict/>"),
        Value::Dictionary(entries) => {
            let _ = writeln!(out, "{indent}<dict>");
            for (key, value) in entries.iter() {
                let _ = writeln!(out, "{indent}\t<key>{}</key>", escape(key));
                element(value, inner, out);
            }
            writeln!(out, "{indent}</dict>")
        }
    };
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .chain(std::iter::repeat(&0))
            .take(3)
            .fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        for place in 0..4usize {
            let shift = 18usize.saturating_sub(place.saturating_mul(6));
            let index = usize::try_from(word >> shift & 63).unwrap_or_default();
            let character = ALPHABET.get(index).copied().map_or('A', char::from);
            text.push(if place > chunk.len() { '=' } else { character });
        }
    }
    text
}

/// The value as JSON: data in hexadecimal, dates as numbers of CoreFoundation's absolute time.
#[must_use]
pub(crate) fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Boolean(flag) => (*flag).into(),
        Value::Integer(number) => match (i64::try_from(*number), u64::try_from(*number)) {
            (Ok(number), _) => number.into(),
            (_, Ok(number)) => number.into(),
            _ => number.to_string().into(),
        },
        Value::Real(number) | Value::Date(number) => (*number).into(),
        Value::String(text) => text.as_str().into(),
        Value::Data(bytes) => hex(bytes).into(),
        Value::Uid(number) => (*number).into(),
        Value::Array(elements) => elements.iter().map(to_json).collect(),
        Value::Dictionary(entries) => dictionary_to_json(entries),
    }
}

/// The dictionary as a JSON object; see [`to_json`].
#[must_use]
pub(crate) fn dictionary_to_json(entries: &Dictionary) -> serde_json::Value {
    entries
        .iter()
        .map(|(key, value)| (key.to_owned(), to_json(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let value = Value::Dictionary(
            [
                ("a<&>b".to_owned(), Value::String("x<&>\"'".into())),
                (
                    "data".to_owned(),
                    Value::Array((0..5).map(|n| Value::Data(vec![250; n])).collect()),
                ),
                ("n".to_owned(), Value::Integer(i64::MIN.into())),
                (
                    "d".to_owned(),
                    Value::Dictionary(super::super::Dictionary::default()),
                ),
            ]
            .into_iter()
            .collect(),
        );
        assert_eq!(super::super::parse(to_xml(&value).as_bytes()).unwrap(), value);
    }
}
