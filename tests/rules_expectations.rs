//! What the user expects of an item: each expectation fires where it is not met, and keeps silent on a near miss.

use std::ffi::OsString;
use std::path::Path;

use sealcheck::finding::{Severity, Target};
use sealcheck::macho::Architecture;
use sealcheck::rule::{Advice, Demand, Expectations, ExpectedEntitlement};
use serde_json::Value;

use crate::command_line::{sealcheck, stdout};
use crate::support::examined::advise;
use crate::support::foundry::{Built, By, Code, TEAM, app, framework, library, tool, xpc_service};
use crate::support::macho::{Thin, arm64, powerpc, x86_64};
use crate::support::plist::entries;
use crate::support::real_app;
use crate::support::signature::blob;

fn advice(built: &Built, expected: &Expectations) -> Advice {
    advise(&built.evidence(), Some(Target::Local), expected)
}

/// Path, architecture and message of what is said about one rule; nothing else of the family may be said.
#[track_caller]
fn said(code: &Code, expected: &Expectations, rule: &str) -> Vec<(String, Option<String>, String)> {
    let advice = advice(&code.built(), expected);
    let is_expectation = |rule: &str| {
        let found = sealcheck::rule::find(rule).unwrap();
        found.family == sealcheck::rule::Family::Expectation
    };
    assert!(is_expectation(rule));
    let found = advice
        .findings
        .into_iter()
        .filter(|finding| is_expectation(finding.rule));
    found
        .map(|finding| {
            assert_eq!((finding.rule, finding.severity), (rule, Severity::Error));
            assert!(!finding.remedy.to_string().contains("PATH"), "{}", finding.remedy);
            (finding.path, finding.architecture, finding.message)
        })
        .collect()
}

fn messages(code: &Code, expected: &Expectations, rule: &str) -> Vec<String> {
    let said = said(code, expected, rule);
    said.into_iter().map(|(_, _, message)| message).collect()
}

fn team(team: &str) -> Expectations {
    Expectations {
        team: Some(team.to_owned()),
        ..Expectations::default()
    }
}

fn required(demand: &str) -> Expectations {
    Expectations {
        required: vec![Demand::from_name(demand).unwrap()],
        ..Expectations::default()
    }
}

fn claims(key: &str, value: Option<&str>) -> Expectations {
    Expectations {
        entitlements: vec![ExpectedEntitlement {
            key: key.to_owned(),
            value: value.map(str::to_owned),
        }],
        ..Expectations::default()
    }
}

fn forbids(key: &str) -> Expectations {
    Expectations {
        forbidden_entitlements: vec![key.to_owned()],
        ..Expectations::default()
    }
}

fn with_stamp(mut code: Code, is_stamped: bool) -> Code {
    code.is_stamped = is_stamped;
    code
}

fn with_slices(mut code: Code, slices: Vec<Thin>) -> Code {
    code.slices = slices;
    code
}

#[test]
fn teams_are_those_of_certificates() {
    const RULE: &str = "team-unexpected";
    let acme = app("com.example.acme");
    for by in [By::DeveloperId, By::Development, By::Distribution] {
        assert_eq!(
            messages(&acme.clone().by(by), &team(TEAM), RULE),
            [""; 0],
            "{by:?}"
        );
    }
    assert_eq!(
        messages(&acme, &team("ZYXWV54321"), RULE),
        [format!("signed by team {TEAM}, not ZYXWV54321")]
    );
    assert_eq!(
        messages(&acme.clone().by(By::Adhoc), &team(TEAM), RULE),
        [format!("signed ad hoc, not by team {TEAM}")]
    );
    assert_eq!(
        messages(&acme.clone().by(By::Apple), &team(TEAM), RULE),
        [format!(
            "signed by \"Software Signing: Example ({TEAM})\", not by team {TEAM}"
        )]
    );
    // Nested code may be of another team.
    let nested = acme.nested(
        "Frameworks/libother.dylib",
        library("com.example.libother").team("ZYXWV54321"),
    );
    assert_eq!(messages(&nested, &team(TEAM), RULE), [""; 0]);
}

/// Anybody can write a team into a CodeDirectory, and into a certificate of their own.
#[test]
fn a_claimed_team_is_none() {
    use crate::support::cms::CmsSigner;
    use crate::support::pki::{self, Key};
    use crate::support::signature::{Bound, Signer, certified};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    let root = pki::root().self_signed();
    let leaf = pki::developer_id(Key::P256(3)).issued_by(&pki::developer_id_ca().issued_by(&root));
    let signer = Signer {
        team: Some(TEAM.into()),
        version: 0x20500,
        ..certified("org.example.tool", CmsSigner::new(&leaf))
    };
    std::fs::write(&path, signer.sign(&arm64(b"code"), Bound::default()).0).unwrap();
    let run = |trusts_as: &str| {
        let anchor = folder.path().join("root.der");
        std::fs::write(&anchor, &root.der).unwrap();
        let words: [OsString; 9] = [
            "--at".into(),
            "2026-06-15".into(),
            trusts_as.into(),
            anchor.into(),
            "--expect-team".into(),
            TEAM.into(),
            "--target".into(),
            "local".into(),
            path.clone().into(),
        ];
        let output = sealcheck(&words);
        (stdout(&output), output.status.code())
    };
    assert_eq!(run("--apple-anchor").1, Some(0));
    // The same signature under a root that is merely trusted.
    let (text, status) = run("--trust-anchor");
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("codesign    ✓"), "{text}");
    assert!(
        text.contains(&format!(
            "error[team-unexpected] claims team {TEAM}, for which no sound certificate"
        )),
        "{text}"
    );
}

#[test]
fn identifiers() {
    const RULE: &str = "identifier-unexpected";
    let expected = |identifier: &str| Expectations {
        identifier: Some(identifier.to_owned()),
        ..Expectations::default()
    };
    let acme = app("com.example.acme").nested("XPCServices/Other.xpc", xpc_service("com.example.other"));
    assert_eq!(messages(&acme, &expected("com.example.acme"), RULE), [""; 0]);
    for other in ["com.example.Acme", "com.example.acme.beta", "com.example"] {
        assert_eq!(
            messages(&acme, &expected(other), RULE),
            [format!("the identifier is com.example.acme, not {other}")]
        );
    }
}

#[test]
fn expected_entitlements() {
    const RULE: &str = "entitlement-unmet";
    let acme = app("com.example.acme").entitlements(entries! {
        "yes" => true,
        "no" => false,
        "name" => "acme",
        "number" => 16,
        "list" => ["a", "b"],
    });
    for (key, value) in [
        ("yes", None),
        ("name", None),
        ("list", None),
        ("yes", Some("true")),
        ("no", Some("false")),
        ("name", Some("acme")),
        ("number", Some("16")),
        ("list", Some("b")),
    ] {
        assert_eq!(
            messages(&acme, &claims(key, value), RULE),
            [""; 0],
            "{key} {value:?}"
        );
    }
    for (key, value, message) in [
        ("no", None, "no is expected, but is false"),
        ("yes", Some("false"), "yes=false is expected, but is true"),
        ("name", Some("true"), "name=true is expected, but is \"acme\""),
        ("name", Some(""), "name= is expected, but is \"acme\""),
        ("list", Some("c"), "list=c is expected, but is [\"a\",\"b\"]"),
        ("other", None, "other is expected, but not claimed"),
        ("other", Some("false"), "other=false is expected, but not claimed"),
    ] {
        assert_eq!(messages(&acme, &claims(key, value), RULE), [message]);
    }
    // What nested code claims is not the item's.
    let outer = app("com.example.outer").nested("XPCServices/acme.xpc", {
        xpc_service("com.example.acme").entitlements(entries! { "yes" => true })
    });
    assert_eq!(messages(&outer, &claims("yes", None), RULE).len(), 1);
}

#[test]
fn forbidden_entitlements() {
    const RULE: &str = "entitlement-forbidden";
    const KEY: &str = "com.apple.security.get-task-allow";
    let service = |value: bool| {
        app("com.example.acme").nested(
            "XPCServices/Service.xpc",
            xpc_service("com.example.Service").entitlements(entries! { KEY => value }),
        )
    };
    assert_eq!(
        said(&service(true), &forbids(KEY), RULE),
        [(
            "Contents/XPCServices/Service.xpc/Contents/MacOS/Service".to_owned(),
            None,
            format!("claims {KEY}, which is forbidden here")
        )]
    );
    assert_eq!(messages(&service(false), &forbids(KEY), RULE), [""; 0]);
    assert_eq!(
        messages(&service(true), &forbids("com.apple.security.get-task"), RULE),
        [""; 0]
    );
}

#[test]
fn what_cannot_be_read_is_not_free_of_forbidden_entitlements() {
    let acme = app("com.example.acme").special(7, blob(0xfade_7172, b"no DER"));
    let built = acme.built();
    let advice = advice(&built, &forbids("com.apple.security.get-task-allow"));
    let open: Vec<_> = advice
        .unknown
        .iter()
        .filter(|open| open.is_expectation())
        .collect();
    assert_eq!(open.len(), 1, "{:#?}", advice.unknown);
    assert_eq!(
        (open[0].rule, open[0].path.as_str()),
        ("entitlement-forbidden", "Contents/MacOS/acme")
    );
    assert!(advice.has_open_expectation());
}

#[test]
fn developer_ids() {
    const RULE: &str = "required-developer-id-missing";
    let expected = required("developer-id");
    let acme = app("com.example.acme");
    assert_eq!(messages(&acme, &expected, RULE), [""; 0]);
    assert_eq!(
        messages(&acme.clone().by(By::Development), &expected, RULE),
        ["signed by \"Apple Development: Example (ABCDE12345)\", not with a Developer ID"]
    );
    // Apple's own code may lie in a product, but is no product of a developer.
    let with = |by| {
        acme.clone()
            .nested("Frameworks/swift.framework", framework("com.apple.swift").by(by))
    };
    assert_eq!(messages(&with(By::Apple), &expected, RULE), [""; 0]);
    assert_eq!(
        said(&with(By::Adhoc), &expected, RULE)[0].0,
        "Contents/Frameworks/swift.framework/Versions/A/swift"
    );
    assert_eq!(messages(&acme.by(By::Apple), &expected, RULE).len(), 1);
}

#[test]
fn hardened_runtimes() {
    const RULE: &str = "required-hardened-runtime-missing";
    let expected = required("hardened-runtime");
    let with = |flags| {
        app("com.example.acme")
            .nested(
                "Frameworks/libextra.dylib",
                library("com.example.libextra").with_flags(0),
            )
            .nested("Helpers/helper", tool("com.example.helper").with_flags(flags))
    };
    assert_eq!(messages(&with(0x1_0000), &expected, RULE), [""; 0]);
    assert_eq!(said(&with(0), &expected, RULE)[0].0, "Contents/Helpers/helper");
}

#[test]
fn timestamps() {
    const RULE: &str = "required-timestamp-missing";
    let expected = required("timestamp");
    let with = |is_stamped| {
        app("com.example.acme").nested(
            "Frameworks/libextra.dylib",
            with_stamp(library("com.example.libextra"), is_stamped),
        )
    };
    assert_eq!(messages(&with(true), &expected, RULE), [""; 0]);
    assert_eq!(
        said(&with(false), &expected, RULE),
        [(
            "Contents/Frameworks/libextra.dylib".to_owned(),
            None,
            "no secure timestamp".to_owned()
        )]
    );
    assert_eq!(
        messages(&app("com.example.acme").by(By::Adhoc), &expected, RULE),
        ["signed ad hoc, without timestamp"]
    );
}

#[test]
fn architectures() {
    const RULE: &str = "required-architecture-missing";
    let intel = |code| with_slices(code, vec![x86_64(b"intel only")]);
    let acme = app("com.example.acme");
    assert_eq!(messages(&acme, &required("arch:arm64"), RULE), [""; 0]);
    assert_eq!(
        messages(&acme, &required("arch:arm64e"), RULE),
        ["no code for arm64e, only arm64, x86_64"]
    );
    let helper = acme
        .clone()
        .nested("Helpers/helper", intel(tool("com.example.helper")))
        .nested(
            "Frameworks/libextra.dylib",
            intel(library("com.example.libextra")),
        );
    assert_eq!(
        said(&helper, &required("arch:ARM64"), RULE),
        [(
            "Contents/Helpers/helper".to_owned(),
            None,
            "no code for arm64, only x86_64".to_owned()
        )]
    );
    let library = intel(library("com.example.libextra"));
    assert_eq!(messages(&library, &required("arch:arm64"), RULE).len(), 1);
    assert_eq!(messages(&library, &required("arch:x86_64"), RULE), [""; 0]);
}

/// Where only one architecture was looked at, nobody knows of the others.
#[test]
fn architectures_that_were_not_looked_at() {
    let built = app("com.example.acme").built();
    let mut evidence = built.evidence();
    evidence.flags.architecture = Some("x86_64".into());
    let arm64 = Architecture::from_name("arm64");
    evidence.code[0]
        .slices
        .retain(|slice| slice.architecture != arm64);
    evidence.code[0].unread_architectures.extend(arm64);
    let advice = advise(&evidence, Some(Target::Local), &required("arch:arm64"));
    assert_eq!(
        advice.unknown.last().unwrap().rule,
        "required-architecture-missing"
    );
    assert!(advice.has_open_expectation());
}

#[test]
fn notarization() {
    use crate::support::ticket::{TicketMaker, notary};
    const RULE: &str = "required-notarization-missing";
    let expected = required("notarized");
    let open = |advice: &Advice| {
        assert!(advice.findings.iter().all(|finding| finding.rule != RULE));
        let open = advice.unknown.iter().filter(|open| open.rule == RULE);
        open.map(|open| open.path.clone()).collect::<Vec<_>>()
    };
    let acme = app("com.example.acme").nested("Frameworks/libextra.dylib", library("com.example.libextra"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.app");
    let outer = acme.write(&path);
    let evidence = |staple: &[Vec<u8>]| {
        let place = path.join("Contents/CodeResources");
        std::fs::write(place, TicketMaker::new(&notary(), staple).build()).unwrap();
        let options = crate::tickets::options();
        crate::support::examined::examine(&path, &options).unwrap()
    };
    // Tickets that list the library's slices come from the evidence itself.
    let library: Vec<Vec<u8>> = evidence(&[]).code[1]
        .slices
        .iter()
        .map(|slice| slice.cdhashes.last().unwrap().truncated().as_bytes().to_vec())
        .collect();
    let all = [outer.clone(), library].concat();
    let advice = |staple: &[Vec<u8>]| advise(&evidence(staple), None, &expected);
    assert_eq!(open(&advice(&all)), [""; 0]);
    assert!(!advice(&all).has_open_expectation());
    // Without a ticket nobody knows, of the one that it leaves out neither.
    let nothing = advice(&[]);
    assert_eq!(
        open(&nothing),
        ["Contents/MacOS/acme", "Contents/Frameworks/libextra.dylib"]
    );
    assert!(nothing.has_open_expectation());
    assert_eq!(open(&advice(&outer)), ["Contents/Frameworks/libextra.dylib"]);
    // Nobody has notarized these.
    for by in [By::Adhoc, By::Development, By::Distribution] {
        assert_eq!(messages(&acme.clone().by(by), &expected, RULE).len(), 1, "{by:?}");
    }
    // Apple's own code needs no ticket, and Gatekeeper looks at no PowerPC code.
    for (code, count) in [
        (tool("com.apple.tool").by(By::Apple), 0),
        (app("com.example.acme").by(By::MacAppStore), 0),
        (
            with_slices(tool("com.example.tool"), vec![powerpc(b"old"), arm64(b"new")]),
            1,
        ),
    ] {
        let advice = self::advice(&code.built(), &expected);
        assert_eq!(open(&advice).len(), count, "{}", code.identifier);
    }
}

fn check(path: &Path, more: &[&str]) -> (String, i32) {
    let mut words: Vec<OsString> = vec!["check".into(), "--at".into(), "2026-11-24".into()];
    words.extend(more.iter().map(OsString::from));
    words.push(path.into());
    let output = sealcheck(&words);
    (stdout(&output), output.status.code().unwrap())
}

#[test]
fn the_program_asks_what_it_is_told_to() {
    let real = real_app();
    let good = [
        "--expect-team",
        "S8XHQB96PW",
        "--expect-identifier",
        "org.mitmproxy.macos-redirector",
        "--expect-entitlement",
        "com.apple.developer.system-extension.install",
        "--expect-entitlement=com.apple.developer.system-extension.install=true",
        "--forbid-entitlement",
        "com.apple.security.get-task-allow",
        "--require",
        "notarized,developer-id,hardened-runtime",
        "--require=timestamp,arch:ARM64,arch:x86_64",
    ];
    let (text, status) = check(&real, &good);
    assert_eq!(status, 0, "{text}");
    let (json, status) = check(&real, &[&good[..], &["--format", "json"]].concat());
    assert_eq!(status, 0);
    let json: Value = serde_json::from_str(&json).unwrap();
    let expected = json["options"]["expected"].as_array().unwrap();
    assert_eq!(expected.len(), 11, "{expected:#?}");
    assert_eq!(expected[4], "no entitlement com.apple.security.get-task-allow");
    for bad in [
        &["--expect-team", "S8XHQB96PX"][..],
        &["--expect-identifier", "org.mitmproxy"],
        &[
            "--forbid-entitlement",
            "com.apple.developer.system-extension.install",
        ],
        &["--expect-entitlement", "com.apple.security.app-sandbox"],
        &["--require", "notarized,arch:arm64e"],
    ] {
        assert_eq!(check(&real, bad).1, 1, "{bad:?}");
    }
    // The short form of the command takes them as well, also where a value is the name of a command.
    let output = sealcheck(&[
        "--expect-identifier".as_ref(),
        "verify".as_ref(),
        real.as_os_str(),
    ]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn an_unset_variable_or_a_slip_is_wrong_use() {
    let real = real_app();
    for wrong in [
        &["--expect-team", ""][..],
        &["--expect-identifier="],
        &["--forbid-entitlement", ""],
        &["--expect-entitlement", "=true"],
        &["--require", ""],
        &["--require", "notarized,"],
        &["--require", "notarised"],
        &["--require", "arch:6502"],
    ] {
        assert_eq!(check(&real, wrong).1, 2, "{wrong:?}");
    }
    let output = sealcheck(&[
        "--forbid-entitlement".as_ref(),
        "com.apple.security.get-task-alow".as_ref(),
        real.as_os_str(),
    ]);
    let warning = String::from_utf8(output.stderr).unwrap();
    assert!(
        warning.contains("is com.apple.security.get-task-allow meant?"),
        "{warning}"
    );
    let verify = sealcheck(&[
        "verify".as_ref(),
        "--require=timestamp".as_ref(),
        real.as_os_str(),
    ]);
    assert_eq!(verify.status.code(), Some(2));
}

/// An app as good as it can be, whose ticket somebody took off.
#[test]
fn what_nobody_knows_is_not_passed_in_any_format() {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("Redirector.app");
    let copied = std::process::Command::new("cp")
        .arg("-R")
        .args([real_app(), app.clone()])
        .status();
    assert!(copied.unwrap().success());
    std::fs::remove_file(app.join("Contents/CodeResources")).unwrap();
    assert_eq!(check(&app, &[]).1, 0);
    for format in crate::formats::FORMATS {
        let (text, status) = check(&app, &["--require", "notarized", "--format", format]);
        assert_eq!(status, 4, "{format}: {text}");
        assert!(text.contains("required-notarization-missing"), "{format}: {text}");
        match format {
            "junit" => {
                assert!(
                    text.contains("errors=\"1\"") && !text.contains("name=\"verdict\""),
                    "{text}"
                );
            }
            "github" => assert!(text.contains("::error "), "{text}"),
            "sarif" => assert!(text.contains("\"executionSuccessful\": false"), "{text}"),
            _ => {}
        }
    }
    // Something worse is something worse.
    assert_eq!(check(&app, &["--require", "notarized,arch:ppc"]).1, 1);
}
