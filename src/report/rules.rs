//! The documentation of rules: for people, as JSON, and as the page `docs/rules.md`.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;

use super::{markup, text};
use crate::finding::{Party, Target};
use crate::rule::{Family, Rule};

/// The margin of what is wrong, below the id of a rule.
const TITLE: &str = "           ";

/// The id of each rule, family by family, and what is wrong, in lines of at most `width` columns.
///
/// # Errors
/// Those of `out`.
pub fn write_rules(rules: &[&Rule], width: usize, out: &mut dyn Write) -> io::Result<()> {
    for (family, rules) in by_family(rules) {
        writeln!(out, "{} ({family})", family.title())?;
        for rule in rules {
            writeln!(out, "  {:<8} {}", rule.severity.name(), rule.id)?;
            for line in text::wrap(rule.title, width.saturating_sub(TITLE.len())) {
                writeln!(out, "{TITLE}{line}")?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Everything about one rule, in lines of at most `width` columns where that can be.
///
/// # Errors
/// Those of `out`.
pub fn explain(rule: &Rule, width: usize, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}: {}", rule.id, rule.title)?;
    let mut words = vec![format!(
        "{} ({})",
        rule.severity,
        rule.family.title().to_lowercase()
    )];
    if !rule.rejected_by.is_empty() {
        words.push(format!("rejected by {}", parties(rule)));
    }
    if !rule.targets.is_empty() {
        words.push(format!("for {}", targets(rule)));
    }
    for line in text::wrap(&words.join("; "), width) {
        writeln!(out, "{line}")?;
    }
    writeln!(out)?;
    for line in text::wrap(rule.explanation, width) {
        writeln!(out, "{line}")?;
    }
    writeln!(out)?;
    for line in text::repair(&rule.general_remedy().repair(), width) {
        writeln!(out, "{line}")?;
    }
    let mut paragraphs = Vec::new();
    if !rule.apple.is_empty() {
        paragraphs.push(format!("Apple says: {}", rule.apple));
    }
    let outer = rule.follows_from_outer.iter().chain(rule.follows_from_bundle);
    let causes: BTreeSet<&str> = rule.follows_from.iter().chain(outer).copied().collect();
    if !causes.is_empty() {
        let causes: Vec<&str> = causes.into_iter().collect();
        paragraphs.push(format!("not reported beside: {}", causes.join(", ")));
    }
    if !rule.reference.is_empty() {
        paragraphs.push(format!("more: {}", rule.reference));
    }
    if !rule.catalogue.is_empty() {
        paragraphs.push(format!("also known as: {}", rule.catalogue));
    }
    for paragraph in paragraphs {
        writeln!(out)?;
        for line in text::wrap(&paragraph, width) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct JsonRule<'a> {
    id: &'a str,
    family: &'a str,
    severity: &'a str,
    rejected_by: Vec<&'a str>,
    targets: Vec<&'a str>,
    title: &'a str,
    catalogue: Vec<&'a str>,
    explanation: &'a str,
    remedy: String,
    apple: Option<&'a str>,
    help_uri: Option<&'a str>,
}

const ALL_TARGETS: [Target; 3] = [Target::DeveloperId, Target::MacAppStore, Target::Local];

/// All rules for programs.
///
/// # Errors
/// Those of `out`.
pub fn write_rules_json(rules: &[&Rule], out: &mut dyn Write) -> io::Result<()> {
    let some = |text: &'static str| (!text.is_empty()).then_some(text);
    let rules: Vec<JsonRule<'_>> = rules
        .iter()
        .map(|rule| JsonRule {
            id: rule.id,
            family: rule.family.code(),
            severity: rule.severity.name(),
            rejected_by: rule.rejected_by.iter().map(|party| party.name()).collect(),
            targets: ALL_TARGETS
                .into_iter()
                .filter(|target| rule.applies_to(*target))
                .map(Target::name)
                .collect(),
            title: rule.title,
            catalogue: rule
                .catalogue
                .split(", ")
                .filter(|number| !number.is_empty())
                .collect(),
            explanation: rule.explanation,
            remedy: rule.general_remedy().to_string(),
            apple: some(rule.apple),
            help_uri: some(rule.reference),
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &rules)?;
    writeln!(out)
}

/// The page about all rules, in Markdown.
///
/// # Errors
/// Those of `out`.
pub fn write_rules_page(rules: &[&Rule], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "# Rules\n\nWhat sealcheck looks for beyond the verdicts, {} rules. `sealcheck explain ID` prints one of them. A test writes this\npage from the \
         rules themselves: `SEALCHECK_BLESS=1 cargo test --release rules_page`.",
        rules.len()
    )?;
    for (family, rules) in by_family(rules) {
        writeln!(out, "\n## {}", family.title())?;
        for rule in rules {
            writeln!(out, "\n### {}\n", rule.id)?;
            write!(out, "**{}**: {}.", rule.severity, rule.title)?;
            if !rule.rejected_by.is_empty() {
                write!(out, " Rejected by {}.", parties(rule))?;
            }
            if !rule.targets.is_empty() {
                write!(out, " For {}.", targets(rule))?;
            }
            let repair = markup::repair(&rule.general_remedy().repair()).join("\n\n");
            writeln!(out, "\n\n{}\n\n{repair}", rule.explanation)?;
            if !rule.apple.is_empty() {
                writeln!(out, "\nApple says: {}", rule.apple)?;
            }
            if !rule.reference.is_empty() {
                writeln!(out, "\nMore: <{}>", rule.reference)?;
            }
        }
    }
    Ok(())
}

fn by_family<'a>(rules: &[&'a Rule]) -> Vec<(Family, Vec<&'a Rule>)> {
    let mut families: Vec<Family> = rules.iter().map(|rule| rule.family).collect();
    families.sort();
    families.dedup();
    families
        .into_iter()
        .map(|family| {
            let members = rules.iter().copied().filter(|rule| rule.family == family);
            (family, members.collect())
        })
        .collect()
}

fn parties(rule: &Rule) -> String {
    let names: Vec<_> = rule.rejected_by.iter().copied().map(Party::name).collect();
    names.join(", ")
}

fn targets(rule: &Rule) -> String {
    let names: Vec<_> = rule.targets.iter().copied().map(Target::name).collect();
    names.join(", ")
}
