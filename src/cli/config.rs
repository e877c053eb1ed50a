//! `sealcheck.toml`, and the options that say the same: what a project has decided about findings.
//!
//! Everything that is wrong in the file is said at once, with its line. Unknown keys are errors, since a mistyped key
//! would decide nothing.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::complain;
use super::exit::Exit;
use super::expected;
use super::file::{self, InputError};
use super::left_out::Omission;
use super::values::{Destination, Known, parse_rule, parse_written};
use crate::entitlements::nearest_of;
use crate::finding::{Severity, Target};
use crate::rule::{self, Expectations, Family, Ignore, Pattern, Policy};
use crate::source::shown_path;
use crate::time::UnixTime;

/// The file that is read where none is named.
const FILE: &str = "sealcheck.toml";
/// Bytes of a configuration: thousands of ignores.
const MAX_CONFIG: u64 = 1 << 20;
/// What is wrong with a target.
const TARGETS: &str = "a target is \"developer-id\", \"mac-app-store\", \"local\" or \"auto\"";
/// The rule about ignores themselves.
const UNUSED: &str = "unused-ignore";

/// Options that decide about findings.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Decisions about findings")]
pub(super) struct Choices {
    /// Decisions about findings: severities and ignores; by default sealcheck.toml in the working folder, if there is one, which
    /// cannot change what the command line demands
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Leave out the findings of this rule
    #[arg(long, value_name = "RULE", value_parser = parse_rule)]
    ignore: Vec<Known>,
    /// Count findings that this file lists, but do not report them. A signature that is broken fails all the same
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Write all findings to this file, for --baseline; from now on they are known
    #[arg(long, value_name = "FILE", conflicts_with = "baseline", value_parser = OsStringValueParser::new().try_map(|text| parse_written(&text)))]
    pub(super) write_baseline: Option<PathBuf>,
}

/// What was decided, and the file that says so.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    pub(super) policy: Policy,
    /// Where the code is meant to go, where the command line says nothing.
    pub(super) target: Option<Target>,
    /// What is expected of every item, in addition to what the command line demands.
    pub(super) expectations: Expectations,
    /// Items that are left out.
    pub(super) omissions: Vec<Omission>,
    /// The file, where there is one.
    pub(super) file: Option<String>,
}

impl Decisions {
    /// Reads the file of `--config`, else the one in the working folder, and `--ignore`. `has_demands` is true where the command line
    /// demands something of the items.
    ///
    /// # Errors
    /// The message and the exit status.
    pub(super) fn new(choices: &Choices, has_demands: bool) -> Result<Self, (String, Exit)> {
        let is_named = choices.config.is_some();
        let file = match &choices.config {
            Some(path) => Some((shown_path(path), file::read(path, MAX_CONFIG))),
            None => implicit().map(|read| (FILE.to_owned(), read)),
        };
        let mut decisions = Self::default();
        if let Some((name, read)) = file {
            let bytes = read.map_err(|error| (format!("sealcheck: {name}: {error}"), Exit::NotJudged))?;
            let text = String::from_utf8(bytes)
                .map_err(|_| (format!("sealcheck: {name}: not text in UTF-8"), Exit::Usage))?;
            decisions = parse(&text, &name).map_err(|errors| (errors.join("\n"), Exit::Usage))?;
            if !is_named {
                spare_demands(&mut decisions.policy);
                if has_demands {
                    spare_items(&mut decisions.omissions);
                }
            }
            decisions.file = Some(name);
        }
        for Known(rule) in &choices.ignore {
            if rule.id == UNUSED {
                let message =
                    format!("sealcheck: --ignore {UNUSED}: remove the ignore that it reports instead");
                return Err((message, Exit::Usage));
            }
            decisions.policy.ignores.push(Ignore {
                rule: rule.id,
                item: None,
                path: None,
                reason: None,
                expires: None,
                origin: "--ignore".to_owned(),
            });
        }
        Ok(decisions)
    }
}

/// Returns the file in the working folder, if there is one. A link that leads nowhere is one that cannot be read.
fn implicit() -> Option<Result<Vec<u8>, InputError>> {
    let path = Path::new(FILE);
    match file::read(path, MAX_CONFIG) {
        Err(InputError::Io(error))
            if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() =>
        {
            None
        }
        read => Some(read),
    }
}

/// Says that a command gives its one verdict only, where the file in the working folder expects more.
pub(super) fn warn_of_unused(command: &str) {
    let Some(Ok(bytes)) = implicit() else { return };
    let text = String::from_utf8_lossy(&bytes);
    // What is wrong with the file does not matter here: check says it.
    let Ok(document) = DeTable::parse(&text) else {
        return;
    };
    if document.get_ref().contains_key("expect") {
        complain(&format!(
            "sealcheck: warning: {FILE}: [expect] is not used by {command}, which gives one verdict only; check does use it"
        ));
    }
}

/// Returns true for rules that only the command line can ask (`--expect-team`, `--require`, …).
fn is_demand(rule: &str) -> bool {
    rule != UNUSED && rule::find(rule).is_some_and(|rule| rule.family == Family::Expectation)
}

/// Takes out what would weaken a demand of the command line. The file in the working folder comes with the sources, which
/// may be somebody else's; whoever names a file with --config means it.
fn spare_demands(policy: &mut Policy) {
    let refuse = |rule: &str, what: &str| {
        complain(&format!(
            "sealcheck: warning: {FILE}: the {what} of {rule} does not count: the file in the working folder cannot \
             weaken what the command line demands; a file that --config names can"
        ));
    };
    policy.severities.retain(|(rule, severity)| {
        let is_weaker = is_demand(rule) && *severity != Severity::Error;
        if is_weaker {
            refuse(rule, "severity");
        }
        !is_weaker
    });
    policy.ignores.retain(|ignore| {
        let is_weaker = is_demand(ignore.rule);
        if is_weaker {
            refuse(ignore.rule, "ignore");
        }
        !is_weaker
    });
}

/// Leaves no item out: each has to meet the demands of the command line.
fn spare_items(omissions: &mut Vec<Omission>) {
    for omission in omissions.drain(..) {
        complain(&format!(
            "sealcheck: warning: {}: this ignore of an item does not count: the file in the working folder cannot weaken \
             what the command line demands; a file that --config names can",
            omission.origin
        ));
    }
}

/// Reads the text of a configuration; every complaint begins with `name`.
fn parse(text: &str, name: &str) -> Result<Decisions, Vec<String>> {
    let ends = text.match_indices('\n').map(|(at, _)| at);
    let mut reader = Reader {
        line_ends: ends.collect(),
        name,
        errors: Vec::new(),
    };
    let mut decisions = Decisions::default();
    match DeTable::parse(text) {
        Err(error) => reader.error(error.span().unwrap_or_default(), error.message()),
        Ok(document) => reader.document(document.get_ref(), &mut decisions),
    }
    if reader.errors.is_empty() {
        Ok(decisions)
    } else {
        Err(reader.errors)
    }
}

struct Reader<'t> {
    /// Where the lines end, in order.
    line_ends: Vec<usize>,
    name: &'t str,
    errors: Vec<String>,
}

impl Reader<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.line_ends.partition_point(|end| *end < span.start);
        before.saturating_add(1)
    }

    fn error(&mut self, span: Range<usize>, message: impl AsRef<str>) {
        let line = self.line(&span);
        let message = message.as_ref();
        self.errors
            .push(format!("sealcheck: {}:{line}: {message}", self.name));
    }

    fn unknown_key(&mut self, key: &Spanned<impl AsRef<str>>, known: &[&str]) {
        let word = key.get_ref().as_ref();
        let hint = match nearest_of(word, known.iter().copied()) {
            Some(near) => format!("is {near} meant?"),
            None => format!("it is one of {}", known.join(", ")),
        };
        self.error(key.span(), format!("unknown key {word}; {hint}"));
    }

    fn document(&mut self, document: &DeTable<'_>, decisions: &mut Decisions) {
        for (key, value) in document {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("severity", DeValue::Table(table)) => self.severities(table, &mut decisions.policy),
                ("severity", _) => self.error(value.span(), "severity is a table: [severity]"),
                ("ignore", DeValue::Array(entries)) => {
                    for entry in entries.iter() {
                        match entry.get_ref() {
                            DeValue::Table(table) => {
                                self.ignore(table, entry.span(), decisions);
                            }
                            _ => self.error(entry.span(), "an ignore is a table: [[ignore]]"),
                        }
                    }
                }
                ("ignore", _) => self.error(value.span(), "ignores are a list of tables: [[ignore]]"),
                ("target", DeValue::String(word)) => match Destination::from_str(word, false) {
                    Ok(destination) => decisions.target = destination.target(),
                    Err(_) => self.error(value.span(), TARGETS),
                },
                ("target", _) => self.error(value.span(), TARGETS),
                ("expect", DeValue::Table(table)) => self.expected(table, &mut decisions.expectations),
                ("expect", _) => self.error(value.span(), "expect is a table: [expect]"),
                _ => self.unknown_key(key, &["severity", "ignore", "target", "expect"]),
            }
        }
    }

    /// Reads what is expected of every item, under the names of the options that say the same.
    fn expected(&mut self, table: &DeTable<'_>, expectations: &mut Expectations) {
        for (key, value) in table {
            let at = value.span();
            match (key.get_ref().as_ref(), value.get_ref()) {
                (name @ ("team" | "identifier" | "leaf"), DeValue::String(text)) if text.is_empty() => {
                    self.error(at, format!("the {name} is empty"));
                }
                ("team", DeValue::String(text)) => expectations.team = Some(text.clone().into_owned()),
                ("identifier", DeValue::String(text)) => {
                    expectations.identifier = Some(text.clone().into_owned());
                }
                ("leaf", DeValue::String(text)) => match expected::parse_leaf(text) {
                    Ok(leaf) => expectations.leaf = Some(leaf.0),
                    Err(error) => self.error(at, error),
                },
                ("entitlements", DeValue::Array(entries)) => {
                    let read = self.each(entries, expected::parse_entitlement);
                    expectations.entitlements = read;
                }
                ("forbidden-entitlements", DeValue::Array(entries)) => {
                    let read = self.each(entries, |text| match text {
                        "" => Err("no key".to_owned()),
                        key => Ok(key.to_owned()),
                    });
                    expectations.forbidden_entitlements = read;
                }
                ("require", DeValue::Array(entries)) => {
                    expectations.required = self.each(entries, expected::parse_demand);
                }
                (name @ ("team" | "identifier" | "leaf"), _) => {
                    self.error(at, format!("{name} is a text in quotes"));
                }
                (name @ ("entitlements" | "forbidden-entitlements" | "require"), _) => {
                    self.error(at, format!("{name} is a list of texts: [\"…\"]"));
                }
                _ => self.unknown_key(
                    key,
                    &[
                        "team",
                        "identifier",
                        "leaf",
                        "entitlements",
                        "forbidden-entitlements",
                        "require",
                    ],
                ),
            }
        }
    }

    /// Reads each text of a list.
    fn each<T>(&mut self, entries: &DeArray<'_>, read: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let mut found = Vec::new();
        for entry in entries.iter() {
            match entry.get_ref() {
                DeValue::String(text) => match read(text) {
                    Ok(value) => found.push(value),
                    Err(error) => self.error(entry.span(), error),
                },
                _ => self.error(entry.span(), "a text in quotes is needed"),
            }
        }
        found
    }

    fn severities(&mut self, table: &DeTable<'_>, policy: &mut Policy) {
        for (key, value) in table {
            let rule = self.rule(key.get_ref(), key.span());
            let all = [Severity::Error, Severity::Warning, Severity::Note];
            let severity = match value.get_ref() {
                DeValue::String(word) => all.into_iter().find(|severity| severity.name() == word.as_ref()),
                _ => None,
            };
            match (rule, severity) {
                (Some(rule), Some(severity)) => policy.severities.push((rule, severity)),
                (_, None) => self.error(
                    value.span(),
                    "a severity is \"error\", \"warning\" or \"note\"; [[ignore]] leaves findings out",
                ),
                (None, _) => {}
            }
        }
    }

    fn rule(&mut self, id: &str, span: Range<usize>) -> Option<&'static str> {
        let found = rule::find(id).map(|rule| rule.id);
        if found.is_none() {
            let message = match rule::nearest(id) {
                Some(near) => format!("no rule {id}; is {near} meant?"),
                None => format!("no rule {id}; `sealcheck rules` lists them"),
            };
            self.error(span, message);
        }
        found
    }

    /// Reads one entry: with `rule` it is about findings, without it about whole items.
    fn ignore(&mut self, table: &DeTable<'_>, span: Range<usize>, decisions: &mut Decisions) {
        let before = self.errors.len();
        let (mut rule, mut item, mut path, mut reason, mut expires) = (None, None, None, None, None);
        for (key, value) in table {
            let at = value.span();
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("rule", DeValue::String(id)) if id == UNUSED => {
                    self.error(
                        at,
                        format!("{UNUSED} cannot be ignored; remove the ignore that it reports"),
                    );
                }
                ("rule", DeValue::String(id)) => rule = self.rule(id, at),
                ("item", DeValue::String(text)) => item = self.pattern(text, at),
                ("path", DeValue::String(text)) => path = self.pattern(text, at),
                ("reason", DeValue::String(text)) if text.trim().is_empty() => {
                    self.error(at, "the reason is empty");
                }
                ("reason", DeValue::String(text)) => reason = Some(text.clone().into_owned()),
                ("expires", DeValue::Datetime(time)) => {
                    expires = UnixTime::from_rfc3339(&time.to_string());
                    if expires.is_none() {
                        self.error(at, "a date such as 2027-01-31, or a time with its offset");
                    }
                }
                ("expires", _) => self.error(at, "expires is a date without quotes, such as 2027-01-31"),
                (name @ ("rule" | "item" | "path" | "reason"), _) => {
                    self.error(at, format!("{name} is a text in quotes"));
                }
                _ => self.unknown_key(key, &["rule", "item", "path", "reason", "expires"]),
            }
        }
        let has = |name: &str| table.keys().any(|key| key.get_ref() == name);
        if !has("rule") && (!has("item") || has("path")) {
            self.error(
                span.clone(),
                "an ignore needs a rule, or only an item, which is left out",
            );
        }
        if !has("reason") {
            self.error(span.clone(), "an ignore needs a reason");
        }
        if self.errors.len() != before {
            return;
        }
        let origin = format!("{}:{}", self.name, self.line(&span));
        match (rule, item, reason) {
            (Some(rule), item, reason) => decisions.policy.ignores.push(Ignore {
                rule,
                item,
                path,
                reason,
                expires,
                origin,
            }),
            (None, Some(item), Some(reason)) => decisions.omissions.push(Omission {
                item,
                reason,
                expires,
                origin,
            }),
            // Each of the others has an error.
            (None, ..) => {}
        }
    }

    fn pattern(&mut self, text: &str, span: Range<usize>) -> Option<Pattern> {
        let pattern = Pattern::new(text);
        pattern.map_err(|error| self.error(span, error.to_string())).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<String> {
        parse(text, "x.toml").unwrap_err()
    }

    #[test]
    fn everything_that_can_be_said() {
        let text = "# A project.\n[severity]\nticket-missing = \"error\"\n\n[[ignore]]\nrule = \"adhoc-signed\"\n\
                    path = \"Contents/Helpers/*\"\nitem = \"Acme*.app\"\nreason = \"a helper for tests\"\nexpires = 2027-01-31\n\n\
                    [[ignore]]\nrule = \"missing-uuid\"\nreason = \"r\"\n";
        let policy = parse(text, "x.toml").unwrap().policy;
        assert_eq!(policy.severities, [("ticket-missing", Severity::Error)]);
        let [first, second] = policy.ignores.as_slice() else {
            panic!("{policy:?}");
        };
        assert_eq!((first.rule, first.origin.as_str()), ("adhoc-signed", "x.toml:5"));
        assert_eq!(first.reason.as_deref(), Some("a helper for tests"));
        assert_eq!(first.expires, UnixTime::from_rfc3339("2027-01-31"));
        assert!(first.path.as_ref().unwrap().is_match("Contents/Helpers/a"));
        assert!(!first.path.as_ref().unwrap().is_match("Contents/Helpers/a/b"));
        assert!(first.item.as_ref().unwrap().is_match("Acme Beta.app"));
        assert_eq!((second.expires, second.path.is_some()), (None, false));
        assert!(parse("", "x.toml").unwrap().policy.ignores.is_empty());
        let text = "[[ignore]]\nitem = \"Acme*.dmg\"\nreason = \"r\"\n";
        let decisions = parse(text, "x.toml").unwrap();
        assert!(decisions.policy.ignores.is_empty());
        let [omission] = decisions.omissions.as_slice() else {
            panic!("{decisions:?}");
        };
        assert_eq!(
            (omission.reason.as_str(), omission.origin.as_str()),
            ("r", "x.toml:1")
        );
        assert!(omission.item.is_match("Acme 2.dmg"));
    }

    #[test]
    fn every_mistake_has_its_line() {
        for (text, expected) in [
            ("ignores = []", "x.toml:1: unknown key ignores; is ignore meant?"),
            (
                "\nrules = 1",
                "x.toml:2: unknown key rules; it is one of severity, ignore, target, expect",
            ),
            ("severity = 1", "x.toml:1: severity is a table: [severity]"),
            (
                "[ignore]\nrule = \"missing-uuid\"",
                "x.toml:1: ignores are a list of tables: [[ignore]]",
            ),
            ("ignore = [1]", "x.toml:1: an ignore is a table: [[ignore]]"),
            (
                "[severity]\nadhoc-singed = \"note\"",
                "x.toml:2: no rule adhoc-singed; is adhoc-signed meant?",
            ),
            (
                "[severity]\nadhoc-signed = \"off\"",
                "x.toml:2: a severity is \"error\", \"warning\" or \"note\"; [[ignore]] leaves findings out",
            ),
            (
                "[[ignore]]\nrule = \"adhoc-signed\"\nreson = \"x\"\nreason = \"y\"",
                "x.toml:3: unknown key reson; is reason meant?",
            ),
            (
                "\n[[ignore]]\nrule = \"adhoc-signed\"",
                "x.toml:2: an ignore needs a reason",
            ),
            (
                "[[ignore]]\nreason = \"y\"",
                "x.toml:1: an ignore needs a rule, or only an item, which is left out",
            ),
            (
                "[[ignore]]\nreason = \"y\"\nitem = \"a\"\npath = \"b\"",
                "x.toml:1: an ignore needs a rule, or only an item, which is left out",
            ),
            ("[[ignore]]\nitem = \"a\"", "x.toml:1: an ignore needs a reason"),
            (
                "[[ignore]]\nrule = \"adhoc-signed\"\nreason = \" \"",
                "x.toml:3: the reason is empty",
            ),
            (
                "[[ignore]]\nrule = \"adhoc-signed\"\nreason = \"y\"\npath = \"a[\"",
                "x.toml:4: not a pattern: unclosed character class; missing ']'",
            ),
            (
                "[[ignore]]\nrule = \"adhoc-signed\"\nreason = \"y\"\npath = \"\"",
                "x.toml:4: not a pattern: it is empty and matches nothing",
            ),
            (
                "[[ignore]]\nrule = \"adhoc-signed\"\nreason = \"y\"\nexpires = \"2027-01-31\"",
                "x.toml:4: expires is a date without quotes, such as 2027-01-31",
            ),
            (
                "[[ignore]]\nrule = \"adhoc-signed\"\nreason = \"y\"\nexpires = 12:00:00",
                "x.toml:4: a date such as 2027-01-31, or a time with its offset",
            ),
            (
                "[[ignore]]\nrule = 5\nreason = \"y\"",
                "x.toml:2: rule is a text in quotes",
            ),
            (
                "[[ignore]]\nrule = \"unused-ignore\"\nreason = \"y\"",
                "x.toml:2: unused-ignore cannot be ignored; remove the ignore that it reports",
            ),
        ] {
            assert_eq!(errors(text), [format!("sealcheck: {expected}")], "{text}");
        }
        let syntax = errors("[severity\n");
        assert!(syntax[0].starts_with("sealcheck: x.toml:1: "), "{syntax:?}");
        // All at once.
        assert_eq!(errors("a = 1\nb = 2").len(), 2);
    }
}
