//! Limits that are reached: no verdict, no fault of the code, a finding that says which it was.

use std::path::Path;

use sealcheck::budget::Resource;
use sealcheck::limits::Limits;
use sealcheck::source::SourceError;
use sealcheck::verify::{NotJudged, Options, verify};

use crate::support::bundle::{acme, codeless, info_plist, write};
use crate::support::cms::CmsSigner;
use crate::support::codesign::Parent;
use crate::support::judge::{judge, judge_bytes, judge_with};
use crate::support::macho::arm64;
use crate::support::pki::{self, Key};
use crate::support::signature::{Bound, adhoc, blob, certified};

fn with(name: &str, value: u64) -> Options {
    let mut limits = Limits::default();
    assert!(limits.set(name, value), "{name}");
    Options {
        limits,
        ..Options::default()
    }
}

/// What becomes of the item under this limit, beside being valid without it.
#[track_caller]
fn reached(path: &Path, name: &str, value: u64) -> (Option<NotJudged>, Vec<&'static str>) {
    assert_eq!(judge(path).status(), 0, "{name}");
    let judged = judge_with(path, &with(name, value));
    let verdict = &judged.evidence.codesign;
    assert_eq!((verdict.valid(), verdict.status()), (None, None), "{name}");
    let wanted = ["limit-reached", "not-fully-read"];
    let found = judged.rules().into_iter().filter(|rule| wanted.contains(rule));
    (verdict.not_judged(), found.collect())
}

#[test]
fn limits_that_can_be_set() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    let bundle = folder.path().join("Codeless.bundle");
    codeless(&bundle, &adhoc("codeless"));
    let gap = (Some(NotJudged::Gap), vec!["not-fully-read"]);
    let budget = (Some(NotJudged::Budget), vec!["limit-reached"]);
    assert_eq!(reached(&app, "nodes", 5), gap);
    assert_eq!(reached(&app, "depth", 2), gap);
    // Without these files of its own there is nothing to judge.
    for (item, name) in [
        (&app, "info-plist"),
        (&app, "code-resources"),
        (&bundle, "signature-file"),
    ] {
        assert_eq!(judge(item).status(), 0, "{name}");
        let error = verify(item, &with(name, 10)).unwrap_err();
        assert!(
            matches!(error, SourceError::TooLarge { limit: 10, .. }),
            "{name}: {error}"
        );
    }
    assert_eq!(reached(&app, "nesting", 0), budget);
    assert_eq!(reached(&app, "resource-rules", 2), budget);
    assert_eq!(reached(&app, "plist-values", 3), budget);
    for (name, resource) in [
        ("steps", Resource::Steps),
        ("retained-bytes", Resource::RetainedBytes),
    ] {
        let spent = (Some(NotJudged::Spent(resource)), vec!["limit-reached"]);
        assert_eq!(reached(&app, name, 1000), spent);
    }
    // Tickets and profiles are no part of codesign's verdict: what is not read is said where they are.
    write(&app.join("Contents/CodeResources"), b"s8ch a ticket");
    write(&app.join("Contents/embedded.provisionprofile"), b"a profile");
    let evidence = |name, value| judge_with(&app, &with(name, value)).evidence;
    let said = format!("{:?}", evidence("ticket", 3).tickets);
    assert!(said.contains("TooLarge") && said.contains("limit: 3"), "{said}");
    let said = format!("{:?}", evidence("tickets", 0).tickets);
    assert!(said.contains("TooMany { limit: 0 }"), "{said}");
    let said = format!("{:?}", evidence("profile", 3).code[0].profile);
    assert!(said.contains("TooLarge") && said.contains("limit: 3"), "{said}");
    let parent = app.parent().unwrap();
    let found = sealcheck::verify::items(parent, &with("items", 0).limits);
    let unread = found.unwrap().unwrap().unread;
    assert_eq!(unread[0].reason, "there are more than 0 items");
    let tested = [
        "nodes",
        "depth",
        "nesting",
        "info-plist",
        "signature-file",
        "code-resources",
        "resource-rules",
        "plist-values",
        "profile",
        "ticket",
        "tickets",
        "items",
        // tests/archives.rs
        "archive-members",
        "archive-bytes",
        // tests/archive_kinds.rs
        "archive-memory",
        "steps",
        "retained-bytes",
    ];
    assert_eq!(
        Limits::default()
            .named()
            .iter()
            .map(|(name, ..)| *name)
            .collect::<Vec<_>>(),
        tested
    );
}

fn with_rule(parent: &mut Parent, pattern: &str) {
    let start = "<key>rules2</key><dict>";
    let rule = format!("{start}<key>{pattern}</key><true/>");
    parent.rules = parent.rules.replace(start, &rule);
}

/// Beyond these macOS would go on as well, so none of them is a malformed signature.
#[test]
fn limits_that_are_fixed() {
    #[track_caller]
    fn assert_open(judged: &crate::support::judge::Judged, message: &str) {
        let verdict = &judged.evidence.codesign;
        assert_eq!(
            (verdict.valid(), verdict.not_judged()),
            (None, Some(NotJudged::Budget))
        );
        let found = judged.of("limit-reached");
        assert!(
            found.iter().any(|finding| finding.message.contains(message)),
            "{found:#?}"
        );
        let errors =
            |finding: &&sealcheck::finding::Finding| finding.severity == sealcheck::finding::Severity::Error;
        assert_eq!(judged.findings.iter().find(errors), None);
    }
    let mut signer = adhoc("many");
    signer.unbound = (0..4100)
        .map(|number| (0x2_0000 + number, blob(7, &[])))
        .collect();
    let (file, _) = signer.sign(&arm64(b"code"), Bound::default());
    assert_open(&judge_bytes(&file), "superblob index has 41");

    let leaf = pki::self_signed(Key::P256(3)).self_signed();
    let mut crowd = CmsSigner::new(&leaf);
    crowd.certificates = vec![leaf.der.clone(); 300];
    let (file, _) = certified("crowd", crowd).sign(&arm64(b"code"), Bound::default());
    assert_open(&judge_bytes(&file), "more than 256 certificates");

    let mut parent = Parent::new();
    with_rule(&mut parent, &format!("^{}$", "a".repeat(5000)));
    assert_open(&judge(&parent.seal().app()), "a rule pattern of 5002 bytes");
    let mut parent = Parent::new();
    with_rule(&mut parent, "^(((a{200}){200}){200})$");
    assert_open(&judge(&parent.seal().app()), "takes more room than the limit");
    // That is no limit: macOS cannot compile it either.
    let mut parent = Parent::new();
    with_rule(&mut parent, "^(");
    assert_eq!(judge(&parent.seal().app()).status(), -67053);
}

/// The bundle's Info.plist is bound and whole, and too long to be read.
#[test]
fn an_info_plist_of_too_many_values() {
    let parent = Parent::new();
    let mut text = String::from_utf8(info_plist("hello", "org.example.parent", "APPL")).unwrap();
    text = text.replacen(
        "<dict>",
        &format!("<dict><key>many</key><array>{}</array>", "<true/>".repeat(500)),
        1,
    );
    write(&parent.path("Contents/Info.plist"), text.as_bytes());
    let app = parent.seal();
    assert_eq!(judge(&app.app()).status(), 0);
    let judged = judge_with(&app.app(), &with("plist-values", 400));
    assert_eq!(judged.evidence.codesign.not_judged(), Some(NotJudged::Budget));
    let found = judged.of("limit-reached");
    assert!(
        found
            .iter()
            .any(|finding| finding.message == "Info.plist: more than 400 values"),
        "{found:#?}"
    );
}
