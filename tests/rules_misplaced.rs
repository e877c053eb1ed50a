//! Rules about files and folders that do not belong where they lie.

use std::fs;

use sealcheck::finding::Severity::{Error, Warning};
use sealcheck::rule::{Advice, Expectations};

use crate::support::bundle::write;
use crate::support::examined::advise;
use crate::support::foundry::{Built, Code, app, framework, of};

fn acme() -> Code {
    app("com.example.acme").file("Resources/a.txt", b"a")
}

/// What the rules say of an app after files were put into it.
fn with_files(paths: &[&str]) -> (Built, Advice) {
    let built = acme()
        .nested("Frameworks/kit.framework", framework("com.example.kit"))
        .built();
    for path in paths {
        write(&built.path.join("Contents").join(path), b"x");
    }
    let advice = built.refused();
    (built, advice)
}

/// Every finding that macOS's own verdict rests on.
fn broken(advice: &Advice) -> Vec<&'static str> {
    let findings = advice.findings.iter().filter(|finding| finding.status.is_some());
    findings.map(|finding| finding.rule).collect()
}

#[test]
fn folders_with_dots_among_code() {
    let rule = "dotted-folder-among-code";
    let (_built, advice) = with_files(&["MacOS/lib/python3.12/os.py", "Helpers/data/os.py"]);
    let [found] = of(&advice, rule)[..] else {
        panic!("{advice:#?}");
    };
    assert_eq!(
        (found.severity, found.path.as_str()),
        (Error, "Contents/MacOS/lib/python3.12")
    );
    // A file without a dot above it is merely one more, and what is explained is not said again.
    let [other] = of(&advice, "sealed-resource-broken")[..] else {
        panic!("{advice:#?}");
    };
    let places: Vec<_> = other.places.iter().map(|place| place.path.as_str()).collect();
    assert_eq!(places, ["Contents/Helpers/data/os.py"]);
    let (_built, advice) = with_files(&["MacOS/libs.d/os.py"]);
    assert_eq!(broken(&advice), [rule]);
    // Data may be named as it likes, and so may debug symbols.
    for path in ["Resources/libs.d/os.py", "MacOS/acme.dSYM/x"] {
        let (_built, advice) = with_files(&[path]);
        assert_eq!(broken(&advice), ["sealed-resource-broken"], "{path}");
    }
    let good = acme().file("Resources/libs.d/os.py", b"").advice();
    assert!(of(&good, rule).is_empty());
}

#[test]
fn bundles_without_anything_in_them() {
    let rule = "nested-bundle-malformed";
    let (_built, advice) = with_files(&["PlugIns/empty.bundle/x"]);
    assert_eq!(broken(&advice), [rule]);
    assert_eq!(of(&advice, rule)[0].path, "Contents/PlugIns/empty.bundle");
    // Sealed, and then emptied: codesign's own word for it.
    let built = acme()
        .nested("Frameworks/kit.framework", framework("com.example.kit"))
        .built();
    let kit = built.path.join("Contents/Frameworks/kit.framework");
    fs::remove_dir_all(&kit).unwrap();
    fs::create_dir(&kit).unwrap();
    let advice = built.refused();
    let [found] = of(&advice, rule)[..] else {
        panic!("{advice:#?}");
    };
    assert_eq!(found.status.map(|status| status.0), Some(-67028));
    assert_eq!(found.consequences, ["not-a-bundle"]);
    // One with an Info.plist is a bundle, which nobody has signed.
    let (_built, advice) = with_files(&["PlugIns/data.bundle/Contents/Info.plist"]);
    assert!(of(&advice, rule).is_empty());
}

#[test]
fn files_for_attributes() {
    let rule = "apple-double-files";
    let added = |path: &str| {
        let built = acme().built();
        write(&built.path.join(path), b"\0\x05\x16\x07");
        built.refused()
    };
    for (path, status, silent) in [
        ("Contents/Resources/._a.txt", -67054, "sealed-resource-broken"),
        (
            "Contents/__MACOSX/Resources/._a.txt",
            -67054,
            "sealed-resource-broken",
        ),
        ("._Contents", -67014, "bundle-root-unsealed"),
        (
            "Contents/_CodeSignature/._CodeResources",
            -67014,
            "bundle-root-unsealed",
        ),
    ] {
        let advice = added(path);
        assert_eq!(broken(&advice), [rule], "{path}");
        let found = of(&advice, rule)[0];
        assert_eq!(found.status.map(|status| status.0), Some(status), "{path}");
        assert_eq!(
            (found.severity, found.consequences.as_slice()),
            (Error, &[silent][..])
        );
    }
    // Sealed, so the seal breaks only where somebody cleans up.
    let sealed = acme().file("Resources/._a.txt", b"x").advice();
    assert_eq!(of(&sealed, rule)[0].severity, Warning);
    assert!(of(&acme().file("Resources/.a._txt", b"x").advice(), rule).is_empty());
    // Another change is still told.
    let built = acme().built();
    fs::write(built.path.join("Contents/Resources/a.txt"), b"b").unwrap();
    write(&built.path.join("Contents/Resources/._a.txt"), b"x");
    let advice = built.refused();
    assert_eq!(of(&advice, "sealed-resource-broken")[0].places.len(), 1);
    assert_eq!(of(&advice, rule)[0].severity, Error);
}

#[test]
fn leftovers_of_development() {
    let rule = "development-leftovers";
    assert!(of(&acme().advice(), rule).is_empty());
    let advice = acme()
        .file("Resources/Tests.xctest/Contents/x", b"x")
        .file("Resources/__preview.dylib", b"x")
        .advice();
    let [found] = of(&advice, rule)[..] else {
        panic!("{advice:#?}");
    };
    assert_eq!(found.severity, Warning);
    let notes: Vec<_> = found
        .places
        .iter()
        .map(|place| (place.path.as_str(), place.note))
        .collect();
    assert_eq!(
        notes,
        [
            ("Contents/Resources/Tests.xctest", "tests"),
            ("Contents/Resources/__preview.dylib", "Xcode's preview")
        ]
    );
}

/// What lies among code must be signed as code, also where it has none.
#[test]
fn unsigned_bundles_of_data_among_code() {
    let built = acme()
        .nested("PlugIns/data.bundle", app("com.example.data"))
        .built();
    let data = built.path.join("Contents/PlugIns/data.bundle/Contents");
    fs::remove_dir_all(data.join("MacOS")).unwrap();
    fs::remove_dir_all(data.join("_CodeSignature")).unwrap();
    let advice = built.refused();
    let found = of(&advice, "unsigned-nested-code");
    assert!(
        found.is_empty(),
        "an app without executable is what is wrong: {found:#?}"
    );
    write(
        &data.join("Info.plist"),
        b"<plist><dict><key>CFBundleIdentifier</key><string>com.example.data</string></dict></plist>",
    );
    let advice = built.refused();
    let found = of(&advice, "unsigned-nested-code");
    assert!(
        found[0].message.contains("without an executable"),
        "{}",
        found[0].message
    );
}

#[test]
fn files_that_belong_to_their_makers() {
    let rule = "private-files-in-product";
    let advice = acme()
        .file("Resources/.git/config", b"x")
        .file("Resources/.env", b"x")
        .file("Resources/AuthKey.p8", b"x")
        .file("Resources/id.p12", b"x")
        .advice();
    let [found] = of(&advice, rule)[..] else {
        panic!("{advice:#?}");
    };
    assert_eq!(found.severity, Warning);
    let mut paths: Vec<_> = found.places.iter().map(|place| place.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "Contents/Resources/.env",
            "Contents/Resources/.git",
            "Contents/Resources/AuthKey.p8",
            "Contents/Resources/id.p12"
        ]
    );
    let good = acme()
        .file("Resources/.gitignore", b"x")
        .file("Resources/environment.env.txt", b"x")
        .file("Resources/cacert.pem", b"x")
        .advice();
    assert!(of(&good, rule).is_empty());
}

#[test]
fn frameworks_with_several_versions() {
    let rule = "framework-multiple-versions";
    let built = acme()
        .nested("Frameworks/kit.framework", framework("com.example.kit"))
        .built();
    let advice = || advise(&built.evidence(), None, &Expectations::default());
    assert!(of(&advice(), rule).is_empty());
    let versions = built.path.join("Contents/Frameworks/kit.framework/Versions");
    write(&versions.join("B/Resources/a"), b"x");
    let advice = advice();
    let [found] = of(&advice, rule)[..] else {
        panic!("{advice:#?}");
    };
    assert_eq!(
        (found.message.as_str(), found.path.as_str()),
        ("2 versions: A, B", "Contents/Frameworks/kit.framework")
    );
}
