//! Workflow commands of GitHub Actions, which become annotations of the changed files.
//!
//! "Workflow commands for GitHub Actions": `::error file=…,title=…::message`; data escape `%`, CR and LF, properties also
//! `:` and `,`. GitHub shows the first ten of each level in a step; all of them stay in the log.

use std::io::{self, Write};

use super::problem::{Problems, UNREADABLE};
use super::text::visible;
use super::{LEFT_OUT, Report, Run, Settings, place};
use crate::finding::Severity;
use crate::outcome::Outcome;

/// One annotation for each file that a problem is about, and a warning for each question without an answer.
#[derive(Debug)]
pub struct Github<'a> {
    settings: Settings<'a>,
}

impl<'a> Github<'a> {
    /// A report made in this way.
    #[must_use]
    pub fn new(settings: Settings<'a>) -> Self {
        Self { settings }
    }
}

impl Report for Github<'_> {
    fn add(&mut self, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
        let all = Problems::by_place(outcome, self.settings);
        for problem in &all.problems {
            let level = match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "notice",
            };
            let message = problem.text("\n");
            let place = problem.place(&all.place);
            command(level, place, problem.rule, &message, out)?;
        }
        for unanswered in &all.unanswered {
            let level = if unanswered.is_verdict { "error" } else { "warning" };
            let path = place::of(&all.place, &unanswered.path);
            command(level, (path, 1), unanswered.rule, &unanswered.text(), out)?;
        }
        Ok(())
    }

    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
        for unreadable in run.unreadable {
            let place = (unreadable.place.clone(), 1);
            command("error", place, UNREADABLE, &unreadable.reason, out)?;
        }
        for left_out in run.left_out {
            let place = (left_out.place.clone(), 1);
            command("notice", place, LEFT_OUT, &left_out.text(), out)?;
        }
        if let Some(config) = run.settings.config {
            let message = format!("the decisions of {config} were applied");
            let place = run.settings.config_place.unwrap_or(config);
            command("notice", (place.to_owned(), 1), "configuration", &message, out)?;
        }
        if run.settings.has_apple_anchor {
            let message = "a root of --apple-anchor counts as Apple's in this report";
            writeln!(out, "::notice title=sealcheck apple-anchor::{message}")?;
        }
        Ok(())
    }
}

fn command(
    level: &str,
    (file, line): (String, u64),
    rule: &str,
    message: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    // GitHub takes the first line where none is named.
    let line = match line {
        1 => String::new(),
        line => format!(",line={line}"),
    };
    writeln!(
        out,
        "::{level} file={}{line},title={}::{}",
        property(&file),
        property(&format!("sealcheck {rule}")),
        data(message)
    )
}

fn data(text: &str) -> String {
    // The log shows it, too.
    let lines: Vec<_> = text.split('\n').map(visible).collect();
    let text = lines.join("\n");
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_ends_a_command() {
        let mut out = Vec::new();
        let place = ("a,b:c\n::stop".to_owned(), 1);
        command("error", place, "r", "50%\n::error::x", &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::error file=a%2Cb%3Ac%0A%3A%3Astop,title=sealcheck r::50%25%0A::error::x\n"
        );
    }
}
