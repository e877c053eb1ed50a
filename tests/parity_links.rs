//! Links, attached data, frameworks and the choice of the main executable (native observations 3 and 7).
//!
//! Attributes are tested where the file system takes them under the names that Linux demands; elsewhere the tests
//! say so.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::bundle::{
    RULES, framework, info_plist, sign, sign_with, slices, write, write_executable,
};
use crate::support::codesign::{Parent, Said, codesign};
use crate::support::macho::{DYLIB, EXECUTE, arm64};
use crate::support::notice;
use crate::support::signature::{Bound, adhoc};

const DESTINATION: &str = "Parent.app: invalid destination for symbolic link in bundle";

/// An app whose `Resources/link` leads to `target`; `more` adds what else there is to lead to.
fn linked(target: &str, more: impl Fn(&Parent)) -> Parent {
    let parent = Parent::new();
    more(&parent);
    fs::remove_file(parent.resource("link")).unwrap();
    symlink(target, parent.resource("link")).unwrap();
    parent.seal()
}

fn chain(parent: &Parent, length: usize, end: &str) {
    for number in 0..length {
        let target = if number + 1 == length {
            end.to_owned()
        } else {
            format!("chain{}", number + 1)
        };
        symlink(target, parent.resource(&format!("chain{number}"))).unwrap();
    }
}

/// 3.1, 3.2 and 3.3: what becomes of one link without further rules, with `--strict=symlinks`, and with `--strict`.
#[test]
fn destinations() {
    const MISSING: &str = "Parent.app: No such file or directory";
    const LOOP: &str = "Parent.app: Too many levels of symbolic links";
    const NOT_A_DIRECTORY: &str = "Parent.app: Not a directory";
    let nothing = |_: &Parent| {};
    let of_length = |length| move |parent: &Parent| chain(parent, length, "a");
    type More = Box<dyn Fn(&Parent)>;
    let cases: Vec<(&str, More, bool, Option<&str>)> = vec![
        ("target", Box::new(nothing), true, None),
        ("fr.lproj", Box::new(nothing), true, None),
        ("../Resources/target", Box::new(nothing), true, None),
        ("fr.lproj//a", Box::new(nothing), true, None),
        (".", Box::new(nothing), true, None),
        ("..", Box::new(nothing), true, None),
        ("../MacOS/hello", Box::new(nothing), true, None),
        (
            "second/../target",
            Box::new(|parent| symlink("fr.lproj", parent.resource("second")).unwrap()),
            true,
            None,
        ),
        ("target/", Box::new(nothing), true, Some(NOT_A_DIRECTORY)),
        (
            "/System/Library/CoreServices/SystemVersion.plist",
            Box::new(nothing),
            true,
            None,
        ),
        ("chain0", Box::new(of_length(31)), true, None),
        ("chain0", Box::new(of_length(32)), true, Some(LOOP)),
        ("absent", Box::new(nothing), false, Some(MISSING)),
        ("link", Box::new(nothing), false, Some(LOOP)),
        ("../../../../outside", Box::new(nothing), false, Some(DESTINATION)),
        ("/private/tmp", Box::new(nothing), false, Some(DESTINATION)),
        (
            ".DS_Store",
            Box::new(|parent| write(&parent.resource(".DS_Store"), b"x")),
            false,
            Some(DESTINATION),
        ),
        ("chain0", Box::new(of_length(34)), false, Some(LOOP)),
    ];
    for (target, more, is_allowed, strict) in cases {
        let parent = linked(target, more);
        assert_eq!(parent.verify(&["--strict=0"]), Said::new(0, &[], &[]), "{target}");
        let symlinks = parent.verify(&["-v", "--strict=symlinks"]);
        let wrong = "file modified: $D/Parent.app/Contents/Resources/link";
        if is_allowed {
            assert_eq!(symlinks.status, 0, "{target}: {symlinks:?}");
        } else {
            assert_eq!(symlinks.error, [DESTINATION], "{target}");
            assert!(
                symlinks.output.contains(&wrong.to_owned()),
                "{target}: {symlinks:?}"
            );
        }
        match strict {
            None => assert_eq!(parent.verify(&[]).status, 0, "{target}"),
            Some(message) => {
                let said = parent.verify(&["-v"]);
                assert_eq!(
                    (said.status, said.error),
                    (1, vec![message.to_owned()]),
                    "{target}"
                );
            }
        }
        assert_eq!(
            parent.verify(&["--no-strict", "--strict=symlinks"]).status,
            0,
            "{target}"
        );
    }
}

/// 3.2 and 3.3: the text is compared before the destination, but the link is opened before the text is compared.
#[test]
fn links_that_were_changed_as_well() {
    let parent = linked("target", |_| {});
    fs::remove_file(parent.resource("link")).unwrap();
    symlink("absent", parent.resource("link")).unwrap();
    let broken = "Parent.app: a sealed resource is missing or invalid";
    assert_eq!(parent.verify(&["--strict=symlinks"]).error, [broken]);
    assert_eq!(
        parent.verify(&[]).error,
        ["Parent.app: No such file or directory"]
    );
}

/// 5.1.
#[test]
fn values_of_strict() {
    let parent = linked("absent", |_| {});
    for on in [
        "s",
        "symlink",
        "128",
        "0x80",
        "0X80",
        "128x",
        "128 ",
        "4294967424",
    ] {
        assert_eq!(parent.verify(&[&format!("--strict={on}")]).status, 1, "{on}");
    }
    for off in ["0", "00", "08", "n"] {
        assert_eq!(parent.verify(&[&format!("--strict={off}")]).status, 0, "{off}");
    }
    assert_eq!(parent.verify(&["--strict=0", "--strict=symlinks"]).status, 1);
    assert_eq!(parent.verify(&["--strict=symlinks", "--strict=0"]).status, 1);
    assert_eq!(parent.verify(&["--strict=symlinks", "--strict=none"]).status, 0);
    assert_eq!(parent.verify(&["--strict=none", "--strict=symlinks"]).status, 0);
    assert_eq!(parent.verify(&["--strict"]).status, 1);
    for wrong in ["symlinks,sideband", "none,symlinks", "+128", "-1", "bad"] {
        let said = parent.verify(&[&format!("--strict={wrong}")]);
        let line = format!("invalid strict option - {wrong}");
        assert_eq!(said, Said::new(1, &[], &[line.as_str()]), "{wrong}");
    }
}

/// Sets an attribute as Linux stores it; `false` where that is not possible.
pub fn attach(path: &Path, attribute: &str) -> bool {
    let name = format!("user.com.apple.{attribute}");
    let flags = rustix::fs::XattrFlags::empty();
    let is_set = rustix::fs::setxattr(path, name.as_str(), b"\x01detritus", flags).is_ok();
    if !is_set {
        notice("this file system takes no attributes, attached data was not tested");
    }
    is_set
}

/// 7.1.
#[test]
fn attached_data() {
    const MESSAGE: &str = "resource fork, Finder information, or similar detritus not allowed";
    let line = |attribute: &str, place: &str| {
        format!("file with invalid attached data: Disallowed xattr com.apple.{attribute} found on $D/{place}")
    };
    for (place, attributes, expected) in [
        ("Parent.app", &["FinderInfo"][..], &["FinderInfo"][..]),
        ("Parent.app", &["FinderInfo", "ResourceFork"], &["ResourceFork"]),
        (
            "Parent.app/Contents/MacOS/hello",
            &["FinderInfo"],
            &["FinderInfo"],
        ),
        (
            "Parent.app/Contents/Resources/a",
            &["FinderInfo"],
            &["FinderInfo"],
        ),
        (
            "Parent.app/Contents/Resources/a",
            &["FinderInfo", "ResourceFork"],
            &["ResourceFork", "FinderInfo"],
        ),
        ("Parent.app/Contents/Resources", &["FinderInfo"], &[]),
        ("Parent.app/Contents/Info.plist", &["FinderInfo"], &[]),
        (
            "Parent.app/Contents/_CodeSignature/CodeResources",
            &["FinderInfo"],
            &[],
        ),
    ] {
        let parent = Parent::new().with_tool().seal();
        for attribute in attributes {
            if !attach(&parent.folder.path().join(place), attribute) {
                return;
            }
        }
        let said = parent.verify(&["-v", "--strict=sideband"]);
        if expected.is_empty() {
            assert_eq!(said.status, 0, "{place}: {said:?}");
        } else {
            let lines: Vec<_> = expected.iter().map(|attribute| line(attribute, place)).collect();
            let message = format!("Parent.app: {MESSAGE}");
            assert_eq!(
                (said.status, said.error, said.output),
                (1, vec![message], lines),
                "{place}"
            );
        }
        assert_eq!(parent.verify(&["--strict=0"]).status, 0, "{place}");
        assert_eq!(parent.verify(&["--no-strict"]).status, 0, "{place}");
    }
    // A damaged page hides it, a changed resource comes before the root.
    let parent = Parent::new().seal();
    attach(&parent.app(), "FinderInfo");
    write(&parent.resource("a"), b"x");
    assert_eq!(
        parent.verify(&[]).error,
        ["Parent.app: a sealed resource is missing or invalid"]
    );
    crate::support::flip(&parent.path("Contents/MacOS/hello"), 4096);
    assert_eq!(parent.verify(&["-v"]).output, Vec::<String>::new());
    let folder = tempfile::tempdir().unwrap();
    let tool = folder.path().join("tool");
    write_executable(&tool, &adhoc("tool").sign(&arm64(b"tool"), Bound::default()).0);
    attach(&tool, "FinderInfo");
    let said = codesign(folder.path(), "verify", &["-v", "tool"]);
    let message = format!("tool: {MESSAGE}");
    assert_eq!(said, Said::new(1, &[&line("FinderInfo", "tool")], &[&message]));
}

/// 7.3: versions of a framework inside of an app, and by itself.
#[test]
fn versions_of_frameworks() {
    let build = |change: &dyn Fn(&Path)| {
        let mut parent = Parent::new();
        let root = parent.path("Contents/Frameworks/Fixture.framework");
        let hashes = framework(&root, "Fixture", "code ", &adhoc("org.example.layout"));
        let other = root.join("Versions/B");
        write(
            &other.join("Resources/Info.plist"),
            &info_plist("Fixture", "org.example.layout", "FMWK"),
        );
        write(&other.join("Resources/data.txt"), b"B\n");
        // Both versions are the same code, so that the requirement holds for both.
        let none = std::collections::BTreeMap::new();
        sign(
            &other,
            "Fixture",
            &slices("code ", DYLIB),
            &adhoc("org.example.layout"),
            &none,
        );
        parent
            .nested
            .insert("Frameworks/Fixture.framework".into(), hashes);
        // The other version has a cdhash of its own; the seal's requirement is the identifier.
        let parent = parent.seal();
        let seal = parent.path("Contents/_CodeSignature/CodeResources");
        let text = fs::read_to_string(&seal).unwrap();
        let start = text.find("<key>requirement</key>").unwrap();
        let end = start + text[start..].find("</string>").unwrap();
        let requirement = "<key>requirement</key><string>identifier \"org.example.layout\"";
        let text = format!("{}{requirement}{}", &text[..start], &text[end..]);
        parent.seal_with(&text);
        change(&root);
        (parent, root)
    };
    let (parent, root) = build(&|_| {});
    assert_eq!(parent.verify(&["-v"]).status, 0);
    for version in ["A", "B", "Current"] {
        let version = format!("--bundle-version={version}");
        let root = root.to_str().unwrap();
        assert_eq!(
            codesign(parent.folder.path(), "verify", &[&version, root]).status,
            0
        );
    }
    let broken = Said::new(
        1,
        &[],
        &[
            "Parent.app: embedded framework contains modified or invalid version",
            "In subcomponent: $D/Parent.app/Contents/Frameworks/Fixture.framework",
        ],
    );
    let unsigned: &dyn Fn(&Path) = &|root| {
        write_executable(&root.join("Versions/B/Fixture"), &arm64(b"unsigned").build(None));
    };
    let other_identifier: &dyn Fn(&Path) = &|root| {
        let none = std::collections::BTreeMap::new();
        let version = root.join("Versions/B");
        sign(
            &version,
            "Fixture",
            &slices("code ", DYLIB),
            &adhoc("org.example.other"),
            &none,
        );
    };
    let info: &dyn Fn(&Path) = &|root| {
        write(
            &root.join("Versions/B/Resources/Info.plist"),
            &info_plist("Fixture", "org.example.x", "FMWK"),
        );
    };
    for change in [unsigned, other_identifier, info] {
        let (parent, root) = build(change);
        assert_eq!(parent.verify(&["-v"]), broken);
        assert_eq!(parent.verify(&["--no-deep", "-v"]), broken);
        assert_eq!(parent.verify(&["--no-strict"]).status, 0);
        // By itself only the current version counts.
        assert_eq!(
            codesign(parent.folder.path(), "verify", &[root.to_str().unwrap()]).status,
            0
        );
    }
    let (parent, _) = build(&|root| write(&root.join("Versions/B/Resources/data.txt"), b"x"));
    assert_eq!(
        (parent.verify(&["--no-deep"]).status, parent.verify(&[])),
        (0, broken)
    );
}

/// 7.3: the root of a framework.
#[test]
fn roots_of_frameworks() {
    let judge = |change: fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("Fixture.framework");
        framework(&root, "Fixture", "code ", &adhoc("org.example.layout"));
        change(&root);
        let with = |arguments: &[&str]| codesign(folder.path(), "verify", arguments);
        (
            with(&["Fixture.framework"]),
            with(&["Fixture.framework/Versions/A"]).status,
        )
    };
    let junk = "Fixture.framework: unsealed contents present in the root directory of an embedded framework";
    for change in [
        (|root| write(&root.join("README"), b"x")) as fn(&Path),
        |root| fs::create_dir(root.join("Extra")).unwrap(),
        |root| symlink("Versions/Current/helper", root.join("Other")).unwrap(),
        |root| write_executable(&root.join(".DS_Store"), b"x"),
    ] {
        let (framework, version) = judge(change);
        assert_eq!((framework, version), (Said::new(1, &[], &[junk]), 0));
    }
    for change in [
        (|root| write(&root.join(".DS_Store"), b"x")) as fn(&Path),
        |root| write(&root.join("module.map"), b"x"),
    ] {
        assert_eq!(judge(change).0.status, 0);
    }
}

/// 7.4.
#[test]
fn executables_as_operands() {
    let parent = Parent::new().seal();
    let sealed = "Sealed Resources version=2 rules=13 files=7";
    let of = |operand: &str| {
        let said = codesign(parent.folder.path(), "inspect", &["-v", operand]);
        let line = said
            .error
            .iter()
            .find(|line| line.starts_with("Sealed Resources"));
        line.cloned().unwrap_or_default()
    };
    assert_eq!(of("Parent.app"), sealed);
    assert_eq!(of("Parent.app/Contents/MacOS/hello"), sealed);
    symlink(
        "Parent.app/Contents/MacOS/hello",
        parent.folder.path().join("beside"),
    )
    .unwrap();
    assert_eq!(of("beside"), sealed);
    symlink(
        "Parent.app/Contents/Resources",
        parent.folder.path().join("folder"),
    )
    .unwrap();
    assert_eq!(of("folder/../MacOS/hello"), sealed);
    fs::hard_link(
        parent.path("Contents/MacOS/hello"),
        parent.path("Contents/MacOS/hard"),
    )
    .unwrap();
    assert_eq!(of("Parent.app/Contents/MacOS/hard"), "Sealed Resources=none");
    fs::remove_file(parent.path("Contents/MacOS/hard")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    framework(&folder.path().join("F.framework"), "F", "code ", &adhoc("f"));
    for operand in ["F.framework/Versions/A/F", "F.framework/F", "F.framework"] {
        let said = codesign(folder.path(), "inspect", &["-v", operand]);
        let line = said
            .error
            .iter()
            .find(|line| line.starts_with("Sealed Resources"))
            .unwrap();
        assert!(
            line.starts_with("Sealed Resources version=2"),
            "{operand}: {line}"
        );
    }
}

/// 7.5: which file is the main executable.
#[test]
fn the_choice_of_the_executable() {
    let plist = |entries: &str| format!("<plist version=\"1.0\"><dict>{entries}</dict></plist>").into_bytes();
    let key = |key: &str, value: &str| format!("<key>{key}</key><string>{value}</string>");
    let chosen = |files: &[(&str, Vec<u8>)], executables: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let contents = folder.path().join("Thing.app/Contents");
        for (name, bytes) in files {
            write(&contents.join(name), bytes);
        }
        for place in executables {
            let (bytes, _) = adhoc(place).sign(&arm64(place.as_bytes()), Bound::default());
            write_executable(&contents.join(place), &bytes);
        }
        let said = codesign(folder.path(), "inspect", &["Thing.app"]);
        said.error.iter().find_map(|line| {
            line.strip_prefix("Executable=$D/Thing.app/Contents/")
                .map(str::to_owned)
        })
    };
    let found = |name: &str| Some(format!("MacOS/{name}"));
    let both = ["MacOS/mac", "MacOS/plain", "MacOS/Thing"];
    let plain = || plist(&key("CFBundleExecutable", "plain"));
    let mac = || plist(&key("CFBundleExecutable", "mac"));
    assert_eq!(
        chosen(&[("Info-macos.plist", mac()), ("Info.plist", plain())], &both),
        found("mac")
    );
    assert_eq!(chosen(&[("Info-macos.plist", mac())], &both), found("mac"));
    assert_eq!(
        chosen(&[("Info-macosx.plist", mac()), ("Info.plist", plain())], &both),
        found("plain")
    );
    let suffixed = plist(&(key("CFBundleExecutable", "plain") + &key("CFBundleExecutable-macos", "mac")));
    assert_eq!(chosen(&[("Info.plist", suffixed)], &both), found("mac"));
    let windows = plist(&(key("CFBundleExecutable", "plain") + &key("CFBundleExecutable-windows", "mac")));
    assert_eq!(chosen(&[("Info.plist", windows)], &both), found("plain"));
    let old = plist(&key("NSExecutable", "mac"));
    assert_eq!(chosen(&[("Info.plist", old)], &both), found("mac"));
    let empty = plist(&(key("CFBundleExecutable", "") + &key("NSExecutable", "mac")));
    assert_eq!(chosen(&[("Info.plist", empty)], &both), found("Thing"));
    assert_eq!(chosen(&[("Info.plist", plist(""))], &both), found("Thing"));
    // `Mac OS X` is not searched.
    assert_eq!(chosen(&[("Info.plist", plain())], &["Mac OS X/plain"]), None);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("Thing.app/Contents")).unwrap();
    assert_eq!(
        codesign(folder.path(), "verify", &["Thing.app"]),
        Said::new(
            1,
            &[],
            &["Thing.app: bundle format unrecognized, invalid, or unsuitable"]
        )
    );
}

/// 2.1, unversioned frameworks.
#[test]
fn an_unversioned_framework() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Fixture.framework");
    write(
        &root.join("Resources/Info.plist"),
        &info_plist("Fixture", "org.example.layout", "FMWK"),
    );
    write(&root.join("Resources/a"), b"a");
    let code = slices("code ", EXECUTE);
    let none = std::collections::BTreeMap::new();
    sign_with(
        &root,
        "Fixture",
        &code,
        &adhoc("org.example.layout"),
        &none,
        RULES,
        2,
    );
    assert_eq!(
        codesign(folder.path(), "verify", &["Fixture.framework"]).status,
        0
    );
    assert_eq!(
        codesign(folder.path(), "verify", &["Fixture.framework/Fixture"]).status,
        0
    );
    write(&root.join("Resources/new"), b"n");
    assert_eq!(
        codesign(folder.path(), "verify", &["-v", "Fixture.framework"]).output,
        ["file added: $D/Fixture.framework/Resources/new"]
    );
    let version = ["--bundle-version=Current", "Fixture.framework"];
    assert_eq!(codesign(folder.path(), "verify", &version).status, 1);
}
