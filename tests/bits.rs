//! Every single bit of the CodeDirectory, the CMS and the certificates of a small Developer ID binary is flipped.
//!
//! macOS leaves a few bits uncovered; each range of them is named here with the reason. A flip there may or may not
//! be noticed; a flip anywhere else must be.

use std::ops::Range;

use rayon::prelude::*;
use sealcheck::macho::MachO;
use sealcheck::time::UnixTime;
use sealcheck::trust::Anchors;
use sealcheck::verify::{BoundFiles, Fault, Options, SignatureKind, Subject, examine};

use crate::support::cms::{Authority, CmsSigner, Form};
use crate::support::der::{integer, null, oid, sequence, tlv};
use crate::support::macho::arm64;
use crate::support::pki::{self, Hash, Issued, Key};
use crate::support::signature::{Bound, SHA1, SHA256, Signer, certified};

/// Where all occurrences of `needle` in `haystack` are.
fn all(haystack: &[u8], needle: &[u8]) -> Vec<Range<usize>> {
    haystack
        .windows(needle.len())
        .enumerate()
        .filter(|(_, window)| *window == needle)
        .map(|(at, _)| at..at + needle.len())
        .collect()
}

/// Ranges of `cms` (which starts at `base` of the file) that nothing covers, with the reason.
pub fn uncovered(
    cms: &[u8],
    base: usize,
    root: &Issued,
    signers: [&Issued; 2],
) -> Vec<(Range<usize>, &'static str)> {
    let mut ranges = Vec::new();
    let mut name = |needle: &[u8], inside: Range<usize>, reason| {
        let found = all(cms, needle);
        assert!(!found.is_empty(), "nothing for {reason:?}");
        for at in found {
            ranges.push((
                base + at.start + inside.start..base + at.start + inside.end,
                reason,
            ));
        }
    };
    // SEQUENCE, version 1, digestAlgorithms: of the outer SignedData and of the timestamp token's.
    let digests = tlv(0x31, &Hash::Sha256.algorithm());
    let start = [integer(1), digests].concat();
    name(
        &start,
        0..start.len(),
        "version and list of digest algorithms of a SignedData; nobody reads them",
    );
    for signer in signers {
        let identifier = sequence(&[signer.issuer.clone(), integer(signer.serial)]);
        let needle = [integer(1), identifier].concat();
        name(&needle, 2..3, "version of a SignerInfo; nobody reads it");
    }
    let algorithm = sequence(&[oid(Hash::Sha256.oid()), null()]);
    name(
        &algorithm,
        algorithm.len() - 2..algorithm.len(),
        "parameters of a digest algorithm, which has none",
    );
    // The root that was sent is never used: the pinned one is, whatever the copy says.
    name(
        &root.der,
        0..root.der.len(),
        "the copy of the root; the pinned root takes its place",
    );
    ranges
}

#[test]
fn every_flipped_bit_is_noticed_or_uncovered_by_apples_rules() {
    let root = pki::root().self_signed();
    let leaf = pki::developer_id(Key::P256(3)).issued_by(&pki::developer_id_ca().issued_by(&root));
    let authority = pki::timestamp_authority().issued_by(&root);
    let cms = CmsSigner {
        timestamp: Some(Authority::new(&authority)),
        form: Form::Der,
        ..CmsSigner::new(&leaf)
    };
    let signer = Signer {
        team: Some("ABCDE12345".into()),
        hash_types: vec![SHA1, SHA256],
        ..certified("org.example.small", cms)
    };
    let thin = arm64(b"small");
    let (file, _) = signer.sign(&thin, Bound::default());
    let mut anchors = Anchors::default();
    anchors.trust_as_apple(&root.der).unwrap();
    let at = UnixTime::from_rfc3339("2026-06-15").unwrap();
    let faults = |file: &[u8]| {
        let options = Options {
            anchors: anchors.clone(),
            at,
            ..Options::default()
        };
        let macho = MachO::parse(file).unwrap();
        let (slice, kinds) = examine(Subject::Slice(&macho.slices[0]), BoundFiles::default(), &options);
        let faults = kinds.into_iter().map(|kind| Fault {
            kind,
            path: String::new(),
            slice: Some(0),
        });
        (slice, faults.filter_map(|fault| fault.status()).count())
    };
    assert_eq!(faults(&file).1, 0);
    // Blobs of the signature by their magic: both CodeDirectories and the CMS.
    let start = thin.code_limit();
    let signature = &file[start..];
    let mut blobs = Vec::new();
    for magic in [[0xfa, 0xde, 0x0c, 0x02], [0xfa, 0xde, 0x0b, 0x01]] {
        for found in all(signature, &magic) {
            let length = u32::from_be_bytes(signature[found.start + 4..found.start + 8].try_into().unwrap());
            let from = start + found.start;
            blobs.push(from..from + length as usize);
        }
    }
    assert_eq!(blobs.len(), 3);
    let cms = blobs[2].clone();
    let uncovered = uncovered(&file[cms.clone()], cms.start, &root, [&leaf, &authority]);
    // The flags of the CodeDirectory that is chosen: SHA-256, the second one. With the ad-hoc flag macOS does not ask
    // for a certificate, so the code is valid still, but nobody's (specification 12.14).
    let flags = blobs[1].start + 15;
    let bytes: Vec<usize> = blobs.into_iter().flatten().collect();
    let missed: Vec<String> = bytes
        .par_iter()
        .filter(|byte| !uncovered.iter().any(|(range, _)| range.contains(byte)))
        .flat_map_iter(|byte| (0..8).map(move |bit| (*byte, bit)))
        .filter(|(byte, bit)| {
            let mut changed = file.clone();
            changed[*byte] ^= 1 << bit;
            let (slice, faults) = faults(&changed);
            let is_nobodys = slice.signature == SignatureKind::Adhoc && slice.identity.is_none();
            faults == 0 && !((*byte, *bit) == (flags, 1) && is_nobodys)
        })
        .map(|(byte, bit)| {
            let near = &file[byte.saturating_sub(12)..(byte + 12).min(file.len())];
            format!(
                "byte {byte} (CMS {}) bit {bit}: {near:02x?}",
                byte as i64 - cms.start as i64
            )
        })
        .collect();
    let free: usize = uncovered.iter().map(|(range, _)| range.len()).sum();
    assert!(
        missed.is_empty(),
        "{} of {} bytes:\n{}",
        missed.len(),
        bytes.len(),
        missed.join("\n")
    );
    assert!(
        free * 5 < bytes.len() * 2,
        "{free} of {} bytes are uncovered",
        bytes.len()
    );
}
