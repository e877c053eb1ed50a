//! `docs/coverage.md` against the tests that exist, so that it cannot rot.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::project;

fn page() -> String {
    fs::read_to_string(project().join("docs/coverage.md")).unwrap()
}

/// Every test of the integration tests and of the sources, as `module::name`.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (folder, prefix) in [
        ("tests", ""),
        ("tests/remedies", "remedies::"),
        ("src/cli", ""),
        ("src/source", ""),
        ("src/source/disk", ""),
    ] {
        for entry in fs::read_dir(project().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                tests_of(&path, prefix, &mut found);
            }
        }
    }
    found
}

fn tests_of(path: &Path, prefix: &str, found: &mut BTreeSet<String>) {
    let module = path.file_stem().unwrap().to_str().unwrap();
    let mut is_test = false;
    for line in fs::read_to_string(path).unwrap().lines() {
        let line = line.trim();
        if line == "#[test]" {
            is_test = true;
        } else if let (true, Some(rest)) = (is_test, line.strip_prefix("fn ")) {
            let name = rest.split('(').next().unwrap();
            found.insert(format!("{prefix}{module}::{name}"));
            is_test = false;
        }
    }
}

/// The names of tests in backquotes.
fn named(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|text| text.contains("::")).collect()
}

/// The cells of every line of the table below a heading.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let start = page.find(&format!("\n## {heading}\n")).unwrap() + 1;
    let rest = &page[start..];
    let end = rest[3..].find("\n## ").map_or(rest.len(), |at| at + 3);
    rest[..end]
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells = line.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

#[test]
fn every_test_that_is_named_exists() {
    let tests = tests();
    assert!(tests.len() > 150, "only {} tests found", tests.len());
    let page = page();
    let named = named(&page);
    assert!(named.len() > 150, "only {} tests named", named.len());
    let unknown: Vec<_> = named.iter().filter(|name| !tests.contains(**name)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn every_row_is_tested_or_says_why_not() {
    let rows = table(&page(), "Edge cases");
    let numbers: Vec<usize> = rows.iter().map(|cells| cells[0].parse().unwrap()).collect();
    assert_eq!(numbers, (1..=119).collect::<Vec<_>>());
    for cells in &rows {
        let test = cells.last().unwrap();
        let is_told = ["later: ", "not built: ", "not ours: "]
            .iter()
            .any(|start| test.starts_with(start));
        assert!(test.contains("::") || is_told, "row {}: {test:?}", cells[0]);
    }
    for cells in table(&page(), "Observations") {
        assert!(cells.last().unwrap().len() > 10, "{cells:?}");
    }
}

/// Rows name one number, several, or a kind of case beside the numbers.
#[test]
fn every_correction_is_tested_or_says_why_not() {
    let numbered =
        |kind: &'static str, count: usize| (1..=count).map(move |number| format!("{kind}{number}"));
    let expected: BTreeSet<String> = numbered("A", 14)
        .chain(numbered("B", 30))
        .chain(numbered("F", 9))
        .collect();
    let mut found = BTreeSet::new();
    for cells in table(&page(), "Corrections") {
        let test = cells.last().unwrap();
        assert!(
            test.contains("::") || test.starts_with("not built: "),
            "row {}: {test:?}",
            cells[0]
        );
        found.extend(cells[0].split(", ").map(str::to_owned));
    }
    let missing: Vec<_> = expected.difference(&found).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_status_is_listed() {
    let source = fs::read_to_string(project().join("src/verify/status.rs")).unwrap();
    let start = source.find("\nstatuses! {").unwrap();
    let known: BTreeSet<String> = source[start..]
        .lines()
        .skip(2)
        .take_while(|line| *line != "}")
        .filter_map(|line| Some(line.split('"').nth(1)?.to_owned()))
        .collect();
    assert!(known.len() > 50, "{known:?}");
    let listed: BTreeSet<String> = table(&page(), "Statuses")
        .into_iter()
        .map(|mut cells| cells.remove(0))
        .collect();
    assert_eq!(listed, known);
}

/// Every way in which a run can end is in the table, with its exit status and a test that exists; and every test about it is in
/// the table.
#[test]
fn every_way_to_end_has_a_status_and_a_test() {
    let page = fs::read_to_string(project().join("docs/security.md")).unwrap();
    let rows = table(&page, "How a run ends");
    assert!(rows.len() > 30, "only {} rows", rows.len());
    let tests = tests();
    let mut listed = BTreeSet::new();
    for cells in &rows {
        let [way, status, test] = cells.as_slice() else {
            panic!("{cells:?}");
        };
        let is_kept = ["its own", "the first"]
            .iter()
            .any(|start| status.starts_with(start));
        let has_number = status.chars().any(|digit| digit.is_ascii_digit());
        assert!(!way.is_empty() && (is_kept || has_number), "{cells:?}");
        let names = named(test);
        assert!(!names.is_empty(), "no test: {cells:?}");
        for name in names {
            assert!(tests.contains(name), "there is no test {name}");
            listed.insert(name.to_owned());
        }
    }
    let about = ["endings::", "endings_output::", "own_files::"];
    let unlisted: Vec<_> = tests
        .difference(&listed)
        .filter(|name| about.iter().any(|module| name.starts_with(module)))
        .collect();
    assert!(unlisted.is_empty(), "{unlisted:#?}");
}
