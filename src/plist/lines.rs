//! The lines of the keys of an XML property list, for reports that show a problem beside the text. Other forms have no lines.

use super::xml::{Event, Events};
use super::{Form, form};
use crate::budget::Budget;
use crate::limits::Limits;

/// Returns the keys of the dictionary that the list is, each with its line from 1. There are none where the list is not XML, or where
/// the budget does not allow more.
#[must_use]
pub(crate) fn key_lines(bytes: &[u8], limits: &Limits, budget: &Budget) -> Vec<(String, u64)> {
    let Ok(Form::Xml(text)) = form(bytes) else {
        return Vec::new();
    };
    let found = match budget.scan(bytes.len()) {
        Ok(()) => lines(&text, limits.plist_values),
        Err(_) => Vec::new(),
    };
    let size = found
        .iter()
        .map(|(key, _)| key.len().saturating_add(size_of::<(String, u64)>()));
    match budget.retain(size.fold(0, usize::saturating_add)) {
        Ok(()) => found,
        Err(_) => Vec::new(),
    }
}

/// The keys before the first fault of the text.
fn lines(text: &str, limit: u64) -> Vec<(String, u64)> {
    let mut events = Events::new(text, limit);
    let mut found = Vec::new();
    if !matches!(events.step(), Ok(Event::Dictionary)) {
        return found;
    }
    let mut room = Vec::new();
    let (mut line, mut counted) = (1_u64, 0_usize);
    while let Ok(Event::Key(key)) = events.step() {
        let read = text.as_bytes().get(counted..events.at()).unwrap_or_default();
        let breaks = memchr::memchr_iter(b'\n', read).count();
        line = line.saturating_add(u64::try_from(breaks).unwrap_or(u64::MAX));
        counted = events.at();
        found.push((key.into_owned(), line));
        let is_read = events
            .step()
            .is_ok_and(|first| events.skip_value(&first, &mut room).is_ok());
        if !is_read {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_outer_dictionary() {
        let text = "<?xml version=\"1.0\"?>\n<plist>\n<dict>\n<key>a</key><dict>\n<key>b</key><true/>\n</dict>\n\
                    <!-- \n --><key>b</key>\n<string>\n</string><key>c&amp;</key><array/></dict></plist>";
        let expected = [("a", 4), ("b", 8), ("c&", 10)];
        let found = lines(text, 100);
        let found: Vec<_> = found.iter().map(|(key, line)| (key.as_str(), *line)).collect();
        assert_eq!(found, expected);
        assert!(lines("<array/>", 100).is_empty() && lines("<dict><key>a</key>", 100).len() == 1);
    }
}
