//! Bundles of every kind and layout, old seals and what strict validation refuses.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use sealcheck::verify::Options;

use crate::support::bundle::{
    acme, codeless, contents_bundle, framework, info_plist, sign, sign_with, slices, write, write_executable,
};
use crate::support::examined::{Examined, examine};
use crate::support::macho::EXECUTE;
use crate::support::signature::{Bound, adhoc, blob};

fn judged(path: &Path) -> Examined {
    examine(path, &Options::default()).unwrap()
}

fn status(evidence: &Examined) -> Option<i32> {
    evidence.codesign.status().map(|status| status.0)
}

/// Rule ids of all findings, without repetition; what the bundles claim is not looked at here.
fn rules(evidence: &Examined) -> Vec<&'static str> {
    let mut ids: Vec<_> = crate::support::examined::advise(
        evidence,
        Some(sealcheck::finding::Target::Local),
        &sealcheck::rule::Expectations::default(),
    )
    .findings
    .iter()
    .map(|finding| finding.rule)
    // What bundles of a kind are to claim and to describe is not the matter here.
    .filter(|id| {
        use sealcheck::rule::Family::{Entitlements, Services};
        sealcheck::rule::find(id).is_none_or(|rule| ![Entitlements, Services].contains(&rule.family))
    })
    .collect();
    ids.dedup();
    ids
}

#[test]
fn every_kind_with_contents() {
    let folder = tempfile::tempdir().unwrap();
    for (name, kind) in [
        ("A.app", "app"),
        ("A.appex", "appex"),
        ("A.xpc", "xpc"),
        ("A.plugin", "plug-in"),
        ("A.kext", "kext"),
        ("A.systemextension", "systemextension"),
        ("A.dext", "dext"),
        ("A.bundle", "bundle"),
    ] {
        let root = folder.path().join(name);
        contents_bundle(
            &root,
            "A",
            match kind {
                "app" => "APPL",
                "appex" | "xpc" => "XPC!",
                _ => "BNDL",
            },
            &adhoc("com.example.a"),
        );
        let evidence = judged(&root);
        assert_eq!(rules(&evidence), Vec::<&str>::new(), "{name}");
        assert_eq!(evidence.codesign.valid(), Some(true), "{name}");
        assert_eq!(evidence.code[0].kind.name(), kind);
        let prefix = if kind == "app" { "app bundle" } else { "bundle" };
        let format = format!("{prefix} with Mach-O universal (x86_64 arm64)");
        assert_eq!(evidence.code[0].format, format);
    }
}

#[test]
fn frameworks() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("F.framework");
    framework(&root, "F", "f ", &adhoc("com.example.f"));
    let evidence = judged(&root);
    assert_eq!(
        (evidence.codesign.valid(), rules(&evidence)),
        (Some(true), vec![])
    );
    assert_eq!(evidence.code[0].kind.name(), "framework");
    // A link of the root into another version than the current one: two answers to which code this is.
    let version = root.join("Versions/B");
    write(
        &version.join("Resources/Info.plist"),
        &info_plist("F", "com.example.f", "FMWK"),
    );
    write_executable(&version.join("F"), b"other");
    fs::remove_file(root.join("F")).unwrap();
    symlink("Versions/B/F", root.join("F")).unwrap();
    // Both -67011 and -67008 are recorded; the smaller number is thrown (specification 6.3).
    assert_eq!(status(&judged(&root)), Some(-67011));
}

#[test]
fn a_flat_bundle_as_on_ios() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Flat.app");
    write(
        &root.join("Info.plist"),
        &info_plist("Flat", "com.example.flat", "APPL"),
    );
    write(&root.join("icon.png"), b"png");
    let rules2 = "<key>rules</key><dict><key>^.*</key><true/></dict><key>rules2</key><dict>\
        <key>^.*</key><true/><key>^Info\\.plist$</key><dict><key>omit</key><true/><key>weight</key><real>20</real></dict>\
        <key>^PkgInfo$</key><dict><key>omit</key><true/><key>weight</key><real>20</real></dict></dict>";
    let code = slices("flat ", EXECUTE);
    sign_with(
        &root,
        "Flat",
        &code,
        &adhoc("com.example.flat"),
        &BTreeMap::new(),
        rules2,
        2,
    );
    let evidence = judged(&root);
    assert_eq!(
        (evidence.codesign.valid(), rules(&evidence)),
        (Some(true), vec![])
    );
    fs::write(root.join("icon.png"), b"PNG").unwrap();
    let evidence = judged(&root);
    assert_eq!(status(&evidence), Some(-67054));
    assert_eq!(evidence.codesign.failure().unwrap().files_modified, ["icon.png"]);
}

#[test]
fn a_bundle_without_code_is_signed_beside_itself() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Data.bundle");
    codeless(&root, &adhoc("com.example.data"));
    let contents = root.join("Contents");
    let meta = contents.join("_CodeSignature");
    let evidence = judged(&root);
    assert_eq!(
        (evidence.codesign.valid(), rules(&evidence)),
        (Some(true), vec![])
    );
    assert_eq!(evidence.code[0].format, "bundle");
    assert_eq!(evidence.code[0].slices[0].cdhashes.len(), 2);
    fs::write(contents.join("Resources/a.txt"), b"b\n").unwrap();
    assert_eq!(status(&judged(&root)), Some(-67054));
    fs::write(meta.join("CodeRequirements"), b"changed").unwrap();
    assert_eq!(status(&judged(&root)), Some(-67061));
}

#[test]
fn components_from_two_places() {
    // An embedded signature without entitlements, and a file that offers some (specification 6.5).
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("A.app");
    contents_bundle(&root, "A", "APPL", &adhoc("com.example.a"));
    let stray = root.join("Contents/_CodeSignature/CodeEntitlements");
    fs::write(&stray, b"x").unwrap();
    // Special slots end at 3, so nobody asks for slot 5: the file is a stranger.
    assert_eq!(status(&judged(&root)), Some(-67014));
    let mut signer = adhoc("com.example.a");
    let constraint = crate::support::plist::der(&crate::support::plist::entries! { "x" => true });
    signer.special.insert(8, blob(0xfade_8181, &constraint));
    fs::remove_dir_all(&root).unwrap();
    contents_bundle(&root, "A", "APPL", &signer);
    assert_eq!(status(&judged(&root)), None);
    fs::write(&stray, b"x").unwrap();
    assert_eq!(status(&judged(&root)), Some(-67061));
}

#[test]
fn old_and_weak_seals() {
    let folder = tempfile::tempdir().unwrap();
    let build = |name: &str, rules: &str, version: u32| {
        let root = folder.path().join(name);
        let contents = root.join("Contents");
        write(
            &contents.join("Info.plist"),
            &info_plist("A", "com.example.a", "APPL"),
        );
        write(&contents.join("Resources/a.txt"), b"a");
        let code = slices("code ", EXECUTE);
        let signer = adhoc("com.example.a");
        sign_with(
            &contents,
            "MacOS/A",
            &code,
            &signer,
            &BTreeMap::new(),
            rules,
            version,
        );
        root
    };
    let old = build("Old.app", "", 1);
    let evidence = judged(&old);
    assert_eq!(status(&evidence), Some(-67007));
    assert_eq!(rules(&evidence), ["resource-envelope-obsolete"]);
    fs::write(old.join("Contents/Resources/a.txt"), b"b").unwrap();
    let evidence = judged(&old);
    assert_eq!(status(&evidence), Some(-67007), "the weak seal is met first");
    assert!(rules(&evidence).contains(&"sealed-resource-broken"));
    let weak = build(
        "Weak.app",
        "<key>rules</key><dict><key>^Resources/</key><true/></dict><key>rules2</key><dict><key>^.*</key><true/>\
         <key>^Resources/cache/</key><dict><key>omit</key><true/><key>weight</key><real>3000</real></dict>\
         <key>^Info\\.plist$</key><dict><key>omit</key><true/><key>weight</key><real>20</real></dict></dict>",
        2,
    );
    assert_eq!(status(&judged(&weak)), Some(-67013));
}

#[test]
fn special_files_and_links_in_bundles() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    symlink("config.json", app.join("Contents/Resources/.DS_Store")).unwrap();
    assert_eq!(status(&judged(&app)), Some(-67012));
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    let pipe = app.join("Contents/Resources/pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(status(&judged(&app)), Some(-67016));
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    let main = app.join("Contents/MacOS/Acme");
    fs::rename(&main, app.join("Contents/MacOS/real")).unwrap();
    symlink("real", &main).unwrap();
    let evidence = judged(&app);
    assert!(
        rules(&evidence).contains(&"unsupported-file-in-bundle"),
        "{:?}",
        rules(&evidence)
    );
}

#[test]
fn an_executable_without_seal() {
    let folder = tempfile::tempdir().unwrap();
    let contents = folder.path().join("A.app/Contents");
    write(
        &contents.join("Info.plist"),
        &info_plist("A", "com.example.a", "APPL"),
    );
    let (bytes, _) = adhoc("A").sign_all(&slices("a ", EXECUTE), Bound::default());
    write_executable(&contents.join("MacOS/A"), &bytes);
    assert_eq!(status(&judged(&folder.path().join("A.app"))), Some(-67056));
}

#[test]
fn apps_in_apps_in_apps() {
    let folder = tempfile::tempdir().unwrap();
    let mut place = folder.path().join("L0.app");
    let root = place.clone();
    let mut roots = vec![place.clone()];
    for level in 1..6 {
        place = place.join(format!("Contents/Helpers/L{level}.app"));
        roots.push(place.clone());
    }
    // From the inside out, as one signs.
    let mut nested = BTreeMap::new();
    for (level, place) in roots.iter().enumerate().rev() {
        let contents = place.join("Contents");
        let identifier = format!("com.example.l{level}");
        write(
            &contents.join("Info.plist"),
            &info_plist("L", &identifier, "APPL"),
        );
        let code = slices(&format!("level {level} "), EXECUTE);
        let cdhashes = sign(&contents, "MacOS/L", &code, &adhoc(&identifier), &nested);
        nested = BTreeMap::from([(format!("Helpers/L{level}.app"), cdhashes)]);
    }
    let evidence = judged(&root);
    assert_eq!((evidence.code.len(), rules(&evidence)), (6, vec![]));
    assert_eq!(
        (evidence.codesign.valid(), evidence.codesign.not_judged()),
        (Some(true), None)
    );
    // A byte in the innermost app is reported with its whole path.
    let deepest = roots[5].join("Contents/MacOS/L");
    crate::support::flip(&deepest, 0x4000 + 0x1010);
    let evidence = judged(&root);
    assert_eq!(status(&evidence), Some(-67061));
    let expected = roots[5].strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    assert_eq!(evidence.codesign.subcomponent(), Some(expected.as_str()));
}
