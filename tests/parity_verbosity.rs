//! `verify --style codesign` at verbosity 0 to 4, and `inspect --style codesign` at 1 to 6 (specification 11.5 and 11.6).

use std::fs;
use std::path::Path;

use crate::support::bundle::{contents_bundle, sign, slices, write};
use crate::support::codesign::{Parent, codesign};
use crate::support::macho::{EXECUTE, arm64};
use crate::support::signature::{Bound, SHA1, SHA256, Signer, adhoc};

/// An app with a helper, and a child with a helper of its own.
fn family() -> Parent {
    let mut parent = Parent::new().with_tool();
    let child = parent.path("Contents/PlugIns/Child.app");
    contents_bundle(&child, "Child", "APPL", &adhoc("child"));
    let (bytes, hashes) = adhoc("inner").sign_all(&[arm64(b"inner")], Bound::default());
    crate::support::bundle::write_executable(&child.join("Contents/Helpers/inner"), &bytes);
    let nested = [("Helpers/inner".to_owned(), hashes)].into();
    let hashes = sign(
        &child.join("Contents"),
        "MacOS/Child",
        &slices("child ", EXECUTE),
        &adhoc("child"),
        &nested,
    );
    parent.nested.insert("PlugIns/Child.app".into(), hashes);
    parent.seal()
}

const TOOL: [&str; 2] = [
    "--prepared:$D/Parent.app/Contents/Helpers/tool",
    "--validated:$D/Parent.app/Contents/Helpers/tool",
];
const CHILD: [&str; 2] = [
    "--prepared:$D/Parent.app/Contents/PlugIns/Child.app",
    "--validated:$D/Parent.app/Contents/PlugIns/Child.app",
];
const INNER: [&str; 2] = [
    "--prepared:$D/Parent.app/Contents/PlugIns/Child.app/Contents/Helpers/inner",
    "--validated:$D/Parent.app/Contents/PlugIns/Child.app/Contents/Helpers/inner",
];
const VALID: [&str; 2] = [
    "Parent.app: valid on disk",
    "Parent.app: satisfies its Designated Requirement",
];

#[test]
fn verify_at_every_level() {
    let parent = family();
    let nested = [TOOL[0], TOOL[1], CHILD[0], INNER[0], INNER[1], CHILD[1]];
    for (level, with_nested, with_lines) in [
        ("", false, false),
        ("-v", false, true),
        ("-vv", true, true),
        ("-vvv", true, true),
        ("-vvvv", true, true),
    ] {
        let arguments: Vec<_> = Some(level).into_iter().filter(|text| !text.is_empty()).collect();
        let said = parent.verify(&arguments);
        let mut expected: Vec<&str> = Vec::new();
        if with_nested {
            expected.extend(nested);
        }
        if with_lines {
            expected.extend(VALID);
        }
        assert_eq!(
            (said.status, said.error),
            (0, expected.iter().map(|l| (*l).to_owned()).collect()),
            "{level}"
        );
        assert_eq!(said.output, Vec::<String>::new());
    }
    // Without --deep only the item's own children are met, and without resources none.
    let said = parent.verify(&["-vv", "--no-deep"]);
    assert_eq!(said.error, [TOOL, CHILD, VALID].concat());
    let said = parent.verify(&["-vv", "--ignore-resources"]);
    assert_eq!(
        said.error,
        ["Parent.app: valid on disk (not all contents verified)", VALID[1]]
    );
    // A failure behind the nested code, and one in front of it.
    write(&parent.path("notes"), b"x");
    let said = parent.verify(&["-vv"]);
    let failure = "Parent.app: unsealed contents present in the bundle root";
    assert_eq!(said.error, [&nested[..], &[failure]].concat());
    crate::support::flip(&parent.path("Contents/MacOS/hello"), 4096);
    let said = parent.verify(&["-vv"]);
    assert_eq!(
        said.error,
        [
            "Parent.app: invalid signature (code or signature have been modified)",
            "In architecture: arm64"
        ]
    );
}

/// Standard error of `inspect` at a level, for a file.
fn displayed(folder: &Path, level: &str, name: &str) -> Vec<String> {
    let said = codesign(folder, "inspect", &[level, name]);
    assert_eq!((said.status, said.output), (0, vec![]));
    said.error
}

/// Levels 5 and 6 are in the specification only: special slots, then code slots as well.
#[test]
fn inspect_at_every_level() {
    let folder = tempfile::tempdir().unwrap();
    let signer = Signer {
        hash_types: vec![SHA1, SHA256],
        entitlements: Some([("a".to_owned(), true.into())].into()),
        ..adhoc("tool")
    };
    let (bytes, _) = signer.sign(&arm64(&[7; 9000]), Bound::default());
    fs::write(folder.path().join("tool"), bytes).unwrap();
    let at = |level: &str| displayed(folder.path(), level, "tool");
    let levels = ["-v", "-vv", "-vvv", "-vvvv", "-vvvvv", "-vvvvvv"].map(at);
    // Each level only adds lines.
    for pair in levels.windows(2) {
        let mut rest = pair[1].iter();
        for line in &pair[0] {
            assert!(rest.any(|found| found == line), "{line}\n{:#?}", pair[1]);
        }
        assert!(pair[1].len() > pair[0].len());
    }
    let four = &levels[3];
    for line in [
        "Hash choices=sha1,sha256",
        "Page size=4096",
        "CMSDigestType=2",
        "Executable Segment base=0",
        "Executable Segment flags=0x1",
    ] {
        assert!(four.contains(&line.to_owned()), "no {line} in {four:#?}");
    }
    let slots = |lines: &[String]| -> Vec<i32> {
        lines
            .iter()
            .filter_map(|line| {
                let (number, digest) = line.split_once('=')?;
                (digest.len() == 64 && line.starts_with(' ')).then(|| number.trim().parse().unwrap())
            })
            .collect()
    };
    assert_eq!(slots(four), Vec::<i32>::new());
    assert_eq!(slots(&levels[4]), (-7..0).collect::<Vec<_>>());
    // Four pages and the rest of the file.
    assert_eq!(slots(&levels[5]), (-7..5).collect::<Vec<_>>());
    // They stand between the page size and the hash of the CodeDirectory.
    let place = |name: &str| levels[5].iter().position(|line| line.starts_with(name)).unwrap();
    assert_eq!(place("Page size=") + 13, place("CDHash="));
    assert!(levels[5].contains(&format!("    -1={}", "0".repeat(64))));
}
