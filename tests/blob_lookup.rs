//! How Apple's code looks up blobs. `SuperBlobCore::find` (`superblob.h`) stops at the first index entry of a type: an entry
//! with offset 0 has no blob, and a later entry of the same type does not take its place, in a signature, in a set of
//! requirements, and in a detached signature. `loadCodeDirectories` (`StaticCode.cpp`) checks each CodeDirectory as a blob.

use std::fs;

use sealcheck::finding::Severity;
use sealcheck::requirement::{RequirementSet, RequirementType};
use sealcheck::verify::{Options, RequirementFault};

use crate::support::cms::CmsSigner;
use crate::support::codesign::codesign;
use crate::support::judge::{Judged, judge_bytes, judge_with};
use crate::support::macho::{Thin, arm64};
use crate::support::pki::{self, Key};
use crate::support::plist::{self, entries};
use crate::support::signature::{Bound, SHA1, SHA256, Signer, adhoc, blob, certified, superblob};

type Components = Vec<(u32, Vec<u8>)>;

const EMBEDDED: u32 = 0xfade_0cc0;
const UNSIGNED: i32 = -67062;
const FAILED: i32 = -67061;

fn thin() -> Thin {
    arm64(&[7; 9000])
}

fn certificate() -> Signer {
    certified(
        "tool",
        CmsSigner::new(&pki::self_signed(Key::P256(3)).self_signed()),
    )
}

/// The SuperBlob of these components, with an entry for `slot` that has no blob before those that have one.
fn hidden(magic: u32, slot: u32, mut components: Components) -> Vec<u8> {
    components.insert(0, (slot, Vec::new()));
    let mut bytes = superblob(magic, &components);
    bytes[16..20].fill(0);
    bytes
}

/// Code whose index has such an entry for `slot`.
fn hiding(signer: &Signer, slot: u32) -> Judged {
    let judged = judge_bytes(&signer.assemble(&thin(), |components| hidden(EMBEDDED, slot, components)));
    assert_eq!(
        judged.severity("superblob-duplicate-slot"),
        Some(Severity::Error),
        "{slot:#x}"
    );
    assert!(judged.rules().contains(&"superblob-unusual"), "{slot:#x}");
    judged
}

/// Two entries for the CMS, the first with offset 0: `SecStaticCode::signature` finds none.
#[test]
fn a_cms_after_an_entry_without_blob() {
    let judged = hiding(&certificate(), 0x10000);
    assert_eq!(judged.verdict(), (UNSIGNED, None, Some("arm64")));
    // Nothing asks for the CMS of ad-hoc code.
    assert_eq!(hiding(&adhoc("tool"), 0x10000).status(), 0);
}

/// Every other type that validation looks up: CodeDirectories, and the components of special slots.
#[test]
fn every_component_after_an_entry_without_blob() {
    assert_eq!(
        hiding(&adhoc("tool"), 0).verdict(),
        (UNSIGNED, None, Some("arm64"))
    );
    assert_eq!(hiding(&certificate(), 0).status(), UNSIGNED);
    let mut signer = adhoc("tool");
    signer.entitlements = Some(entries! { "a" => true });
    let constraint = blob(0xfade_8181, &plist::der(&entries! { "a" => true }));
    for slot in 8..=11 {
        signer.special.insert(slot, constraint.clone());
    }
    for slot in [2, 5, 7, 8, 9, 10, 11] {
        let judged = hiding(&signer, slot);
        assert_eq!(judged.verdict(), (FAILED, None, Some("arm64")), "slot {slot}");
        assert!(judged.rules().contains(&"special-slot-missing"), "slot {slot}");
    }
}

/// `loadCodeDirectories` ends at an alternate that has no blob. What is left does not fit the signed list.
#[test]
fn an_alternate_after_an_entry_without_blob() {
    let two = Signer {
        hash_types: vec![SHA1, SHA256],
        ..certificate()
    };
    assert_eq!(hiding(&two, 0x1000).status(), FAILED);
    let two = Signer {
        hash_types: vec![SHA1, SHA256],
        ..adhoc("tool")
    };
    let judged = hiding(&two, 0x1000);
    assert_eq!(judged.status(), 0);
    let slice = &judged.evidence.code[0].slices[0];
    assert_eq!(slice.cdhashes.len(), 1, "the alternate is not loaded");
}

/// A ticket after an entry without blob is not there.
#[test]
fn a_ticket_after_an_entry_without_blob() {
    let mut signer = adhoc("tool");
    signer.unbound.insert(0x10002, blob(0xfade_0b01, b"ticket"));
    let found = judge_bytes(&signer.sign(&thin(), Bound::default()).0);
    let ticket = |judged: &Judged| judged.evidence.code[0].slices[0].ticket.clone();
    assert_eq!(ticket(&found), Some(Ok(b"ticket".to_vec())));
    assert_eq!(ticket(&hiding(&signer, 0x10002)), None);
}

/// `internalRequirement(kSecDesignatedRequirementType)` finds nothing, so the default requirement is the designated one;
/// of two designated requirements the first counts.
#[test]
fn two_designated_requirements() {
    let designated = RequirementType::DESIGNATED;
    let one = |text: &str| {
        let set = RequirementSet::from_text(&format!("designated => {text}")).unwrap();
        set.find(designated).unwrap().clone().unwrap()
    };
    let (always, never) = (one("always"), one("never"));
    let blobs = |first, second| superblob(0xfade_0c01, &[(3, first), (3, second)]);
    let set = |bytes: &[u8]| RequirementSet::from_blob(bytes).unwrap();
    let first = set(&blobs(never.to_blob(), always.to_blob()));
    assert_eq!(first.find(designated), Some(&Ok(never.clone())));
    let hidden_one = hidden(0xfade_0c01, 3, vec![(3, never.to_blob())]);
    assert_eq!(set(&hidden_one).find(designated), None);
    assert_eq!((set(&hidden_one).count(), set(&hidden_one).entries.len()), (2, 1));
    // A type that is hidden hides no other; an entry without blob hides nothing that is before it.
    let other = hidden(0xfade_0c01, 4, vec![(3, never.to_blob())]);
    assert_eq!(set(&other).find(designated), Some(&Ok(never.clone())));
    let mut later = blobs(never.to_blob(), always.to_blob());
    later[24..28].fill(0);
    assert_eq!(set(&later).find(designated), Some(&Ok(never)));

    let code = |set: Vec<u8>| {
        let mut signer = adhoc("tool");
        signer.special.insert(2, set);
        judge_bytes(&signer.sign(&thin(), Bound::default()).0)
    };
    let satisfied = |judged: &Judged| judged.evidence.codesign.satisfies_designated_requirement();
    let never = one("never").to_blob();
    assert_eq!(
        satisfied(&code(blobs(never.clone(), always.to_blob()))),
        Some(false)
    );
    let judged = code(hidden_one);
    assert_eq!(satisfied(&judged), Some(true));
    let default = judged.evidence.code[0].slices[0].designated.as_ref().unwrap();
    assert!(!default.is_explicit);
    // A requirement of a kind that macOS does not evaluate is not replaced by the default one.
    let mut unknown = never;
    unknown[8..12].copy_from_slice(&7u32.to_be_bytes());
    let judged = code(blobs(unknown, always.to_blob()));
    assert_eq!((judged.status(), satisfied(&judged)), (0, Some(false)));
    let designated = judged.evidence.code[0].slices[0].designated.as_ref().unwrap();
    assert!(matches!(
        designated.is_satisfied,
        Err(RequirementFault::Requirement(_))
    ));
}

/// `DetachedRep` looks up the signature of an architecture, and the part for all of them, by the same function.
#[test]
fn a_detached_signature_after_an_entry_without_blob() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    let code = thin().build(None);
    fs::write(&path, &code).unwrap();
    let own = adhoc("tool").signature(&code, Bound::default());
    let common = superblob(EMBEDDED, &[]);
    let detached = |bytes: Vec<u8>| {
        let options = Options {
            detached: Some(bytes.into()),
            ..Options::default()
        };
        judge_with(&path, &options)
    };
    const ARM64: u32 = 0x0100_000c;
    let parts = vec![(ARM64, own), (0, common)];
    assert_eq!(detached(superblob(0xfade_0cc1, &parts)).status(), 0);
    for slot in [ARM64, 0] {
        let judged = detached(hidden(0xfade_0cc1, slot, parts.clone()));
        assert_eq!(judged.status(), -67045, "{slot:#x}");
    }
}

/// `codesign` says the same in all its words.
#[test]
fn codesign_calls_it_unsigned() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = certificate().assemble(&thin(), |components| hidden(EMBEDDED, 0x10000, components));
    fs::write(folder.path().join("input"), bytes).unwrap();
    let said = codesign(folder.path(), "verify", &["input"]);
    assert_eq!(said.status, 1);
    assert_eq!(
        said.error,
        [
            "input: code object is not signed at all",
            "In architecture: arm64"
        ]
    );
}

/// `loadCodeDirectories` calls `validateBlob` before `checkIntegrity`: a CodeDirectory that is too short, too long or
/// something else is errSecCSSignatureFailed, in slot 0 and as an alternate.
#[test]
fn a_directory_that_is_not_one() {
    type Change = fn(&mut Vec<u8>);
    let changes: [(&str, Change); 4] = [
        ("95 bytes", |directory| {
            directory.truncate(95);
            directory[4..8].copy_from_slice(&95u32.to_be_bytes());
        }),
        ("a header", |directory| {
            directory.truncate(8);
            directory[4..8].copy_from_slice(&8u32.to_be_bytes());
        }),
        ("another magic", |directory| {
            directory[..4].copy_from_slice(&0xfade_0c01u32.to_be_bytes());
        }),
        ("a wrapper", |directory| {
            directory[..4].copy_from_slice(&0xfade_0b01u32.to_be_bytes());
        }),
    ];
    let signer = |flags: u32| Signer {
        hash_types: vec![SHA1, SHA256],
        flags,
        ..match flags {
            0 => certificate(),
            _ => adhoc("tool"),
        }
    };
    for (what, change) in changes {
        for slot in [0, 0x1000] {
            for flags in [0, 2] {
                let bytes = signer(flags).assemble(&thin(), |mut components| {
                    let found = components.iter_mut().find(|(found, _)| *found == slot);
                    change(&mut found.unwrap().1);
                    superblob(EMBEDDED, &components)
                });
                let judged = judge_bytes(&bytes);
                assert_eq!(
                    judged.verdict(),
                    (FAILED, None, Some("arm64")),
                    "{what} in {slot:#x}"
                );
                assert!(judged.rules().contains(&"superblob-malformed"));
            }
        }
    }
    // Without a CMS it is unsigned, as before.
    let bare = Signer {
        cms: None,
        ..adhoc("tool")
    };
    let bytes = bare.assemble(&thin(), |mut components| {
        changes[0].1(&mut components[0].1);
        superblob(EMBEDDED, &components)
    });
    assert_eq!(judge_bytes(&bytes).status(), -67062);
}
