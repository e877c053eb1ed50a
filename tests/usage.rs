//! The examples of `docs/ci.md` for a plain shell run as they stand, and the files for pipelines name what exists.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::support::program::{install, program};
use crate::support::{notice, project, real_app};

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
        assert!(!text.contains("OWNER/"), "{file}");
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

/// The script of one step of `action.yml`.
fn step(name: &str) -> String {
    let text = fs::read_to_string(project().join("action.yml")).unwrap();
    let step = text.split(&format!("- name: {name}\n")).nth(1).unwrap();
    let script = step.split("      run: |\n").nth(1).unwrap();
    let lines = script.lines().map_while(|line| line.strip_prefix("        "));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Runs a script as a step of GitHub Actions runs, with commands of this test before all others.
fn run_step(
    script: &str,
    folder: &Path,
    commands: &Path,
    variables: &[(&str, &str)],
) -> (Option<i32>, String) {
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script])
        .env("PATH", format!("{}:{path}", commands.display()))
        .envs(variables.iter().copied())
        .current_dir(folder)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn write_command(folder: &Path, name: &str, script: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Patterns are expanded, names and arguments keep their blanks and quotes, and nothing in them is run.
#[test]
fn the_action_passes_paths_and_arguments_as_they_are_meant() {
    let folder = tempfile::tempdir().unwrap();
    let commands = tempfile::tempdir().unwrap();
    write_command(commands.path(), "sealcheck", "printf '<%s>' \"$@\"");
    for name in ["a b.zip", "c.zip", "d[1].app"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let called = |paths: &str, arguments: &str, output: &str| {
        let variables = [
            ("PATHS", paths),
            ("ARGUMENTS", arguments),
            ("OUTPUT", output),
            ("FORMAT", "sarif"),
        ];
        run_step(&step("Check"), folder.path(), commands.path(), &variables)
    };
    let good = |words: &str| (Some(0), format!("<check><--format><sarif>{words}"));
    assert_eq!(called("c.zip", "", ""), good("<--><c.zip>"));
    assert_eq!(
        called(
            "*.zip\nd[1].app\n",
            "--expect-team 'A B' --ignore \"x\\y\" \\$HOME $(touch run)",
            "out file"
        ),
        good(
            "<--output><out file><--expect-team><A B><--ignore><x\\y><$HOME><$(touch><run)><--><a b.zip><c.zip><d[1].app>"
        )
    );
    assert!(!folder.path().join("run").exists());
    // What does not exist is named, so that the run fails.
    assert_eq!(called("none/*.app", "", ""), good("<--><none/*.app>"));
    assert_eq!(called("c.zip", "'open", "").0, Some(2));
}

/// A published program is taken only with its own digest; where none is published, the program is built.
#[test]
fn the_action_installs_the_published_program_or_builds_it() {
    let run = |has_release: bool, is_changed: bool, version: &str| {
        let folder = tempfile::tempdir().unwrap();
        let commands = tempfile::tempdir().unwrap();
        let releases = folder.path().join("releases/v0.1.0");
        fs::create_dir_all(&releases).unwrap();
        let copy = "for last; do :; done; while [ \"$1\" != --output ]; do shift; done; cp \"$last\" \"$2\"";
        write_command(commands.path(), "curl", copy);
        write_command(
            commands.path(),
            "cargo",
            "mkdir -p \"$8/bin\"; echo built > \"$8/bin/sealcheck\"",
        );
        if has_release {
            let script = "echo published > sealcheck; tar -czf sealcheck-x.tar.gz sealcheck; shasum -a 256 sealcheck-x.tar.gz > sealcheck-x.tar.gz.sha256";
            assert_eq!(run_step(script, &releases, commands.path(), &[]).0, Some(0));
        }
        if is_changed {
            fs::write(releases.join("sealcheck-x.tar.gz"), "another").unwrap();
        }
        let releases = folder.path().join("releases").display().to_string();
        let variables = [
            ("TAG", "v0.1.0"),
            ("TARGET", "x"),
            ("FOLDER", "installed"),
            ("VERSION", version),
            ("RELEASES", &releases),
            ("SOURCE", "."),
            ("GITHUB_PATH", "paths"),
        ];
        let (status, _) = run_step(
            &step("Install sealcheck"),
            folder.path(),
            commands.path(),
            &variables,
        );
        let program = fs::read_to_string(folder.path().join("installed/sealcheck"));
        (status, program.unwrap_or_default())
    };
    if Command::new("shasum").arg("--version").output().is_err() {
        notice("shasum is missing; the installation of the action is not tested");
        return;
    }
    assert_eq!(run(true, false, ""), (Some(0), "published\n".to_owned()));
    assert_eq!(run(false, false, ""), (Some(0), "built\n".to_owned()));
    assert_eq!(run(true, true, ""), (Some(1), String::new()));
    // A version that is asked for is not replaced by another.
    assert_eq!(run(false, false, "0.1.0"), (Some(2), String::new()));
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
