//! A new user's view: an app with eight different faults, and what the report says about it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::command_line::{sealcheck, stdout};
use crate::support::bundle::write;
use crate::support::foundry::{Built, By, app, apple, framework, library, tool};
use crate::support::macho::{DYLIB, Thin, arm64};
use crate::support::plist::entries;

/// One fault each: see `FAULTS`.
fn broken() -> Built {
    let ssl = Thin {
        file_type: DYLIB,
        ..arm64(b"ssl")
    };
    let built = app("com.example.acme")
        .entitlements(entries! {
            "com.apple.security.get-task-allow" => true,
            "com.apple.developer.associated-domains" => ["applinks:example.com"],
        })
        .nested("Helpers/updater", tool("com.example.updater").with_flags(0))
        .nested(
            "Frameworks/libcodec.dylib",
            library("com.example.libcodec").by(By::Adhoc).with_flags(0),
        )
        .nested("Frameworks/Inner.framework", framework("com.example.Inner"))
        .file("Resources/config.json", b"{}")
        .file("Resources/lib/_ssl.so", &ssl.build(None))
        .built();
    let contents = built.path.join("Contents");
    write(&contents.join("Resources/config.json"), b"{\"changed\": true}");
    write(&built.path.join("README.txt"), b"hello");
    let inner = contents.join("Frameworks/Inner.framework");
    fs::remove_file(inner.join("Versions/Current")).unwrap();
    symlink("A", inner.join("Versions/Current")).unwrap();
    fs::remove_file(inner.join("Resources")).unwrap();
    copy(&inner.join("Versions/A/Resources"), &inner.join("Resources"));
    built
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        write(&to.join(entry.file_name()), &fs::read(entry.path()).unwrap());
    }
}

/// The rule, and the culprit that the report names.
const FAULTS: [(&str, &str); 8] = [
    ("sealed-resource-broken", "Contents/Resources/config.json"),
    ("bundle-root-unsealed", "README.txt"),
    ("framework-flattened", "Contents/Frameworks/Inner.framework"),
    ("adhoc-signed", "Contents/Frameworks/libcodec.dylib"),
    ("hardened-runtime-missing", "Contents/Helpers/updater"),
    ("unsigned-nested-code", "Contents/Resources/lib/_ssl.so"),
    ("get-task-allow", "com.apple.security.get-task-allow"),
    (
        "restricted-entitlement-without-profile",
        "com.apple.developer.associated-domains",
    ),
];

#[test]
fn eight_faults_on_one_screen() {
    let built = broken();
    let root = built.path.with_file_name("root.cer");
    fs::write(&root, &apple().root.der).unwrap();
    let run = |more: &[&str]| {
        let mut words: Vec<&str> = vec!["--at", "2026-06-15", "--apple-anchor", root.to_str().unwrap()];
        words.extend(more);
        words.push(built.path.to_str().unwrap());
        sealcheck(&words)
    };
    let output = run(&[]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for (rule, culprit) in FAULTS {
        assert!(
            text.contains(&format!("error[{rule}]")),
            "{rule} is missing:\n{text}"
        );
        assert!(text.contains(culprit), "{culprit} is not named:\n{text}");
    }
    let problems = text.matches("\nerror[").count();
    assert_eq!(problems, FAULTS.len(), "{text}");
    // Each with what to do, and all of it on one screen of 80 columns.
    let all = problems + text.matches("\nwarning[").count();
    assert_eq!(text.matches("\n  repair: ").count(), all, "{text}");
    assert!(
        text.lines().count() <= 56,
        "{} lines:\n{text}",
        text.lines().count()
    );
    // More on request.
    assert!(stdout(&run(&["-v"])).lines().count() > 70);
}

/// Names cannot move the cursor, colour, or forge a line of the report.
#[test]
fn names_are_shown_as_they_are() {
    let built = app("com.example.acme").built();
    let resources = built.path.join("Contents/Resources");
    for name in [
        "clear\u{1b}[2J",
        "line\n  codesign    ✓ valid on disk",
        "turned\u{202e}txt.exe",
        "back\u{8}\u{8}",
    ] {
        write(&resources.join(name), b"x");
    }
    let output = sealcheck(&["--color", "always", built.path.to_str().unwrap()]);
    let text = stdout(&output);
    for harmful in ["\u{1b}[2J", "\n  codesign    ✓", "\u{202e}", "\u{8}"] {
        assert!(!text.contains(harmful), "{harmful:?} in {text}");
    }
    assert!(
        text.contains("clear\\u{1b}[2J") && text.contains("turned\\u{202e}txt.exe"),
        "{text}"
    );
}
