//! GitLab's code quality report ("Code Quality report format"): a list of issues, each with a place in the sources.
//!
//! GitLab shows issues and nothing else, so what was not judged or cannot be read is an issue, too: an empty list says that
//! everything was judged and is good. Paths are relative to the root of the sources. An issue has one path, so there is one for
//! each file that a problem is about. Issues with one fingerprint are one to GitLab.

use std::io::{self, Write};

use serde::Serialize;

use super::place::{self, Fingerprints};
use super::problem::{Problems, UNREADABLE};
use super::{LEFT_OUT, Report, Run, Settings};
use crate::finding::Severity;
use crate::outcome::Outcome;

#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u64,
}

/// One list of all problems, by file. Every issue is written as it comes.
#[derive(Debug)]
pub struct Gitlab<'a> {
    settings: Settings<'a>,
    fingerprints: Fingerprints,
    has_issues: bool,
}

impl<'a> Gitlab<'a> {
    /// A report made in this way.
    #[must_use]
    pub fn new(settings: Settings<'a>) -> Self {
        Self {
            settings,
            fingerprints: Fingerprints::default(),
            has_issues: false,
        }
    }

    fn issue(
        &mut self,
        (rule, severity): (&str, &'static str),
        ((place, line), problem): ((&str, u64), &str),
        description: String,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        write!(out, "{}", if self.has_issues { ",\n" } else { "[\n" })?;
        self.has_issues = true;
        let issue = Issue {
            description,
            check_name: rule,
            fingerprint: self.fingerprints.next(place, problem),
            severity,
            location: Location {
                path: place,
                lines: Lines { begin: line },
            },
        };
        serde_json::to_writer(&mut *out, &issue)?;
        Ok(())
    }
}

impl Report for Gitlab<'_> {
    fn add(&mut self, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
        let all = Problems::by_place(outcome, self.settings);
        for problem in &all.problems {
            let (place, line) = problem.place(&all.place);
            let description = problem.text("; ").replace('\n', "; ");
            let kind = (problem.rule, severity(problem.severity));
            self.issue(kind, ((&place, line), &problem.fingerprint()), description, out)?;
        }
        for (unanswered, level) in all.open() {
            let place = place::of(&all.place, &unanswered.path);
            let kind = (unanswered.rule, severity(level));
            self.issue(
                kind,
                ((&place, 1), &unanswered.fingerprint()),
                unanswered.text(),
                out,
            )?;
        }
        Ok(())
    }

    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
        for unreadable in run.unreadable {
            let (place, reason) = (&unreadable.place, &unreadable.reason);
            let kind = (UNREADABLE, severity(Severity::Error));
            self.issue(
                kind,
                ((place, 1), reason),
                format!("cannot be read: {reason}"),
                out,
            )?;
        }
        let note = severity(Severity::Note);
        for left_out in run.left_out {
            let place = (left_out.place.as_str(), 1);
            self.issue((LEFT_OUT, note), (place, &left_out.reason), left_out.text(), out)?;
        }
        if let Some(config) = run.settings.config {
            let text = format!("the decisions of {config} were applied");
            let place = run.settings.config_place.unwrap_or(config);
            self.issue(("configuration", note), ((place, 1), ""), text, out)?;
        }
        if run.settings.has_apple_anchor {
            let text = "a root of --apple-anchor counts as Apple's in this report".to_owned();
            self.issue(("apple-anchor", note), ((".", 1), ""), text, out)?;
        }
        writeln!(out, "{}", if self.has_issues { "\n]" } else { "[]" })
    }
}

/// The words of GitLab; `blocker` and `major` are not needed.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "critical",
        Severity::Warning => "minor",
        Severity::Note => "info",
    }
}
