//! Many items in one run: folders are looked through, one summary stands at the end, and the worst exit status counts.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::command_line::{sealcheck, stdout};
use crate::formats::{FORMATS, without_seconds};
use crate::support::flip;
use crate::support::foundry::{By, app, apple, framework, tool};
use crate::support::macho::Thin;

/// Apps of the folder.
const APPS: usize = 200;

fn run(command: &str, more: &[&str], paths: &[&Path]) -> Output {
    let first = [command, "--at", "2026-06-15", "--target", "local"];
    let mut arguments: Vec<OsString> = first.iter().chain(more).map(OsString::from).collect();
    arguments.extend(paths.iter().map(|path| path.as_os_str().to_owned()));
    sealcheck(&arguments)
}

/// Every tenth app has a changed resource, every tenth a changed page; every 50th is signed with a certificate.
fn fill(folder: &Path) {
    for number in 0..APPS {
        let code = app(&format!("org.example.app{number:03}")).file("Resources/text", b"some text");
        let code = match number % 50 {
            0 => code,
            _ => code.by(By::Adhoc),
        };
        let group = folder.join(format!("group {}", number % 4));
        let path = group.join(format!("app{number:03}.app"));
        code.write(&path);
        match number % 10 {
            3 => flip(&path.join("Contents/Resources/text"), 0),
            7 => flip(&path.join(format!("Contents/MacOS/app{number:03}")), 0x1010),
            _ => {}
        }
    }
}

#[test]
fn two_hundred_apps_are_judged_in_one_command() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let root = folder.path().join("root.der");
    fs::write(&root, &apple().root.der).unwrap();
    let anchor = ["--apple-anchor", root.to_str().unwrap()];
    let output = run("check", &anchor, &[folder.path()]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let last = text.lines().last().unwrap();
    assert!(
        last.starts_with("200 items: 160 good, 40 failed; 40 errors"),
        "{last}"
    );
    // A line for each, in the order of names, good or bad.
    let lines: Vec<_> = text.lines().collect();
    let table = &lines[lines.len() - APPS - 2..lines.len() - 2];
    for (row, number) in table
        .iter()
        .zip((0..4).flat_map(|group| (group..APPS).step_by(4)))
    {
        let bad = matches!(number % 10, 3 | 7);
        assert!(row.starts_with(if bad { "  ✗" } else { "  ✓" }), "{row}");
        assert!(
            row.contains(&format!("/group {}/app{number:03}.app", number % 4)),
            "{row}"
        );
    }
    // Only what failed is told at length, and each rule is explained once.
    assert_eq!(text.matches("error[").count(), 40);
    assert_eq!(
        text.matches("The seal in _CodeSignature/CodeResources lists")
            .count(),
        1
    );
    assert!(!text.contains("hardened runtime 26"), "{text}");

    for command in ["check", "verify", "assess"] {
        let json = run(
            command,
            &[&anchor[..], &["--format", "json"]].concat(),
            &[folder.path()],
        );
        let report: Value = serde_json::from_slice(&json.stdout).unwrap();
        let items = report["items"].as_array().unwrap();
        assert_eq!(items.len(), APPS);
        let field = match command {
            "assess" => "/gatekeeper/accepted",
            _ => "/codesign/valid",
        };
        let count = |wanted: Value| {
            let those = items.iter().filter(|item| item.pointer(field) == Some(&wanted));
            those.count()
        };
        let summary = &report["summary"];
        assert_eq!(summary["items"], APPS, "{command}");
        assert_eq!(summary["good"], count(true.into()), "{command}");
        assert_eq!(summary["failed"], count(false.into()), "{command}");
        assert_eq!(summary["undecided"], count(Value::Null), "{command}");
        assert_eq!(summary["exit_status"], json.status.code().unwrap(), "{command}");
        // Some are broken and some denied (`assess`): the broken ones take precedence.
        assert_eq!(json.status.code(), Some(1), "{command}");
        assert_eq!(summary["errors"].is_null(), command != "check");
    }
    for format in FORMATS {
        let with = |jobs: &str| {
            let more = [&anchor[..], &["--format", format, "--jobs", jobs]].concat();
            let output = run("check", &more, &[folder.path()]);
            assert_eq!(output.status.code(), Some(1), "{format}");
            without_seconds(&stdout(&output))
        };
        let one = with("1");
        assert!(one.len() > 1000, "{format}");
        assert!(one == with("8"), "{format} differs");
    }
}

/// Items of a report, relative to the folder.
fn paths(output: &Output, folder: &Path) -> Vec<String> {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let items = report["items"].as_array().unwrap();
    let relative = |item: &Value| {
        let path = item["path"].as_str().unwrap();
        let folder = format!("{}/", folder.display());
        path.strip_prefix(&folder).unwrap_or(path).to_owned()
    };
    items.iter().map(relative).collect()
}

#[test]
fn a_folder_stands_for_the_items_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let inner = framework("org.example.Inner").by(By::Adhoc);
    let outer = app("org.example.Outer").by(By::Adhoc);
    outer
        .nested("Frameworks/Inner.framework", inner.clone())
        .write(&path.join("b/Outer.app"));
    inner.write(&path.join("a/Inner.framework"));
    tool("org.example.tool")
        .by(By::Adhoc)
        .write(&path.join("b/bin/tool"));
    // A folder with a file of its own name is no bundle among others.
    tool("org.example.own").by(By::Adhoc).write(&path.join("own/own"));
    // What has a bundle's name is one, also if it holds nothing.
    fs::create_dir(path.join("Hollow.app")).unwrap();
    // An archive of Xcode has an Info.plist, too.
    app("org.example.Kept")
        .by(By::Adhoc)
        .write(&path.join("x.xcarchive/Products/Kept.app"));
    fs::write(path.join("x.xcarchive/Info.plist"), "<plist><dict/></plist>").unwrap();
    // Nobody signs these.
    let thin = |file_type| Thin {
        file_type,
        ..crate::support::macho::arm64(b"code")
    };
    fs::write(path.join("b/file.o"), thin(1).build(None)).unwrap();
    let symbols = path.join("Outer.app.dSYM/Contents");
    fs::create_dir_all(symbols.join("Resources/DWARF")).unwrap();
    fs::write(symbols.join("Info.plist"), "<plist><dict/></plist>").unwrap();
    fs::write(symbols.join("Resources/DWARF/Outer"), thin(10).build(None)).unwrap();
    fs::write(path.join("notes.txt"), "notes").unwrap();
    symlink("b/Outer.app", path.join("Link.app")).unwrap();
    symlink("b", path.join("link")).unwrap();

    let json =
        |more: &[&str], operands: &[&Path]| run("check", &[&["--format", "json"], more].concat(), operands);
    let found = json(&[], &[path]);
    assert_eq!(
        paths(&found, path),
        [
            "Hollow.app",
            "a/Inner.framework",
            "b/Outer.app",
            "b/bin/tool",
            "own/own",
            "x.xcarchive/Products/Kept.app",
        ]
    );
    assert_eq!(found.status.code(), Some(1));
    // Operands keep their order.
    let both = json(&[], &[&path.join("b"), &path.join("a")]);
    assert_eq!(
        paths(&both, path),
        ["b/Outer.app", "b/bin/tool", "a/Inner.framework"]
    );
    assert_eq!(both.status.code(), Some(0), "{}", stdout(&both));
    // A bundle is an item whatever is in it, and what holds nothing is judged itself.
    assert_eq!(
        paths(&json(&[], &[&path.join("b/Outer.app")]), path),
        ["b/Outer.app"]
    );
    fs::create_dir(path.join("empty")).unwrap();
    let empty = json(&[], &[&path.join("empty")]);
    assert_eq!(paths(&empty, path), ["empty"]);
    assert_eq!(empty.status.code(), Some(1));
    // No volume of a Mac has such a name, but what is behind it is there.
    let odd = path.join("odd").join(OsStr::from_bytes(b"\xff"));
    fs::create_dir_all(&odd).unwrap();
    tool("org.example.odd").by(By::Adhoc).write(&odd.join("tool"));
    let odd = json(&[], &[&path.join("odd")]);
    assert_eq!(paths(&odd, path), ["odd/\u{fffd}/tool"]);
    assert_eq!(odd.status.code(), Some(0), "{}", stdout(&odd));
    fs::remove_dir_all(path.join("odd")).unwrap();
    // What a limit leaves out is not passed over, where nothing else fails.
    fs::remove_dir(path.join("Hollow.app")).unwrap();
    for limit in ["items=2", "depth=1", "nodes=6"] {
        let cut = json(&["--limit", limit], &[path]);
        let report: Value = serde_json::from_slice(&cut.stdout).unwrap();
        assert_eq!(cut.status.code(), Some(4), "{limit}");
        assert!(!report["unreadable"].as_array().unwrap().is_empty(), "{limit}");
    }
    // Apple's tools know no such folders.
    let codesign = run("verify", &["--style", "codesign"], &[path]);
    let said = String::from_utf8(codesign.stderr).unwrap();
    assert!(said.contains("bundle format unrecognized"), "{said}");
}

#[test]
fn several_items_for_people() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for name in ["good", "other"] {
        app(&format!("org.example.{name}"))
            .by(By::Adhoc)
            .write(&path.join(format!("{name}.app")));
    }
    let bad = path.join("worse.app");
    app("org.example.worse")
        .by(By::Adhoc)
        .file("Resources/text", b"text")
        .write(&bad);
    flip(&bad.join("Contents/Resources/text"), 0);
    // In both architectures, which is one problem.
    flip(&bad.join("Contents/Info.plist"), 120);
    let missing = path.join("nothing");
    let output = run("check", &[], &[path, &missing]);
    // The broken item takes precedence over the one that is not there.
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output).replace(&format!("{}/", path.display()), "");
    let end = text.split("\n\n").collect::<Vec<_>>();
    let [.., table, totals] = end.as_slice() else {
        panic!("{text}");
    };
    let words: Vec<Vec<_>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(words[0], ["item", "codesign", "gatekeeper", "problems"], "{text}");
    // Nobody asks Gatekeeper about what was not downloaded.
    let good = ["✓", "good.app", "valid", "not", "asked", "none"];
    assert_eq!(words[1], good, "{text}");
    assert_eq!(
        words[3],
        ["✗", "worse.app", "invalid", "(-67030)", "rejected", "2", "errors"],
        "{text}"
    );
    assert_eq!(words[4], ["?", "nothing", "cannot", "be", "read"], "{text}");
    assert_eq!(*totals, "4 items: 2 good, 1 failed, 1 not readable; 2 errors\n");
    // Problems, whose they are, and which items have none.
    let quiet = stdout(&run("check", &["-q"], &[path]));
    assert!(
        quiet.starts_with(&format!("{}\nerror[", bad.display())),
        "{quiet}"
    );
    let good = quiet.lines().filter(|line| line.contains("good.app"));
    let expected = format!("good: {}", path.join("good.app").display());
    assert_eq!(good.collect::<Vec<_>>(), [expected], "{quiet}");
    assert!(!quiet.contains("items"), "{quiet}");
    assert_eq!(stdout(&run("check", &["-q"], &[&path.join("good.app")])), "");
    let verified = stdout(&run("verify", &["-q"], &[path]));
    assert_eq!(
        verified.replace(":\n  ", ": "),
        format!(
            "{}: invalid Info.plist (plist or signature have been modified)\nIn architecture: arm64\n\
             good: {1}/good.app\ngood: {1}/other.app\n",
            bad.display(),
            path.display()
        )
    );
    let verified = stdout(&run("verify", &[], &[path]));
    assert!(
        verified.ends_with("\n\n3 items: 2 good, 1 failed\n"),
        "{verified}"
    );
    let assessed = stdout(&run("assess", &[], &[path]));
    assert!(assessed.ends_with("\n\n3 items: 3 failed\n"), "{assessed}");
    // With -v all is told of each.
    let verbose = stdout(&run("check", &["-v"], &[path]));
    assert_eq!(verbose.matches("\n  codesign    ").count(), 3, "{verbose}");
}

#[test]
fn a_single_accepted_app_needs_no_words() {
    let app = crate::support::real_app();
    let arguments = ["assess", "-q", "--at", "2026-11-24"].map(OsStr::new);
    let output = sealcheck(&[&arguments[..], &[app.as_os_str()]].concat());
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("", Some(0)));
}
