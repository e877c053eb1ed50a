//! The survey: facts that rules need and the codesign verdict does not. What it could not read counts for the item.

use sealcheck::budget::{OverBudget, Resource};
use sealcheck::verify::{FaultKind, NotJudged, Options, verify_at};

use crate::archives::{member, unsigned, zip};
use crate::limits::with;
use crate::support::examined::examine;
use crate::support::foundry::{Built, app};
use crate::support::program::program;

/// Longer than what is read of a list for launchd.
const LONG: usize = (1 << 20) + 1;

/// An app with everything that a survey looks for.
fn rich() -> Built {
    app("com.example.acme")
        .file(
            "Resources/a.jar",
            &zip(&[member("lib/a.dylib", &unsigned()).deflated()]),
        )
        .file("Resources/Text.txt", b"one")
        .file("Resources/text.txt", b"other")
        .file("Resources/some.provisionprofile", b"profile")
        .file("Library/LaunchAgents/com.example.plist", b"{}")
        .built()
}

#[test]
fn a_survey_finds_what_the_verdict_does_not_need() {
    let built = rich();
    let options = Options::default();
    let examined = examine(&built.path, &options).unwrap();
    let survey = &examined.survey;
    assert_eq!(survey.archives[0].path, "Contents/Resources/a.jar");
    assert_eq!(
        survey.launchd_jobs[0].path,
        "Contents/Library/LaunchAgents/com.example.plist"
    );
    let [collision] = &survey.collisions[..] else {
        panic!("{:?}", survey.collisions)
    };
    assert_eq!(
        (&*collision.path, &*collision.other),
        ("Contents/Resources/text.txt", "Text.txt")
    );
    assert_eq!(
        survey.misplaced_profiles_of(0),
        ["Contents/Resources/some.provisionprofile"]
    );
    // It changes nothing in the evidence.
    let verified = verify_at(&built.path, &options).unwrap();
    assert_eq!(verified.codesign, examined.codesign);
    assert_eq!(verified.code[0].faults, examined.code[0].faults);
    assert!(verified.budget().cost().steps < examined.budget().cost().steps);
}

/// Codesign does not read the list, so the verdict alone is known. The item is not judged as a whole.
#[test]
fn what_a_survey_cannot_read_counts_for_the_item() {
    let place = "Library/LaunchDaemons/com.example.plist";
    let built = app("com.example.acme").file(place, &vec![b' '; LONG]).built();
    let options = crate::support::foundry::options();
    let verified = verify_at(&built.path, &options).unwrap();
    assert_eq!(verified.codesign.valid(), Some(true));
    assert!(verified.unread.is_empty());
    let examined = examine(&built.path, &options).unwrap();
    let limit = Some(NotJudged::Limit("launchd-list"));
    assert_eq!(examined.codesign.not_judged(), limit);
    assert_eq!(examined.unread.len(), 1);
    assert_eq!(examined.unread[0].path, format!("Contents/{place}"));
    let mut checker = sealcheck::Checker::new(options.at).unwrap();
    checker.options = options;
    let outcome = checker.check(&built.path).unwrap();
    assert_eq!(outcome.exit_status(), 4);
    let reasons: Vec<String> = outcome.objections().iter().map(ToString::to_string).collect();
    let reasons = reasons.join("\n");
    assert!(
        reasons.contains(&format!("not read: Contents/{place}")),
        "{reasons}"
    );
    assert!(
        outcome
            .findings()
            .iter()
            .any(|finding| finding.rule == "limit-reached")
    );
}

/// The same as with a budget that verification spends, with any number of threads.
#[test]
fn a_budget_that_the_survey_spends_leaves_nothing_else_to_tell() {
    let built = rich();
    let verified = verify_at(&built.path, &Options::default()).unwrap();
    let whole = examine(&built.path, &Options::default()).unwrap();
    let (least, most) = (verified.budget().cost(), whole.budget().cost());
    for (resource, name, least, most) in [
        (Resource::Steps, "steps", least.steps, most.steps),
        (
            Resource::RetainedBytes,
            "retained-bytes",
            least.retained,
            most.retained,
        ),
    ] {
        assert!(least < most, "{name}");
        for threads in [1, 4] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let options = with(name, most - 1);
            assert!(
                verify_at(&built.path, &options)
                    .unwrap()
                    .budget()
                    .spent()
                    .is_none()
            );
            let spent = pool.install(|| examine(&built.path, &options)).unwrap();
            let over = OverBudget {
                resource,
                limit: most - 1,
            };
            assert_eq!(spent.code.len(), 1, "{name}");
            assert_eq!(spent.code[0].faults[0].kind, FaultKind::Budget(over));
            assert_eq!(spent.codesign.not_judged(), Some(NotJudged::Limit(name)));
            assert!(spent.survey.archives.is_empty());
        }
    }
}

/// `verify` reads none of it.
#[test]
fn only_check_reads_lists_for_launchd() {
    let place = "Library/LaunchDaemons/com.example.plist";
    let built = app("com.example.acme").file(place, &vec![b' '; LONG]).built();
    let run = |command: &str| {
        let output = program()
            .args([command, "--format", "json"])
            .arg(&built.path)
            .output();
        let output = String::from_utf8(output.unwrap().stdout).unwrap();
        output.contains("launchd-list")
    };
    assert!(run("check"));
    assert!(!run("verify"));
}
