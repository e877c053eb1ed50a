//! What the tests build their own signed code with. Written against the formats, never against sealcheck's readers.

pub mod archive;
pub mod bundle;
pub mod cms;
pub mod codesign;
pub mod container;
pub mod der;
pub mod examined;
pub mod foundry;
pub mod judge;
pub mod macho;
pub mod package;
pub mod pki;
pub mod plist;
pub mod profile;
pub mod program;
pub mod signature;
pub mod ticket;
pub mod tools;
pub mod zip;

use std::path::{Path, PathBuf};

/// The project's folder.
pub fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The real app that comes with the project.
pub fn real_app() -> PathBuf {
    project().join("testdata/bundles/Mitmproxy Redirector.app")
}

/// A copy of the real app in a folder, under another name.
pub fn copied_app(folder: &Path, name: &str) -> PathBuf {
    let app = folder.join(name);
    let status = std::process::Command::new("cp")
        .arg("-R")
        .args([&real_app(), &app])
        .status();
    assert!(status.unwrap().success());
    app
}

/// Changes one byte of a file.
pub fn flip(path: &Path, offset: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[offset] ^= 0x01;
    std::fs::write(path, bytes).unwrap();
}

/// The words of a text, however its lines are broken.
pub fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where the only occurrence of `needle` is.
pub fn position(haystack: &[u8], needle: &[u8]) -> usize {
    let mut found = haystack
        .windows(needle.len())
        .enumerate()
        .filter(|(_, window)| *window == needle)
        .map(|(index, _)| index);
    let first = found.next().expect("the bytes are not there");
    assert_eq!(found.next(), None, "the bytes are there twice");
    first
}

/// Says that something was not tested. Not with `eprintln`, which the test harness hides.
pub fn notice(text: &str) {
    use std::io::Write;
    let line = format!("notice: {text}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Advice for code that its test does not mean to staple: whether a ticket is stapled is asked in `rules_tickets`.
pub fn advise_unstapled(
    evidence: &examined::Examined,
    target: Option<sealcheck::finding::Target>,
) -> sealcheck::rule::Advice {
    let mut advice = examined::advise(evidence, target, &sealcheck::rule::Expectations::default());
    advice
        .findings
        .retain(|finding| !matches!(finding.rule, "ticket-missing" | "tool-cannot-be-stapled"));
    advice
}
