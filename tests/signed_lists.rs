//! Which attributes of a certificate signature count, and with which number they fail: Apple's `cmsattr.c` and
//! `cmssiginfo.c`, and `SecStaticCode::verifySignature`.

use sealcheck::finding::Severity;
use sealcheck::requirement::Requirement;
use sealcheck::time::UnixTime;
use sealcheck::verify::{Evidence, every_slice_satisfies};

use crate::identity::{Apple, apple};
use crate::support::cms::{Agility, Authority, CmsSigner, attribute, plain_data};
use crate::support::der::{integer, octets, oid, sequence, tlv};
use crate::support::judge::{Judged, judge_bytes, judge_bytes_with};
use crate::support::macho::{arm64, universal};
use crate::support::pki::{self, Hash, Issued, Key};
use crate::support::position;
use crate::support::signature::{Bound, SHA1, SHA256, SHA256_TRUNCATED, SHA384, Signer, adhoc, certified};

const FAILED: i32 = -67061;
const UNSUPPORTED: i32 = -67059;
const DECODE: i32 = -26275;
const UNKNOWN_FORMAT: i32 = -25257;

const AGILITY_1: &str = "1.2.840.113635.100.9.1";
const AGILITY_2: &str = "1.2.840.113635.100.9.2";

fn leaf() -> Issued {
    pki::self_signed(Key::P256(3)).self_signed()
}

fn judged(signer: &Signer) -> Judged {
    judge_bytes(&signer.sign(&arm64(&[7; 5000]), Bound::default()).0)
}

/// Code with CodeDirectories of these hash types, signed so.
fn signed(hash_types: &[u8], cms: CmsSigner) -> Judged {
    judged(&Signer {
        hash_types: hash_types.to_vec(),
        ..certified("tool", cms)
    })
}

/// One value of the second list.
fn agile(digest_of: &str, digest: &[u8]) -> Vec<u8> {
    sequence(&[oid(digest_of), octets(digest)])
}

/// Makes the CodeDirectory with SHA-1 one of a hash type that macOS does not know.
const FORGET_SHA1: fn(&mut Vec<u8>) = |directory| {
    if directory[37] == SHA1 {
        directory[37] = 9;
    }
};

/// With a first list there, `SecStaticCode::cdHashes` computes the hash of every CodeDirectory, and `hashFor` throws for an
/// unknown type, whatever the list says. The second list leaves such CodeDirectories out.
#[test]
fn a_list_beside_a_directory_of_unknown_hash_type() {
    let with = |hash_types: &[u8], agility_1, agility_2| {
        judged(&Signer {
            hash_types: hash_types.to_vec(),
            patch: Some(FORGET_SHA1),
            ..certified(
                "tool",
                CmsSigner {
                    agility_1,
                    agility_2,
                    ..CmsSigner::new(&leaf())
                },
            )
        })
    };
    for hash_types in [&[SHA256, SHA1][..], &[SHA1, SHA256], &[SHA256, SHA384, SHA1]] {
        for first in [Agility::Right, Agility::Wrong, Agility::Short] {
            for second in [Agility::Absent, Agility::Right, Agility::Wrong] {
                let judged = with(hash_types, first, second);
                assert_eq!(judged.verdict(), (UNSUPPORTED, None, Some("arm64")));
                assert_eq!(judged.message(), "unsupported type or version of signature");
                assert!(judged.rules().contains(&"cms-cdhashes-mismatch"));
            }
        }
        let judged = with(hash_types, Agility::Absent, Agility::Right);
        judged.assert_tolerated("unknown-hash-type", Severity::Error);
    }
}

/// `CMSAddAgileHashToDictionary` fails, or the dictionary has fewer entries than the attribute has values: errSecDecode.
#[test]
fn a_second_list_that_cannot_be_decoded() {
    let with = |values: &[Vec<u8>]| {
        let cms = CmsSigner {
            agility_1: Agility::Absent,
            agility_2: Agility::Absent,
            signed: vec![attribute(AGILITY_2, values)],
            ..CmsSigner::new(&leaf())
        };
        signed(&[SHA256], cms)
    };
    let (sha1, sha256) = (Hash::Sha1.oid(), Hash::Sha256.oid());
    let good = || agile(sha256, &[1; 32]);
    for (what, values) in [
        ("the same twice", vec![good(), good()]),
        ("one digest, two values", vec![good(), agile(sha256, &[2; 32])]),
        ("twice beside others", vec![agile(sha1, &[1; 20]), good(), good()]),
        ("no sequence", vec![octets(b"no sequence")]),
        ("an empty sequence", vec![sequence(&[])]),
        ("no digest", vec![sequence(&[oid(sha256)])]),
        ("a number as digest", vec![sequence(&[oid(sha256), integer(1)])]),
        ("no identifier", vec![sequence(&[octets(b"x"), octets(b"x")])]),
        (
            "something after the digest",
            vec![sequence(&[oid(sha256), octets(&[1; 32]), integer(1)])],
        ),
        ("a good one and a broken one", vec![good(), text()]),
        (
            "two algorithms that Apple's table does not know",
            vec![agile("1.2.3.4", &[1; 32]), agile("1.2.3.5", &[1; 32])],
        ),
    ] {
        let judged = with(&values);
        assert_eq!(judged.verdict(), (DECODE, None, Some("arm64")), "{what}");
        assert!(judged.rules().contains(&"cms-cdhashes-mismatch"), "{what}");
    }
    // Decoded, but not the list of this code; so is a list without values.
    for (what, values) in [
        ("another digest", vec![good()]),
        ("too many", vec![good(), agile(sha1, &[1; 20])]),
        ("another algorithm", vec![agile("1.2.3.4", &[1; 32])]),
        ("none", vec![]),
    ] {
        assert_eq!(with(&values).status(), FAILED, "{what}");
    }
    // SHA-256 whole and cut have one identifier: with both there are two values under it.
    let both = CmsSigner {
        agility_1: Agility::Absent,
        ..CmsSigner::new(&leaf())
    };
    assert_eq!(signed(&[SHA256, SHA256_TRUNCATED], both).status(), DECODE);
    // The first list is compared before that.
    let first = CmsSigner {
        agility_1: Agility::Wrong,
        agility_2: Agility::Malformed,
        ..CmsSigner::new(&leaf())
    };
    assert_eq!(signed(&[SHA256], first).status(), FAILED);
}

/// A value of the second list that is a text.
fn text() -> Vec<u8> {
    tlv(0x13, b"printable")
}

/// `SecCmsAttributeArrayFindAttrByOidTag` does not find an attribute whose type occurs twice, and `SecCmsAttributeGetValue`
/// finds no value where there are several or an empty one. The list counts as absent then.
#[test]
fn lists_that_occur_twice_count_as_absent() {
    let with = |agility_1, agility_2, extra: Vec<Vec<u8>>| {
        let cms = CmsSigner {
            agility_1,
            agility_2,
            signed: extra,
            ..CmsSigner::new(&leaf())
        };
        signed(&[SHA256], cms)
    };
    let (absent, right) = (Agility::Absent, Agility::Right);
    let one = |text: &str| attribute(AGILITY_1, &[octets(text.as_bytes())]);
    let two = || attribute(AGILITY_2, &[agile(Hash::Sha256.oid(), &[1; 32])]);
    for (what, judged) in [
        ("the first twice", with(right, right, vec![one("other")])),
        (
            "the first twice, both wrong",
            with(Agility::Wrong, absent, vec![one("other")]),
        ),
        ("the second twice", with(right, right, vec![two()])),
        (
            "the second twice, one of them broken",
            with(absent, right, vec![attribute(AGILITY_2, &[octets(b"x")])]),
        ),
        (
            "the first with two values",
            with(
                absent,
                right,
                vec![attribute(AGILITY_1, &[octets(b"a"), octets(b"b")])],
            ),
        ),
        (
            "the first without a value",
            with(absent, right, vec![attribute(AGILITY_1, &[])]),
        ),
        ("the first empty", with(absent, right, vec![one("")])),
    ] {
        assert_eq!(judged.status(), 0, "{what}: {:?}", judged.findings);
    }
    // Without a list that counts, nothing vouches for an alternate.
    let cms = CmsSigner {
        signed: vec![one("other"), two()],
        ..CmsSigner::new(&leaf())
    };
    let judged = signed(&[SHA1, SHA256], cms);
    assert_eq!(judged.status(), 0);
    assert!(judged.rules().contains(&"alternate-directory-unsigned"));
    // The same function reads the digest of the content and the time. The former is demanded, the latter is not.
    let digest = attribute("1.2.840.113549.1.9.4", &[octets(&[1; 32])]);
    assert_eq!(with(right, right, vec![digest]).status(), FAILED);
    let time = attribute("1.2.840.113549.1.9.5", &[tlv(0x17, b"200101000000Z")]);
    let judged = with(right, right, vec![time]);
    assert_eq!(judged.status(), 0);
    let identity = judged.evidence.code[0].slices[0].identity.as_ref().unwrap();
    assert_eq!(identity.signing_time, None);
}

/// `cms_attr_choose_attr_value_template` fixes the type of three attributes, so that another one cannot be decoded at all.
#[test]
fn attributes_of_a_wrong_type_cannot_be_decoded() {
    let with = |extra: Vec<u8>| {
        let cms = CmsSigner {
            agility_1: Agility::Absent,
            signed: vec![extra],
            ..CmsSigner::new(&leaf())
        };
        signed(&[SHA256], cms)
    };
    for (what, id) in [
        ("a list", AGILITY_1),
        ("a content type", "1.2.840.113549.1.9.3"),
        ("a digest", "1.2.840.113549.1.9.4"),
    ] {
        let judged = with(attribute(id, &[integer(1)]));
        assert_eq!(judged.verdict(), (UNKNOWN_FORMAT, None, Some("arm64")), "{what}");
    }
    // Any other attribute may hold anything.
    assert_eq!(with(attribute("1.2.3.4", &[integer(1)])).status(), 0);
}

fn judged_by(apple: &Apple, signer: &Signer) -> Judged {
    let (bytes, _) = signer.sign(&arm64(&[7; 5000]), Bound::default());
    judge_bytes_with(&bytes, &apple.options())
}

/// `SecCmsSignerInfoVerifyUnAuthAttrsWithPolicy` takes `values[0]` of the only timestamp attribute, in the order on the wire.
#[test]
fn the_first_of_several_timestamps_counts() {
    let apple = apple();
    let stamps = Authority::new(&pki::timestamp_authority().issued_by(&apple.root));
    let with = |token_values| {
        let cms = CmsSigner {
            timestamp: Some(stamps.clone()),
            token_values,
            ..CmsSigner::new(&apple.leaf)
        };
        judged_by(&apple, &certified("tool", cms))
    };
    let timestamp = |judged: &Judged| {
        let identity = judged.evidence.code[0].slices[0].identity.as_ref().unwrap();
        identity.timestamp.as_ref().map(|found| found.time)
    };
    let time = UnixTime::from_rfc3339("2026-06-01T12:01:00Z");
    type Values = fn(Vec<u8>) -> Vec<Vec<u8>>;
    let good: [Values; 4] = [
        |token| vec![token],
        |token| vec![token.clone(), token],
        |token| vec![token, octets(b"no token")],
        |token| vec![token, integer(1), integer(2)],
    ];
    for values in good {
        let judged = with(values);
        assert_eq!((judged.status(), timestamp(&judged)), (0, time));
    }
    let bad: [Values; 3] = [
        |token| vec![octets(b"no token"), token],
        |_| vec![octets(b"no token")],
        |_| vec![],
    ];
    for values in bad {
        let judged = with(values);
        assert_eq!((judged.status(), timestamp(&judged)), (FAILED, None));
    }
}

/// A team identifier in the CodeDirectory that is not UTF-8 makes no CFString: errSecCSInvalidTeamIdentifier, before it is
/// compared with the certificate.
#[test]
fn a_team_that_is_not_utf8() {
    let apple = apple();
    let with = |leaf: &Issued, patch: Option<fn(&mut Vec<u8>)>| {
        judged_by(
            &apple,
            &Signer {
                team: Some("ABCDE12345".into()),
                patch,
                ..certified("tool", CmsSigner::new(leaf))
            },
        )
    };
    let spoil: fn(&mut Vec<u8>) = |directory| {
        let at = position(directory, b"ABCDE12345");
        directory[at + 3] = 0xff;
    };
    // The first byte of a character of two, and no second.
    let cut: fn(&mut Vec<u8>) = |directory| {
        let at = position(directory, b"ABCDE12345");
        directory[at + 9] = 0xc3;
    };
    assert_eq!(with(&apple.leaf, None).status(), 0);
    for patch in [spoil, cut] {
        let judged = with(&apple.leaf, Some(patch));
        assert_eq!(judged.verdict(), (-66998, None, Some("arm64")));
        assert!(judged.rules().contains(&"team-id-vs-certificate"));
        // Nothing compares the team of a certificate that is not Apple's.
        assert_eq!(with(&leaf(), Some(patch)).status(), 0);
    }
    // Another team that is text has the other number.
    let other: fn(&mut Vec<u8>) = |directory| {
        let at = position(directory, b"ABCDE12345");
        directory[at + 3] = b'X';
    };
    assert_eq!(with(&apple.leaf, Some(other)).status(), -66997);
    // A certificate with a unit that is no text has no units at all (`SecCertificateCopyOrganizationalUnit`).
    let mut template = pki::developer_id(Key::P256(3));
    template.subject.push((pki::UNIT, "\0octets".into()));
    let untold = template.issued_by(&apple.authority);
    for patch in [None, Some(spoil), Some(other)] {
        assert_eq!(with(&untold, patch).status(), 0);
    }
}

/// `handleOtherArchitectures` compares the teams of slices by their bytes (`strcmp`), and requirements compare the bytes of
/// the identifier: two texts that cannot be shown are not the same text.
#[test]
fn bytes_that_are_not_utf8_are_compared_as_bytes() {
    let slice = |thin: crate::support::macho::Thin, last: fn(&mut Vec<u8>)| {
        let signer = Signer {
            team: Some("ABCDE12345".into()),
            patch: Some(last),
            ..adhoc("tool")
        };
        let (bytes, _) = signer.sign(&thin, Bound::default());
        (thin, bytes)
    };
    let ff: fn(&mut Vec<u8>) = |directory| {
        let at = position(directory, b"ABCDE12345");
        directory[at + 9] = 0xff;
    };
    let fe: fn(&mut Vec<u8>) = |directory| {
        let at = position(directory, b"ABCDE12345");
        directory[at + 9] = 0xfe;
    };
    let both = |one, other| {
        let (first, second) = (
            slice(crate::support::macho::x86_64(&[1; 100]), one),
            slice(arm64(&[1; 100]), other),
        );
        judge_bytes(&universal(&[(&first.0, first.1), (&second.0, second.1)]))
    };
    assert_eq!(both(ff, ff).status(), 0);
    assert_eq!(both(ff, fe).status(), -67045);

    let signer = Signer {
        patch: Some(|directory| {
            let at = position(directory, b"tool");
            directory[at + 3] = 0xff;
        }),
        ..adhoc("tool")
    };
    let evidence: Evidence = judged(&signer).evidence;
    let satisfies = |identifier: &[u8]| {
        let mut expression = 2u32.to_be_bytes().to_vec();
        expression.extend((identifier.len() as u32).to_be_bytes());
        expression.extend(identifier);
        expression.resize(expression.len().next_multiple_of(4), 0);
        let payload = [&1u32.to_be_bytes()[..], &expression].concat();
        let blob = crate::support::signature::blob(0xfade_0c00, &payload);
        let requirement = Requirement::from_blob(&blob).unwrap();
        every_slice_satisfies(&evidence.code[0], &requirement).unwrap()
    };
    assert_eq!(satisfies(b"too\xff"), Some(true));
    assert_eq!(satisfies("too\u{fffd}".as_bytes()), Some(false));
}

/// Uncertain: a CMS of type `data`. By Apple's source `SecCmsDecoderUpdate` reads it, there is no SignedData in it, and
/// `CMSDecoderCopySignerStatus` calls it unsigned: errSecCSSignatureFailed. Other types cannot be decoded.
#[test]
fn a_cms_without_signed_data() {
    let with = |cms: Vec<u8>| Signer {
        flags: 0,
        cms: Some(cms),
        ..adhoc("tool")
    };
    for content in [octets(b"x"), octets(b""), tlv(0x24, &octets(b"x"))] {
        let judged = judged(&with(plain_data(&content)));
        assert_eq!(judged.verdict(), (FAILED, None, Some("arm64")));
        assert!(judged.rules().contains(&"cms-signature-invalid"));
    }
    let bare = sequence(&[oid("1.2.840.113549.1.7.1")]);
    assert_eq!(judged(&with(bare)).status(), FAILED);
    let number = plain_data(&integer(1));
    assert_eq!(judged(&with(number)).status(), UNKNOWN_FORMAT);
    let enveloped = sequence(&[oid("1.2.840.113549.1.7.3"), tlv(0xa0, &octets(b"x"))]);
    assert_eq!(judged(&with(enveloped)).status(), UNKNOWN_FORMAT);
    // It can be decoded, so a broken CodeDirectory has its own number beside it.
    let broken = Signer {
        patch: Some(|directory| directory[8..12].copy_from_slice(&0x30000u32.to_be_bytes())),
        ..with(plain_data(&octets(b"x")))
    };
    assert_eq!(judged(&broken).status(), UNSUPPORTED);
}
