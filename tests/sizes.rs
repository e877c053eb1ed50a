//! Many files, long paths, deep nesting, and names that a Mac might take for one: the right verdict, in bounded time.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use sealcheck::finding::Severity;
use sealcheck::verify::NotJudged;

use crate::support::bundle::{info_plist, sign, slices, write};
use crate::support::codesign::Parent;
use crate::support::judge::judge;
use crate::support::macho::EXECUTE;
use crate::support::signature::adhoc;

/// Names are compared as they are stored: a Mac's volume keeps the spelling of a name, and so do seals.
#[test]
fn names_that_differ_in_case() {
    let parent = Parent::new().seal();
    fs::rename(parent.resource("b"), parent.resource("B")).unwrap();
    let judged = judge(&parent.app());
    assert_eq!(judged.verdict(), (-67054, None, None));
    assert_eq!(
        judged.files(),
        [
            &["Contents/Resources/B".to_owned()][..],
            &[],
            &["Contents/Resources/b".to_owned()]
        ]
    );
    assert!(judged.of("case-collision").is_empty());
    // Both are there and sealed: no usual volume could hold them.
    let parent = Parent::new();
    write(&parent.resource("A"), b"another");
    write(&parent.resource("Fr.lproj/x"), b"x");
    let parent = parent.seal();
    let judged = judge(&parent.app());
    judged.assert_tolerated("case-collision", Severity::Warning);
    let paths: Vec<_> = judged
        .findings
        .iter()
        .map(|finding| finding.path.as_str())
        .collect();
    assert_eq!(paths, ["Contents/Resources/a", "Contents/Resources/fr.lproj"]);
}

/// The composed and the decomposed form of a letter.
#[test]
fn names_that_differ_in_normalisation() {
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    let parent = Parent::new();
    write(&parent.resource(composed), b"x");
    let parent = parent.seal();
    judge(&parent.app()).assert_clean();
    fs::rename(parent.resource(composed), parent.resource(decomposed)).unwrap();
    let judged = judge(&parent.app());
    assert_eq!(judged.verdict(), (-67054, None, None));
    assert_eq!(
        judged.files(),
        [
            &[format!("Contents/Resources/{decomposed}")][..],
            &[],
            &[format!("Contents/Resources/{composed}")]
        ]
    );
    let parent = Parent::new();
    write(&parent.resource(composed), b"x");
    write(&parent.resource(decomposed), b"y");
    judge(&parent.seal().app()).assert_clean();
}

/// Row 102 of specification 12.E: no Mac volume stores such a name, so nothing is concluded from it.
#[test]
fn names_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let parent = Parent::new().seal();
    let name = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    fs::write(parent.resource("").join(name), b"x").unwrap();
    let verdict = judge(&parent.app()).evidence.codesign;
    assert_ne!(verdict.valid(), Some(true));
}

#[test]
fn paths_of_more_than_a_thousand_bytes() {
    let parent = Parent::new();
    let folders = vec!["f".repeat(200); 8].join("/");
    let place = format!("{folders}/{}", "n".repeat(255));
    write(&parent.resource(&place), b"deep");
    let parent = parent.seal();
    judge(&parent.app()).assert_tolerated("path-names", Severity::Warning);
    write(&parent.resource(&place), b"DEEP");
    let judged = judge(&parent.app());
    assert_eq!(judged.verdict(), (-67054, None, None));
    assert_eq!(judged.files()[1], [format!("Contents/Resources/{place}")]);
}

/// Apps in apps; the root, and the paths of all.
fn nested_apps(levels: usize) -> (tempfile::TempDir, Vec<std::path::PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let mut roots = vec![folder.path().join("L.app")];
    for _ in 1..levels {
        roots.push(roots.last().unwrap().join("Contents/Helpers/L.app"));
    }
    let mut nested = BTreeMap::new();
    for (level, root) in roots.iter().enumerate().rev() {
        let contents = root.join("Contents");
        write(&contents.join("Info.plist"), &info_plist("L", "l", "APPL"));
        write(&contents.join("Resources/a"), b"a");
        let code = slices(&format!("level {level} "), EXECUTE);
        let hashes = sign(&contents, "MacOS/L", &code[1..], &adhoc("l"), &nested);
        nested = BTreeMap::from([("Helpers/L.app".to_owned(), hashes)]);
    }
    (folder, roots)
}

/// Row 103: 64 levels below the item are verified, more are not judged.
#[test]
fn sixty_four_levels() {
    let start = Instant::now();
    let (_folder, roots) = nested_apps(65);
    let judged = judge(&roots[0]);
    assert_eq!((judged.status(), judged.evidence.code.len()), (0, 65));
    write(&roots[64].join("Contents/Resources/a"), b"x");
    let judged = judge(&roots[0]);
    assert_eq!(judged.status(), -67054);
    let deepest = roots[64].strip_prefix(&roots[0]).unwrap().to_str().unwrap();
    assert_eq!(judged.evidence.codesign.subcomponent(), Some(deepest));
    let (_folder, roots) = nested_apps(66);
    let verdict = judge(&roots[0]).evidence.codesign;
    assert_eq!(
        (verdict.valid(), verdict.not_judged()),
        (None, Some(NotJudged::Limit("nesting")))
    );
    // A failure that is proven is one whatever lies below.
    write(&roots[3].join("Contents/Resources/a"), b"x");
    assert_eq!(judge(&roots[0]).evidence.codesign.valid(), Some(false));
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

/// Row 104: property lists that are deeper than any budget are malformed.
#[test]
fn property_lists_that_never_end() {
    let deep =
        |open: &str, close: &str| format!("<plist>{}{}</plist>", open.repeat(100_000), close.repeat(100_000));
    for text in [
        deep("<array>", "</array>"),
        deep("<dict><key>a</key>", "</dict>"),
        "<plist><array>".repeat(50_000),
    ] {
        let parent = Parent::new();
        write(&parent.path("Contents/Info.plist"), text.as_bytes());
        let start = Instant::now();
        // It is bound and whole, and no dictionary: the executable has the name of the bundle then.
        let mut parent = parent;
        parent.slices.truncate(1);
        sign(
            &parent.path("Contents"),
            "MacOS/Parent",
            &parent.slices,
            &adhoc("parent"),
            &BTreeMap::new(),
        );
        let judged = judge(&parent.app());
        assert_eq!(judged.status(), 0);
        assert_eq!(
            judged.evidence.codesign.satisfies_designated_requirement(),
            Some(false),
            "no requirement can be evaluated beside it"
        );
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}

/// `cargo test --release -- --ignored a_hundred_thousand_files` takes some seconds, most of them to write the files.
#[test]
#[ignore = "writes 100,000 files"]
fn a_hundred_thousand_files() {
    let parent = Parent::new();
    for folder in 0..100 {
        let folder = parent.resource(&format!("folder{folder}"));
        fs::create_dir_all(&folder).unwrap();
        for file in 0..1000 {
            fs::write(folder.join(format!("file{file}.txt")), format!("{file}")).unwrap();
        }
    }
    let parent = parent.seal();
    let start = Instant::now();
    let judged = judge(&parent.app());
    judged.assert_clean();
    let seconds = start.elapsed();
    assert_eq!(judged.evidence.code[0].seal.as_ref().unwrap().files, 100_007);
    assert!(seconds < Duration::from_secs(60), "{seconds:?}");
    write(&parent.resource("folder57/file893.txt"), b"x");
    fs::remove_file(parent.resource("folder3/file1.txt")).unwrap();
    let judged = judge(&parent.app());
    assert_eq!(judged.status(), -67054);
    assert_eq!(judged.files()[1], ["Contents/Resources/folder57/file893.txt"]);
    assert_eq!(judged.files()[2], ["Contents/Resources/folder3/file1.txt"]);
    crate::support::notice(&format!("100,000 files took {seconds:?}"));
}
