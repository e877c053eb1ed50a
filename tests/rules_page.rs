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
