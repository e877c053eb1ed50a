//! Single Mach-O files of every shape that macOS knows.

use std::collections::BTreeMap;
use std::path::Path;

use sealcheck::verify::{Options, SignatureKind};

use crate::support::examined::{Examined, examine};
use crate::support::macho::{Thin, arm64, i386, powerpc, universal, x86_64};
use crate::support::signature::{
    ADHOC, Bound, LINKER_SIGNED, RUNTIME, SHA1, SHA256, SHA256_TRUNCATED, SHA384, Signer, adhoc, blob,
};

fn judged(bytes: &[u8]) -> Examined {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    std::fs::write(&path, bytes).unwrap();
    examine(Path::new(&path), &Options::default()).unwrap()
}

fn text() -> Vec<u8> {
    b"some code ".repeat(2000)
}

fn statuses(evidence: &Examined) -> Vec<i32> {
    evidence
        .code
        .iter()
        .flat_map(|object| &object.faults)
        .filter_map(|fault| fault.status())
        .map(|status| status.0)
        .collect()
}

#[test]
fn every_kind_of_header() {
    for (thin, name) in [
        (arm64(&text()), "arm64"),
        (x86_64(&text()), "x86_64"),
        (i386(&text()), "i386"),
        (powerpc(&text()), "ppc"),
    ] {
        let evidence = judged(&adhoc("tool").sign(&thin, Bound::default()).0);
        let object = &evidence.code[0];
        assert_eq!(object.faults, [], "{name}");
        assert_eq!(object.format, format!("Mach-O thin ({name})"));
        assert_eq!(evidence.codesign.valid(), Some(true), "{name}");
        let build = object.slices[0].build_version.unwrap();
        assert_eq!((build.platform, build.min_os, build.sdk), thin.build_version);
    }
}

#[test]
fn every_hash_type_version_and_page_size() {
    for hash_type in [SHA1, SHA256, SHA256_TRUNCATED, SHA384] {
        for version in [0x20001, 0x20100, 0x20200, 0x20300, 0x20400, 0x20500] {
            for page_log2 in [0, 12, 14] {
                let signer = Signer {
                    hash_types: vec![hash_type],
                    team: Some("TEAM123456".into()),
                    version,
                    page_log2,
                    ..adhoc("tool")
                };
                let (bytes, cdhash) = signer.sign(&arm64(&text()), Bound::default());
                let evidence = judged(&bytes);
                let what = format!("type {hash_type} version {version:#x} pages 2^{page_log2}");
                assert_eq!(statuses(&evidence), Vec::<i32>::new(), "{what}");
                let slice = &evidence.code[0].slices[0];
                assert_eq!(slice.cdhashes[0].truncated().as_bytes(), cdhash, "{what}");
                let team = (version >= 0x20200).then(|| "TEAM123456".to_owned());
                assert_eq!(slice.team_id, team, "{what}");
                let mut broken = bytes.clone();
                broken[0x1800] ^= 1;
                assert_eq!(statuses(&judged(&broken)), [-67061], "{what}");
            }
        }
    }
}

#[test]
fn the_strongest_directory_is_chosen_and_all_are_compared() {
    let signer = Signer {
        hash_types: vec![SHA1, SHA256, SHA384],
        ..adhoc("tool")
    };
    let (bytes, cdhash) = signer.sign(&arm64(&text()), Bound::default());
    let evidence = judged(&bytes);
    let slice = &evidence.code[0].slices[0];
    assert_eq!(slice.hash_type.map(|found| found.raw()), Some(SHA384));
    assert_eq!(slice.cdhashes.len(), 3);
    assert_eq!(slice.cdhashes[2].truncated().as_bytes(), cdhash);
}

#[test]
fn kinds_of_signature() {
    let sign = |signer: Signer| judged(&signer.sign(&arm64(&text()), Bound::default()).0);
    let linker = sign(Signer {
        flags: ADHOC | LINKER_SIGNED,
        special: BTreeMap::new(),
        cms: None,
        ..adhoc("tool")
    });
    assert_eq!(linker.code[0].slices[0].signature, SignatureKind::LinkerSigned);
    assert_eq!(linker.codesign.valid(), Some(true));
    // "Unknown format in import.": the CMS slot holds no CMS.
    let certificate = sign(Signer {
        flags: RUNTIME,
        version: 0x20500,
        cms: Some(b"not looked at".to_vec()),
        ..adhoc("tool")
    });
    assert_eq!(certificate.code[0].slices[0].signature, SignatureKind::Cms);
    assert_eq!(statuses(&certificate), [-25257]);
    let neither = sign(Signer {
        flags: 0,
        cms: None,
        ..adhoc("tool")
    });
    assert_eq!(statuses(&neither), [-67062]);
    let unsigned = judged(&arm64(&text()).build(None));
    assert_eq!(statuses(&unsigned), [-67062]);
}

#[test]
fn embedded_info_plist_and_unbound_components() {
    let thin = Thin {
        info_plist: Some(b"<plist><dict/></plist>".to_vec()),
        ..arm64(&text())
    };
    let bytes = adhoc("tool").sign(&thin, Bound::default()).0;
    assert_eq!(statuses(&judged(&bytes)), Vec::<i32>::new());
    let mut broken = bytes;
    let at = crate::support::position(&broken, b"<plist><dict/></plist>");
    broken[at + 3] ^= 1;
    // The section lies in a code page, so both are broken.
    assert_eq!(statuses(&judged(&broken)), [-67030, -67061]);
    // A component that no slot covers is ignored by macOS; we say so.
    let signer = Signer {
        special: BTreeMap::new(),
        ..adhoc("tool")
    };
    let limit = arm64(&text()).code_limit();
    let room = 4096;
    let code = arm64(&text()).build(Some(room));
    let directory = signer.code_directory(SHA256, &code, Bound::default());
    let components = [
        (0, directory),
        (5, blob(0xfade_7171, b"<plist><dict/></plist>")),
        (0x10000, blob(0xfade_0b01, b"")),
    ];
    let mut signature = crate::support::signature::superblob(0xfade_0cc0, &components);
    assert!(signature.len() <= room && code.len() == limit);
    signature.resize(room, 0);
    let evidence = judged(&[code, signature].concat());
    assert_eq!(statuses(&evidence), Vec::<i32>::new());
    let findings = crate::support::examined::advise(
        &evidence,
        Some(sealcheck::finding::Target::Local),
        &sealcheck::rule::Expectations::default(),
    )
    .findings;
    assert_eq!(findings[0].rule, "unbound-component");
    assert_eq!(evidence.code[0].slices[0].entitlements, None);
}

#[test]
fn universal_files() {
    let slices = [x86_64(&text()), arm64(&text())];
    let signer = adhoc("tool");
    let (bytes, _) = signer.sign_all(&slices, Bound::default());
    let evidence = judged(&bytes);
    assert_eq!(evidence.code[0].format, "Mach-O universal (x86_64 arm64)");
    assert_eq!(evidence.codesign.valid(), Some(true));
    // An Apple silicon host looks at arm64 first.
    let first = evidence.code[0].slices[0].architecture.unwrap();
    assert_eq!(first.to_string(), "arm64");
    // One slice signed by another team.
    let other = Signer {
        team: Some("TEAM123456".into()),
        ..signer.clone()
    };
    let mixed = universal(&[
        (&slices[0], other.sign(&slices[0], Bound::default()).0),
        (&slices[1], signer.sign(&slices[1], Bound::default()).0),
    ]);
    assert_eq!(statuses(&judged(&mixed)), [-67045]);
    // One slice without signature.
    let half = universal(&[
        (&slices[0], slices[0].build(None)),
        (&slices[1], signer.sign(&slices[1], Bound::default()).0),
    ]);
    let evidence = judged(&half);
    assert_eq!(statuses(&evidence), [-67062]);
    // Specification 2.7: no architecture is named for another slice than the primary one; the finding names it.
    assert_eq!(evidence.codesign.architecture(), None);
    let findings = crate::support::examined::advise(
        &evidence,
        Some(sealcheck::finding::Target::Local),
        &sealcheck::rule::Expectations::default(),
    )
    .findings;
    assert_eq!(findings[0].architecture.as_deref(), Some("x86_64"));
}
