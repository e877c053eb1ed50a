//! Signatures made to hurt: malformed ASN.1, chains that loop or never end, crowds of signers and certificates,
//! lengths of gigabytes. Every one ends soon, without a panic, as an error finding or a missing verdict.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use sealcheck::cms::SignedData;
use sealcheck::finding::Severity;
use sealcheck::trust::{Cache, Certificate};
use sealcheck::verify::{NotJudged, Options};

use crate::support::bundle::{info_plist, sign, slices, write};
use crate::support::cms::{Authority, CmsSigner};
use crate::support::der::{indefinite, integer, oid, sequence, tlv};
use crate::support::examined::{Examined, examine};
use crate::support::macho::{EXECUTE, arm64};
use crate::support::pki::{self, Key, Template, basic_constraints, key_usage};
use crate::support::signature::{Bound, Signer, certified};

const LIMIT: Duration = Duration::from_secs(20);

fn with_cms(payload: Vec<u8>) -> Examined {
    let leaf = pki::self_signed(Key::P256(3)).self_signed();
    let signer = Signer {
        identity: None,
        cms: Some(payload),
        ..certified("x", CmsSigner::new(&leaf))
    };
    judged(&signer)
}

/// Never valid, and always with a reason.
fn judged(signer: &Signer) -> Examined {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    fs::write(&path, signer.sign(&arm64(b"code"), Bound::default()).0).unwrap();
    let start = Instant::now();
    let evidence = examine(&path, &Options::default()).unwrap();
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
    evidence
}

#[track_caller]
fn assert_refused(evidence: &Examined) {
    assert_ne!(evidence.codesign.valid(), Some(true));
    let findings = crate::support::examined::advise(
        evidence,
        Some(sealcheck::finding::Target::Local),
        &sealcheck::rule::Expectations::default(),
    )
    .findings;
    assert!(
        findings.iter().any(|finding| finding.severity == Severity::Error),
        "{:?} without an error finding",
        evidence.codesign
    );
}

#[track_caller]
fn assert_open(evidence: &Examined) {
    assert_eq!(evidence.codesign.not_judged(), Some(NotJudged::Budget));
}

#[test]
fn malformed_asn1() {
    let leaf = pki::self_signed(Key::P256(3)).self_signed();
    let good = CmsSigner::new(&leaf).sign(b"directory", &[(2, vec![0; 32])]);
    assert!(SignedData::parse(&good).is_ok());
    let mut deep = Vec::new();
    for _ in 0..100_000 {
        deep.extend([0x30, 0x80]);
    }
    let mut definite = vec![0x30, 0x03, 0x02, 0x01, 0x00];
    for _ in 0..1000 {
        definite = tlv(0x30, &definite);
    }
    let huge = |length: &[u8]| [&[0x30][..], length, &[6, 9]].concat();
    for bytes in [
        vec![],
        vec![0x30],
        vec![0x30, 0x80],
        vec![0x30, 0x80, 0, 0],
        deep,
        definite,
        huge(&[0x84, 0xff, 0xff, 0xff, 0xff]),
        huge(&[0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        huge(&[0xff; 40]),
        indefinite(
            0x30,
            &[oid("1.2.840.113549.1.7.2"), vec![0xa0, 0x84, 0x40, 0, 0, 0]].concat(),
        ),
        sequence(&[oid("1.2.840.113549.1.7.1"), tlv(0xa0, b"")]),
        vec![0x1f; 5000],
    ] {
        assert!(SignedData::parse(&bytes).is_err());
        assert_refused(&with_cms(bytes));
    }
    for end in (0..good.len()).step_by(7) {
        assert!(SignedData::parse(&good[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn crowds_of_signers_and_certificates() {
    let leaf = pki::self_signed(Key::P256(3)).self_signed();
    let signers = Signer {
        ..certified(
            "x",
            CmsSigner {
                more_signers: 5000,
                ..CmsSigner::new(&leaf)
            },
        )
    };
    assert_open(&judged(&signers));
    let mut crowd = CmsSigner::new(&leaf);
    crowd.certificates = vec![leaf.der.clone(); 3000];
    assert_open(&judged(&certified("x", crowd)));
}

/// Twenty authorities of one name that all signed each other: more paths than anybody can walk.
#[test]
fn chains_that_loop() {
    let authority = |key: u8, issuer: u8| {
        let issuer = Template::new("Ring", Key::P256(issuer)).self_signed();
        Template::new("Ring", Key::P256(key))
            .with(&[basic_constraints(true, None), key_usage(0x06)])
            .issued_by(&issuer)
    };
    let mut certificates = Vec::new();
    for key in 100..115 {
        for issuer in 100..115 {
            if key != issuer {
                certificates.push(authority(key, issuer));
            }
        }
    }
    let leaf = pki::self_signed(Key::P256(3)).issued_by(&certificates[0]);
    let mut signer = CmsSigner::new(&leaf);
    signer.certificates = std::iter::once(leaf.der.clone())
        .chain(certificates.iter().map(|found| found.der.clone()))
        .collect();
    assert_refused(&judged(&certified("x", signer)));
}

#[test]
fn a_chain_of_a_hundred() {
    let mut above = pki::root().self_signed();
    for number in 0..100u8 {
        above = Template::new(&format!("Authority {number}"), Key::P256(number + 10))
            .with(&[basic_constraints(true, None), key_usage(0x06)])
            .issued_by(&above);
    }
    let leaf = pki::self_signed(Key::P256(3)).issued_by(&above);
    assert_refused(&judged(&certified("x", CmsSigner::new(&leaf))));
}

#[test]
fn certificates_with_absurd_keys_and_numbers() {
    let leaf = pki::self_signed(Key::P256(3)).self_signed();
    // An RSA key of a million bits, in place of the real one.
    let real = Key::P256(3).public();
    let modulus = tlv(2, &[&[0x7f][..], &vec![0x55; 40_000]].concat());
    let numbers = sequence(&[modulus, integer(65537)]);
    let huge = sequence(&[
        sequence(&[oid("1.2.840.113549.1.1.1"), vec![5, 0]]),
        tlv(3, &[&[0][..], &numbers].concat()),
    ]);
    let at = crate::support::position(&leaf.der, &real);
    let body = [&leaf.der[..at], &huge, &leaf.der[at + real.len()..]].concat();
    // The lengths around it are wrong now, so this is malformed as well; a correct one is built from its parts.
    assert!(Certificate::parse(&body).is_err());
    let start = Instant::now();
    assert!(sealcheck::trust::PublicKey::from_spki(&huge).is_none());
    assert!(start.elapsed() < Duration::from_secs(1));
    let mut signer = CmsSigner::new(&leaf);
    signer.certificates = vec![body];
    assert_refused(&judged(&certified("x", signer)));
}

/// Five hundred pieces of code by one signer: the chain is verified once.
#[test]
fn issuers_are_verified_once() {
    let folder = tempfile::tempdir().unwrap();
    let contents = folder.path().join("Many.app/Contents");
    write(
        &contents.join("Info.plist"),
        &info_plist("Many", "org.example.many", "APPL"),
    );
    let root = pki::root().self_signed();
    let leaf = pki::developer_id(Key::P256(3)).issued_by(&pki::developer_id_ca().issued_by(&root));
    let authority = Authority::new(&pki::timestamp_authority().issued_by(&root));
    let cms = CmsSigner {
        timestamp: Some(authority),
        ..CmsSigner::new(&leaf)
    };
    let mut nested = std::collections::BTreeMap::new();
    for number in 0..500 {
        let name = format!("tool{number}");
        let signer = certified(&name, cms.clone());
        let (bytes, hashes) = signer.sign_all(&[arm64(name.as_bytes())], Bound::default());
        write(&contents.join(format!("Helpers/{name}")), &bytes);
        nested.insert(format!("Helpers/{name}"), hashes);
    }
    let signer = certified("org.example.many", cms);
    sign(
        &contents,
        "MacOS/Many",
        &slices("many ", EXECUTE),
        &signer,
        &nested,
    );
    let cache = Arc::new(Cache::default());
    let mut anchors = sealcheck::trust::Anchors::default();
    anchors.trust_as_apple(&root.der).unwrap();
    let options = Options {
        cache: Arc::clone(&cache),
        anchors,
        at: sealcheck::time::UnixTime::from_rfc3339("2026-06-15").unwrap(),
        ..Options::default()
    };
    let evidence = examine(&folder.path().join("Many.app"), &options).unwrap();
    assert_eq!(evidence.codesign.valid(), Some(true), "{:?}", evidence.codesign);
    assert_eq!(evidence.code.len(), 501);
    // Leaf by authority, authority by root, timestamp authority by root.
    assert_eq!(cache.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Random changes of a good signature: parsed or refused, never a panic.
    #[test]
    fn changed_signatures_never_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let leaf = pki::self_signed(Key::P256(3)).self_signed();
        let mut bytes = CmsSigner::new(&leaf).sign(b"directory", &[(2, vec![0; 32])]);
        for (place, value) in changes {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(data) = SignedData::parse(&bytes) {
            for certificate in data.certificates {
                let _ = Certificate::parse(certificate);
            }
        }
    }
}
