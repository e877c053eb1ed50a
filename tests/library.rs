//! The example programs of the library do what they say.

use std::fs;
use std::path::Path;

use sealcheck::{Checker, ObjectionKind, Party, RequirementAnswer, Severity, UnixTime};

use crate::support::{foundry, real_app};

#[path = "../examples/scanner.rs"]
#[expect(dead_code, reason = "its main is not called")]
mod scanner;
#[path = "../examples/updater.rs"]
#[expect(dead_code, reason = "its main is not called")]
mod updater;

/// The updater's exit status and output.
fn updated(app: &Path, team: &str, identifier: &str) -> (u8, String) {
    let mut out = Vec::new();
    let arguments = [app.to_str().unwrap(), team, identifier].map(str::to_owned);
    let status = updater::run(&arguments, &mut out).unwrap();
    (status, String::from_utf8(out).unwrap())
}

const TEAM: &str = "S8XHQB96PW";
const IDENTIFIER: &str = "org.mitmproxy.macos-redirector";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_updater_takes_what_it_was_told_to_take() {
    let (status, said) = updated(&real_app(), TEAM, IDENTIFIER);
    assert_eq!((status, said), (0, format!("good: {}\n", real_app().display())));
}

#[test]
fn the_updater_refuses_everything_else() {
    let refused = |app: &Path, team: &str, identifier: &str, why: &str| {
        let (status, said) = updated(app, team, identifier);
        assert_eq!(status, 1, "{said}");
        assert!(said.lines().all(|line| line.starts_with("refused: ")), "{said}");
        assert!(said.contains(why), "{why} in {said}");
    };
    refused(&real_app(), "ABCDE12345", IDENTIFIER, "team-unexpected");
    refused(&real_app(), TEAM, "org.example.other", "identifier-unexpected");
    refused(Path::new("/nowhere/at/all.app"), TEAM, IDENTIFIER, "all.app");
    assert_eq!(updater::run(&[], &mut Vec::new()).unwrap(), 2);

    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("Copy.app");
    copy(&real_app(), &app);
    fs::write(app.join("Contents/Resources/new.txt"), b"new").unwrap();
    refused(
        &app,
        TEAM,
        IDENTIFIER,
        "codesign: a sealed resource is missing or invalid",
    );

    // Without its ticket only Apple's servers know whether it is notarized.
    let app = folder.path().join("Unstapled.app");
    copy(&real_app(), &app);
    fs::remove_file(app.join("Contents/CodeResources")).unwrap();
    refused(&app, TEAM, IDENTIFIER, "gatekeeper: not known");

    // The right names, under a root that is not Apple's.
    let forged = foundry::app(IDENTIFIER).team(TEAM).built();
    refused(&forged.path, TEAM, IDENTIFIER, "team-unexpected");
    let adhoc = foundry::app(IDENTIFIER).team(TEAM).by(foundry::By::Adhoc).built();
    refused(&adhoc.path, TEAM, IDENTIFIER, "team-unexpected");
}

/// Reasons have parts for programs, and a sentence for people.
#[test]
fn objections_say_what_where_who_and_how_bad() {
    let checker = Checker::new(UnixTime(1_795_478_400)).unwrap();
    let good = checker.check(&real_app()).unwrap();
    assert_eq!(good.objections(), []);
    assert_eq!(
        good.evidence.codesign.designated_requirement(),
        RequirementAnswer::Met
    );
    assert_eq!(good.requirement(), None);

    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("Copy.app");
    copy(&real_app(), &app);
    fs::write(app.join("Contents/Resources/more.txt"), b"new").unwrap();
    fs::remove_file(app.join("Contents/CodeResources")).unwrap();
    let outcome = checker.check(&app).unwrap();
    let objections = outcome.objections();
    let of = |kind: ObjectionKind| objections.iter().find(|found| found.kind == kind);
    let codesign = of(ObjectionKind::Codesign).unwrap();
    assert_eq!((codesign.path.as_str(), codesign.is_proven), ("", true));
    assert_eq!(codesign.rejected_by, [Party::Codesign]);
    assert_eq!(
        codesign.to_string(),
        "codesign: a sealed resource is missing or invalid"
    );
    let finding = of(ObjectionKind::Rule("sealed-resource-broken")).unwrap();
    assert!(finding.rejected_by.contains(&Party::Gatekeeper), "{finding:?}");
    assert_eq!((finding.severity, finding.is_proven), (Severity::Error, true));
    assert_eq!(
        finding.to_string(),
        format!("sealed-resource-broken: {}", finding.message)
    );
    let gatekeeper = of(ObjectionKind::Gatekeeper).unwrap();
    assert_eq!(gatekeeper.rejected_by, [Party::Gatekeeper]);

    // What is not known is no error yet, and says so.
    let unsigned = folder.path().join("tool.sh");
    fs::write(&unsigned, b"#!/bin/sh\n").unwrap();
    let outcome = checker.check(&unsigned).unwrap();
    let answer = outcome.evidence.codesign.designated_requirement();
    assert_eq!(
        answer,
        RequirementAnswer::NotKnown("the code is not signed".to_owned())
    );
    let objections = outcome.objections();
    let designated = objections
        .iter()
        .find(|found| found.kind == ObjectionKind::DesignatedRequirement);
    let designated = designated.unwrap();
    assert!(!designated.is_proven);
    assert_eq!(
        designated.to_string(),
        "codesign: it is not known whether the designated requirement is met: the code is not signed"
    );
}

#[test]
fn the_scanner_lists_signed_code() {
    let folder = tempfile::tempdir().unwrap();
    copy(&real_app(), &folder.path().join("Real.app"));
    let nested = foundry::framework("com.example.Parts").by(foundry::By::Adhoc);
    foundry::app("com.example.acme")
        .nested("Frameworks/Parts.framework", nested)
        .write(&folder.path().join("inner/acme.app"));
    foundry::tool("com.example.tool")
        .by(foundry::By::Adhoc)
        .write(&folder.path().join("tool"));
    fs::write(folder.path().join("notes.txt"), b"no code").unwrap();
    let mut out = Vec::new();
    assert!(scanner::run(folder.path(), &mut out).unwrap());
    let said = String::from_utf8(out).unwrap();
    let line = |path: &str| -> Vec<&str> {
        let path = format!("{}\t", folder.path().join(path).display());
        let mut lines = said
            .lines()
            .filter(|line| line.replace("/\t", "\t").starts_with(&path));
        let line = lines.next().unwrap_or_else(|| panic!("{path} in {said}"));
        assert_eq!(lines.next(), None, "{said}");
        line.split('\t').skip(1).collect()
    };
    let real = line("Real.app");
    assert_eq!(real[0], "Developer ID Application: Maximilian Hils (S8XHQB96PW)");
    assert_eq!((real[1], real[3], real[4]), (TEAM, "notarized", "-"));
    assert!(
        real[2].len() == 40 && real[2].bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{said}"
    );
    let acme = line("inner/acme.app");
    assert!(acme[0].ends_with("(not vouched for)"), "{said}");
    assert_eq!((acme[1], acme[3]), ("-", "notarization not known"));
    assert!(acme[4].starts_with("error "), "{said}");
    assert_eq!(
        line("inner/acme.app/Contents/Frameworks/Parts.framework")[0],
        "adhoc"
    );
    assert_eq!(line("tool")[..2], ["adhoc", "-"]);
    assert!(!said.contains("notes.txt"), "{said}");
    assert!(!scanner::run(&folder.path().join("nowhere"), &mut Vec::new()).unwrap_or_default());
}
