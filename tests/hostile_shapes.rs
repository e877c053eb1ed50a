//! Bundles and universal files that are made so that two readers take different code for the one that counts.
//!
//! Which code macOS takes is read off `CFBundle_Executable.c`, `bundlediskrep.cpp`, `diskrep.cpp` and `macho++.cpp`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use sealcheck::verify::NotJudged;

use crate::support::bundle::{codeless, contents_bundle, info_plist, sign, slices, write, write_executable};
use crate::support::codesign::Parent;
use crate::support::judge::{Judged, judge, judge_bytes, judge_with, lenient};
use crate::support::macho::{EXECUTE, Thin, arm64, universal, x86_64};
use crate::support::signature::{Bound, Signer, adhoc};

const UNSIGNED: i32 = -67062;
const RESOURCE: i32 = -67054;
const NO_SEAL: i32 = -67056;
const BAD_BUNDLE: i32 = -67028;
const IS_A_DIRECTORY: i32 = 100_021;

fn code() -> Vec<Thin> {
    vec![Thin {
        file_type: EXECUTE,
        ..arm64(&[7; 9000])
    }]
}

fn unsigned() -> Vec<u8> {
    arm64(b"evil").build(None)
}

/// An app whose Info.plist says `named`, sealed with its signature in `signed`; `prepare` adds what is sealed as well.
fn app(named: &str, signed: &str, prepare: impl Fn(&Path)) -> (Judged, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let contents = folder.path().join("Thing.app/Contents");
    write(
        &contents.join("Info.plist"),
        &info_plist(named, "org.example.thing", "APPL"),
    );
    prepare(&contents);
    sign(
        &contents,
        signed,
        &code(),
        &adhoc("org.example.thing"),
        &BTreeMap::new(),
    );
    (judge(&folder.path().join("Thing.app")), folder)
}

/// The name in Info.plist is a path, put together before anything is opened.
#[test]
fn executables_that_are_named_by_paths() {
    app("Thing", "MacOS/Thing", |_| {}).0.assert_clean();
    app("sub/./Thing", "MacOS/sub/Thing", |_| {}).0.assert_clean();
    app("../Resources/Thing", "Resources/Thing", |_| {})
        .0
        .assert_clean();
    // The signed one lies where a reader looks that does not follow the link on the way.
    let beside = |contents: &Path| {
        write_executable(&contents.join("Resources/evil/Thing"), &unsigned());
        fs::create_dir_all(contents.join("MacOS")).unwrap();
        symlink("../Resources/evil", contents.join("MacOS/link")).unwrap();
    };
    assert_eq!(app("link/Thing", "link/Thing", beside).0.status(), UNSIGNED);
    // Outside of the item nothing is read.
    for outside in ["/usr/bin/true", "../../../usr/bin/true"] {
        let (judged, _folder) = app(outside, "MacOS/usr/bin/true", |_| {});
        assert_eq!(judged.status(), BAD_BUNDLE, "{outside}");
    }
}

/// What exists where the executable belongs is taken for it, whatever it is, and nobody looks any further.
#[test]
fn what_stands_in_the_place_of_the_executable() {
    let (judged, _folder) = app("Thing", "Thing", |contents| {
        write(&contents.join("MacOS/Thing/notes"), b"x");
    });
    assert_eq!(judged.verdict(), (IS_A_DIRECTORY, None, None));
    let (judged, _folder) = app("Thing", "Thing", |contents| {
        fs::create_dir_all(contents.join("MacOS")).unwrap();
        symlink("nowhere", contents.join("MacOS/Thing")).unwrap();
    });
    assert_eq!(judged.verdict().0, 100_002, "the sealed link leads nowhere");
    // A bundle that is signed as one without code, and names code that lies elsewhere.
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Data.bundle");
    fs::create_dir_all(root.join("Contents/MacOS")).unwrap();
    codeless(&root, &adhoc("org.example.data"));
    assert_eq!(judge(&root).status(), 0);
    symlink("/usr/bin/true", root.join("Contents/MacOS/Data")).unwrap();
    codeless(&root, &adhoc("org.example.data"));
    // Strict rules want a plain file there, whatever the link leads to.
    assert_eq!(judge(&root).status(), -67015);
    assert_eq!(judge_with(&root, &lenient()).status(), BAD_BUNDLE);
}

/// The seal leaves out the executable as Info.plist spells it, and a case-insensitive volume finds it by other names.
#[test]
fn executables_that_are_spelled_otherwise() {
    let parent = Parent::new().seal();
    let rename = |from: &str, to: &str| fs::rename(parent.path(from), parent.path(to)).unwrap();
    rename("Contents/MacOS/hello", "Contents/MacOS/Hello");
    let judged = judge(&parent.app());
    assert_eq!(judged.verdict(), (RESOURCE, None, None));
    assert_eq!(judged.files()[0], ["Contents/MacOS/Hello"]);
    rename("Contents/MacOS/Hello", "Contents/MacOS/hello");
    judge(&parent.app()).assert_clean();
    rename("Contents/MacOS", "Contents/macos");
    assert_eq!(judge(&parent.app()).files()[0], ["Contents/macos/hello"]);
}

/// Only bundles with `Contents`, `Support Files` or nothing of the kind have a folder for executables.
#[test]
fn folders_for_executables_by_kind_of_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Thing.bundle");
    write(
        &root.join("Resources/Info.plist"),
        &info_plist("Thing", "org.example.thing", "BNDL"),
    );
    write_executable(&root.join("Thing"), b"#!/bin/sh\n");
    let none = BTreeMap::new();
    let signer = adhoc("org.example.thing");
    sign(&root, "MacOS/Thing", &code(), &signer, &none);
    assert_eq!(judge(&root).status(), UNSIGNED);
    fs::remove_dir_all(root.join("MacOS")).unwrap();
    sign(&root, "Thing", &code(), &signer, &none);
    judge(&root).assert_clean();
    // What is called like the executable in a place that is looked at before.
    let root = folder.path().join("Old.bundle");
    let support = root.join("Support Files");
    write(
        &support.join("Info.plist"),
        &info_plist("Old", "org.example.old", "BNDL"),
    );
    sign(&support, "../Old", &code(), &signer, &none);
    assert_eq!(judge(&root).status(), 0);
    write(&support.join("Old/hidden"), b"x");
    assert_eq!(judge(&root).status(), IS_A_DIRECTORY);
}

/// The innards of a bundle are none.
#[test]
fn contents_as_operand() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Thing.app");
    contents_bundle(&root, "Thing", "APPL", &adhoc("org.example.thing"));
    judge(&root).assert_clean();
    assert_eq!(judge(&root.join("Contents")).status(), BAD_BUNDLE);
}

/// A file that is the main executable of a bundle stands for it, whatever is said of that bundle.
#[test]
fn executables_as_operands_without_info_plist() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("Thing.app/Contents/MacOS/Thing");
    let bytes = adhoc("org.example.thing")
        .sign(&arm64(b"thing"), Bound::default())
        .0;
    write_executable(&main, &bytes);
    assert_eq!(judge(&main).status(), NO_SEAL);
    let info = folder.path().join("Thing.app/Contents/info.PLIST");
    write(&info, &info_plist("Thing", "org.example.thing", "APPL"));
    assert_eq!(judge(&main).status(), NO_SEAL);
    let other = folder.path().join("Thing.app/Contents/MacOS/other");
    write_executable(&other, &bytes);
    judge(&other).assert_clean();
}

/// Nested code that is the main executable of a bundle stands for that bundle.
#[test]
fn nested_files_that_are_main_executables() {
    let build = |is_whole: bool| {
        let mut parent = Parent::new();
        let inner = parent.path("Contents/Helpers/inner");
        let signer = adhoc("org.example.inner");
        let cdhashes = if is_whole {
            contents_bundle(&inner, "inner", "BNDL", &signer)
        } else {
            let contents = inner.join("Contents");
            write(
                &contents.join("Info.plist"),
                &info_plist("inner", "org.example.inner", "BNDL"),
            );
            let (bytes, cdhashes) = signer.sign_all(&slices("inner", EXECUTE), Bound::default());
            write_executable(&contents.join("MacOS/inner"), &bytes);
            cdhashes
        };
        parent
            .nested
            .insert("Helpers/inner/Contents/MacOS/inner".into(), cdhashes);
        let parent = parent.seal();
        (judge(&parent.app()), parent)
    };
    let (judged, parent) = build(true);
    assert_eq!(judged.status(), 0, "{:#?}", judged.findings);
    // Its Info.plist is sealed by both.
    let info = parent.path("Contents/Helpers/inner/Contents/Info.plist");
    write(&info, &[&fs::read(&info).unwrap()[..], b"\n"].concat());
    assert_eq!(judge(&parent.app()).status(), -67030);
    // Signed as a file by itself, it does not know of the bundle.
    let (judged, _parent) = build(false);
    assert_eq!(judged.status(), NO_SEAL);
}

/// Universal files: macOS tells slices apart by the entries of the universal header.
#[test]
fn slices_by_what_the_universal_header_says() {
    let (one, other) = (x86_64(&[1; 9000]), arm64(&[2; 9000]));
    let sound = adhoc("tool").sign(&other, Bound::default()).0;
    // Both slices say arm64 of themselves; the entries do not.
    let both = universal(&[(&one, other.build(None)), (&other, sound.clone())]);
    let judged = judge_bytes(&both);
    assert_eq!(judged.verdict(), (UNSIGNED, None, None));
    assert_eq!(judged.evidence.code[0].format, "Mach-O universal (x86_64 arm64)");
    // Both entries say arm64: the second is none.
    let intel = universal(&[(&other, sound.clone()), (&other, one.build(None))]);
    assert_eq!(judge_bytes(&intel).status(), 0);
    assert_ne!(judge_bytes(&intel).rules(), Vec::<&str>::new());
}

/// Neither `codesign` nor the kernel reads a universal header with its bytes swapped.
#[test]
fn universal_headers_with_swapped_bytes() {
    let (one, other) = (x86_64(&[1; 9000]), arm64(&[2; 9000]));
    let signer: Signer = adhoc("tool");
    let sign = |thin: &Thin| signer.sign(thin, Bound::default()).0;
    let mut bytes = universal(&[(&one, sign(&one)), (&other, sign(&other))]);
    judge_bytes(&bytes).assert_clean();
    for word in bytes[..48].chunks_exact_mut(4) {
        word.reverse();
    }
    let judged = judge_bytes(&bytes);
    assert_eq!(judged.verdict(), (UNSIGNED, None, None));
    assert_eq!(judged.evidence.code[0].format, "generic");
}

/// The other Info.plist is read by CoreFoundation and by nobody who only knows XML, or the other way round.
#[test]
fn lists_that_readers_read_differently() {
    let names = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let contents = folder.path().join("Thing.app/Contents");
        write(&contents.join("Info.plist"), text.as_bytes());
        write_executable(&contents.join("MacOS/Thing"), &unsigned());
        let none = BTreeMap::new();
        sign(
            &contents,
            "MacOS/good",
            &code(),
            &adhoc("org.example.thing"),
            &none,
        );
        judge(&folder.path().join("Thing.app"))
    };
    let key = "<key>CFBundleExecutable</key>";
    assert_eq!(
        names(&format!("<dict>{key}<string>good</string></dict>")).status(),
        0
    );
    for text in [
        format!("<plist><dict>{key}<string>go<!-- c -->od</string></dict></plist>"),
        format!("<plist><dict>{key}<string>good</string></dict>"),
        format!("<plist><dict>{key}<string>good</string></dict><dict/></plist>"),
        format!("<dict>{key}<string>good</string><key>a</key><data/></dict>"),
        format!("<dict>{key}<string>good</string><key>a</key><true>1</true></dict>"),
        format!("<dict>{key}<string>good</string a=\"b\"></dict>"),
    ] {
        assert_eq!(names(&text).status(), UNSIGNED, "{text}");
    }
    // What macOS reads and sealcheck does not is not judged by what the name of the bundle says.
    for text in [
        format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?><dict>{key}<string>good</string></dict>"),
        format!("<?xml version=\"1.0\" encoding=\"x-mac-roman\"?><dict>{key}<string>good</string></dict>"),
        format!(
            "{{ CFBundleExecutable = good; Deep = {}; }}",
            "(".repeat(129) + &")".repeat(129)
        ),
    ] {
        let verdict = names(&text).evidence.codesign;
        assert_eq!(
            (verdict.valid(), verdict.not_judged()),
            (None, Some(NotJudged::Budget)),
            "{text}"
        );
    }
}

/// Work does not grow with the square of the files in one folder: each was asked about every folder around it, and each question
/// went through all names without regard to case.
#[test]
fn crowds_of_small_files_in_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let contents = folder.path().join("Thing.app/Contents");
    write(
        &contents.join("Info.plist"),
        &info_plist("Thing", "org.example.thing", "APPL"),
    );
    let file = [0xcf_u8, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1].repeat(4);
    for number in 0..5000 {
        write(&contents.join(format!("Resources/crowd.d/é{number}")), &file);
    }
    let start = std::time::Instant::now();
    let judged = judge(&folder.path().join("Thing.app"));
    assert_eq!(judged.status(), UNSIGNED);
    assert_eq!(judged.evidence.code.len(), 5001);
    // It takes a second, and took minutes.
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
