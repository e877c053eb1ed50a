//! Folders and archives as operands: everything in them that a Mac user would open is judged, or is named as not judged.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::command_line::{sealcheck, stdout};
use crate::formats::FORMATS;
use crate::support::archive::{gzip, tar, tar_file};
use crate::support::bundle::acme;
use crate::support::container::{disk_image, package, tarball, volume};
use crate::support::foundry::{By, app, tool};
use crate::support::macho::{Thin, arm64, universal};
use crate::support::signature::{Bound, adhoc};
use crate::support::zip::{Member, members, zip};
use crate::support::{flip, real_app};

pub fn run(command: &str, more: &[&str], path: &Path) -> Output {
    let first = [command, "--at", "2026-11-24"];
    let mut arguments: Vec<OsString> = first.iter().chain(more).map(OsString::from).collect();
    arguments.push(path.as_os_str().to_owned());
    sealcheck(&arguments)
}

fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    format!("{}{errors}", stdout(output))
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A good app, an archive with a broken one, and three containers that cannot be opened.
fn dist(folder: &Path) {
    copy(&real_app(), &folder.join("Good.app"));
    fs::write(folder.join("Acme.dmg"), disk_image()).unwrap();
    fs::write(folder.join("Acme.pkg"), package()).unwrap();
    fs::write(folder.join("Acme.tar.gz"), tarball()).unwrap();
    let broken = tempfile::tempdir().unwrap();
    let built = acme(broken.path());
    flip(&built.join("Contents/Resources/config.json"), 0);
    fs::write(folder.join("Broken.zip"), zip(&members(&built))).unwrap();
}

const NAMES: [&str; 5] = [
    "Good.app",
    "Broken.zip/Acme.app",
    "Acme.dmg",
    "Acme.pkg",
    "Acme.tar.gz",
];

/// The items of a report in JSON by their paths in the folder: valid, container, exit status of the run.
pub fn items(output: &Output, folder: &Path) -> Vec<(String, Value)> {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let items = report["items"].as_array().unwrap();
    let prefix = format!("{}/", folder.display());
    items
        .iter()
        .map(|item| {
            let path = item["path"].as_str().unwrap();
            (
                path.strip_prefix(&prefix).unwrap_or(path).to_owned(),
                item.clone(),
            )
        })
        .collect()
}

fn paths(folder: &Path) -> Vec<String> {
    let output = run("check", &["--format", "json", "--target", "local"], folder);
    items(&output, folder).into_iter().map(|(path, _)| path).collect()
}

/// A folder passes only if everything in it was judged: `codesign` and Gatekeeper judge each container that a user opens.
#[test]
fn a_folder_passes_only_if_everything_in_it_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dist");
    dist(&path);
    let formats = FORMATS;
    let check = |status: i32, names: &[&str]| {
        for command in ["check", "verify", "assess"] {
            for format in formats {
                let output = run(command, &["--format", format], &path);
                let text = said(&output).replace("%20", " ");
                assert_eq!(output.status.code(), Some(status), "{command} {format}: {text}");
                for name in names {
                    // Annotations and issues are about problems only.
                    let is_left_out = format.starts_with("git") && *name == "Good.app";
                    // The folder of an item and its path in it stand apart.
                    assert!(
                        text.contains(name) || is_left_out,
                        "{command} {format}: {name} in {text}"
                    );
                }
            }
            let output = run(command, &["-q"], &path);
            let text = said(&output);
            assert_eq!(output.status.code(), Some(status), "{command} -q: {text}");
            if status == 0 {
                assert_eq!(text, "", "{command} -q");
                continue;
            }
            for name in names {
                assert!(text.contains(name), "{command} -q: {name} in {text}");
            }
        }
        // Also where a proof is demanded that the good app has.
        let required = run("check", &["--require", "notarized"], &path);
        assert_eq!(required.status.code(), Some(status));
    };
    check(1, &NAMES);
    fs::remove_file(path.join("Broken.zip")).unwrap();
    check(4, &["Good.app", "Acme.dmg", "Acme.pkg", "Acme.tar.gz"]);
    for name in ["Acme.dmg", "Acme.pkg", "Acme.tar.gz"] {
        fs::remove_file(path.join(name)).unwrap();
    }
    check(0, &["Good.app"]);
}

/// What is not judged is an item like others in every format: neither valid nor accepted, and counted as such.
#[test]
fn a_container_that_is_not_opened_is_an_item() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dist");
    dist(&path);
    fs::remove_file(path.join("Broken.zip")).unwrap();
    for command in ["check", "verify", "assess"] {
        let output = run(command, &["--format", "json"], &path);
        for (name, container) in [("Acme.dmg", "dmg"), ("Acme.pkg", "pkg"), ("Acme.tar.gz", "tar")] {
            let items = items(&output, &path);
            let (_, item) = items.iter().find(|(path, _)| path == name).unwrap();
            assert_eq!(item["container"], container, "{command}");
            assert_eq!(item["parent"], Value::Null);
            let codesign = &item["codesign"];
            assert_eq!(
                (&codesign["valid"], &codesign["status"]),
                (&Value::Null, &Value::Null)
            );
            assert_eq!(codesign["status_name"], "not-judged", "{command}");
            assert_eq!(item["gatekeeper"]["accepted"], Value::Null);
            for message in [&codesign["message"], &item["gatekeeper"]["message"]] {
                let message = message.as_str().unwrap();
                assert!(message.starts_with("not "), "{command} {message}");
            }
            assert_eq!(item["code"], Value::Array(Vec::new()));
        }
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let summary = &report["summary"];
        assert_eq!(
            (
                &summary["items"],
                &summary["good"],
                &summary["failed"],
                &summary["not_judged"]
            ),
            (&4.into(), &1.into(), &0.into(), &3.into()),
            "{command}"
        );
        assert_eq!(report["unreadable"], Value::Array(Vec::new()));
        let text = stdout(&run(command, &[], &path));
        assert!(
            text.contains("4 items: 1 good, 3 not judged"),
            "{command}: {text}"
        );
    }
    // A test case that has not passed.
    let text = stdout(&run("verify", &["--format", "junit"], &path));
    assert_eq!(
        text.matches("<error ").count() + text.matches("<skipped ").count(),
        3,
        "{text}"
    );
    let log: Value = serde_json::from_slice(&run("check", &["--format", "sarif"], &path).stdout).unwrap();
    let run = &log["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let results = run["results"].as_array().unwrap();
    let count = results
        .iter()
        .filter(|result| result["ruleId"] == "container-not-read");
    assert_eq!(count.count(), 3);
}

/// The contents show what a file is, the name is a second sign (`hdiutil`'s trailer, xar, ustar, and others).
#[test]
fn containers_are_recognized_by_their_contents() {
    let tar = tar(&[tar_file("file", b"contents")]);
    let mut swapped = package();
    swapped.extend(disk_image());
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("Acme.dmg", disk_image(), "dmg"),
        ("Acme", disk_image(), "dmg"),
        ("picture.png", disk_image(), "dmg"),
        ("polyglot.pkg", swapped, "dmg"),
        ("encrypted", b"encrcdsa and more".to_vec(), "dmg"),
        ("old", b"sprs and more".to_vec(), "dmg"),
        ("apfs", volume(32, b"NXSB"), "dmg"),
        ("gpt", volume(512, b"EFI PART"), "dmg"),
        ("hfs", volume(1024, b"H+\0\x04"), "dmg"),
        ("disc.bin", volume(32_768, b"\x01CD001\x01"), "dmg"),
        ("named.iso", b"anything".to_vec(), "dmg"),
        // Cut short on the way: it is damaged, not harmless.
        ("empty.dmg", Vec::new(), "dmg"),
        ("empty.pkg", Vec::new(), "pkg"),
        ("empty.tar.gz", Vec::new(), "tar"),
        ("Acme.pkg", package(), "pkg"),
        ("Acme.mpkg", package(), "pkg"),
        ("Xcode.xip", package(), "xip"),
        ("renamed", package(), "xar"),
        ("Acme.tar", tar.clone(), "tar"),
        ("Acme", tar.clone(), "tar"),
        ("Acme.tgz", gzip(&tar), "tar"),
        ("Acme.gz", gzip(&tar), "tar"),
        ("Acme.tar.xz", b"\xfd7zXZ\0more".to_vec(), "tar"),
        ("Acme.tar.bz2", b"BZh91AY&SYmore".to_vec(), "tar"),
        ("Acme.tar.zst", b"\x28\xb5\x2f\xfdmore".to_vec(), "tar"),
        ("Acme.xz", b"\xfd7zXZ\0more".to_vec(), "xz"),
        ("Acme.7z", b"7z\xbc\xaf\x27\x1cmore".to_vec(), "7z"),
        ("Acme.aar", b"AA01more".to_vec(), "aar"),
        ("payload", b"pbzxmore".to_vec(), "aar"),
        ("Acme.cpgz", gzip(b"070707 and so on"), "cpio"),
        ("tool.gz", gzip(&arm64(b"code").build(None)), "gz"),
        ("Acme.dmg.gz", gzip(b"xar!more"), "gz"),
    ];
    for (name, bytes, container) in cases {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), bytes).unwrap();
        for operand in [folder.path().to_owned(), folder.path().join(name)] {
            let output = run("check", &["--format", "json"], &operand);
            assert_eq!(output.status.code(), Some(4), "{name}: {}", said(&output));
            let items = items(&output, folder.path());
            let [(path, item)] = &items[..] else {
                panic!("{name}: {items:?}");
            };
            assert_eq!(
                (path.as_str(), &item["container"]),
                (name, &container.into()),
                "{name}"
            );
        }
    }
}

/// What no Mac runs or opens as a container stays out, and `-v` names it with the reason.
#[test]
fn what_is_harmless_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    tool("org.example.tool").by(By::Adhoc).write(&path.join("tool"));
    let object = Thin {
        file_type: 1,
        ..arm64(b"code")
    };
    let symbols = Thin {
        file_type: 10,
        ..arm64(b"code")
    };
    let mut class = b"\xca\xfe\xba\xbe\0\0\0\x34\0\x1d".to_vec();
    class.extend(
        [[0x0a, 0, 6, 0, 0x0f], [9, 0, 0x10, 0, 0x11]]
            .concat()
            .repeat(400),
    );
    for (name, bytes) in [
        ("notes.txt", b"notes".to_vec()),
        ("empty", Vec::new()),
        ("empty.tar", vec![0; 1024]),
        ("notes.gz", gzip(b"notes")),
        ("notes.zip", zip(&[Member::file("notes.txt", b"notes")])),
        ("program.elf", b"\x7fELF and more".to_vec()),
        ("file.o", object.build(None)),
        ("Main.class", class),
        ("._Acme.dmg", b"\0\x05\x16\x07\0\x02\0\0".to_vec()),
        ("install.sh", b"#!/bin/sh\n".to_vec()),
    ] {
        fs::write(path.join(name), bytes).unwrap();
    }
    let dwarf = path.join("Acme.app.dSYM/Contents/Resources/DWARF");
    fs::create_dir_all(&dwarf).unwrap();
    let slices = [&symbols, &symbols].map(|thin| (thin, thin.build(None)));
    fs::write(dwarf.join("Acme"), universal(&slices)).unwrap();
    symlink("/Applications", path.join("Applications")).unwrap();
    symlink("tool", path.join("Link.app")).unwrap();
    symlink("nothing", path.join("broken")).unwrap();
    assert_eq!(paths(path), ["tool"]);
    let output = run("check", &["--target", "local"], path);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = said(&run("check", &["--target", "local", "-v"], path));
    for part in [
        "notes.txt: neither code nor a container",
        "notes.zip: no code was found in this archive",
        "file.o: an object file",
        "DWARF/Acme: debug symbols",
        "Applications: a link to the folder Applications",
        "Link.app: a link to something else in the operand",
        "broken: a link that leads nowhere",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

/// Code that was left out before: in folders of debug symbols, under another file type, behind links, and scripts for Terminal.
#[test]
fn code_in_unusual_places_is_an_item() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dist");
    app("org.example.hidden")
        .by(By::Adhoc)
        .write(&path.join("Acme.dSYM/Contents/Hidden.app"));
    tool("org.example.tool")
        .by(By::Adhoc)
        .write(&path.join("Acme.dSYM/tool"));
    let object = Thin {
        file_type: 1,
        ..arm64(b"code")
    };
    fs::write(path.join("object"), object.build(None)).unwrap();
    fs::write(path.join("run.command"), b"echo hello").unwrap();
    app("org.example.outside")
        .by(By::Adhoc)
        .write(&folder.path().join("Outside.app"));
    symlink("../Outside.app", path.join("Linked.app")).unwrap();
    symlink("/usr/bin/true", path.join("true")).unwrap();
    make_pipe(&path.join("pipe"));
    fs::create_dir_all(path.join("Old.pkg/Contents")).unwrap();
    fs::write(path.join("Old.pkg/Contents/Archive.pax.gz"), b"archive").unwrap();
    fs::create_dir_all(path.join("Disk.sparsebundle/bands")).unwrap();
    fs::create_dir_all(path.join("Job.workflow/Contents")).unwrap();
    fs::write(
        path.join("Job.workflow/Contents/Info.plist"),
        b"<plist><dict/></plist>",
    )
    .unwrap();
    assert_eq!(
        paths(&path),
        [
            "Acme.dSYM/Contents/Hidden.app",
            "Acme.dSYM/tool",
            "Disk.sparsebundle",
            "Job.workflow",
            "Linked.app",
            "Old.pkg",
            "object",
            "pipe",
            "run.command",
            "true",
        ]
    );
    let output = run("check", &["--format", "json", "--target", "local"], &path);
    for (name, item) in items(&output, &path) {
        let valid = &item["codesign"]["valid"];
        let expected = match name.as_str() {
            "Acme.dSYM/Contents/Hidden.app" | "Acme.dSYM/tool" => Value::Bool(true),
            "object" | "run.command" | "Job.workflow" => Value::Bool(false),
            _ => Value::Null,
        };
        assert_eq!(valid, &expected, "{name}");
    }
    assert_eq!(output.status.code(), Some(1));
    // Each of them alone makes the folder fail.
    for name in ["Linked.app", "pipe", "Old.pkg", "true", "Disk.sparsebundle"] {
        let alone = folder.path().join("alone");
        fs::create_dir_all(&alone).unwrap();
        fs::rename(path.join(name), alone.join(name)).unwrap();
        for command in ["check", "verify", "assess"] {
            let output = run(command, &[], &alone);
            assert_eq!(
                output.status.code(),
                Some(4),
                "{command} {name}: {}",
                said(&output)
            );
            assert!(said(&output).contains(name), "{}", said(&output));
        }
        fs::rename(alone.join(name), path.join(name)).unwrap();
    }
}

fn make_pipe(path: &Path) {
    let status = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(status.success());
}

/// macOS accepts 100 slices (`MAX_ARCH_COUNT` in macho++.h); a Java class has its version, 45 and more, in the same place.
#[test]
fn universal_files_with_many_slices_are_code() {
    for count in [45, 46, 70, 100] {
        let slices: Vec<(Thin, Vec<u8>)> = (0..count)
            .map(|number| {
                let thin = Thin {
                    cpu_subtype: number,
                    ..arm64(&[1; 64])
                };
                let bytes = adhoc("tool").sign(&thin, Bound::default()).0;
                (thin, bytes)
            })
            .collect();
        let slices: Vec<(&Thin, Vec<u8>)> =
            slices.iter().map(|(thin, bytes)| (thin, bytes.clone())).collect();
        let folder = tempfile::tempdir().unwrap();
        let good = universal(&slices);
        fs::write(folder.path().join("tool"), &good).unwrap();
        fs::write(
            folder.path().join("Acme.zip"),
            zip(&[Member::file("tool", &good)]),
        )
        .unwrap();
        let output = run("verify", &["--format", "json"], folder.path());
        let found = items(&output, folder.path());
        let found: Vec<_> = found
            .iter()
            .map(|(path, item)| {
                (
                    path.as_str(),
                    &item["codesign"]["valid"],
                    item["code"][0]["slices"].as_array().unwrap().len(),
                )
            })
            .collect();
        let valid = Value::Bool(true);
        assert_eq!(
            found,
            [
                ("Acme.zip/tool", &valid, count as usize),
                ("tool", &valid, count as usize)
            ]
        );
    }
}

/// Archives in archives are opened, down to a limit; what is deeper is not judged.
#[test]
fn archives_in_archives_are_opened() {
    let broken = tempfile::tempdir().unwrap();
    let built = acme(broken.path());
    let good = zip(&members(&built));
    flip(&built.join("Contents/Resources/config.json"), 0);
    let bad = zip(&members(&built));
    let within = |inner: &[u8], count: usize| {
        (0..count).fold(inner.to_vec(), |inner, _| {
            zip(&[Member::file("inner.zip", &inner)])
        })
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Acme.zip");
    let status = |command: &str, bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let output = run(command, &["--format", "json", "--target", "local"], folder.path());
        let names: Vec<_> = items(&output, folder.path())
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        (output.status.code().unwrap(), names)
    };
    for command in ["check", "verify"] {
        assert_eq!(
            status(command, &within(&good, 1)),
            (0, vec!["Acme.zip/inner.zip/Acme.app".to_owned()])
        );
        let name = "Acme.zip/inner.zip/inner.zip/Acme.app".to_owned();
        assert_eq!(status(command, &within(&bad, 2)), (1, vec![name]));
        let (code, names) = status(command, &within(&bad, 5));
        assert_eq!(code, 4, "{names:?}");
        assert_eq!(
            names,
            ["Acme.zip/inner.zip/inner.zip/inner.zip/inner.zip/inner.zip"]
        );
    }
    // A path into the inner archive, and the inner archive itself.
    fs::write(&path, within(&bad, 1)).unwrap();
    for inner in ["inner.zip", "inner.zip/Acme.app"] {
        let output = run("verify", &["--format", "json"], &path.join(inner));
        let found = items(&output, folder.path());
        assert_eq!(found[0].0, "Acme.zip/inner.zip/Acme.app");
        assert_eq!(found[0].1["parent"], path.join("inner.zip").to_str().unwrap());
        assert_eq!(output.status.code(), Some(1));
    }
    // Containers in an archive belong to it.
    let all = [
        Member::file("Acme.dmg", &disk_image()),
        Member::file("inner.zip", &zip(&[Member::file("Acme.pkg", &package())])),
    ];
    fs::write(&path, zip(&all)).unwrap();
    let output = run("check", &["--format", "json"], &path);
    let found = items(&output, folder.path());
    let found: BTreeSet<_> = found
        .iter()
        .map(|(name, item)| (name.as_str(), item["container"].as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        BTreeSet::from([
            ("Acme.zip/Acme.dmg", "dmg"),
            ("Acme.zip/inner.zip/Acme.pkg", "pkg")
        ])
    );
    assert_eq!(output.status.code(), Some(4));
    // Too much to unpack.
    fs::write(&path, within(&good, 1)).unwrap();
    let output = run("check", &["--limit", "archive-bytes=100"], folder.path());
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    assert!(
        said(&output).contains("Acme.zip/inner.zip: "),
        "{}",
        said(&output)
    );
}

/// A container that may be signed is never called unsigned by the commands that show something.
#[test]
fn commands_that_show_something_do_not_open_containers() {
    let folder = tempfile::tempdir().unwrap();
    let commands: [&[&str]; 5] = [
        &["inspect"],
        &["entitlements"],
        &["requirement", "show"],
        &["requirement", "test", "anchor apple"],
        &["ticket"],
    ];
    for (name, bytes) in [
        ("Acme.dmg", disk_image()),
        ("Acme.pkg", package()),
        ("Acme.tar.gz", tarball()),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        for command in commands {
            let mut arguments: Vec<OsString> = command.iter().map(OsString::from).collect();
            arguments.push(path.clone().into_os_string());
            let output = sealcheck(&arguments);
            let text = said(&output);
            assert_eq!(output.status.code(), Some(4), "{command:?} {name}: {text}");
            assert!(
                text.contains(name) && text.contains("not read: it is "),
                "{command:?}: {text}"
            );
            assert!(
                !text.contains("not signed") && !text.contains("stapled"),
                "{command:?}: {text}"
            );
        }
    }
    // `codesign` itself answers about the file, where it knows the form.
    let path = folder.path().join("Acme.pkg");
    let output = run("verify", &["--style", "codesign"], &path);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("code object is not signed at all"));
    let output = run(
        "verify",
        &["--style", "codesign"],
        &folder.path().join("Acme.dmg"),
    );
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    for style in ["spctl", "syspolicy_check"] {
        for name in ["Acme.dmg", "Acme.pkg"] {
            let output = run("assess", &["--style", style], &folder.path().join(name));
            let text = said(&output);
            assert!(
                !text.contains("passed") && !text.contains("accepted"),
                "{style} {name}: {text}"
            );
            assert_eq!(output.status.code(), Some(4), "{style} {name}: {text}");
        }
    }
}

/// The library gives the answer of the program for a folder, an archive and a container.
#[test]
fn the_library_checks_every_item() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dist");
    dist(&path);
    let at = sealcheck::UnixTime::from_rfc3339("2026-11-24").unwrap();
    let mut checker = sealcheck::Checker::new(std::time::SystemTime::UNIX_EPOCH).unwrap();
    checker.options.at = at;
    let all: Vec<_> = checker.check_all(&path).unwrap().map(Result::unwrap).collect();
    let output = run("check", &["--format", "json"], &path);
    let mut expected = items(&output, &path).into_iter();
    for outcome in &all {
        let (name, item) = expected.next().unwrap();
        assert_eq!(outcome.evidence.path, path.join(&name).to_str().unwrap());
        let is_good = item["codesign"]["valid"] == true && item["gatekeeper"]["accepted"] == true;
        assert_eq!(
            outcome.objections().is_empty(),
            is_good,
            "{name}: {:?}",
            outcome.objections()
        );
    }
    assert_eq!((all.len(), expected.next().is_none()), (5, true));
    // One item, and a folder with several.
    let outcome = checker.check(&path.join("Broken.zip")).unwrap();
    assert!(outcome.evidence.path.ends_with("Broken.zip/Acme.app"));
    assert!(
        outcome.objections()[0].message.contains("sealed resource"),
        "{:?}",
        outcome.objections()
    );
    let objections = checker.check(&path.join("Acme.dmg")).unwrap().objections();
    assert!(
        objections
            .iter()
            .any(|reason| reason.message.contains("a disk image")),
        "{objections:?}"
    );
    let error = checker.check(&path).unwrap_err();
    assert!(error.to_string().contains("holds 5 items"), "{error}");
    assert!(checker.check(Path::new("/nowhere")).is_err());
}

/// A folder whose only seal is that of a program of the folder's name is no bundle: nothing covers what is beside the program.
#[test]
fn a_program_does_not_cover_the_folder_around_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme");
    tool("org.example.acme").by(By::Adhoc).write(&path.join("acme"));
    let output = run("check", &["--target", "local"], &path);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    fs::write(path.join("Acme.dmg"), disk_image()).unwrap();
    let output = run("check", &["--target", "local"], &path);
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
}

/// The members of an archive that other tools unpack instead of the good ones make every command fail, as `check` does.
#[test]
fn faults_of_the_archive_count_in_every_command() {
    let scratch = tempfile::tempdir().unwrap();
    let built: PathBuf = scratch.path().join("Good.app");
    copy(&real_app(), &built);
    let good = members(&built);
    let mut bad = good.clone();
    let changed = bad
        .iter_mut()
        .find(|member| member.name.ends_with(b"Info.plist"))
        .unwrap();
    changed.contents[200] ^= 1;
    let renamed = |prefix: &str| {
        let mut all = bad.clone();
        for member in &mut all {
            member.name = [prefix.as_bytes(), &member.name].concat();
        }
        all
    };
    let with = |more: Vec<Member>| zip(&[good.clone(), more].concat());
    let hidden = crate::support::zip::parts(&bad, 0).0;
    let mut gap = good.clone();
    gap[1].gap = hidden;
    let before: Vec<Member> = [bad.clone(), good.clone()].concat();
    let cases = [
        ("parent", with(renamed("../"))),
        ("absolute", with(renamed("/tmp/"))),
        ("local headers", zip(&gap)),
        ("before", [zip(&bad), zip(&good)].concat()),
        ("duplicates", zip(&before)),
    ];
    for (name, bytes) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Acme.zip");
        fs::write(&path, bytes).unwrap();
        for operand in [folder.path(), path.as_path()] {
            for command in ["check", "verify", "assess"] {
                for format in FORMATS {
                    let output = run(command, &["--format", format], operand);
                    let text = said(&output);
                    assert_eq!(output.status.code(), Some(1), "{name} {command} {format}: {text}");
                    assert!(
                        format.starts_with("json") && command != "check" || text.contains("the archive has "),
                        "{name} {command} {format}: {text}"
                    );
                    for word in ["valid on disk", "accepted,", ": accepted"] {
                        assert!(!text.contains(word), "{name} {command} {format}: {text}");
                    }
                }
                let output = run(command, &["--format", "json"], operand);
                let (_, item) = &items(&output, folder.path())[0];
                assert_eq!(item["codesign"]["valid"], Value::Null, "{name} {command}");
                assert_eq!(item["gatekeeper"]["accepted"], Value::Null, "{name} {command}");
            }
        }
    }
    // Nothing but the faults: no member that the directory lists is code.
    let mut only = vec![Member::file("notes.txt", b"notes")];
    only[0].gap = crate::support::zip::parts(&bad, 0).0;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Acme.zip"), zip(&only)).unwrap();
    copy(&real_app(), &folder.path().join("Good.app"));
    for command in ["check", "verify", "assess"] {
        let output = run(command, &[], folder.path());
        assert_eq!(output.status.code(), Some(1), "{command}: {}", said(&output));
        assert!(said(&output).contains("Acme.zip"));
    }
}
