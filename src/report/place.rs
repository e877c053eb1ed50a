//! Where problems are, in the formats whose readers show them beside the sources: paths from the root of the sources, and
//! fingerprints by which a reader finds a problem of the last run again.

use std::collections::HashMap;

use crate::hash::HashType;

/// Digits of a fingerprint, as many as those that code scanning makes itself.
const DIGITS: usize = 16;

/// The place of a file of an item.
pub(super) fn of(item: &str, path: &str) -> String {
    match path {
        "" => item.to_owned(),
        path => format!("{}/{path}", item.trim_end_matches('/')),
    }
}

/// A place as a URI: a relative one, or an absolute one outside of the sources.
pub(super) fn uri(place: &str) -> String {
    let scheme = if place.starts_with('/') { "file://" } else { "" };
    format!("{scheme}{}", encoded(place))
}

/// A path as part of a URI: everything but unreserved characters and slashes in percent encoding (RFC 3986, 2.1).
fn encoded(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Makes the fingerprints of one report. Readers take two problems with the same fingerprint for one, so the place is part of it,
/// and problems that cannot be distinguished are numbered.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    seen: HashMap<String, u64>,
}

impl Fingerprints {
    /// The fingerprint of the next problem, in the form of code scanning: `39fa2ee980eb94b0:1`.
    pub(super) fn next(&mut self, place: &str, problem: &str) -> String {
        let text = format!("{place}\0{problem}");
        let digest = HashType::Sha256.digest(text.as_bytes()).to_string();
        let short: String = digest.chars().take(DIGITS).collect();
        let count = self.seen.entry(short.clone()).or_default();
        *count = count.saturating_add(1);
        format!("{short}:{count}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("A b/ü%:#"), "A%20b/%C3%BC%25%3A%23");
        assert_eq!(uri("/a/b c"), "file:///a/b%20c");
        assert_eq!((of("a/", "b").as_str(), of("a", "").as_str()), ("a/b", "a"));
    }

    #[test]
    fn fingerprints_of_one_report_differ() {
        let mut all = Fingerprints::default();
        let first = all.next("a", "x");
        assert!(first.len() == 18 && first.ends_with(":1"), "{first}");
        assert_eq!(all.next("a", "x"), first.replace(":1", ":2"));
        assert_ne!(all.next("b", "x"), first);
        assert_eq!(Fingerprints::default().next("a", "x"), first);
    }
}
