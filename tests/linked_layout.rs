//! Bundles whose parts are links: what is read through them, and what lies outside of the item.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use sealcheck::verify::{CodesignFlags, Options};

use crate::support::bundle::{codeless, framework, write};
use crate::support::codesign::Parent;
use crate::support::judge::{judge, judge_with, lenient};
use crate::support::signature::adhoc;

const SEAL: i32 = -67023;
const ROOT: i32 = -67014;
const FRAMEWORK: i32 = -67008;
const NO_BUNDLE: i32 = -67028;

fn without_resources() -> Options {
    Options {
        flags: CodesignFlags {
            resources: false,
            ..CodesignFlags::default()
        },
        ..Options::default()
    }
}

/// Moves something into the folder of the store receipt, which every seal leaves out, and puts a link in its place.
fn replace_by_link(parent: &Parent, place: &str, target: &str) {
    let name = place.rsplit('/').next().unwrap();
    fs::create_dir_all(parent.path("Contents/_MASReceipt")).unwrap();
    fs::rename(parent.path(place), parent.path("Contents/_MASReceipt").join(name)).unwrap();
    symlink(target, parent.path(place)).unwrap();
}

/// `BundleDiskRep::metaData` opens the files of the signature by their paths, and `validateMetaDirectory` opens the folder by its
/// path: a link in the place of `_CodeSignature` is followed by both, and the walk leaves it out by its name.
#[test]
fn the_folder_of_the_signature_is_a_link() {
    let link = |target: &str| {
        let parent = Parent::new().with_tool().seal();
        replace_by_link(&parent, "Contents/_CodeSignature", target);
        parent
    };
    let parent = link("_MASReceipt/_CodeSignature");
    for options in [Options::default(), lenient(), without_resources()] {
        assert_eq!(judge_with(&parent.app(), &options).status(), 0);
    }
    // What is in the folder counts as if it were there.
    fs::create_dir(parent.path("Contents/_MASReceipt/_CodeSignature/folder")).unwrap();
    assert_eq!(judge(&parent.app()).status(), ROOT);
    let seal = parent.path("Contents/_MASReceipt/_CodeSignature/CodeResources");
    write(&seal, b"another");
    assert_eq!(judge(&parent.app()).status(), SEAL);
    // Two links on the way, one of them over the parent folder.
    let parent = link("../Contents/_MASReceipt/link");
    symlink("_CodeSignature", parent.path("Contents/_MASReceipt/link")).unwrap();
    assert_eq!(judge(&parent.app()).status(), 0);
    // A link that leads nowhere, in a circle, to a file, or out of the item, where nothing is read.
    for (target, structure) in [
        ("absent", 0),
        ("_CodeSignature", 100_062),
        ("Info.plist", 100_020),
        ("../../outside", ROOT),
    ] {
        let parent = link(target);
        let outside = parent.folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        let seal = fs::read(parent.path("Contents/_MASReceipt/_CodeSignature/CodeResources")).unwrap();
        write(&outside.join("CodeResources"), &seal);
        assert_eq!(judge(&parent.app()).status(), SEAL, "{target}");
        assert_eq!(judge_with(&parent.app(), &lenient()).status(), SEAL, "{target}");
        let status = judge_with(&parent.app(), &without_resources()).status();
        assert_eq!(status, structure, "{target}");
    }
}

/// The same for the components of code that is signed beside itself.
#[test]
fn components_behind_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Data.bundle");
    codeless(&root, &adhoc("com.example.data"));
    let contents = root.join("Contents");
    let copy = contents.join("_MASReceipt/meta");
    fs::create_dir(contents.join("_MASReceipt")).unwrap();
    fs::rename(contents.join("_CodeSignature"), &copy).unwrap();
    symlink("_MASReceipt/meta", contents.join("_CodeSignature")).unwrap();
    assert_eq!(judge(&root).status(), 0);
    // A single component that is a link is read, and strict rules want a file there.
    fs::remove_file(contents.join("_CodeSignature")).unwrap();
    fs::rename(&copy, contents.join("_CodeSignature")).unwrap();
    let directory = contents.join("_CodeSignature/CodeDirectory");
    fs::rename(&directory, contents.join("_MASReceipt/CodeDirectory")).unwrap();
    symlink("../_MASReceipt/CodeDirectory", &directory).unwrap();
    assert_eq!(judge(&root).status(), ROOT);
    assert_eq!(judge_with(&root, &lenient()).status(), 0);
    write(&contents.join("_MASReceipt/CodeDirectory"), b"another");
    assert_ne!(judge_with(&root, &lenient()).status(), 0);
}

/// A link in the place of `CodeResources` is read (`cfLoadFile`), and `validateMetaDirectory` refuses what is not a file.
#[test]
fn the_seal_is_a_link() {
    let link = |target: &str| {
        let parent = Parent::new().with_tool().seal();
        replace_by_link(&parent, "Contents/_CodeSignature/CodeResources", target);
        parent
    };
    for target in [
        "../_MASReceipt/CodeResources",
        "../../Contents/_MASReceipt/CodeResources",
    ] {
        let parent = link(target);
        assert_eq!(judge(&parent.app()).verdict(), (ROOT, None, None), "{target}");
        assert_eq!(judge_with(&parent.app(), &lenient()).status(), 0, "{target}");
        assert_eq!(judge_with(&parent.app(), &without_resources()).status(), ROOT);
        write(&parent.path("Contents/_MASReceipt/CodeResources"), b"another");
        assert_eq!(judge(&parent.app()).status(), SEAL, "{target}");
    }
    for target in ["absent", "CodeResources", "../../../outside"] {
        let parent = link(target);
        let seal = fs::read(parent.path("Contents/_MASReceipt/CodeResources")).unwrap();
        write(&parent.folder.path().join("outside"), &seal);
        assert_eq!(judge(&parent.app()).status(), SEAL, "{target}");
        assert_eq!(judge_with(&parent.app(), &lenient()).status(), SEAL, "{target}");
    }
}

/// A framework, with a good copy of its version beside the framework.
fn framework_and_copy(folder: &Path) -> std::path::PathBuf {
    let root = folder.join("In/F.framework");
    framework(&root, "F", "code ", &adhoc("f"));
    let status = std::process::Command::new("cp")
        .arg("-R")
        .args([root.join("Versions/A"), folder.join("good")])
        .status();
    assert!(status.unwrap().success());
    root
}

/// `validateFrameworkRoot` judges a link by its text. What is outside of the item is not read, so without strict rules it is not
/// a bundle.
#[test]
fn the_current_version_is_outside_of_the_framework() {
    type Change = fn(&Path);
    let changes: [Change; 4] = [
        |root| {
            fs::remove_file(root.join("Versions/Current")).unwrap();
            symlink("../../../good", root.join("Versions/Current")).unwrap();
        },
        |root| {
            fs::remove_file(root.join("Versions/Current")).unwrap();
            let outside = root.parent().unwrap().parent().unwrap().join("good");
            symlink(outside, root.join("Versions/Current")).unwrap();
        },
        // By a second link, while the text of the first is that of a version.
        |root| {
            fs::remove_dir_all(root.join("Versions/A")).unwrap();
            symlink("../../../good", root.join("Versions/A")).unwrap();
        },
        |root| {
            let outside = root.parent().unwrap().parent().unwrap().join("versions");
            fs::rename(root.join("Versions"), outside).unwrap();
            symlink("../../versions", root.join("Versions")).unwrap();
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let root = framework_and_copy(folder.path());
        assert_eq!(judge(&root).status(), 0);
        change(&root);
        assert_eq!(judge(&root).verdict(), (FRAMEWORK, None, None), "{number}");
        assert_eq!(judge_with(&root, &lenient()).status(), NO_BUNDLE, "{number}");
        // What is still in the item is read.
        let inside = judge(root.parent().unwrap());
        assert_eq!(inside.evidence.codesign.valid(), Some(false), "{number}");
    }
    // Inside of the item, the copy is read: the version is good, its place is not.
    let folder = tempfile::tempdir().unwrap();
    let mut parent = Parent::new();
    let root = parent.path("Contents/Frameworks/F.framework");
    let hashes = framework(&root, "F", "code ", &adhoc("f"));
    parent.nested.insert("Frameworks/F.framework".into(), hashes);
    fs::rename(root.join("Versions/A"), parent.path("Contents/Resources/good")).unwrap();
    fs::remove_file(root.join("Versions/Current")).unwrap();
    symlink("../../../Resources/good", root.join("Versions/Current")).unwrap();
    let parent = parent.seal();
    let judged = judge(&parent.app());
    let nested = Some("Contents/Frameworks/F.framework");
    assert_eq!(judged.verdict(), (FRAMEWORK, nested, None));
    assert_eq!(judge_with(&parent.app(), &lenient()).status(), 0);
    drop(folder);
}

/// The same for an app whose `Contents`, and for code whose main executable is a link out of the item.
#[test]
fn other_links_out_of_the_item() {
    let parent = Parent::new().seal();
    let outside = parent.folder.path().join("contents");
    fs::rename(parent.path("Contents"), &outside).unwrap();
    symlink("../contents", parent.path("Contents")).unwrap();
    assert_eq!(judge(&parent.app()).status(), ROOT);
    assert_eq!(judge_with(&parent.app(), &lenient()).status(), NO_BUNDLE);
    let parent = Parent::new().seal();
    let main = parent.path("Contents/MacOS/hello");
    fs::rename(&main, parent.folder.path().join("main")).unwrap();
    symlink("../../../main", &main).unwrap();
    assert_eq!(judge(&parent.app()).status(), -67015);
    assert_eq!(judge_with(&parent.app(), &lenient()).status(), NO_BUNDLE);
}
