//! What is known about entitlement keys: who may claim them, with which values, on which platforms.
//!
//! `table.tsv` holds one key a line, sorted by bytes: key, value types, platforms, class, flags, replacement, advice;
//! `-` where there is nothing. A key that ends in `.*` stands for all keys under it. The facts are those of Apple's
//! documentation of entitlements, TN3125, the list of commonly hallucinated entitlements on Apple's forums, and what
//! was measured of keys that Apple keeps for itself. The text is searched as it lies in the program: nothing is
//! built when it starts.
//!
//! Not here: whether a profile grants a claim.

use std::cmp::Ordering;

use crate::plist::Value;

const TABLE: &str = include_str!("table.tsv");

/// Who may claim an entitlement on macOS (TN3125).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Anybody: sandbox, hardened runtime, debugging.
    Unrestricted,
    /// Code whose provisioning profile grants it.
    Restricted,
    /// The same, and Apple grants it to the profile on request only.
    Managed,
    /// Apple's own code only; no profile can grant it.
    ApplePrivate,
    /// Nobody: there is no such entitlement, but many believe that there is.
    Hallucinated,
    /// Probably nobody: it is on none of Apple's lists.
    Suspect,
    /// Anybody: a name outside of Apple's, which the system does not look at.
    Foreign,
}

impl Class {
    /// A word for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unrestricted => "unrestricted",
            Self::Restricted => "restricted",
            Self::Managed => "managed",
            Self::ApplePrivate => "private to Apple",
            Self::Hallucinated => "not an entitlement",
            Self::Suspect => "unknown to Apple's lists",
            Self::Foreign => "not Apple's",
        }
    }

    /// Whether AMFI demands that a provisioning profile grants the claim.
    #[must_use]
    pub fn needs_profile(self) -> bool {
        matches!(self, Self::Restricted | Self::Managed)
    }

    fn from_word(word: &str) -> Self {
        match word {
            "unrestricted" => Self::Unrestricted,
            "managed" => Self::Managed,
            "apple-private" => Self::ApplePrivate,
            "hallucinated" => Self::Hallucinated,
            "suspect" => Self::Suspect,
            _ => Self::Restricted,
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entitlement {
    /// The key, or the pattern that the key fits.
    pub key: &'static str,
    /// Who may claim it.
    pub class: Class,
    /// The key to claim instead.
    pub replacement: Option<&'static str>,
    /// A few words about what to do instead, or about the replacement.
    pub advice: Option<&'static str>,
    types: &'static str,
    platforms: &'static str,
    flags: &'static str,
}

/// A platform that an entitlement exists on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Platform {
    /// macOS.
    MacOs,
    /// Mac Catalyst.
    Catalyst,
    /// iOS.
    Ios,
    /// tvOS.
    TvOs,
    /// watchOS.
    WatchOs,
    /// visionOS.
    VisionOs,
}

impl Platform {
    fn word(self) -> &'static str {
        match self {
            Self::MacOs => "macos",
            Self::Catalyst => "catalyst",
            Self::Ios => "ios",
            Self::TvOs => "tvos",
            Self::WatchOs => "watchos",
            Self::VisionOs => "visionos",
        }
    }
}

/// What a key may be marked as, beside its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flag {
    /// A key of App Sandbox, or of what works beside it.
    Sandbox,
    /// A key of the hardened runtime.
    HardenedRuntime,
    /// Opens the process to debuggers.
    Debug,
    /// Names the app or the team; whoever has a profile claims it.
    Identity,
    /// Apple has deprecated it.
    Deprecated,
    /// No profile for Developer ID can grant it (Apple's table of capabilities).
    NoDeveloperId,
    /// That AMFI refuses it was not measured.
    Unproven,
}

impl Flag {
    fn word(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::HardenedRuntime => "hardened-runtime",
            Self::Debug => "debug",
            Self::Identity => "identity",
            Self::Deprecated => "deprecated",
            Self::NoDeveloperId => "no-developer-id",
            Self::Unproven => "unproven",
        }
    }
}

impl Entitlement {
    fn from_line(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        let (key, types, platforms, class, flags) = (next()?, next()?, next()?, next()?, next()?);
        let some = |text: &'static str| (text != "-").then_some(text);
        Some(Self {
            key,
            class: Class::from_word(class),
            replacement: some(next()?),
            advice: some(next()?),
            types,
            platforms,
            flags,
        })
    }

    /// Whether the line is about all keys under a prefix.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.key.ends_with(".*")
    }

    /// Whether the key exists on this platform.
    #[must_use]
    pub fn is_on(&self, platform: Platform) -> bool {
        self.platforms.split(',').any(|word| word == platform.word())
    }

    /// Whether the key is marked so.
    #[must_use]
    pub fn has(&self, flag: Flag) -> bool {
        self.flags.split(',').any(|word| word == flag.word())
    }

    /// Whether a value is of a type that the key takes; true where the types are not known.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        self.types.split('|').any(|word| match word {
            "boolean" => matches!(value, Value::Boolean(_)),
            "string" => matches!(value, Value::String(_)),
            "integer" => matches!(value, Value::Integer(_)),
            "strings" => {
                matches!(value, Value::Array(elements) if elements.iter().all(|one| one.as_str().is_some()))
            }
            "dictionary" => matches!(value, Value::Dictionary(_)),
            "dictionaries" => {
                matches!(value, Value::Array(elements) if elements.iter().all(|one| one.as_dictionary().is_some()))
            }
            _ => true,
        })
    }

    /// The types that the key takes, in words.
    #[must_use]
    pub fn types(&self) -> String {
        let words: Vec<_> = self
            .types
            .split('|')
            .map(|word| match word {
                "strings" => "array of strings",
                "dictionaries" => "array of dictionaries",
                other => other,
            })
            .collect();
        words.join(" or ")
    }
}

/// All lines, sorted by the bytes of their keys.
pub fn all() -> impl Iterator<Item = Entitlement> {
    TABLE.lines().filter_map(Entitlement::from_line)
}

/// What the table says about `key`: its own line, or that of the longest prefix with a pattern.
#[must_use]
pub fn find(key: &str) -> Option<Entitlement> {
    if let Some(found) = exact(key).filter(|found| !found.is_pattern()) {
        return Some(found);
    }
    let mut rest = key;
    while let Some((prefix, _)) = rest.rsplit_once('.') {
        if let Some(found) = exact(&format!("{prefix}.*")) {
            return Some(found);
        }
        rest = prefix;
    }
    None
}

/// The class of any key. A key that the table does not hold is classified by its prefix, as AMFI does: what is
/// Apple's is restricted unless it is `com.apple.security.*`.
#[must_use]
pub fn classify(key: &str) -> Class {
    if let Some(found) = find(key) {
        return found.class;
    }
    // Whether AMFI looks at prefixes or at a list of its own is not published; measured keys fit this.
    if key.starts_with("com.apple.security.") {
        Class::Unrestricted
    } else if key.starts_with("com.apple.system-task-ports") {
        Class::ApplePrivate
    } else if key.starts_with("com.apple.") {
        Class::Restricted
    } else {
        Class::Foreign
    }
}

/// The line that begins with `key` and a tab.
fn exact(key: &str) -> Option<Entitlement> {
    let mut table = TABLE;
    while !table.is_empty() {
        // Halve at the start of a line; the first line when the middle lies in it.
        let middle = table.len().checked_div(2)?;
        let start = table
            .as_bytes()
            .get(..middle)?
            .iter()
            .rposition(|byte| *byte == b'\n');
        let (before, rest) = table.split_at_checked(start.map_or(0, |newline| newline.saturating_add(1)))?;
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let (found, _) = line.split_once('\t')?;
        match key.cmp(found) {
            Ordering::Less => table = before,
            Ordering::Equal => return Entitlement::from_line(line),
            Ordering::Greater => table = after,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_whole() {
        let lines: Vec<_> = TABLE.lines().collect();
        assert_eq!(all().count(), lines.len());
        let keys: Vec<_> = all().map(|line| line.key).collect();
        assert!(keys.is_sorted_by(|a, b| a.as_bytes() < b.as_bytes()));
        for line in lines {
            let fields: Vec<_> = line.split('\t').collect();
            let [key, types, platforms, class, flags, replacement, advice] = fields[..] else {
                panic!("{line}");
            };
            assert!(fields.iter().all(|field| !field.is_empty()), "{line}");
            assert_eq!(exact(key).unwrap().key, key);
            let words = [
                "boolean",
                "string",
                "integer",
                "strings",
                "dictionary",
                "dictionaries",
                "any",
            ];
            let is_unreal = ["hallucinated", "suspect"].contains(&class);
            assert_eq!(types == "-", is_unreal, "{line}");
            assert!(
                is_unreal || types.split('|').all(|word| words.contains(&word)),
                "{line}"
            );
            let words = [
                "macos", "catalyst", "ios", "ipados", "tvos", "watchos", "visionos", "internal",
            ];
            assert!(
                is_unreal || platforms.split(',').all(|word| words.contains(&word)),
                "{line}"
            );
            let words = [
                "unrestricted",
                "restricted",
                "managed",
                "apple-private",
                "hallucinated",
                "suspect",
            ];
            assert!(words.contains(&class), "{line}");
            let words = [
                Flag::Sandbox,
                Flag::HardenedRuntime,
                Flag::Debug,
                Flag::Identity,
                Flag::Deprecated,
                Flag::NoDeveloperId,
                Flag::Unproven,
            ]
            .map(Flag::word);
            assert!(
                flags == "-" || flags.split(',').all(|word| words.contains(&word)),
                "{line}"
            );
            let real = |class| !matches!(class, Class::Hallucinated | Class::Suspect | Class::ApplePrivate);
            assert!(
                replacement == "-" || real(exact(replacement).unwrap().class),
                "{line}"
            );
            assert!(advice == "-" || !advice.ends_with('.'), "{line}");
        }
    }

    #[test]
    fn finds_keys_and_patterns() {
        for key in [
            "",
            "a",
            "com.apple.",
            "zzz",
            "com.apple.security.app-sandbo",
            "com.apple.private",
        ] {
            assert_eq!(find(key), None, "{key}");
        }
        let line = find("com.apple.private.tcc.allow").unwrap();
        assert_eq!(
            (line.key, line.types().as_str()),
            ("com.apple.private.tcc.allow", "array of strings")
        );
        assert_eq!(
            find("com.apple.private.some.thing").unwrap().key,
            "com.apple.private.*"
        );
        assert_eq!(
            find("com.apple.rootless.storage.x").unwrap().key,
            "com.apple.rootless.storage.*"
        );
        assert!(
            find("com.apple.security.exception.*")
                .unwrap()
                .has(Flag::Unproven)
        );
    }

    #[test]
    fn classifies_what_the_table_does_not_hold() {
        for (key, class) in [
            ("com.apple.security.app-sandbox", Class::Unrestricted),
            ("com.apple.security.something.new", Class::Unrestricted),
            ("com.apple.developer.something.new", Class::Restricted),
            ("com.apple.developer.driverkit", Class::Managed),
            ("com.apple.something", Class::Restricted),
            ("com.apple.system-task-ports.token.control", Class::ApplePrivate),
            ("com.apple.security.accessibility", Class::Hallucinated),
            ("com.apple.security.screen-capture", Class::Suspect),
            ("com.example.own", Class::Foreign),
            ("keychain-access-groups", Class::Restricted),
            ("UIBackgroundModes", Class::Hallucinated),
        ] {
            assert_eq!(classify(key), class, "{key}");
        }
    }

    #[test]
    fn types_and_platforms() {
        let sandbox = find("com.apple.security.app-sandbox").unwrap();
        assert!(sandbox.accepts(&Value::Boolean(false)));
        assert!(!sandbox.accepts(&Value::String("true".into())));
        assert!(sandbox.has(Flag::Sandbox) && !sandbox.has(Flag::Debug));
        let access = find("com.apple.developer.driverkit.userclient-access").unwrap();
        let one = Value::String("a".into());
        assert!(access.accepts(&one) && access.accepts(&Value::Array(vec![one.clone(), one.clone()])));
        assert!(!access.accepts(&Value::Array(vec![one, Value::Boolean(true)])));
        assert_eq!(access.types(), "array of strings or string");
        assert!(access.is_on(Platform::MacOs) && !access.is_on(Platform::Ios));
        let push = find("com.apple.developer.push-notifications").unwrap();
        assert_eq!(push.replacement, Some("com.apple.developer.aps-environment"));
        assert!(
            push.accepts(&Value::Boolean(true)),
            "nothing is known of its types"
        );
    }
}
