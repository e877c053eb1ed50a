//! Specification 12.A: what SuperBlobs may look like. Each row with its verdict, the finding beside it, and a near miss
//! about which nobody says anything.

use sealcheck::finding::Severity;

use crate::support::cms::CmsSigner;
use crate::support::judge::{Judged, judge_bytes};
use crate::support::macho::{Thin, arm64};
use crate::support::pki::{self, Key};
use crate::support::signature::{Signer, adhoc, blob, certified, superblob};

type Components = Vec<(u32, Vec<u8>)>;

const EMBEDDED: u32 = 0xfade_0cc0;
const INVALID: i32 = -67045;
const FAILED: i32 = -67061;

fn thin() -> Thin {
    arm64(&[7; 9000])
}

fn usual(components: Components) -> Vec<u8> {
    superblob(EMBEDDED, &components)
}

fn with(signer: &Signer, assemble: impl Fn(Components) -> Vec<u8>) -> Judged {
    judge_bytes(&signer.assemble(&thin(), assemble))
}

fn adhoc_with(assemble: impl Fn(Components) -> Vec<u8>) -> Judged {
    with(&adhoc("tool"), assemble)
}

fn certificate() -> Signer {
    certified(
        "tool",
        CmsSigner::new(&pki::self_signed(Key::P256(3)).self_signed()),
    )
}

/// Index entry `number` of a SuperBlob: where its type and its offset stand.
fn entry(number: usize) -> (usize, usize) {
    (12 + 8 * number, 16 + 8 * number)
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn nothing_odd_about_a_usual_signature() {
    adhoc_with(usual).assert_clean();
    with(&certificate(), usual).assert_clean();
}

/// Rows 1 and 2.
#[test]
fn an_index_or_a_blob_that_does_not_fit() {
    for count in [1000, u32::MAX, 0x2000_0000] {
        let judged = adhoc_with(|components| {
            let mut bytes = usual(components);
            put(&mut bytes, 8, count);
            bytes
        });
        assert_eq!(judged.verdict(), (INVALID, None, Some("arm64")), "{count}");
        assert_eq!(judged.message(), "invalid or unsupported format for signature");
        assert_eq!(judged.rules(), ["superblob-malformed"]);
    }
    for offset in [4, 12, 20, u32::MAX, 32 << 10] {
        let judged = adhoc_with(|components| {
            let mut bytes = usual(components);
            put(&mut bytes, entry(1).1, offset);
            bytes
        });
        assert_eq!(judged.status(), INVALID, "{offset}");
    }
    let judged = adhoc_with(|components| {
        let mut bytes = usual(components);
        let at = word(&bytes, entry(1).1) as usize;
        put(&mut bytes, at + 4, 0x1000_0000);
        bytes
    });
    assert_eq!(judged.status(), INVALID);
}

/// Row 3.
#[test]
fn an_index_entry_without_blob() {
    let judged = adhoc_with(|mut components| {
        components.push((5, Vec::new()));
        let mut bytes = usual(components.clone());
        put(&mut bytes, entry(components.len() - 1).1, 0);
        bytes
    });
    judged.assert_tolerated("superblob-unusual", Severity::Warning);
    assert_eq!(
        judged.findings[0].message,
        "the index names CodeEntitlements without a component"
    );
    // The requirements are covered, so they are missing then.
    let judged = adhoc_with(|components| {
        let mut bytes = usual(components);
        put(&mut bytes, entry(1).1, 0);
        bytes
    });
    assert_eq!(judged.verdict(), (FAILED, None, Some("arm64")));
}

/// Row 4.
#[test]
fn two_entries_of_one_type() {
    let other = (2, blob(0xfade_0c01, &[0, 0, 0, 0, 9, 9, 9, 9]));
    let behind = adhoc_with(|mut components| {
        components.push(other.clone());
        usual(components)
    });
    behind.assert_tolerated("superblob-duplicate-slot", Severity::Error);
    let in_front = adhoc_with(|mut components| {
        components.insert(0, other.clone());
        usual(components)
    });
    assert_eq!(in_front.status(), FAILED);
    assert!(in_front.rules().contains(&"superblob-duplicate-slot"));
}

/// Row 5.
#[test]
fn blobs_that_overlap_or_leave_gaps() {
    let overlapping = adhoc_with(|mut components| {
        components.push((0x99, Vec::new()));
        let mut bytes = usual(components.clone());
        let shared = word(&bytes, entry(1).1);
        put(&mut bytes, entry(components.len() - 1).1, shared);
        bytes
    });
    overlapping.assert_tolerated("superblob-unusual", Severity::Warning);
    let apart = adhoc_with(|mut components| {
        // Room behind the requirements that no entry names.
        components[1].1.extend([0; 16]);
        usual(components)
    });
    apart.assert_tolerated("superblob-unusual", Severity::Warning);
    assert_eq!(
        apart.findings[0].message,
        "16 bytes between components belong to none"
    );
}

/// Row 7.
#[test]
fn bytes_behind_the_superblob() {
    let hidden = adhoc_with(|components| [usual(components), vec![0, 0, 1]].concat());
    // Such as the rest of a larger signature, which codesign leaves there when it signs again: it must not advise that.
    hidden.assert_tolerated("signature-residue", Severity::Note);
    assert!(!hidden.findings[0].remedy.to_string().contains("codesign -f"));
    adhoc_with(|components| [usual(components), vec![0; 300]].concat()).assert_clean();
}

/// Row 8, and native observation 8.5: bytes behind the last digest are part of the CodeDirectory.
#[test]
fn the_length_of_a_blob_is_its_own() {
    let longer = Signer {
        patch: Some(|directory| directory.extend([0; 500])),
        ..adhoc("tool")
    };
    with(&longer, usual).assert_clean();
    let judged = with(&certificate(), |mut components| {
        let length = components[0].1.len() as u32;
        put(&mut components[0].1, 4, length - 32);
        usual(components)
    });
    assert_eq!(judged.verdict(), (FAILED, None, Some("arm64")));
}

/// Row 9.
#[test]
fn entitlements_of_another_magic() {
    let mut signer = adhoc("tool");
    signer
        .special
        .insert(5, blob(0xfade_7171, b"<plist><dict/></plist>"));
    with(&signer, usual).assert_clean();
    signer
        .special
        .insert(5, blob(0xfade_7177, b"<plist><dict/></plist>"));
    let judged = with(&signer, usual);
    assert_eq!((judged.status(), judged.rules()), (0, vec!["slot-magic-wrong"]));
    assert_eq!(judged.severity("slot-magic-wrong"), Some(Severity::Error));
    assert_eq!(judged.evidence.code[0].slices[0].entitlements, None);
}

/// Row 10.
#[test]
fn a_cms_that_is_not_wrapped() {
    let bare = |mut components: Components| {
        let cms = components.last_mut().unwrap();
        cms.1 = blob(0xfade_0c01, &cms.1[8..]);
        usual(components)
    };
    assert_eq!(
        with(&certificate(), bare).verdict(),
        (INVALID, None, Some("arm64"))
    );
    // Nobody asks for it in ad-hoc code.
    assert_eq!(adhoc_with(bare).status(), 0);
}

/// Row 11.
#[test]
fn a_signature_beyond_the_slice() {
    let mut bytes = adhoc("tool").assemble(&thin(), usual);
    let limit = thin().code_limit() as u32;
    let command = [0x1d_u32, 16, limit].map(u32::to_le_bytes).concat();
    let at = crate::support::position(&bytes, &command);
    let beyond = bytes.len() as u32 + 16;
    bytes[at + 8..at + 12].copy_from_slice(&beyond.to_le_bytes());
    let judged = judge_bytes(&bytes);
    assert_eq!(judged.verdict(), (INVALID, None, Some("arm64")));
    assert!(judged.rules().contains(&"trailing-data-or-misplaced-signature"));
}

/// Row 12, uncertain: the specification says -67045. By Apple's source `SuperBlobCore::validateBlob` has no smallest length
/// for what is in it, so the blob fails where it is used: by its digest, as a CodeDirectory that is too short, or not at all.
#[test]
fn a_blob_shorter_than_its_header() {
    let cut = |index: usize, length: u32| {
        move |components: Components| {
            let mut bytes = usual(components);
            let at = word(&bytes, entry(index).1) as usize;
            put(&mut bytes, at + 4, length);
            bytes
        }
    };
    for length in [0, 4, 7] {
        // The CodeDirectory and the requirements, in whichever order they are asked for.
        for index in [0, 1] {
            let judged = adhoc_with(cut(index, length));
            assert_eq!(
                judged.verdict(),
                (FAILED, None, Some("arm64")),
                "{index} {length}"
            );
            let judged = with(&certificate(), cut(index, length));
            assert_eq!(judged.status(), FAILED, "{index} {length}");
        }
        // What is wrapped has to have the header of a wrapper.
        let judged = with(&certificate(), cut(2, length));
        assert_eq!(judged.verdict(), (INVALID, None, Some("arm64")), "{length}");
        // Nothing asks for the CMS of ad-hoc code, or for a component of a type that has no use.
        adhoc_with(cut(2, length)).assert_tolerated("superblob-unusual", Severity::Warning);
        let unknown = adhoc_with(|mut components| {
            components.push((0x99, blob(0, &[])));
            cut(3, length)(components)
        });
        unknown.assert_tolerated("superblob-unusual", Severity::Warning);
    }
}

/// Specification 1.3: a size of zero is no limit to Apple's reader.
#[test]
fn a_signature_of_no_size() {
    let mut bytes = adhoc("tool").assemble(&thin(), usual);
    let limit = thin().code_limit() as u32;
    let command = [0x1d_u32, 16, limit].map(u32::to_le_bytes).concat();
    let at = crate::support::position(&bytes, &command);
    bytes[at + 12..at + 16].fill(0);
    let judged = judge_bytes(&bytes);
    // The load command lies in a page.
    assert_eq!(judged.status(), FAILED);
    assert_eq!(judged.severity("signature-without-size"), Some(Severity::Error));
    // Signed so, nobody but us minds.
    let signer = adhoc("tool");
    let mut code = thin().build(Some(32 << 10));
    code[at + 12..at + 16].fill(0);
    let mut signature = signer.signature(&code, Default::default());
    signature.resize(32 << 10, 0);
    let judged = judge_bytes(&[code, signature].concat());
    assert_eq!(judged.status(), 0);
    assert!(judged.rules().contains(&"signature-without-size"));
}
