//! Comparison of texts with numbers in them, as `CFStringCompare` does it with `kCFCompareNumerically`.
//!
//! Where digits stand in both texts, the numbers are compared, however long; otherwise the characters. Canonically
//! equivalent Unicode sequences, which CoreFoundation takes for equal, are not recognised.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::str::Chars;

/// Compares `one` with `other`.
pub(super) fn compare(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one.chars().peekable(), other.chars().peekable());
    loop {
        let (a, b) = match (left.peek(), right.peek()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => (*a, *b),
        };
        let order = if a.is_ascii_digit() && b.is_ascii_digit() {
            let (a, b) = (digits(&mut left), digits(&mut right));
            a.len().cmp(&b.len()).then_with(|| a.cmp(&b))
        } else {
            left.next();
            right.next();
            a.cmp(&b)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A run of digits without leading zeros.
fn digits(text: &mut Peekable<Chars<'_>>) -> String {
    let mut run = String::new();
    while let Some(digit) = text.next_if(char::is_ascii_digit) {
        if !(run.is_empty() && digit == '0') {
            run.push(digit);
        }
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_inside_of_texts() {
        for (one, other, order) in [
            ("10.9", "10.10", Ordering::Less),
            ("10.10", "10.9.9", Ordering::Greater),
            ("1.0", "1.00", Ordering::Equal),
            ("a2", "a10", Ordering::Less),
            ("99999999999999999999", "100000000000000000000", Ordering::Less),
            ("", "0", Ordering::Less),
            ("b", "a", Ordering::Greater),
        ] {
            assert_eq!(compare(one, other), order, "{one} {other}");
        }
    }
}
