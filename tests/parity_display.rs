//! What Apple's `codesign -d` printed (native observations 6.1, 8 and 9): lines, their levels and streams.
//!
//! Not rebuilt: disk images; times in other languages and zones; `-d` at levels 5 and 6, of which nothing is recorded.

use std::fs;

use sealcheck::requirement::RequirementSet;

use crate::support::cms::CmsSigner;
use crate::support::codesign::{Parent, Said, codesign};
use crate::support::macho::{DYLIB, Thin, arm64};
use crate::support::pki::{self, Key};
use crate::support::plist::entries;
use crate::support::signature::{Bound, RUNTIME, Signer, adhoc, certified};

fn display(signer: &Signer, arguments: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let dylib = Thin {
        file_type: DYLIB,
        ..arm64(&[1; 100])
    };
    let bytes = signer.sign(&dylib, Bound::default()).0;
    fs::write(folder.path().join("image"), bytes).unwrap();
    let mut all = arguments.to_vec();
    all.push("image");
    codesign(folder.path(), "inspect", &all)
}

/// What stands before the `=` of each line, once.
fn names(said: &Said) -> Vec<&str> {
    let name = |line: &'_ String| line.len() - line.split_once(['=']).map_or(0, |(_, rest)| rest.len() + 1);
    let mut names: Vec<_> = said.error.iter().map(|line| &line[..name(line)]).collect();
    names.dedup();
    names
}

/// 8.1 and 8.2.
#[test]
fn lines_and_their_levels() {
    let signer = Signer {
        page_log2: 14,
        ..adhoc("org.example.command-ranges")
    };
    assert_eq!(names(&display(&signer, &[])), ["Executable"]);
    let one = display(&signer, &["-v"]);
    assert!(one.error[3].starts_with("CodeDirectory v=20400 size="), "{one:?}");
    assert!(one.error[3].ends_with("+2 location=embedded"), "{one:?}");
    let but_that: Vec<_> = one.error[1..3].iter().chain(&one.error[4..]).collect();
    assert_eq!(
        but_that,
        [
            "Identifier=org.example.command-ranges",
            "Format=Mach-O thin (arm64)",
            "Signature=adhoc",
            "Info.plist=not bound",
            "TeamIdentifier=not set",
            "Sealed Resources=none",
            "Internal requirements count=0 size=12",
        ]
    );
    let two = display(&signer, &["-vv"]);
    assert_eq!(
        two.error[one.error.len()..],
        ["Total signatures=1", "Chosen signature=1"]
    );
    let three = display(&signer, &["-vvv"]);
    assert_eq!(
        names(&three),
        [
            "Executable",
            "Identifier",
            "Format",
            "CodeDirectory v",
            "Hash type",
            "CandidateCDHash sha256",
            "CandidateCDHashFull sha256",
            "Hash choices",
            "CMSDigest",
            "CMSDigestType",
            "CDHash",
            "Signature",
            "Info.plist",
            "TeamIdentifier",
            "Sealed Resources",
            "Internal requirements count",
            "Total signatures",
            "Chosen signature"
        ]
    );
    let four = display(&signer, &["-vvvv"]);
    assert_eq!(
        names(&four),
        [
            "Executable",
            "Identifier",
            "Format",
            "CodeDirectory v",
            "VersionPlatform",
            "VersionMin",
            "VersionSDK",
            "Hash type",
            "CandidateCDHash sha256",
            "CandidateCDHashFull sha256",
            "Hash choices",
            "CMSDigest",
            "CMSDigestType",
            "Executable Segment base",
            "Executable Segment limit",
            "Executable Segment flags",
            "Page size",
            "CDHash",
            "Signature",
            "Info.plist",
            "TeamIdentifier",
            "Sealed Resources",
            "Internal requirements count",
            "Total signatures",
            "Chosen signature"
        ]
    );
    assert!(four.error.contains(&"VersionMin=720896".to_owned()), "{four:?}");
    assert!(four.error.contains(&"Page size=16384".to_owned()), "{four:?}");
    assert_eq!((four.status, four.output.len()), (0, 0));
    // An x86_64 slice of subtype 0 has no name.
    let folder = tempfile::tempdir().unwrap();
    let odd = Thin {
        cpu_type: 0x0100_0007,
        cpu_subtype: 0,
        ..arm64(b"x")
    };
    fs::write(
        folder.path().join("image"),
        adhoc("x").sign(&odd, Bound::default()).0,
    )
    .unwrap();
    let said = codesign(folder.path(), "inspect", &["-v", "image"]);
    assert!(
        said.error
            .contains(&"Format=Mach-O thin ((16777223:0))".to_owned()),
        "{said:?}"
    );
    // Unsigned code has one line, without architecture.
    fs::write(folder.path().join("image"), arm64(b"x").build(None)).unwrap();
    assert_eq!(
        codesign(folder.path(), "inspect", &["-v", "image"]),
        Said::new(1, &[], &["image: code object is not signed at all"])
    );
}

/// 8.3.
#[test]
fn bundles() {
    let parent = Parent::new().seal();
    let said = codesign(parent.folder.path(), "inspect", &["-vv", "Parent.app"]);
    let mut lines = said.error;
    assert_eq!(lines.remove(0), "Executable=$D/Parent.app/Contents/MacOS/hello");
    lines.retain(|line| !line.starts_with("CodeDirectory "));
    assert_eq!(
        lines,
        [
            "Identifier=org.example.parent",
            "Format=app bundle with Mach-O thin (arm64)",
            "Signature=adhoc",
            "Info.plist entries=4",
            "TeamIdentifier=not set",
            "Sealed Resources version=2 rules=13 files=7",
            "Internal requirements count=0 size=12",
            "Total signatures=1",
            "Chosen signature=1"
        ]
    );
}

/// 8.4, with the time in our form.
#[test]
fn signers() {
    let root = pki::root().self_signed();
    let leaf = pki::developer_id(Key::Rsa(2048)).issued_by(&pki::developer_id_ca().issued_by(&root));
    let signer = Signer {
        flags: RUNTIME,
        version: 0x20500,
        ..certified("org.example.timestamp", CmsSigner::new(&leaf))
    };
    let said = display(&signer, &["-vv"]);
    let authorities: Vec<_> = said
        .error
        .iter()
        .filter_map(|line| line.strip_prefix("Authority="))
        .collect();
    assert_eq!(
        authorities,
        [
            "Developer ID Application: Example (ABCDE12345)",
            "Test Developer ID Certification Authority",
            "Test Root CA"
        ]
    );
    for line in [
        "Signed Time=Jun 1, 2026 at 12:00:00 PM UTC",
        // The organisational unit of a private chain never becomes a team.
        "TeamIdentifier=not set",
        "Runtime Version=26.0.0",
    ] {
        assert!(said.error.contains(&line.to_owned()), "no {line} in {said:?}");
    }
    assert!(
        !display(&signer, &["-v"])
            .error
            .iter()
            .any(|line| line.starts_with("Authority="))
    );
    let mut broken = CmsSigner::new(&leaf);
    broken.breaks_signature = true;
    let said = display(&certified("x", broken), &["-vv"]);
    let at = said
        .error
        .iter()
        .position(|line| line == "Authority=(unavailable)")
        .unwrap();
    assert_eq!(said.error[at + 1], "Info.plist=not bound");
}

/// 6.1: on standard output, behind `Executable=` on the other stream.
#[test]
fn requirements() {
    for (text, line) in [
        ("always", "designated => always"),
        ("identifier \"abc123\"", "designated => identifier abc123"),
        ("identifier \"true\"", "designated => identifier \"true\""),
        ("identifier \"é\"", "designated => identifier 0xc3a9"),
        (
            "certificate 1[field.1.2.840.113635.100.6.2.6] exists",
            "designated => certificate 1[field.1.2.840.113635.100.6.2.6] /* exists */",
        ),
    ] {
        let mut signer = adhoc("x");
        let set = RequirementSet::from_text(&format!("designated => {text}")).unwrap();
        signer.special.insert(2, set.to_blob());
        let said = display(&signer, &["-r"]);
        assert_eq!(said, Said::new(0, &[line], &["Executable=$D/image"]));
    }
    // 6.3: without a designated one, the default behind a comment sign.
    let said = display(&adhoc("x"), &["-r"]);
    assert!(
        said.output[0].starts_with("# designated => cdhash H\""),
        "{said:?}"
    );
    // 6.4: a zero slot hash means the default; a damaged page changes nothing.
    let all: String = (0..7).map(|number| format!("{number} => always ")).collect();
    let mut signer = adhoc("x");
    signer
        .special
        .insert(2, RequirementSet::from_text(&all).unwrap().to_blob());
    assert_eq!(
        display(&signer, &["-r"]).output,
        [
            "invalid => always",
            "host => always",
            "guest => always",
            "designated => always",
            "library => always",
            "plugin => always",
            "/*unknown type*/ 6 => always"
        ]
    );
}

/// 9.1.
#[test]
fn entitlements() {
    let signer = Signer {
        entitlements: Some(entries! { "test" => true }),
        ..adhoc("x")
    };
    let said = display(&signer, &["--entitlements"]);
    let lines = ["[Dict]", "\t[Key] test", "\t[Value]", "\t\t[Bool] true"];
    assert_eq!(said, Said::new(0, &lines, &["Executable=$D/image"]));
    assert_eq!(
        display(&adhoc("x"), &["--entitlements"]).output,
        Vec::<String>::new()
    );
}
