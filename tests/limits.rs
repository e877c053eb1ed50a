//! Limits that are reached: no verdict, no fault of the code, and a finding that names the limit.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use sealcheck::limits::Limits;
use sealcheck::verify::{NotJudged, Options};
use serde_json::{Value, json};

use crate::archives::{member, zip as archived};
use crate::command_line::{sealcheck, stdout};
use crate::support::bundle::{codeless, info_plist, write};
use crate::support::cms::CmsSigner;
use crate::support::codesign::Parent;
use crate::support::flip;
use crate::support::foundry::{Code, app, apple, tool};
use crate::support::judge::{judge, judge_bytes, judge_with};
use crate::support::macho::arm64;
use crate::support::pki::{self, Key};
use crate::support::profile::{TEAM, World};
use crate::support::signature::{Bound, adhoc, blob, certified};
use crate::support::ticket::{TicketMaker, notary};
use crate::support::zip::{members, zip};

/// Options with one limit set.
pub fn with(name: &str, value: u64) -> Options {
    let mut limits = Limits::default();
    assert!(limits.set(name, value), "{name}");
    Options {
        limits,
        ..Options::default()
    }
}

/// Good items, each of which reaches some of the limits.
struct Shop {
    folder: tempfile::TempDir,
}

/// A property list for launchd.
const JOB: &[u8] = b"<plist><dict><key>Label</key><string>com.example.acme.agent</string>\
    <key>BundleProgram</key><string>Contents/MacOS/acme</string></dict></plist>";

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        write(&place("root.der"), &apple().root.der);
        let world = World::new();
        let profile = world.for_developer_id(json!({"com.apple.developer.team-identifier": TEAM}));
        let code = app("com.example.acme")
            .file("Resources/text", b"some text")
            .file("embedded.provisionprofile", &profile.build())
            .file("Library/LaunchAgents/agent.plist", JOB)
            .nested("Helpers/helper", tool("com.example.acme.helper"));
        let stapled = |path: &Path, code: &Code| {
            let cdhashes = code.write(path);
            write(
                &path.join("Contents/CodeResources"),
                &TicketMaker::new(&notary(), &cdhashes).build(),
            );
        };
        stapled(&place("items/acme.app"), &code);
        fs::write(place("acme.zip"), zip(&members(&place("items/acme.app")))).unwrap();
        app("com.example.plain").write(&place("plain.app"));
        let jar = archived(&[member("classes/A.class", b"some text")]);
        let jar = archived(&[member("inner.jar", &jar), member("B.class", b"text")]);
        app("com.example.java")
            .file("Resources/a.jar", &jar)
            .write(&place("java.app"));
        codeless(&place("Codeless.bundle"), &adhoc("codeless"));
        Self { folder }
    }

    fn path(&self, item: &str) -> PathBuf {
        self.folder.path().join(item)
    }

    /// Runs a command on an item, without a limit where there is no name.
    fn run(&self, command: &str, name: &str, value: u64, item: &str) -> (i32, String) {
        let limit = format!("{name}={value}");
        let root = self.path("root.der");
        let mut arguments: Vec<OsString> = vec![command.into(), "--at=2026-06-15".into()];
        arguments.extend(["--target=local".into(), "--apple-anchor".into(), root.into()]);
        arguments.push("--format=json".into());
        if !name.is_empty() {
            arguments.extend(["--limit".into(), limit.into()]);
        }
        arguments.push(self.path(item).into());
        let output = sealcheck(&arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap(), stdout(&output) + &error)
    }
}

/// The item of a report.
fn item(report: &str) -> Value {
    let report: Value = serde_json::from_str(report).unwrap();
    let items = report["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{report:#}");
    items[0].clone()
}

/// Every limit that can be set, with an item that is good without it and a value that the item reaches.
const REACHED: [(&str, u64, &str); 22] = [
    ("nodes", 1, "items/acme.app"),
    ("nodes", 3, "items/acme.app"),
    ("nodes", 12, "items/acme.app"),
    ("nodes", 3, "acme.zip/acme.app"),
    ("depth", 1, "items/acme.app"),
    ("depth", 2, "items/acme.app"),
    ("nesting", 0, "items/acme.app"),
    ("info-plist", 10, "items/acme.app"),
    ("info-plist", 10, "items/acme.app/Contents/MacOS/acme"),
    ("signature-file", 10, "Codeless.bundle"),
    ("code-resources", 10, "items/acme.app"),
    ("code-resources", 10, "acme.zip/acme.app"),
    ("resource-rules", 2, "items/acme.app"),
    ("plist-values", 3, "items/acme.app"),
    ("profile", 0, "items/acme.app"),
    ("ticket", 3, "items/acme.app"),
    ("tickets", 0, "items/acme.app"),
    ("archive-bytes", 10_000, "acme.zip/acme.app"),
    ("archive-memory", 100, "acme.zip/acme.app"),
    ("archive-bytes", 0, "acme.zip/acme.app"),
    ("steps", 1000, "items/acme.app"),
    ("retained-bytes", 1000, "acme.zip/acme.app"),
];

/// Limits of archives in an item, which only `check` opens.
const REACHED_INSIDE: [(&str, u64); 3] = [
    ("archive-members", 1),
    ("archive-bytes", 10),
    ("archive-memory", 10),
];

/// Checks the three commands on an item that reaches a limit.
fn assert_not_judged(shop: &Shop, name: &str, value: u64, path: &str) {
    let at = format!("{name}={value} {path}");
    for command in ["check", "verify"] {
        let (status, text) = shop.run(command, "", 0, path);
        assert_eq!(status, 0, "{command} {at}: {text}");
    }
    let (status, text) = shop.run("check", name, value, path);
    assert_eq!(status, 4, "check {at}: {text}");
    let judged = item(&text);
    assert_eq!(judged["codesign"]["valid"], Value::Null, "{at}");
    assert_eq!(judged["codesign"]["status"], Value::Null, "{at}");
    assert_eq!(judged["gatekeeper"]["accepted"], Value::Null, "{at}");
    let message = format!("not judged: the limit {name} was reached (--limit {name}=NUMBER)");
    assert_eq!(judged["codesign"]["message"], message, "{at}");
    let findings = judged["findings"].as_array().unwrap();
    let reached = |finding: &&Value| {
        finding["rule"] == "limit-reached"
            && finding["detail"]["limit"] == name
            && finding["message"]
                .as_str()
                .unwrap()
                .ends_with(&format!("({name})"))
    };
    assert!(findings.iter().any(|finding| reached(&finding)), "{at}: {text}");
    let wrong = |finding: &&Value| finding["severity"] == "error" || finding["rule"] == "not-fully-read";
    assert_eq!(findings.iter().find(wrong), None, "{at}");
    for command in ["verify", "assess"] {
        let (status, text) = shop.run(command, name, value, path);
        assert_eq!(status, 4, "{command} {at}: {text}");
        let judged = item(&text);
        assert_eq!(judged["codesign"]["valid"], Value::Null, "{command} {at}");
        assert_ne!(
            judged["codesign"]["satisfies_designated_requirement"], true,
            "{at}"
        );
        assert_eq!(judged["gatekeeper"]["accepted"], Value::Null, "{command} {at}");
        assert!(text.contains(&message), "{command} {at}: {text}");
    }
}

/// Apple's tools have none of these limits: an item that reaches one is not judged, and nothing is concluded from what was
/// not read. No command passes it, fails it, or ends without naming the limit.
#[test]
fn an_item_that_reaches_a_limit_is_not_judged() {
    let shop = Shop::new();
    // Every case, so that one run names all that are wrong.
    let is_wrong = |case: &&(&str, u64, &str)| {
        let (name, value, path) = **case;
        std::panic::catch_unwind(|| assert_not_judged(&shop, name, value, path)).is_err()
    };
    let wrong: Vec<_> = REACHED.iter().filter(is_wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (name, value) in REACHED_INSIDE {
        let (status, text) = shop.run("check", "", 0, "java.app");
        assert_eq!(status, 0, "{text}");
        let (status, text) = shop.run("check", name, value, "java.app");
        assert_eq!(status, 4, "{name}: {text}");
        let judged = item(&text);
        let findings = judged["findings"].as_array().unwrap();
        let reached =
            |finding: &&Value| finding["rule"] == "limit-reached" && finding["detail"]["limit"] == name;
        assert!(findings.iter().any(|finding| reached(&finding)), "{name}: {text}");
    }
    // No item is known where the folder or archive itself reaches the limit.
    for (name, value, path) in [("items", 0, "items"), ("archive-members", 2, "acme.zip")] {
        for command in ["check", "verify", "assess"] {
            let (status, text) = shop.run(command, name, value, path);
            assert_eq!(status, 4, "{command} {name}: {text}");
            assert!(text.contains(&format!("({name})")), "{command} {name}: {text}");
        }
    }
    let all = Limits::default();
    let tested: BTreeSet<&str> = REACHED.iter().map(|(name, ..)| *name).collect();
    let mut tested: Vec<&str> = tested.into_iter().chain(["items", "archive-members"]).collect();
    tested.sort_unstable();
    let mut named: Vec<&str> = all.named().iter().map(|(name, ..)| *name).collect();
    named.sort_unstable();
    assert_eq!(named, tested);
}

/// A failure that is proven counts all the same, and so does the exit status of it.
#[test]
fn a_proven_failure_counts_although_a_limit_was_reached() {
    let shop = Shop::new();
    flip(&shop.path("items/acme.app/Contents/Resources/text"), 0);
    for (name, value) in [("profile", 0), ("tickets", 0)] {
        let (status, text) = shop.run("check", name, value, "items/acme.app");
        assert_eq!(status, 1, "{name}: {text}");
        assert_eq!(item(&text)["codesign"]["status"], -67054, "{name}");
    }
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
    let reached = NotJudged::Limit("plist-values");
    assert_eq!(judged.evidence.codesign.not_judged(), Some(reached));
    let found = judged.of("limit-reached");
    assert!(
        found
            .iter()
            .any(|finding| finding.message == "Info.plist: more than 400 values (plist-values)"),
        "{found:#?}"
    );
}
