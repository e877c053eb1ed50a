//! Code in memory gets the same answers as the same code on disk.

use std::path::Path;
use std::time::{Duration, SystemTime};

use sealcheck::{Checker, NamedBytes, Outcome, SourceError};

use crate::support::zip::{Member, members, zip};
use crate::support::{copied_app, flip, real_app};

/// 2026-11-24.
fn checker() -> Checker {
    Checker::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_478_400)).unwrap()
}

/// What the answers say, without where the item is.
fn words(outcome: &Outcome) -> (Vec<String>, Vec<(String, String)>, Option<bool>) {
    let findings = outcome.findings().iter();
    let findings = findings.map(|finding| (finding.rule.to_owned(), finding.path.clone()));
    let objections = outcome.objections();
    (
        objections.iter().map(ToString::to_string).collect(),
        findings.collect(),
        outcome.evidence.codesign.valid(),
    )
}

fn files(folder: &Path, top: &str) -> NamedBytes {
    let mut files = NamedBytes::folder(top);
    for member in members(folder) {
        let name = String::from_utf8(member.name).unwrap();
        if !name.ends_with('/') {
            files.add(&name, member.contents, Some(member.mode & 0o7777));
        }
    }
    files
}

fn all(found: Result<Vec<Result<Outcome, SourceError>>, SourceError>) -> Vec<Outcome> {
    found.unwrap().into_iter().map(Result::unwrap).collect()
}

#[test]
fn bytes_in_memory_get_the_answers_of_a_disk() {
    let checker = checker();
    let folder = tempfile::tempdir().unwrap();
    for is_broken in [false, true] {
        let outer = folder.path().join(is_broken.to_string());
        std::fs::create_dir(&outer).unwrap();
        let app = copied_app(&outer, "Mitmproxy Redirector.app");
        if is_broken {
            flip(&app.join("Contents/Info.plist"), 120);
        }
        let expected = words(&checker.check(&app).unwrap());
        assert_eq!(expected.0.is_empty(), !is_broken, "{:?}", expected.0);
        // A folder, and a zip of it, and a zip in a zip.
        let found = all(checker.check_bytes(files(&app, "dropped")));
        assert_eq!(found.len(), 1);
        assert_eq!(words(&found[0]), expected);
        assert_eq!(found[0].evidence.path, "dropped/Mitmproxy Redirector.app");
        let inner = zip(&members(&app));
        let outer = zip(&[Member::file("inner.zip", &inner)]);
        let on_disk = folder.path().join("b.zip");
        for (name, bytes) in [("a.zip", inner), ("b.zip", outer)] {
            std::fs::write(&on_disk, &bytes).unwrap();
            let expected: Vec<_> = checker.check_all(&on_disk).unwrap().map(Result::unwrap).collect();
            let found = all(checker.check_bytes(NamedBytes::file(name, bytes)));
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!(words(&found[0]), words(&expected[0]), "{name}");
            assert_eq!(found[0].objections().is_empty(), !is_broken);
        }
    }
}

#[test]
fn a_program_in_memory_is_judged_and_its_bundle_with_it() {
    let checker = checker();
    let main = real_app().join("Contents/MacOS/Mitmproxy Redirector");
    let bytes = std::fs::read(&main).unwrap();
    // Alone it lacks its Info.plist and its seal.
    let found = all(checker.check_bytes(NamedBytes::file("main", bytes)));
    assert_eq!(found[0].evidence.codesign.valid(), Some(false));
    let found = all(checker.check_bytes(files(&real_app(), "dropped")));
    assert_eq!(found[0].evidence.codesign.valid(), Some(true));
}

/// What cannot be placed is never passed over, and nothing outside of memory is read.
#[test]
fn names_that_lead_out_are_errors() {
    let checker = checker();
    for name in ["../a", "/etc/passwd", "a//b", ""] {
        let mut files = files(&real_app(), "dropped");
        files.add(name, b"x".to_vec(), None);
        let found = checker.check_bytes(files).unwrap();
        assert_eq!(found.iter().filter(|found| found.is_err()).count(), 1, "{name}");
    }
    // A file where there is a folder.
    for name in ["Mitmproxy Redirector.app", "Mitmproxy Redirector.app/Contents"] {
        let mut files = files(&real_app(), "dropped");
        files.add(name, b"x".to_vec(), None);
        let found = checker.check_bytes(files).unwrap();
        let bad: Vec<_> = found.iter().filter_map(|found| found.as_ref().err()).collect();
        assert_eq!(bad.len(), 1, "{name}");
        assert_eq!(bad[0].path(), Some(name));
    }
    let mut file = NamedBytes::file("a.zip", zip(&members(&real_app())));
    file.add("b", b"x".to_vec(), None);
    assert_eq!(file.unplaced(), ["b"]);
    let found = checker.check_bytes(NamedBytes::folder("/etc")).unwrap();
    assert!(found[0].as_ref().unwrap().evidence.codesign.valid() != Some(true));
    // It begins like an archive, and is none.
    let found = checker.check_bytes(NamedBytes::file("a.zip", b"PK\x03\x04 and no more".to_vec()));
    assert!(matches!(found, Err(SourceError::Container { .. })));
    let found = all(checker.check_bytes(NamedBytes::file("a", b"text".to_vec())));
    assert!(!found[0].objections().is_empty());
}

/// There are no permission bits, so that none were lost: the rules about them are not decided, and nothing else changes.
#[test]
fn modes_that_nobody_gave_are_not_known() {
    let checker = checker();
    let mut unknown = NamedBytes::folder("dropped");
    let mut lost = NamedBytes::folder("dropped");
    for member in members(&real_app()) {
        let name = String::from_utf8(member.name).unwrap();
        if !name.ends_with('/') {
            unknown.add(&name, member.contents.clone(), None);
            lost.add(&name, member.contents, Some(0o644));
        }
    }
    let found = &all(checker.check_bytes(unknown))[0];
    assert_eq!(found.findings(), []);
    assert_eq!(found.evidence.codesign.valid(), Some(true));
    let mut rules: Vec<_> = found.advice.unknown.iter().map(|open| open.rule).collect();
    rules.sort_unstable();
    let expected = [
        "executable-bit-lost",
        "setuid-bits",
        "unreadable-files",
        "world-writable",
    ];
    assert_eq!(rules, expected);
    // Whether the programs can be started matters; that files may be writable is a warning at most.
    let objections = found.objections();
    assert_eq!(objections.len(), 1, "{objections:?}");
    let said = objections[0].to_string();
    assert!(said.starts_with("executable-bit-lost: not known: "), "{said}");
    assert!(!objections[0].is_proven);
    let found = &all(checker.check_bytes(lost))[0];
    assert!(
        found
            .findings()
            .iter()
            .any(|finding| finding.rule == "executable-bit-lost"),
        "{:?}",
        found.findings()
    );
}
