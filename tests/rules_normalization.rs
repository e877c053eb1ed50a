//! The rule about names that changed their Unicode form.

use std::fs;
use std::path::Path;

use sealcheck::finding::Severity::Error;

use crate::support::foundry::{Built, app, of};

const RULE: &str = "unicode-normalization";
const BROKEN: &str = "sealed-resource-broken";
/// One letter, and a letter with its accent.
const FORMS: [&str; 2] = ["\u{fc}", "u\u{308}"];

fn acme(names: &[&str]) -> Built {
    let code = names
        .iter()
        .fold(app("com.example.acme").file("Resources/u", b"x"), |code, name| {
            code.file(&format!("Resources/{name}"), b"x")
        });
    code.built()
}

fn resources(built: &Built) -> std::path::PathBuf {
    built.path.join("Contents/Resources")
}

fn rename(folder: &Path, from: &str, to: &str) {
    fs::rename(folder.join(from), folder.join(to)).unwrap();
}

#[test]
fn in_either_direction() {
    for [signed, found] in [FORMS, [FORMS[1], FORMS[0]]] {
        let (signed, found) = (format!("{signed}.txt"), format!("{found}.txt"));
        let built = acme(&[&signed]);
        assert!(of(&built.advice(None), RULE).is_empty());
        rename(&resources(&built), &signed, &found);
        let advice = built.refused();
        let [finding] = of(&advice, RULE)[..] else {
            panic!("{:?}", advice.findings);
        };
        assert_eq!(finding.severity, Error);
        assert_eq!(finding.status.map(|status| status.0), Some(-67054));
        assert_eq!(
            finding.message,
            "1 name has its accents in another form than in the seal"
        );
        assert_eq!(finding.places[0].path, format!("Contents/Resources/{found}"));
        assert!(of(&advice, BROKEN).is_empty());
    }
}

/// A folder changes the paths of all that is in it.
#[test]
fn folders_and_other_changes() {
    let names = FORMS.map(|form| format!("{form}/a"));
    let built = acme(&[&names[0], &format!("{}/b", FORMS[0])]);
    rename(&resources(&built), FORMS[0], FORMS[1]);
    fs::write(resources(&built).join("new"), b"x").unwrap();
    let advice = built.refused();
    assert_eq!(of(&advice, RULE)[0].places.len(), 2);
    let places: Vec<_> = of(&advice, BROKEN)[0]
        .places
        .iter()
        .map(|place| &*place.path)
        .collect();
    assert_eq!(places, ["Contents/Resources/new"]);
}

#[test]
fn other_letters_are_other_names() {
    for found in ["u.txt", "\u{fa}.txt", "\u{dc}.txt"] {
        let built = acme(&["\u{fc}.txt"]);
        rename(&resources(&built), "\u{fc}.txt", found);
        let advice = built.refused();
        assert!(of(&advice, RULE).is_empty(), "{found}");
        assert_eq!(of(&advice, BROKEN)[0].places.len(), 2);
    }
    // Both forms are there, as they can be on Linux: nothing is missing.
    let built = acme(&["\u{fc}.txt"]);
    fs::write(resources(&built).join("u\u{308}.txt"), b"x").unwrap();
    let advice = built.refused();
    assert!(of(&advice, RULE).is_empty());
    assert_eq!(of(&advice, BROKEN)[0].places.len(), 1);
}
