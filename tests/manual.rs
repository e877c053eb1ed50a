//! Completions and manual pages, and what the program says to mistyped words.

use std::fs;
use std::process::Command;

use crate::command_line::{sealcheck, stdout};
use crate::support::{flat, notice};

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = sealcheck(&["completions", shell]);
        let script = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        for word in ["inspect", "entitlements", "expect-team"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        // Two of the scripts know no values.
        let knows_values = ["bash", "zsh", "fish"].contains(&shell);
        assert_eq!(script.contains("mac-app-store"), knows_values, "{shell}");
    }
    assert_eq!(sealcheck(&["completions", "tcsh"]).status.code(), Some(2));
}

/// Bash itself completes a command and the value of an option.
#[test]
fn bash_completes() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("sealcheck.bash");
    fs::write(&script, stdout(&sealcheck(&["completions", "bash"]))).unwrap();
    let complete = |words: &str, current: usize| {
        let program = format!(
            "source '{}'; COMP_WORDS=({words}); COMP_CWORD={current}; \
             _sealcheck sealcheck \"${{COMP_WORDS[$COMP_CWORD]}}\" \"${{COMP_WORDS[$COMP_CWORD-1]}}\"; \
             echo \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        Command::new("bash")
            .args(["--norc", "-c", &program])
            .output()
            .map(|output| stdout(&output))
    };
    let Ok(command) = complete("sealcheck ent", 1) else {
        notice("no bash, completions not tried");
        return;
    };
    assert_eq!(command, "entitlements\n");
    assert_eq!(complete("sealcheck verify --format s", 3).unwrap(), "sarif\n");
}

#[test]
fn a_manual_page_for_each_command() {
    let page = stdout(&sealcheck(&["man"]));
    assert!(page.contains(".TH sealcheck 1"), "{page}");
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let output = sealcheck(&["man".as_ref(), "--directory".as_ref(), pages.as_os_str()]);
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("", Some(0)));
    let read = |name: &str| fs::read_to_string(pages.join(name)).unwrap();
    assert_eq!(read("sealcheck.1"), page);
    assert!(read("sealcheck-check.1").contains("write\\-baseline"));
    assert!(read("sealcheck-requirement-test.1").contains("satisfies a requirement"));
    assert!(!pages.join("sealcheck-help.1").exists());
}

#[test]
fn mistyped_words_are_answered_with_the_right_ones() {
    for (words, answer) in [
        (&["check", "--fromat", "json", "x"][..], "'--format'"),
        (&["check", "--format", "jsno", "x"], "'json'"),
        (&["requirement", "tset", "x", "x"], "'test'"),
        (&["--expect-taem", "ABCDE12345", "x"], "'--expect-team'"),
        (&["explain", "adhoc-singed"], "adhoc-signed"),
        (&["--ignore", "adhoc-singed", "x"], "adhoc-signed"),
        (&["completions", "fsih"], "'fish'"),
    ] {
        let output = sealcheck(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(answer), "{words:?}: {said}");
    }
    // Without a command, a word is a path; what only a mistyped command can be is told.
    let output = sealcheck(&["verfiy", "x"]);
    assert_eq!(output.status.code(), Some(4));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(flat(&said).contains("is the command verify meant?"), "{said}");
}
