//! Detached signatures that cannot be used (`DetachedRep::DetachedRep`).

use std::fs;
use std::path::Path;

use sealcheck::verify::{CodesignFlags, Options};

use crate::support::bundle::{Seal, write_executable};
use crate::support::codesign::{Parent, Said, codesign};
use crate::support::judge::{Judged, judge_with};
use crate::support::macho::{Thin, arm64, universal, x86_64};
use crate::support::signature::{Bound, Signer, adhoc, blob, superblob};

const INVALID: i32 = -67045;
const FAILED: i32 = -67061;
const SINGLE: u32 = 0xfade_0cc0;
const ALL: u32 = 0xfade_0cc1;

fn options(signature: &[u8]) -> Options {
    Options {
        detached: Some(signature.into()),
        ..Options::default()
    }
}

fn detached(path: &Path, signature: &[u8]) -> Judged {
    judge_with(path, &options(signature))
}

struct Fixture {
    folder: tempfile::TempDir,
    built: Vec<(Thin, Vec<u8>)>,
}

impl Fixture {
    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("tool")
    }

    /// The signature of each slice by its CPU, and what is common to all.
    fn parts(&self) -> Vec<(u32, Vec<u8>)> {
        let sign = |code: &[u8]| adhoc("tool").signature(code, Bound::default());
        let parts = self.built.iter().map(|(thin, code)| (thin.cpu_type, sign(code)));
        parts.chain([(0, superblob(SINGLE, &[]))]).collect()
    }
}

fn both() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let thins = [x86_64(&[1; 9000]), arm64(&[2; 9000])];
    let built: Vec<_> = thins
        .into_iter()
        .map(|thin| (thin.clone(), thin.build(None)))
        .collect();
    let slices: Vec<_> = built.iter().map(|(thin, code)| (thin, code.clone())).collect();
    fs::write(folder.path().join("tool"), universal(&slices)).unwrap();
    Fixture { folder, built }
}

/// `SecCodeSetDetachedSignature` fails before anything is validated, so no architecture is named.
#[test]
fn a_detached_signature_that_cannot_be_used() {
    let fixture = both();
    let path = fixture.path();
    let parts = fixture.parts();
    let good = superblob(ALL, &parts);
    assert_eq!(detached(&path, &good).status(), 0);
    let without = |cpu: u32| {
        let parts: Vec<_> = parts.iter().filter(|(slot, _)| *slot != cpu).cloned().collect();
        superblob(ALL, &parts)
    };
    let damaged = |cpu: u32| {
        let mut parts = parts.clone();
        for (slot, bytes) in &mut parts {
            if *slot == cpu {
                bytes[0] ^= 1;
            }
        }
        superblob(ALL, &parts)
    };
    let (intel, arm) = (0x0100_0007, 0x0100_000c);
    for (what, signature) in [
        ("nothing", Vec::new()),
        ("a few bytes", good[..11].to_vec()),
        ("cut off", good[..good.len() - 1].to_vec()),
        ("another magic", superblob(0xfade_0c01, &parts)),
        ("no common part", without(0)),
        ("a damaged common part", damaged(0)),
        ("no part for the primary slice", without(arm)),
        ("a damaged part for the primary slice", damaged(arm)),
        ("no part for another slice", without(intel)),
        ("a damaged part for another slice", damaged(intel)),
    ] {
        let judged = detached(&path, &signature);
        assert_eq!(judged.verdict(), (INVALID, None, None), "{what}");
        fs::write(fixture.folder.path().join("tool.sig"), &signature).unwrap();
        let said = codesign(
            fixture.folder.path(),
            "verify",
            &["-v", "--detached", "tool.sig", "tool"],
        );
        let message = "tool: invalid or unsupported format for signature";
        assert_eq!(said, Said::new(1, &[], &[message]), "{what}");
    }
    // Slices that are not asked for need no part.
    let only = |name: &str| Options {
        flags: CodesignFlags {
            architecture: Some(name.to_owned()),
            ..CodesignFlags::default()
        },
        ..options(&without(intel))
    };
    assert_eq!(judge_with(&path, &only("arm64")).status(), 0);
    assert_eq!(
        judge_with(&path, &only("x86_64")).verdict(),
        (INVALID, None, None)
    );
}

/// The other slices come after the primary one (`visitOtherArchitectures`); a signature that is not there for the primary slice
/// comes before everything.
#[test]
fn what_comes_before_an_unusable_detached_signature() {
    let fixture = both();
    let path = fixture.path();
    let mut bytes = fs::read(&path).unwrap();
    let page = bytes.len() - 9000;
    bytes[page] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let parts = fixture.parts();
    let of = |cpu: u32| {
        parts
            .iter()
            .filter(move |(slot, _)| *slot == cpu || *slot == 0)
            .cloned()
    };
    let arm: Vec<_> = of(0x0100_000c).collect();
    let judged = detached(&path, &superblob(ALL, &arm));
    assert_eq!(judged.verdict(), (FAILED, None, Some("arm64")));
    let intel: Vec<_> = of(0x0100_0007).collect();
    assert_eq!(
        detached(&path, &superblob(ALL, &intel)).verdict(),
        (INVALID, None, None)
    );
}

/// A signature for several architectures belongs to Mach-O files only.
#[test]
fn a_file_without_architectures() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script");
    let script = b"#!/bin/sh\n";
    fs::write(&path, script).unwrap();
    let signer = Signer {
        page_log2: 0,
        ..adhoc("script")
    };
    let signature = signer.signature(script, Bound::default());
    assert_eq!(detached(&path, &signature).status(), 0);
    for parts in [
        vec![(0, signature.clone())],
        vec![(0, signature.clone()), (0x0100_000c, signature.clone())],
    ] {
        let judged = detached(&path, &superblob(ALL, &parts));
        assert_eq!(judged.verdict(), (INVALID, None, None));
    }
}

/// `DetachedRep::component` asks the part of the primary slice first, then the common one, then the code itself.
#[test]
fn the_seal_in_the_part_of_an_architecture() {
    let parent = Parent::new();
    let contents = parent.path("Contents");
    let thin = arm64(&[7; 9000]);
    let code = thin.build(None);
    write_executable(&contents.join("MacOS/hello"), &code);
    let seal = Seal {
        support: &contents,
        executable: "MacOS/hello",
        nested: &std::collections::BTreeMap::new(),
        rules: &parent.rules,
        version: 2,
    }
    .build();
    let info = fs::read(contents.join("Info.plist")).unwrap();
    let bound = Bound {
        info: Some(&info),
        resources: Some(&seal),
    };
    let signer = adhoc("hello");
    let own = (3, blob(0xfade_0b01, &seal));
    let mut components = signer.components(&code, bound);
    components.push(own.clone());
    let wrong = (3, blob(0xfade_0b01, b"another"));
    for (common, expected) in [(vec![], 0), (vec![wrong.clone()], 0), (vec![own.clone()], 0)] {
        let signature = superblob(
            ALL,
            &[
                (thin.cpu_type, superblob(SINGLE, &components)),
                (0, superblob(SINGLE, &common)),
            ],
        );
        let judged = detached(&parent.app(), &signature);
        assert_eq!(judged.status(), expected);
        assert_eq!(judged.evidence.code[0].seal.as_ref().unwrap().files, 7);
    }
    let signature = superblob(
        ALL,
        &[
            (thin.cpu_type, signer.signature(&code, bound)),
            (0, superblob(SINGLE, &[wrong])),
        ],
    );
    assert_eq!(detached(&parent.app(), &signature).status(), -67023);
}
