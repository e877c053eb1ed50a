//! Names that are sealed in one Unicode form and stored in the other. Seals compare names literally (`validateResources`); the file
//! system of a Mac finds both forms, so what macOS looks for by name is found.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::bundle::{framework, info_plist, sign, slices, write};
use crate::support::codesign::Parent;
use crate::support::judge::{judge, judge_with, lenient};
use crate::support::macho::{DYLIB, EXECUTE};
use crate::support::signature::adhoc;

/// Composed and decomposed.
const FORMS: [&str; 2] = ["Caf\u{e9}", "Cafe\u{301}"];
const RESOURCE: i32 = -67054;

/// Each form with the other.
fn directions() -> [[&'static str; 2]; 2] {
    [[FORMS[0], FORMS[1]], [FORMS[1], FORMS[0]]]
}

fn rename(folder: &Path, from: &str, to: &str) {
    fs::rename(folder.join(from), folder.join(to)).unwrap();
}

#[test]
fn a_resource_in_another_form_is_added_and_missing() {
    for [sealed, stored] in directions() {
        let parent = Parent::new();
        write(&parent.resource(sealed), b"x");
        let parent = parent.seal();
        assert_eq!(judge(&parent.app()).status(), 0);
        rename(&parent.path("Contents/Resources"), sealed, stored);
        let judged = judge(&parent.app());
        assert_eq!(judged.verdict(), (RESOURCE, None, None));
        let path = |name: &str| vec![format!("Contents/Resources/{name}")];
        assert_eq!(judged.files(), [&path(stored)[..], &[], &path(sealed)[..]]);
        assert_eq!(judged.rules(), ["unicode-normalization"]);
    }
}

#[test]
fn nested_code_in_another_form_is_added_and_missing() {
    for [sealed, stored] in directions() {
        for extension in ["framework", "tool"] {
            let mut parent = Parent::new();
            let folder = match extension {
                "framework" => "Frameworks",
                _ => "Helpers",
            };
            let name = |form: &str| format!("{folder}/{form}.{extension}");
            match extension {
                "framework" => {
                    let root = parent.path("Contents").join(name(sealed));
                    let hashes = framework(&root, sealed, "code ", &adhoc("org.example.f"));
                    parent.nested.insert(name(sealed), hashes);
                }
                _ => parent.add_tool(&name(sealed), &adhoc("org.example.tool")),
            }
            let parent = parent.seal();
            assert_eq!(judge(&parent.app()).status(), 0);
            rename(&parent.path("Contents"), &name(sealed), &name(stored));
            let judged = judge(&parent.app());
            assert_eq!(judged.verdict(), (RESOURCE, None, None));
            let path = |form: &str| vec![format!("Contents/{}", name(form))];
            assert_eq!(judged.files(), [&path(stored)[..], &[], &path(sealed)[..]]);
            assert_eq!(
                judged.rules(),
                ["unicode-normalization"],
                "{:#?}",
                judged.findings
            );
        }
    }
}

/// `CFBundleExecutable` finds its file in either form, and the seal leaves the main executable out.
#[test]
fn the_main_executable_in_another_form_is_found() {
    for [named, stored] in directions() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("App.app");
        let contents = root.join("Contents");
        let info = info_plist(named, "org.example.app", "APPL");
        write(&contents.join("Info.plist"), &info);
        let code = slices("code ", EXECUTE);
        let main = format!("MacOS/{named}");
        sign(
            &contents,
            &main,
            &code,
            &adhoc("org.example.app"),
            &BTreeMap::new(),
        );
        assert_eq!(judge(&root).status(), 0);
        rename(&contents.join("MacOS"), named, stored);
        let judged = judge(&root);
        assert_eq!(judged.verdict(), (0, None, None), "{:?}", judged.files());
        assert_eq!(judged.rules(), Vec::<&str>::new(), "{:#?}", judged.findings);
        crate::support::flip(&contents.join("MacOS").join(stored), 0x5010);
        let broken = judge(&root);
        assert_eq!(broken.status(), -67061);
        // The page of a widget.
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("App.framework");
        let hashes = framework(&root, named, "code ", &adhoc("org.example.f"));
        assert!(!hashes.is_empty());
        rename(&root.join("Versions/A"), named, stored);
        assert_eq!(judge(&root).verdict(), (0, None, None));
    }
}

/// What a link says in one form is found in the other: a version, the folder of the signature, a destination.
#[test]
fn links_find_names_in_another_form() {
    for [said, stored] in directions() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("F.framework");
        let version = root.join("Versions").join(stored);
        write(
            &version.join("Resources/Info.plist"),
            &info_plist("F", "f", "FMWK"),
        );
        symlink(said, root.join("Versions/Current")).unwrap();
        symlink("Versions/Current/Resources", root.join("Resources")).unwrap();
        symlink("Versions/Current/F", root.join("F")).unwrap();
        let code = slices("code ", DYLIB);
        sign(&version, "F", &code, &adhoc("f"), &BTreeMap::new());
        assert_eq!(judge(&root).verdict(), (0, None, None));
        let parent = Parent::new().seal();
        let receipt = parent.path("Contents/_MASReceipt");
        fs::create_dir(&receipt).unwrap();
        fs::rename(parent.path("Contents/_CodeSignature"), receipt.join(stored)).unwrap();
        symlink(
            format!("_MASReceipt/{said}"),
            parent.path("Contents/_CodeSignature"),
        )
        .unwrap();
        assert_eq!(judge(&parent.app()).verdict(), (0, None, None));
        // The destination is there; that the names changed is another fault.
        let parent = Parent::new();
        write(&parent.resource(said), b"x");
        symlink(said, parent.resource("to")).unwrap();
        let parent = parent.seal();
        rename(&parent.path("Contents/Resources"), said, stored);
        assert_eq!(judge(&parent.app()).status(), RESOURCE);
        assert_eq!(judge_with(&parent.app(), &lenient()).status(), RESOURCE);
    }
}

/// All names of an app at once, as after a copy to HFS+.
#[test]
fn an_app_with_all_names_in_another_form() {
    for [sealed, stored] in directions() {
        let mut parent = Parent::new();
        write(
            &parent.path("Contents/Info.plist"),
            &info_plist(sealed, "org.example.parent", "APPL"),
        );
        write(&parent.resource(sealed), b"x");
        parent.add_tool(&format!("Helpers/{sealed}"), &adhoc("org.example.tool"));
        crate::support::bundle::sign(
            &parent.path("Contents"),
            &format!("MacOS/{sealed}"),
            &parent.slices,
            &parent.signer,
            &parent.nested,
        );
        assert_eq!(judge(&parent.app()).status(), 0);
        for place in ["Contents/Resources", "Contents/Helpers", "Contents/MacOS"] {
            rename(&parent.path(place), sealed, stored);
        }
        let judged = judge(&parent.app());
        assert_eq!(judged.verdict(), (RESOURCE, None, None));
        let paths = |form: &str| ["Helpers", "Resources"].map(|folder| format!("Contents/{folder}/{form}"));
        assert_eq!(judged.files(), [&paths(stored)[..], &[], &paths(sealed)[..]]);
        assert_eq!(
            judged.rules(),
            ["unicode-normalization"],
            "{:#?}",
            judged.findings
        );
    }
}

/// A name in another case is a file that was added, as before.
#[test]
fn a_main_executable_in_another_case_is_not_left_out() {
    let parent = Parent::new().seal();
    rename(&parent.path("Contents/MacOS"), "hello", "Hello");
    let judged = judge(&parent.app());
    assert_eq!(judged.verdict(), (RESOURCE, None, None));
    assert_eq!(judged.files()[0], ["Contents/MacOS/Hello"]);
}
