//! Resource rules: which files the seal covers, and how.
//!
//! Specification 6.7 (`ResourceBuilder`). Patterns are POSIX extended regular expressions, translated for the
//! `regex` crate, whose time is linear in the path whatever the pattern. Among equal weights Apple's choice is
//! undefined; here `omit` wins, since real apps are valid only so.

use regex::bytes::{Regex, RegexBuilder};
use thiserror::Error;

use crate::plist::{Dictionary, Value};

/// Rules in one seal; Apple's own sets have at most 15.
const MAX_RULES: usize = 1000;
/// Length of one pattern in bytes.
const MAX_PATTERN: usize = 4096;
/// Compiled size of one pattern in bytes: counted repetitions multiply.
const MAX_COMPILED: usize = 1 << 20;

/// Why the rules are refused (errSecCSResourceRulesInvalid).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleError {
    /// The pattern is no regular expression, or too large.
    #[error("rule pattern {pattern:?} is not usable")]
    Pattern {
        /// The pattern.
        pattern: String,
    },
    /// The rule's value is neither a boolean nor a dictionary.
    #[error("rule {pattern:?} has a value of the wrong type")]
    Value {
        /// The pattern.
        pattern: String,
    },
    /// More rules than the budget.
    #[error("{count} rules, more than the limit of {MAX_RULES}")]
    TooMany {
        /// How many.
        count: usize,
    },
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The pattern as sealed.
    pub pattern: String,
    /// The heaviest matching rule decides.
    pub weight: f64,
    /// Matching files are not sealed.
    pub omit: bool,
    /// Matching files may be missing.
    pub optional: bool,
    /// Matching files are nested code.
    pub nested: bool,
    /// Whether the value was exactly `true`.
    pub is_plain_true: bool,
    regex: Regex,
}

impl Rule {
    /// Whether the rule matches the path.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.regex.is_match(path.as_bytes())
    }
}

/// The rules of one seal.
#[derive(Debug, Clone)]
pub struct Rules {
    rules: Vec<Rule>,
}

impl Rules {
    /// Compiles the dictionary `rules` or `rules2`.
    ///
    /// # Errors
    /// See [`RuleError`].
    pub fn compile(source: &Dictionary) -> Result<Self, RuleError> {
        if source.len() > MAX_RULES {
            return Err(RuleError::TooMany { count: source.len() });
        }
        let rules = source
            .iter()
            .map(|(pattern, value)| rule(pattern, value))
            .collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }

    /// The rule that decides about `path`, if any matches.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Rule> {
        let mut best: Option<&Rule> = None;
        for rule in self.rules.iter().filter(|rule| rule.matches(path)) {
            let better = best.is_none_or(|best| {
                rule.weight > best.weight || (rule.weight == best.weight && rule.omit && !best.omit)
            });
            if better {
                best = Some(rule);
            }
        }
        best
    }

    /// Number of rules.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether strict validation calls the rules weak (`hasWeakResourceRules`): the catch-all rule is missing,
    /// or a rule omits what Apple's own rules do not.
    #[must_use]
    pub fn are_weak(&self, version: u32, resources_prefix: &str) -> bool {
        let catch_all = if version >= 2 { "^.*" } else { "^Resources/" };
        let allowed = [
            "^(.*/)?\\.DS_Store$".to_owned(),
            "^Info\\.plist$".to_owned(),
            "^PkgInfo$".to_owned(),
            format!("^{resources_prefix}.*\\.lproj/locversion.plist$"),
        ];
        !self
            .rules
            .iter()
            .any(|rule| rule.pattern == catch_all && rule.is_plain_true)
            || self
                .rules
                .iter()
                .any(|rule| rule.omit && !allowed.contains(&rule.pattern))
    }
}

fn rule(pattern: &str, value: &Value) -> Result<Rule, RuleError> {
    let wrong = || RuleError::Value {
        pattern: pattern.to_owned(),
    };
    let regex = compile(pattern).ok_or_else(|| RuleError::Pattern {
        pattern: pattern.to_owned(),
    })?;
    let mut rule = Rule {
        pattern: pattern.to_owned(),
        weight: 1.0,
        omit: false,
        optional: false,
        nested: false,
        is_plain_true: *value == Value::Boolean(true),
        regex,
    };
    match value {
        Value::Boolean(sealed) => rule.omit = !sealed,
        Value::Dictionary(entries) => {
            let flag = |key: &str| entries.get(key).and_then(Value::as_bool) == Some(true);
            rule.omit = flag("omit");
            rule.optional = flag("optional");
            rule.nested = flag("nested");
            rule.weight = match entries.get("weight") {
                None => 1.0,
                Some(Value::Real(weight)) => weight.trunc(),
                // Apple casts to an unsigned 32-bit number.
                Some(Value::Integer(weight)) => u32::try_from(*weight).map(f64::from).map_err(|_| wrong())?,
                Some(_) => return Err(wrong()),
            };
        }
        _ => return Err(wrong()),
    }
    Ok(rule)
}

/// A POSIX extended regular expression over bytes; `.` matches every byte, lines have no meaning.
fn compile(pattern: &str) -> Option<Regex> {
    if pattern.len() > MAX_PATTERN {
        return None;
    }
    RegexBuilder::new(&translate(pattern))
        .unicode(false)
        .dot_matches_new_line(true)
        .size_limit(MAX_COMPILED)
        .build()
        .ok()
}

/// What POSIX takes literally and the crate does not: a backslash in brackets, an escape of an ordinary
/// character, and an opening brace that starts no repetition.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(next) if next.is_ascii_alphanumeric() => out.push(next),
                Some(next) => {
                    out.push('\\');
                    out.push(next);
                }
                None => out.push('\\'),
            },
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
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Rules {
        let text = format!("<plist><dict>{text}</dict></plist>");
        let value = crate::plist::parse(text.as_bytes()).unwrap();
        Rules::compile(value.as_dictionary().unwrap()).unwrap()
    }

    #[test]
    fn weight_decides_and_omit_breaks_ties() {
        let rules = rules(
            "<key>^.*</key><true/>
             <key>^</key><dict><key>weight</key><real>20</real></dict>
             <key>^Info\\.plist$</key><dict><key>omit</key><true/><key>weight</key><real>20</real></dict>
             <key>^Frameworks/</key><dict><key>nested</key><true/><key>weight</key><integer>30</integer></dict>
             <key>^no$</key><false/>",
        );
        assert!(rules.find("Info.plist").unwrap().omit);
        assert!(!rules.find("InfoXplist").unwrap().omit);
        assert!(rules.find("Frameworks/a").unwrap().nested);
        assert_eq!(rules.find("a/b").unwrap().pattern, "^");
        assert!(!rules.find("no").unwrap().omit, "weight 1 loses to 20");
    }

    #[test]
    fn posix_patterns() {
        let matches = |pattern: &str, path: &str| compile(pattern).unwrap().is_match(path.as_bytes());
        assert!(matches("^(.*/)?\\.DS_Store$", "a/.DS_Store"));
        assert!(matches(".*\\.dSYM($|/)", "x.dSYM/a"));
        assert!(matches("^[^/]+$", "abc") && !matches("^[^/]+$", "a/b"));
        assert!(matches("^[]a]+$", "]a]"));
        assert!(matches("^[\\.]$", "\\"), "a backslash in brackets is itself");
        assert!(matches("^a{2}$", "aa") && matches("^a{b$", "a{b"));
        assert!(matches("^[[:alpha:]]$", "x"));
        assert!(matches("^a.b$", "a\nb"), "a dot matches a line end");
        assert!(compile("(").is_none() && compile("(((a{1000}){1000}){1000})").is_none());
    }

    #[test]
    fn weak_rules() {
        let good = "<key>^.*</key><true/><key>^PkgInfo$</key><dict><key>omit</key><true/></dict>";
        assert!(!rules(good).are_weak(2, "Resources/"));
        assert!(rules("<key>^Resources/</key><true/>").are_weak(2, "Resources/"));
        assert!(rules(&format!("{good}<key>^x$</key><false/>")).are_weak(2, "Resources/"));
        assert!(
            rules("<key>^.*</key><dict><key>weight</key><real>1</real></dict>").are_weak(2, "Resources/")
        );
    }
}
