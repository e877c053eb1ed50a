//! One change to a signed app: one error finding that names the file and the architecture, and exit status 1.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use sealcheck::finding::{Finding, Severity};
use sealcheck::outcome::Outcome;
use sealcheck::verify::Options;

use crate::support::bundle::{acme, framework};
use crate::support::examined::examine;
use crate::support::signature::adhoc;
use crate::support::{flip, position};

fn outcome(app: &Path) -> Outcome {
    let examined = examine(app, &Options::default()).unwrap();
    let advice = crate::support::examined::advise(
        &examined,
        Some(sealcheck::finding::Target::Local),
        &sealcheck::rule::Expectations::default(),
    );
    Outcome::new(examined.evidence, examined.survey, advice)
}

fn fresh() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    (folder, app)
}

/// The error findings of an app after `change`; the exit status is 1.
fn errors_after(change: impl FnOnce(&Path)) -> Vec<Finding> {
    let (_folder, app) = fresh();
    change(&app);
    let outcome = outcome(&app);
    assert_eq!(outcome.exit_status(), 1, "{:#?}", outcome.findings());
    let errors: Vec<_> = outcome
        .advice
        .findings
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    assert!(!errors.is_empty(), "no error finding");
    errors
}

/// There is an error of `rule` at `path`, in these architectures.
#[track_caller]
fn assert_error(errors: &[Finding], rule: &str, path: &str, architectures: &[&str]) {
    let found: Vec<_> = errors
        .iter()
        .filter(|finding| finding.rule == rule && finding.path == path)
        .collect();
    assert!(!found.is_empty(), "no {rule} at {path} in {errors:#?}");
    let mut named: Vec<_> = found
        .iter()
        .filter_map(|finding| finding.architecture.as_deref())
        .collect();
    named.sort_unstable();
    assert_eq!(named, architectures, "{found:#?}");
}

/// There is one finding about the seal with exactly this place.
#[track_caller]
fn assert_resource(errors: &[Finding], path: &str, note: &str) {
    let found = errors
        .iter()
        .find(|finding| finding.rule == "sealed-resource-broken")
        .unwrap_or_else(|| panic!("no sealed-resource-broken in {errors:#?}"));
    let places: Vec<_> = found
        .places
        .iter()
        .map(|place| (place.path.as_str(), place.note))
        .collect();
    assert!(places.contains(&(path, note)), "{places:?}");
}

const MAIN: &str = "Contents/MacOS/Acme";

/// Changes the byte in the middle of the only occurrence of `needle` in both slices of the main executable.
fn change_in_main(app: &Path, offset_of: impl Fn(&[u8]) -> usize) {
    let path = app.join(MAIN);
    let bytes = fs::read(&path).unwrap();
    // Two slices: x86_64 at 16 KiB, arm64 behind it; the change is made in the first.
    let second = u32::from_be_bytes(bytes[36..40].try_into().unwrap()) as usize;
    let at = offset_of(&bytes[0x4000..second]);
    flip(&path, 0x4000 + at);
}

#[test]
fn the_unchanged_app_has_no_problem() {
    let (_folder, app) = fresh();
    let outcome = outcome(&app);
    assert_eq!(outcome.findings(), Vec::new());
    let evidence = &outcome.evidence;
    let paths: Vec<_> = evidence.code.iter().map(|object| object.path.as_str()).collect();
    let nested = [
        "",
        "Contents/Frameworks/Inner.framework",
        "Contents/Frameworks/libextra.dylib",
        "Contents/XPCServices/Service.xpc",
    ];
    assert_eq!(paths, nested);
    assert_eq!(
        (evidence.codesign.valid(), outcome.exit_status()),
        (Some(true), 0)
    );
}

#[test]
fn a_byte_in_a_code_page() {
    let errors = errors_after(|app| change_in_main(app, |_| 0x1234));
    assert_error(&errors, "signature-broken-pages", MAIN, &["x86_64"]);
    assert!(
        errors[0].message.contains("page 1 at offset 0x1000"),
        "{errors:#?}"
    );
}

#[test]
fn a_byte_in_each_component_with_a_special_slot() {
    for (slot, magic, inside) in [
        (2, [0xfa, 0xde, 0x0c, 0x01], 11),
        (5, [0xfa, 0xde, 0x71, 0x71], 60),
        (7, [0xfa, 0xde, 0x71, 0x72], 12),
    ] {
        let errors = errors_after(|app| change_in_main(app, |slice| position(slice, &magic) + inside));
        assert_error(&errors, "special-slot-missing", MAIN, &["x86_64"]);
        let text = format!("special slot {slot})");
        assert!(
            errors.iter().any(|finding| finding.message.contains(&text)),
            "{errors:#?}"
        );
    }
}

#[test]
fn a_byte_in_a_code_directory_breaks_what_it_says() {
    // A page digest of the SHA-256 CodeDirectory: the last byte of the alternate directory.
    let errors = errors_after(|app| {
        change_in_main(app, |slice| {
            let start = position(slice, &[0xfa, 0xde, 0x0b, 0x01]);
            start - 1
        });
    });
    assert_error(&errors, "signature-broken-pages", MAIN, &["x86_64"]);
}

#[test]
fn info_plist() {
    let errors = errors_after(|app| flip(&app.join("Contents/Info.plist"), 120));
    assert_error(
        &errors,
        "info-plist-changed",
        "Contents/Info.plist",
        &["arm64", "x86_64"],
    );
    let errors = errors_after(|app| fs::remove_file(app.join("Contents/Info.plist")).unwrap());
    assert_error(
        &errors,
        "info-plist-changed",
        "Contents/Info.plist",
        &["arm64", "x86_64"],
    );
}

#[test]
fn code_resources() {
    let seal = "Contents/_CodeSignature/CodeResources";
    let errors = errors_after(|app| {
        let at = position(&fs::read(app.join(seal)).unwrap(), b"<key>files</key>");
        flip(&app.join(seal), at + 6);
    });
    assert_error(&errors, "special-slot-missing", seal, &["arm64", "x86_64"]);
    let errors = errors_after(|app| fs::remove_file(app.join(seal)).unwrap());
    assert_error(&errors, "special-slot-missing", seal, &["arm64", "x86_64"]);
}

#[test]
fn sealed_files_changed_added_removed_renamed() {
    let resources = |app: &Path, name: &str| app.join("Contents/Resources").join(name);
    let errors = errors_after(|app| flip(&resources(app, "config.json"), 0));
    assert_resource(&errors, "Contents/Resources/config.json", "modified");
    let errors = errors_after(|app| fs::write(resources(app, "new.pyc"), b"x").unwrap());
    assert_resource(&errors, "Contents/Resources/new.pyc", "added");
    let errors = errors_after(|app| fs::remove_file(resources(app, "sub/deep.txt")).unwrap());
    assert_resource(&errors, "Contents/Resources/sub/deep.txt", "missing");
    let errors = errors_after(|app| {
        fs::rename(resources(app, "sub/deep.txt"), resources(app, "sub/other.txt")).unwrap();
    });
    assert_resource(&errors, "Contents/Resources/sub/deep.txt", "missing");
    assert_resource(&errors, "Contents/Resources/sub/other.txt", "added");
}

#[test]
fn links_with_another_target_or_turned_into_files() {
    let link = |app: &Path| app.join("Contents/Resources/link.json");
    let errors = errors_after(|app| {
        fs::remove_file(link(app)).unwrap();
        symlink("sub/deep.txt", link(app)).unwrap();
    });
    assert_resource(&errors, "Contents/Resources/link.json", "modified");
    let errors = errors_after(|app| {
        fs::remove_file(link(app)).unwrap();
        fs::copy(app.join("Contents/Resources/config.json"), link(app)).unwrap();
    });
    assert_resource(&errors, "Contents/Resources/link.json", "modified");
}

#[test]
fn localisations_may_go_but_not_change() {
    let (_folder, app) = fresh();
    fs::remove_dir_all(app.join("Contents/Resources/de.lproj")).unwrap();
    assert_eq!(outcome(&app).findings(), Vec::new());
    let errors = errors_after(|app| flip(&app.join("Contents/Resources/de.lproj/Main.strings"), 1));
    assert_resource(&errors, "Contents/Resources/de.lproj/Main.strings", "modified");
}

#[test]
fn nested_code_exchanged_changed_removed() {
    let place = "Contents/Frameworks/Inner.framework";
    let errors = errors_after(|app| {
        fs::remove_dir_all(app.join(place)).unwrap();
        framework(&app.join(place), "Inner", "other ", &adhoc("com.example.inner"));
    });
    assert_error(&errors, "nested-code-replaced", place, &[]);
    let errors = errors_after(|app| flip(&app.join(place).join("Versions/A/Inner"), 0x4000 + 0x1010));
    assert_error(
        &errors,
        "signature-broken-pages",
        "Contents/Frameworks/Inner.framework/Versions/A/Inner",
        &["x86_64"],
    );
    let errors = errors_after(|app| flip(&app.join(place).join("Versions/A/Resources/data.txt"), 0));
    assert_resource(
        &errors,
        "Contents/Frameworks/Inner.framework/Versions/A/Resources/data.txt",
        "modified",
    );
    let errors = errors_after(|app| fs::remove_dir_all(app.join(place)).unwrap());
    assert_resource(&errors, place, "missing");
}

#[test]
fn code_that_no_seal_names_is_found_and_judged() {
    // A dot-less folder under Resources is for the seal a folder of ordinary files.
    let errors = errors_after(|app| {
        let copy = app.join("Contents/Resources/sub/tool");
        fs::copy(app.join(MAIN), &copy).unwrap();
        flip(&copy, 0x4000 + 0x1010);
    });
    assert_resource(&errors, "Contents/Resources/sub/tool", "added");
    assert_error(
        &errors,
        "signature-broken-pages",
        "Contents/Resources/sub/tool",
        &["x86_64"],
    );
}

#[test]
fn strangers_beside_contents_and_in_framework_roots() {
    let errors = errors_after(|app| fs::write(app.join("notes.txt"), b"x").unwrap());
    assert_error(&errors, "bundle-root-unsealed", "", &[]);
    let errors = errors_after(|app| {
        fs::write(app.join("Contents/Frameworks/Inner.framework/notes.txt"), b"x").unwrap();
    });
    assert_error(
        &errors,
        "bundle-root-unsealed",
        "Contents/Frameworks/Inner.framework",
        &[],
    );
    let errors = errors_after(|app| fs::write(app.join("Contents/_CodeSignature/notes"), b"x").unwrap());
    assert_error(&errors, "bundle-root-unsealed", "", &[]);
}

#[test]
fn bytes_behind_the_signature() {
    let errors = errors_after(|app| {
        let path = app.join(MAIN);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend([7; 100]);
        fs::write(path, bytes).unwrap();
    });
    assert_error(&errors, "fat-layout-suspicious", MAIN, &[]);
    let errors = errors_after(|app| {
        let path = app.join("Contents/Frameworks/libextra.dylib");
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend([7; 100]);
        fs::write(path, bytes).unwrap();
    });
    assert_error(
        &errors,
        "trailing-data-or-misplaced-signature",
        "Contents/Frameworks/libextra.dylib",
        &["arm64", "arm64"],
    );
}
