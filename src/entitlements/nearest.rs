//! Which real entitlement somebody may have meant who wrote a key that is none.

use super::table::{Class, all};

/// Longer keys are not compared: the longest known one has 99 bytes.
const MAX_LENGTH: usize = 128;
/// More letters than this make another word, not a slip.
const MAX_DISTANCE: usize = 2;

/// The real key that `key` is nearest to: at most two letters differ, or it has the same words in another order.
/// `None` when it is itself real, or when nothing is near.
#[must_use]
pub fn nearest(key: &str) -> Option<&'static str> {
    let is_real = |class| matches!(class, Class::Unrestricted | Class::Restricted | Class::Managed);
    let real = all().filter(|line| is_real(line.class));
    nearest_of(key, real.map(|line| line.key))
}

/// The word of a list that `word` is nearest to; `None` when it is one of them, or when nothing is near.
pub(crate) fn nearest_of<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    if word.len() > MAX_LENGTH {
        return None;
    }
    let words = words(word);
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        if candidate == word {
            return None;
        }
        let reordered = (candidate.len() == word.len() && self::words(candidate) == words).then_some(0);
        let found = reordered.or_else(|| distance(word.as_bytes(), candidate.as_bytes()));
        if let Some(found) = found
            && best.is_none_or(|(least, _)| found < least)
        {
            best = Some((found, candidate));
        }
    }
    best.map(|(_, word)| word)
}

fn words(key: &str) -> Vec<String> {
    let mut words: Vec<_> = key.split(['.', '-', '_']).map(str::to_ascii_lowercase).collect();
    words.sort_unstable();
    words
}

/// The number of letters to insert, delete or replace (Levenshtein), if it is at most [`MAX_DISTANCE`].
fn distance(a: &[u8], b: &[u8]) -> Option<usize> {
    if a.len().abs_diff(b.len()) > MAX_DISTANCE {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (number, left) in a.iter().enumerate() {
        let mut diagonal = number;
        let mut before = number.saturating_add(1);
        let mut least = before;
        let (first, rest) = row.split_first_mut()?;
        *first = before;
        for (cell, right) in rest.iter_mut().zip(b) {
            let replaced = diagonal.saturating_add(usize::from(left != right));
            diagonal = *cell;
            before = replaced.min(before.saturating_add(1)).min(cell.saturating_add(1));
            *cell = before;
            least = least.min(before);
        }
        if least > MAX_DISTANCE {
            return None;
        }
    }
    row.last().copied().filter(|found| *found <= MAX_DISTANCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_swapped_words() {
        for (key, expected) in [
            (
                "com.apple.security.app-sandbxo",
                Some("com.apple.security.app-sandbox"),
            ),
            (
                "com.apple.security.appsandbox",
                Some("com.apple.security.app-sandbox"),
            ),
            (
                "com.apple.security.sandbox-app",
                Some("com.apple.security.app-sandbox"),
            ),
            (
                "com.apple.security.cs.allow_jit",
                Some("com.apple.security.cs.allow-jit"),
            ),
            (
                "com.apple.security.client.network",
                Some("com.apple.security.network.client"),
            ),
            ("keychain-acess-group", Some("keychain-access-groups")),
            ("com.apple.security.app-sandbox", None),
            ("com.apple.security.something-else", None),
            ("com.example.app", None),
            ("", None),
        ] {
            assert_eq!(nearest(key), expected, "{key}");
        }
        assert_eq!(nearest(&"a".repeat(1 << 20)), None);
    }

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", Some(0)),
            ("", "ab", Some(2)),
            ("abc", "abd", Some(1)),
            ("abcdef", "bcdefg", Some(2)),
            ("abcd", "wxyz", None),
            ("a", "abcd", None),
        ] {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
            assert_eq!(distance(b.as_bytes(), a.as_bytes()), expected, "{b} {a}");
        }
    }
}
