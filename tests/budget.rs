//! The budget of one item: whoever spends it, the item is not judged, and nothing but the budget is told.

use std::fs;
use std::path::Path;

use sealcheck::budget::{OverBudget, Resource};
use sealcheck::rule::Expectations;
use sealcheck::verify::{FaultKind, NotJudged, Options};

use crate::limits::with;
use crate::support::bundle::acme;
use crate::support::examined::{Examined, advise, examine};
use crate::support::program::program;

fn findings(evidence: &Examined) -> Vec<(&'static str, String)> {
    let advice = advise(evidence, None, &Expectations::default());
    assert_eq!(advice.unknown, Vec::new());
    let found = advice.findings.into_iter();
    found.map(|finding| (finding.rule, finding.message)).collect()
}

/// What is over the budget somewhere in the middle is over it as a whole, whatever was found before.
#[test]
fn an_item_over_its_budget_is_not_judged_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    // A failure that might be met before the budget is spent, or after.
    fs::write(app.join("Contents/Resources/sub/deep.txt"), "changed").unwrap();
    let whole = examine(&app, &Options::default()).unwrap();
    assert_eq!(whole.codesign.valid(), Some(false));
    let cost = whole.budget().cost();
    for (resource, name, needed) in [
        (Resource::Steps, "steps", cost.steps),
        (Resource::RetainedBytes, "retained-bytes", cost.retained),
    ] {
        assert!(needed > 100, "{name}: {cost:?}");
        for limit in [0, needed / 3, needed / 2, needed - 1] {
            let evidence = examine(&app, &with(name, limit)).unwrap();
            let over = OverBudget { resource, limit };
            assert_eq!(evidence.code.len(), 1, "{name}: {limit}");
            assert_eq!(evidence.code[0].faults[0].kind, FaultKind::Budget(over));
            assert_eq!(
                evidence.codesign.not_judged(),
                Some(NotJudged::Limit(resource.name()))
            );
            assert_eq!(evidence.codesign.valid(), None);
            assert_eq!(findings(&evidence), [("limit-reached", over.to_string())]);
        }
        assert_eq!(
            examine(&app, &with(name, needed)).unwrap().codesign.valid(),
            Some(false),
            "{name}"
        );
    }
}

/// Threads share the budget, and its sum is the same in any order.
#[test]
fn the_cost_of_an_item_does_not_depend_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    let cost = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| examine(&app, &Options::default()).unwrap().budget().cost())
    };
    let one = cost(1);
    for _ in 0..20 {
        assert_eq!(cost(4), one);
    }
}

/// Rules are asked after the verdict is known, and share what is left.
#[test]
fn rules_that_spend_the_budget_take_the_verdict_back() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    let outcome = |options: &Options| {
        let mut checker = sealcheck::Checker::new(std::time::UNIX_EPOCH).unwrap();
        checker.options.limits = options.limits.clone();
        checker.check(&app).unwrap()
    };
    let whole = outcome(&Options::default());
    assert_eq!(whole.evidence.codesign.valid(), Some(true));
    let all = whole.evidence.budget().cost().steps;
    let verified = examine(&app, &Options::default()).unwrap().budget().cost().steps;
    assert!(verified < all - 1, "{verified} {all}");
    let outcome = outcome(&with("steps", all - 1));
    let spent = NotJudged::Limit(Resource::Steps.name());
    assert_eq!(outcome.evidence.codesign.not_judged(), Some(spent));
    assert_eq!(outcome.gatekeeper.as_ref().unwrap().accepted(), None);
    assert_eq!((outcome.findings().len(), outcome.exit_status()), (1, 4));
    assert_eq!(outcome.findings()[0].rule, "limit-reached");
}

fn run(arguments: &[&str], path: &Path) -> (i32, String) {
    let output = program().args(arguments).arg(path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

/// Every command ends with 4 and names the budget.
#[test]
fn the_program_names_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    for command in ["check", "verify", "assess"] {
        for limit in ["steps=2000", "retained-bytes=2000"] {
            for format in [
                "human", "json", "jsonl", "sarif", "junit", "github", "gitlab", "markdown",
            ] {
                let (status, text) = run(&[command, "--limit", limit, "--format", format], &app);
                let name = limit.split('=').next().unwrap();
                assert_eq!(status, 4, "{command} {format} {limit}: {text}");
                assert!(text.contains(name), "{command} {format} {limit}: {text}");
            }
        }
    }
}
