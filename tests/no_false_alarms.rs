//! Good software gets no errors: the severity of a finding follows the party that rejects the code, and no finding names a party that
//! accepted it.

use std::fs;

use sealcheck::finding::{Finding, Party, Severity};
use sealcheck::gatekeeper::{Ruling, assess, fitting_operation};
use sealcheck::rule::{Advice, Expectations};
use sealcheck::time::UnixTime;
use sealcheck::verify::{Options, Product, SuppliedTicket};
use serde_json::Value;

use crate::command_line::{sealcheck, stdout};
use crate::support::examined::{Examined, advise, examine};
use crate::support::foundry::{
    Built, By, Code, IOS, app, apple, found, framework, ios_app, library, of, tool,
};
use crate::support::plist::entries;
use crate::support::program::program;
use crate::support::real_app;
use crate::support::signature::blob;
use crate::support::ticket::{TicketMaker, notary};
use crate::support::zip::{Member, members};
use crate::zip_operand::{MODES, packed};

use Severity::{Error, Note, Warning};

const EXPIRED: &str = "certificate-expired-without-timestamp";
const RUNTIME_MISSING: &str = "hardened-runtime-missing";

fn options() -> Options {
    let mut options = Options {
        at: UnixTime::from_rfc3339("2026-06-15").unwrap(),
        ..Options::default()
    };
    options.anchors.trust_as_apple(&apple().root.der).unwrap();
    options
}

fn told(evidence: &Examined) -> Advice {
    advise(evidence, None, &Expectations::default())
}

/// The evidence about code with a ticket that lists all of it, or only the code objects with these numbers.
fn notarized(built: &Built, listed: Option<&[usize]>) -> Examined {
    let evidence = built.evidence();
    let cdhashes: Vec<Vec<u8>> = evidence
        .code
        .iter()
        .enumerate()
        .filter(|(index, _)| listed.is_none_or(|listed| listed.contains(index)))
        .flat_map(|(_, object)| &object.slices)
        .filter_map(|slice| Some(slice.cdhash()?.as_bytes().to_vec()))
        .collect();
    let ticket = SuppliedTicket {
        path: "fetched.ticket".into(),
        bytes: TicketMaker::new(&notary(), &cdhashes).build().into(),
    };
    let options = Options {
        tickets: vec![ticket],
        ..options()
    };
    examine(&built.path, &options).unwrap()
}

fn only<'a>(advice: &'a Advice, rule: &str) -> &'a Finding {
    // Once for each architecture.
    let findings = of(advice, rule);
    let is_same = |other: &&Finding| other.severity == findings[0].severity;
    assert!(
        !findings.is_empty() && findings.iter().all(is_same),
        "{rule}: {:#?}",
        advice.findings
    );
    findings[0]
}

/// Fails if a finding names a party that accepted the item.
#[track_caller]
fn names_no_party_that_accepts(evidence: &Examined, advice: &Advice) {
    let gatekeeper = assess(evidence, fitting_operation(evidence));
    for finding in &advice.findings {
        let names = |party| finding.rejected_by.contains(&party);
        assert!(
            !(names(Party::Gatekeeper) && gatekeeper.accepted() == Some(true)),
            "{finding:#?}"
        );
        assert!(
            !(names(Party::Codesign) && evidence.codesign.valid() == Some(true)),
            "{finding:#?}"
        );
    }
}

/// The certificate has expired since, and there is no timestamp.
fn expired(by: By) -> Examined {
    let mut code = app("com.example.acme").by(by);
    code.is_stamped = false;
    let built = code.built();
    let late = Options {
        at: UnixTime::from_rfc3339("2099-01-01").unwrap(),
        ..options()
    };
    examine(&built.path, &late).unwrap()
}

/// Neither codesign nor Gatekeeper considers expiration: `PolicyEngine::evaluateCode` does not set `kSecCSConsiderExpiration`. Apple's own
/// tools and Swift libraries have no timestamp at all.
#[test]
fn an_expired_certificate_is_rejected_by_no_party() {
    let evidence = expired(By::DeveloperId);
    assert_eq!(evidence.codesign.valid(), Some(true));
    let advice = told(&evidence);
    let finding = only(&advice, EXPIRED);
    assert_eq!((finding.severity, &finding.rejected_by[..]), (Note, &[][..]));
    // The notary service still asks for a timestamp.
    let stamp = only(&advice, "no-secure-timestamp");
    assert_eq!(
        (stamp.severity, &stamp.rejected_by[..]),
        (Error, &[Party::Notary][..])
    );
    let own = told(&expired(By::Apple));
    assert!(own.findings.is_empty(), "{:#?}", own.findings);
}

/// The same tool with options of the notary's that it lacks, before and after it was notarized: the service issues tickets only for what
/// it accepts.
#[test]
fn what_a_ticket_lists_was_accepted_by_the_notary_service() {
    let product = app("com.example.acme")
        .with_flags(0)
        .macho(|thin| thin.build_version.2 = 0x000a_0800)
        .nested("Helpers/helper", tool("com.example.helper").with_flags(0))
        .built();
    let before = product.advice(None);
    let after = notarized(&product, None);
    let after_advice = told(&after);
    for rule in [RUNTIME_MISSING, "sdk-too-old"] {
        assert!(of(&before, rule).iter().all(|finding| finding.severity == Error));
        assert!(!of(&before, rule).is_empty(), "{rule}");
        for finding in of(&after_advice, rule) {
            assert_eq!(
                (finding.severity, &finding.rejected_by[..]),
                (Note, &[][..]),
                "{rule}"
            );
        }
        assert_eq!(of(&before, rule).len(), of(&after_advice, rule).len());
    }
    assert!(
        after_advice
            .findings
            .iter()
            .all(|finding| finding.severity < Error)
    );
    names_no_party_that_accepts(&after, &after_advice);
    // A ticket for the app says nothing about a helper that was added later.
    let partly = told(&notarized(&product, Some(&[0])));
    for finding in of(&partly, RUNTIME_MISSING) {
        let expected = if finding.code.is_empty() { Note } else { Error };
        assert_eq!(finding.severity, expected, "{finding:#?}");
    }
}

/// A ticket that Apple did not sign proves nothing.
#[test]
fn a_forged_ticket_excuses_nothing() {
    let product = tool("com.example.tool").with_flags(0).built();
    let evidence = product.evidence();
    let cdhashes: Vec<_> = evidence.code[0]
        .slices
        .iter()
        .map(|slice| slice.cdhash().unwrap().as_bytes().to_vec())
        .collect();
    let mut ticket = TicketMaker::new(&notary(), &cdhashes);
    ticket.breaks_signature = true;
    let options = Options {
        tickets: vec![SuppliedTicket {
            path: "forged".into(),
            bytes: ticket.build().into(),
        }],
        ..options()
    };
    let advice = told(&examine(&product.path, &options).unwrap());
    let findings = of(&advice, RUNTIME_MISSING);
    assert!(!findings.is_empty() && findings.iter().all(|finding| finding.severity == Error));
}

/// AMFI reads the DER form where there is one, so malformed XML beside it is refused by the notary service alone, and by no party once
/// that has accepted it. A bundle without an identifier is refused by the store alone.
#[test]
fn malformed_entitlements_and_identifiers_follow_the_party() {
    let rule = "entitlements-malformed";
    let list = b"<?xml version=\"1.0\"?><plist version=\"1.0\"><dict><!-- a -- b --></dict></plist>";
    let both = || {
        tool("com.example.tool")
            .special(5, blob(0xfade_7171, list))
            .special(7, blob(0xfade_7172, &crate::support::plist::der(&entries! {})))
    };
    let advice = both().advice();
    let parties: Vec<_> = of(&advice, rule)
        .iter()
        .map(|finding| (finding.severity, finding.rejected_by.clone()))
        .collect();
    assert!(
        !parties.is_empty() && parties.iter().all(|found| *found == (Error, vec![Party::Notary])),
        "{parties:?}"
    );
    let advice = told(&notarized(&both().built(), None));
    assert!(of(&advice, rule).iter().all(|finding| finding.severity == Note));
    // Without a DER form, AMFI reads the XML.
    let alone = tool("com.example.tool")
        .special(5, blob(0xfade_7171, list))
        .advice();
    assert!(
        of(&alone, rule)
            .iter()
            .all(|finding| finding.rejected_by.contains(&Party::Amfi))
    );
    let nameless = app("com.example.acme")
        .info(entries! { "CFBundleIdentifier" => "" })
        .built();
    let said = |by| {
        only(
            &app("com.example.acme")
                .by(by)
                .info(entries! { "CFBundleIdentifier" => "" })
                .advice(),
            "bundle-identifier-invalid",
        )
        .severity
    };
    assert_eq!(said(By::DeveloperId), Warning);
    assert_eq!(said(By::Distribution), Error);
    let advice = told(&notarized(&nameless, None));
    assert!(
        advice.findings.iter().all(|finding| finding.severity < Error),
        "{:#?}",
        advice.findings
    );
}

/// Runs a command over an item with the test's root; its exit status and what it prints.
fn run(command: &[&str], path: &std::path::Path) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.cer");
    fs::write(&root, &apple().root.der).unwrap();
    let mut words = command.to_vec();
    words.extend(["--at", "2026-06-15", "--apple-anchor", root.to_str().unwrap()]);
    words.push(path.to_str().unwrap());
    let output = sealcheck(&words);
    (output.status.code().unwrap(), stdout(&output))
}

/// A report without its line breaks.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Gatekeeper's answer about code that only Apple's servers can decide is the same in every command and format.
#[test]
fn the_same_fact_has_the_same_answer_in_every_command() {
    let built = app("com.example.acme").built();
    let answer = |command: &str| {
        let (_, text) = run(&[command, "--format", "json"], &built.path);
        let report: Value = serde_json::from_str(&text).unwrap();
        report["items"][0]["gatekeeper"].clone()
    };
    let [check, assess] = ["check", "assess"].map(answer);
    assert_eq!(check, assess);
    assert_eq!(check["accepted"], Value::Null);
    let (status, text) = run(&["assess"], &built.path);
    assert_eq!(status, 3);
    assert!(
        text.contains(": undetermined\nsource=Unnotarized Developer ID"),
        "{text}"
    );
    let (_, text) = run(&["check"], &built.path);
    assert!(
        text.contains("? undetermined, source=Unnotarized Developer ID"),
        "{text}"
    );
    // As a Mac without network access prints it.
    let (status, _) = run(&["assess", "--style", "spctl"], &built.path);
    assert_eq!(status, 3);
}

/// An archive that can be read in more than one way: no command calls the app in it accepted, and all end with 1.
#[test]
fn an_ambiguous_archive_has_the_same_answer_in_every_command() {
    let built = app("com.example.acme").built();
    let mut all = members(&built.path);
    let mut hidden = Member::file("notes.txt", b"x");
    hidden.local_name = Some(b"acme.app/Contents/Resources/evil".to_vec());
    all.push(hidden);
    let archive = packed(&all);
    for command in ["check", "verify", "assess"] {
        let (status, text) = run(&[command, "--format", "json"], &archive.path);
        let report: Value = serde_json::from_str(&text).unwrap();
        let item = &report["items"][0];
        assert_eq!(status, 1, "{command}");
        assert_eq!(item["codesign"]["valid"], Value::Null, "{command}");
        assert_eq!(item["gatekeeper"]["accepted"], Value::Null, "{command}");
    }
}

/// Apps for iOS, and code for simulators: Gatekeeper does not assess them, and nothing is advised that is meant for Macs.
#[test]
fn code_for_other_systems_gets_no_advice_for_macs() {
    for (code, product) in [
        (ios_app("com.example.ios"), Product::Device("iOS")),
        (
            ios_app("com.example.ios").by(By::Distribution),
            Product::Device("iOS"),
        ),
        (ios_app("com.example.ios").by(By::Adhoc), Product::Device("iOS")),
        (
            ios_app("com.example.ios").platform(7).by(By::Adhoc),
            Product::Simulator("iOS"),
        ),
        (
            framework("com.example.kit").platform(7).by(By::Adhoc),
            Product::Simulator("iOS"),
        ),
        (library("com.example.kit").platform(IOS), Product::Device("iOS")),
        (
            tool("com.example.tv").platform(3).by(By::Development),
            Product::Device("tvOS"),
        ),
        (
            ios_app("com.example.ios")
                .file("embedded.mobileprovision", b"x")
                .with_flags(0),
            Product::Device("iOS"),
        ),
    ] {
        let built = code.built();
        let evidence = built.evidence();
        // A second x86_64 slice with platform 2 was built for a simulator; the first slice counts.
        let expected = match product {
            Product::Device(system) => [Product::Device(system), Product::Simulator(system)],
            other => [other, other],
        };
        assert!(expected.contains(&evidence.product()), "{:?}", evidence.product());
        let advice = told(&evidence);
        assert!(advice.findings.is_empty(), "{:#?}", advice.findings);
        let verdict = assess(&evidence, fitting_operation(&evidence));
        assert!(matches!(verdict.ruling, Ruling::NotApplicable(_)), "{verdict:?}");
        assert_eq!(verdict.accepted(), None);
        let (status, text) = run(&["check"], &built.path);
        assert_eq!(status, 0, "{text}");
        let told = "only the integrity of its signature is judged";
        assert!(flowing(&text).contains(told), "{text}");
        assert!(!text.contains("Developer ID Application: NAME"), "{text}");
        // Nothing was assessed.
        assert_eq!(run(&["assess"], &built.path).0, 4);
    }
}

/// Their integrity is judged as that of other code.
#[test]
fn a_broken_app_for_ios_is_an_error() {
    let built = ios_app("com.example.ios").file("picture", b"blue").built();
    fs::write(built.path.join("picture"), b"red").unwrap();
    let evidence = built.evidence();
    assert_eq!(evidence.codesign.valid(), Some(false));
    let advice = told(&evidence);
    let finding = only(&advice, "sealed-resource-broken");
    assert_eq!(
        (finding.severity, &finding.rejected_by[..]),
        (Error, &[Party::Codesign][..])
    );
    assert_eq!(run(&["check"], &built.path).0, 1);
}

/// An `.ipa` is an archive in ZIP form; its app is judged like one in a folder.
#[test]
fn an_ipa_is_judged_as_the_app_in_it() {
    let built = ios_app("com.example.ios").built();
    let folder = tempfile::tempdir().unwrap();
    let payload = folder.path().join("Payload");
    fs::create_dir(&payload).unwrap();
    fs::rename(&built.path, payload.join("Acme.app")).unwrap();
    let path = folder.path().join("Acme.ipa");
    fs::write(&path, crate::support::zip::zip(&members(&payload))).unwrap();
    let (status, text) = run(&["check"], &path);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("Acme.ipa/Payload/Acme.app"), "{text}");
    assert!(
        flowing(&text).contains("only the integrity of its signature"),
        "{text}"
    );
}

/// An XCFramework as Xcode writes it, unsigned, with libraries for a device, a simulator and Macs.
fn xcframework(folder: &std::path::Path) -> std::path::PathBuf {
    let path = folder.join("Kit.xcframework");
    let info = entries! {
        "CFBundlePackageType" => "XFWK",
        "XCFrameworkFormatVersion" => "1.0",
    };
    crate::support::bundle::write(&path.join("Info.plist"), &crate::support::plist::xml(&info));
    for (name, platform) in [("ios-arm64", 2), ("ios-arm64-simulator", 7), ("macos-arm64", 1)] {
        let kit = framework("com.example.kit").platform(platform).by(By::Adhoc);
        kit.write(&path.join(name).join("Kit.framework"));
    }
    path
}

/// XCFrameworks are for developers: no verdict of Gatekeeper, no advice for products. The unsigned one is what codesign says it is.
#[test]
fn an_xcframework_is_a_kind_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = xcframework(folder.path());
    let evidence = examine(&path, &options()).unwrap();
    assert_eq!(evidence.product(), Product::XcFramework);
    let advice = told(&evidence);
    assert_eq!(
        found(&advice),
        [("unsigned-code", Error)],
        "{:#?}",
        advice.findings
    );
    assert_eq!(advice.findings[0].rejected_by, [Party::Codesign]);
    let verdict = assess(&evidence, fitting_operation(&evidence));
    assert!(matches!(verdict.ruling, Ruling::NotApplicable(_)), "{verdict:?}");
    // In a folder it is one item.
    let (_, text) = run(&["check", "--format", "json"], folder.path());
    let report: Value = serde_json::from_str(&text).unwrap();
    let items = report["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{text}");
    assert_eq!(items[0]["code"][0]["kind"], "xcframework");
    assert_eq!(items[0]["gatekeeper"]["accepted"], Value::Null);
}

/// Before macOS 11, codesign left the fields of the executable segment empty: base 0, limit 0 (`MachORep::needsExecSeg`).
#[test]
fn an_empty_executable_segment_is_no_finding() {
    let empty = tool("com.example.tool").signing(|signer| {
        signer.version = 0x20500;
        signer.patch = Some(|directory| directory[64..88].fill(0));
    });
    let advice = empty.advice();
    assert!(of(&advice, "exec-segment-inconsistent").is_empty());
    let other = tool("com.example.tool").signing(|signer| {
        signer.version = 0x20500;
        signer.patch = Some(|directory| directory[79] ^= 1);
    });
    assert!(!of(&other.advice(), "exec-segment-inconsistent").is_empty());
}

/// A run path that is relative to the current folder has no effect where no library is named with `@rpath`.
#[test]
fn a_relative_run_path_that_nothing_uses_is_a_note() {
    let rule = "relative-load-path";
    let severity = |code: &Code| only(&code.advice(), rule).severity;
    let idle = tool("com.example.tool").run_paths(&["."]);
    assert_eq!(severity(&idle), Note);
    let used = tool("com.example.tool")
        .run_paths(&["."])
        .links(&["@rpath/libacme.dylib"]);
    assert_eq!(severity(&used), Error);
    let direct = tool("com.example.tool").links(&["libacme.dylib"]);
    assert_eq!(severity(&direct), Error);
}

/// A nested app, judged alone where it is, loads from the framework around it: that is outside of the item, so it is not decided.
#[test]
fn what_a_nested_app_loads_from_around_itself_is_not_decided() {
    let helper = || {
        app("com.example.acme.helper")
            .run_paths(&["@executable_path/../../../../Frameworks"])
            .links(&["@rpath/codec.dylib"])
    };
    let whole = app("com.example.acme")
        .nested("Helpers/helper.app", helper())
        .nested("Frameworks/codec.dylib", library("codec"))
        .built();
    let evidence = examine(&whole.path.join("Contents/Helpers/helper.app"), &options()).unwrap();
    let advice = told(&evidence);
    assert!(
        of(&advice, "dylib-unresolvable").is_empty(),
        "{:#?}",
        advice.findings
    );
    let open = advice
        .unknown
        .iter()
        .find(|open| open.rule == "dylib-unresolvable");
    assert!(
        open.unwrap().reason.contains("leads out of the item"),
        "{:#?}",
        advice.unknown
    );
    // By itself it does not run.
    let alone = helper().advice();
    assert_eq!(only(&alone, "dylib-unresolvable").severity, Error);
}

/// A zip with documents: none of them needs an execute bit.
#[test]
fn documents_need_no_modes() {
    let document = |name: &str, bytes: &[u8]| {
        let mut member = Member::file(name, bytes);
        (member.host, member.mode) = (0, 0);
        member
    };
    let archive = packed(&[
        document("Acme.pkg", b"xar!\0\x1c\0\x01 and more of a package"),
        document("Read me.pdf", b"%PDF-1.7"),
    ]);
    let (_, text) = run(&["check"], &archive.path);
    assert!(!text.contains(MODES), "{text}");
}

/// A file that is not code is named as what it is, and the right command with it.
#[test]
fn a_profile_is_named_with_its_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Acme.provisionprofile");
    fs::write(&path, b"0\x80 a profile").unwrap();
    let (_, text) = run(&["check"], &path);
    assert!(
        text.contains("this is a provisioning profile, not code"),
        "{text}"
    );
    assert!(text.contains("sealcheck profile "), "{text}");
    let path = folder.path().join("libacme.so");
    fs::write(&path, b"\x7fELF\x02\x01\x01").unwrap();
    let (_, text) = run(&["check"], &path);
    assert!(text.contains("this is not Mach-O code"), "{text}");
    assert!(!text.contains("codesign -f"), "{text}");
}

/// A correct build for the store: no finding about how Gatekeeper would judge it, and nothing that only a Mac's attributes know.
#[test]
fn a_correct_store_build_has_no_problems() {
    let sandbox = "com.apple.security.app-sandbox";
    let inherit = "com.apple.security.inherit";
    let helper = app("com.example.acme.helper")
        .by(By::Distribution)
        .entitlements(entries! { sandbox => true, inherit => true });
    let store = app("com.example.acme")
        .by(By::Distribution)
        .entitlements(entries! { sandbox => true })
        .nested("Frameworks/Acme Helper.app", helper);
    let advice = store.advice();
    assert_eq!(
        found(&advice),
        [
            ("app-store-distribution-signed", Note),
            ("testflight-needs-profile", Warning),
        ],
        "{:#?}",
        advice.findings
    );
    assert!(advice.unknown.is_empty(), "{:#?}", advice.unknown);
    let (status, text) = run(&["check"], &store.built().path);
    assert_eq!(status, 0, "{text}");
    assert!(!text.contains("✗ rejected"), "{text}");
    assert!(text.contains("App Store Connect"), "{text}");
}

/// An ignore of a rule that was not evaluated is not called unused.
#[test]
fn an_ignore_of_a_rule_that_was_not_evaluated_is_not_unused() {
    let built = app("com.example.acme").built();
    for rule in [
        "required-notarization-missing",
        "team-unexpected",
        "app-store-sandbox-missing",
    ] {
        let (_, text) = run(&["check", "--ignore", rule], &built.path);
        assert!(!text.contains("unused-ignore"), "{rule}: {text}");
    }
    let (_, text) = run(&["check", "--ignore", "get-task-allow"], &built.path);
    assert!(text.contains("unused-ignore"), "{text}");
    let ios = ios_app("com.example.ios").built();
    let (_, text) = run(&["check", "--ignore", RUNTIME_MISSING], &ios.path);
    assert!(!text.contains("unused-ignore"), "{text}");
}

/// What the options leave out was accepted by no party: the same fault stays an error, whatever the verdict minds.
#[test]
fn what_options_leave_out_is_not_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("A.app");
    let copied = std::process::Command::new("cp")
        .arg("-R")
        .arg(real_app())
        .arg(&app)
        .status();
    assert!(copied.unwrap().success());
    fs::write(app.join("left.txt"), "beside Contents").unwrap();
    for (words, valid) in [
        (&["--format", "json"][..], false),
        (&["--no-strict", "--format", "json"], true),
    ] {
        let output = program().arg("check").args(words).arg(&app).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let item = &report["items"][0];
        assert_eq!(item["codesign"]["valid"], valid, "{words:?}");
        let findings = item["findings"].as_array().unwrap();
        let found = findings
            .iter()
            .find(|finding| finding["rule"] == "bundle-root-unsealed")
            .unwrap();
        assert_eq!(found["severity"], "error", "{words:?}");
        assert!(
            found["rejected_by"]
                .as_array()
                .unwrap()
                .contains(&"codesign".into()),
            "{words:?}: {found}"
        );
        assert_eq!(output.status.code(), Some(1), "{words:?}");
    }
}
