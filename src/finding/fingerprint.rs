//! Fingerprints of problems that stay the same from build to build.
//!
//! Made from what a new build does not change: the rule, the path within the item, the architecture and the message
//! without its numbers and digests. Where the item itself lies does not matter.

use crate::hash::HashType;

/// Sets the fields apart; it stands in no rule id, architecture or message.
const SEPARATOR: char = '\0';
/// Letters from a to f alone make words such as `added`; only longer ones are taken for digests.
const MIN_DIGEST: usize = 8;

/// The fingerprint of one problem as hexadecimal digits.
#[must_use]
pub fn fingerprint(rule: &str, path: &str, architecture: Option<&str>, message: &str) -> String {
    let mut text = String::new();
    for field in [rule, path, architecture.unwrap_or_default(), &normalised(message)] {
        text.push_str(field);
        text.push(SEPARATOR);
    }
    HashType::Sha256.digest(text.as_bytes()).to_string()
}

/// The message with `#` in the place of numbers, offsets and digests.
fn normalised(message: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for character in message.chars() {
        if character.is_alphanumeric() || character == '_' {
            word.push(character);
        } else {
            end(&mut word, &mut out);
            out.push(character);
        }
    }
    end(&mut word, &mut out);
    out
}

fn end(word: &mut String, out: &mut String) {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let is_hex = !digits.is_empty() && digits.chars().all(|digit| digit.is_ascii_hexdigit());
    let is_number = word.chars().all(|digit| digit.is_ascii_digit()) && !word.is_empty();
    let has_prefix = digits.len() < word.len();
    if is_number || is_hex && (has_prefix || digits.len() >= MIN_DIGEST) {
        out.push('#');
    } else {
        out.push_str(word);
    }
    word.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_with_every_build_is_left_out() {
        let of = |message| {
            fingerprint(
                "signature-broken-pages",
                "Contents/MacOS/A",
                Some("arm64"),
                message,
            )
        };
        let first = of("3 of 12 pages differ, the first at 0x4000: 0123456789abcdef");
        assert_eq!(
            first,
            of("1 of 19 pages differ, the first at 0x8000: fedcba9876543210")
        );
        assert_ne!(
            first,
            of("3 of 12 pages are missing, the first at 0x4000: 0123456789abcdef")
        );
        assert_eq!(
            normalised("added dead arm64 x86_64 sha256"),
            "added dead arm64 x86_64 sha256"
        );
        assert_eq!(first.len(), 64);
    }

    #[test]
    fn every_field_counts() {
        let all = [
            fingerprint("a", "b", None, "c"),
            fingerprint("ab", "", None, "c"),
            fingerprint("a", "b", Some("arm64"), "c"),
            fingerprint("a", "b", None, "d"),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one));
        }
    }
}
