//! Every finding on real code, listed and justified in `docs/real-findings.md`.
//!
//! `SEALCHECK_BLESS=1` writes the lists anew; the sentences in front of them are written by hand.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use sealcheck::rule::Expectations;

use crate::corpus::all_evidence;
use crate::support::examined::advise;
use crate::support::project;

/// What is said about each real item on one day, by rule; the same sentence about several places of an item counts once.
fn lists() -> Option<BTreeMap<&'static str, String>> {
    let mut lists: BTreeMap<&str, String> = BTreeMap::new();
    for (item, evidence) in all_evidence()? {
        let mut said: BTreeMap<(&str, String), u32> = BTreeMap::new();
        for finding in advise(&evidence, None, &Expectations::default()).findings {
            let line = format!("{}: {}", finding.severity, finding.message);
            *said.entry((finding.rule, line)).or_default() += 1;
        }
        for ((rule, line), times) in said {
            let times = if times > 1 {
                format!(" ({times} places)")
            } else {
                String::new()
            };
            let list = lists.entry(rule).or_default();
            writeln!(list, "- `{item}`: {line}{times}").unwrap();
        }
    }
    Some(lists)
}

/// The parts of the page: what stands before the first rule, then each rule's sentences and its list.
fn parts(page: &str) -> (&str, BTreeMap<&str, (String, String)>) {
    let mut sections = page.split("\n## ");
    let head = sections.next().unwrap_or_default();
    let parts = sections.map(|section| {
        let (rule, text) = section.split_once('\n').unwrap_or((section, ""));
        let is_entry = |line: &&str| line.starts_with("- ");
        let lines = |wanted: bool| -> String {
            let chosen = text.lines().filter(|line| is_entry(line) == wanted);
            chosen.map(|line| format!("{line}\n")).collect()
        };
        (rule, (lines(false).trim().to_owned(), lines(true)))
    });
    (head, parts.collect())
}

#[test]
fn every_finding_on_real_code_is_listed_and_justified() {
    let Some(lists) = lists() else { return };
    let path = project().join("docs/real-findings.md");
    let mut page = fs::read_to_string(&path).unwrap();
    if std::env::var_os("SEALCHECK_BLESS").is_some() {
        let (head, old) = parts(&page);
        let mut new = head.trim_end().to_owned();
        new.push('\n');
        for (rule, list) in &lists {
            let why = old.get(rule).map_or("", |(why, _)| why);
            write!(new, "\n## {rule}\n{why}\n\n{list}").unwrap();
        }
        fs::write(&path, &new).unwrap();
        page = new;
    }
    let (_, parts) = parts(&page);
    for (rule, list) in &lists {
        let (why, listed) = parts
            .get(rule)
            .unwrap_or_else(|| panic!("{rule}: not in the page\n{list}"));
        assert!(why.len() > 20, "{rule}: not justified");
        assert_eq!(listed, list, "{rule}");
    }
    let found: Vec<_> = lists.keys().collect();
    assert_eq!(parts.keys().collect::<Vec<_>>(), found, "rules in the page");
}
