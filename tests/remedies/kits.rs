//! Remedies of XCFrameworks. Xcode 15 and later show who signed one, record that at the first use, and stop a build where another one
//! signed later ("Verify app dependencies with digital signatures", WWDC 2023). The signature is that of a bundle without code: its seal
//! lists every file of every library in it.

use std::fs;
use std::path::Path;

use sealcheck::gatekeeper::{Ruling, assess, fitting_operation};
use sealcheck::verify::{Product, verify_at};

use super::Bench;
use crate::support::bundle::write;
use crate::support::flip;
use crate::support::foundry::{framework, options};
use crate::support::plist::{entries, xml};
use crate::support::tools::Shell;

const KIT: &str = "macos-arm64_x86_64/Kit.framework";

/// A signed XCFramework, whose libraries are signed, too.
fn kit() -> Bench {
    let bench = Bench::of(&framework("com.example.kit"));
    let path = bench.around().join("Kit.xcframework");
    let info = entries! { "CFBundlePackageType" => "XFWK", "XCFrameworkFormatVersion" => "1.0" };
    write(&path.join("Info.plist"), &xml(&info));
    framework("com.example.kit").write(&path.join(KIT));
    framework("com.example.kit")
        .platform(2)
        .write(&path.join("ios-arm64/Kit.framework"));
    let bench = Bench { path, ..bench };
    sign(&bench.path);
    bench
}

fn sign(path: &Path) {
    let shell = Shell::new(path.parent().unwrap());
    shell
        .run("codesign -f -s \"Developer ID Application: Example\" --timestamp Kit.xcframework")
        .unwrap();
}

/// The seal is judged, and who signed is known, as Xcode shows it. Nothing is said for Macs.
#[test]
fn the_signature_of_an_xcframework_is_judged() {
    let bench = kit();
    let evidence = verify_at(&bench.path, &options()).unwrap();
    assert_eq!(evidence.product(), Product::XcFramework);
    assert_eq!(evidence.codesign.valid(), Some(true), "{:?}", evidence.codesign);
    let identity = evidence.code[0].slices[0].identity.as_ref().unwrap();
    assert!(
        identity.chain[0]
            .summary()
            .starts_with("Developer ID Application: ")
    );
    assert_eq!(bench.advice().findings, []);
    let verdict = assess(&evidence, fitting_operation(&evidence));
    assert!(matches!(verdict.ruling, Ruling::NotApplicable(_)), "{verdict:?}");
    // One file of one library more.
    write(
        &bench
            .path
            .join("ios-arm64/Kit.framework/Versions/A/Resources/more.txt"),
        b"more",
    );
    let evidence = verify_at(&bench.path, &options()).unwrap();
    assert_eq!(evidence.codesign.valid(), Some(false));
}

/// The library in it is signed first, then the XCFramework, both with a timestamp. No command is one for products.
#[test]
fn a_broken_library_is_signed_before_its_xcframework() {
    let bench = kit();
    flip(&bench.path.join(KIT).join("Versions/A/kit"), 0x5010);
    let commands = bench.repair("signature-broken-pages");
    let lines: Vec<&str> = commands.lines().collect();
    let [library, kit] = lines[..] else {
        panic!("{commands}")
    };
    assert!(
        library.contains(KIT) && kit.ends_with("Kit.xcframework"),
        "{commands}"
    );
    for line in commands.lines() {
        assert!(
            line.starts_with("codesign -f -s \"Developer ID Application: "),
            "{commands}"
        );
        assert!(
            line.contains(" --timestamp ") && !line.contains("runtime"),
            "{commands}"
        );
    }
    assert_eq!(bench.advice().findings, []);
}

/// A changed file in a library: both seals are made anew.
#[test]
fn a_changed_file_in_an_xcframework_is_sealed_again() {
    let bench = kit();
    fs::write(
        bench.path.join(KIT).join("Versions/A/Resources/more.txt"),
        b"more",
    )
    .unwrap();
    let commands = bench.repair("sealed-resource-broken");
    assert!(!commands.contains("notarytool"), "{commands}");
    assert_eq!(bench.advice().findings, []);
}
