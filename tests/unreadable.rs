//! Folders and files that cannot be listed or read: the item is not judged, and nothing is concluded from what was not
//! seen.
//!
//! Permissions do not stop root, so the program runs as another user there (`setpriv` of util-linux); without it the test
//! is left out, with a notice.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::command_line::stdout;
use crate::support::bundle::write;
use crate::support::foundry::{app, apple, framework, tool};
use crate::support::notice;
use crate::support::program::program;
use crate::support::ticket::{TicketMaker, notary};

/// A user who owns nothing.
const OTHER: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

/// The program as a user whom permissions stop; `None` where there is no such user.
fn restricted() -> Option<Command> {
    let plain = program();
    let is_root = fs::metadata("/proc/self").is_ok_and(|facts| facts.uid() == 0);
    if !is_root {
        return Some(plain);
    }
    let other = || {
        let mut command = Command::new("setpriv");
        command
            .args(OTHER)
            .arg(plain.get_program())
            .args(plain.get_args());
        command
    };
    let works = other()
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    works.then(other)
}

fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Option<Output> {
    let mut command = restricted()?;
    Some(command.args(arguments).env("LC_ALL", "C.UTF-8").output().unwrap())
}

/// Every folder, with every permission that keeps a part of it from being seen, and every file that a verdict depends
/// on. `SecStaticCode` cannot validate what it cannot read either.
#[test]
fn what_cannot_be_read_is_not_judged() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let root = folder.path().join("root.der");
    fs::write(&root, &apple().root.der).unwrap();
    let item = folder.path().join("acme.app");
    let cdhashes = app("com.example.acme")
        .file("Resources/en.lproj/text", b"some text")
        .file("Library/Spotlight/text", b"some text")
        .nested("Frameworks/parts.framework", framework("com.example.parts"))
        .nested("Helpers/helper", tool("com.example.acme.helper"))
        .write(&item);
    let ticket = TicketMaker::new(&notary(), &cdhashes).build();
    write(&item.join("Contents/CodeResources"), &ticket);
    let judged = |command: &str, format: &str| {
        let format = format!("--format={format}");
        let anchor = root.as_os_str();
        let fixed = [
            command,
            "--at=2026-06-15",
            "--target=local",
            &format,
            "--apple-anchor",
        ];
        let mut arguments: Vec<&OsStr> = fixed.iter().map(OsStr::new).collect();
        arguments.extend([anchor, item.as_os_str()]);
        run(&arguments)
    };
    let Some(good) = judged("check", "human") else {
        return notice("not tested: permissions do not stop root, and setpriv is not there");
    };
    assert_eq!(good.status.code(), Some(0), "{}", stdout(&good));
    let folders = [
        "",
        "Contents",
        "Contents/MacOS",
        "Contents/Resources",
        "Contents/Resources/en.lproj",
        "Contents/Library",
        "Contents/_CodeSignature",
        "Contents/Helpers",
        "Contents/Frameworks",
        "Contents/Frameworks/parts.framework/Versions",
        "Contents/Frameworks/parts.framework/Versions/A/Resources",
        "Contents/Frameworks/parts.framework/Versions/A/_CodeSignature",
    ];
    let files = [
        "Contents/Info.plist",
        "Contents/MacOS/acme",
        "Contents/CodeResources",
        "Contents/_CodeSignature/CodeResources",
        "Contents/Resources/en.lproj/text",
        "Contents/Helpers/helper",
        "Contents/Frameworks/parts.framework/Versions/A/Resources/Info.plist",
        "Contents/Frameworks/parts.framework/Versions/A/_CodeSignature/CodeResources",
    ];
    // Every case, so that one run names all that are wrong.
    let mut wrong = Vec::new();
    let folders = folders
        .iter()
        .flat_map(|folder| [0o000, 0o111, 0o444].map(|mode| (*folder, mode)));
    for (place, mode) in folders.chain(files.map(|file| (file, 0o000))) {
        let path = item.join(place);
        let before = fs::metadata(&path).unwrap().permissions();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let outputs =
            ["check", "verify", "assess"].map(|command| (command, judged(command, "human").unwrap()));
        let report = judged("verify", "json").unwrap();
        fs::set_permissions(&path, before).unwrap();
        let is_good = std::panic::catch_unwind(|| assert_not_judged(place, outputs, &stdout(&report)));
        if is_good.is_err() {
            wrong.push((place, mode));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_still_good(&item, &judged("check", "human").unwrap());
}

/// Checks what the three commands print about an item of which a part cannot be read.
fn assert_not_judged(place: &str, outputs: [(&str, Output); 3], report: &str) {
    for (command, output) in outputs {
        let text = stdout(&output);
        let error = String::from_utf8_lossy(&output.stderr);
        let at = format!("{command} {place}: {text}{error}");
        assert_eq!(output.status.code(), Some(4), "{at}");
        for affirmed in ["satisfies", "valid on disk", ": accepted", "✓", "error["] {
            assert!(!text.contains(affirmed), "{affirmed} {at}");
        }
    }
    let report: Value = serde_json::from_str(report).unwrap();
    for item in report["items"].as_array().unwrap() {
        let verdict = &item["codesign"];
        assert_eq!(verdict["valid"], Value::Null, "{place}: {verdict:#}");
        assert_eq!(
            verdict["satisfies_designated_requirement"],
            Value::Null,
            "{place}"
        );
    }
}

fn assert_still_good(item: &Path, output: &Output) {
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}: {}",
        item.display(),
        stdout(output)
    );
}
