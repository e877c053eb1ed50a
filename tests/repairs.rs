//! The report at a terminal: it fits, its marks are those of the verdict, and its commands can be pasted.

use std::fs;
use std::path::{Path, PathBuf};

use sealcheck::Checker;
use sealcheck::report::{Style, write_human};

use crate::command_line::{sealcheck, stdout};
use crate::support::{flat, notice, real_app};

/// A copy of the real app that may be changed.
fn copied(folder: &Path) -> PathBuf {
    let to = folder.join("Some App.app");
    let copied = std::process::Command::new("cp")
        .arg("-R")
        .arg(real_app())
        .arg(&to)
        .status();
    assert!(copied.unwrap().success());
    to
}

/// A report in which commands are whole lines again, as a shell reads them.
fn joined(text: &str) -> String {
    let mut parts = text.split(" \\\n");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| format!("{text} {}", part.trim_start()))
}

fn run(arguments: &[&str], path: &Path) -> String {
    let mut words = arguments.to_vec();
    words.push(path.to_str().unwrap());
    stdout(&sealcheck(&words))
}

#[test]
fn a_good_app_fits_into_eighty_columns() {
    let checker = Checker::new(std::time::SystemTime::now()).unwrap();
    let outcome = checker.check(&real_app()).unwrap();
    for width in [80, 100, 120] {
        let style = Style {
            unicode: true,
            verbosity: 0,
            quiet: false,
            width,
        };
        let mut out = Vec::new();
        write_human(&outcome, style, &mut out).unwrap();
        let text = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        let report = text.lines().skip(1);
        assert!(report.clone().count() > 9, "{text}");
        for line in report {
            assert!(line.chars().count() <= width, "{line:?} in {width} columns");
        }
    }
}

/// The command names the certificate, keeps the entitlements, and stands alone.
#[test]
fn the_command_signs_as_the_app_was_signed() {
    let folder = tempfile::tempdir().unwrap();
    let app = copied(folder.path());
    fs::write(app.join("Contents/Resources/AppIcon.icns"), b"x").unwrap();
    let text = run(&[], &app);
    let command = format!(
        "    codesign -f -s \"Developer ID Application: Maximilian Hils (S8XHQB96PW)\" --options runtime --timestamp --preserve-metadata=entitlements \"{}\"",
        app.display()
    );
    assert!(
        joined(&text).lines().any(|line| line == command),
        "{command}\n{text}"
    );
}

#[test]
fn several_places_are_repaired_like_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let app = copied(folder.path());
    let extension = "org.mitmproxy.macos-redirector.network-extension";
    let programs = [
        app.join("Contents/MacOS/Mitmproxy Redirector"),
        app.join(format!(
            "Contents/Library/SystemExtensions/{extension}.systemextension/Contents/MacOS/{extension}"
        )),
    ];
    for program in &programs {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        fs::set_permissions(program, mode).unwrap();
    }
    let text = run(&[], &app);
    let command = format!(
        "    chmod +x \"{}\"\n  likewise for the other place\n",
        programs[0].display()
    );
    assert!(
        text.contains("error[executable-bit-lost]") && joined(&text).contains(&command),
        "{text}"
    );
}

/// What follows from a damaged executable is not said again.
#[test]
fn a_cut_off_program_is_one_problem() {
    let folder = tempfile::tempdir().unwrap();
    let app = copied(folder.path());
    let program = fs::File::options()
        .write(true)
        .open(app.join("Contents/MacOS/Mitmproxy Redirector"));
    program.unwrap().set_len(200_000).unwrap();
    let text = run(&[], &app);
    assert!(text.contains("\n  no code that can be read\n"), "{text}");
    let follows = "follows from it: superblob-malformed, sysext-install-missing, ticket-extra-records";
    assert!(flat(&text).contains(follows), "{text}");
    assert!(text.contains("problems    1 error\n"), "{text}");
}

#[test]
fn marks_are_no_better_than_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let app = copied(folder.path());
    fs::write(app.join("Contents/Resources/AppIcon.icns"), b"x").unwrap();
    let text = run(&["--ignore", "sealed-resource-broken"], &app);
    let row = text
        .lines()
        .find(|line| line.starts_with("  Some App.app"))
        .unwrap();
    assert!(
        row.ends_with('✗') && text.contains("1 error, 1 ignored"),
        "{text}"
    );
}

#[test]
fn an_empty_folder_has_no_modes_to_lose() {
    let folder = tempfile::tempdir().unwrap();
    let text = run(&[], folder.path());
    assert!(
        text.contains("error[not-a-bundle]") && !text.contains("not decided"),
        "{text}"
    );
}

/// Colour is colour, and not written out.
#[test]
fn profiles_are_shown_in_colour() {
    let text = run(&["profile", "--color", "always"], &real_app());
    assert!(
        text.contains("\u{1b}[32m✓") && !text.contains("\\u{1b}"),
        "{text}"
    );
    let plain = run(&["profile"], &real_app());
    assert!(
        plain.contains("  signed by     ✓ Mac OS X Provisioning Profile Signing; the DER form agrees\n"),
        "{plain}"
    );
}

#[test]
fn the_list_of_rules_is_aligned() {
    let text = stdout(&sealcheck(&["rules"]));
    let columns = |severity: &str, id: &str| {
        let mut lines = text.lines();
        let line = lines
            .find(|line| line.split_whitespace().eq([severity, id]))
            .unwrap();
        let title = lines.next().unwrap();
        (line.find(id), title.find(|found| found != ' '))
    };
    let first = columns("error", "unsigned-code");
    assert_eq!(first.0, first.1);
    assert_eq!(first, columns("warning", "weak-digest-only"));
    assert_eq!(first, columns("note", "no-arm64"));
}

/// What is not read is neither called unsigned nor good.
#[test]
fn containers_that_are_not_read_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, command: &str| {
        let file = folder.path().join(name);
        fs::write(&file, b"something else").unwrap();
        let output = sealcheck(&[command, file.to_str().unwrap()]);
        (output.status.code(), stdout(&output))
    };
    let (status, text) = check("Acme.dmg", "check");
    assert_eq!(status, Some(4), "{text}");
    assert!(
        text.contains("warning[container-not-read] this is a disk image"),
        "{text}"
    );
    assert!(text.contains("codesign    ? not judged"), "{text}");
    assert!(!text.contains("codesign -f"), "{text}");
    let (status, text) = check("Acme.pkg", "check");
    assert_eq!(status, Some(4), "{text}");
    assert!(
        text.contains("gatekeeper  ? not judged: this is an installer package"),
        "{text}"
    );
    assert_eq!(check("Acme.dmg", "verify").0, Some(4));
    let (status, text) = check("Acme.pkg", "assess");
    assert_eq!(status, Some(4), "{text}");
    assert!(
        flat(&text)
            .ends_with("Acme.pkg: not judged: this is an installer package, which sealcheck cannot open yet"),
        "{text}"
    );
    let (_, text) = check("Acme.tar.gz", "check");
    assert!(
        text.contains("tar -xf") && !text.contains("codesign -f"),
        "{text}"
    );
    // A file with another name is what it was, and not to be signed all the same.
    let (status, text) = check("Acme", "check");
    assert!(
        status == Some(1) && text.contains("error[unsigned-code] this is not Mach-O code"),
        "{text}"
    );
    assert!(!text.contains("codesign -f"), "{text}");
    // A link counts by its own name, to the verdict and to the finding alike.
    let link = folder.path().join("Latest.dmg");
    std::os::unix::fs::symlink("Acme", &link).unwrap();
    let output = sealcheck(&["check", link.to_str().unwrap()]);
    let text = stdout(&output);
    assert!(
        output.status.code() == Some(4) && text.contains("warning[container-not-read]"),
        "{text}"
    );
    assert!(!text.contains("unsigned-code"), "{text}");
}

#[test]
fn commands_that_show_something_say_what_is_not_signed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tool");
    fs::write(&file, b"#!/bin/sh\n").unwrap();
    let path = file.to_str().unwrap();
    for command in [&["entitlements", path][..], &["requirement", "show", path]] {
        let output = sealcheck(command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, format!("{path}: code object is not signed at all\n"));
    }
}

/// A folder stands for the items in it, and each is named.
#[test]
fn commands_that_show_something_take_folders() {
    let folder = tempfile::tempdir().unwrap();
    let app = copied(folder.path());
    fs::write(folder.path().join("readme.txt"), b"x").unwrap();
    let text = run(&["entitlements"], folder.path());
    assert_eq!(text, run(&["entitlements"], &app));
    assert!(run(&["ticket"], folder.path()).contains("covers      ✓ 4 of 4 slices"));
}

/// Annotations name what changed, as people have no other report at hand.
#[test]
fn formats_for_pipelines_name_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let app = copied(folder.path());
    fs::write(app.join("Contents/Resources/AppIcon.icns"), b"x").unwrap();
    for format in ["github", "gitlab", "junit", "markdown", "sarif"] {
        let text = run(&["check", "--format", format], &app);
        // In formats by file, the entry is that of the file.
        let (place, note) = match format {
            "junit" | "markdown" => ("Contents/Resources/AppIcon.icns: modified", "modified"),
            _ => ("Contents/Resources/AppIcon.icns", "modified: files were added"),
        };
        let place = if format == "sarif" {
            place.replace(' ', "%20")
        } else {
            place.to_owned()
        };
        assert!(text.contains(&place) && text.contains(note), "{format}: {text}");
    }
}

#[test]
fn messages_name_what_is_wrong() {
    let app = real_app();
    let app = app.to_str().unwrap();
    let said = |arguments: &[&str]| String::from_utf8(sealcheck(arguments).stderr).unwrap();
    let output = ["--output", "/does/not/exist/report", app];
    assert!(said(&output).starts_with("sealcheck: /does/not/exist/report: cannot write the report: "));
    let plist = format!("{app}/Contents/Info.plist");
    let anchor = said(&["--trust-anchor", &plist, app]);
    assert!(
        flat(&anchor).ends_with("Info.plist: neither one certificate in DER nor only certificates in PEM"),
        "{anchor}"
    );
    assert!(flat(&said(&["-"])).ends_with("; standard input is not read"));
}

/// What cannot be listed is not said to be empty.
#[test]
fn a_folder_that_cannot_be_listed_is_not_judged() {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("Closed.app");
    fs::create_dir(&app).unwrap();
    let mode = |bits| std::os::unix::fs::PermissionsExt::from_mode(bits);
    fs::set_permissions(&app, mode(0o000)).unwrap();
    if fs::read_dir(&app).is_ok() {
        notice("this user may read every folder: nothing is closed");
        return;
    }
    let output = sealcheck(&[&app]);
    fs::set_permissions(&app, mode(0o755)).unwrap();
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(!text.contains("error["), "{text}");
}

/// Names move no cursor, whichever command prints them.
#[test]
fn names_are_written_out() {
    let folder = tempfile::tempdir().unwrap();
    let app = copied(folder.path());
    fs::write(app.join("Contents/Resources/clear\u{1b}[2J"), b"x").unwrap();
    let named = folder.path().join("back\u{8}.app");
    fs::rename(app, &named).unwrap();
    for command in ["verify", "assess", "ticket", "profile"] {
        let text = run(&[command, "--color", "always"], &named);
        assert!(
            text.contains("back\\u{8}.app") && !text.contains('\u{8}'),
            "{command}: {text}"
        );
        assert!(!text.contains("\u{1b}[2J"), "{command}: {text}");
    }
    assert!(run(&["verify"], &named).contains("clear\\u{1b}[2J"));
    let missing = folder.path().join("none\u{8}.app");
    let said = sealcheck(&[&missing]).stderr;
    assert!(String::from_utf8(said).unwrap().contains("none\\u{8}.app"));
    assert!(run(&["check", "--format", "github"], &named).contains("clear\\u{1b}[2J"));
}

/// Two architectures, one line.
#[test]
fn what_is_ignored_is_listed_once() {
    let folder = tempfile::tempdir().unwrap();
    let app = copied(folder.path());
    let plist = app.join("Contents/Info.plist");
    let text = fs::read_to_string(&plist).unwrap().replacen("2.0", "2.1", 1);
    fs::write(&plist, text).unwrap();
    let text = run(&["-v", "--ignore", "info-plist-changed"], &app);
    assert_eq!(text.matches("ignored[info-plist-changed]").count(), 1, "{text}");
}
