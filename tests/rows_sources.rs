//! Where a signature may lie: beside the code, in attributes, in companion files, in a detached file (specification 6.3,
//! 6.5, 7.1 and 7.5); and bundles whose main file is no executable.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use sealcheck::verify::{CodesignFlags, Fault, FaultKind, Options};

use crate::support::bundle::{Seal, info_plist, sign_with, slices, write, write_executable};
use crate::support::cms::CmsSigner;
use crate::support::codesign::{Parent, codesign};
use crate::support::judge::{Judged, judge, judge_with};
use crate::support::macho::{EXECUTE, Thin, arm64, universal, x86_64};
use crate::support::notice;
use crate::support::pki::{self, Key};
use crate::support::signature::{Bound, SHA1, SHA256, Signer, adhoc, blob, certified, superblob};

const SCRIPT: &[u8] = b"#!/bin/sh\necho hello\n";
const FLAT: &str = "<key>rules</key><dict><key>^.*</key><true/></dict><key>rules2</key><dict>\
    <key>^.*</key><true/><key>^Info\\.plist$</key><dict><key>omit</key><true/><key>weight</key><real>20</real></dict></dict>";

/// The name of the component in Apple's files and attributes.
fn name(slot: u32) -> &'static str {
    match slot {
        0 => "CodeDirectory",
        2 => "CodeRequirements",
        0x1000 => "CodeRequirements-1",
        0x10000 => "CodeSignature",
        other => panic!("no name for {other:#x}"),
    }
}

/// Components as they lie outside of a SuperBlob: the CMS is not wrapped there.
fn loose(signer: &Signer, code: &[u8], bound: Bound<'_>) -> Vec<(&'static str, Vec<u8>)> {
    let components = signer.components(code, bound).into_iter();
    components
        .map(|(slot, bytes)| match slot {
            0x10000 => (name(slot), bytes[8..].to_vec()),
            _ => (name(slot), bytes),
        })
        .collect()
}

fn script_signer() -> Signer {
    Signer {
        page_log2: 0,
        hash_types: vec![SHA1, SHA256],
        ..certified(
            "script",
            CmsSigner::new(&pki::self_signed(Key::P256(3)).self_signed()),
        )
    }
}

/// Section 7.1: a script signed in its attributes, under the names that Linux demands.
#[test]
fn attributes_of_a_script() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script");
    fs::write(&path, SCRIPT).unwrap();
    let judged = judge(&path);
    assert_eq!(judged.verdict(), (-67062, None, None));
    for (name, value) in loose(&script_signer(), SCRIPT, Bound::default()) {
        let name = format!("user.com.apple.cs.{name}");
        if rustix::fs::setxattr(&path, name.as_str(), &value, rustix::fs::XattrFlags::empty()).is_err() {
            notice("this file system takes no attributes, signed scripts were not tested");
            return;
        }
    }
    let judged = judge(&path);
    judged.assert_clean();
    assert_eq!(judged.evidence.code[0].format, "generic");
    assert_eq!(judged.evidence.code[0].slices[0].cdhashes.len(), 2);
    let said = codesign(folder.path(), "inspect", &["-vv", "script"]);
    for line in ["Format=generic", "Authority=Self", "Sealed Resources=none"] {
        assert!(said.error.contains(&line.to_owned()), "{said:?}");
    }
    // Writing to the file keeps its attributes.
    let mut file = fs::File::options().write(true).open(&path).unwrap();
    std::io::Write::write_all(&mut file, b"#!/bin/ba").unwrap();
    assert_eq!(judge(&path).verdict(), (-67061, None, None));
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut file, b"more").unwrap();
    assert_eq!(judge(&path).verdict(), (-67061, None, None));
}

/// What may hold a signature and cannot be read leaves the verdict open; a folder or a link of that name holds none.
#[test]
fn companions_of_a_script_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script");
    fs::write(&path, SCRIPT).unwrap();
    let companion = folder.path().join("._script");
    fs::create_dir(&companion).unwrap();
    assert_eq!(judge(&path).verdict(), (-67062, None, None));
    fs::remove_dir(&companion).unwrap();
    std::os::unix::fs::symlink("script", &companion).unwrap();
    assert_eq!(judge(&path).verdict(), (-67062, None, None));
    fs::remove_file(&companion).unwrap();
    let file = fs::File::create(&companion).unwrap();
    file.set_len((16 << 20) + 1).unwrap();
    let judged = judge(&path);
    assert_eq!(judged.evidence.codesign.valid(), None);
    let is_named = |fault: &Fault| matches!(&fault.kind, FaultKind::Unreadable(error) if error.to_string().contains("._script: larger than"));
    assert!(judged.evidence.code[0].faults.iter().any(is_named));
    file.set_len(16 << 20).unwrap();
    assert_eq!(judge(&path).verdict(), (-67062, None, None));
}

/// An AppleDouble file (RFC 1740) with these attributes.
fn companion(attributes: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut file = [0x0005_1607_u32, 0x0002_0000].map(u32::to_be_bytes).concat();
    file.extend([0; 16]);
    file.extend(1u16.to_be_bytes());
    file.extend([9_u32, 38, 0].map(u32::to_be_bytes).concat());
    file.extend([0; 34]);
    file.extend(b"ATTR");
    file.extend([0; 30]);
    file.extend((attributes.len() as u16).to_be_bytes());
    let entry = |name: &str| (11 + name.len() + 1).next_multiple_of(4);
    let full = |name: &str| format!("com.apple.cs.{name}");
    let mut at = file.len()
        + attributes
            .iter()
            .map(|(name, _)| entry(&full(name)))
            .sum::<usize>();
    for (name, value) in attributes {
        let name = full(name);
        let start = file.len();
        file.extend((at as u32).to_be_bytes());
        file.extend((value.len() as u32).to_be_bytes());
        file.extend([0, 0, name.len() as u8 + 1]);
        file.extend(name.as_bytes());
        file.resize(start + entry(&name), 0);
        at += value.len();
    }
    for (_, value) in attributes {
        file.extend(value);
    }
    file
}

/// Section 7.1: the same in the companion file of an archive.
#[test]
fn attributes_in_a_companion_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script");
    fs::write(&path, SCRIPT).unwrap();
    let parts = loose(&script_signer(), SCRIPT, Bound::default());
    fs::write(folder.path().join("._script"), companion(&parts)).unwrap();
    judge(&path).assert_clean();
    // What is covered is as it was, but it is not all.
    fs::write(&path, [SCRIPT, b"x"].concat()).unwrap();
    assert_eq!(judge(&path).status(), -67045);
    fs::write(&path, b"#!/bin/ba\necho hello\n").unwrap();
    assert_eq!(judge(&path).status(), -67061);
    // Half a companion is none.
    fs::write(&path, SCRIPT).unwrap();
    fs::write(folder.path().join("._script"), &companion(&parts)[..200]).unwrap();
    assert_eq!(judge(&path).status(), -67062);
}

/// Signs a bundle whose main file is no Mach-O: the signature lies in `_CodeSignature`.
fn sign_beside(support: &Path, main: &str, info: Option<&[u8]>, identifier: &str) {
    let none = BTreeMap::new();
    let seal = Seal {
        support,
        executable: main,
        nested: &none,
        rules: FLAT,
        version: 2,
    }
    .build();
    let bound = Bound {
        info,
        resources: Some(&seal),
    };
    let meta = support.join("_CodeSignature");
    write(&meta.join("CodeResources"), &seal);
    let code = fs::read(support.join(main)).unwrap();
    for (name, bytes) in loose(&adhoc(identifier), &code, bound) {
        write(&meta.join(name), &bytes);
    }
}

fn plist(entries: &str) -> Vec<u8> {
    format!("<plist version=\"1.0\"><dict>{entries}</dict></plist>").into_bytes()
}

/// Section 6.3 (6): a widget.
#[test]
fn widgets() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Clock.wdgt");
    let info = plist("<key>MainHTML</key><string>clock.html</string>");
    write(&root.join("Info.plist"), &info);
    write(&root.join("clock.html"), b"<html/>");
    write(&root.join("hands.png"), b"png");
    sign_beside(&root, "clock.html", Some(&info), "clock");
    let judged = judge(&root);
    judged.assert_clean();
    assert_eq!(judged.evidence.code[0].format, "widget bundle");
    write(&root.join("clock.html"), b"<HTML/>");
    assert_eq!(judge(&root).status(), -67061);
    write(&root.join("clock.html"), b"<html/>");
    write(&root.join("hands.png"), b"PNG");
    assert_eq!(judge(&root).files()[1], ["hands.png"]);
    for wrong in [
        "<key>MainHTML</key><integer>1</integer>",
        "<key>MainHTML</key><string>absent.html</string>",
    ] {
        write(&root.join("Info.plist"), &plist(wrong));
        assert_eq!(judge(&root).verdict(), (-67028, None, None), "{wrong}");
    }
}

/// Section 6.3 (6): installer packages that are folders.
#[test]
fn installer_packages() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Old.pkg");
    let info = plist("<key>IFMajorVersion</key><integer>1</integer>");
    write(&root.join("Contents/Info.plist"), &info);
    write(&root.join("Contents/Archive.pax.gz"), b"archive");
    sign_beside(&root.join("Contents"), "Info.plist", Some(&info), "old");
    let judged = judge(&root);
    judged.assert_clean();
    assert_eq!(judged.evidence.code[0].format, "installer package bundle");
    let root = folder.path().join("Older.mpkg");
    write(&root.join("Contents/Older.dist"), b"<installer-script/>");
    sign_beside(&root.join("Contents"), "Older.dist", None, "older");
    let judged = judge(&root);
    judged.assert_clean();
    assert_eq!(judged.evidence.code[0].format, "installer package bundle");
    // Of two scripts none is the one.
    write(&root.join("Contents/Another.dist"), b"x");
    assert_eq!(judge(&root).verdict(), (-67028, None, None));
}

/// Section 6.2: an iOS app as a Mac installs it.
#[test]
fn wrapped_bundles() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Game.app");
    let inner = root.join("Wrapper/Game.app");
    write(&inner.join("Info.plist"), &info_plist("Game", "game", "APPL"));
    write(&inner.join("icon.png"), b"png");
    let code = slices("game ", EXECUTE);
    sign_with(&inner, "Game", &code, &adhoc("game"), &BTreeMap::new(), FLAT, 2);
    symlink("Wrapper/Game.app", root.join("WrappedBundle")).unwrap();
    write(&root.join("Wrapper/iTunesMetadata.plist"), b"<plist/>");
    let judged = judge(&root);
    judged.assert_clean();
    assert_eq!(
        judged.evidence.code[0].format,
        "app bundle with Mach-O universal (x86_64 arm64)"
    );
    write(&inner.join("icon.png"), b"PNG");
    assert_eq!(judge(&root).files()[1], ["Wrapper/Game.app/icon.png"]);
    // Without the link it is a folder.
    fs::remove_file(root.join("WrappedBundle")).unwrap();
    assert_eq!(judge(&root).status(), -67028);
}

fn detached(path: &Path, signature: &[u8]) -> Judged {
    let options = Options {
        detached: Some(signature.into()),
        ..Options::default()
    };
    judge_with(path, &options)
}

/// Section 7.5: one signature for one file.
#[test]
fn a_detached_signature() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    let code = arm64(&[7; 9000]).build(None);
    fs::write(&path, &code).unwrap();
    assert_eq!(judge(&path).status(), -67062);
    let leaf = pki::self_signed(Key::P256(3)).self_signed();
    for signer in [adhoc("tool"), certified("tool", CmsSigner::new(&leaf))] {
        let signature = signer.signature(&code, Bound::default());
        detached(&path, &signature).assert_clean();
        // The same on the command line.
        fs::write(folder.path().join("tool.sig"), &signature).unwrap();
        let said = codesign(folder.path(), "verify", &["-v", "--detached", "tool.sig", "tool"]);
        assert_eq!((said.status, said.error[0].as_str()), (0, "tool: valid on disk"));
        for length in [0, 11, 40, signature.len() - 1] {
            let judged = detached(&path, &signature[..length]);
            assert_eq!(judged.verdict(), (-67045, None, None), "{length}");
        }
        let mut other = code.clone();
        other[0x1800] ^= 1;
        fs::write(&path, &other).unwrap();
        assert_eq!(
            detached(&path, &signature).verdict(),
            (-67061, None, Some("arm64"))
        );
        fs::write(&path, &code).unwrap();
    }
    // For a script as well.
    let script = folder.path().join("script");
    fs::write(&script, SCRIPT).unwrap();
    let signer = Signer {
        page_log2: 0,
        ..adhoc("script")
    };
    detached(&script, &signer.signature(SCRIPT, Bound::default())).assert_clean();
    let said = codesign(folder.path(), "verify", &["--detached", "absent", "tool"]);
    assert_eq!(said.status, 4);
}

/// What a detached signature lacks is taken from the code itself.
#[test]
fn a_detached_signature_that_lacks_a_component() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    let signer = adhoc("tool");
    let embedded = signer.assemble(&arm64(&[7; 9000]), |components| {
        superblob(0xfade_0cc0, &components)
    });
    fs::write(&path, &embedded).unwrap();
    let code = &embedded[..arm64(&[7; 9000]).code_limit()];
    let mut components = signer.components(code, Bound::default());
    components.retain(|(slot, _)| *slot != 2);
    let signature = superblob(0xfade_0cc0, &components);
    detached(&path, &signature).assert_clean();
    // Not where the code has none to offer.
    let bare = arm64(&[7; 9000]).build(None);
    fs::write(&path, &bare).unwrap();
    let mut components = signer.components(&bare, Bound::default());
    detached(&path, &superblob(0xfade_0cc0, &components)).assert_clean();
    components.retain(|(slot, _)| *slot != 2);
    assert_eq!(
        detached(&path, &superblob(0xfade_0cc0, &components)).status(),
        -67061
    );
}

/// A detached signature for several architectures.
fn for_all(parts: &[(u32, Vec<u8>)]) -> Vec<u8> {
    superblob(0xfade_0cc1, parts)
}

/// Section 7.5: a signature for each architecture, and what is common to them.
#[test]
fn detached_signatures_for_several_architectures() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    let thins = [x86_64(&[1; 9000]), arm64(&[2; 9000])];
    let built: Vec<_> = thins.iter().map(|thin| (thin, thin.build(None))).collect();
    fs::write(&path, universal(&built)).unwrap();
    let parts = |thin: &Thin, code: &[u8]| {
        let signature = adhoc("tool").signature(code, Bound::default());
        (thin.cpu_type, signature)
    };
    let mut all: Vec<_> = built.iter().map(|(thin, code)| parts(thin, code)).collect();
    // Without the part for all, there is no signature.
    assert_eq!(detached(&path, &for_all(&all)).status(), -67045);
    all.push((0, superblob(0xfade_0cc0, &[])));
    detached(&path, &for_all(&all)).assert_clean();
    let only_arm: Vec<_> = all[1..].to_vec();
    assert_eq!(
        detached(&path, &for_all(&only_arm)).verdict(),
        (-67045, None, None)
    );
    let options = Options {
        detached: Some(for_all(&only_arm).into()),
        flags: CodesignFlags {
            architecture: Some("arm64".to_owned()),
            ..CodesignFlags::default()
        },
        ..Options::default()
    };
    assert_eq!(judge_with(&path, &options).status(), 0);
}

/// The seal of a bundle is part of what is common to all architectures.
#[test]
fn a_detached_signature_of_a_bundle() {
    let parent = Parent::new();
    let contents = parent.path("Contents");
    let thin = arm64(&[7; 9000]);
    let code = thin.build(None);
    write_executable(&contents.join("MacOS/hello"), &code);
    let seal = Seal {
        support: &contents,
        executable: "MacOS/hello",
        nested: &BTreeMap::new(),
        rules: &parent.rules,
        version: 2,
    }
    .build();
    let info = fs::read(contents.join("Info.plist")).unwrap();
    let bound = Bound {
        info: Some(&info),
        resources: Some(&seal),
    };
    let signature = for_all(&[
        (thin.cpu_type, adhoc("hello").signature(&code, bound)),
        (0, superblob(0xfade_0cc0, &[(3, blob(0xfade_0b01, &seal))])),
    ]);
    let app: PathBuf = parent.app();
    assert_eq!(judge(&app).status(), -67062);
    detached(&app, &signature).assert_clean();
    write(&parent.resource("a"), b"x");
    let judged = detached(&app, &signature);
    assert_eq!(judged.verdict(), (-67054, None, None));
    assert_eq!(judged.files()[1], ["Contents/Resources/a"]);
}
