//! The patterns of resource rules: POSIX extended regular expressions (specification 6.7, `ResourceBuilder`).
//!
//! The patterns that Apple's own signer writes are few and simple; they are recognised and matched by comparing, so
//! that most bundles need no regular expression. All others are translated for the `regex` crate, whose time is at most the
//! positions of the pattern, with counted repetitions written out, times the bytes of the path. So the positions of one
//! pattern have a bound, and the product is charged to the item for every path.

use regex::bytes::{Regex, RegexBuilder};

use crate::budget::{Budget, OverBudget};
use crate::limits::{RULE_COMPILED, RULE_PATTERN, RULE_POSITIONS};

/// Bytes that a regular expression remembers of its own work, for each thread.
const REMEMBERED: usize = 1 << 18;
/// Steps of compiling one position.
const STEPS_PER_POSITION: u64 = 100;

/// Folders of nested code in Apple's rules.
const CODE_FOLDERS: &str = "^(Frameworks|SharedFrameworks|PlugIns|Plug-ins|XPCServices|Helpers|MacOS|Library/(Automator|Spotlight|LoginItems))/";

/// A pattern that can be matched.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// `^.*`
    Everything,
    /// `^[^/]+$`: a name without folders.
    Name,
    /// `^(.*/)?\.DS_Store$`
    DsStore,
    /// `.*\.dSYM($|/)`
    DebugSymbols,
    /// [`CODE_FOLDERS`]
    CodeFolders,
    /// `^PREFIX.*\.lproj/`, and with `locversion.plist$` behind it, whose dot is any byte.
    Localised { prefix: &'static str, is_version: bool },
    /// `^PLAIN`, or `^PLAIN$` for the whole path; `None` is any byte.
    Plain { bytes: Vec<Option<u8>>, is_whole: bool },
    /// Any other, and its positions.
    Expression { regex: Regex, positions: u64 },
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PatternError {
    /// It is no regular expression.
    Malformed,
    /// It is longer than the budget, or would be when compiled: counted repetitions multiply.
    TooLarge,
    /// The budget of the item is spent.
    Budget(OverBudget),
}

impl Pattern {
    /// Reads a pattern for an item with this budget.
    pub(super) fn compile(pattern: &str, budget: &Budget) -> Result<Self, PatternError> {
        if pattern.len() > RULE_PATTERN {
            return Err(PatternError::TooLarge);
        }
        let localised = |prefix, is_version| Self::Localised { prefix, is_version };
        Ok(match pattern {
            "^.*" => Self::Everything,
            "^[^/]+$" => Self::Name,
            "^(.*/)?\\.DS_Store$" => Self::DsStore,
            ".*\\.dSYM($|/)" => Self::DebugSymbols,
            CODE_FOLDERS => Self::CodeFolders,
            "^.*\\.lproj/" => localised("", false),
            "^.*\\.lproj/locversion.plist$" => localised("", true),
            "^Resources/.*\\.lproj/" => localised("Resources/", false),
            "^Resources/.*\\.lproj/locversion.plist$" => localised("Resources/", true),
            _ => match plain(pattern) {
                Some(plain) => plain,
                None => expression(pattern, budget)?,
            },
        })
    }

    /// Steps of looking for it in the path, at most.
    pub(super) fn cost(&self, path: &str) -> u64 {
        let length = u64::try_from(path.len()).unwrap_or(u64::MAX);
        match self {
            Self::Expression { positions, .. } => positions.saturating_mul(length).saturating_add(1),
            // These compare the path at most once.
            _ => (length / 64).saturating_add(1),
        }
    }

    /// Whether it occurs in the path.
    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Name => !path.is_empty() && !path.contains('/'),
            Self::DsStore => path == ".DS_Store" || path.ends_with("/.DS_Store"),
            Self::DebugSymbols => path.ends_with(".dSYM") || path.contains(".dSYM/"),
            Self::CodeFolders => is_in_code_folder(path),
            Self::Localised { prefix, is_version } => {
                let Some(rest) = path.strip_prefix(prefix) else {
                    return false;
                };
                if !is_version {
                    return rest.contains(".lproj/");
                }
                let name = rest.as_bytes().strip_suffix(b"plist");
                name.and_then(<[u8]>::split_last)
                    .is_some_and(|(_, before)| before.ends_with(b".lproj/locversion"))
            }
            Self::Plain { bytes, is_whole } => {
                begins(path.as_bytes(), bytes) && (!is_whole || path.len() == bytes.len())
            }
            Self::Expression { regex, .. } => regex.is_match(path.as_bytes()),
        }
    }
}

fn is_in_code_folder(path: &str) -> bool {
    let Some((first, rest)) = path.split_once('/') else {
        return false;
    };
    match first {
        "Frameworks" | "SharedFrameworks" | "PlugIns" | "Plug-ins" | "XPCServices" | "Helpers" | "MacOS" => {
            true
        }
        "Library" => rest
            .split_once('/')
            .is_some_and(|(second, _)| matches!(second, "Automator" | "Spotlight" | "LoginItems")),
        _ => false,
    }
}

/// Whether `bytes` begins with `start`, in which `None` is any byte.
fn begins(bytes: &[u8], start: &[Option<u8>]) -> bool {
    let known = bytes.get(..start.len());
    known.is_some_and(|bytes| {
        let mut pairs = bytes.iter().zip(start);
        pairs.all(|(byte, wanted)| wanted.is_none_or(|wanted| wanted == *byte))
    })
}

/// A pattern of ordinary characters, dots and escaped dots behind `^`, perhaps with `$` at its end.
fn plain(pattern: &str) -> Option<Pattern> {
    let rest = pattern.strip_prefix('^')?;
    let (mut rest, is_whole) = rest.strip_suffix('$').map_or((rest, false), |rest| (rest, true));
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some(character) = rest.chars().next() {
        let (byte, length) = match character {
            '\\' if rest.starts_with("\\.") => (Some(b'.'), 2),
            '.' => (None, 1),
            'a'..='z' | 'A'..='Z' | '0'..='9' | '/' | '_' | '-' | ' ' => (u8::try_from(character).ok(), 1),
            _ => return None,
        };
        bytes.push(byte);
        rest = rest.get(length..)?;
    }
    Some(Pattern::Plain { bytes, is_whole })
}

/// A pattern that has to be compiled, which is charged before.
fn expression(pattern: &str, budget: &Budget) -> Result<Pattern, PatternError> {
    let translated = translate(pattern).ok_or(PatternError::Malformed)?;
    let positions = positions(&translated);
    if positions > RULE_POSITIONS {
        return Err(PatternError::TooLarge);
    }
    budget
        .step(positions.saturating_mul(STEPS_PER_POSITION))
        .map_err(PatternError::Budget)?;
    let regex = regular_expression(&translated)?;
    Ok(Pattern::Expression { regex, positions })
}

/// The positions of a translated pattern with its counted repetitions written out, or some more.
fn positions(translated: &str) -> u64 {
    let mut characters = translated.chars().peekable();
    // What a group has so far, and its last part, which a repetition multiplies.
    let (mut sum, mut last) = (0_u64, 0_u64);
    let mut around = Vec::new();
    while let Some(character) = characters.next() {
        match character {
            '(' => {
                around.push(sum.saturating_add(last));
                (sum, last) = (0, 1);
            }
            ')' => {
                last = sum.saturating_add(last).saturating_add(1);
                sum = around.pop().unwrap_or_default();
            }
            '*' | '+' | '?' => last = last.saturating_add(1),
            '{' => {
                let mut count = String::new();
                for inside in characters.by_ref().take_while(|inside| *inside != '}') {
                    count.push(inside);
                }
                let numbers = count.split(',').filter_map(|number| number.parse::<u64>().ok());
                last = last.saturating_mul(numbers.max().unwrap_or(1).saturating_add(1));
            }
            other => {
                if other == '\\' {
                    characters.next();
                } else if other == '[' {
                    skip_class(&mut characters);
                }
                sum = sum.saturating_add(last);
                last = 1;
            }
        }
    }
    around
        .into_iter()
        .fold(sum.saturating_add(last), u64::saturating_add)
}

/// Goes to after the bracket that ends a class; a bracket in it is escaped or opens a named class.
fn skip_class(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(inside) = characters.next() {
        match inside {
            '\\' => {
                characters.next();
            }
            '[' => {
                characters.by_ref().find(|inside| *inside == ']');
            }
            ']' => return,
            _ => {}
        }
    }
}

/// A POSIX extended regular expression over bytes; `.` matches every byte, lines have no meaning.
fn regular_expression(translated: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(translated)
        .unicode(false)
        .dot_matches_new_line(true)
        .size_limit(RULE_COMPILED)
        .dfa_size_limit(REMEMBERED)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
            _ => PatternError::Malformed,
        })
}

/// What POSIX takes literally and the crate does not: a backslash in brackets, an escape of an ordinary
/// character, and an opening brace that starts no repetition. `None` for what only the crate has a meaning for, or only POSIX:
/// groups that begin with `?`, differences of sets, collating elements.
fn translate(pattern: &str) -> Option<String> {
    let mut out = String::with_capacity(pattern.len());
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(next @ ('0'..='9' | 'A'..='Z' | 'a'..='z' | '<' | '>')) => out.push(next),
                Some(next) => {
                    out.push('\\');
                    out.push(next);
                }
                None => out.push('\\'),
            },
            '(' if characters.peek() == Some(&'?') => return None,
            '[' => {
                out.push('[');
                if characters.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // A bracket in first place is itself.
                if characters.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
                while let Some(inside) = characters.next() {
                    match inside {
                        ']' => {
                            out.push(']');
                            break;
                        }
                        '[' if characters.peek() == Some(&':') => {
                            out.push('[');
                            for class in characters.by_ref() {
                                out.push(class);
                                if class == ']' {
                                    break;
                                }
                            }
                        }
                        '[' if matches!(characters.peek(), Some('.' | '=')) => return None,
                        '-' if characters.peek() == Some(&'-') => return None,
                        '[' | '\\' | '&' | '~' => {
                            out.push('\\');
                            out.push(inside);
                        }
                        other => out.push(other),
                    }
                }
            }
            '{' if !characters.peek().is_some_and(char::is_ascii_digit) => out.push_str("\\{"),
            other => out.push(other),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(pattern: &str) -> Result<Pattern, PatternError> {
        Pattern::compile(pattern, &Budget::default())
    }

    /// Counted repetitions multiply, also around groups; the bound is one on their product.
    #[test]
    fn positions_of_patterns() {
        for (pattern, least, most) in [
            ("abc", 3, 4),
            ("a|b", 2, 5),
            ("^(a|bc)*$", 4, 9),
            ("[ab/]*a[ab/]{100}c", 103, 110),
            ("(a{10}){10}", 100, 150),
            ("[]a[:alpha:]]{3,7}\\\\.x{2,}", 10, 20),
        ] {
            let found = positions(&translate(pattern).unwrap());
            assert!((least..=most).contains(&found), "{pattern}: {found}");
        }
        let repeated = |count| format!("([ab/]*a[ab/]{{{count}}}c|x)");
        let cost = |pattern: &str, path: &str| compile(pattern).unwrap().cost(path);
        assert!(cost(&repeated(100), "a/b") >= 300 && cost("^.*", "a/b") == 1);
        assert!(matches!(compile(&repeated(800)), Ok(Pattern::Expression { .. })));
        let alternatives: Vec<_> = (1..=8).map(|hundred| repeated(hundred * 100)).collect();
        let alternatives = alternatives.join("|");
        assert!(cost(&alternatives, "a/b") >= 3 * 3600);
        for large in [
            format!("{alternatives}|{alternatives}"),
            "(a{100}){100}".to_owned(),
        ] {
            assert!(matches!(compile(&large), Err(PatternError::TooLarge)), "{large}");
        }
    }

    #[test]
    fn posix_patterns() {
        let matches = |pattern: &str, path: &str| compile(pattern).unwrap().matches(path);
        assert!(matches("^(.*/)?\\.DS_Store$", "a/.DS_Store"));
        assert!(matches(".*\\.dSYM($|/)", "x.dSYM/a"));
        assert!(matches("^[^/]+$", "abc") && !matches("^[^/]+$", "a/b"));
        assert!(matches("^[]a]+$", "]a]"));
        assert!(matches("^[\\.]$", "\\"), "a backslash in brackets is itself");
        assert!(matches("^a{2}$", "aa") && matches("^a{b$", "a{b"));
        assert!(matches("^[[:alpha:]]$", "x"));
        assert!(matches("^a.b$", "a\nb"), "a dot matches a line end");
        assert!(matches("^\\<a\\>$", "<a>"), "words have no meaning");
        for foreign in ["(?i)a", "(?:a)", "[a--b]", "[[.a.]]", "[[=a=]]"] {
            assert!(
                matches!(compile(foreign), Err(PatternError::Malformed)),
                "{foreign}"
            );
        }
        assert!(
            matches!(compile("("), Err(PatternError::Malformed))
                && matches!(compile("(((a{1000}){1000}){1000})"), Err(PatternError::TooLarge))
        );
    }

    #[test]
    fn recognised_patterns_match_what_their_expressions_match() {
        let patterns = [
            "^.*",
            "^[^/]+$",
            "^(.*/)?\\.DS_Store$",
            ".*\\.dSYM($|/)",
            CODE_FOLDERS,
            "^.*\\.lproj/",
            "^.*\\.lproj/locversion.plist$",
            "^Resources/.*\\.lproj/",
            "^Resources/.*\\.lproj/locversion.plist$",
            "^Resources/",
            "^Resources/Base\\.lproj/",
            "^Base\\.lproj/",
            "^Info\\.plist$",
            "^PkgInfo$",
            "^embedded\\.provisionprofile$",
            "^version\\.plist$",
            "^version.plist$",
            "^",
            "^$",
        ];
        let parts = [
            "",
            "/",
            "Resources",
            "Resources/",
            "Base",
            ".lproj",
            ".lproj/",
            "locversion.plist",
            "locversion_plist",
            "locversion\u{e9}plist",
            ".DS_Store",
            "x.DS_Store",
            "Frameworks",
            "Library/",
            "Spotlight",
            "Plug-ins",
            "MacOS/",
            ".dSYM",
            "Info.plist",
            "Info_plist",
            "PkgInfo",
            "version.plist",
            "version-plist",
            "embedded.provisionprofile",
            "\n",
            "a",
        ];
        let mut paths = vec![String::new()];
        for one in parts {
            for two in parts {
                for three in parts {
                    paths.push(format!("{one}{two}{three}"));
                    paths.push(format!("{one}/{two}/{three}"));
                    paths.push(format!("Resources/{one}{two}{three}"));
                }
            }
        }
        for pattern in patterns {
            let expression = regular_expression(&translate(pattern).unwrap()).unwrap();
            let compiled = compile(pattern).unwrap();
            assert!(
                !matches!(compiled, Pattern::Expression { .. }),
                "{pattern} is not recognised"
            );
            let mut matched = 0;
            for path in &paths {
                let expected = expression.is_match(path.as_bytes());
                assert_eq!(compiled.matches(path), expected, "{pattern} on {path:?}");
                matched += usize::from(expected);
            }
            assert!(matched > 0, "{pattern} matched nothing");
        }
        for pattern in ["^a+", "^a\\/b", "^(a)", "a", "^a$b", "^a\\.*"] {
            assert!(
                matches!(compile(pattern), Ok(Pattern::Expression { .. })),
                "{pattern}"
            );
        }
    }
}
