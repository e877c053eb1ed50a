//! The certificate signature: every row of specification 12.C and of table 4.4.1 that static validation can reach.
//!
//! Revocation and trust settings (rows 48 and "deny") need a Mac or Apple's servers; software-signing policy and
//! pinned anchors are not what `codesign --verify` asks for.

use std::fs;

use sealcheck::finding::Severity;
use sealcheck::requirement::Requirement;
use sealcheck::time::UnixTime;
use sealcheck::trust::{Anchors, CertificateKind, Root};
use sealcheck::verify::{NotJudged, Options, SliceEvidence, every_slice_satisfies};

use crate::support::cms::{Agility, Authority, CmsSigner, Form, attribute};
use crate::support::der::{null, octets, oid, sequence};
use crate::support::examined::{Examined, examine};
use crate::support::macho::arm64;
use crate::support::pki::{
    self, CODE_SIGNING, Hash, Issued, Key, TIME_STAMPING, Template, authority_key, basic_constraints,
    extension, key_usage, marker, purposes, subject_key,
};
use crate::support::signature::{Bound, SHA1, SHA256, SHA256_TRUNCATED, SHA384, Signer, certified};

const EXPIRED: i32 = -2_147_409_654;
const NOT_TRUSTED: i32 = -2_147_409_622;
const INVALID_CERTIFICATE: i32 = -2_147_409_643;
const SIGNATURE_FAILED: i32 = -67061;

/// A root that counts as Apple's, the Developer ID authority under it, and a developer.
pub struct Apple {
    pub root: Issued,
    pub authority: Issued,
    pub leaf: Issued,
}

pub fn apple() -> Apple {
    let root = pki::root().self_signed();
    let authority = pki::developer_id_ca().issued_by(&root);
    let leaf = pki::developer_id(Key::P256(3)).issued_by(&authority);
    Apple {
        root,
        authority,
        leaf,
    }
}

impl Apple {
    pub fn options(&self) -> Options {
        let mut anchors = Anchors::default();
        anchors.trust_as_apple(&self.root.der).unwrap();
        Options { anchors, ..options() }
    }

    /// An authority for timestamps under the same root.
    fn stamps(&self) -> Authority {
        Authority::new(&pki::timestamp_authority().issued_by(&self.root))
    }
}

fn options() -> Options {
    Options {
        at: UnixTime::from_rfc3339("2026-06-15").unwrap(),
        ..Options::default()
    }
}

fn judged(signer: &Signer, options: &Options) -> Examined {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    let (bytes, _) = signer.sign(&arm64(&[7; 5000]), Bound::default());
    fs::write(&path, bytes).unwrap();
    examine(&path, options).unwrap()
}

/// The status of code signed so: 0 when it is valid, `None` when it is not judged.
fn status(cms: CmsSigner, options: &Options) -> Option<i32> {
    status_of(&judged(&certified("org.example.tool", cms), options))
}

fn status_of(evidence: &Examined) -> Option<i32> {
    let verdict = &evidence.codesign;
    assert_eq!(verdict.valid().is_none(), verdict.not_judged().is_some());
    match verdict.valid() {
        Some(true) => Some(0),
        _ => verdict.status().map(|status| status.0),
    }
}

fn slice(evidence: &Examined) -> &SliceEvidence {
    &evidence.code[0].slices[0]
}

fn rules(evidence: &Examined, severity: Severity) -> Vec<&'static str> {
    let findings = crate::support::examined::advise(
        evidence,
        Some(sealcheck::finding::Target::Local),
        &sealcheck::rule::Expectations::default(),
    )
    .findings;
    let mut ids: Vec<_> = findings
        .iter()
        .filter(|finding| finding.severity == severity)
        .map(|finding| finding.rule)
        .collect();
    ids.dedup();
    ids
}

fn satisfies(evidence: &Examined, text: &str) -> Option<bool> {
    let requirement = Requirement::from_text(text).unwrap();
    every_slice_satisfies(&evidence.code[0], &requirement).unwrap()
}

#[test]
fn a_developer_id_signature_is_whole() {
    let apple = apple();
    let cms = CmsSigner {
        timestamp: Some(apple.stamps()),
        ..CmsSigner::new(&apple.leaf)
    };
    let signer = Signer {
        team: Some("ABCDE12345".into()),
        hash_types: vec![SHA1, SHA256],
        ..certified("org.example.tool", cms)
    };
    let evidence = judged(&signer, &apple.options());
    assert_eq!(status_of(&evidence), Some(0));
    assert_eq!(rules(&evidence, Severity::Error), Vec::<&str>::new());
    assert!(evidence.has_substituted_anchor);
    let identity = slice(&evidence).identity.as_ref().unwrap();
    let names: Vec<_> = identity
        .chain
        .iter()
        .map(|certificate| certificate.summary())
        .collect();
    assert_eq!(
        names,
        [
            "Developer ID Application: Example (ABCDE12345)",
            "Test Developer ID Certification Authority",
            "Test Root CA"
        ]
    );
    assert_eq!(identity.root, Root::Apple);
    assert_eq!(identity.kind, CertificateKind::DeveloperIdApplication);
    assert_eq!(
        identity.signing_time,
        UnixTime::from_rfc3339("2026-06-01T12:00:00Z")
    );
    let stamped = identity.timestamp.as_ref().map(|timestamp| timestamp.time);
    assert_eq!(stamped, UnixTime::from_rfc3339("2026-06-01T12:01:00Z"));
    let designated = slice(&evidence).designated.as_ref().unwrap();
    assert_eq!(
        designated.requirement.to_string(),
        "identifier \"org.example.tool\" and anchor apple generic and certificate 1[field.1.2.840.113635.100.6.2.6] \
         /* exists */ and certificate leaf[field.1.2.840.113635.100.6.1.13] /* exists */ and certificate \
         leaf[subject.OU] = ABCDE12345"
    );
    assert_eq!(satisfies(&evidence, "anchor apple"), Some(false));
    assert_eq!(satisfies(&evidence, "anchor apple generic"), Some(true));
    // The same without the root at hand is a private chain: valid, and nobody's.
    let evidence = judged(&signer, &options());
    assert_eq!(satisfies(&evidence, "anchor apple generic"), Some(false));
    let identity = slice(&evidence).identity.as_ref().unwrap();
    assert_eq!(
        (identity.root, identity.kind),
        (Root::Implicit, CertificateKind::NotApple)
    );
}

#[test]
fn every_key_digest_and_form() {
    for key in [
        Key::Rsa(2048),
        Key::Rsa(1024),
        Key::P256(3),
        Key::P384(3),
        Key::P521(3),
    ] {
        let leaf = pki::self_signed(key).self_signed();
        for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512] {
            for form in [Form::Der, Form::Ber] {
                for has_attributes in [true, false] {
                    let cms = CmsSigner {
                        hash,
                        form,
                        has_attributes,
                        ..CmsSigner::new(&leaf)
                    };
                    let case = format!("{key:?} {hash:?} {form:?} {has_attributes}");
                    let broken = CmsSigner {
                        breaks_signature: true,
                        ..cms.clone()
                    };
                    assert_eq!(status(cms, &options()), Some(0), "{case}");
                    assert_eq!(status(broken, &options()), Some(SIGNATURE_FAILED), "{case}");
                }
            }
        }
    }
}

#[test]
fn algorithms_that_contradict_each_other_or_are_unknown() {
    let leaf = pki::self_signed(Key::Rsa(2048)).self_signed();
    let with = |algorithm: &str| CmsSigner {
        algorithm: Some(sequence(&[oid(algorithm), null()])),
        ..CmsSigner::new(&leaf)
    };
    for (algorithm, expected) in [
        ("1.2.840.113549.1.1.11", 0),
        // sha512WithRSAEncryption beside SHA-256, RSASSA-PSS, sha224WithRSAEncryption, ecdsa-with-SHA256, Ed25519.
        ("1.2.840.113549.1.1.13", SIGNATURE_FAILED),
        ("1.2.840.113549.1.1.10", SIGNATURE_FAILED),
        ("1.2.840.113549.1.1.14", SIGNATURE_FAILED),
        ("1.2.840.10045.4.3.2", SIGNATURE_FAILED),
        ("1.3.101.112", SIGNATURE_FAILED),
    ] {
        assert_eq!(status(with(algorithm), &options()), Some(expected), "{algorithm}");
    }
    // A digest that the CMS does not announce is not computed (`SecCmsSignedDataGetDigestByAlgTag`).
    for (announced, expected) in [(Hash::Sha256, 0), (Hash::Sha1, SIGNATURE_FAILED)] {
        let cms = CmsSigner {
            announced: Some(announced),
            ..CmsSigner::new(&leaf)
        };
        assert_eq!(status(cms, &options()), Some(expected), "{announced:?}");
    }
}

/// Rows 33, 34 and 47.
#[test]
fn no_signature_or_one_over_something_else() {
    let leaf = pki::self_signed(Key::P256(3)).self_signed();
    let cms = CmsSigner::new(&leaf);
    let bare = Signer {
        identity: None,
        cms: None,
        ..certified("x", cms.clone())
    };
    assert_eq!(status_of(&judged(&bare, &options())), Some(-67062));
    let empty = Signer {
        cms: Some(Vec::new()),
        ..bare
    };
    assert_eq!(status_of(&judged(&empty, &options())), Some(-25257));
    for has_attributes in [true, false] {
        let other = CmsSigner {
            content: Some(b"another CodeDirectory".to_vec()),
            has_attributes,
            ..cms.clone()
        };
        assert_eq!(status(other, &options()), Some(SIGNATURE_FAILED));
        let embedded = CmsSigner {
            embeds_content: true,
            has_attributes,
            ..cms.clone()
        };
        assert_eq!(status(embedded, &options()), Some(SIGNATURE_FAILED));
    }
}

/// What another verifier accepts: the CMS of the code before it was changed, and that of another developer.
#[test]
fn forgeries() {
    let apple = apple();
    let options = apple.options();
    let signer = certified("org.example.tool", CmsSigner::new(&apple.leaf));
    let thin = arm64(&[7; 5000]);
    let limit = thin.code_limit();
    let (good, _) = signer.sign(&thin, Bound::default());
    let wrapper = |bytes: &[u8]| {
        let at = crate::support::position(bytes, &[0xfa, 0xde, 0x0b, 0x01]);
        let length = u32::from_be_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        bytes[at + 8..at + length].to_vec()
    };
    let stolen = wrapper(&good[limit..]);
    let forged = |text: &[u8], identifier: &str, cms: Vec<u8>| {
        let signer = Signer {
            identity: None,
            cms: Some(cms),
            ..certified(identifier, CmsSigner::new(&apple.leaf))
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tool");
        fs::write(&path, signer.sign(&arm64(text), Bound::default()).0).unwrap();
        examine(&path, &options).unwrap()
    };
    // Unchanged, the stolen CMS is right: the room for the signature differs, and with it the CodeDirectory.
    let mut patched = vec![7; 5000];
    patched[100] = 8;
    for evidence in [
        forged(&patched, "org.example.tool", stolen.clone()),
        forged(&[9; 3000], "org.example.tool", stolen.clone()),
        forged(&[7; 5000], "com.apple.finder", stolen),
    ] {
        assert_eq!(status_of(&evidence), Some(SIGNATURE_FAILED));
        assert!(rules(&evidence, Severity::Error).contains(&"cms-signature-invalid"));
    }
}

/// Rows 35 and 36.
#[test]
fn names_prove_nothing_and_purposes_are_demanded() {
    let name = "Developer ID Application: Apple";
    let fake = Template::new(name, Key::P256(3)).with(&[key_usage(0x80), purposes(&[CODE_SIGNING])]);
    let evidence = judged(&certified("x", CmsSigner::new(&fake.self_signed())), &options());
    assert_eq!(status_of(&evidence), Some(0));
    assert_eq!(satisfies(&evidence, "anchor apple generic"), Some(false));
    assert_eq!(satisfies(&evidence, "anchor apple"), Some(false));
    let kind = slice(&evidence).identity.as_ref().unwrap().kind;
    assert_eq!(kind, CertificateKind::NotApple);
    let unfit = Template::new(name, Key::P256(3))
        .with(&[key_usage(0x80)])
        .self_signed();
    assert_eq!(status(CmsSigner::new(&unfit), &options()), Some(-2_147_408_889));
    let any = Template::new(name, Key::P256(3))
        .with(&[purposes(&["2.5.29.37.0"])])
        .self_signed();
    assert_eq!(status(CmsSigner::new(&any), &options()), Some(-2_147_408_889));
}

/// Row 37.
#[test]
fn a_missing_issuer() {
    let apple = apple();
    let cms = CmsSigner {
        certificates: vec![apple.leaf.der.clone()],
        ..CmsSigner::new(&apple.leaf)
    };
    assert_eq!(status(cms, &apple.options()), Some(NOT_TRUSTED));
    // The root itself need not be sent.
    let cms = CmsSigner {
        certificates: vec![apple.authority.der.clone(), apple.leaf.der.clone()],
        ..CmsSigner::new(&apple.leaf)
    };
    assert_eq!(status(cms.clone(), &apple.options()), Some(0));
    assert_eq!(status(cms.clone(), &options()), Some(NOT_TRUSTED));
    // As a trusted root it completes the chain, but is not Apple's.
    let mut anchors = Anchors::default();
    anchors.trust(&apple.root.der).unwrap();
    let trusting = Options { anchors, ..options() };
    let evidence = judged(&certified("x", cms), &trusting);
    assert_eq!(status_of(&evidence), Some(0));
    assert_eq!(satisfies(&evidence, "anchor apple generic"), Some(false));
    // Without the signer's own certificate nobody knows who signed.
    let cms = CmsSigner {
        certificates: vec![apple.authority.der.clone()],
        ..CmsSigner::new(&apple.leaf)
    };
    assert_eq!(status(cms, &apple.options()), Some(SIGNATURE_FAILED));
}

/// Rows 38, 39 and 40, and the expiry rule of 4.3.
#[test]
fn validity_in_time() {
    let apple = apple();
    let mut template = pki::developer_id(Key::P256(3));
    template.validity = ("20240101000000Z", "20250101000000Z");
    let expired = template.issued_by(&apple.authority);
    let options = apple.options();
    let strict = Options {
        check_expiration: true,
        ..apple.options()
    };
    for signing_time in [Some("20240601000000Z"), Some("20260601000000Z"), None] {
        let cms = CmsSigner {
            signing_time,
            ..CmsSigner::new(&expired)
        };
        let evidence = judged(&certified("x", cms.clone()), &options);
        assert_eq!(status_of(&evidence), Some(0), "{signing_time:?}");
        assert!(
            rules(&evidence, Severity::Note).contains(&"certificate-expired-without-timestamp"),
            "{signing_time:?}"
        );
        let inside = signing_time == Some("20240601000000Z");
        let expected = Some(if inside { 0 } else { EXPIRED });
        assert_eq!(status(cms.clone(), &strict), expected, "{signing_time:?}");
        // The flag of the CodeDirectory asks for the same.
        let flagged = Signer {
            flags: 0x400,
            ..certified("x", cms)
        };
        assert_eq!(
            status_of(&judged(&flagged, &options)),
            expected,
            "{signing_time:?}"
        );
    }
    let stamped = |time| CmsSigner {
        timestamp: Some(Authority {
            time,
            ..apple.stamps()
        }),
        ..CmsSigner::new(&expired)
    };
    let evidence = judged(&certified("x", stamped("20240601000000Z")), &strict);
    assert_eq!(status_of(&evidence), Some(0));
    assert_eq!(rules(&evidence, Severity::Error), Vec::<&str>::new());
    assert_eq!(status(stamped("20250601000000Z"), &options), Some(EXPIRED));
    assert_eq!(status(stamped("20230601000000Z"), &options), Some(EXPIRED));
}

/// Rows 41, 42 and 43, and the token's own demands.
#[test]
fn timestamps() {
    let apple = apple();
    let options = apple.options();
    let with = |authority: Authority| CmsSigner {
        timestamp: Some(authority),
        ..CmsSigner::new(&apple.leaf)
    };
    let change = |change: fn(&mut Authority)| {
        let mut authority = apple.stamps();
        change(&mut authority);
        status(with(authority), &options)
    };
    assert_eq!(change(|_| {}), Some(0));
    assert_eq!(change(|authority| authority.form = Form::Ber), Some(0));
    assert_eq!(change(|authority| authority.imprint = Hash::Sha1), Some(0));
    let failed = Some(SIGNATURE_FAILED);
    assert_eq!(change(|authority| authority.imprint = Hash::Sha384), failed);
    assert_eq!(change(|authority| authority.version = 2), failed);
    assert_eq!(change(|authority| authority.stamps_other = true), failed);
    assert_eq!(change(|authority| authority.breaks_signature = true), failed);
    assert_eq!(change(|authority| authority.has_certificates = false), failed);
    assert_eq!(change(|authority| authority.time = "20260601120100.5Z"), failed);
    assert_eq!(change(|authority| authority.time = "202606011201Z"), failed);
    let mut template = pki::timestamp_authority();
    template.validity.1 = "20250101000000Z";
    let late = Authority::new(&template.issued_by(&apple.root));
    assert_eq!(
        status(with(late), &options),
        failed,
        "the authority was not valid then"
    );
    let unfit = Template::new("No purpose", Key::P256(9)).issued_by(&apple.root);
    assert_eq!(status(with(Authority::new(&unfit)), &options), failed);
    // Row 41: somebody else's authority.
    let other = Template::new("Other Root", Key::P256(20))
        .with(&[basic_constraints(true, None)])
        .self_signed();
    let foreign = Authority::new(&pki::timestamp_authority().issued_by(&other));
    assert_eq!(status(with(foreign.clone()), &options), Some(NOT_TRUSTED));
    // For a private signer a Mac asks its system roots, which are not at hand.
    let private = CmsSigner {
        timestamp: Some(foreign),
        ..CmsSigner::new(&pki::self_signed(Key::P256(3)).self_signed())
    };
    let evidence = judged(&certified("x", private.clone()), &options);
    assert_eq!(evidence.codesign.not_judged(), Some(NotJudged::TimestampRoot));
    let mut trusting = apple.options();
    trusting.anchors.trust(&other.der).unwrap();
    assert_eq!(status(private, &trusting), Some(0));
}

#[test]
fn unsigned_attributes_hold_one_timestamp() {
    let apple = apple();
    let options = apple.options();
    let foreign = attribute("1.2.3.4", &[octets(b"x")]);
    let with = |unsigned: Vec<Vec<u8>>, timestamp| CmsSigner {
        unsigned,
        timestamp,
        ..CmsSigner::new(&apple.leaf)
    };
    assert_eq!(
        status(with(vec![foreign.clone()], None), &options),
        Some(SIGNATURE_FAILED)
    );
    assert_eq!(
        status(with(vec![foreign], Some(apple.stamps())), &options),
        Some(0)
    );
    let second = attribute(
        "1.2.840.113549.1.9.16.2.14",
        &[apple.stamps().token(b"another signature")],
    );
    assert_eq!(
        status(with(vec![second], Some(apple.stamps())), &options),
        Some(SIGNATURE_FAILED)
    );
}

/// Rows 44 and 45.
#[test]
fn teams() {
    let apple = apple();
    let team = |leaf: &Issued, team: &str, options: &Options| {
        let signer = Signer {
            team: Some(team.into()),
            ..certified("x", CmsSigner::new(leaf))
        };
        status_of(&judged(&signer, options))
    };
    assert_eq!(team(&apple.leaf, "ABCDE12345", &apple.options()), Some(0));
    assert_eq!(team(&apple.leaf, "OTHER67890", &apple.options()), Some(-66997));
    // Nobody checks what a private certificate claims.
    assert_eq!(team(&apple.leaf, "OTHER67890", &options()), Some(0));
    // The first organisational unit counts here, the last one in requirements.
    let mut template = pki::developer_id(Key::P256(3));
    template.subject.push((pki::UNIT, "LAST".into()));
    let twice = template.issued_by(&apple.authority);
    assert_eq!(team(&twice, "ABCDE12345", &apple.options()), Some(0));
    assert_eq!(team(&twice, "LAST", &apple.options()), Some(-66997));
    let evidence = judged(&certified("x", CmsSigner::new(&twice)), &apple.options());
    assert_eq!(
        satisfies(&evidence, "certificate leaf[subject.OU] = LAST"),
        Some(true)
    );
    assert_eq!(
        satisfies(&evidence, "certificate leaf[subject.OU] = ABCDE12345"),
        Some(false)
    );
    template.subject.retain(|(id, _)| *id != pki::UNIT);
    let none = template.issued_by(&apple.authority);
    assert_eq!(team(&none, "WHATEVER00", &apple.options()), Some(0));
    // Apple signs apps of the App Store for their teams.
    let mut store = pki::developer_id(Key::P256(3));
    store.extensions.pop();
    let store = store
        .with(&[marker("1.2.840.113635.100.6.1.9")])
        .issued_by(&apple.authority);
    assert_eq!(team(&store, "OTHER67890", &apple.options()), Some(0));
    // A wrong team is noticed before the certificate's own faults.
    let mut template = pki::developer_id(Key::P256(3));
    template.validity = ("20240101000000Z", "20250101000000Z");
    let expired = template.issued_by(&apple.authority);
    let signer = Signer {
        team: Some("OTHER67890".into()),
        ..certified(
            "x",
            CmsSigner {
                timestamp: Some(apple.stamps()),
                ..CmsSigner::new(&expired)
            },
        )
    };
    assert_eq!(status_of(&judged(&signer, &apple.options())), Some(-66997));
}

/// Row 46.
#[test]
fn only_the_first_signer_counts() {
    let leaf = pki::self_signed(Key::P256(3)).self_signed();
    let cms = CmsSigner {
        more_signers: 3,
        ..CmsSigner::new(&leaf)
    };
    let evidence = judged(&certified("x", cms), &options());
    assert_eq!(status_of(&evidence), Some(0));
    assert_eq!(slice(&evidence).identity.as_ref().unwrap().signers, 4);
    assert!(rules(&evidence, Severity::Warning).contains(&"multiple-signers"));
}

/// Row 49 and the rest of specification 4.2.
#[test]
fn hash_agility() {
    let leaf = pki::self_signed(Key::P256(3)).self_signed();
    let judge = |hash_types: &[u8], agility_1, agility_2| {
        let cms = CmsSigner {
            agility_1,
            agility_2,
            ..CmsSigner::new(&leaf)
        };
        let signer = Signer {
            hash_types: hash_types.to_vec(),
            ..certified("x", cms)
        };
        status_of(&judged(&signer, &options()))
    };
    use Agility::{Absent, Malformed, Right, Short, Wrong};
    for hash_types in [
        &[SHA256][..],
        &[SHA1, SHA256],
        &[SHA256, SHA384],
        &[SHA1, SHA256, SHA384],
        &[SHA256_TRUNCATED],
    ] {
        for (first, second) in [(Right, Right), (Absent, Right), (Right, Absent), (Absent, Absent)] {
            assert_eq!(
                judge(hash_types, first, second),
                Some(0),
                "{hash_types:?} {first:?} {second:?}"
            );
        }
        for wrong in [Wrong, Short, Malformed] {
            let failed = Some(SIGNATURE_FAILED);
            // A second list that cannot be decoded has a number of its own.
            let second = if wrong == Malformed { Some(-26275) } else { failed };
            assert_eq!(
                judge(hash_types, wrong, Absent),
                failed,
                "{hash_types:?} {wrong:?}"
            );
            assert_eq!(
                judge(hash_types, Absent, wrong),
                second,
                "{hash_types:?} {wrong:?}"
            );
            assert_eq!(
                judge(hash_types, Right, wrong),
                second,
                "{hash_types:?} {wrong:?}"
            );
            assert_eq!(
                judge(hash_types, wrong, Right),
                failed,
                "{hash_types:?} {wrong:?}"
            );
        }
    }
    // SHA-256 whole and cut share one identifier: two values, one entry.
    assert_eq!(judge(&[SHA256, SHA256_TRUNCATED], Absent, Right), Some(-26275));
    // An untrusted chain is noticed after that.
    let apple = apple();
    let cms = CmsSigner {
        certificates: vec![apple.leaf.der.clone()],
        agility_2: Wrong,
        ..CmsSigner::new(&apple.leaf)
    };
    assert_eq!(status(cms, &apple.options()), Some(SIGNATURE_FAILED));
}

#[test]
fn signers_are_found_by_key_identifier() {
    let apple = apple();
    let cms = CmsSigner {
        by_key_identifier: true,
        ..CmsSigner::new(&apple.leaf)
    };
    assert_eq!(status(cms.clone(), &apple.options()), Some(0));
    let leaf = pki::self_signed(Key::P256(3)).self_signed();
    let unknown = CmsSigner {
        leaf: leaf.clone(),
        certificates: leaf.chain,
        ..cms
    };
    assert_eq!(status(unknown, &options()), Some(SIGNATURE_FAILED));
}

/// Table 4.4.1, and rows 36 and 50.
#[test]
fn what_is_wrong_with_certificates() {
    let root = pki::root().self_signed();
    let mut anchors = Anchors::default();
    anchors.trust_as_apple(&root.der).unwrap();
    let options = Options { anchors, ..options() };
    // Changes the authority and the leaf; gives the status.
    let judge = |change: &dyn Fn(&mut Template, &mut Template)| {
        let mut authority = pki::developer_id_ca();
        let mut leaf = pki::developer_id(Key::P256(3));
        change(&mut authority, &mut leaf);
        let leaf = leaf.issued_by(&authority.issued_by(&root));
        status(CmsSigner::new(&leaf), &options)
    };
    let replace = |template: &mut Template, old: &str, new: Option<Vec<u8>>| {
        let prefix = oid(old);
        template
            .extensions
            .retain(|extension| !extension[2..].starts_with(&prefix) && !extension[3..].starts_with(&prefix));
        template.extensions.extend(new);
    };
    assert_eq!(judge(&|_, _| {}), Some(0));
    let unknown_critical = extension("1.2.3.4", true, &null());
    for (what, expected, change) in [
        (
            "an extension twice",
            INVALID_CERTIFICATE,
            &(|_: &mut Template, leaf: &mut Template| {
                leaf.extensions
                    .push(extension("1.2.840.113635.100.9999", false, &null()));
                leaf.extensions
                    .push(extension("1.2.840.113635.100.9999", false, &null()));
            }) as &dyn Fn(&mut Template, &mut Template),
        ),
        ("name constraints", INVALID_CERTIFICATE, &|authority, _| {
            authority
                .extensions
                .push(extension("2.5.29.30", true, &sequence(&[])));
        }),
        (
            "malformed basic constraints",
            INVALID_CERTIFICATE,
            &|authority, _| {
                replace(
                    authority,
                    "2.5.29.19",
                    Some(extension("2.5.29.19", true, &octets(b"x"))),
                );
            },
        ),
        ("a short key", INVALID_CERTIFICATE, &|_, leaf| {
            leaf.key = Key::Rsa(768)
        }),
        ("no basic constraints", -2_147_408_894, &|authority, _| {
            replace(authority, "2.5.29.19", None);
        }),
        ("no authority", -2_147_408_893, &|authority, _| {
            replace(authority, "2.5.29.19", Some(basic_constraints(false, None)));
        }),
        ("another key identifier", -2_147_408_892, &|_, leaf| {
            replace(leaf, "2.5.29.35", Some(authority_key(b"another")));
        }),
        ("an unknown critical extension", -2_147_408_895, &|_, leaf| {
            leaf.extensions.push(unknown_critical.clone());
        }),
        ("one in the authority", -2_147_408_895, &|authority, _| {
            authority.extensions.push(unknown_critical.clone());
        }),
        ("no subject", -2_147_408_841, &|_, leaf| leaf.subject.clear()),
        ("key usage of the leaf", -2_147_408_890, &|_, leaf| {
            replace(leaf, "2.5.29.15", Some(key_usage(0x20)));
        }),
        ("key usage of the authority", -2_147_408_890, &|authority, _| {
            replace(authority, "2.5.29.15", Some(key_usage(0x80)));
        }),
        ("another purpose", -2_147_408_889, &|_, leaf| {
            replace(leaf, "2.5.29.37", Some(purposes(&[TIME_STAMPING])));
        }),
        ("no purpose", -2_147_408_889, &|_, leaf| {
            replace(leaf, "2.5.29.37", None)
        }),
        ("MD5", -2_147_415_723, &|authority, leaf| {
            authority.key = Key::Rsa(2048);
            leaf.hash = Hash::Md5;
        }),
        // The smallest priority wins: 2 before 5; of equal ones, the certificate nearer to the leaf.
        (
            "a critical extension before no purpose",
            -2_147_408_895,
            &|authority, leaf| {
                replace(leaf, "2.5.29.37", None);
                authority.extensions.push(unknown_critical.clone());
            },
        ),
        (
            "the leaf's purpose before the authority's use",
            -2_147_408_889,
            &|authority, leaf| {
                replace(leaf, "2.5.29.37", None);
                replace(authority, "2.5.29.19", Some(basic_constraints(false, None)));
            },
        ),
        ("expired, then without purpose", -2_147_408_889, &|_, leaf| {
            leaf.validity = ("20200101000000Z", "20210101000000Z");
            replace(leaf, "2.5.29.37", None);
        }),
    ] {
        assert_eq!(judge(change), Some(expected), "{what}");
    }
    // nonRepudiation alone is enough; an absent key usage restricts nothing; SHA-1 is accepted.
    assert_eq!(
        judge(&|_, leaf| replace(leaf, "2.5.29.15", Some(key_usage(0x40)))),
        Some(0)
    );
    assert_eq!(judge(&|_, leaf| replace(leaf, "2.5.29.15", None)), Some(0));
    assert_eq!(judge(&|_, leaf| leaf.hash = Hash::Sha1), Some(0));
}

#[test]
fn signatures_and_lengths_of_paths() {
    let apple = apple();
    // Another authority with the same name and identifier but another key: the signature does not verify.
    let mut template = pki::developer_id_ca();
    template.key = Key::P256(77);
    let impostor = template.issued_by(&apple.root);
    let leaf = pki::developer_id(Key::P256(3)).issued_by(&impostor);
    let cms = CmsSigner {
        certificates: vec![leaf.der.clone(), apple.authority.der.clone()],
        ..CmsSigner::new(&leaf)
    };
    let evidence = judged(&certified("x", cms), &apple.options());
    assert_eq!(status_of(&evidence), Some(INVALID_CERTIFICATE));
    assert_eq!(satisfies(&evidence, "anchor apple generic"), Some(false));
    // pathLenConstraint 0 above another authority.
    let narrow = Template::new("Narrow", Key::P256(30))
        .with(&[basic_constraints(true, Some(0)), key_usage(0x06)])
        .issued_by(&apple.root);
    let below = Template::new("Below", Key::P256(31))
        .with(&[basic_constraints(true, None), key_usage(0x06), subject_key(b"ca")])
        .issued_by(&narrow);
    let leaf = pki::developer_id(Key::P256(3)).issued_by(&below);
    assert_eq!(
        status(CmsSigner::new(&leaf), &apple.options()),
        Some(-2_147_408_887)
    );
    let leaf = Template::new("Leaf", Key::P256(3))
        .with(&[purposes(&[CODE_SIGNING])])
        .issued_by(&narrow);
    assert_eq!(status(CmsSigner::new(&leaf), &apple.options()), Some(0));
}

#[test]
fn kinds_come_from_markers_under_a_verified_chain() {
    let root = pki::root().self_signed();
    let mut anchors = Anchors::default();
    anchors.trust_as_apple(&root.der).unwrap();
    let trusting = Options { anchors, ..options() };
    use CertificateKind as Kind;
    for (authority, leaf, expected) in [
        ("6.2.6", "6.1.13", Kind::DeveloperIdApplication),
        ("6.2.6", "6.1.14", Kind::DeveloperIdInstaller),
        ("6.2.6", "6.1.18", Kind::DeveloperIdKext),
        ("6.2.1", "6.1.13", Kind::OtherApple),
        ("6.2.1", "6.1.2", Kind::Development),
        ("6.2.1", "6.1.12", Kind::Development),
        ("6.2.1", "6.1.7", Kind::Distribution),
        ("6.2.1", "6.1.8", Kind::DistributionInstaller),
        ("6.2.1", "6.1.4", Kind::IphoneDistribution),
        ("6.2.1", "6.1.9", Kind::MacAppStore),
        ("6.2.1", "6.1.25.1", Kind::TestFlight),
        ("6.2.17", "6.22", Kind::AppleSoftware),
        ("6.2.1", "6.99", Kind::OtherApple),
    ] {
        let id = |tail: &str| format!("1.2.840.113635.100.{tail}");
        let above = Template::new("Authority", Key::P256(2))
            .with(&[
                basic_constraints(true, None),
                key_usage(0x06),
                marker(&id(authority)),
            ])
            .issued_by(&root);
        let leaf = Template::new("Developer ID Application: Nobody", Key::P256(3))
            .with(&[purposes(&[CODE_SIGNING]), marker(&id(leaf))])
            .issued_by(&above);
        let signer = certified("x", CmsSigner::new(&leaf));
        let kind = |options: &Options| {
            let evidence = judged(&signer, options);
            slice(&evidence).identity.as_ref().unwrap().kind
        };
        assert_eq!(kind(&trusting), expected);
        assert_eq!(kind(&options()), Kind::NotApple);
    }
}
