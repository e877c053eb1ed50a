//! The report at a terminal: it fits, its marks are those of the verdict, and its commands can be pasted.

use std::fs;
use std::path::{Path, PathBuf};

use sealcheck::Checker;
use sealcheck::report::{Style, write_human};

use crate::command_line::{sealcheck, stdout};
use crate::support::real_app;

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
        "    codesign -f -s \"Developer ID Application: Maximilian Hils (S8XHQB96PW)\" --options runtime --timestamp --preserve-metadata=entitlements '{}'",
        app.display()
    );
    assert!(text.lines().any(|line| line == command), "{command}\n{text}");
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
        "    chmod +x '{}'\n  likewise for the other place\n",
        programs[0].display()
    );
    assert!(
        text.contains("error[executable-bit-lost]") && text.contains(&command),
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
    assert!(
        text.contains("follows from it: sysext-install-missing, ticket-extra-records"),
        "{text}"
    );
    assert!(text.contains("problems    1 error "), "{text}");
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
    assert!(row.ends_with('✗') && text.contains("none, 1 ignored"), "{text}");
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
    let column = |severity: &str, id: &str| {
        let line = text
            .lines()
            .find(|line| line.split_whitespace().take(2).eq([severity, id]));
        let line = line.unwrap();
        let title = line.find(id).unwrap() + id.len();
        (
            line.find(id).unwrap(),
            title + line[title..].find(|found| found != ' ').unwrap(),
        )
    };
    assert_eq!(
        column("error", "unsigned-code"),
        column("warning", "weak-digest-only")
    );
    assert_eq!(column("error", "unsigned-code"), column("note", "no-arm64"));
}
