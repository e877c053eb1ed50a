//! Rules about code for distribution: each fires on its case and keeps silent on a near miss.

use std::collections::BTreeMap;
use std::path::Path;

use sealcheck::finding::{Finding, Severity, Target};
use sealcheck::rule::Advice;
use sealcheck::time::UnixTime;
use sealcheck::trust::Anchors;
use sealcheck::verify::Options;

use crate::support::advise_unstapled;
use crate::support::bundle::{contents_bundle, info_plist, sign, write, write_executable};
use crate::support::cms::{Authority, CmsSigner};
use crate::support::examined::examine;
use crate::support::macho::{self, Thin, arm64, x86_64};
use crate::support::pki::{self, CODE_SIGNING, Issued, Key, Template, key_usage, marker, purposes};
use crate::support::signature::{Bound, LINKER_SIGNED, RUNTIME, Signer, adhoc, certified};

struct Apple {
    root: Issued,
    authority: Issued,
}

impl Apple {
    fn new() -> Self {
        let root = pki::root().self_signed();
        let authority = pki::developer_id_ca().issued_by(&root);
        Self { root, authority }
    }

    fn advice(&self, path: &Path, target: Option<Target>) -> Advice {
        let mut anchors = Anchors::default();
        anchors.trust_as_apple(&self.root.der).unwrap();
        let options = Options {
            anchors,
            at: UnixTime::from_rfc3339("2026-06-15").unwrap(),
            ..Options::default()
        };
        advise_unstapled(&examine(path, &options).unwrap(), target)
    }

    fn stamped(&self, leaf: &Issued) -> CmsSigner {
        CmsSigner {
            timestamp: Some(Authority::new(&pki::timestamp_authority().issued_by(&self.root))),
            ..CmsSigner::new(leaf)
        }
    }

    fn developer(&self) -> Issued {
        pki::developer_id(Key::P256(3)).issued_by(&self.authority)
    }

    /// As the notary service wants it.
    fn good(&self) -> Signer {
        Signer {
            team: Some("ABCDE12345".into()),
            flags: RUNTIME,
            version: 0x20500,
            ..certified("org.example.tool", self.stamped(&self.developer()))
        }
    }

    /// The same by another certificate.
    fn by(&self, leaf: &Issued) -> Signer {
        Signer {
            team: None,
            identity: Some(self.stamped(leaf)),
            ..self.good()
        }
    }

    /// Findings about a program that is signed so.
    fn tool(&self, signer: &Signer, target: Option<Target>) -> Advice {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tool");
        write_executable(
            &path,
            &signer
                .sign_all(&[x86_64(&[1; 5000]), arm64(&[2; 5000])], Bound::default())
                .0,
        );
        self.advice(&path, target)
    }
}

/// Rule and severity of every finding, each once.
fn found(advice: &Advice) -> Vec<(&'static str, Severity)> {
    let mut all: Vec<_> = advice
        .findings
        .iter()
        .map(|finding| (finding.rule, finding.severity))
        .collect();
    all.dedup();
    all
}

fn only(advice: &Advice, rule: &str) -> Finding {
    assert!(
        advice.findings.iter().all(|finding| finding.rule == rule),
        "{:#?}",
        advice.findings
    );
    advice.findings.first().expect("no finding").clone()
}

#[test]
fn code_as_the_notary_service_wants_it() {
    let apple = Apple::new();
    let advice = apple.tool(&apple.good(), None);
    assert_eq!(advice.target, Target::DeveloperId);
    assert_eq!(advice.findings, Vec::new());
    assert_eq!(advice.unknown, Vec::new());
}

#[test]
fn ad_hoc_signatures() {
    let apple = Apple::new();
    let signer = adhoc("org.example.tool");
    let advice = apple.tool(&signer, None);
    let finding = only(&advice, "adhoc-signed");
    assert_eq!(finding.severity, Severity::Error);
    assert_eq!(advice.findings.len(), 2, "one for each architecture");
    // Without the runtime as well, which is the same repair.
    assert_eq!(finding.consequences, ["hardened-runtime-missing"]);
    assert_eq!(found(&apple.tool(&signer, Some(Target::Local))), []);
    // A program that only the linker has signed is no bundle.
    let linked = Signer {
        flags: signer.flags | LINKER_SIGNED,
        ..signer
    };
    assert!(
        only(&apple.tool(&linked, None), "adhoc-signed")
            .message
            .contains("by the linker")
    );
}

#[test]
fn a_bundle_with_the_signature_of_the_linker() {
    let apple = Apple::new();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Acme.app");
    let thin = arm64(&[2; 5000]);
    let linked = Signer {
        flags: 2 | LINKER_SIGNED,
        special: BTreeMap::new(),
        ..adhoc("Acme")
    };
    write(
        &root.join("Contents/Info.plist"),
        &info_plist("Acme", "com.example.acme", "APPL"),
    );
    write_executable(
        &root.join("Contents/MacOS/Acme"),
        &linked.sign(&thin, Bound::default()).0,
    );
    let finding = only(&apple.advice(&root, None), "linker-signed-bundle");
    assert_eq!(finding.status.map(|status| status.0), Some(-67056));
    for rule in ["adhoc-signed", "seal-invalid", "hardened-runtime-missing"] {
        assert!(finding.consequences.contains(&rule), "{rule}");
    }
    // Signed as a bundle, it is ad hoc only.
    contents_bundle(&root, "Acme", "APPL", &adhoc("com.example.acme"));
    only(&apple.advice(&root, None), "adhoc-signed");
}

/// A certificate with this marker, under an authority with that one.
fn issued(apple: &Apple, name: &str, leaf: &str, authority: &str) -> Issued {
    let authority = Template::new("Test Authority", Key::P256(5))
        .with(&[pki::basic_constraints(true, None), marker(authority)])
        .issued_by(&apple.root);
    Template::new(name, Key::P256(4))
        .with(&[key_usage(0x80), purposes(&[CODE_SIGNING]), marker(leaf)])
        .issued_by(&authority)
}

const WWDR: &str = "1.2.840.113635.100.6.2.1";

#[test]
fn certificates_of_the_wrong_kind() {
    let apple = Apple::new();
    for (marker, rule) in [
        ("1.2.840.113635.100.6.1.12", "development-signed"),
        ("1.2.840.113635.100.6.1.2", "development-signed"),
        ("1.2.840.113635.100.6.1.4", "ios-or-enterprise-signed"),
        (
            "1.2.840.113635.100.6.1.8",
            "installer-and-application-certificates-swapped",
        ),
        ("1.2.840.113635.100.6.1.5", "not-developer-id"),
    ] {
        let leaf = issued(&apple, "Somebody", marker, WWDR);
        let target = Some(Target::DeveloperId);
        let finding = only(&apple.tool(&apple.by(&leaf), target), rule);
        assert_eq!(finding.severity, Severity::Error, "{rule}");
        // Without a timestamp as well, that is one problem.
        let bare = Signer {
            identity: Some(CmsSigner::new(&leaf)),
            ..apple.by(&leaf)
        };
        let finding = only(&apple.tool(&bare, target), rule);
        assert_eq!(finding.consequences, ["no-secure-timestamp"], "{rule}");
    }
    // Developer ID Installer under its own authority.
    let leaf = issued(
        &apple,
        "Developer ID Installer: Example",
        "1.2.840.113635.100.6.1.14",
        pki::DEVELOPER_ID_CA,
    );
    only(
        &apple.tool(&apple.by(&leaf), None),
        "installer-and-application-certificates-swapped",
    );
}

#[test]
fn code_for_upload_to_the_app_store() {
    let apple = Apple::new();
    let leaf = issued(
        &apple,
        "Apple Distribution: Example",
        "1.2.840.113635.100.6.1.7",
        WWDR,
    );
    let auto = apple.tool(&apple.by(&leaf), None);
    assert_eq!(auto.target, Target::MacAppStore);
    assert_eq!(found(&auto), [("app-store-distribution-signed", Severity::Note)]);
    let direct = apple.tool(&apple.by(&leaf), Some(Target::DeveloperId));
    assert_eq!(
        found(&direct),
        [("app-store-distribution-signed", Severity::Error)]
    );
}

#[test]
fn certificates_that_apple_did_not_issue() {
    let apple = Apple::new();
    let own = pki::self_signed(Key::P256(4)).self_signed();
    only(&apple.tool(&apple.by(&own), None), "self-signed");
    // With the name and all markers of a Developer ID, under a root of somebody else.
    let root = Template::new("Other Root", Key::P256(6))
        .with(&[pki::basic_constraints(true, None), key_usage(0x06)])
        .self_signed();
    let authority = pki::developer_id_ca().issued_by(&root);
    let forged = pki::developer_id(Key::P256(3)).issued_by(&authority);
    let finding = only(&apple.tool(&apple.by(&forged), None), "certificate-name-forged");
    assert_eq!(finding.consequences, ["self-signed"]);
    // A name like it that is nobody's.
    let own = Template::new("Mac Developers of Example", Key::P256(4))
        .with(&[key_usage(0x80), purposes(&[CODE_SIGNING])])
        .self_signed();
    assert!(
        only(
            &apple.tool(&apple.by(&own), Some(Target::DeveloperId)),
            "self-signed"
        )
        .consequences
        .is_empty()
    );
}

#[test]
fn timestamp_and_runtime() {
    let apple = Apple::new();
    let unstamped = Signer {
        identity: Some(CmsSigner::new(&apple.developer())),
        ..apple.good()
    };
    let finding = only(&apple.tool(&unstamped, None), "no-secure-timestamp");
    assert_eq!(finding.severity, Severity::Error);
    let soft = Signer {
        flags: 0,
        ..apple.good()
    };
    let advice = apple.tool(&soft, None);
    only(&advice, "hardened-runtime-missing");
    assert_eq!(advice.findings.len(), 2, "one for each architecture");
    // Libraries need no runtime, wherever they lie.
    let library = Thin {
        file_type: macho::DYLIB,
        ..arm64(&[2; 5000])
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lib.dylib");
    write_executable(&path, &soft.sign(&library, Bound::default()).0);
    assert_eq!(found(&apple.advice(&path, None)), []);
}

#[test]
fn every_program_counts_wherever_it_lies() {
    let apple = Apple::new();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Acme.app");
    let contents = root.join("Contents");
    write(
        &contents.join("Info.plist"),
        &info_plist("Acme", "org.example.tool", "APPL"),
    );
    let soft = Signer {
        flags: 0,
        ..apple.good()
    };
    let helper = soft.sign(&arm64(&[5; 5000]), Bound::default()).0;
    write_executable(&contents.join("Resources/tools/helper"), &helper);
    let none = BTreeMap::new();
    sign(
        &contents,
        "MacOS/Acme",
        &[arm64(&[6; 5000])],
        &apple.good(),
        &none,
    );
    let advice = apple.advice(&root, None);
    let runtime: Vec<_> = advice
        .findings
        .iter()
        .filter(|finding| finding.rule == "hardened-runtime-missing")
        .map(|finding| finding.path.as_str())
        .collect();
    assert_eq!(runtime, ["Contents/Resources/tools/helper"]);
}
