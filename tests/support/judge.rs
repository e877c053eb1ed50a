//! Judges what the tests build, and says it in few words.

use std::path::Path;

use sealcheck::finding::{Finding, Severity, Target};
use sealcheck::survey::Survey;
use sealcheck::verify::{CodesignFlags, Evidence, Options};

use crate::support::examined::examine;

/// Evidence with all findings.
pub struct Judged {
    pub evidence: Evidence,
    pub survey: Survey,
    pub findings: Vec<Finding>,
}

/// What `codesign --verify --deep --strict` answers to the item at `path`.
pub fn judge(path: &Path) -> Judged {
    judge_with(path, &Options::default())
}

/// The same with other options.
pub fn judge_with(path: &Path, options: &Options) -> Judged {
    let examined = examine(path, options).unwrap();
    // Where it may stay where it was made: what stores and notaries demand is tested elsewhere.
    let findings = crate::support::examined::advise(
        &examined,
        Some(Target::Local),
        &sealcheck::rule::Expectations::default(),
    )
    .findings;
    Judged {
        evidence: examined.evidence,
        survey: examined.survey,
        findings,
    }
}

/// Options of `--no-strict`.
pub fn lenient() -> Options {
    Options {
        flags: CodesignFlags {
            strict: false,
            ..CodesignFlags::default()
        },
        ..Options::default()
    }
}

/// A single file with these bytes.
pub fn judge_bytes(bytes: &[u8]) -> Judged {
    judge_bytes_with(bytes, &Options::default())
}

/// The same with other options.
pub fn judge_bytes_with(bytes: &[u8], options: &Options) -> Judged {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    std::fs::write(&path, bytes).unwrap();
    judge_with(&path, options)
}

impl Judged {
    /// The status: 0 when the item is valid. Fails when it is not judged.
    #[track_caller]
    pub fn status(&self) -> i32 {
        let verdict = &self.evidence.codesign;
        assert_eq!(verdict.not_judged(), None);
        match verdict.valid() {
            Some(true) => 0,
            _ => verdict.status().unwrap().0,
        }
    }

    /// Status, subcomponent and architecture.
    #[track_caller]
    pub fn verdict(&self) -> (i32, Option<&str>, Option<&str>) {
        let verdict = &self.evidence.codesign;
        (self.status(), verdict.subcomponent(), verdict.architecture())
    }

    /// The sentence that codesign prints behind the operand.
    pub fn message(&self) -> &'static str {
        self.evidence
            .codesign
            .status()
            .map_or("", |status| status.message())
    }

    /// Files added, modified and missing.
    pub fn files(&self) -> [&[String]; 3] {
        match self.evidence.codesign.failure() {
            None => [&[]; 3],
            Some(failure) => [
                &failure.files_added,
                &failure.files_modified,
                &failure.files_missing,
            ],
        }
    }

    /// Ids of the rules that found something, each once.
    pub fn rules(&self) -> Vec<&'static str> {
        let mut ids: Vec<_> = self.findings.iter().map(|finding| finding.rule).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The findings of one rule.
    pub fn of(&self, rule: &str) -> Vec<&Finding> {
        assert!(sealcheck::rule::find(rule).is_some(), "no rule {rule}");
        self.findings
            .iter()
            .filter(|finding| finding.rule == rule)
            .collect()
    }

    /// The severity of the findings of one rule, if there are any.
    pub fn severity(&self, rule: &str) -> Option<Severity> {
        self.of(rule).first().map(|finding| finding.severity)
    }

    /// Valid, and no rule has anything to say.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert_eq!((self.status(), self.rules()), (0, vec![]), "{:#?}", self.findings);
    }

    /// Valid, and just this rule has something to report, beside what the options leave out.
    #[track_caller]
    pub fn assert_tolerated(&self, rule: &str, severity: Severity) {
        let mut rules = self.rules();
        rules.retain(|rule| *rule != "not-all-verified");
        assert_eq!((self.status(), rules), (0, vec![rule]), "{:#?}", self.findings);
        assert_eq!(self.severity(rule), Some(severity));
    }
}
