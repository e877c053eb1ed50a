//! The patterns of resource rules: POSIX extended regular expressions (specification 6.7, `ResourceBuilder`).
//!
//! The patterns that Apple's own signer writes are few and simple; they are recognised and matched by comparing, so
//! that most bundles need no regular expression. All others are translated for the `regex` crate, whose time is linear
//! in the path whatever the pattern.

use regex::bytes::{Regex, RegexBuilder};

use crate::limits::{RULE_COMPILED, RULE_PATTERN};

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
    /// Any other.
    Expression(Regex),
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PatternError {
    /// It is no regular expression.
    Malformed,
    /// It is longer than the budget, or would be when compiled: counted repetitions multiply.
    TooLarge,
}

impl Pattern {
    /// Reads a pattern.
    pub(super) fn compile(pattern: &str) -> Result<Self, PatternError> {
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
                None => Self::Expression(regular_expression(pattern)?),
            },
        })
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
            Self::Expression(regex) => regex.is_match(path.as_bytes()),
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

/// A POSIX extended regular expression over bytes; `.` matches every byte, lines have no meaning.
fn regular_expression(pattern: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(&translate(pattern).ok_or(PatternError::Malformed)?)
        .unicode(false)
        .dot_matches_new_line(true)
        .size_limit(RULE_COMPILED)
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

    #[test]
    fn posix_patterns() {
        let matches = |pattern: &str, path: &str| Pattern::compile(pattern).unwrap().matches(path);
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
                matches!(Pattern::compile(foreign), Err(PatternError::Malformed)),
                "{foreign}"
            );
        }
        assert!(
            matches!(Pattern::compile("("), Err(PatternError::Malformed))
                && matches!(
                    Pattern::compile("(((a{1000}){1000}){1000})"),
                    Err(PatternError::TooLarge)
                )
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
            let expression = regular_expression(pattern).unwrap();
            let compiled = Pattern::compile(pattern).unwrap();
            assert!(
                !matches!(compiled, Pattern::Expression(_)),
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
                matches!(Pattern::compile(pattern), Ok(Pattern::Expression(_))),
                "{pattern}"
            );
        }
    }
}
