//! The listing that `codesign -d --entitlements -` prints (native observation 9.1).

use std::fmt::Write as _;

use super::table::{Class, classify, find};
use crate::plist::{Dictionary, Value};

/// `[Dict]`, then each key and its value one tab deeper, keys in byte order.
#[must_use]
pub fn to_text(entries: &Dictionary) -> String {
    let mut text = String::new();
    dictionary(entries, 0, &|_| None, &mut text);
    text
}

/// The same with a remark behind those entitlements that not everybody may claim: `[Key] com.apple… (restricted)`.
#[must_use]
pub fn to_remarked_text(entries: &Dictionary) -> String {
    let mut text = String::new();
    dictionary(entries, 0, &remark, &mut text);
    text
}

fn remark(key: &str) -> Option<String> {
    let line = find(key);
    let class = classify(key);
    let instead = match line.map(|line| (line.replacement, line.advice)) {
        Some((Some(other), _)) => format!(": {other}"),
        Some((None, Some(advice))) => format!(": {advice}"),
        _ => String::new(),
    };
    match class {
        Class::Hallucinated | Class::Suspect => Some(format!("{}{instead}", class.name())),
        Class::Restricted | Class::Managed if line.is_none() => {
            Some(format!("unknown, counts as {}", class.name()))
        }
        Class::Unrestricted if line.is_none() => Some("unknown".to_owned()),
        Class::Restricted | Class::Managed | Class::ApplePrivate => Some(class.name().to_owned()),
        Class::Unrestricted | Class::Foreign => None,
    }
}

fn dictionary(entries: &Dictionary, depth: usize, remark: &dyn Fn(&str) -> Option<String>, out: &mut String) {
    let indent = "\t".repeat(depth);
    let _ = writeln!(out, "{indent}[Dict]");
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by_key(|(key, _)| key.as_bytes());
    for (key, entry) in sorted {
        let said = remark(key).map_or(String::new(), |said| format!("  ({said})"));
        let _ = writeln!(out, "{indent}\t[Key] {key}{said}\n{indent}\t[Value]");
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
            dictionary(entries, depth, &|_| None, out);
            Ok(())
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_stand_behind_top_level_keys_only() {
        let list = "<dict><key>com.apple.security.network.client</key><true/><key>keychain-access-groups</key>\
            <dict><key>com.apple.private.x</key><true/></dict><key>com.apple.developer.app-groups</key><true/>\
            <key>com.apple.developer.driverkit</key><true/><key>com.apple.security.new</key><true/>\
            <key>com.apple.developer.new</key><true/><key>com.apple.private.x</key><true/><key>own</key><true/></dict>";
        let value = crate::plist::parse(list.as_bytes()).unwrap();
        let entries = value.as_dictionary().unwrap();
        let text = to_remarked_text(entries);
        let remarked: Vec<_> = text.lines().filter(|line| line.contains("  (")).collect();
        assert_eq!(
            remarked,
            [
                "\t[Key] com.apple.developer.app-groups  (not an entitlement: com.apple.security.application-groups)",
                "\t[Key] com.apple.developer.driverkit  (managed)",
                "\t[Key] com.apple.developer.new  (unknown, counts as restricted)",
                "\t[Key] com.apple.private.x  (private to Apple)",
                "\t[Key] com.apple.security.new  (unknown)",
                "\t[Key] keychain-access-groups  (restricted)",
            ]
        );
        let plain: Vec<_> = text
            .lines()
            .map(|line| line.split("  (").next().unwrap())
            .collect();
        assert_eq!(plain.join("\n") + "\n", to_text(entries));
    }
}
