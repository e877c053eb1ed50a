//! The page about all rules is made from the rules.

use std::fs;
use std::path::Path;

use sealcheck::report::write_rules_page;

/// `SEALCHECK_BLESS=1` writes the page anew.
#[test]
fn the_rules_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    let mut page = Vec::new();
    write_rules_page(&sealcheck::rule::all(), &mut page).unwrap();
    if std::env::var_os("SEALCHECK_BLESS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let page = String::from_utf8(page).unwrap();
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == page,
        "docs/rules.md is not what the rules say: SEALCHECK_BLESS=1 cargo test --release rules_page"
    );
}

/// The page about the founding topics names rules that exist.
#[test]
fn the_topics_page_names_existing_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/forum-topics.md");
    let page = fs::read_to_string(path).unwrap();
    let rows: Vec<_> = page
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .collect();
    assert!(rows.len() > 30, "{} topics", rows.len());
    let mut count = 0;
    for row in rows {
        // Between back quotes; commands and options have spaces or dashes in front.
        for name in row.split('`').skip(1).step_by(2) {
            if name.starts_with('-') || name.contains(' ') {
                continue;
            }
            assert!(sealcheck::rule::find(name).is_some(), "{name} in {row}");
            count += 1;
        }
    }
    assert!(count > 70, "{count} rules named");
}
