//! Where resource forks and Finder information count (`BundleDiskRep::strictValidateStructure`, `SecStaticCode::validateResource`).
//!
//! Attributes are tested where the file system takes them under the names that Linux demands; elsewhere the tests say so.

use std::fs;
use std::os::unix::fs::symlink;

use sealcheck::verify::{CodesignFlags, Options};

use crate::parity_links::attach;
use crate::support::bundle::{framework, write};
use crate::support::codesign::{Parent, Said, codesign};
use crate::support::judge::{judge, judge_with, lenient};

use crate::support::signature::adhoc;

const ATTACHED: i32 = -66999;
const MESSAGE: &str = "resource fork, Finder information, or similar detritus not allowed";
const BOTH: [&str; 2] = ["FinderInfo", "ResourceFork"];

/// The line about an attribute, behind `$D/Parent.app/`.
fn line(attribute: &str, place: &str) -> String {
    format!("file with invalid attached data: Disallowed xattr com.apple.{attribute} found on $D/{place}")
}

/// An app with a framework in it.
fn with_framework() -> (Parent, std::path::PathBuf) {
    let mut parent = Parent::new();
    let root = parent.path("Contents/Frameworks/F.framework");
    let hashes = framework(&root, "F", "code ", &adhoc("org.example.f"));
    parent.nested.insert("Frameworks/F.framework".into(), hashes);
    (parent.seal(), root)
}

/// The folder of a bundle that counts is the one of the selected version (`copyCanonicalPath` after `setup`).
#[test]
fn the_version_of_a_framework_is_its_root() {
    for attribute in BOTH {
        // Of a nested framework, the framework fails.
        let (parent, root) = with_framework();
        if !attach(&root.join("Versions/A"), attribute) {
            return;
        }
        let found = line(
            attribute,
            "Parent.app/Contents/Frameworks/F.framework/Versions/Current/.",
        );
        let failed = Said::new(
            1,
            &[&found],
            &[
                &format!("Parent.app: {MESSAGE}"),
                "In subcomponent: $D/Parent.app/Contents/Frameworks/F.framework",
            ],
        );
        assert_eq!(parent.verify(&["-v"]), failed);
        // Also where nested code is looked at only as far as its own signature.
        assert_eq!(parent.verify(&["-v", "--no-deep"]), failed);
        assert_eq!(judge_with(&parent.app(), &lenient()).status(), 0);
        // Of a framework by itself, by each of its names.
        let folder = root.parent().unwrap();
        for (operand, place) in [
            (&["F.framework"][..], "F.framework/Versions/Current/."),
            (&["--bundle-version=A", "F.framework"], "F.framework/Versions/A/."),
            (&["F.framework/Versions/A"], "F.framework/Versions/A"),
        ] {
            let said = codesign(folder, "verify", &[&["-v"], operand].concat());
            let message = format!("{}: {MESSAGE}", operand.last().unwrap());
            assert_eq!(
                said,
                Said::new(1, &[&line(attribute, place)], &[&message]),
                "{operand:?}"
            );
        }
    }
}

/// The outer folder of a framework is not the root of any code; only the seal around it looks at it.
#[test]
fn the_outer_folder_of_a_framework() {
    for attribute in BOTH {
        let (parent, root) = with_framework();
        if !attach(&root, attribute) {
            return;
        }
        assert_eq!(judge(&root).status(), 0);
        let found = line(attribute, "Parent.app/Contents/Frameworks/F.framework");
        let failed = Said::new(1, &[&found], &[&format!("Parent.app: {MESSAGE}")]);
        assert_eq!(parent.verify(&["-v"]), failed);
        assert_eq!(parent.verify(&["-v", "--no-deep"]), failed);
        assert_eq!(judge_with(&parent.app(), &lenient()).status(), 0);
        // A folder between is nobody's root.
        let (parent, root) = with_framework();
        attach(&root.join("Versions"), attribute);
        assert_eq!((judge(&root).status(), judge(&parent.app()).status()), (0, 0));
    }
}

/// `validateResource` asks for attributes before it looks for the file in the seal.
#[test]
fn attributes_of_what_the_seal_does_not_know() {
    let places = [
        "Contents/Resources/new",
        "Contents/Helpers/new",
        "Contents/Helpers/New.app",
    ];
    for place in places {
        let parent = Parent::new().with_tool().seal();
        match place.ends_with(".app") {
            true => fs::create_dir_all(parent.path(place)).unwrap(),
            false => write(&parent.path(place), b"new"),
        }
        let bare = judge(&parent.app());
        assert_eq!(bare.status(), -67054, "{place}");
        if !attach(&parent.path(place), "FinderInfo") {
            return;
        }
        let judged = judge(&parent.app());
        assert_eq!(judged.verdict(), (ATTACHED, None, None), "{place}");
        assert_eq!(judged.files()[0], [place]);
        let attached = &judged.evidence.codesign.failure().unwrap().attached_data;
        assert_eq!(attached, &[(place.to_owned(), "com.apple.FinderInfo")]);
        assert_eq!(judge_with(&parent.app(), &lenient()).status(), -67054);
    }
    // What the rules leave out is not asked.
    let parent = Parent::new().seal();
    write(&parent.resource(".DS_Store"), b"x");
    attach(&parent.resource(".DS_Store"), "FinderInfo");
    assert_eq!(judge(&parent.app()).status(), 0);
}

/// The same where the file is of another kind than sealed, or is changed.
#[test]
fn attributes_of_what_is_sealed_otherwise() {
    type Change = fn(&Parent);
    let changes: [(&str, Change); 3] = [
        ("Contents/Resources/a", |parent| {
            write(&parent.resource("a"), b"changed")
        }),
        ("Contents/Resources/link", |parent| {
            fs::remove_file(parent.resource("link")).unwrap();
            write(&parent.resource("link"), b"a file");
        }),
        ("Contents/Helpers/tool", |parent| {
            fs::remove_file(parent.path("Contents/Helpers/tool")).unwrap();
            symlink("../Resources/b", parent.path("Contents/Helpers/tool")).unwrap();
        }),
    ];
    for (place, change) in changes {
        let parent = Parent::new().with_tool().seal();
        change(&parent);
        assert_eq!(judge(&parent.app()).status(), -67054, "{place}");
        let follows = fs::canonicalize(parent.path(place)).unwrap();
        if !attach(&follows, "FinderInfo") {
            return;
        }
        let judged = judge(&parent.app());
        assert_eq!(judged.status(), -66999, "{place}");
        let lines = &judged.evidence.codesign.failure().unwrap().attached_data;
        assert!(lines.iter().any(|(path, _)| path == place), "{lines:?}");
        assert_eq!(judged.files()[1], [place]);
    }
}

/// Every link is opened before anything is compared, so the attributes are those of its destination, and a link that leads
/// nowhere ends the walk, sealed or not.
#[test]
fn attributes_behind_links() {
    let parent = Parent::new().seal();
    if !attach(&parent.resource("target"), "ResourceFork") {
        return;
    }
    let said = parent.verify(&["-v", "--strict=sideband"]);
    let lines =
        ["link", "target"].map(|name| line("ResourceFork", &format!("Parent.app/Contents/Resources/{name}")));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(said, Said::new(1, &lines, &[&format!("Parent.app: {MESSAGE}")]));
    for (target, status) in [
        ("absent", 100_002),
        ("new", 100_062),
        ("a/", 100_020),
        ("b", -67054),
    ] {
        let parent = Parent::new().seal();
        symlink(target, parent.resource("new")).unwrap();
        let judged = judge(&parent.app());
        assert_eq!(judged.verdict(), (status, None, None), "{target}");
        assert_eq!(judge_with(&parent.app(), &lenient()).status(), -67054);
    }
}

/// `validateMetaDirectory` runs before the attributes of the root are read, and throws at once where something is not a file.
#[test]
fn strangers_in_the_signature_folder_and_attributes_of_the_root() {
    type Change = fn(&Parent);
    let only_structure = Options {
        flags: CodesignFlags {
            resources: false,
            ..CodesignFlags::default()
        },
        ..Options::default()
    };
    let meta = "Contents/_CodeSignature";
    let changes: [(Change, i32); 4] = [
        (
            |parent| fs::create_dir(parent.path("Contents/_CodeSignature/folder")).unwrap(),
            -67014,
        ),
        (
            |parent| {
                symlink(
                    "CodeResources",
                    parent.path("Contents/_CodeSignature/CodeSignature"),
                )
                .unwrap()
            },
            -67014,
        ),
        // A file is noted, and the attributes are read before the note.
        (
            |parent| write(&parent.path("Contents/_CodeSignature/rogue"), b"x"),
            ATTACHED,
        ),
        (|parent| write(&parent.path("rogue"), b"x"), ATTACHED),
    ];
    for (change, expected) in changes {
        let parent = Parent::new().seal();
        assert!(parent.path(meta).is_dir());
        change(&parent);
        assert_eq!(judge(&parent.app()).status(), -67014);
        if !attach(&parent.app(), "FinderInfo") {
            return;
        }
        let judged = judge(&parent.app());
        assert_eq!(judged.status(), expected);
        assert_eq!(judge_with(&parent.app(), &only_structure).status(), expected);
        assert_eq!(judge_with(&parent.app(), &lenient()).status(), 0);
    }
}
