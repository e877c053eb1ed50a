//! Specification 12.E, first part: what bundles, frameworks and `_CodeSignature` may hold, and which file is which.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use sealcheck::finding::Severity;

use crate::support::bundle::{contents_bundle, framework, info_plist, sign, slices, write, write_executable};
use crate::support::codesign::Parent;
use crate::support::judge::{Judged, judge, judge_with, lenient};
use crate::support::macho::{DYLIB, EXECUTE, arm64};
use crate::support::signature::{ADHOC, Bound, LINKER_SIGNED, Signer, adhoc};

const ROOT: i32 = -67014;
const RESOURCE: i32 = -67054;

fn changed(change: impl Fn(&Parent)) -> (Judged, Parent) {
    let parent = Parent::new().with_tool().seal();
    change(&parent);
    (judge(&parent.app()), parent)
}

/// The verdict after a change, and what remains of it without strict rules.
#[track_caller]
fn strict_only(status: i32, rule: &str, change: impl Fn(&Parent)) {
    let (judged, parent) = changed(change);
    assert_eq!(judged.verdict(), (status, None, None));
    assert!(judged.rules().contains(&rule), "{:?}", judged.rules());
    assert_eq!(judge_with(&parent.app(), &lenient()).status(), 0);
}

#[test]
fn nothing_odd_about_a_usual_bundle() {
    changed(|_| {}).0.assert_clean();
}

/// Row 66, with the files that the root may hold.
#[test]
fn files_beside_contents() {
    strict_only(ROOT, "bundle-root-unsealed", |p| write(&p.path("notes"), b"x"));
    strict_only(ROOT, "bundle-root-unsealed", |p| {
        fs::create_dir(p.path("more")).unwrap()
    });
    strict_only(ROOT, "bundle-root-unsealed", |p| {
        symlink("Contents", p.path("link")).unwrap()
    });
    strict_only(ROOT, "bundle-root-unsealed", |p| {
        write_executable(&p.path("Icon\r"), b"x")
    });
    for name in [".LSOverride", ".DS_Store", "Icon\r", ".SoftwareDepot.tracking"] {
        changed(|p| write(&p.path(name), b"x")).0.assert_clean();
    }
    // A link in the place of Contents.
    strict_only(ROOT, "bundle-root-unsealed", |p| {
        fs::rename(p.path("Contents"), p.folder.path().join("elsewhere")).unwrap();
        fs::rename(p.folder.path().join("elsewhere"), p.path("Real")).unwrap();
        symlink("Real", p.path("Contents")).unwrap();
    });
}

/// Rows 67 and 68.
#[test]
fn places_that_every_seal_leaves_out() {
    let (judged, _parent) = changed(|p| write(&p.path("Contents/_MASReceipt/payload"), b"x"));
    judged.assert_tolerated("unsealed-hiding-place", Severity::Warning);
    assert_eq!(judged.findings[0].path, "Contents/_MASReceipt/payload");
    let (judged, _parent) = changed(|p| write(&p.path("Contents/CodeResources/deep/payload"), b"x"));
    judged.assert_tolerated("unsealed-hiding-place", Severity::Warning);
    // The receipt itself belongs there.
    changed(|p| write(&p.path("Contents/_MASReceipt/receipt"), b"x"))
        .0
        .assert_clean();
    // The same names one level down are ordinary files.
    let (judged, _parent) = changed(|p| write(&p.resource("_MASReceipt/payload"), b"x"));
    assert_eq!(judged.status(), RESOURCE);
}

fn framework_in(folder: &Path) -> std::path::PathBuf {
    let root = folder.join("F.framework");
    framework(&root, "F", "code ", &adhoc("f"));
    root
}

/// Rows 78 and 79, with what a framework's root must hold (specification 6.4).
#[test]
fn roots_of_frameworks() {
    let judged = |change: fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        let root = framework_in(folder.path());
        change(&root);
        (
            judge(&root),
            judge_with(&root, &lenient()).evidence.codesign.status(),
        )
    };
    judged(|_| {}).0.assert_clean();
    for change in [
        (|root| write(&root.join("README"), b"x")) as fn(&Path),
        |root| fs::create_dir(root.join("Headers")).unwrap(),
        |root| symlink("Versions/A/Other", root.join("Headers")).unwrap(),
        |root| write(&root.join("Versions/stray"), b"x"),
        // As unpacked by a tool without links.
        |root| {
            fs::remove_file(root.join("Versions/Current")).unwrap();
            let status = std::process::Command::new("cp")
                .arg("-R")
                .args([root.join("Versions/A"), root.join("Versions/Current")])
                .status();
            assert!(status.unwrap().success());
        },
    ] {
        let (judged, without_strict) = judged(change);
        assert_eq!(judged.verdict(), (-67008, None, None));
        let rules = judged.rules();
        assert!(rules.contains(&"bundle-root-unsealed") || rules.contains(&"framework-flattened"));
        assert_eq!(without_strict, None);
    }
    let (judged, _) = judged(|root| symlink("Versions/Current/Resources", root.join("Resources2")).unwrap());
    assert_eq!(judged.status(), -67008);
    // Current leads out of the framework: there is no version to be judged here.
    let folder = tempfile::tempdir().unwrap();
    let root = framework_in(folder.path());
    framework(&folder.path().join("evil.framework"), "F", "evil ", &adhoc("f"));
    fs::remove_file(root.join("Versions/Current")).unwrap();
    symlink("../../evil.framework/Versions/A", root.join("Versions/Current")).unwrap();
    assert_eq!(judge(&root).evidence.codesign.valid(), Some(false));
    // It leads elsewhere in the framework, but by more than a name.
    let root = framework_in(&folder.path().join("second"));
    fs::remove_file(root.join("Versions/Current")).unwrap();
    symlink("../Versions/A", root.join("Versions/Current")).unwrap();
    assert_eq!(judge(&root).verdict(), (-67008, None, None));
}

/// Rows 77 and 78 inside of an app.
#[test]
fn frameworks_inside_of_apps() {
    let build = |change: &dyn Fn(&Path)| {
        let mut parent = Parent::new();
        let root = parent.path("Contents/Frameworks/F.framework");
        let hashes = framework(&root, "F", "code ", &adhoc("f"));
        parent.nested.insert("Frameworks/F.framework".into(), hashes);
        let parent = parent.seal();
        change(&root);
        (judge(&parent.app()), parent)
    };
    build(&|_| {}).0.assert_clean();
    let place = "Contents/Frameworks/F.framework";
    let (judged, _parent) = build(&|root| write(&root.join("README"), b"x"));
    assert_eq!(judged.verdict(), (-67008, Some(place), None));
    let (judged, _parent) = build(&|root| {
        let version = root.join("Versions/B");
        write(
            &version.join("Resources/Info.plist"),
            &info_plist("F", "f", "FMWK"),
        );
        write_executable(&version.join("F"), &arm64(b"unsigned").build(None));
    });
    assert_eq!(judged.verdict(), (-67009, Some(place), None));
    assert_eq!(
        judged.message(),
        "embedded framework contains modified or invalid version"
    );
    assert!(judged.rules().contains(&"framework-version-broken"));
}

/// Row 80.
#[test]
fn contents_and_versions() {
    strict_only(ROOT, "bundle-root-unsealed", |p| {
        framework(&p.path("Versions/A/../.."), "Other", "other ", &adhoc("other"));
        for link in ["Resources", "Other"] {
            fs::remove_file(p.path(link)).unwrap();
        }
    });
}

/// Row 84.
#[test]
fn a_main_executable_that_is_a_link() {
    let parent = Parent::new().seal();
    let main = parent.path("Contents/MacOS/hello");
    // A link to the same bytes in a place that no seal covers: the signature is right, the place is not.
    let bytes = fs::read(&main).unwrap();
    fs::rename(&main, parent.path("Contents/_MASReceipt")).unwrap();
    symlink("../_MASReceipt", &main).unwrap();
    assert_eq!(fs::read(&main).unwrap(), bytes);
    let judged = judge(&parent.app());
    assert_eq!(judged.verdict(), (-67015, None, None));
    assert_eq!(
        judged.message(),
        "the main executable or Info.plist must be a regular file (no symlinks, etc.)"
    );
    assert!(judged.rules().contains(&"unsupported-file-in-bundle"));
    assert_eq!(judge_with(&parent.app(), &lenient()).status(), 0);
}

/// Row 91: read through the link, and strict.
#[test]
fn an_info_plist_that_is_a_link() {
    strict_only(-67015, "unsupported-file-in-bundle", |p| {
        let info = p.path("Contents/Info.plist");
        fs::rename(&info, p.path("Contents/_MASReceipt")).unwrap();
        symlink("_MASReceipt", &info).unwrap();
    });
}

/// Rows 88, 89 and 90.
#[test]
fn which_info_plist_and_which_executable() {
    let (judged, _parent) = changed(|p| {
        write(
            &p.path("Contents/Info-macos.plist"),
            &info_plist("hello", "org.example.other", "APPL"),
        );
    });
    assert_eq!(judged.verdict(), (-67030, None, Some("arm64")));
    assert_eq!(
        judged.message(),
        "invalid Info.plist (plist or signature have been modified)"
    );
    // The name in other case serves as Info.plist, but no rule leaves it out of the seal.
    let (judged, _parent) = changed(|p| {
        fs::rename(p.path("Contents/Info.plist"), p.path("Contents/info.plist")).unwrap();
    });
    assert_eq!(judged.verdict(), (RESOURCE, None, None));
    assert_eq!(judged.files()[0], ["Contents/info.plist"]);
    let rename = |name: &'static str| {
        changed(move |p| {
            write(
                &p.path("Contents/Info.plist"),
                &info_plist(name, "org.example.parent", "APPL"),
            );
        })
        .0
    };
    // Another executable that exists decides by itself: its signature binds neither Info.plist nor seal.
    assert_eq!(rename("../Helpers/tool").verdict(), (-67056, None, None));
    let (judged, _parent) = changed(|p| {
        write_executable(
            &p.path("Contents/MacOS/other"),
            &adhoc("other").sign(&arm64(b"other"), Bound::default()).0,
        );
        write(
            &p.path("Contents/Info.plist"),
            &info_plist("other", "org.example.parent", "APPL"),
        );
    });
    assert_eq!(judged.verdict(), (-67056, None, None));
    // None: Info.plist itself is the main file, and unsigned.
    assert_eq!(rename("absent").verdict(), (-67062, None, None));
}

/// Row 93.
#[test]
fn a_folder_with_a_dot_that_is_no_bundle() {
    let mut parent = Parent::new();
    let folder = parent.path("Contents/Frameworks/data.d");
    write(&folder.join("a"), b"a");
    parent
        .nested
        .insert("Frameworks/data.d".into(), vec![vec![0; 20]]);
    let judged = judge(&parent.seal().app());
    assert_eq!(judged.status(), -67028);
    assert_eq!(
        judged.evidence.codesign.subcomponent(),
        Some("Contents/Frameworks/data.d")
    );
    // What is wrong is its name; that it is no bundle follows.
    assert!(judged.rules().contains(&"dotted-folder-among-code"));
    assert!(!judged.rules().contains(&"not-a-bundle"));
}

/// Row 94.
#[test]
fn a_folder_without_a_dot_among_frameworks() {
    let parent = Parent::new();
    let file = parent.path("Contents/Frameworks/data/x");
    write(&file, b"x");
    let parent = parent.seal();
    judge(&parent.app()).assert_clean();
    write(&file, b"y");
    assert_eq!(judge(&parent.app()).files()[1], ["Contents/Frameworks/data/x"]);
    write(&parent.path("Contents/Frameworks/data/z"), b"z");
    assert_eq!(judge(&parent.app()).files()[0], ["Contents/Frameworks/data/z"]);
}

/// Rows 95 and 96.
#[test]
fn strangers_in_the_signature_folder() {
    let meta = "Contents/_CodeSignature";
    strict_only(ROOT, "bundle-root-unsealed", |p| {
        write(&p.path(meta).join("evil"), b"x")
    });
    strict_only(ROOT, "bundle-root-unsealed", |p| {
        fs::create_dir(p.path(meta).join("folder")).unwrap();
    });
    // The signature is embedded, so a CodeDirectory beside it is one too many.
    strict_only(ROOT, "bundle-root-unsealed", |p| {
        write(&p.path(meta).join("CodeDirectory"), b"x");
    });
    strict_only(ROOT, "bundle-root-unsealed", |p| {
        write(&p.path(meta).join("CodeSignature"), b"x");
    });
    // What the embedded signature lacks is found in the folder, which makes two sources.
    let (judged, _parent) = changed(|p| write(&p.path(meta).join("CodeRequirements-1"), b"x"));
    assert_eq!(judged.verdict(), (-67061, None, Some("arm64")));
    changed(|p| write(&p.path(meta).join("CodeSignature"), b""))
        .0
        .assert_clean();
}

/// Row 97, second half: the seal is gone and the signature does bind it.
#[test]
fn a_seal_that_is_gone_or_edited() {
    let seal = "Contents/_CodeSignature/CodeResources";
    let (judged, _parent) = changed(|p| fs::remove_file(p.path(seal)).unwrap());
    assert_eq!(judged.verdict(), (-67023, None, None));
    // Row 98.
    let (judged, _parent) = changed(|p| {
        let text = fs::read(p.path(seal)).unwrap();
        write(&p.path(seal), &[&text[..], b" "].concat());
    });
    assert_eq!(judged.verdict(), (-67023, None, None));
    assert_eq!(
        judged.message(),
        "invalid resource directory (directory or signature have been modified)"
    );
}

/// Row 100.
#[test]
fn another_slice_with_an_old_seal() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("A.app");
    contents_bundle(&root, "A", "APPL", &adhoc("a"));
    let main = root.join("Contents/MacOS/A");
    let old = fs::read(&main).unwrap();
    write(&root.join("Contents/Resources/new"), b"x");
    let none = BTreeMap::new();
    sign(
        &root.join("Contents"),
        "MacOS/A",
        &slices("a", EXECUTE),
        &adhoc("a"),
        &none,
    );
    let new = fs::read(&main).unwrap();
    // x86_64 of the first signature, arm64 of the second; both are of one length.
    let second = u32::from_be_bytes(new[36..40].try_into().unwrap()) as usize;
    assert_eq!(new.len(), old.len());
    write_executable(&main, &[&old[..second], &new[second..]].concat());
    let judged = judge(&root);
    judged.assert_tolerated("special-slot-missing", Severity::Error);
    assert_eq!(judged.findings[0].architecture.as_deref(), Some("x86_64"));
    write_executable(&main, &[&new[..second], &old[second..]].concat());
    assert_eq!(judge(&root).verdict(), (-67023, None, None));
}

/// Row 92.
#[test]
fn an_app_among_the_resources() {
    let parent = Parent::new();
    contents_bundle(
        &parent.resource("Inner.app"),
        "Inner",
        "APPL",
        &adhoc("org.example.inner"),
    );
    let parent = parent.seal();
    let judged = judge(&parent.app());
    judged.assert_tolerated("nested-app-in-resources", Severity::Note);
    assert_eq!(judged.findings[0].path, "Contents/Resources/Inner.app");
    // Its files are covered as files.
    crate::support::flip(&parent.resource("Inner.app/Contents/MacOS/Inner"), 0x5010);
    let judged = judge(&parent.app());
    assert_eq!(judged.verdict(), (RESOURCE, None, None));
    assert_eq!(
        judged.files()[1],
        ["Contents/Resources/Inner.app/Contents/MacOS/Inner"]
    );
    // A library there is a file with code, but no bundle.
    let mut library = Parent::new();
    let (bytes, _) = adhoc("lib").sign(
        &crate::support::macho::Thin {
            file_type: DYLIB,
            ..arm64(b"lib")
        },
        Bound::default(),
    );
    write(&library.resource("lib.dylib"), &bytes);
    library = library.seal();
    judge(&library.app()).assert_tolerated("code-in-resources", Severity::Warning);
}

/// Rows 26 and 31: a seal on disk that the signature does not bind.
#[test]
fn a_bundle_whose_signature_binds_no_seal() {
    let build = |signer: Signer| {
        let folder = tempfile::tempdir().unwrap();
        let contents = folder.path().join("A.app/Contents");
        let none = BTreeMap::new();
        write(&contents.join("Info.plist"), &info_plist("A", "a", "APPL"));
        sign(&contents, "MacOS/A", &slices("a ", EXECUTE), &signer, &none);
        let info = fs::read(contents.join("Info.plist")).unwrap();
        let bound = Bound {
            info: (signer.flags & LINKER_SIGNED == 0).then_some(&info),
            resources: None,
        };
        let (bytes, _) = signer.sign_all(&slices("a ", EXECUTE), bound);
        write_executable(&contents.join("MacOS/A"), &bytes);
        (judge(&folder.path().join("A.app")), folder)
    };
    let (judged, _folder) = build(adhoc("a"));
    assert_eq!(judged.verdict(), (-67056, None, None));
    assert_eq!(
        judged.message(),
        "code has no resources but signature indicates they must be present"
    );
    assert!(judged.rules().contains(&"seal-invalid"));
    let linker = Signer {
        flags: ADHOC | LINKER_SIGNED,
        special: BTreeMap::new(),
        cms: None,
        ..adhoc("a")
    };
    assert_eq!(build(linker).0.verdict(), (-67056, None, None));
}
