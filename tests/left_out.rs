//! Items that a configuration leaves out: `[[ignore]]` with an item and without a rule. What is left out is reported, and nothing
//! becomes good by it that was not judged.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::command_line::stdout;
use crate::support::bundle::acme;
use crate::support::container::disk_image;
use crate::support::program::program;
use crate::support::zip::{members, zip};
use crate::support::{flat, flip, real_app};

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout: out,
        stderr,
    } = program()
        .args(["check", "--at", "2026-11-24"])
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(out), text(stderr))
}

/// A good app, a disk image that is not read, and an archive with a broken app.
fn dist(folder: &Path) {
    let dist = folder.join("dist");
    fs::create_dir(&dist).unwrap();
    crate::items::copy(&real_app(), &dist.join("Good.app"));
    fs::write(dist.join("Acme.dmg"), disk_image()).unwrap();
    let broken = tempfile::tempdir().unwrap();
    let built = acme(broken.path());
    flip(&built.join("Contents/Resources/config.json"), 0);
    fs::write(dist.join("Broken.zip"), zip(&members(&built))).unwrap();
}

fn ignore(item: &str) -> String {
    format!("[[ignore]]\nitem = \"{item}\"\nreason = \"checked on a Mac\"\n")
}

#[test]
fn what_is_left_out_is_reported_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dist(folder);
    let config = folder.join("sealcheck.toml");
    assert_eq!(run(folder, &["dist"]).0, Some(1));
    // A broken item that stays decides as before.
    fs::write(&config, ignore("*.dmg")).unwrap();
    let (status, out, error) = run(folder, &["dist"]);
    assert_eq!(status, Some(1), "{out}");
    let line = "sealcheck: dist/Acme.dmg: left out: checked on a Mac (sealcheck.toml:1)\n";
    assert_eq!(error, line);
    assert!(out.ends_with("; 1 left out\n"), "{out}");
    // An archive stands for what is in it; the place counts as well as the name.
    for archive in ["Broken.zip", "Broken.zip/**", "Acme.app", "*/Acme.app"] {
        fs::write(&config, ignore("Acme.dmg") + &ignore(archive)).unwrap();
        let (status, out, error) = run(folder, &["--format", "json", "dist"]);
        assert_eq!(status, Some(0), "{archive}: {out}{error}");
        let report: Value = serde_json::from_str(&out).unwrap();
        let paths = report["left_out"].as_array().unwrap().iter();
        let paths: Vec<_> = paths.map(|left_out| left_out["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["dist/Acme.dmg", "dist/Broken.zip/Acme.app"], "{archive}");
        assert_eq!(report["left_out"][0]["reason"], "checked on a Mac");
        assert_eq!(report["left_out"][1]["origin"], "sealcheck.toml:4");
        assert_eq!(report["summary"]["left_out"], 2);
        assert_eq!(report["items"].as_array().unwrap().len(), 1);
    }
    // Every other format says so on standard error.
    for format in ["human", "jsonl", "sarif", "junit", "github", "gitlab", "markdown"] {
        let (status, _, error) = run(folder, &["-q", "--format", format, "dist"]);
        assert_eq!(status, Some(0), "{format}");
        assert_eq!(error.matches(": left out: ").count(), 2, "{format}: {error}");
    }
}

#[test]
fn what_is_left_out_is_never_good() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dist(folder);
    let config = folder.join("sealcheck.toml");
    // Nothing is left.
    fs::write(&config, ignore("*")).unwrap();
    let (status, _, error) = run(folder, &["dist"]);
    assert_eq!(status, Some(4));
    assert!(
        error.ends_with("sealcheck: all items are left out, so nothing was judged\n"),
        "{error}"
    );
    // The command line names the item itself.
    for operand in ["dist/Acme.dmg", "dist/Broken.zip"] {
        // Nothing else is in the archive.
        let (status, _, error) = run(folder, &[operand]);
        assert_eq!(status, Some(4), "{operand}: {error}");
    }
    // It ends on its day, and an entry that matches nothing is reported.
    let ended = format!("{}expires = 2026-11-24\n", ignore("*.dmg"));
    fs::write(&config, ended + &ignore("*.iso")).unwrap();
    let (status, _, error) = run(folder, &["dist"]);
    assert_eq!(status, Some(1));
    assert!(
        flat(&error).contains("sealcheck.toml:1: this ignore has ended and leaves nothing out"),
        "{error}"
    );
    assert!(
        flat(&error).contains("sealcheck.toml:5: no item of the run is called"),
        "{error}"
    );
}

/// The file in the working folder cannot change what the command line demands; one that the command line names can.
#[test]
fn no_item_escapes_a_demand() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dist(folder);
    fs::remove_file(folder.join("dist/Broken.zip")).unwrap();
    let config = folder.join("sealcheck.toml");
    fs::write(&config, ignore("*.dmg")).unwrap();
    assert_eq!(run(folder, &["dist"]).0, Some(0));
    for demand in [
        ["--require", "notarized"],
        ["--expect-team", "S8XHQB96PW"],
        ["-R", "=anchor apple generic"],
    ] {
        let (status, _, error) = run(folder, &[&demand[..], &["dist"]].concat());
        assert_eq!(status, Some(4), "{demand:?}: {error}");
        assert!(
            error.contains("sealcheck.toml:1: this ignore of an item does not count"),
            "{error}"
        );
        let named = ["--config", "sealcheck.toml", "dist"];
        let (status, _, error) = run(folder, &[&demand[..], &named].concat());
        assert_eq!(status, Some(0), "{demand:?}: {error}");
    }
    let text = stdout(
        &program()
            .args(["explain", "container-not-read"])
            .output()
            .unwrap(),
    );
    assert!(text.contains("[[ignore]]"), "{text}");
}

/// An entry is one too many only where an item that it means would have been found.
#[test]
fn an_entry_about_something_else_is_not_called_unused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dist(folder);
    fs::create_dir(folder.join("other")).unwrap();
    fs::copy(folder.join("dist/Acme.dmg"), folder.join("other/Acme.iso")).unwrap();
    fs::copy(folder.join("dist/Acme.dmg"), folder.join("Top.dmg")).unwrap();
    let config = folder.join("sealcheck.toml");
    let warns = |item: &str, operands: &[&str]| {
        fs::write(&config, ignore(item)).unwrap();
        run(folder, operands).2.contains("no item of the run is called")
    };
    // No folder is looked into, or the command line names the item itself.
    assert!(!warns("*.iso", &["dist/Good.app"]));
    assert!(!warns("Acme.dmg", &["dist/Acme.dmg", "other"]));
    // It is in another folder, or beside the folders that are looked into.
    assert!(!warns("other/Acme.iso", &["dist"]));
    assert!(!warns("other/**", &["dist"]));
    assert!(!warns("Top.dmg", &["dist"]));
    // Mistakes.
    assert!(warns("Acme.dgm", &["dist"]));
    assert!(warns("other/Acme.dmg", &["dist"]));
    assert!(warns("dist/Acme.iso", &["dist", "other"]));
    assert!(!warns("*.iso", &["dist"]));
    assert!(warns("*.xip", &["dist"]));
}

/// The path of an item may be written from the working folder, however the command line names the folder.
#[test]
fn an_item_is_named_by_its_path_from_the_working_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dist(folder);
    fs::remove_file(folder.join("dist/Broken.zip")).unwrap();
    fs::write(folder.join("sealcheck.toml"), ignore("dist/Acme.dmg")).unwrap();
    for operand in ["dist", "./dist", "."] {
        let (status, _, error) = run(folder, &[operand]);
        assert_eq!(status, Some(0), "{operand}: {error}");
        assert!(!error.contains("matches no item"), "{operand}: {error}");
    }
}
