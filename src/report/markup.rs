//! Markdown (CommonMark 0.31.2 and GitHub Flavored Markdown) from texts that contain names of other people's files.
//!
//! A word of plain letters stays as it is. Every other word becomes a code span, in which nothing has a meaning: no HTML, no
//! link, no emphasis, and neither a mention such as `@rpath` nor a reference such as `#1`, which GitHub and GitLab make even
//! from escaped characters.

use super::text::visible;
use crate::remedy::Repair;

/// What may come before a plain word, and after one.
const BEFORE: [char; 3] = ['(', '"', '\''];
const AFTER: [char; 9] = ['.', ',', ';', ':', '!', '?', ')', '"', '\''];

/// A text of one paragraph.
pub(super) fn inline(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        let is_first = out.is_empty();
        if !is_first {
            out.push(' ');
        }
        let core = word.trim_start_matches(BEFORE).trim_end_matches(AFTER);
        if is_plain(core) && !(is_first && begins_a_block(word)) {
            out.push_str(word);
        } else {
            let (before, rest) =
                word.split_at(word.len().saturating_sub(word.trim_start_matches(BEFORE).len()));
            let (inner, after) = rest.split_at(rest.trim_end_matches(AFTER).len());
            // A word of punctuation alone is code as a whole.
            match inner {
                "" => out.push_str(&code(word)),
                inner => out.push_str(&format!("{before}{}{after}", code(inner))),
            }
        }
    }
    out
}

/// Returns true if no character of the word has a meaning in Markdown, or makes a link, a mention or an emoji.
fn is_plain(word: &str) -> bool {
    let is_harmless = |character: char| {
        character.is_alphanumeric() || "-.,'/+=%".contains(character) || !character.is_ascii()
    };
    visible(word) == word && word.chars().all(is_harmless) && !word.to_ascii_lowercase().starts_with("www.")
}

/// Returns true if a paragraph cannot begin with the word: a list, a heading or a rule would.
fn begins_a_block(word: &str) -> bool {
    let rest = word.trim_start_matches(|character: char| character.is_ascii_digit());
    let is_number = rest.len() < word.len() && matches!(rest, "." | ")");
    is_number || word.starts_with(['-', '+', '=', '.'])
}

/// A code span (CommonMark 6.1): its fence is longer than any run of backticks in it.
pub(super) fn code(text: &str) -> String {
    let text = visible(text);
    let fence = "`".repeat(longest_run(&text).saturating_add(1));
    let has_spaces = text.starts_with(' ') && text.ends_with(' ') && text.trim() != "";
    if text.is_empty() {
        String::new()
    } else if text.starts_with('`') || text.ends_with('`') || has_spaces {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// A code span in a table, where only a backslash keeps a bar from ending the cell (GitHub Flavored Markdown 4.10).
pub(super) fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A repair as paragraphs and blocks of commands, which an empty line has to set apart.
pub(super) fn repair(repair: &Repair) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for (index, part) in repair.parts.iter().enumerate() {
        let words = inline(&part.announcement());
        match (index, words.is_empty()) {
            (0, _) => blocks.push(format!("**Repair:** {words}")),
            (_, true) => {}
            (_, false) => blocks.push(words),
        }
        let commands: Vec<String> = part
            .commands
            .iter()
            .map(|command| visible(&command.to_string()).into_owned())
            .collect();
        blocks.extend(block(&commands.join("\n")));
    }
    blocks
}

fn block(text: &str) -> Option<String> {
    let fence = "`".repeat(longest_run(text).saturating_add(1).max(3));
    (!text.is_empty()).then(|| format!("{fence}sh\n{text}\n{fence}"))
}

/// The length of the longest run of backticks.
fn longest_run(text: &str) -> usize {
    let runs = text.split(|character| character != '`');
    runs.map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remedy::{Command, Part, Stage};

    #[test]
    fn names_have_no_meaning() {
        assert_eq!(
            inline("the link @rpath/A.dylib (of \"*a*\") leads to <b>x</b>, see #1: 3 of 5."),
            "the link `@rpath/A.dylib` (of \"`*a*`\") leads to `<b>x</b>`, see `#1`: 3 of 5."
        );
        assert_eq!(inline("a\n\n# b\u{1b}"), "a `#` `b\\u{1b}`");
        assert_eq!(inline("- x ::"), "`-` x ::");
        assert_eq!(inline("1. x"), "`1`. x");
        assert_eq!(
            inline("http://x www.x :a: x86_64"),
            "`http://x` `www.x` `:a`: `x86_64`"
        );
    }

    #[test]
    fn fences_are_longer_than_what_is_in_them() {
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`a"), "`` `a ``");
        assert_eq!(cell("a|b"), "`a\\|b`");
        let part = Part {
            stage: Stage::Mend,
            is_alternative: false,
            words: "pack it".to_owned(),
            commands: vec![Command::of(["echo", "```"])],
        };
        let then = Part {
            words: "and then sign".to_owned(),
            commands: Vec::new(),
            ..part.clone()
        };
        assert_eq!(
            repair(&Repair {
                parts: vec![part, then]
            }),
            [
                "**Repair:** pack it:",
                "````sh\necho '```'\n````",
                "and then sign"
            ]
        );
    }
}
