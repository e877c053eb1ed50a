//! Remedies work: the commands of a finding are run on the item, and then the finding is gone and there is no new error.

mod archives;
pub mod cases;
mod claims;
mod files;
mod kits;
mod known;
mod lists;
mod owners;
mod reasons;
mod signing;

use std::path::{Path, PathBuf};

use sealcheck::Target;
use sealcheck::finding::Severity;
use sealcheck::rule::{Advice, Expectations};

use crate::support::examined::{advise, examine};
use crate::support::foundry::{Code, options};
use crate::support::tools::Shell;

/// More repairs than any fixture needs.
const MAX_REPAIRS: usize = 12;

/// An item that is to be repaired.
pub struct Bench {
    folder: tempfile::TempDir,
    pub path: PathBuf,
    pub target: Option<Target>,
    pub expectations: Expectations,
}

impl Bench {
    /// Writes the code into a new folder.
    pub fn of(code: &Code) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(code.file_name());
        code.write(&path);
        Self {
            folder,
            path,
            target: None,
            expectations: Expectations::default(),
        }
    }

    /// What the user expects of the item.
    pub fn expecting(self, expectations: Expectations) -> Self {
        Self { expectations, ..self }
    }

    /// A file or folder in the item.
    pub fn at(&self, inside: &str) -> PathBuf {
        self.path.join(inside)
    }

    /// The folder around the item, where commands run.
    pub fn around(&self) -> &Path {
        self.folder.path()
    }

    /// Runs commands of a test.
    pub fn with(self, lines: &[&str]) -> Self {
        for line in lines {
            Shell::new(&self.path).run(line).unwrap();
        }
        self
    }

    pub fn target(self, target: Target) -> Self {
        Self {
            target: Some(target),
            ..self
        }
    }

    /// The text of the remedy of the first finding of a rule.
    #[track_caller]
    pub fn remedy(&self, rule: &str) -> String {
        let advice = self.advice();
        let found: Vec<_> = advice
            .findings
            .iter()
            .filter(|finding| finding.rule == rule)
            .collect();
        assert!(!found.is_empty(), "{:#?}", advice.findings);
        found[0].remedy.to_string()
    }

    pub fn advice(&self) -> Advice {
        let evidence = examine(&self.path, &options()).unwrap();
        advise(&evidence, self.target, &self.expectations)
    }

    /// Repairs every finding of a rule with the commands of its remedy, one after the other, and returns all commands that were run.
    #[track_caller]
    pub fn repair(&self, rule: &str) -> String {
        let before = self.advice();
        let errors = |advice: &Advice| -> Vec<(&'static str, String)> {
            let findings = advice.findings.iter();
            findings
                .filter(|finding| finding.severity == Severity::Error)
                .map(|finding| (finding.rule, finding.path.clone()))
                .collect()
        };
        let known = errors(&before);
        let mut advice = before;
        let mut transcript = String::new();
        for _ in 0..MAX_REPAIRS {
            let Some(finding) = advice.findings.iter().find(|finding| finding.rule == rule) else {
                assert!(
                    !transcript.is_empty(),
                    "{rule} finds nothing: {:#?}",
                    advice.findings
                );
                let new: Vec<_> = errors(&advice)
                    .into_iter()
                    .filter(|error| !known.contains(error))
                    .collect();
                assert_eq!(new, [], "after\n{transcript}\n{:#?}", advice.findings);
                return transcript;
            };
            let commands: Vec<String> = finding.remedy.commands().map(ToString::to_string).collect();
            assert!(!commands.is_empty(), "{rule} has no command: {}", finding.remedy);
            let shell = Shell::new(self.around());
            for line in commands {
                transcript.push_str(&format!("{line}\n"));
                if let Err(why) = shell.run(&line) {
                    panic!("{}\n\n{transcript}\n{why}", finding.remedy);
                }
            }
            advice = self.advice();
        }
        panic!(
            "{rule} is still there after\n{transcript}\n{:#?}",
            advice.findings
        );
    }
}
