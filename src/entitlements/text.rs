//! The listing that `codesign -d --entitlements -` prints (native observation 9.1).

use std::fmt::Write as _;

use crate::plist::{Dictionary, Value};

/// `[Dict]`, then each key and its value one tab deeper, keys in byte order.
#[must_use]
pub fn to_text(entries: &Dictionary) -> String {
    let mut text = String::new();
    dictionary(entries, 0, &mut text);
    text
}

fn dictionary(entries: &Dictionary, depth: usize, out: &mut String) {
    let indent = "\t".repeat(depth);
    let _ = writeln!(out, "{indent}[Dict]");
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by_key(|(key, _)| key.as_bytes());
    for (key, entry) in sorted {
        let _ = writeln!(out, "{indent}\t[Key] {key}\n{indent}\t[Value]");
        value(entry, depth.saturating_add(2), out);
    }
}

fn value(entry: &Value, depth: usize, out: &mut String) {
    let indent = "\t".repeat(depth);
    let _ = match entry {
        Value::Boolean(flag) => writeln!(out, "{indent}[Bool] {flag}"),
        Value::Integer(number) => writeln!(out, "{indent}[Int] {number}"),
        Value::String(text) => writeln!(out, "{indent}[String] {text}"),
        Value::Data(bytes) => writeln!(out, "{indent}[Data] {}", crate::octets::hex(bytes)),
        Value::Real(number) | Value::Date(number) => writeln!(out, "{indent}[Real] {number}"),
        Value::Uid(number) => writeln!(out, "{indent}[Int] {number}"),
        Value::Array(elements) => {
            let _ = writeln!(out, "{indent}[Array]");
            elements
                .iter()
                .for_each(|element| value(element, depth.saturating_add(1), out));
            Ok(())
        }
        Value::Dictionary(entries) => {
            dictionary(entries, depth, out);
            Ok(())
        }
    };
}
