//! Specification 12.D: what Mach-O files and universal files may look like.

use sealcheck::finding::Severity;
use sealcheck::verify::{CodesignFlags, Options};

use crate::support::cms::CmsSigner;
use crate::support::judge::{judge_bytes, judge_bytes_with, lenient};
use crate::support::macho::{DYLIB, Thin, arm64, i386, powerpc, universal, x86_64};
use crate::support::pki::{self, Key};
use crate::support::signature::{Bound, Signer, adhoc, certified};

const UNSIGNED: i32 = -67062;
const FAILED: i32 = -67061;
const INVALID: i32 = -67045;
const LAYOUT: i32 = -67010;
const INTERNAL: i32 = -2070;

fn both() -> [Thin; 2] {
    [x86_64(&[1; 9000]), arm64(&[2; 9000])]
}

fn sign(signer: &Signer, thin: &Thin) -> Vec<u8> {
    signer.sign(thin, Bound::default()).0
}

/// Two slices of one signer.
fn good() -> Vec<u8> {
    let [one, other] = both();
    let signer = adhoc("tool");
    universal(&[(&one, sign(&signer, &one)), (&other, sign(&signer, &other))])
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

fn only(architecture: &str) -> Options {
    Options {
        flags: CodesignFlags {
            architecture: Some(architecture.to_owned()),
            ..CodesignFlags::default()
        },
        ..Options::default()
    }
}

/// Row 51: a slice of somebody respectable in front of one of somebody else.
#[test]
fn slices_of_different_signers() {
    judge_bytes(&good()).assert_clean();
    let leaf = pki::self_signed(Key::P256(3)).self_signed();
    let respectable = Signer {
        team: Some("ABCDE12345".into()),
        ..certified("tool", CmsSigner::new(&leaf))
    };
    for front in [i386(&[1; 9000]), powerpc(&[1; 9000]), x86_64(&[1; 9000])] {
        let evil = arm64(&[2; 9000]);
        let join = |bytes: Vec<u8>| {
            judge_bytes(&universal(&[
                (&front, sign(&respectable, &front)),
                (&evil, bytes),
            ]))
        };
        // Unsigned: it is the primary slice, so its architecture is named.
        let judged = join(evil.build(None));
        assert_eq!(judged.verdict(), (UNSIGNED, None, Some("arm64")));
        let judged = join(sign(&adhoc("tool"), &evil));
        let other = judged.evidence.code[0].slices[1]
            .architecture
            .unwrap()
            .to_string();
        assert_eq!(judged.verdict(), (INVALID, None, Some(other.as_str())));
        assert!(judged.rules().contains(&"slices-disagree"));
    }
    // Where neither names a team, structure alone does not tell them apart.
    let nobody = Signer {
        team: None,
        ..respectable
    };
    let [one, other] = both();
    let mixed = universal(&[
        (&one, sign(&nobody, &one)),
        (&other, sign(&adhoc("tool"), &other)),
    ]);
    judge_bytes(&mixed).assert_tolerated("slices-of-different-signers", Severity::Warning);
}

/// Row 53: an arm64 entry behind the declared ones counts.
#[test]
fn a_hidden_entry() {
    let mut bytes = good();
    put(&mut bytes, 4, 1);
    // The entry belongs to the header then, not to the gap in front of the first slice.
    let judged = judge_bytes(&bytes);
    assert_eq!(judged.evidence.code[0].slices.len(), 2);
    judged.assert_tolerated("fat-layout-suspicious", Severity::Error);
    let [one, other] = both();
    let signer = adhoc("tool");
    let mut bytes = universal(&[(&one, sign(&signer, &one)), (&other, other.build(None))]);
    put(&mut bytes, 4, 1);
    assert_eq!(judge_bytes(&bytes).status(), UNSIGNED);
}

/// Row 54: of two slices of one architecture macOS verifies the first.
#[test]
fn duplicate_entries() {
    let thin = arm64(&[2; 9000]);
    let sound = sign(&adhoc("tool"), &thin);
    let mut broken = sound.clone();
    broken[4096] ^= 1;
    let join = |bytes: [&Vec<u8>; 2]| {
        let pairs = bytes.map(|bytes| (&thin, bytes.clone()));
        judge_bytes(&universal(&pairs))
    };
    let judged = join([&sound, &broken]);
    assert_eq!(judged.status(), 0);
    assert_eq!(judged.severity("fat-layout-suspicious"), Some(Severity::Error));
    assert_eq!(judged.evidence.code[0].format, "Mach-O universal (arm64)");
    assert_eq!(join([&broken, &sound]).verdict(), (FAILED, None, Some("arm64")));
}

/// Rows 55 and 56.
#[test]
fn offsets_gaps_overlaps_and_bytes_behind() {
    let at_same_offset = {
        let mut bytes = good();
        let first = word(&bytes, 16);
        put(&mut bytes, 36, first);
        bytes
    };
    let judged = judge_bytes(&at_same_offset);
    assert_eq!(judged.verdict(), (INTERNAL, None, None));
    assert_eq!(judged.message(), "An internal error has occurred.");
    assert_eq!(judge_bytes_with(&at_same_offset, &lenient()).status(), INTERNAL);
    // A gap in front of the last slice, an overlap, bytes behind: strict only.
    let mut gap = good();
    let second = word(&gap, 36) as usize;
    gap[second - 1] = 1;
    let mut overlap = good();
    let size = word(&overlap, 20);
    let reach = second as u32 - word(&overlap, 16) + 16;
    assert!(reach > size);
    put(&mut overlap, 20, reach);
    let behind = [good(), vec![0; 7]].concat();
    let far = {
        let bytes = good();
        let mut moved = [&bytes[..second], &[0; 0x4000][..], &bytes[second..]].concat();
        put(&mut moved, 36, second as u32 + 0x4000);
        moved
    };
    for (what, bytes) in [("gap", gap), ("far", far), ("behind", behind)] {
        let judged = judge_bytes(&bytes);
        assert_eq!(judged.verdict(), (LAYOUT, None, None), "{what}");
        assert_eq!(judged.rules(), ["fat-layout-suspicious"], "{what}");
        assert_eq!(judge_bytes_with(&bytes, &lenient()).status(), 0, "{what}");
        assert_eq!(judge_bytes_with(&bytes, &only("arm64")).status(), 0, "{what}");
    }
    // The longer slice does not end where its __LINKEDIT does, either.
    let judged = judge_bytes(&overlap);
    assert_eq!(judged.verdict(), (LAYOUT, None, None));
    assert!(judged.rules().contains(&"fat-layout-suspicious"));
    // In front of the first of two slices the second is not measured any more, strict or not.
    let mut first = good();
    first[100] = 1;
    for options in [Options::default(), lenient()] {
        assert_eq!(
            judge_bytes_with(&first, &options).verdict(),
            (INTERNAL, None, None)
        );
    }
}

/// Row 57.
#[test]
fn offsets_of_64_bits() {
    let thin = arm64(&[2; 9000]);
    let slice = sign(&adhoc("tool"), &thin);
    let mut bytes = vec![0; 0x4000];
    for (at, value) in [(0, 0xcafe_babf), (4, 1), (8, thin.cpu_type), (12, 0), (32, 14)] {
        put(&mut bytes, at, value);
    }
    bytes[16..24].copy_from_slice(&0x4000u64.to_be_bytes());
    bytes[24..32].copy_from_slice(&(slice.len() as u64).to_be_bytes());
    bytes.extend(slice);
    let judged = judge_bytes(&bytes);
    assert_eq!(judged.verdict(), (UNSIGNED, None, None));
    assert_eq!(judged.severity("fat64-file"), Some(Severity::Warning));
    assert!(judge_bytes(&good()).of("fat64-file").is_empty());
}

/// Row 58.
#[test]
fn bytes_behind_a_thin_file() {
    let bytes = [sign(&adhoc("tool"), &both()[1]), vec![0; 9]].concat();
    let judged = judge_bytes(&bytes);
    assert_eq!(judged.verdict(), (LAYOUT, None, None));
    assert_eq!(judged.message(), "main executable failed strict validation");
    assert_eq!(judge_bytes_with(&bytes, &lenient()).status(), 0);
}

/// Signs a file whose load commands are changed before.
fn changed(change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let signer = adhoc("tool");
    let mut code = arm64(&[2; 9000]).build(Some(4096));
    change(&mut code);
    let mut signature = signer.signature(&code, Bound::default());
    signature.resize(4096, 0);
    [code, signature].concat()
}

/// Row 59.
#[test]
fn no_linkedit_and_no_symbol_table() {
    let rename = |code: &mut Vec<u8>| {
        let at = crate::support::position(code, b"__LINKEDIT\0");
        code[at..at + 10].copy_from_slice(b"__OTHEREDI");
    };
    let judged = judge_bytes(&changed(rename));
    assert_eq!(judged.verdict(), (LAYOUT, None, None));
    assert_eq!(judged.rules(), ["trailing-data-or-misplaced-signature"]);
    judge_bytes(&changed(|_| {})).assert_clean();
}

/// Where the load command that gives the signature its place stands.
fn command(code: &[u8]) -> usize {
    let limit = arm64(&[2; 9000]).code_limit() as u32;
    crate::support::position(code, &[0x1d_u32, 16, limit].map(u32::to_le_bytes).concat())
}

/// Row 60.
#[test]
fn two_signature_commands() {
    let twice = changed(|code| {
        let at = command(code);
        let (count, size) = (
            code[16] + 1,
            u32::from_le_bytes(code[20..24].try_into().unwrap()) + 16,
        );
        code[16] = count;
        code[20..24].copy_from_slice(&size.to_le_bytes());
        let copy = code[at..at + 16].to_vec();
        code[at + 16..at + 32].copy_from_slice(&copy);
        code[at + 24] ^= 0x40;
    });
    let judged = judge_bytes(&twice);
    assert_eq!(judged.status(), 0);
    assert_eq!(
        judged.severity("trailing-data-or-misplaced-signature"),
        Some(Severity::Error)
    );
}

/// Row 61: bytes behind the signature, but inside of `__LINKEDIT`.
#[test]
fn bytes_between_the_signature_and_the_end() {
    let judged = judge_bytes(&changed(|code| {
        let at = command(code);
        code[at + 12..at + 16].copy_from_slice(&4000u32.to_le_bytes());
    }));
    judged.assert_tolerated("trailing-data-or-misplaced-signature", Severity::Error);
    assert_eq!(
        judged.findings[0].message,
        "96 bytes follow the signature and are not covered by it"
    );
}

/// Row 62: the trailer of a disk image makes no disk image of a Mach-O file.
#[test]
fn the_trailer_of_a_disk_image() {
    let mut koly = vec![0; 512];
    koly[..4].copy_from_slice(b"koly");
    koly[7] = 4;
    let bytes = [sign(&adhoc("tool"), &both()[1]), koly].concat();
    let judged = judge_bytes(&bytes);
    assert_eq!(judged.verdict(), (LAYOUT, None, None));
    assert_eq!(judged.evidence.code[0].format, "Mach-O thin (arm64)");
}

/// Row 64: load commands lie in page 0.
#[test]
fn load_commands_added_later() {
    let bytes = changed(|_| {});
    for at in [16, 200, 0xff0] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x10;
        let judged = judge_bytes(&bytes);
        assert_ne!(judged.status(), 0, "{at}");
        if at == 0xff0 {
            assert_eq!(judged.verdict(), (FAILED, None, Some("arm64")));
            assert_eq!(judged.rules(), ["signature-broken-pages"]);
        }
    }
}

/// Specification 2.3: an architecture is found by its family and by its CPU as well.
#[test]
fn architectures_by_name() {
    let arm64e = Thin {
        cpu_subtype: 0x8000_0002,
        ..arm64(&[2; 9000])
    };
    let odd = Thin {
        cpu_subtype: 0,
        ..x86_64(&[1; 9000])
    };
    let signer = adhoc("tool");
    let bytes = universal(&[(&odd, sign(&signer, &odd)), (&arm64e, sign(&signer, &arm64e))]);
    let chosen = |name: &str| {
        let judged = judge_bytes_with(&bytes, &only(name));
        let slices = &judged.evidence.code[0].slices;
        (
            judged.status(),
            slices
                .first()
                .map(|slice| slice.architecture.unwrap().to_string()),
        )
    };
    let arm = || Some("arm64e".to_owned());
    assert_eq!(chosen("arm64"), (0, arm()));
    assert_eq!(chosen("arm64e"), (0, arm()));
    assert_eq!(chosen("x86_64"), (0, Some("(16777223:0)".to_owned())));
    assert_eq!(chosen("i386"), (-67049, None));
    // arm64e sorts before arm64, and is the primary slice of an Apple silicon Mac.
    let plain = arm64(&[2; 9000]);
    let bytes = universal(&[(&plain, sign(&signer, &plain)), (&arm64e, sign(&signer, &arm64e))]);
    let judged = judge_bytes(&bytes);
    assert_eq!(judged.evidence.code[0].format, "Mach-O universal (arm64e arm64)");
    assert_eq!(
        judged.evidence.code[0].slices[0]
            .architecture
            .unwrap()
            .to_string(),
        "arm64e"
    );
}

/// Specification 2.1 and 2.6: what cannot be read as Mach-O, and what is none to codesign.
#[test]
fn headers_that_are_broken_or_foreign() {
    let mut short = sign(&adhoc("tool"), &both()[1]);
    // `cmdsize` 0 in the first load command.
    short[36..40].fill(0);
    let judged = judge_bytes(&short);
    assert_eq!(judged.verdict(), (-67049, None, None));
    assert_eq!(
        (judged.message(), judged.rules()),
        (
            "object file format unrecognized, invalid, or unsuitable",
            vec!["macho-malformed"]
        )
    );
    let [one, other] = both();
    let library = Thin {
        file_type: DYLIB,
        ..other
    };
    let signer = adhoc("tool");
    let mixed = universal(&[(&one, sign(&signer, &one)), (&library, sign(&signer, &library))]);
    assert_eq!(judge_bytes(&mixed).status(), -67049);
    let object = Thin {
        file_type: 1,
        ..arm64(&[2; 9000])
    };
    let judged = judge_bytes(&sign(&signer, &object));
    assert_eq!(judged.verdict(), (UNSIGNED, None, None));
    assert_eq!(judged.evidence.code[0].format, "generic");
}
