//! Gatekeeper's verdict: every rule of specification 9.2, the course of 9.3, and the words of `spctl`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sealcheck::gatekeeper::{GatekeeperVerdict, Operation, Ruling, assess, fitting_operation};
use sealcheck::report::spctl_lines;
use sealcheck::time::UnixTime;
use sealcheck::trust::Anchors;
use sealcheck::verify::{CodesignFlags, Evidence, Options, verify};

use crate::support::bundle::{info_plist, sign, write, write_executable};
use crate::support::cms::CmsSigner;
use crate::support::der::{null, utf8};
use crate::support::flip;
use crate::support::macho::{self, Thin, arm64, x86_64};
use crate::support::pki::{self, CODE_SIGNING, Issued, Key, Template, key_usage, marker, purposes};
use crate::support::signature::{Bound, Signer, adhoc, certified};

/// When Developer ID accounts begin to need notarization (specification 9.2).
const CUT: &str = "20190408000000Z";

struct Apple {
    root: Issued,
    _folder: tempfile::TempDir,
    app: PathBuf,
}

impl Apple {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            root: pki::root().self_signed(),
            app: folder.path().join("Acme.app"),
            _folder: folder,
        }
    }

    /// A Developer ID of an account that was made then.
    fn developer(&self, account: Option<&str>) -> Signer {
        let authority = pki::developer_id_ca().issued_by(&self.root);
        let date = account.map(|date| pki::extension("1.2.840.113635.100.6.1.33", false, &utf8(date)));
        let leaf = pki::developer_id(Key::P256(3))
            .with(&date.into_iter().collect::<Vec<_>>())
            .issued_by(&authority);
        certified("com.example.acme", CmsSigner::new(&leaf))
    }

    /// By a certificate with one marker, under an authority with another.
    fn marked(&self, leaf: &str, authority: &str) -> Signer {
        let authority = Template::new("Test Authority", Key::P256(5))
            .with(&[pki::basic_constraints(true, None), marker(authority)])
            .issued_by(&self.root);
        let leaf = Template::new("Somebody", Key::P256(4))
            .with(&[key_usage(0x80), purposes(&[CODE_SIGNING]), marker(leaf)])
            .issued_by(&authority);
        certified("com.example.acme", CmsSigner::new(&leaf))
    }

    /// An app with a library, each signed so.
    fn app(&self, signer: &Signer, library: &Signer) -> Evidence {
        let contents = self.app.join("Contents");
        write(
            &contents.join("Info.plist"),
            &info_plist("Acme", "com.example.acme", "APPL"),
        );
        write(&contents.join("Resources/a.txt"), b"a");
        let thin = Thin {
            file_type: macho::DYLIB,
            ..arm64(b"library")
        };
        let (bytes, hashes) = library.sign_all(&[thin], Bound::default());
        write_executable(&contents.join("Frameworks/lib.dylib"), &bytes);
        let nested = BTreeMap::from([("Frameworks/lib.dylib".to_owned(), hashes)]);
        let code = [x86_64(&[1; 5000]), arm64(&[2; 5000])];
        sign(&contents, "MacOS/Acme", &code, signer, &nested);
        self.evidence(&self.app)
    }

    fn evidence(&self, path: &Path) -> Evidence {
        let mut anchors = Anchors::default();
        anchors.trust_as_apple(&self.root.der).unwrap();
        let options = Options {
            anchors,
            at: UnixTime::from_rfc3339("2026-06-15").unwrap(),
            ..Options::default()
        };
        verify(path, &options).unwrap()
    }
}

/// As a ticket would have it that lists the slices of these code objects.
fn notarize(evidence: &mut Evidence, objects: &[usize]) {
    for object in objects {
        for slice in &mut evidence.code[*object].slices {
            slice.notarized = Some(true);
        }
    }
}

fn execute(evidence: &Evidence) -> GatekeeperVerdict {
    assess(evidence, Operation::Execute).unwrap()
}

/// What `spctl -a -vv` prints.
fn said(verdict: &GatekeeperVerdict) -> Vec<String> {
    spctl_lines("Acme.app", verdict, 2)
}

const ORIGIN: &str = "origin=Developer ID Application: Example (ABCDE12345)";

#[test]
fn notarized_developer_id() {
    let apple = Apple::new();
    let signer = apple.developer(Some("20260101000000Z"));
    let mut evidence = apple.app(&signer, &signer);
    // Without a ticket at hand, Apple's servers decide.
    let verdict = execute(&evidence);
    assert_eq!(verdict.ruling, Ruling::Undetermined);
    assert_eq!((verdict.accepted(), verdict.exit_status()), (None, 3));
    assert_eq!(
        said(&verdict),
        ["Acme.app: rejected", "source=Unnotarized Developer ID", ORIGIN]
    );
    let condition = verdict.condition.unwrap();
    for slice in &evidence.code[0].slices {
        let cdhash = slice.cdhashes.last().unwrap().truncated().to_string();
        assert!(condition.contains(&cdhash), "{condition}");
    }
    // A ticket for the app alone leaves the library open.
    notarize(&mut evidence, &[0]);
    let verdict = execute(&evidence);
    assert_eq!(verdict.ruling, Ruling::Undetermined);
    assert_eq!(
        verdict.subcomponent.as_deref(),
        Some("Contents/Frameworks/lib.dylib")
    );
    notarize(&mut evidence, &[1]);
    let verdict = execute(&evidence);
    assert_eq!(verdict.exit_status(), 0);
    assert_eq!(
        said(&verdict),
        ["Acme.app: accepted", "source=Notarized Developer ID", ORIGIN]
    );
    assert_eq!(spctl_lines("Acme.app", &verdict, 0), Vec::<String>::new());
    // One slice that no ticket lists is enough.
    evidence.code[0].slices[1].notarized = None;
    assert_eq!(execute(&evidence).ruling, Ruling::Undetermined);
}

#[test]
fn accounts_from_before_notarization() {
    let apple = Apple::new();
    for (account, is_old) in [(None, true), (Some("20190407235959Z"), true), (Some(CUT), false)] {
        let signer = apple.developer(account);
        let verdict = execute(&apple.app(&signer, &signer));
        let (ruling, source) = match is_old {
            true => (Ruling::Accepted, "Developer ID"),
            false => (Ruling::Undetermined, "Unnotarized Developer ID"),
        };
        assert_eq!(verdict.ruling, ruling, "{account:?}");
        assert_eq!(verdict.source, Some(source), "{account:?}");
    }
    // To install it, `legacy` would have to be asked of Apple's list.
    let signer = apple.developer(None);
    let verdict = assess(&apple.app(&signer, &signer), Operation::Install).unwrap();
    assert_eq!(verdict.ruling, Ruling::Undetermined);
}

#[test]
fn other_certificates_of_apple() {
    let apple = Apple::new();
    let wwdr = "1.2.840.113635.100.6.2.1";
    for (leaf, source) in [
        ("1.2.840.113635.100.6.1.9", Some("Mac App Store")),
        ("1.2.840.113635.100.6.1.25.1", Some("Testflight")),
        // Development, distribution: no rule matches, and there is no source.
        ("1.2.840.113635.100.6.1.12", None),
        ("1.2.840.113635.100.6.1.7", None),
    ] {
        let signer = apple.marked(leaf, wwdr);
        let verdict = execute(&apple.app(&signer, &signer));
        assert_eq!(verdict.source, source, "{leaf}");
        assert_eq!(verdict.accepted(), Some(source.is_some()), "{leaf}");
        assert_eq!(verdict.origin.as_deref(), Some("Somebody"));
    }
    // Apple's own software.
    let authority = Template::new("Apple Code Signing Certification Authority", Key::P256(5));
    let authority = Template {
        subject: vec![
            (
                pki::COMMON_NAME,
                "Apple Code Signing Certification Authority".into(),
            ),
            (pki::ORGANIZATION, "Apple Inc.".into()),
        ],
        ..authority.with(&[pki::basic_constraints(true, None)])
    }
    .issued_by(&apple.root);
    let leaf = Template::new("Software Signing", Key::P256(4))
        .with(&[
            key_usage(0x80),
            purposes(&[CODE_SIGNING]),
            pki::extension("1.2.840.113635.100.6.22", false, &null()),
        ])
        .issued_by(&authority);
    let signer = certified("com.apple.acme", CmsSigner::new(&leaf));
    let evidence = apple.app(&signer, &signer);
    assert_eq!(execute(&evidence).source, Some("Apple System"));
    assert_eq!(
        assess(&evidence, Operation::Install).unwrap().ruling,
        Ruling::Rejected
    );
}

#[test]
fn signatures_of_nobody() {
    let apple = Apple::new();
    let signer = adhoc("com.example.acme");
    let verdict = execute(&apple.app(&signer, &signer));
    assert_eq!(said(&verdict), ["Acme.app: rejected"]);
    assert_eq!(verdict.exit_status(), 3);
    // Names and markers of Apple's under a root of somebody else.
    let root = Template::new("Apple Root CA", Key::P256(6))
        .with(&[pki::basic_constraints(true, None), key_usage(0x06)])
        .self_signed();
    let forged = pki::developer_id(Key::P256(3)).issued_by(&pki::developer_id_ca().issued_by(&root));
    let signer = certified("com.example.acme", CmsSigner::new(&forged));
    let mut evidence = apple.app(&signer, &signer);
    notarize(&mut evidence, &[0, 1]);
    assert_eq!(said(&execute(&evidence)), ["Acme.app: rejected", ORIGIN]);
    // Not signed at all.
    let thin = arm64(&[2; 5000]).build(None);
    write_executable(&apple.app.join("Contents/MacOS/Acme"), &thin);
    assert_eq!(
        said(&execute(&apple.evidence(&apple.app))),
        ["Acme.app: rejected", "source=no usable signature"]
    );
}

#[test]
fn nested_code_of_nobody() {
    let apple = Apple::new();
    let signer = apple.developer(Some(CUT));
    let mut evidence = apple.app(&signer, &adhoc("lib"));
    notarize(&mut evidence, &[0]);
    let verdict = execute(&evidence);
    assert_eq!(verdict.ruling, Ruling::Rejected);
    assert_eq!(verdict.source, None);
    assert_eq!(
        verdict.subcomponent.as_deref(),
        Some("Contents/Frameworks/lib.dylib")
    );
    // Rejected whatever the servers know about the app.
    let evidence = apple.app(&signer, &adhoc("lib"));
    assert_eq!(execute(&evidence).ruling, Ruling::Rejected);
}

#[test]
fn broken_code_is_an_error() {
    let apple = Apple::new();
    let signer = apple.developer(Some(CUT));
    let mut evidence = apple.app(&signer, &signer);
    notarize(&mut evidence, &[0, 1]);
    assert_eq!(execute(&evidence).ruling, Ruling::Accepted);
    flip(&apple.app.join("Contents/Resources/a.txt"), 0);
    let verdict = execute(&apple.evidence(&apple.app));
    assert_eq!(
        said(&verdict),
        ["Acme.app: a sealed resource is missing or invalid"]
    );
    assert_eq!(verdict.exit_status(), 1);
}

#[test]
fn strict_faults_are_rejections() {
    let apple = Apple::new();
    let signer = apple.developer(Some(CUT));
    apple.app(&signer, &signer);
    write(&apple.app.join("stranger"), b"x");
    let mut evidence = apple.evidence(&apple.app);
    // What the rules refuse is refused in their name; where they may accept, the fault is the reason.
    let reason = "Acme.app: rejected (unsealed contents present in the bundle root)";
    assert_eq!(said(&execute(&evidence)), [reason, ORIGIN]);
    notarize(&mut evidence, &[0, 1]);
    let verdict = execute(&evidence);
    assert_eq!(said(&verdict), [reason, ORIGIN]);
    assert_eq!(verdict.exit_status(), 3);
    let signer = adhoc("com.example.acme");
    apple.app(&signer, &signer);
    assert_eq!(
        said(&execute(&apple.evidence(&apple.app))),
        ["Acme.app: rejected"]
    );
}

#[test]
fn tools_are_no_apps() {
    let apple = Apple::new();
    let tool = apple.app.with_file_name("tool");
    let signer = apple.developer(Some(CUT));
    write_executable(&tool, &signer.sign(&arm64(&[2; 5000]), Bound::default()).0);
    let mut evidence = apple.evidence(&tool);
    notarize(&mut evidence, &[0]);
    let reason = "Acme.app: rejected (the code is valid but does not seem to be an app)";
    assert_eq!(said(&execute(&evidence)), [reason, ORIGIN]);
    assert_eq!(fitting_operation(&evidence), Operation::Install);
    let verdict = assess(&evidence, Operation::Install).unwrap();
    assert_eq!(
        said(&verdict),
        ["Acme.app: accepted", "source=Notarized Developer ID", ORIGIN]
    );
    let verdict = assess(&evidence, Operation::Open).unwrap();
    assert_eq!(
        said(&verdict),
        ["Acme.app: rejected", "source=Insufficient Context"]
    );
    let app = apple.app(&signer, &signer);
    assert_eq!(fitting_operation(&app), Operation::Execute);
}

#[test]
fn what_was_left_out_is_not_assessed() {
    let apple = Apple::new();
    let signer = apple.developer(None);
    let mut evidence = apple.app(&signer, &signer);
    evidence.flags = CodesignFlags {
        resources: false,
        ..CodesignFlags::default()
    };
    assert_eq!(assess(&evidence, Operation::Execute), None);
}
