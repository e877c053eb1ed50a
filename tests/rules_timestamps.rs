//! Rules about timestamps, the team that a signature names, and certificates for kernel extensions: each fires on its
//! case and keeps silent on a near miss.

use sealcheck::finding::{Finding, Severity};
use sealcheck::rule::Advice;
use sealcheck::time::UnixTime;
use sealcheck::trust::Anchors;
use sealcheck::verify::Options;

use crate::support::advise_unstapled;
use crate::support::bundle::write_executable;
use crate::support::cms::{Authority, CmsSigner};
use crate::support::examined::examine;
use crate::support::foundry::{By, Code, app, apple, found, framework, identity, of, tool};
use crate::support::macho::{Thin, arm64, x86_64};
use crate::support::pki::{self, Key, Template, basic_constraints};
use crate::support::signature::{Bound, RUNTIME, Signer, certified};

use Severity::{Error, Note, Warning};

const TEAM: &str = "ABCDE12345";
const OUT_OF_RANGE: &str = "timestamp-out-of-range";
const CLOCKS: &str = "signing-time-vs-timestamp";
const MIXED: &str = "mixed-signing-times";

fn signer(authority: Authority) -> Signer {
    let leaf = identity(By::DeveloperId, TEAM).unwrap();
    let cms = CmsSigner {
        timestamp: Some(authority),
        ..CmsSigner::new(&leaf)
    };
    Signer {
        team: Some(TEAM.into()),
        flags: RUNTIME,
        version: 0x20500,
        ..certified("org.example.tool", cms)
    }
}

/// Findings about a program that is signed so, whatever macOS says of it.
fn signed(signer: &Signer, change: impl Fn(&mut Thin)) -> Advice {
    let mut slices = [x86_64(&[1; 5000]), arm64(&[2; 5000])];
    slices.iter_mut().for_each(change);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    write_executable(&path, &signer.sign_all(&slices, Bound::default()).0);
    let mut anchors = Anchors::default();
    anchors.trust_as_apple(&apple().root.der).unwrap();
    let options = Options {
        anchors,
        at: UnixTime::from_rfc3339("2026-06-15").unwrap(),
        ..Options::default()
    };
    advise_unstapled(&examine(&path, &options).unwrap(), None)
}

fn stamped(authority: Authority) -> Advice {
    signed(&signer(authority), |_| {})
}

fn first<'a>(advice: &'a Advice, rule: &str) -> &'a Finding {
    of(advice, rule).first().expect("no finding")
}

/// R071.
#[test]
fn a_token_that_does_not_count() {
    let with = |change: fn(&mut Authority)| {
        let mut authority = apple().stamps();
        change(&mut authority);
        stamped(authority)
    };
    assert_eq!(found(&with(|_| {})), []);
    let cases: [fn(&mut Authority); 3] = [
        |authority| authority.stamps_other = true,
        |authority| authority.breaks_signature = true,
        |authority| authority.has_certificates = false,
    ];
    for case in cases {
        let advice = with(case);
        assert_eq!(found(&advice), [("timestamp-invalid", Error)]);
        assert_eq!(
            first(&advice, "timestamp-invalid").consequences,
            ["no-secure-timestamp"]
        );
    }
}

/// R072.
#[test]
fn a_token_of_somebody_else() {
    let other = Template::new("Other Root", Key::P256(20))
        .with(&[basic_constraints(true, None)])
        .self_signed();
    let advice = stamped(Authority::new(&pki::timestamp_authority().issued_by(&other)));
    assert_eq!(found(&advice), [("timestamp-foreign-tsa", Error)]);
    let message = &first(&advice, "timestamp-foreign-tsa").message;
    assert!(message.contains("Test Timestamp Signer"), "{message}");
}

/// R073.
#[test]
fn a_token_of_an_impossible_time() {
    let mut template = pki::timestamp_authority();
    template.validity.1 = "20250101000000Z";
    let late = stamped(Authority::new(&template.issued_by(&apple().root)));
    assert_eq!(found(&late), [(OUT_OF_RANGE, Error)]);
    // From the future: the clock here may be wrong.
    let at = |time| {
        stamped(Authority {
            time,
            ..apple().stamps()
        })
    };
    let advice = at("20260616000001Z");
    assert_eq!(found(&advice), [(CLOCKS, Note), (OUT_OF_RANGE, Warning)]);
    assert!(first(&advice, OUT_OF_RANGE).rejected_by.is_empty());
    assert_eq!(found(&at("20260616000000Z")), [(CLOCKS, Note)]);
}

/// R074; the signer's clock says 2026-06-01 at noon.
#[test]
fn the_clock_of_the_signer() {
    let at = |time| tool("org.example.tool").stamped_at(time).found();
    assert_eq!(at("20260602120000Z"), []);
    assert_eq!(at("20260602120001Z"), [(CLOCKS, Note)]);
    assert_eq!(at("20260531120000Z"), []);
    assert_eq!(at("20260531115959Z"), [(CLOCKS, Note)]);
}

/// R076.
#[test]
fn nested_code_signed_after_the_app() {
    let with = |time| -> Code {
        let kit = framework("com.example.kit").stamped_at(time);
        app("com.example.acme").nested("Frameworks/kit.framework", kit)
    };
    let advice = with("20260601120201Z").advice();
    assert_eq!(found(&advice), [(MIXED, Warning)]);
    assert_eq!(first(&advice, MIXED).code, "Contents/Frameworks/kit.framework");
    assert_eq!(with("20260601120200Z").found(), []);
    assert_eq!(with("20260601110000Z").found(), []);
}

/// R024.
#[test]
fn a_signature_that_leaves_out_the_team() {
    let without = |signer: Signer| signed(&Signer { team: None, ..signer }, |_| {});
    let advice = without(signer(apple().stamps()));
    assert_eq!(found(&advice), [("team-id-missing", Warning)]);
    let message = &first(&advice, "team-id-missing").message;
    assert!(message.contains(TEAM), "{message}");
    // A certificate of one's own has no team that anybody vouches for.
    let own = Signer {
        identity: Some(CmsSigner::new(&pki::self_signed(Key::P256(3)).self_signed())),
        ..signer(apple().stamps())
    };
    assert!(of(&without(own), "team-id-missing").is_empty());
}

/// R063.
#[test]
fn a_kernel_extension_with_the_usual_certificate() {
    const KEXT_BUNDLE: u32 = 0xb;
    const KEXT_CERTIFICATE: &str = "1.2.840.113635.100.6.1.18";
    let usual = signer(apple().stamps());
    let advice = signed(&usual, |thin| thin.file_type = KEXT_BUNDLE);
    assert_eq!(first(&advice, "kext-certificate").severity, Error);
    assert!(
        of(&signed(&usual, |_| {}), "kext-certificate").is_empty(),
        "a program"
    );
    let root = &apple().root;
    let authority = pki::developer_id_ca().issued_by(root);
    let leaf = pki::developer_id(Key::P256(3))
        .with(&[pki::marker(KEXT_CERTIFICATE)])
        .issued_by(&authority);
    let cms = CmsSigner {
        timestamp: Some(apple().stamps()),
        ..CmsSigner::new(&leaf)
    };
    let marked = Signer {
        identity: Some(cms),
        ..usual
    };
    let advice = signed(&marked, |thin| thin.file_type = KEXT_BUNDLE);
    assert!(
        of(&advice, "kext-certificate").is_empty(),
        "{:#?}",
        advice.findings
    );
}
