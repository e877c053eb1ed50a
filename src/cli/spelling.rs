//! Words of a requirement that are nearly words of the language.
//!
//! Apple's compiler explains a mistyped word by what it could be instead, such as the name of a certificate file; that does not
//! help whoever mistyped it. Names and values are left out where they are in quotes or comments.

use crate::entitlements::nearest_of;

/// The words of Apple's grammar (`requirements.grammar`).
const WORDS: [&str; 27] = [
    "absent",
    "always",
    "anchor",
    "and",
    "apple",
    "cdhash",
    "cert",
    "certificate",
    "code",
    "designated",
    "entitlement",
    "exists",
    "false",
    "generic",
    "guest",
    "host",
    "identifier",
    "info",
    "leaf",
    "legacy",
    "library",
    "never",
    "notarized",
    "platform",
    "root",
    "timestamp",
    "trusted",
];

/// The words of a text that are near to one of the language, each with that one; every word once.
pub(super) fn misspelled(text: &str) -> Vec<(String, &'static str)> {
    let mut found: Vec<(String, &'static str)> = Vec::new();
    for word in bare_words(text) {
        if let Some(near) = nearest_of(&word, WORDS.into_iter())
            && !found.iter().any(|(known, _)| *known == word)
        {
            found.push((word, near));
        }
    }
    found
}

/// Returns the words that consist of letters. Text in quotes, comments, paths and numbers have none.
fn bare_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let is_comment = character == '/' && matches!(rest.peek(), Some('/' | '*'));
        if !is_comment && (character.is_ascii_alphanumeric() || "/.-_".contains(character)) {
            word.push(character);
            continue;
        }
        words.push(std::mem::take(&mut word));
        match (character, rest.peek()) {
            ('"', _) => while rest.next().is_some_and(|inside| inside != '"') {},
            ('#', _) | ('/', Some('/')) => while rest.next().is_some_and(|inside| inside != '\n') {},
            ('/', Some('*')) => {
                let mut last = ' ';
                while let Some(inside) = rest.next().filter(|inside| (last, *inside) != ('*', '/')) {
                    last = inside;
                }
            }
            _ => {}
        }
    }
    words.push(word);
    words.retain(|word| word.len() > 2 && word.chars().all(|character| character.is_ascii_alphabetic()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_words_are_compared() {
        let near = |text: &str| misspelled(text);
        assert_eq!(
            near("anchor aple and anchor aple"),
            [("aple".to_owned(), "apple")]
        );
        assert_eq!(
            near("identifer \"aple\" /* ancor */ and # certificte\nroott"),
            [
                ("identifer".to_owned(), "identifier"),
                ("roott".to_owned(), "root"),
            ]
        );
        assert!(near("anchor /no/file and cdhash H\"00\"").is_empty());
        assert!(near("anchor apple generic and identifier \"x\"").is_empty());
    }
}
