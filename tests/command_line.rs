//! The program as a user meets it: what it prints, where, and its exit status.

use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::bundle::acme;
use crate::support::macho::arm64;
use crate::support::signature::{Bound, adhoc};
use crate::support::{flip, real_app};

pub fn sealcheck<S: AsRef<OsStr>>(arguments: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sealcheck"))
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_real_app_is_valid() {
    let app = real_app();
    let output = sealcheck(&[&app]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("codesign    ✓ valid on disk"), "{text}");
    assert!(
        text.contains("Developer ID Application: Maximilian Hils (S8XHQB96PW)"),
        "{text}"
    );
    assert!(text.contains("problems    none"), "{text}");
    assert!(!text.contains('\u{1b}'), "no escape codes without a terminal");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_broken_app_says_what_where_who_and_how_to_repair() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    flip(&app.join("Contents/Resources/config.json"), 0);
    let output = sealcheck(&[&app]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for part in [
        "error[sealed-resource-broken] 1 sealed file differs from what was signed: 1 modified",
        "Contents/Resources/config.json  modified",
        "rejected by: codesign, gatekeeper, notary, which says: a sealed resource is missing or invalid (-67054)",
        "repair: ",
        "codesign    ✗ a sealed resource is missing or invalid (-67054)",
        "problems    1 error",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    let quiet = stdout(&sealcheck(&[OsStr::new("-q"), app.as_os_str()]));
    assert!(quiet.starts_with("error[sealed-resource-broken]"), "{quiet}");
}

#[test]
fn one_cause_in_two_architectures_is_one_problem() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    flip(&app.join("Contents/Info.plist"), 120);
    let text = stdout(&sealcheck(&[&app]));
    assert!(text.contains("Contents/Info.plist  arm64, x86_64"), "{text}");
    assert!(text.contains("problems    1 error "), "{text}");
}

#[test]
fn a_good_tool_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    fs::write(&path, adhoc("tool").sign(&arm64(b"code"), Bound::default()).0).unwrap();
    let output = sealcheck(&[&path]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("codesign    ✓ valid on disk"));
    // Marks are ASCII where the locale is not UTF-8.
    let output = Command::new(env!("CARGO_BIN_EXE_sealcheck"))
        .arg(&path)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.stdout.is_ascii(), "{}", stdout(&output));
}

#[test]
fn entitlements_in_every_form() {
    let app = real_app();
    let form = |name: &str| {
        sealcheck(&[
            OsStr::new("entitlements"),
            "--format".as_ref(),
            name.as_ref(),
            app.as_ref(),
        ])
    };
    let xml = form("xml").stdout;
    assert!(xml.starts_with(b"<?xml"), "{}", String::from_utf8_lossy(&xml));
    let json: Value = serde_json::from_slice(&form("json").stdout).unwrap();
    let plist = plist::Value::from_reader(std::io::Cursor::new(&xml)).unwrap();
    let keys: Vec<_> = plist.as_dictionary().unwrap().keys().cloned().collect();
    assert_eq!(
        json.as_object().unwrap().keys().cloned().collect::<Vec<_>>(),
        keys
    );
    // DER is binary: no byte of it may be touched on the way out.
    let der = form("der").stdout;
    assert_eq!(der[0], 0x70);
    let (length, header) = match der[1] {
        short @ 0..=0x7f => (usize::from(short), 2),
        0x81 => (usize::from(der[2]), 3),
        _ => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
    };
    assert_eq!(der.len(), header + length);
}

#[test]
fn explain_and_rules() {
    let list = stdout(&sealcheck(&["rules"]));
    let ids: Vec<_> = list
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert!(ids.len() > 15, "{list}");
    for id in &ids {
        let output = sealcheck(&["explain", id]);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{id}");
        assert!(text.starts_with(id) && text.contains("\nrepair: "), "{text}");
    }
    let unknown = sealcheck(&["explain", "no-such-rule"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn wrong_use_is_status_two_and_nothing_to_read_is_four() {
    assert_eq!(sealcheck(&["--no-such-option", "x"]).status.code(), Some(2));
    assert_eq!(sealcheck::<&str>(&[]).status.code(), Some(2));
    let output = sealcheck(&["/does/not/exist"]);
    assert_eq!(output.status.code(), Some(4));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.starts_with("sealcheck: /does/not/exist: cannot be read: No such file"),
        "{message}"
    );
    assert_eq!(message.lines().count(), 1);
}

#[test]
fn the_same_bytes_out_for_any_number_of_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    flip(&app.join("Contents/Resources/config.json"), 0);
    flip(
        &app.join("Contents/Frameworks/Inner.framework/Versions/A/Inner"),
        0x5010,
    );
    for format in ["human", "json"] {
        let run = |jobs: &str| {
            let arguments = ["--jobs", jobs, "--format", format, app.to_str().unwrap()];
            // Only the time that it took may differ.
            stdout(&sealcheck(&arguments))
                .lines()
                .map(|line| match line.find(" of code in ") {
                    Some(at) => line[..at].to_owned(),
                    None if line.contains("\"seconds\"") => String::new(),
                    None => line.to_owned(),
                })
                .collect::<Vec<_>>()
        };
        let one = run("1");
        assert!(one.len() > 10);
        for _ in 0..4 {
            assert_eq!(run("8"), one);
        }
    }
}

#[test]
fn reports_go_to_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let app = real_app();
    let arguments = [
        "--output",
        file.to_str().unwrap(),
        "--format",
        "json",
        app.to_str().unwrap(),
    ];
    let output = sealcheck(&arguments);
    assert_eq!(stdout(&output), "");
    let report: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(report["items"][0]["code"][1]["kind"], "systemextension");
}
