//! Which entitlements macOS reads: `SecStaticCode::entitlements` and `SecStaticCode::component` of Apple's `StaticCode.cpp`.
//! The DER form decides wherever it is in the signature. A form that no special slot covers, or that is another blob, gives
//! no entitlements, in requirements, in rules and in every report.

use std::collections::BTreeMap;
use std::fs;
use std::process::Output;

use sealcheck::requirement::Requirement;
use sealcheck::verify::{
    EntitlementsState, Evidence, Options, RequirementFault, every_slice_satisfies, verify_at,
};

use crate::support::bundle::{contents_bundle, hex, write, write_executable};
use crate::support::codesign::{Parent, codesign};
use crate::support::judge::{Judged, judge, judge_bytes, judge_with, lenient};
use crate::support::macho::{EXECUTE, Thin, arm64};
use crate::support::plist::{self, entries};
use crate::support::position;
use crate::support::program::program;
use crate::support::signature::{Signer, adhoc, blob, superblob};

/// A key that rules speak about where a program claims it.
const KEY: &str = "com.apple.private.example";
const XML: u32 = 0xfade_7171;
const DER: u32 = 0xfade_7172;

fn thin() -> Thin {
    Thin {
        file_type: EXECUTE,
        ..arm64(&[7; 5000])
    }
}

fn xml() -> Vec<u8> {
    blob(XML, &plist::xml(&entries! { KEY => true }))
}

fn der() -> Vec<u8> {
    blob(DER, &plist::der(&entries! { KEY => true }))
}

/// Fills the digest of a special slot with zeros.
fn zero(directory: &mut [u8], slot: usize) {
    let at = u32::from_be_bytes(directory[16..20].try_into().unwrap()) as usize - slot * 32;
    directory[at..at + 32].fill(0);
}

/// A signer with these blobs covered, and those in the signature only.
fn signer(covered: &[(u32, Vec<u8>)], beyond: &[(u32, Vec<u8>)], patch: Option<fn(&mut Vec<u8>)>) -> Signer {
    let mut signer = Signer {
        patch,
        ..adhoc("org.example.tool")
    };
    signer.special.extend(covered.iter().cloned());
    signer.unbound.extend(beyond.iter().cloned());
    signer
}

/// Signatures with entitlements that macOS does not read, by what is wrong.
fn ignored() -> Vec<(&'static str, Signer)> {
    let real = blob(
        XML,
        format!("<plist><dict><key>{KEY}</key><true/><key>n</key><real>1.5</real></dict></plist>").as_bytes(),
    );
    vec![
        (
            "XML covered, the digest of the DER is zero",
            signer(
                &[(5, xml()), (7, der())],
                &[],
                Some(|directory| zero(directory, 7)),
            ),
        ),
        (
            "XML covered, the DER is beyond the special slots",
            signer(&[(5, xml())], &[(7, der())], None),
        ),
        (
            "XML covered, the DER has another magic",
            signer(
                &[
                    (5, xml()),
                    (7, blob(0xfade_7177, &plist::der(&entries! { KEY => true }))),
                ],
                &[],
                None,
            ),
        ),
        (
            "XML covered, the DER is in a wrapper",
            signer(&[(5, xml()), (7, blob(0xfade_0b01, &der()))], &[], None),
        ),
        (
            "the digest of the XML is zero, no DER",
            signer(&[(5, xml())], &[], Some(|directory| zero(directory, 5))),
        ),
        (
            "the XML is beyond the special slots, no DER",
            signer(&[], &[(5, xml())], None),
        ),
        (
            "the XML has another magic, no DER",
            signer(
                &[(5, blob(DER, &plist::xml(&entries! { KEY => true })))],
                &[],
                None,
            ),
        ),
        (
            "both are beyond the special slots",
            signer(&[], &[(5, xml()), (7, der())], None),
        ),
        (
            "XML without DER that the DER form cannot say",
            signer(&[(5, real)], &[], None),
        ),
    ]
}

/// Signatures whose entitlements count.
fn read() -> Vec<(&'static str, Signer)> {
    vec![
        ("both", signer(&[(5, xml()), (7, der())], &[], None)),
        ("XML alone", signer(&[(5, xml())], &[], None)),
        ("DER alone", signer(&[(7, der())], &[], None)),
        (
            "DER, and XML without digest",
            signer(
                &[(5, xml()), (7, der())],
                &[],
                Some(|directory| zero(directory, 5)),
            ),
        ),
    ]
}

fn signed(signer: &Signer) -> Vec<u8> {
    signer.assemble(&thin(), |components| superblob(0xfade_0cc0, &components))
}

fn satisfies(evidence: &Evidence, text: &str) -> Result<Option<bool>, RequirementFault> {
    let requirement = Requirement::from_text(text).unwrap();
    every_slice_satisfies(&evidence.code[0], &requirement)
}

fn exists() -> String {
    format!("entitlement[\"{KEY}\"] exists")
}

fn state(judged: &Judged) -> EntitlementsState {
    judged.evidence.code[0].slices[0].entitlements_state
}

/// The evidence, the requirement and the rules agree about what counts.
#[test]
fn requirements_and_rules_see_what_macos_reads() {
    let absent = format!("! {}", exists());
    let spoken = judge_bytes(&signed(&read()[0].1)).rules();
    assert!(!spoken.is_empty());
    for (what, signer) in ignored() {
        let judged = judge_bytes(&signed(&signer));
        assert_eq!(judged.status(), 0, "{what}");
        let slice = &judged.evidence.code[0].slices[0];
        assert_eq!(slice.entitlements, None, "{what}");
        assert_eq!(state(&judged), EntitlementsState::Ignored, "{what}");
        assert_eq!(satisfies(&judged.evidence, &exists()), Ok(Some(false)), "{what}");
        assert_eq!(satisfies(&judged.evidence, &absent), Ok(Some(true)), "{what}");
        let said = judged.rules();
        assert!(spoken.iter().all(|rule| !said.contains(rule)), "{what}: {said:?}");
    }
    for (what, signer) in read() {
        let judged = judge_bytes(&signed(&signer));
        assert_eq!(state(&judged), EntitlementsState::Known, "{what}");
        assert_eq!(satisfies(&judged.evidence, &exists()), Ok(Some(true)), "{what}");
        assert_eq!(satisfies(&judged.evidence, &absent), Ok(Some(false)), "{what}");
    }
}

/// Nested code of which the seal demands a key that macOS does not read fails with errSecCSBadNestedCode.
#[test]
fn a_seal_that_demands_an_entitlement() {
    let with = |signer: &Signer| {
        let mut parent = Parent::new();
        let place = parent.path("Contents/Helpers/tool");
        write_executable(&place, &signed(signer));
        let evidence = verify_at(&place, &Options::default()).unwrap();
        let cdhash = evidence.code[0].slices[0].cdhash().unwrap().as_bytes().to_vec();
        parent.nested.insert("Helpers/tool".into(), vec![cdhash.clone()]);
        let parent = parent.seal();
        let seal = parent.path("Contents/_CodeSignature/CodeResources");
        let text = fs::read_to_string(&seal).unwrap();
        let sealed = format!("cdhash H\"{}\"", hex(&cdhash));
        assert!(text.contains(&sealed));
        let text = text.replace(&sealed, &exists());
        parent.seal_with(&text);
        judge(&parent.app()).status()
    };
    for (what, signer) in ignored() {
        assert_eq!(with(&signer), -67021, "{what}");
    }
    for (what, signer) in read() {
        assert_eq!(with(&signer), 0, "{what}");
    }
}

fn sealcheck(folder: &std::path::Path, arguments: &[&str]) -> Output {
    program()
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap()
}

/// No report shows them: not `entitlements` in any form, not JSON, not `inspect`, and no expectation is met by them.
#[test]
fn no_report_shows_what_macos_ignores() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| sealcheck(folder.path(), arguments);
    let has_key = |output: &Output| String::from_utf8_lossy(&output.stdout).contains(KEY);
    let expected = format!("--expect-entitlement={KEY}");
    for (what, signer) in ignored() {
        fs::write(folder.path().join("input"), signed(&signer)).unwrap();
        for form in ["text", "xml", "json", "der"] {
            let output = run(&["entitlements", "--format", form, "input"]);
            assert_eq!(output.status.code(), Some(1), "{what} {form}");
            assert!(output.stdout.is_empty(), "{what} {form}");
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(error.contains("macOS ignores"), "{what} {form}: {error}");
        }
        let json = run(&["check", "--format", "json", "input"]);
        let report: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
        let slice = &report["items"][0]["code"][0]["slices"][0];
        assert!(slice["entitlements"].is_null(), "{what}: {slice}");
        let said = codesign(folder.path(), "inspect", &["--entitlements", "input"]);
        assert_eq!((said.status, said.output), (0, vec![]), "{what}");
        assert!(
            said.error.last().unwrap().contains("The OS will ignore"),
            "{what}"
        );
        assert!(!has_key(&run(&["inspect", "input"])), "{what}");
        let output = run(&["check", "--target", "local", &expected, "input"]);
        assert_eq!(output.status.code(), Some(1), "{what}");
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("not claimed"),
            "{what}"
        );
        let said = run(&["verify", "-R", &format!("={}", exists()), "input"]);
        assert_eq!(said.status.code(), Some(3), "{what}");
    }
    for (what, signer) in read() {
        fs::write(folder.path().join("input"), signed(&signer)).unwrap();
        let output = run(&["entitlements", "input"]);
        assert_eq!(
            (output.status.code(), has_key(&output)),
            (Some(0), true),
            "{what}"
        );
        assert!(has_key(&run(&["check", "--format", "json", "input"])), "{what}");
        let said = run(&["verify", "-R", &format!("={}", exists()), "input"]);
        assert_eq!(said.status.code(), Some(0), "{what}");
    }
}

/// A DER form that changed, or is gone although a digest covers it, does not make the XML count.
#[test]
fn a_changed_form_does_not_give_way_to_the_other() {
    let both = signer(&[(5, xml()), (7, der())], &[], None);
    let mut changed = signed(&both);
    let at = position(&changed, &DER.to_be_bytes());
    changed[at + 20] ^= 1;
    let gone = both.assemble(&thin(), |mut components| {
        components.retain(|(slot, _)| *slot != 7);
        superblob(0xfade_0cc0, &components)
    });
    for (what, bytes) in [("changed", changed), ("gone", gone)] {
        let judged = judge_bytes(&bytes);
        assert_eq!(judged.verdict(), (-67061, None, Some("arm64")), "{what}");
        assert_eq!(judged.evidence.code[0].slices[0].entitlements, None, "{what}");
        assert_eq!(state(&judged), EntitlementsState::Changed, "{what}");
        for text in [exists(), format!("! {}", exists())] {
            assert_eq!(satisfies(&judged.evidence, &text), Ok(None), "{what} {text}");
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("input"), &bytes).unwrap();
        for form in ["text", "xml", "json", "der"] {
            let output = sealcheck(folder.path(), &["entitlements", "--format", form, "input"]);
            assert_eq!(output.status.code(), Some(1), "{what} {form}");
            assert!(output.stdout.is_empty(), "{what} {form}");
        }
    }
}

/// DER that is covered and cannot be decoded gives errSecDecode, and the XML does not take its place.
#[test]
fn malformed_der_does_not_give_way_to_xml() {
    let signer = signer(&[(5, xml()), (7, blob(DER, &[0x70, 2, 9, 9]))], &[], None);
    let judged = judge_bytes(&signed(&signer));
    assert_eq!(state(&judged), EntitlementsState::DerMalformed);
    assert_eq!(judged.evidence.code[0].slices[0].entitlements, None);
    assert_eq!(
        satisfies(&judged.evidence, "always"),
        Err(RequirementFault::Entitlements)
    );
}

/// A DER form in another place than the CodeDirectory, beyond the special slots: validation does not ask for it, and every
/// requirement does (`BundleDiskRep::component`). So is a set of requirements.
#[test]
fn a_form_from_another_place_fails_every_requirement() {
    let with = |name: &str, bytes: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        let app = folder.path().join("Thing.app");
        let plain = Signer {
            special: BTreeMap::new(),
            ..adhoc("org.example.thing")
        };
        contents_bundle(&app, "Thing", "APPL", &plain);
        write(&app.join("Contents/_CodeSignature").join(name), bytes);
        (judge_with(&app, &lenient()), folder)
    };
    let (judged, _folder) = with("CodeEntitlementDER", &der());
    assert_eq!(judged.status(), 0);
    assert_eq!(state(&judged), EntitlementsState::OtherSource);
    let fault = satisfies(&judged.evidence, "always").unwrap_err();
    assert_eq!(fault, RequirementFault::EntitlementsSource);
    assert_eq!(fault.status().unwrap().0, -67061);
    assert_eq!(
        judged.evidence.codesign.satisfies_designated_requirement(),
        Some(false)
    );
    let (judged, _folder) = with("CodeEntitlements", &xml());
    assert_eq!(state(&judged), EntitlementsState::OtherSource);
}
