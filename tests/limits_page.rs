//! The table of limits in `docs/security.md` is made from `src/limits.rs`, so that no limit is missing there or has another value.

use std::fs;

use sealcheck::limits::Limits;

use crate::support::project;

const BEGIN: &str = "<!-- limits: made by tests/limits_page.rs -->\n";
const END: &str = "<!-- limits: end -->\n";

/// The text before a declaration, and what is declared, for every line that begins so.
fn declared(source: &str, keyword: &str) -> Vec<(String, String)> {
    let mut doc = String::new();
    let mut found = Vec::new();
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            doc += text;
        } else {
            if let Some(rest) = line.strip_prefix(keyword) {
                found.push((doc.trim().to_owned(), rest.to_owned()));
            }
            doc.clear();
        }
    }
    found
}

/// What a limit is about: the first sentence, without the number in it.
fn about(doc: &str) -> &str {
    let doc = doc.trim_end_matches('.');
    let ends = [". ", ": ", "; "].iter().filter_map(|end| doc.find(end));
    &doc[..ends.min().unwrap_or(doc.len())]
}

/// A number with commas, or in KiB, MiB and GiB where it is a whole number of those.
fn shown(number: u64, is_bytes: bool) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if is_bytes && number >> shift > 0 && number.is_multiple_of(1 << shift) {
            return format!("{} {unit}", number >> shift);
        }
    }
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap())
        .collect();
    groups.join(",")
}

/// The value of `1 << 20` or `100_000`.
fn value(text: &str) -> u64 {
    let number = |text: &str| text.trim().replace('_', "").parse::<u64>().unwrap();
    match text.split_once("<<") {
        Some((number_text, shift)) => number(number_text) << number(shift),
        None => number(text),
    }
}

fn table() -> String {
    let source = fs::read_to_string(project().join("src/limits.rs")).unwrap();
    let fields = declared(&source, "pub ");
    let mut table = String::from("| limit | value | of what |\n|---|---|---|\n");
    for (name, unit, number) in Limits::default().named() {
        let field = format!("{}:", name.replace('-', "_"));
        let (doc, _) = fields.iter().find(|(_, rest)| rest.starts_with(&field)).unwrap();
        let number = shown(number, unit == "bytes");
        let more = match name {
            "steps" => format!(
                ", and {} for each byte of the item",
                Limits::default().steps_per_byte
            ),
            "retained-bytes" => format!(
                ", and 1 for each {} bytes of the item",
                Limits::default().bytes_per_retained
            ),
            _ => String::new(),
        };
        table += &format!("| `--limit {name}` | {number}{more} | {} |\n", about(doc));
    }
    let fixed = declared(&source, "pub const ");
    assert!(fixed.len() > 20, "{fixed:?}");
    for (doc, rest) in fixed {
        let (name, rest) = rest.split_once(':').unwrap();
        let (_, text) = rest.split_once('=').unwrap();
        let number = shown(value(text.trim_end_matches(';')), doc.starts_with("Bytes"));
        table += &format!("| fixed: `{name}` | {number} | {} |\n", about(&doc));
    }
    table
}

/// `SEALCHECK_BLESS=1` writes the table anew.
#[test]
fn the_page_has_every_limit_with_its_value() {
    let path = project().join("docs/security.md");
    let page = fs::read_to_string(&path).unwrap();
    let start = page.find(BEGIN).unwrap() + BEGIN.len();
    let end = page.find(END).unwrap();
    let table = table();
    if std::env::var_os("SEALCHECK_BLESS").is_some() {
        fs::write(&path, format!("{}{table}{}", &page[..start], &page[end..])).unwrap();
        return;
    }
    assert!(
        page[start..end] == table,
        "docs/security.md does not have the limits of src/limits.rs: SEALCHECK_BLESS=1 cargo test limits_page"
    );
    let other = fs::read_to_string(project().join("docs/architecture.md")).unwrap();
    assert!(
        other.contains("(security.md#budgets)"),
        "one table, to which other pages lead"
    );
}

#[test]
fn numbers_as_the_page_shows_them() {
    assert_eq!(shown(4_000_000, false), "4,000,000");
    assert_eq!(
        (shown(16 << 20, true), shown(1000, true)),
        ("16 MiB".into(), "1,000".into())
    );
    assert_eq!((value("1 << 20"), value("100_000")), (1 << 20, 100_000));
    assert_eq!(about("Files of one item: 7. More."), "Files of one item");
    assert_eq!(about("Bytes of an Info.plist."), "Bytes of an Info.plist");
}
