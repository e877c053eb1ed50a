//! Archives in ZIP form as operands: what is in them is judged as if it were unpacked, and what is wrong with them is found.

use std::fs;
use std::path::{Path, PathBuf};

use sealcheck::finding::Severity;
use sealcheck::rule::Expectations;
use sealcheck::subject::Origin;
use sealcheck::verify::{Evidence, NotJudged, Options};
use serde_json::Value;

use crate::command_line::{sealcheck, stdout};
use crate::support::examined::{Examined, advise, examine};
use crate::support::foundry::{Built, app, apple, framework, of, tool};
use crate::support::zip::{Member, members, zip};
use crate::support::{advise_unstapled, flat, real_app};

pub const MODES: &str = "zip-without-unix-modes";
pub const HYGIENE: &str = "zip-hygiene";

/// An app with a framework, so with links, and a helper.
pub fn acme() -> Built {
    app("com.example.acme")
        .file("Resources/text", &b"some text ".repeat(9000))
        .nested("Frameworks/parts.framework", framework("com.example.parts"))
        .nested("Helpers/helper", tool("com.example.acme.helper"))
        .built()
}

pub fn options() -> Options {
    let mut options = Options {
        at: sealcheck::time::UnixTime::from_rfc3339("2026-06-15").unwrap(),
        ..Options::default()
    };
    options.anchors.trust_as_apple(&apple().root.der).unwrap();
    options
}

pub struct Packed {
    _folder: tempfile::TempDir,
    pub path: PathBuf,
}

pub fn packed(members: &[Member]) -> Packed {
    written(&zip(members))
}

pub fn written(bytes: &[u8]) -> Packed {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Acme.zip");
    fs::write(&path, bytes).unwrap();
    Packed {
        _folder: folder,
        path,
    }
}

impl Packed {
    pub fn evidence(&self) -> Evidence {
        self.examined().evidence
    }

    /// The same with a survey of it.
    pub fn examined(&self) -> Examined {
        let found = Origin::default().items(&self.path, &options().search()).unwrap();
        let item = self.path.join("acme.app");
        assert!(found.paths().contains(&item), "{:?}", found.paths());
        examine(&item, &options()).unwrap()
    }

    /// Messages of a rule, all errors.
    pub fn said(&self, rule: &str) -> Vec<String> {
        let advice = advise_unstapled(&self.examined(), None);
        let found = of(&advice, rule);
        assert!(found.iter().all(|finding| finding.severity == Severity::Error));
        found.iter().map(|finding| finding.message.clone()).collect()
    }
}

pub fn named<'m>(members: &'m mut [Member], name: &str) -> &'m mut Member {
    let is_it = |member: &&mut Member| member.name == name.as_bytes();
    members.iter_mut().find(is_it).unwrap()
}

/// The item of a report in JSON, without its paths and times.
fn report(path: &Path) -> Value {
    let root = tempfile::NamedTempFile::new().unwrap();
    fs::write(root.path(), &apple().root.der).unwrap();
    let output = sealcheck(&[
        "check".as_ref(),
        "--format=json".as_ref(),
        "--at=2026-06-15".as_ref(),
        "--apple-anchor".as_ref(),
        root.path().as_os_str(),
        path.as_os_str(),
    ]);
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let mut items = report["items"].as_array().unwrap().clone();
    assert_eq!(items.len(), 1);
    let mut item = items.remove(0);
    item["stats"]["seconds"] = Value::Null;
    for finding in item["findings"].as_array_mut().unwrap() {
        finding["remedy"] = Value::Null;
        // It says that an archive carries no ticket.
        if finding["rule"] == "ticket-missing" {
            finding["message"] = Value::Null;
        }
    }
    item
}

/// The report of the only item in an archive is that of its folder.
fn assert_same(archive: &Packed, flat: &Value) {
    let mut item = report(&archive.path);
    let shown = archive.path.to_str().unwrap();
    let name = flat["path"].as_str().unwrap().rsplit('/').next().unwrap();
    assert_eq!(item["path"], format!("{shown}/{name}"));
    assert_eq!(
        (&item["container"], &item["parent"]),
        (&"zip".into(), &shown.into())
    );
    for key in ["path", "container", "parent"] {
        item[key] = flat[key].clone();
    }
    assert_eq!(&item, flat);
}

/// As it is, and as whoever writes to a pipe packs it.
#[test]
fn a_real_app_has_one_report() {
    let flat = report(&real_app());
    let all = members(&real_app());
    assert_same(&packed(&all), &flat);
    let stream = |member: Member| match member.contents.is_empty() {
        true => member,
        false => member.streamed(true, false),
    };
    let streamed: Vec<_> = all.into_iter().map(stream).collect();
    assert_same(&packed(&streamed), &flat);
}

#[test]
fn an_app_is_judged_as_if_it_were_unpacked() {
    let built = acme();
    let flat = report(&built.path);
    assert_eq!(flat["codesign"]["valid"], true);
    for is_deflated in [true, false] {
        let mut all = members(&built.path);
        all.iter_mut()
            .for_each(|member| member.is_deflated &= is_deflated);
        assert_same(&packed(&all), &flat);
    }
    // Folders that no member stands for, and a path into the archive.
    let mut all = members(&built.path);
    all.retain(|member| !member.name.ends_with(b"/"));
    let archive = packed(&all);
    assert_eq!(archive.evidence().codesign.valid(), Some(true));
    assert_eq!(
        report(&archive.path.join("acme.app"))["codesign"],
        flat["codesign"]
    );
}

#[test]
fn what_is_changed_is_found_and_what_is_damaged_is_not_judged() {
    let built = acme();
    let text = "acme.app/Contents/Resources/text";
    let mut all = members(&built.path);
    named(&mut all, text).contents[0] ^= 1;
    let changed = packed(&all).evidence();
    assert_eq!(changed.codesign.valid(), Some(false));
    assert_eq!(
        changed.codesign.failure().unwrap().files_modified,
        ["Contents/Resources/text"]
    );

    let mut all = members(&built.path);
    named(&mut all, text).damage = 1;
    let damaged = packed(&all).evidence();
    assert_eq!(damaged.codesign.valid(), None);
    assert!(
        damaged.unread[0].reason.contains("checksum"),
        "{:?}",
        damaged.unread
    );

    let mut all = members(&built.path);
    named(&mut all, text).flags = 1;
    let archive = packed(&all);
    assert_eq!(archive.evidence().codesign.valid(), None);
    assert_eq!(
        archive.said(HYGIENE),
        ["the archive has members that a password protects"]
    );
}

#[test]
fn archives_without_modes() {
    let built = acme();
    let mut all = members(&built.path);
    for member in &mut all {
        (member.host, member.mode) = (0, 0);
    }
    let archive = packed(&all);
    let said = archive.said(MODES);
    assert!(
        said.len() == 1 && said[0].contains("files have no Unix modes"),
        "{said:?}"
    );
    // The links are gone, as on a Mac.
    assert_eq!(archive.evidence().codesign.valid(), Some(false));
    let mut all = members(&built.path);
    // A text works without; a program does not.
    named(&mut all, "acme.app/Contents/Resources/text").mode = 0;
    assert!(packed(&all).said(MODES).is_empty());
    named(&mut all, "acme.app/Contents/Helpers/helper").mode = 0;
    assert_eq!(
        packed(&all).said(MODES),
        ["2 files have no Unix modes in the archive, acme.app/Contents/Helpers/helper among them"]
    );
    assert!(packed(&members(&built.path)).said(MODES).is_empty());
}

#[test]
fn archives_that_can_be_read_in_more_than_one_way() {
    let built = acme();
    let good = members(&built.path);
    let with = |change: &dyn Fn(&mut Vec<Member>)| {
        let mut all = good.clone();
        change(&mut all);
        packed(&all).said(HYGIENE)
    };
    let text = "acme.app/Contents/Resources/text";
    assert!(with(&|_| ()).is_empty());
    for (word, said) in [
        (
            "lead out",
            with(&|all| all.push(Member::file("acme.app/../../evil", b"x"))),
        ),
        ("lead out", with(&|all| all.push(Member::file("/etc/evil", b"x")))),
        (
            "backslash",
            with(&|all| all.push(Member::file("acme.app/Contents\\Resources\\x", b"x"))),
        ),
        ("one path", with(&|all| all.push(Member::file(text, b"x")))),
        (
            "through a file",
            with(&|all| all.push(Member::file("acme.app/Contents/Info.plist/x", b"x"))),
        ),
        (
            "beside their data",
            with(&|all| named(all, text).local_name = Some(b"acme.app/Contents/Resources/evil".to_vec())),
        ),
        ("compressed", with(&|all| named(all, text).method = Some(12))),
    ] {
        assert!(said.len() == 1 && said[0].contains(word), "{word}: {said:?}");
    }
    let bytes = zip(&good);
    let around = |front: &[u8], behind: &[u8]| written(&[front, &bytes, behind].concat());
    assert!(around(b"", b"more").said(HYGIENE)[0].contains("behind the archive"));
    let leading = around(b"#!/bin/sh\n", b"");
    // Tools that read the directory at the end open it all the same.
    assert!(leading.said(HYGIENE)[0].contains("in front of the archive"));
}

/// R180.
#[test]
fn archives_carry_no_tickets() {
    let archive = packed(&members(&acme().path));
    let advice = advise(&archive.examined(), None, &Expectations::default());
    let [finding] = of(&advice, "ticket-missing")[..] else {
        panic!("{advice:#?}");
    };
    assert_eq!(finding.severity, Severity::Warning);
    assert!(
        finding.message.contains("an archive cannot be"),
        "{}",
        finding.message
    );
}

#[test]
fn the_last_member_of_a_path_counts() {
    let built = acme();
    let mut all = members(&built.path);
    let text = "acme.app/Contents/Resources/text";
    let good = named(&mut all, text).clone();
    named(&mut all, text).contents[0] ^= 1;
    assert_eq!(packed(&all).evidence().codesign.valid(), Some(false));
    all.push(good);
    // Which one is kept depends on the tool, so the good one is not the answer.
    let verdict = packed(&all).evidence().codesign;
    assert_eq!(verdict.not_judged(), Some(NotJudged::ContainerFaults));
}

#[test]
fn an_archive_that_is_replaced_is_read_again() {
    let built = acme();
    let archive = packed(&members(&built.path));
    let options = options();
    let item = archive.path.join("acme.app");
    let valid = || examine(&item, &options).unwrap().codesign.valid();
    assert_eq!((valid(), valid()), (Some(true), Some(true)));
    let mut all = members(&built.path);
    named(&mut all, "acme.app/Contents/Resources/text").contents[0] ^= 1;
    fs::remove_file(&archive.path).unwrap();
    fs::write(&archive.path, zip(&all)).unwrap();
    assert_eq!(valid(), Some(false));
}

/// The Finder information of a folder.
pub fn finder_information() -> Vec<u8> {
    let mut double = [&0x0005_1607_u32.to_be_bytes()[..], &[0; 20], &[0, 1]].concat();
    for word in [9_u32, 38, 32] {
        double.extend(word.to_be_bytes());
    }
    double.extend([1; 32]);
    double
}

/// Paths with `./` in front, items in folders, and names that begin alike.
#[test]
fn items_by_their_paths() {
    let built = acme();
    let mut all = members(&built.path);
    for member in &mut all {
        member.name = [b"./dist/", member.name.as_slice()].concat();
    }
    all.push(Member::file("dist/acme.app-notes/text", b"notes"));
    all.push(Member::file("dist/acme.app.txt", b"notes"));
    let archive = packed(&all);
    let item = archive.path.join("dist/acme.app");
    let found = Origin::default()
        .items(&archive.path, &options().search())
        .unwrap();
    assert_eq!(found.paths(), std::slice::from_ref(&item));
    let evidence = examine(&item, &options()).unwrap();
    assert_eq!(evidence.codesign.valid(), Some(true));
    assert_eq!(evidence.evidence.container.unwrap().all_faults().count(), 0);
    all.push(Member::file("__MACOSX/dist/._acme.app", &finder_information()));
    let attached = packed(&all);
    let evidence = examine(&attached.path.join("dist/acme.app"), &options()).unwrap();
    assert_eq!(evidence.codesign.valid(), Some(false));
}

#[test]
fn companions_are_no_files() {
    let built = acme();
    let mut all = members(&built.path);
    all.push(Member::file("__MACOSX/._acme.app", b"none"));
    all.push(Member::file(
        "__MACOSX/acme.app/Contents/Resources/._text",
        b"none",
    ));
    let archive = packed(&all);
    assert_eq!(archive.evidence().codesign.valid(), Some(true));
    // The Finder information in one is refused by strict validation.
    let mut attached = all.clone();
    attached.push(Member::file("__MACOSX/._acme.app", &finder_information()));
    let refused = packed(&attached).evidence().codesign;
    assert_eq!(refused.valid(), Some(false), "{refused:?}");
    // Beside the file it is one, and breaks the seal.
    all.push(Member::file("acme.app/Contents/Resources/._text", b"none"));
    assert_eq!(
        packed(&all).evidence().codesign.failure().unwrap().files_added,
        ["Contents/Resources/._text"]
    );
}

#[test]
fn what_is_no_archive_or_has_no_items() {
    let plain = packed(&[Member::file("readme.txt", b"text")]);
    let found = Origin::default().items(&plain.path, &options().search()).unwrap();
    assert_eq!(found.paths(), std::slice::from_ref(&plain.path));
    let output = sealcheck(&["check".as_ref(), plain.path.as_os_str()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("not signed"));

    let mut bytes = zip(&members(&acme().path));
    bytes.truncate(bytes.len() - 30);
    let cut = written(&bytes);
    let output = sealcheck(&["check".as_ref(), cut.path.as_os_str()]);
    assert_eq!(output.status.code(), Some(4));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(flat(&told).contains("no end of central directory"), "{told}");

    let missing = plain.path.join("Other.app");
    let output = sealcheck(&["check".as_ref(), missing.as_os_str()]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not in the archive"));
}

#[test]
fn budgets_of_operands() {
    let built = acme();
    let mut all = members(&built.path);
    let text = all
        .iter()
        .position(|member| member.name.ends_with(b"/text"))
        .unwrap();
    let text = all.remove(text);
    let before: usize = all.iter().map(|member| member.contents.len()).sum();
    all.push(text);
    let archive = packed(&all);
    let with = |change: &dyn Fn(&mut sealcheck::limits::Limits)| {
        let mut options = options();
        change(&mut options.limits);
        examine(&archive.path.join("acme.app"), &options)
    };
    // Too little for all of it: what is behind was not read, and nothing passes.
    let cut = with(&|limits| limits.archive_bytes = before as u64 + 10).unwrap();
    assert_eq!(cut.codesign.valid(), None, "{:?}", cut.codesign);
    assert!(
        cut.unread.iter().any(|unread| unread.path.ends_with("/text")),
        "{:?}",
        cut.unread
    );
    assert_eq!(with(&|limits| limits.nodes = 5).unwrap().codesign.valid(), None);
    assert!(with(&|limits| limits.archive_members = 5).is_err());
    // A bomb: 64 MiB of zeros in some 64 KiB, in a file that the seal does not know.
    let mut bomb = Member::file("acme.app/Contents/Resources/bomb", &vec![0; 64 << 20]);
    bomb.is_deflated = true;
    all.push(bomb);
    let added = packed(&all).evidence();
    assert_eq!(
        added.codesign.failure().unwrap().files_added,
        ["Contents/Resources/bomb"]
    );
}
