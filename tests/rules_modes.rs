//! Rules about modes and names of files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sealcheck::finding::Severity::Warning;

use crate::support::foundry::{app, of};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn modes_of_files() {
    let text = "Contents/Resources/a.txt";
    for (rule, mode, harmless, message) in [
        (
            "world-writable",
            0o646,
            0o664,
            "1 file may be changed by every user",
        ),
        (
            "setuid-bits",
            0o4644,
            0o1644,
            "1 file with a setuid or setgid bit",
        ),
        ("setuid-bits", 0o2644, 0o744, "1 file with a setuid or setgid bit"),
        (
            "unreadable-files",
            0o640,
            0o444,
            "1 file cannot be read by other users",
        ),
    ] {
        let built = app("com.example.acme").file("Resources/a.txt", b"a").built();
        let mut all = Vec::new();
        files(&built.path, &mut all);
        // Whatever the umask here is.
        for path in &all {
            let is_program = path.ends_with("MacOS/acme");
            set_mode(path, if is_program { 0o755 } else { 0o644 });
        }
        assert!(of(&built.advice(None), rule).is_empty(), "{rule}");
        set_mode(&built.path.join(text), harmless);
        assert!(of(&built.advice(None), rule).is_empty(), "{rule}");
        set_mode(&built.path.join(text), mode);
        let advice = built.advice(None);
        let [found] = of(&advice, rule)[..] else {
            panic!("{advice:#?}");
        };
        assert_eq!((found.severity, found.message.as_str()), (Warning, message));
        assert_eq!((found.path.as_str(), found.places[0].path.as_str()), (text, text));
        // A file system that keeps no modes.
        for path in &all {
            set_mode(path, mode);
        }
        let advice = built.advice(None);
        assert!(of(&advice, rule).is_empty(), "{rule}");
        assert!(
            advice.unknown.iter().any(|unknown| unknown.rule == rule),
            "{rule}"
        );
    }
}

#[test]
fn names_that_travel() {
    let rule = "path-names";
    let with = |name: &str| {
        app("com.example.acme")
            .file(&format!("Resources/{name}"), b"a")
            .advice()
    };
    assert!(of(&with("Ä ☃ (1).txt"), rule).is_empty());
    for (name, note) in [("a:b", "colon"), ("a\u{7f}b", "control character")] {
        let advice = with(name);
        let [found] = of(&advice, rule)[..] else {
            panic!("{advice:#?}");
        };
        assert_eq!(found.severity, Warning);
        assert_eq!(found.places[0].note, note);
    }
}
