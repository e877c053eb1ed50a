//! Resource rules: which files the seal covers, and how.
//!
//! Specification 6.7 (`ResourceBuilder`). Among equal weights Apple's choice is undefined; here `omit` wins, since real
//! apps are valid only so.

use std::sync::Arc;

use thiserror::Error;

use super::pattern::{Pattern, PatternError};
use crate::budget::{Budget, OverBudget};
use crate::plist::{Dictionary, Value};

/// Why the rules are refused (errSecCSResourceRulesInvalid).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleError {
    /// The pattern is no regular expression.
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
    #[error("{count} rules, more than the limit of {limit}")]
    TooMany {
        /// How many.
        count: usize,
        /// The budget.
        limit: u64,
    },
    /// The pattern is longer than the budget, or would be when compiled.
    #[error("a rule pattern of {length} bytes takes more room than the limit")]
    TooLarge {
        /// Its length in bytes.
        length: usize,
    },
    /// The budget of the item is spent.
    #[error("{0}")]
    Budget(#[from] OverBudget),
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The pattern as sealed.
    pub pattern: String,
    /// The heaviest matching rule decides.
    pub weight: u32,
    /// Matching files are not sealed.
    pub omit: bool,
    /// Matching files may be missing.
    pub optional: bool,
    /// Matching files are nested code.
    pub nested: bool,
    /// Whether the value was exactly `true`.
    pub is_plain_true: bool,
    compiled: Pattern,
}

impl Rule {
    /// Returns true if the rule matches the path. The work is charged before; without a budget nothing matches, since
    /// nothing is said about the item then.
    fn matches(&self, path: &str, budget: &Budget) -> bool {
        budget.step(self.compiled.cost(path)).is_ok() && self.compiled.matches(path)
    }
}

/// The rules of one seal.
#[derive(Debug, Clone)]
pub struct Rules {
    rules: Vec<Rule>,
    budget: Arc<Budget>,
}

impl Rules {
    /// Compiles the dictionary `rules` or `rules2`, which may hold `limit` rules, for an item with this budget.
    ///
    /// # Errors
    /// See [`RuleError`].
    pub fn compile(source: &Dictionary, limit: u64, budget: &Arc<Budget>) -> Result<Self, RuleError> {
        let count = source.len();
        if u64::try_from(count).map_or(true, |count| count > limit) {
            return Err(RuleError::TooMany { count, limit });
        }
        let rules = source
            .iter()
            .map(|(pattern, value)| rule(pattern, value, budget))
            .collect::<Result<_, _>>()?;
        let budget = Arc::clone(budget);
        Ok(Self { rules, budget })
    }

    /// The rule that decides about `path`, if any matches.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Rule> {
        let mut best: Option<&Rule> = None;
        let matching = self.rules.iter().filter(|rule| rule.matches(path, &self.budget));
        for rule in matching {
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

fn rule(pattern: &str, value: &Value, budget: &Budget) -> Result<Rule, RuleError> {
    let wrong = || RuleError::Value {
        pattern: pattern.to_owned(),
    };
    let compiled = Pattern::compile(pattern, budget).map_err(|error| match error {
        PatternError::Malformed => RuleError::Pattern {
            pattern: pattern.to_owned(),
        },
        PatternError::TooLarge => RuleError::TooLarge {
            length: pattern.len(),
        },
        PatternError::Budget(over) => RuleError::Budget(over),
    })?;
    let mut rule = Rule {
        pattern: pattern.to_owned(),
        weight: 1,
        omit: false,
        optional: false,
        nested: false,
        is_plain_true: *value == Value::Boolean(true),
        compiled,
    };
    match value {
        Value::Boolean(sealed) => rule.omit = !sealed,
        Value::Dictionary(entries) => {
            let flag = |key: &str| match entries.get(key) {
                None => Ok(false),
                Some(value) => value.as_bool().ok_or_else(wrong),
            };
            rule.omit = flag("omit")?;
            rule.optional = flag("optional")?;
            rule.nested = flag("nested")?;
            if let Some(value) = entries.get("weight") {
                rule.weight = weight(value).ok_or_else(wrong)?;
            }
        }
        _ => return Err(wrong()),
    }
    Ok(rule)
}

/// A weight as Apple reads it (`cfNumber<unsigned int>`): a whole number of 64 bits, of which the lower half counts, so that -1 is
/// the heaviest.
fn weight(value: &Value) -> Option<u32> {
    let whole = match value {
        Value::Integer(number) => i64::try_from(*number).ok()?,
        Value::Real(number) if number.fract() == 0.0 => {
            // Reals that are whole and this small are exact; heavier rules than that nobody writes.
            let small = number.abs() < 9_007_199_254_740_992.0;
            small.then(|| format!("{number:.0}").parse().ok())??
        }
        _ => return None,
    };
    let [.., a, b, c, d] = whole.to_be_bytes();
    Some(u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(text: &str) -> Result<Rules, RuleError> {
        let text = format!("<plist><dict>{text}</dict></plist>");
        let value = crate::plist::parse(text.as_bytes()).unwrap();
        Rules::compile(value.as_dictionary().unwrap(), 100, &Arc::default())
    }

    fn rules(text: &str) -> Rules {
        compiled(text).unwrap()
    }

    /// `ResourceBuilder::addRule` reads each with a type, and throws where that is another one.
    #[test]
    fn values_of_other_types_are_errors() {
        for value in [
            "<key>omit</key><integer>0</integer>",
            "<key>nested</key><string>true</string>",
            "<key>optional</key><array/>",
            "<key>weight</key><string>20</string>",
            "<key>weight</key><real>20.5</real>",
            "<key>weight</key><real>nan</real>",
            "<key>weight</key><integer>18446744073709551615</integer>",
        ] {
            let rule = format!("<key>^a$</key><dict>{value}</dict>");
            assert!(matches!(compiled(&rule), Err(RuleError::Value { .. })), "{value}");
        }
        for (text, weight) in [
            ("<real>1e3</real>", 1000),
            ("<integer>4294967301</integer>", 5),
            ("<integer>-1</integer>", u32::MAX),
            ("<real>-1</real>", u32::MAX),
        ] {
            let rules = rules(&format!(
                "<key>^a$</key><dict><key>weight</key>{text}</dict><key>^.*</key><dict><key>weight</key><real>2000</real></dict>"
            ));
            assert_eq!(rules.rules[0].weight, weight, "{text}");
        }
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
