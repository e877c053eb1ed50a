//! Specification 12.B: what CodeDirectories may say. Each row with its verdict and finding, and a near miss.

use std::collections::BTreeMap;

use sealcheck::finding::Severity;
use sealcheck::requirement::Requirement;
use sealcheck::verify::{SignatureKind, every_slice_satisfies};

use crate::support::cms::{Agility, CmsSigner};
use crate::support::judge::{Judged, judge_bytes, judge_bytes_with, lenient};
use crate::support::macho::{Thin, arm64};
use crate::support::pki::{self, Key};
use crate::support::plist::{self, entries};
use crate::support::signature::{ADHOC, Bound, SHA1, SHA256, Signer, adhoc, blob, certified, superblob};

const FAILED: i32 = -67061;
const INVALID: i32 = -67045;
const UNSIGNED: i32 = -67062;
const UNSUPPORTED: i32 = -67059;

fn thin() -> Thin {
    arm64(&[7; 9000])
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn signed(signer: &Signer) -> Judged {
    judge_bytes(&signer.sign(&thin(), Bound::default()).0)
}

fn certificate() -> Signer {
    certified(
        "org.example.tool",
        CmsSigner::new(&pki::self_signed(Key::P256(3)).self_signed()),
    )
}

/// Ad-hoc code whose CodeDirectory is changed before it is signed.
fn patched(patch: fn(&mut Vec<u8>)) -> Judged {
    signed(&Signer {
        patch: Some(patch),
        ..adhoc("org.example.tool")
    })
}

/// The same with a certificate, so that there is a CMS to be asked for.
fn patched_and_certified(patch: fn(&mut Vec<u8>)) -> Judged {
    signed(&Signer {
        patch: Some(patch),
        ..certificate()
    })
}

/// Row 13, and specification 4.1: without a CMS, broken CodeDirectories make unsigned code.
#[test]
fn slots_outside_of_the_directory() {
    let patches: [fn(&mut Vec<u8>); 3] = [
        |directory| put(directory, 24, u32::MAX),
        |directory| put(directory, 16, 8),
        |directory| put(directory, 16, 0xffff_fff0),
    ];
    for patch in patches {
        let judged = patched_and_certified(patch);
        assert_eq!(judged.verdict(), (FAILED, None, Some("arm64")));
        assert_eq!(judged.rules(), ["superblob-malformed"]);
        let bare = Signer {
            cms: None,
            patch: Some(patch),
            ..adhoc("x")
        };
        assert_eq!(signed(&bare).verdict(), (UNSIGNED, None, Some("arm64")));
        // A CMS that cannot be read is complained about first.
        let garbage = Signer {
            cms: Some(vec![0x30, 0x80, 1]),
            patch: Some(patch),
            ..adhoc("x")
        };
        assert_eq!(signed(&garbage).status(), -25257);
    }
}

/// Row 14: what a certificate signed long ago says nothing about what was put beside it.
#[test]
fn an_alternate_that_the_certificate_does_not_cover() {
    let leaf = pki::self_signed(Key::P256(3)).self_signed();
    let with = |agility_1, agility_2, patch: Option<fn(&mut Vec<u8>)>| {
        signed(&Signer {
            hash_types: vec![SHA1, SHA256],
            patch,
            ..certified(
                "org.example.tool",
                CmsSigner {
                    agility_1,
                    agility_2,
                    ..CmsSigner::new(&leaf)
                },
            )
        })
    };
    with(Agility::Right, Agility::Right, None).assert_clean();
    with(Agility::Absent, Agility::Right, None).assert_clean();
    with(Agility::Absent, Agility::Absent, None)
        .assert_tolerated("alternate-directory-unsigned", Severity::Error);
    // Another identifier in the alternate only.
    let forge = |directory: &mut Vec<u8>| {
        if directory[37] == SHA256 {
            let at = word(directory, 20) as usize;
            directory[at..at + 11].copy_from_slice(b"com.forgery");
        }
    };
    let judged = with(Agility::Absent, Agility::Absent, Some(forge));
    assert_eq!(judged.status(), 0);
    let slice = &judged.evidence.code[0].slices[0];
    assert_eq!(slice.identifier.as_deref(), Some("com.forgery.tool"));
    assert_eq!(
        judged.severity("alternate-directory-unsigned"),
        Some(Severity::Error)
    );
    // One with the ad-hoc flag, and nobody looks at the certificate.
    let flag = |directory: &mut Vec<u8>| {
        if directory[37] == SHA256 {
            put(directory, 12, ADHOC);
        }
    };
    let judged = with(Agility::Absent, Agility::Absent, Some(flag));
    judged.assert_tolerated("adhoc-with-certificate", Severity::Warning);
    assert_eq!(judged.evidence.code[0].slices[0].signature, SignatureKind::Adhoc);
}

/// Row 15.
#[test]
fn two_directories_of_one_hash_type() {
    let twice = |signer: &Signer| {
        judge_bytes(&signer.assemble(&thin(), |mut components| {
            let again = components[0].1.clone();
            components.push((0x1000, again));
            superblob(0xfade_0cc0, &components)
        }))
    };
    let judged = twice(&adhoc("x"));
    assert_eq!(judged.verdict(), (INVALID, None, Some("arm64")));
    assert_eq!(judged.rules(), ["superblob-malformed"]);
    assert_eq!(twice(&certificate()).status(), INVALID);
    let bare = Signer {
        cms: None,
        ..adhoc("x")
    };
    assert_eq!(twice(&bare).status(), UNSIGNED);
}

/// Rows 16 and 17.
#[test]
fn alternates_taken_away_or_out_of_reach() {
    let signer = Signer {
        hash_types: vec![SHA1, SHA256],
        ..certificate()
    };
    let stripped = signer.assemble(&thin(), |mut components| {
        components.retain(|(slot, _)| *slot != 0x1000);
        superblob(0xfade_0cc0, &components)
    });
    let judged = judge_bytes(&stripped);
    assert_eq!(judged.verdict(), (FAILED, None, Some("arm64")));
    assert_eq!(judged.rules(), ["cms-cdhashes-mismatch"]);
    let signer = Signer {
        hash_types: vec![SHA1, SHA256],
        ..adhoc("x")
    };
    let moved = |slot: u32| {
        judge_bytes(&signer.assemble(&thin(), |mut components| {
            for component in &mut components {
                if component.0 == 0x1000 {
                    component.0 = slot;
                }
            }
            superblob(0xfade_0cc0, &components)
        }))
    };
    moved(0x1000).assert_clean();
    let judged = moved(0x1001);
    judged.assert_tolerated("superblob-unusual", Severity::Warning);
    assert_eq!(judged.evidence.code[0].slices[0].cdhashes.len(), 1);
}

/// Rows 18, 23 and 27: undefined on a Mac, or refused. Success would be wrong.
#[test]
fn fields_that_make_no_sense() {
    let patches: [fn(&mut Vec<u8>); 5] = [
        |directory| directory[36] = 20,
        |directory| directory[36] = 0,
        |directory| directory[39] = 32,
        |directory| directory[39] = 200,
        |directory| {
            let length = directory.len() as u32;
            put(directory, 20, length);
        },
    ];
    for (index, patch) in patches.into_iter().enumerate() {
        assert_eq!(patched_and_certified(patch).status(), FAILED, "{index}");
    }
    // An identifier without end: the bytes up to the end of the blob are digests without a zero.
    let judged = patched_and_certified(|directory| {
        let end = directory.len();
        directory.extend([0x41; 8]);
        put(directory, 20, end as u32);
    });
    assert_eq!(judged.status(), FAILED);
}

/// Row 19.
#[test]
fn code_behind_the_limit() {
    let patch = |directory: &mut Vec<u8>| {
        put(directory, 28, 1);
        put(directory, 32, 4096);
    };
    let signer = Signer {
        patch: Some(patch),
        ..adhoc("x")
    };
    let bytes = signer.sign(&thin(), Bound::default()).0;
    let judged = judge_bytes(&bytes);
    assert_eq!(judged.verdict(), (INVALID, None, None));
    assert_eq!(judged.rules(), ["trailing-data-or-misplaced-signature"]);
    let judged = judge_bytes_with(&bytes, &lenient());
    judged.assert_tolerated("trailing-data-or-misplaced-signature", Severity::Error);
}

/// Row 20.
#[test]
fn two_code_limits() {
    let wide = |directory: &mut Vec<u8>| {
        let limit = u64::from(word(directory, 32));
        directory[56..64].copy_from_slice(&limit.to_be_bytes());
    };
    patched(wide).assert_clean();
    let judged = patched(|directory| {
        let limit = u64::from(word(directory, 32));
        directory[56..64].copy_from_slice(&limit.to_be_bytes());
        put(directory, 32, 17);
    });
    judged.assert_tolerated("code-directory-unusual", Severity::Warning);
    // As in files of 4 GiB and more.
    patched(|directory| {
        let limit = u64::from(word(directory, 32));
        directory[56..64].copy_from_slice(&limit.to_be_bytes());
        put(directory, 32, 0);
    })
    .assert_clean();
}

/// Row 21.
#[test]
fn a_scatter_vector() {
    let judged = patched(|directory| {
        let at = directory.len() as u32;
        let mut record = vec![0; 48];
        record[3] = 1;
        directory.extend(record);
        put(directory, 44, at);
    });
    judged.assert_tolerated("code-directory-unusual", Severity::Warning);
    // Pages are read in their order all the same: a byte in the last one breaks it.
    let signer = Signer {
        patch: Some(|directory| {
            let at = directory.len() as u32;
            let mut record = vec![0; 48];
            record[3] = 1;
            directory.extend(record);
            put(directory, 44, at);
        }),
        ..adhoc("x")
    };
    let (mut bytes, _) = signer.sign(&thin(), Bound::default());
    bytes[thin().code_limit() - 1] ^= 1;
    assert_eq!(judge_bytes(&bytes).status(), FAILED);
}

/// Row 22.
#[test]
fn one_digest_for_a_large_file() {
    let signer = Signer {
        page_log2: 0,
        ..adhoc("x")
    };
    let large = arm64(&vec![7; 3 << 20]);
    let (mut bytes, _) = signer.sign(&large, Bound::default());
    judge_bytes(&bytes).assert_clean();
    bytes[2 << 20] ^= 1;
    assert_eq!(judge_bytes(&bytes).status(), FAILED);
}

/// Row 24.
#[test]
fn a_component_without_digest() {
    let xml = blob(0xfade_7171, b"<plist><dict><key>a</key><true/></dict></plist>");
    let constraint = entries! {
        "ccat" => 0,
        "comp" => 1,
        "reqs" => entries! { "signing-identifier" => "x" },
        "vers" => 1,
    };
    let constraint = blob(0xfade_8181, &plist::der(&constraint));
    let signer = Signer {
        special: BTreeMap::from([(5, xml), (8, constraint)]),
        patch: Some(|directory| {
            // Slot 5 lies five digests in front of the first page.
            let at = word(directory, 16) as usize - 5 * 32;
            directory[at..at + 32].fill(0);
        }),
        ..adhoc("x")
    };
    let judged = signed(&signer);
    judged.assert_tolerated("unbound-component", Severity::Warning);
    assert_eq!(judged.evidence.code[0].slices[0].entitlements, None);
    let bound = Signer {
        patch: None,
        ..signer
    };
    signed(&bound).assert_tolerated("der-entitlements-missing", Severity::Warning);
}

/// Row 25.
#[test]
fn a_digest_without_component() {
    let without = |signer: &Signer, slot: u32| {
        judge_bytes(&signer.assemble(&thin(), |mut components| {
            components.retain(|(found, _)| *found != slot);
            superblob(0xfade_0cc0, &components)
        }))
    };
    let judged = without(&adhoc("x"), 2);
    assert_eq!(judged.verdict(), (FAILED, None, Some("arm64")));
    assert_eq!(judged.rules(), ["special-slot-missing"]);
    // Info.plist has a status of its own.
    let info = Bound {
        info: Some(b"<plist><dict/></plist>"),
        ..Bound::default()
    };
    let judged = judge_bytes(&adhoc("x").sign(&thin(), info).0);
    assert_eq!(judged.verdict(), (-67030, None, Some("arm64")));
    assert_eq!(judged.rules(), ["info-plist-changed"]);
    // So has the seal; the executable of a bundle, taken out of it. No architecture is named.
    let seal = Bound {
        resources: Some(b"<plist><dict/></plist>"),
        ..Bound::default()
    };
    let judged = judge_bytes(&adhoc("x").sign(&thin(), seal).0);
    assert_eq!(judged.verdict(), (-67023, None, None));
    assert_eq!(judged.rules(), ["special-slot-missing"]);
}

/// Specification 6.6: a file by itself whose signature brings a seal along.
#[test]
fn a_seal_in_a_file_by_itself() {
    let seal = b"<plist><dict/></plist>";
    let signer = adhoc("x");
    let code = thin().build(Some(8192));
    let bound = Bound {
        resources: Some(seal),
        ..Bound::default()
    };
    let mut components = signer.components(&code, bound);
    components.push((3, blob(0xfade_0b01, seal)));
    let mut signature = superblob(0xfade_0cc0, &components);
    signature.resize(8192, 0);
    let judged = judge_bytes(&[code, signature].concat());
    assert_eq!(judged.verdict(), (-67056, None, None));
    assert_eq!(judged.rules(), ["seal-invalid"]);
}

/// Row 27: accepted where it ends.
#[test]
fn an_identifier_in_the_header() {
    let judged = patched(|directory| put(directory, 20, 41));
    judged.assert_tolerated("code-directory-text-in-header", Severity::Error);
    patched(|_| {}).assert_clean();
}

/// Row 28.
#[test]
fn adhoc_with_the_certificate_of_another() {
    let leaf = pki::self_signed(Key::P256(3)).self_signed();
    let cms = CmsSigner::new(&leaf).sign(b"another CodeDirectory", &[]);
    let signer = Signer {
        cms: Some(cms),
        ..adhoc("x")
    };
    let judged = signed(&signer);
    judged.assert_tolerated("adhoc-with-certificate", Severity::Warning);
    let slice = &judged.evidence.code[0].slices[0];
    assert_eq!(slice.signature, SignatureKind::Adhoc);
    assert!(slice.identity.is_none(), "nobody is named");
}

/// Row 29.
#[test]
fn versions_that_nobody_knows() {
    let patches: [fn(&mut Vec<u8>); 3] = [
        |directory| put(directory, 8, 0x30000),
        |directory| put(directory, 8, 0x2f001),
        |directory| put(directory, 8, 0x10000),
    ];
    for patch in patches {
        let judged = patched_and_certified(patch);
        assert_eq!(judged.verdict(), (UNSUPPORTED, None, Some("arm64")));
        assert_eq!(judged.message(), "unsupported type or version of signature");
    }
    let latest = Signer {
        version: 0x20500,
        patch: Some(|directory| put(directory, 8, 0x2f000)),
        ..adhoc("x")
    };
    assert_eq!(signed(&latest).status(), 0);
}

/// Row 30.
#[test]
fn a_platform_identifier() {
    let judged = patched(|directory| directory[38] = 13);
    judged.assert_tolerated("platform-identifier-third-party", Severity::Error);
    let satisfies = |text: &str| {
        let requirement = Requirement::from_text(text).unwrap();
        every_slice_satisfies(&judged.evidence.code[0], &requirement).unwrap()
    };
    assert_eq!(
        (satisfies("platform = 13"), satisfies("platform = 14")),
        (Some(true), Some(false))
    );
}

/// Row 32.
#[test]
fn a_forged_executable_segment() {
    let judged = patched(|directory| directory[72..80].copy_from_slice(&1u64.to_be_bytes()));
    judged.assert_tolerated("executable-segment-differs", Severity::Warning);
    // Nothing at all is what old signers write.
    patched(|directory| directory[64..88].fill(0)).assert_clean();
}

/// Specification 3.7 and 17.7.
#[test]
fn hash_types_that_nobody_knows() {
    let unknown: fn(&mut Vec<u8>) = |directory| directory[37] = 9;
    let judged = patched_and_certified(unknown);
    assert_eq!(judged.verdict(), (-67000, None, Some("arm64")));
    assert_eq!(
        judged.message(),
        "a requested signature digest algorithm is not supported"
    );
    let beside = Signer {
        hash_types: vec![SHA256, SHA1],
        patch: Some(|directory| {
            if directory[37] == SHA1 {
                directory[37] = 9;
            }
        }),
        ..adhoc("x")
    };
    let judged = signed(&beside);
    judged.assert_tolerated("unknown-hash-type", Severity::Error);
}

/// Row 45 has its verdict among the identities; its near miss is here.
#[test]
fn a_team_that_nobody_vouches_for() {
    let team = Signer {
        team: Some("ABCDE12345".into()),
        ..certificate()
    };
    signed(&team).assert_tolerated("team-identifier-unchecked", Severity::Warning);
    signed(&certificate()).assert_clean();
    // Without a certificate nobody claims more than ad-hoc code may.
    let adhoc = Signer {
        team: Some("ABCDE12345".into()),
        ..adhoc("x")
    };
    signed(&adhoc).assert_clean();
}

/// Specification 1.6: a sealed list of the signature's components must be right.
#[test]
fn a_list_of_components() {
    let with = |list: &[u32], hash_types: &[u8]| {
        let list: Vec<u8> = list.iter().flat_map(|slot| slot.to_be_bytes()).collect();
        let mut signer = Signer {
            hash_types: hash_types.to_vec(),
            ..adhoc("org.example.tool")
        };
        signer.special.insert(4, list);
        judge_bytes(&signer.assemble(&thin(), |components| {
            // It lies in a wrapper; its digest is that of what is in it.
            let wrapped = components.into_iter().map(|(slot, bytes)| match slot {
                4 => (4, blob(0xfade_0b01, &bytes)),
                _ => (slot, bytes),
            });
            superblob(0xfade_0cc0, &wrapped.collect::<Vec<_>>())
        }))
    };
    with(&[0, 2, 4, 0x10000], &[SHA256]).assert_clean();
    with(&[0, 2, 4, 0x1000, 0x10000], &[SHA1, SHA256]).assert_clean();
    for wrong in [
        &[][..],
        &[0, 2, 4],
        &[2, 4, 0x10000],
        &[0, 2, 4, 5, 0x10000],
        &[0, 4, 2, 0x10000],
        &[0, 2, 4, 0x1000, 0x10000],
    ] {
        let judged = with(wrong, &[SHA256]);
        assert_eq!(judged.verdict(), (FAILED, None, Some("arm64")), "{wrong:?}");
        assert_eq!(judged.rules(), ["special-slot-missing"], "{wrong:?}");
    }
}
