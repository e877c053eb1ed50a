//! One cause is one problem, and it comes first: what follows from it is named there and has no advice of its own. And: what is said of
//! an item is about its trouble, and true of it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command_line::{sealcheck, stdout};
use crate::support::bundle::acme;
use crate::support::zip::{Member, members, zip};
use crate::support::{copied_app, flat};

/// The findings about a path, and the text of the report for people.
fn check(path: &Path) -> (Vec<Value>, String) {
    let path = path.to_str().unwrap();
    let report: Value = serde_json::from_str(&stdout(&sealcheck(&["--format", "json", path]))).unwrap();
    let findings = report["items"][0]["findings"].as_array().unwrap().clone();
    (findings, stdout(&sealcheck(&[path])))
}

/// The rules of all errors, in their order.
fn errors(findings: &[Value]) -> Vec<&str> {
    let errors = findings.iter().filter(|finding| finding["severity"] == "error");
    errors.map(|finding| finding["rule"].as_str().unwrap()).collect()
}

/// An app whose program macOS does not find any more.
#[test]
fn what_hides_the_main_executable_is_the_only_error() {
    let program = "Contents/MacOS/Mitmproxy Redirector";
    type Change = fn(&Path);
    let cases: [(&str, &str, Change); 7] = [
        ("renamed list", "not-a-bundle", |app| {
            fs::rename(
                app.join("Contents/Info.plist"),
                app.join("Contents/Info.plist.bak"),
            )
            .unwrap();
        }),
        ("folder for list", "not-a-bundle", |app| {
            fs::remove_file(app.join("Contents/Info.plist")).unwrap();
            fs::create_dir(app.join("Contents/Info.plist")).unwrap();
        }),
        ("renamed Contents", "not-a-bundle", |app| {
            fs::rename(app.join("Contents"), app.join("Content")).unwrap();
        }),
        ("list without sense", "info-plist-invalid", |app| {
            fs::write(app.join("Contents/Info.plist"), "garbage").unwrap();
        }),
        ("empty list", "info-plist-invalid", |app| {
            fs::write(app.join("Contents/Info.plist"), "").unwrap();
        }),
        ("renamed program", "bundle-executable-missing", |app| {
            fs::rename(
                app.join("Contents/MacOS/Mitmproxy Redirector"),
                app.join("Contents/MacOS/other"),
            )
            .unwrap();
        }),
        ("list for another program", "bundle-executable-missing", |app| {
            let list = app.join("Contents/Info.plist");
            let text = fs::read_to_string(&list).unwrap();
            fs::write(
                &list,
                text.replace("<string>Mitmproxy Redirector</string>", "<string>Other</string>"),
            )
            .unwrap();
        }),
    ];
    for (name, rule, change) in cases {
        let folder = tempfile::tempdir().unwrap();
        let app = copied_app(folder.path(), "Acme.app");
        change(&app);
        let (findings, text) = check(&app);
        assert_eq!(errors(&findings), [rule], "{name}: {text}");
        let text = flat(&text);
        for consequence in [
            "special-slot-missing",
            "restricted-entitlement-on-secondary-executable",
        ] {
            assert!(text.contains(consequence), "{name}: {text}");
        }
        let rejected = findings[0]["rejected_by"].as_array().unwrap();
        assert!(
            rejected.iter().any(|party| party == "codesign"),
            "{name}: {rejected:?}"
        );
        assert!(text.contains("codesign says: "), "{name}: {text}");
        if rule == "not-a-bundle" {
            assert!(
                text.contains("was signed as its main executable"),
                "{name}: {text}"
            );
            assert!(text.contains("put Info.plist"), "{name}: {text}");
        }
        assert!(!text.contains("plutil -remove"), "{name}: {text}");
        assert!(app.join(program).exists() || name.starts_with("renamed"));
    }
}

/// What is wrong with a program that never was a main executable does not follow from what is wrong with the bundle around it.
#[test]
fn other_troubles_beside_a_missing_list_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let app = copied_app(folder.path(), "Acme.app");
    fs::rename(
        app.join("Contents/Info.plist"),
        app.join("Contents/Info.plist.bak"),
    )
    .unwrap();
    let extensions = app.join("Contents/Library/SystemExtensions");
    let extension = fs::read_dir(extensions).unwrap().next().unwrap().unwrap().path();
    let list = extension.join("Contents/Info.plist");
    let text = fs::read_to_string(&list).unwrap();
    fs::write(&list, format!("{text}\n")).unwrap();
    let (findings, text) = check(&app);
    let mut errors = errors(&findings);
    errors.dedup();
    assert_eq!(errors, ["not-a-bundle", "info-plist-changed"], "{text}");
}

/// The report about an archive with these members.
fn packed(change: impl Fn(&mut Vec<Member>)) -> (Vec<Value>, String) {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    let mut all = members(&app);
    change(&mut all);
    let archive = folder.path().join("Acme.zip");
    fs::write(&archive, zip(&all)).unwrap();
    let (findings, text) = check(&archive);
    (findings, flat(&text))
}

/// The rules of all findings.
fn rules(findings: &[Value]) -> Vec<&str> {
    findings
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect()
}

/// Members that cannot be read are the one problem of an archive, with advice for them.
#[test]
fn advice_about_an_archive_is_about_what_is_wrong_with_it() {
    let is_program = |member: &&mut Member| member.name.ends_with(b"/MacOS/Acme");
    let (findings, text) = packed(|all| all.iter_mut().for_each(|member| member.flags |= 1));
    assert_eq!(rules(&findings), ["zip-hygiene"], "{text}");
    assert!(text.contains("make an archive without a password"), "{text}");
    let (findings, text) = packed(|all| {
        all.iter_mut()
            .filter(is_program)
            .for_each(|member| member.damage = 1)
    });
    assert_eq!(rules(&findings), ["zip-hygiene"], "{text}");
    assert!(text.contains("get the archive again"), "{text}");
    let (findings, text) = packed(|all| {
        all.iter_mut()
            .filter(is_program)
            .for_each(|member| member.method = Some(12))
    });
    assert_eq!(rules(&findings), ["zip-hygiene"], "{text}");
    assert!(text.contains("the usual compression"), "{text}");
    for words in [
        "chmod",
        "belongs",
        "read in more than one way",
        "read archives with different programs",
    ] {
        assert!(!text.contains(words), "{words}: {text}");
    }
}

/// A folder without code is a folder, and nothing in it is counted as code.
#[test]
fn an_empty_folder_has_no_code() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let text = stdout(&sealcheck(&[empty.to_str().unwrap()]));
    assert!(
        text.contains("\n  no code\n") && text.contains("empty  folder"),
        "{text}"
    );
    assert!(
        flat(&text).contains("no code, 0 files") && !text.contains("slice"),
        "{text}"
    );
    let text = stdout(&sealcheck(&["--format", "json", empty.to_str().unwrap()]));
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["items"][0]["stats"]["code_objects"], 0);
    assert_eq!(report["items"][0]["code"][0]["kind"], "folder");
}

/// An added file is in no seal, so the sentence does not call it sealed.
#[test]
fn a_changed_bundle_says_what_happened_to_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let app = copied_app(folder.path(), "Acme.app");
    fs::write(app.join("Contents/Resources/new.txt"), "x").unwrap();
    let message = |app: &Path| check(app).0[0]["message"].as_str().unwrap().to_owned();
    assert_eq!(message(&app), "1 file was added after signing");
    fs::remove_file(app.join("Contents/Resources/AppIcon.icns")).unwrap();
    assert_eq!(message(&app), "1 file was added and 1 was removed after signing");
}

/// A universal file that is cut off has one status, that of `codesign`: it validates every slice before it looks at the structure of the
/// file (`SecStaticCode::staticValidate`), so the answer is errSecCSBadObjectFormat or what is wrong with a signature, not
/// errSecCSBadMainExecutable.
#[test]
fn a_file_that_is_cut_off_has_one_status() {
    let folder = tempfile::tempdir().unwrap();
    let app = copied_app(folder.path(), "Acme.app");
    let program = app.join("Contents/MacOS/Mitmproxy Redirector");
    let whole = fs::read(&program).unwrap();
    for length in [
        5_000,
        60_000,
        whole.len() / 2,
        whole.len() - 9_000,
        whole.len() - 1,
    ] {
        fs::write(&program, &whole[..length]).unwrap();
        let text = stdout(&sealcheck(&["--format", "json", app.to_str().unwrap()]));
        let report: Value = serde_json::from_str(&text).unwrap();
        let item = &report["items"][0];
        let status = item["codesign"]["status"].as_i64().unwrap();
        let findings = item["findings"].as_array().unwrap();
        let said: Vec<_> = findings
            .iter()
            .filter_map(|finding| finding["apple"]["status"].as_i64())
            .collect();
        assert!(!said.is_empty(), "{length}: {text}");
        assert!(
            said.iter().all(|said| *said == status),
            "{length}: {said:?}, {status}"
        );
    }
}
