//! The mutation matrix: every byte of every file of small bundles is changed, one at a time, and the bundle verified.
//!
//! A change is seen by the verdict, or by a finding alone, or it lies in a range that Apple's rules leave open: each of
//! those is named here with its reason. One byte that is neither fails the test. `cargo test` takes a sample of the
//! bytes; all of them with `SEALCHECK_MATRIX=full cargo test --release matrix`.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rayon::prelude::*;
use sealcheck::finding::{Severity, Target};
use sealcheck::rule::Expectations;
use sealcheck::time::UnixTime;
use sealcheck::trust::Anchors;
use sealcheck::verify::Options;

use crate::bits;
use crate::support::bundle::{self, contents_bundle, framework, info_plist, sign, write, write_executable};
use crate::support::cms::{Authority, CmsSigner, Form};
use crate::support::examined::{advise, examine};
use crate::support::macho::{self, Thin, arm64, x86_64};
use crate::support::notice;
use crate::support::pki::{self, Issued, Key};
use crate::support::signature::{Bound, SHA1, SHA256, Signer, adhoc, certified};

/// One byte in so many is changed where not all are.
const SAMPLE: usize = 397;

/// What a change came to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Seen {
    /// `codesign` fails.
    Verdict,
    /// The verdict stands, but there is a finding, or the item is not judged.
    Finding,
    /// Nothing is different.
    Nothing,
}

/// A range of bytes that Apple's rules leave open.
type Open = (Range<usize>, &'static str);

/// Where a byte is: a file of the item, and the offset in it. Links count with the bytes of their target.
type Place = (String, usize);

struct Item {
    name: &'static str,
    /// Builds it in a folder; the same every time.
    build: fn(&Path) -> PathBuf,
    /// Bytes of a file that may change unseen, and why.
    open: fn(&str, &[u8]) -> Vec<Open>,
}

fn root() -> Issued {
    pki::root().self_signed()
}

fn leaf() -> Issued {
    pki::developer_id(Key::P256(3)).issued_by(&pki::developer_id_ca().issued_by(&root()))
}

/// Signs with a Developer ID and a timestamp.
fn developer() -> CmsSigner {
    CmsSigner {
        form: Form::Der,
        timestamp: Some(Authority::new(&authority())),
        ..CmsSigner::new(&leaf())
    }
}

fn authority() -> Issued {
    pki::timestamp_authority().issued_by(&root())
}

/// The open ranges of a CMS that begins at `base` of its file.
fn open_in_cms(cms: &[u8], base: usize) -> Vec<Open> {
    bits::uncovered(cms, base, &root(), [&leaf(), &authority()])
}

/// The open ranges of the header of a SuperBlob at `at`.
fn open_in_index(bytes: &[u8], at: usize) -> Vec<Open> {
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let mut open = vec![(
        at + 4..at + 8,
        "the length of a SuperBlob, as long as its blobs and the room behind it allow",
    )];
    let last = at + 12 + 8 * (number(at + 8) - 1);
    let blob = at + number(last + 4);
    if number(last) == 0x10000 && number(blob + 4) == 8 {
        let reason = "the index entry of the empty CMS of code that is signed ad hoc, and the count with it";
        open.push((at + 8..at + 12, reason));
        open.push((last..last + 4, reason));
    }
    open
}

/// The open ranges of a signed Mach-O, thin or universal.
fn open_in_macho(bytes: &[u8]) -> Vec<Open> {
    let mut open = Vec::new();
    if bytes.starts_with(&[0xca, 0xfe, 0xba, 0xbe]) {
        for entry in 0..usize::from(bytes[7]) {
            let align = 8 + 20 * entry + 16;
            open.push((
                align..align + 4,
                "the alignment in a universal header; it only bounds the gap in front of the slice",
            ));
        }
    }
    for (at, window) in bytes.windows(8).enumerate() {
        if window[..4] == [0xfa, 0xde, 0x0c, 0xc0] {
            open.extend(open_in_index(bytes, at));
        }
        if window[..4] != [0xfa, 0xde, 0x0b, 0x01] {
            continue;
        }
        let length = u32::from_be_bytes(window[4..].try_into().unwrap()) as usize;
        if length == 8 {
            open.push((
                at..at + 8,
                "the empty CMS of code that is signed ad hoc; nobody asks for it",
            ));
        } else if let Some(cms) = bytes.get(at + 8..at + length) {
            open.extend(open_in_cms(cms, at + 8));
        }
    }
    open
}

fn options() -> Options {
    let mut anchors = Anchors::default();
    anchors.trust_as_apple(&root().der).unwrap();
    Options {
        anchors,
        at: UnixTime::from_rfc3339("2026-06-15").unwrap(),
        ..Options::default()
    }
}

/// Everything that is said about the item: the verdict, and the problems by rule and place.
fn said(path: &Path, options: &Options) -> (Option<bool>, Vec<(&'static str, Severity, String)>) {
    let evidence = examine(path, options).unwrap();
    let findings = advise(&evidence, Some(Target::Local), &Expectations::default()).findings;
    let mut findings: Vec<_> = findings
        .into_iter()
        .map(|finding| (finding.rule, finding.severity, finding.path))
        .collect();
    findings.sort();
    (evidence.codesign.valid(), findings)
}

/// All regular files and links below a folder, relative to it; links with the text of their target.
fn contents(root: &Path) -> BTreeMap<String, (bool, Vec<u8>)> {
    use std::os::unix::ffi::OsStringExt;
    if root.is_file() {
        return BTreeMap::from([(String::new(), (false, fs::read(root).unwrap()))]);
    }
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if kind.is_dir() {
                pending.push(path);
            } else if kind.is_symlink() {
                let target = fs::read_link(&path).unwrap().into_os_string().into_vec();
                found.insert(name, (true, target));
            } else {
                found.insert(name, (false, fs::read(&path).unwrap()));
            }
        }
    }
    found
}

/// Puts `bytes` in the place of a file or of the target of a link.
fn put(path: &Path, is_link: bool, bytes: &[u8]) -> bool {
    use std::os::unix::ffi::OsStrExt;
    if !is_link {
        fs::write(path, bytes).unwrap();
        return true;
    }
    fs::remove_file(path).unwrap();
    // NUL ends a path: such a target cannot exist.
    symlink(std::ffi::OsStr::from_bytes(bytes), path).is_ok()
}

/// Changes bytes of an item and gives what each change came to.
fn matrix(item: &Item, changes: &[u8], step: usize) -> BTreeMap<(Place, u8), Seen> {
    let options = options();
    let model = tempfile::tempdir().unwrap();
    let root = (item.build)(model.path());
    let files = contents(&root);
    let before = said(&root, &options);
    assert_eq!(before.0, Some(true), "{}: {:?}", item.name, before.1);
    let places: Vec<(&String, usize)> = files
        .iter()
        .flat_map(|(name, (_, bytes))| (0..bytes.len()).map(move |at| (name, at)))
        .step_by(step)
        .collect();
    let seen = Mutex::new(BTreeMap::new());
    let threads = rayon::current_num_threads().max(1);
    places
        .par_chunks(places.len().div_ceil(threads * 4))
        .for_each(|places| {
            // A copy of its own for every worker.
            let folder = tempfile::tempdir().unwrap();
            let root = (item.build)(folder.path());
            for (name, at) in places {
                let (is_link, bytes) = &files[*name];
                let path = match name.as_str() {
                    "" => root.clone(),
                    name => root.join(name),
                };
                for change in changes {
                    let mut changed = bytes.clone();
                    changed[*at] ^= change;
                    let result = match put(&path, *is_link, &changed) {
                        true => said(&root, &options),
                        false => (Some(false), Vec::new()),
                    };
                    if fs::symlink_metadata(&path).is_ok() || !*is_link {
                        put(&path, *is_link, bytes);
                    } else {
                        symlink(std::str::from_utf8(bytes).unwrap(), &path).unwrap();
                    }
                    let result = if result.0 == Some(false) {
                        Seen::Verdict
                    } else if result != before {
                        Seen::Finding
                    } else {
                        Seen::Nothing
                    };
                    seen.lock()
                        .unwrap()
                        .insert((((*name).clone(), *at), *change), result);
                }
            }
        });
    seen.into_inner().unwrap()
}

/// Runs the matrix of an item; every byte that nothing notices must have a reason.
fn check(item: &Item) {
    let is_full = std::env::var_os("SEALCHECK_MATRIX").is_some_and(|value| value == "full");
    let (changes, step): (&[u8], usize) = if is_full {
        (&[0x01, 0xff], 1)
    } else {
        (&[0x01], SAMPLE)
    };
    let seen = matrix(item, changes, step);
    let model = tempfile::tempdir().unwrap();
    let files = contents(&(item.build)(model.path()));
    let ranges: BTreeMap<&String, Vec<Open>> = files
        .iter()
        .map(|(name, (_, bytes))| (name, (item.open)(name, bytes)))
        .collect();
    let mut counts: BTreeMap<Seen, usize> = BTreeMap::new();
    let mut open: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut survivors: BTreeMap<&str, Vec<(usize, u8)>> = BTreeMap::new();
    for (((name, at), change), result) in &seen {
        *counts.entry(*result).or_default() += 1;
        if *result != Seen::Nothing {
            continue;
        }
        let ranges = &ranges[name];
        match ranges.iter().find(|(range, _)| range.contains(at)) {
            Some((_, reason)) => *open.entry(*reason).or_default() += 1,
            None => survivors.entry(name).or_default().push((*at, *change)),
        }
    }
    if is_full {
        notice(&format!(
            "{}: {} changes, {counts:?}, unseen: {open:#?}",
            item.name,
            seen.len()
        ));
    }
    assert!(
        survivors.is_empty(),
        "{}: unseen and unexplained: {survivors:?}",
        item.name
    );
}

/// An app with a framework, a service, a library, resources and links. Its nested code is signed ad hoc.
const APP: Item = Item {
    name: "app",
    build: |folder| {
        let root = folder.join("Tiny.app");
        let contents = root.join("Contents");
        write(
            &contents.join("Info.plist"),
            &info_plist("Tiny", "com.example.tiny", "APPL"),
        );
        write(&contents.join("PkgInfo"), b"APPL????");
        write(&contents.join("Resources/a.txt"), b"text\n");
        write(
            &contents.join("Resources/de.lproj/b.strings"),
            b"\"a\" = \"b\";\n",
        );
        symlink("a.txt", contents.join("Resources/link")).unwrap();
        let nested = BTreeMap::from([
            (
                "Frameworks/Inner.framework".to_owned(),
                framework(
                    &contents.join("Frameworks/Inner.framework"),
                    "Inner",
                    "i",
                    &adhoc("com.example.inner"),
                ),
            ),
            (
                "XPCServices/Serve.xpc".to_owned(),
                contents_bundle(
                    &contents.join("XPCServices/Serve.xpc"),
                    "Serve",
                    "XPC!",
                    &adhoc("com.example.serve"),
                ),
            ),
            (
                "Frameworks/lib.dylib".to_owned(),
                library(&contents.join("Frameworks/lib.dylib")),
            ),
        ]);
        sign(
            &contents,
            "MacOS/Tiny",
            &[arm64(b"tiny")],
            &certified("com.example.tiny", developer()),
            &nested,
        );
        root
    },
    open: |name, bytes| match name {
        "Contents/PkgInfo" => vec![(0..bytes.len(), "PkgInfo; the rules of every seal leave it out")],
        _ => open_in_macho(bytes),
    },
};

fn library(path: &Path) -> Vec<Vec<u8>> {
    let thin = Thin {
        file_type: macho::DYLIB,
        ..arm64(b"library")
    };
    let (bytes, hashes) = adhoc("lib").sign_all(&[thin], Bound::default());
    write_executable(path, &bytes);
    hashes
}

/// A universal tool with two CodeDirectories in each slice, signed with a Developer ID.
const UNIVERSAL: Item = Item {
    name: "universal tool",
    build: |folder| {
        let path = folder.join("bin/tool");
        let signer = Signer {
            hash_types: vec![SHA1, SHA256],
            team: Some("ABCDE12345".into()),
            ..certified("org.example.tool", developer())
        };
        let (bytes, _) = signer.sign_all(&[x86_64(b"one"), arm64(b"two")], Bound::default());
        write_executable(&path, &bytes);
        folder.join("bin/tool")
    },
    open: |_, bytes| open_in_macho(bytes),
};

/// A bundle without code, signed beside itself.
const CODELESS: Item = Item {
    name: "codeless bundle",
    build: |folder| {
        let root = folder.join("Data.bundle");
        bundle::codeless(&root, &certified("com.example.data", developer()));
        root
    },
    open: |name, bytes| match name {
        "Contents/_CodeSignature/CodeSignature" => open_in_cms(bytes, 0),
        _ => Vec::new(),
    },
};

#[test]
fn app() {
    check(&APP);
}

#[test]
fn universal_tool() {
    check(&UNIVERSAL);
}

#[test]
fn codeless_bundle() {
    check(&CODELESS);
}
