//! Small input that would need much work: references of binary property lists, and patterns of resource rules. The counters
//! of the item's budget are compared with the bytes of the input, so no test needs a clock.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sealcheck::budget::{Budget, Resource};
use sealcheck::bundle::Seal;
use sealcheck::limits::Limits;
use sealcheck::verify::{NotJudged, Options, verify_at};

use crate::support::bundle::{RULES, acme, info_plist, sign, sign_with, slices, write};
use crate::support::macho::EXECUTE;
use crate::support::signature::adhoc;

/// A binary list of 20 arrays, each of which holds the next one twice.
fn doubling() -> Vec<u8> {
    let mut bytes = b"bplist00".to_vec();
    let mut offsets = Vec::new();
    for level in 1..=20_u8 {
        offsets.push(bytes.len() as u8);
        bytes.extend([0xa2, level, level]);
    }
    offsets.push(bytes.len() as u8);
    bytes.push(0x09);
    let table = bytes.len() as u64;
    bytes.extend(&offsets);
    bytes.extend([0, 0, 0, 0, 0, 0, 1, 1]);
    bytes.extend([21, 0, table].iter().flat_map(|word: &u64| word.to_be_bytes()));
    bytes
}

/// CoreFoundation keeps repeated references as references (`CFBinaryPList.c`); here each is a value of its own. A list that has
/// more of them than bytes is not read, and many lists side by side share the budget of the item.
#[test]
fn references_of_binary_lists() {
    let list = doubling();
    assert!(list.len() < 182, "{}", list.len());
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    let before = verify_at(&app, &Options::default()).unwrap().budget().cost();
    for number in 0..20 {
        let place = format!("Contents/PlugIns/N{number}.app/Contents/Info.plist");
        write(&app.join(place), &list);
        let place = format!("Contents/Library/LaunchAgents/N{number}.plist");
        write(&app.join(place), &list);
    }
    let evidence = verify_at(&app, &Options::default()).unwrap();
    let cost = evidence.budget().cost();
    // Forty lists of less than 182 bytes, with their folders.
    assert!(cost.retained - before.retained < 40 * 8192, "{before:?} {cost:?}");
    assert!(cost.steps - before.steps < 40 * 40_000, "{before:?} {cost:?}");
    assert_eq!(evidence.codesign.valid(), Some(false), "files were added");

    // As the Info.plist of the item itself.
    let contents = folder.path().join("Thing.app/Contents");
    let code = slices("org.example.thing", EXECUTE);
    let none = BTreeMap::new();
    for (info, expected) in [
        (
            info_plist("Thing", "org.example.thing", "APPL"),
            (Some(true), None),
        ),
        (list, (None, Some(NotJudged::Budget))),
    ] {
        write(&contents.join("Info.plist"), &info);
        sign(
            &contents,
            "MacOS/Thing",
            &code,
            &adhoc("org.example.thing"),
            &none,
        );
        assert_eq!(judged(&folder.path().join("Thing.app")), expected);
    }
}

/// The patterns of the report: a folder of letters, then a letter with a counted distance to the end.
fn pattern(number: usize, distance: usize) -> String {
    format!("^R{number}*([ab/]*a[ab/]{{{distance}}}c)")
}

fn rules(count: usize, distance: usize) -> String {
    (0..count)
        .map(|number| format!("<key>{}</key><true/>", pattern(number, distance)))
        .collect()
}

/// The system's `regcomp` has no such bound. Here the positions of a pattern and their product with the path are bounded.
#[test]
fn patterns_times_paths() {
    let path = |length: usize| "ab/".repeat(length / 3);
    let seal = |count, distance| {
        let rules = rules(count, distance);
        let text = format!(
            "<plist><dict><key>rules</key><dict>{rules}</dict><key>files</key><dict/></dict></plist>"
        );
        let limits = Limits::default();
        let budget = Arc::new(Budget::new(&limits));
        let seal = Seal::parse_within(text.as_bytes(), &limits, &budget);
        (seal, budget)
    };
    // One pattern that is too large.
    let (refused, _) = seal(1, 5000);
    assert!(refused.is_err_and(|error| error.is_limit()));
    // Few are matched: the cost is that of the product, and no more.
    let (read, budget) = seal(1, 50);
    let read = read.unwrap();
    let before = budget.cost().steps;
    assert!(read.rules.find(&path(900)).is_none());
    let cost = budget.cost().steps - before;
    assert!((50 * 900..80 * 900).contains(&cost), "{cost}");
    // Ninety patterns, and a path of 8,000 bytes, or of as many as a zip allows.
    for length in [900, 8_000, 64_000] {
        let (read, budget) = seal(90, 800);
        let read = read.unwrap();
        for _ in 0..50 {
            assert!(read.rules.find(&path(length)).is_none());
        }
        assert_eq!(budget.spent().map(|over| over.resource), Some(Resource::Steps));
        assert!(budget.cost().steps <= Limits::default().steps);
    }
}

/// The item is not judged, and the budget is named.
#[test]
fn an_app_whose_rules_need_too_much_work() {
    let folder = tempfile::tempdir().unwrap();
    let app = |name: &str, rules: &str| {
        let root = folder.path().join(name);
        let contents = root.join("Contents");
        write(
            &contents.join("Info.plist"),
            &info_plist("Thing", "org.example.thing", "APPL"),
        );
        for number in 0..50 {
            let place = format!("Resources/{}/{number}", ["ab"; 100].join("/"));
            write(&contents.join(place), b"x");
        }
        let code = slices("org.example.thing", EXECUTE);
        let none = BTreeMap::new();
        sign_with(
            &contents,
            "MacOS/Thing",
            &code,
            &adhoc("org.example.thing"),
            &none,
            rules,
            2,
        );
        judged(&root)
    };
    let with = |more: String| {
        let all = "<key>^.*</key><true/>";
        assert!(RULES.contains(all));
        RULES.replacen(all, &format!("{all}{more}"), 1)
    };
    assert_eq!(app("Good.app", RULES), (Some(true), None));
    let few = with(rules(3, 20));
    assert_eq!(app("Few.app", &few), (Some(true), None));
    let many = with(rules(80, 800));
    assert_eq!(
        app("Many.app", &many),
        (None, Some(NotJudged::Limit(Resource::Steps.name())))
    );
    let large = with(rules(1, 5000));
    assert_eq!(app("Large.app", &large), (None, Some(NotJudged::Budget)));
}

fn judged(path: &Path) -> (Option<bool>, Option<NotJudged>) {
    let verdict = verify_at(path, &Options::default()).unwrap().codesign;
    (verdict.valid(), verdict.not_judged())
}
