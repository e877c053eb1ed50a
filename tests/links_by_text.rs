//! Destinations of sealed links as `SecStaticCode::validateSymlinkResource` compares them, and how many links may be on the way.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use sealcheck::verify::{CodesignFlags, FaultKind, Options};

use crate::support::bundle::{contents_bundle, info_plist, sign, sign_with, slices, write};
use crate::support::codesign::Parent;
use crate::support::judge::{Judged, judge, judge_with, lenient};
use crate::support::macho::{DYLIB, EXECUTE};
use crate::support::signature::adhoc;

const DESTINATION: i32 = -67003;
const LOOP: i32 = 100_062;

/// A framework whose only version is `version`; `prepare` adds files before it is sealed.
fn framework(root: &Path, version: &str, prepare: impl Fn(&Path)) -> Vec<Vec<u8>> {
    let folder = root.join("Versions").join(version);
    write(
        &folder.join("Resources/Info.plist"),
        &info_plist("F", "org.example.f", "FMWK"),
    );
    write(&folder.join("Resources/end"), b"end");
    symlink(version, root.join("Versions/Current")).unwrap();
    symlink("Versions/Current/Resources", root.join("Resources")).unwrap();
    symlink("Versions/Current/F", root.join("F")).unwrap();
    prepare(root);
    let code = slices("code ", DYLIB);
    sign(&folder, "F", &code, &adhoc("org.example.f"), &BTreeMap::new())
}

/// The faults about the destination of a link.
fn destinations(judged: &Judged) -> usize {
    let faults = judged.evidence.code.iter().flat_map(|object| &object.faults);
    faults
        .filter(|fault| fault.kind == FaultKind::LinkDestination)
        .count()
}

/// Options with the links restricted, but without the rule on attached data, which opens every link first.
fn symlinks_only() -> Options {
    Options {
        flags: CodesignFlags {
            restrict_sideband: false,
            ..CodesignFlags::default()
        },
        ..Options::default()
    }
}

/// `validateSymlinkResource` compares the first bytes of the resolved path with the sealed folder, without a separator after
/// them, and passes what follows the next byte to `ResourceBuilder::includes`.
#[test]
fn a_destination_is_compared_as_a_prefix_of_text() {
    for (version, target, file, expected) in [
        ("A", "../../AB/file", "AB/file", 0),
        ("A", "../../ABCDE/deep/file", "ABCDE/deep/file", 0),
        // The folder itself, of whose name nothing remains.
        ("A", "../../AB", "AB/file", 0),
        (
            "A",
            "../../AX_CodeSignature/file",
            "AX_CodeSignature/file",
            DESTINATION,
        ),
        ("A", "../../AX_MASReceipt", "AX_MASReceipt/file", DESTINATION),
        ("A", "../../AXInfo.plist", "AXInfo.plist/file", DESTINATION),
        ("A", "../../AX/.DS_Store", "AX/.DS_Store", DESTINATION),
        // The sealed folder has the longer name.
        ("AB", "../../A/file", "A/file", DESTINATION),
        ("A", "../../B/file", "B/file", DESTINATION),
        ("A", "../../AB/../B/file", "B/file", DESTINATION),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("F.framework");
        framework(&root, version, |root| {
            write(&root.join("Versions").join(file), b"elsewhere");
            fs::create_dir_all(root.join("Versions/AB")).unwrap();
            let link = root.join("Versions").join(version).join("Resources/link");
            symlink(target, link).unwrap();
        });
        let judged = judge(&root);
        assert_eq!(judged.verdict(), (expected, None, None), "{version} {target}");
        assert_eq!(judge_with(&root, &symlinks_only()).status(), expected, "{target}");
        assert_eq!(judge_with(&root, &lenient()).status(), 0, "{version} {target}");
    }
}

/// The same in nested code, whose own folder is tried before those around it.
#[test]
fn a_destination_beside_nested_code_is_compared_as_text() {
    for (target, file, expected) in [
        ("../../AB/file", "AB/file", 0),
        (
            "../../AX_CodeSignature/file",
            "AX_CodeSignature/file",
            DESTINATION,
        ),
    ] {
        let mut parent = Parent::new();
        let root = parent.path("Contents/Frameworks/F.framework");
        let hashes = framework(&root, "A", |root| {
            symlink(target, root.join("Versions/A/Resources/link")).unwrap();
        });
        parent.nested.insert("Frameworks/F.framework".into(), hashes);
        let parent = parent.seal();
        write(&root.join("Versions").join(file), b"elsewhere");
        let judged = judge_with(&parent.app(), &symlinks_only());
        // The folder is another version for the seal of the app, and no bundle.
        let expected = match expected {
            0 => (-67009, 0),
            status => (status, 1),
        };
        assert_eq!((judged.status(), destinations(&judged)), expected, "{target}");
    }
}

/// A link to `ContentsX` beside `Contents` is allowed; that the folder is there is the fault.
#[test]
fn a_destination_beside_contents_is_no_fault_of_the_link() {
    for (name, status, count) in [
        ("ContentsX", -67014, 0),
        ("ContentsX_CodeSignature", DESTINATION, 1),
        ("Conten", DESTINATION, 1),
    ] {
        let parent = Parent::new();
        write(&parent.path(name).join("file"), b"x");
        symlink(format!("../../{name}/file"), parent.resource("other")).unwrap();
        let parent = parent.seal();
        let judged = judge(&parent.app());
        assert_eq!(
            (judged.status(), destinations(&judged)),
            (status, count),
            "{name}"
        );
        assert_eq!(judge_with(&parent.app(), &lenient()).status(), 0);
    }
}

/// What is beside the item is not looked at, so a link to it is never allowed, whatever its name begins with.
#[test]
fn a_destination_outside_of_the_item_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Flat.bundle");
    write(&folder.path().join("Flat.bundles/file"), b"x");
    write(
        &root.join("Info.plist"),
        &info_plist("Flat", "org.example.flat", "BNDL"),
    );
    symlink("../Flat.bundles/file", root.join("link")).unwrap();
    let rules = "<key>rules</key><dict><key>^.*</key><true/></dict><key>rules2</key><dict><key>^.*</key><true/>\
        <key>^Info\\.plist$</key><dict><key>omit</key><true/><key>weight</key><real>20</real></dict></dict>";
    let (code, signer) = (slices("flat ", EXECUTE), adhoc("org.example.flat"));
    sign_with(&root, "Flat", &code, &signer, &BTreeMap::new(), rules, 2);
    assert_eq!(judge(&root).status(), DESTINATION);
    assert_eq!(judge_with(&root, &lenient()).status(), 0);
    let root = folder.path().join("F.framework");
    framework(&root, "A", |root| {
        write(&root.join("Versions/AB/file"), b"x");
        symlink("../../AB/file", root.join("Versions/A/Resources/link")).unwrap();
    });
    assert_eq!(judge(&root).status(), 0);
    assert_eq!(judge(&root.join("Versions/A")).status(), DESTINATION);
}

/// `link`, then `length` links, then a file.
fn chain(resources: &Path, length: usize) {
    symlink("chain0", resources.join("link")).unwrap();
    for number in 0..length {
        let next = if number + 1 == length {
            "end".to_owned()
        } else {
            format!("chain{}", number + 1)
        };
        symlink(next, resources.join(format!("chain{number}"))).unwrap();
    }
}

/// The longest chain that passes with `--strict=symlinks`, and the longest that passes with `--strict`.
fn longest(build: impl Fn(&Path, usize) -> std::path::PathBuf) -> (usize, usize) {
    let passes = |length: usize, options: &Options| {
        let folder = tempfile::tempdir().unwrap();
        let judged = judge_with(&build(folder.path(), length), options);
        judged.status() == 0
    };
    let most = |options: &Options| {
        let longest = (28..36).take_while(|length| passes(*length, options)).last();
        longest.unwrap_or_default()
    };
    (most(&symlinks_only()), most(&Options::default()))
}

/// `realpath` follows 33 links and `open` 32 with the sealed one. `Versions/Current` is in the path of every file of a framework
/// (`BundleDiskRep::setup`), so it counts as one of them, also for the code that is nested there.
#[test]
fn the_link_to_the_current_version_counts() {
    let in_framework = |folder: &Path, length: usize| {
        let root = folder.join("F.framework");
        framework(&root, "A", |root| {
            chain(&root.join("Versions/A/Resources"), length)
        });
        root
    };
    assert_eq!(longest(in_framework), (32, 30));
    // The folder of the version as the operand.
    assert_eq!(
        longest(|folder, length| in_framework(folder, length).join("Versions/A")),
        (33, 31)
    );
    let in_app = |folder: &Path, nested: &str, hashes: Vec<Vec<u8>>| {
        let contents = folder.join("Outer.app/Contents");
        let info = info_plist("Outer", "org.example.outer", "APPL");
        write(&contents.join("Info.plist"), &info);
        let (code, signer) = (slices("outer ", EXECUTE), adhoc("org.example.outer"));
        let nested = BTreeMap::from([(nested.to_owned(), hashes)]);
        sign(&contents, "MacOS/Outer", &code, &signer, &nested);
        folder.join("Outer.app")
    };
    // In an app, by itself and with a service in it whose own files make the chain.
    assert_eq!(
        longest(|folder, length| {
            let root = folder.join("Outer.app/Contents/Frameworks/F.framework");
            let hashes = framework(&root, "A", |root| {
                chain(&root.join("Versions/A/Resources"), length)
            });
            in_app(folder, "Frameworks/F.framework", hashes)
        }),
        (32, 30)
    );
    assert_eq!(
        longest(|folder, length| {
            let root = folder.join("F.framework");
            let version = root.join("Versions/A");
            framework(&root, "A", |_| {});
            let service = version.join("XPCServices/S.xpc");
            write(&service.join("Contents/Resources/end"), b"end");
            chain(&service.join("Contents/Resources"), length);
            let hashes = contents_bundle(&service, "S", "XPC!", &adhoc("org.example.s"));
            let nested = BTreeMap::from([("XPCServices/S.xpc".to_owned(), hashes)]);
            let code = slices("code ", DYLIB);
            sign(&version, "F", &code, &adhoc("org.example.f"), &nested);
            root
        }),
        (32, 30)
    );
}

/// `validateOtherVersions` opens the other versions by their real paths, in which no link counts. It turns errors of Security into one
/// about the version; an error of the system is passed on as it is, without the path of the framework.
#[test]
fn links_in_other_versions_of_a_framework() {
    for (length, expected) in [(31, 0), (32, LOOP)] {
        let mut parent = Parent::new();
        let root = parent.path("Contents/Frameworks/F.framework");
        let mut hashes = framework(&root, "A", |root| {
            let other = root.join("Versions/B");
            write(
                &other.join("Resources/Info.plist"),
                &info_plist("F", "org.example.f", "FMWK"),
            );
            write(&other.join("Resources/end"), b"end");
            chain(&other.join("Resources"), length);
        });
        let (code, signer) = (slices("other ", DYLIB), adhoc("org.example.f"));
        let other = sign(&root.join("Versions/B"), "F", &code, &signer, &BTreeMap::new());
        hashes.extend(other);
        parent.nested.insert("Frameworks/F.framework".into(), hashes);
        let parent = parent.seal();
        assert_eq!(judge(&parent.app()).verdict(), (expected, None, None), "{length}");
        if expected == 0 {
            write(&root.join("Versions/B/Resources/end"), b"changed");
            let nested = Some("Contents/Frameworks/F.framework");
            assert_eq!(judge(&parent.app()).verdict(), (-67009, nested, None));
        }
    }
}
