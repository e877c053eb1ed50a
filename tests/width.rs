//! No line of the report for people is over 80 columns. A path, and a word of a command, is not broken: it must be copied whole.

use std::fs;
use std::path::Path;

use crate::corpus;
use crate::support::program::program;
use crate::support::{flip, project};

const COLUMNS: usize = 80;

/// The lines of a report about a path in a folder that are too wide.
fn wide(folder: &Path, words: &[&str]) -> Vec<String> {
    let output = program().args(words).current_dir(folder).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(words.contains(&"-q") || !text.is_empty(), "{words:?}");
    let lines = text.lines().filter(|line| line.chars().count() > COLUMNS);
    lines.map(str::to_owned).collect()
}

/// A folder with a good app, a copy of it with faults, and a tool with many.
fn items() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let status = std::process::Command::new("cp")
        .arg("-R")
        .args([project().join("testdata/bundles"), folder.path().join("dist")])
        .status();
    assert!(status.unwrap().success());
    let good = folder.path().join("dist/Mitmproxy Redirector.app");
    let broken = folder.path().join("dist/Broken.app");
    let status = std::process::Command::new("cp")
        .arg("-R")
        .args([&good, &broken])
        .status();
    assert!(status.unwrap().success());
    flip(&broken.join("Contents/Info.plist"), 120);
    flip(&broken.join("Contents/MacOS/Mitmproxy Redirector"), 40_000);
    fs::write(broken.join("Contents/Resources/more.txt"), "more").unwrap();
    folder
}

#[test]
fn reports_fit_into_eighty_columns() {
    let folder = items();
    for operand in ["dist", "dist/Broken.app", "dist/Mitmproxy Redirector.app"] {
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

/// Returns true if the line has one path only, or one word of a command.
fn is_unbreakable(line: &str) -> bool {
    let line = line.trim().trim_end_matches(" \\");
    let line = line.trim_start_matches(['✓', '✗', '?', '└', ' ']);
    line.contains('/') && (!line.contains(' ') || line.contains("Mitmproxy Redirector") || is_item(line))
}

/// Returns true if the line is a path of the corpus with spaces in it.
fn is_item(line: &str) -> bool {
    !line.contains(": ") && !line.contains("  ") && Path::new(line).is_absolute()
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
        let wide: Vec<_> = wide
            .iter()
            .filter(|line| {
                !is_unbreakable(line) && !line.contains(whole) && !line.trim().contains(".xcuserstate")
            })
            .collect();
        assert_eq!(wide, [""; 0], "{words:?}");
    }
}
