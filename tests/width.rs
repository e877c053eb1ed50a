//! No line of the report for people is over 80 columns. A path, and a word of a command, is not broken: it must be copied whole.

use std::fs;
use std::path::Path;

use crate::corpus;
use crate::support::program::program;
use crate::support::{copied_app, flip};

/// The main executable of the real app.
const PROGRAM: &str = "Mitmproxy Redirector";
const COLUMNS: usize = 80;

/// The lines of a report about a path in a folder that are too wide.
fn wide(folder: &Path, words: &[&str]) -> Vec<String> {
    let output = program().args(words).current_dir(folder).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(words.contains(&"-q") || !text.is_empty(), "{words:?}");
    let lines = text.lines().filter(|line| line.chars().count() > COLUMNS);
    lines.map(str::to_owned).collect()
}

/// A folder with a good app, and a copy of it with faults.
fn items() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let dist = folder.path().join("dist");
    fs::create_dir(&dist).unwrap();
    copied_app(&dist, "Good.app");
    let broken = copied_app(&dist, "Broken.app");
    flip(&broken.join("Contents/Info.plist"), 120);
    flip(&broken.join("Contents/MacOS").join(PROGRAM), 40_000);
    fs::write(broken.join("Contents/Resources/more.txt"), "more").unwrap();
    folder
}

#[test]
fn reports_fit_into_eighty_columns() {
    let folder = items();
    for operand in ["dist", "dist/Broken.app", "dist/Good.app"] {
        for command in [
            "check",
            "check -v",
            "check -vv",
            "check -q",
            "verify --no-strict",
            "check --require notarized,timestamp --expect-team ABCDE12345 --expect-identifier org.example.app",
            "check --at 2060-01-01",
            "check --target mac-app-store",
        ] {
            let words: Vec<_> = command.split(' ').chain([operand]).collect();
            let wide = wide(folder.path(), &words);
            // A path and a command to be copied are not broken.
            let wide: Vec<_> = wide.iter().filter(|line| !is_unbreakable(line)).collect();
            assert_eq!(wide, [""; 0], "{words:?}");
        }
    }
}

/// Returns true if a line has one word only, after its marks: a path, or a word of a command. The one path with a space in it counts as
/// a word.
fn is_unbreakable(line: &str) -> bool {
    let line = line.replace(PROGRAM, "program");
    let line = line.trim().trim_end_matches(" \\");
    let line = line.trim_start_matches(['✓', '✗', '?', '└', ' ']);
    !line.contains(' ')
}

#[test]
fn only_paths_of_the_corpus_are_wider_than_eighty_columns() {
    let Some(folder) = corpus::unpacked() else {
        return;
    };
    let whole = folder.path().to_str().unwrap();
    for command in ["check", "check -v"] {
        let words: Vec<_> = command.split(' ').chain([whole]).collect();
        let wide = wide(Path::new("/"), &words);
        // Paths have spaces, too: what begins with one, or quotes one, is not a sentence.
        let is_path = |line: &str| {
            let line = line.trim_start_matches(['✓', '✗', '?', '└', ' ', '"']);
            line.starts_with(whole) || line.contains(".xcuserstate")
        };
        let wide: Vec<_> = wide
            .iter()
            .filter(|line| !is_unbreakable(line) && !is_path(line))
            .collect();
        assert_eq!(wide, [""; 0], "{words:?}");
    }
}

/// Commands that show something, and what the program says about itself. Requirements are copied, so their lines are whole; what `inspect`
/// shows stays word for word as `codesign -d` prints it.
#[test]
fn other_commands_and_messages_fit_into_eighty_columns() {
    let folder = items();
    let deep = folder
        .path()
        .join("a folder for what was built on this machine/and another one in it");
    fs::create_dir_all(&deep).unwrap();
    fs::write(
        deep.join("broken.zip"),
        b"PK\x03\x04 and nothing else that a zip has",
    )
    .unwrap();
    let many = [
        "dist",
        "a folder for what was built on this machine",
        "no/such/file/in/this/folder",
    ];
    let commands = [
        "rules",
        "explain -67023",
        "profile",
        "profile -v",
        "verify",
        "verify -v",
        "verify -vv",
        "assess",
        "assess --type install",
        "ticket",
        "ticket -v",
        "check --ignore unused-ignore",
        "check --require notarized",
        "entitlements",
        "requirement show",
        "verify -R identifer",
        "check --forbid-entitlement com.apple.security.get-task-alow",
        "check --config no/such/file/in/this/folder/with/a/long/name/for/a/configuration/sealcheck.toml",
    ];
    for command in commands {
        let words = command.split(' ');
        let reads_code = !command.starts_with("rules") && !command.starts_with("explain");
        let operands = many.iter().filter(|_| reads_code).copied();
        let words: Vec<&str> = words.chain(operands).collect();
        let output = program()
            .args(&words)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert!(!text.is_empty(), "{command}");
        let is_requirement = |line: &str| line.contains("designated => ") || line.starts_with("anchor ");
        let wide: Vec<&str> = text
            .lines()
            .filter(|line| line.chars().count() > COLUMNS && !is_unbreakable(line) && !is_requirement(line))
            .collect();
        assert_eq!(wide, [""; 0], "{command}");
    }
}
