//! JUnit XML, as Jenkins and GitLab read it: one suite for each item.
//!
//! There is no standard; this keeps to what both consumers take: `testsuites`, `testsuite`, `testcase` with `failure`,
//! `error` or `skipped`. The verdict is a test case of its own. Error findings are failures, what could not be decided is
//! skipped, and a verdict that could not be given is an error: nothing unchecked is a passed test. Warnings and notes
//! do not fail and are told in `system-out`.

use std::io::{self, Write};

use super::problem::{Problems, UNREADABLE};
use super::{Outcome, Report, Run, Settings, text};
use crate::finding::Severity;

/// The test case that stands for the item as a whole.
const VERDICT: &str = "verdict";

#[derive(Debug)]
struct Case {
    name: String,
    result: Option<Bad>,
}

#[derive(Debug)]
struct Bad {
    element: &'static str,
    message: String,
    rule: &'static str,
    text: String,
}

#[derive(Debug)]
struct Suite {
    path: String,
    cases: Vec<Case>,
    remarks: String,
}

/// One suite for each item. Their numbers stand at the beginning of the document, so all test cases are kept until its end.
#[derive(Debug)]
pub struct Junit<'a> {
    settings: Settings<'a>,
    suites: Vec<Suite>,
}

impl<'a> Junit<'a> {
    /// A report made in this way.
    #[must_use]
    pub fn new(settings: Settings<'a>) -> Self {
        Self {
            settings,
            suites: Vec::new(),
        }
    }
}

impl Report for Junit<'_> {
    fn add(&mut self, outcome: &Outcome, _out: &mut dyn Write) -> io::Result<()> {
        let problems = Problems::of(outcome, self.settings);
        self.suites.push(Suite {
            path: outcome.evidence.path.clone(),
            remarks: remarks(outcome, &problems),
            cases: cases(problems),
        });
        Ok(())
    }

    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
        let unreadable = run.unreadable.iter().map(|unreadable| Suite {
            path: unreadable.path.clone(),
            cases: vec![Case {
                name: VERDICT.to_owned(),
                result: Some(Bad {
                    element: "error",
                    message: unreadable.reason.clone(),
                    rule: UNREADABLE,
                    text: String::new(),
                }),
            }],
            remarks: String::new(),
        });
        self.suites.extend(unreadable);
        let cases = || self.suites.iter().flat_map(|suite| &suite.cases);
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(out, "<testsuites name=\"sealcheck\"{}>", counts(cases()))?;
        for suite in &self.suites {
            write_suite(suite, run.settings.config, out)?;
        }
        writeln!(out, "</testsuites>")
    }
}

fn write_suite(suite: &Suite, config: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    let name = escaped(&suite.path);
    writeln!(out, "  <testsuite name=\"{name}\"{}>", counts(suite.cases.iter()))?;
    if let Some(config) = config {
        let config = escaped(config);
        writeln!(out, "    <properties>")?;
        writeln!(out, "      <property name=\"config\" value=\"{config}\"/>")?;
        writeln!(out, "    </properties>")?;
    }
    for case in &suite.cases {
        write_case(case, &suite.path, out)?;
    }
    if !suite.remarks.is_empty() {
        writeln!(out, "    <system-out>{}</system-out>", escaped(&suite.remarks))?;
    }
    writeln!(out, "  </testsuite>")
}

fn write_case(case: &Case, suite: &str, out: &mut dyn Write) -> io::Result<()> {
    let (name, class) = (escaped(&case.name), escaped(suite));
    let Some(bad) = &case.result else {
        return writeln!(out, "    <testcase name=\"{name}\" classname=\"{class}\"/>");
    };
    let message = escaped(&bad.message);
    writeln!(out, "    <testcase name=\"{name}\" classname=\"{class}\">")?;
    if bad.element == "skipped" {
        writeln!(out, "      <skipped message=\"{message}\"/>")?;
    } else {
        writeln!(
            out,
            "      <{0} message=\"{message}\" type=\"{1}\">{2}</{0}>",
            bad.element,
            escaped(bad.rule),
            escaped(&bad.text)
        )?;
    }
    writeln!(out, "    </testcase>")
}

fn counts<'a>(cases: impl Iterator<Item = &'a Case> + Clone) -> String {
    let of = |element: &str| {
        let cases = cases.clone();
        cases
            .filter(|case| case.result.as_ref().is_some_and(|bad| bad.element == element))
            .count()
    };
    format!(
        " tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        cases.clone().count(),
        of("failure"),
        of("error"),
        of("skipped")
    )
}

/// The verdict, which passes where there is neither an error nor an open question about it, then what is wrong.
fn cases(all: Problems) -> Vec<Case> {
    let mut cases = Vec::new();
    let errors = all
        .problems
        .into_iter()
        .filter(|problem| problem.severity == Severity::Error);
    for problem in errors {
        cases.push(Case {
            name: name(problem.rule, &problem.path, problem.architecture.as_deref()),
            result: Some(Bad {
                element: "failure",
                text: problem.text("\n"),
                message: problem.message,
                rule: problem.rule,
            }),
        });
    }
    for unanswered in all.unanswered {
        let element = if unanswered.is_verdict { "error" } else { "skipped" };
        cases.push(Case {
            name: name(unanswered.rule, &unanswered.path, None),
            result: Some(Bad {
                element,
                message: unanswered.text(),
                rule: unanswered.rule,
                text: String::new(),
            }),
        });
    }
    let is_good = |case: &Case| case.result.as_ref().is_none_or(|bad| bad.element == "skipped");
    if cases.iter().all(is_good) {
        cases.insert(
            0,
            Case {
                name: VERDICT.to_owned(),
                result: None,
            },
        );
    }
    cases
}

fn name(rule: &str, path: &str, architecture: Option<&str>) -> String {
    let words = [Some(rule), Some(path), architecture];
    let words: Vec<_> = words
        .into_iter()
        .flatten()
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

/// Warnings and notes, one a line, and how much is not reported.
fn remarks(outcome: &Outcome, all: &Problems) -> String {
    let suppressed = text::suppressed(&outcome.advice.suppressed);
    let lines = all
        .problems
        .iter()
        .filter(|problem| problem.severity < Severity::Error)
        .map(|problem| {
            let place = name(problem.rule, &problem.path, problem.architecture.as_deref());
            format!("{}: {place}: {}", problem.severity, problem.message)
        });
    let lines: Vec<_> = lines.chain(suppressed).collect();
    lines.join("\n")
}

/// XML 1.0 sections 2.2 and 2.4; what no document may hold becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escaped("<a b=\"&\">\n\u{1b}"),
            "&lt;a b=&quot;&amp;&quot;&gt;&#10;\u{fffd}"
        );
    }
}
