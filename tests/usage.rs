//! The examples of `docs/ci.md` for a plain shell run as they stand, and the files for pipelines name what exists.

use std::fs;
use std::process::Command;

use crate::support::program::{install, program};
use crate::support::{project, real_app};

/// The code blocks of one language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mark = format!("```{language}\n");
    page.split(mark.as_str())
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_shell_examples_run() {
    let page = fs::read_to_string(project().join("docs/ci.md")).unwrap();
    let examples = blocks(&page, "sh");
    assert!(examples.len() >= 4, "{} examples", examples.len());
    let folder = tempfile::tempdir().unwrap();
    let commands = tempfile::tempdir().unwrap();
    install(commands.path());
    let path = std::env::join_paths(
        std::iter::once(commands.path().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    for example in examples {
        let output = Command::new("sh")
            .args(["-e", "-c", &example])
            .env("PATH", &path)
            .env("APP", real_app())
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{example}\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let report = fs::read_to_string(folder.path().join("report.json")).unwrap();
    assert!(report.contains("\"schema_version\": 1"));
    assert!(
        fs::read_to_string(folder.path().join("report.txt"))
            .unwrap()
            .contains("problems")
    );
}

/// Every line that calls sealcheck in the files for pipelines uses options that exist.
#[test]
fn the_files_for_pipelines_use_options_that_exist() {
    let help = program().args(["check", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let mut calls = 0;
    for file in ["action.yml", ".pre-commit-hooks.yaml", "docs/ci.md"] {
        let text = fs::read_to_string(project().join(file)).unwrap();
        for line in text.lines().filter(|line| line.contains("sealcheck check")) {
            calls += 1;
            let call = line.split("sealcheck check").nth(1).unwrap();
            for word in call.split_whitespace().filter(|word| word.len() > 2) {
                // In an expansion of the shell, too.
                if let Some(option) = word.strip_prefix("--").or_else(|| word.split(":+--").nth(1)) {
                    assert!(help.contains(&format!("--{option}")), "{file}: --{option}");
                }
            }
        }
    }
    assert!(calls >= 4);
}

/// Returns all files with source text below a folder.
fn sources(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Under emulation the program needs words before it, which only one file adds.
#[test]
fn the_program_is_started_in_one_place() {
    let mut files = Vec::new();
    sources(&project().join("tests"), &mut files);
    let mark = concat!("CARGO_BIN_EXE", "_sealcheck");
    let naming: Vec<_> = files
        .iter()
        .filter(|file| fs::read_to_string(file).unwrap().contains(mark))
        .map(|file| file.strip_prefix(project()).unwrap().to_str().unwrap())
        .collect();
    assert_eq!(naming, ["tests/support/program.rs"]);
}
