//! JUnit XML, as Jenkins and GitLab read it: one suite for each item.
//!
//! There is no standard. The report is valid by the schema of Jenkins (`junit-10.xsd` of its xUnit plugin), and each of its
//! suites by that of Maven Surefire, where every test case has a `time`. The verdict is a test case of its own. Error
//! findings are failures, what could not be decided is skipped, and a verdict that could not be given is an error: nothing
//! unchecked is a passed test. Warnings and notes do not fail and are in `system-out` of the first test case.
//!
//! Readers join suites and test cases of the same name, and what they keep is up to them. So an item or container that occurs
//! again has one suite, and names in a suite differ. The time of an item is that of its first test case, in seconds; it is
//! [`Outcome::seconds`], which the caller's clock has measured, and nothing else here differs from run to run.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use super::problem::{Problems, UNREADABLE};
use super::{LEFT_OUT, Report, Run, Settings, text};
use crate::finding::Severity;
use crate::outcome::Outcome;

/// The test case that stands for the item as a whole.
const VERDICT: &str = "verdict";

#[derive(Debug, PartialEq, Eq)]
struct Case {
    name: String,
    result: Option<Bad>,
}

#[derive(Debug, PartialEq, Eq)]
struct Bad {
    element: &'static str,
    message: String,
    rule: &'static str,
    text: String,
}

#[derive(Debug)]
struct Suite {
    path: String,
    seconds: f64,
    cases: Vec<Case>,
    remarks: String,
}

impl Case {
    fn has_passed(&self) -> bool {
        self.result.is_none()
    }

    fn is_skipped(&self) -> bool {
        self.result.as_ref().is_some_and(|bad| bad.element == "skipped")
    }
}

impl Suite {
    /// Adds what was found when the item was examined again.
    fn join(&mut self, other: Self) {
        self.seconds += other.seconds;
        for case in other.cases {
            if !self.cases.contains(&case) {
                self.cases.push(case);
            }
        }
        if !self
            .cases
            .iter()
            .all(|case| case.has_passed() || case.is_skipped())
        {
            self.cases.retain(|case| !case.has_passed());
        }
        if !self.remarks.contains(&other.remarks) {
            self.remarks = [self.remarks.as_str(), &other.remarks].join("\n");
        }
    }

    /// Numbers test cases with a name that others have.
    fn number(&mut self) {
        let mut seen: HashSet<String> = HashSet::new();
        for case in &mut self.cases {
            let name = case.name.clone();
            let mut number: u64 = 1;
            while !seen.insert(case.name.clone()) {
                number = number.saturating_add(1);
                case.name = format!("{name} ({number})");
            }
        }
    }
}

/// One suite for each item. Their numbers stand at the beginning of the document, so all test cases are kept until its end.
#[derive(Debug)]
pub struct Junit<'a> {
    settings: Settings<'a>,
    suites: Vec<Suite>,
    /// Where the suite of a path is.
    by_path: HashMap<String, usize>,
}

impl<'a> Junit<'a> {
    /// A report made in this way.
    #[must_use]
    pub fn new(settings: Settings<'a>) -> Self {
        Self {
            settings,
            suites: Vec::new(),
            by_path: HashMap::new(),
        }
    }

    fn suite(&mut self, suite: Suite) {
        let known = self.by_path.get(&suite.path).copied();
        match known.and_then(|index| self.suites.get_mut(index)) {
            Some(known) => known.join(suite),
            None => {
                self.by_path.insert(suite.path.clone(), self.suites.len());
                self.suites.push(suite);
            }
        }
    }
}

impl Report for Junit<'_> {
    fn add(&mut self, outcome: &Outcome, _out: &mut dyn Write) -> io::Result<()> {
        let problems = Problems::of(outcome, self.settings);
        self.suite(Suite {
            path: outcome.evidence.path.clone(),
            seconds: outcome.seconds.unwrap_or_default(),
            remarks: remarks(outcome, &problems),
            cases: cases(problems),
        });
        Ok(())
    }

    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
        for unreadable in run.unreadable {
            self.suite(Suite {
                path: unreadable.path.clone(),
                seconds: 0.0,
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
        }
        for left_out in run.left_out {
            self.suite(Suite {
                path: left_out.path.clone(),
                seconds: 0.0,
                cases: vec![Case {
                    name: VERDICT.to_owned(),
                    result: Some(Bad {
                        element: "skipped",
                        message: left_out.text(),
                        rule: LEFT_OUT,
                        text: String::new(),
                    }),
                }],
                remarks: String::new(),
            });
        }
        self.suites.iter_mut().for_each(Suite::number);
        let cases = || self.suites.iter().flat_map(|suite| &suite.cases);
        // A sum of nothing would be -0.
        let seconds = self.suites.iter().fold(0.0, |sum, suite| sum + suite.seconds);
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(
            out,
            "<testsuites name=\"sealcheck\"{}{}>",
            counts(cases()),
            time(seconds)
        )?;
        for suite in &self.suites {
            write_suite(suite, run.settings, out)?;
        }
        writeln!(out, "</testsuites>")
    }
}

fn write_suite(suite: &Suite, settings: Settings<'_>, out: &mut dyn Write) -> io::Result<()> {
    let name = escaped(&suite.path);
    let skipped = suite.cases.iter().filter(|case| case.is_skipped()).count();
    writeln!(
        out,
        "  <testsuite name=\"{name}\"{} skipped=\"{skipped}\"{}>",
        counts(suite.cases.iter()),
        time(suite.seconds)
    )?;
    let anchor = settings
        .has_apple_anchor
        .then_some("counts as Apple's in this report");
    let properties = [("config", settings.config), ("apple-anchor", anchor)];
    if properties.iter().any(|(_, value)| value.is_some()) {
        writeln!(out, "    <properties>")?;
        for (name, value) in properties {
            if let Some(value) = value.map(escaped) {
                writeln!(out, "      <property name=\"{name}\" value=\"{value}\"/>")?;
            }
        }
        writeln!(out, "    </properties>")?;
    }
    let (mut seconds, mut remarks) = (suite.seconds, suite.remarks.as_str());
    for case in &suite.cases {
        write_case(case, suite, (seconds, remarks), out)?;
        (seconds, remarks) = (0.0, "");
    }
    writeln!(out, "  </testsuite>")
}

fn write_case(
    case: &Case,
    suite: &Suite,
    (seconds, remarks): (f64, &str),
    out: &mut dyn Write,
) -> io::Result<()> {
    let (name, class) = (escaped(&case.name), escaped(&suite.path));
    let time = time(seconds);
    write!(out, "    <testcase name=\"{name}\" classname=\"{class}\"{time}")?;
    if case.result.is_none() && remarks.is_empty() {
        return writeln!(out, "/>");
    }
    writeln!(out, ">")?;
    if let Some(bad) = &case.result {
        write_result(bad, out)?;
    }
    if !remarks.is_empty() {
        writeln!(out, "      <system-out>{}</system-out>", escaped(remarks))?;
    }
    writeln!(out, "    </testcase>")
}

fn write_result(bad: &Bad, out: &mut dyn Write) -> io::Result<()> {
    let message = escaped(&bad.message);
    if bad.element == "skipped" {
        writeln!(out, "      <skipped message=\"{message}\"/>")
    } else {
        writeln!(
            out,
            "      <{0} message=\"{message}\" type=\"{1}\">{2}</{0}>",
            bad.element,
            escaped(bad.rule),
            escaped(&bad.text)
        )
    }
}

/// A time in seconds; three digits after the point are as many as the schemas allow.
fn time(seconds: f64) -> String {
    format!(" time=\"{seconds:.3}\"")
}

fn counts<'a>(cases: impl Iterator<Item = &'a Case> + Clone) -> String {
    let of = |element: &str| {
        let cases = cases.clone();
        cases
            .filter(|case| case.result.as_ref().is_some_and(|bad| bad.element == element))
            .count()
    };
    format!(
        " tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        cases.clone().count(),
        of("failure"),
        of("error"),
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
            name: name(problem.rule, &problem.path, &problem.architectures),
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
            name: name(unanswered.rule, &unanswered.path, &[]),
            result: Some(Bad {
                element,
                message: unanswered.text(),
                rule: unanswered.rule,
                text: String::new(),
            }),
        });
    }
    if cases.iter().all(Case::is_skipped) {
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

fn name(rule: &str, path: &str, architectures: &[String]) -> String {
    let words = [rule, path, &architectures.join(", ")];
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
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
            let place = name(problem.rule, &problem.path, &problem.architectures);
            let others = match problem.others.len() {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            format!("{}: {place}{others}: {}", problem.severity, problem.message)
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
