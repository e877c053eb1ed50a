//! What Apple's `codesign --verify` printed (native observations 1, 2, 4, 5): exit status and both streams.
//!
//! Not rebuilt: rows that Apple's own signer must make, disk images (containers come later), the text of a missing
//! operand (not recorded).

use std::fs;
use std::os::unix::fs::symlink;

use sealcheck::requirement::RequirementSet;

use crate::support::bundle::{contents_bundle, framework, write, write_executable};
use crate::support::cms::CmsSigner;
use crate::support::codesign::{Parent, Said, codesign};
use crate::support::flip;
use crate::support::macho::{Thin, arm64, universal, x86_64};
use crate::support::pki::{self, Key};
use crate::support::signature::{Bound, Signer, adhoc, certified};

const BROKEN: &str = "a sealed resource is missing or invalid";

fn requirements(text: &str) -> Vec<u8> {
    RequirementSet::from_text(text).unwrap().to_blob()
}

/// An ad-hoc signer with this designated requirement.
fn designated(identifier: &str, text: &str) -> Signer {
    let mut signer = adhoc(identifier);
    signer
        .special
        .insert(2, requirements(&format!("designated => {text}")));
    signer
}

/// Files named by what they are, in one folder.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn add(&self, name: &str, bytes: &[u8]) {
        write_executable(&self.0.path().join(name), bytes);
    }

    fn verify(&self, arguments: &[&str]) -> Said {
        codesign(self.0.path(), "verify", arguments)
    }
}

fn both() -> [Thin; 2] {
    [x86_64(&[1; 9000]), arm64(&[2; 9000])]
}

/// Two slices that are signed already; where each of them begins.
fn offsets(file: &[u8]) -> [usize; 2] {
    [16, 36].map(|at| u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize)
}

/// 1.2.
#[test]
fn thin_and_universal_files() {
    let files = Files::new();
    let thin = arm64(&[2; 9000]);
    files.add("input", &thin.build(None));
    let unsigned = Said::new(
        1,
        &[],
        &[
            "input: code object is not signed at all",
            "In architecture: arm64",
        ],
    );
    assert_eq!(files.verify(&["input"]), unsigned);
    assert_eq!(files.verify(&["-v", "-a", "arm64", "input"]), unsigned);
    let bare: Vec<_> = both().iter().map(|thin| thin.build(None)).collect();
    let pairs = both();
    let bare: Vec<_> = pairs.iter().zip(bare).collect();
    files.add("input", &universal(&bare));
    assert_eq!(files.verify(&["input"]), unsigned);
    let modified = |arch: &str| {
        let line = format!("In architecture: {arch}");
        Said::new(
            1,
            &[],
            &[
                "input: invalid signature (code or signature have been modified)",
                &line,
            ],
        )
    };
    let leaf = pki::self_signed(Key::Rsa(2048)).self_signed();
    for signer in [adhoc("x"), certified("x", CmsSigner::new(&leaf))] {
        let (good, _) = signer.sign(&thin, Bound::default());
        let mut bad = good.clone();
        bad[4096] ^= 1;
        files.add("input", &bad);
        assert_eq!(files.verify(&["-v", "input"]), modified("arm64"));
        let (bytes, _) = signer.sign(&x86_64(&[1; 9000]), Bound::default());
        let mut bad = bytes.clone();
        bad[4096] ^= 1;
        files.add("input", &bad);
        assert_eq!(files.verify(&["input"]), modified("x86_64"));
        // 1.4: an architecture that is not there.
        files.add("input", &bytes);
        assert_eq!(
            files.verify(&["-a", "arm64", "input"]),
            Said::new(
                1,
                &[],
                &["input: object file format unrecognized, invalid, or unsuitable"]
            )
        );
        // Requirements: the last byte of the blob in slot 2.
        let at = good
            .windows(4)
            .position(|found| found == [0xfa, 0xde, 0x0c, 0x01])
            .unwrap();
        let mut bad = good.clone();
        bad[at + 11] ^= 1;
        files.add("input", &bad);
        assert_eq!(files.verify(&["input"]), modified("arm64"));
        // One slice of two.
        let (good, _) = signer.sign_all(&both(), Bound::default());
        for (index, arch) in [(0, "x86_64"), (1, "arm64")] {
            let mut bad = good.clone();
            bad[offsets(&good)[index] + 4096] ^= 1;
            files.add("input", &bad);
            assert_eq!(files.verify(&["input"]), modified(arch));
            assert_eq!(files.verify(&["-a", arch, "input"]), modified(arch));
            let other = ["arm64", "x86_64"][index];
            assert_eq!(files.verify(&["-a", other, "input"]), Said::new(0, &[], &[]));
        }
    }
    // The CMS blob: BER that is broken, and a signature that is wrong.
    let mut cms = CmsSigner::new(&leaf);
    cms.breaks_signature = true;
    files.add("input", &certified("x", cms).sign(&thin, Bound::default()).0);
    assert_eq!(files.verify(&["input"]), modified("arm64"));
    let broken = Signer {
        identity: None,
        cms: Some(vec![0x30, 0x80, 1]),
        ..certified("x", CmsSigner::new(&leaf))
    };
    files.add("input", &broken.sign(&thin, Bound::default()).0);
    assert_eq!(
        files.verify(&["input"]),
        Said::new(
            1,
            &[],
            &["input: Unknown format in import.", "In architecture: arm64"]
        )
    );
}

/// 1.3.
#[test]
fn bundles() {
    let said = |message: &str, is_of_slice: bool| {
        let first = format!("Parent.app: {message}");
        let lines = [first.as_str(), "In architecture: arm64"];
        Said::new(1, &[], &lines[..if is_of_slice { 2 } else { 1 }])
    };
    let parent = Parent::new().seal();
    let code = parent.path("Contents/MacOS/hello");
    let good = fs::read(&code).unwrap();
    write_executable(&code, &parent.slices[0].build(None));
    assert_eq!(
        parent.verify(&["-v"]),
        said("code object is not signed at all", true)
    );
    write_executable(&code, &good);
    flip(&code, 4096);
    let modified = "invalid signature (code or signature have been modified)";
    assert_eq!(parent.verify(&["-v"]), said(modified, true));
    write_executable(&code, &good);
    let info = parent.path("Contents/Info.plist");
    let text = fs::read(&info).unwrap();
    write(&info, &[&text[..], b"\n"].concat());
    let plist = "invalid Info.plist (plist or signature have been modified)";
    assert_eq!(parent.verify(&["-v"]), said(plist, true));
    write(&info, &text);
    let seal = parent.path("Contents/_CodeSignature/CodeResources");
    let text = fs::read(&seal).unwrap();
    write(&seal, &[&text[..], b"\n"].concat());
    let directory = "invalid resource directory (directory or signature have been modified)";
    assert_eq!(parent.verify(&["-v"]), said(directory, false));
}

/// 1.5.
#[test]
fn nested_code() {
    let mut parent = Parent::new();
    let child = parent.path("Contents/PlugIns/Child.app");
    let tool = child.join("Contents/Helpers/tool");
    write_executable(&tool, &adhoc("tool").sign(&arm64(b"tool"), Bound::default()).0);
    let hashes = contents_bundle(&child, "Child", "APPL", &adhoc("org.example.child"));
    parent.nested.insert("PlugIns/Child.app".into(), hashes);
    // The child's seal takes the tool for a file, so it is sealed again as code, with a requirement that fails.
    let seal = child.join("Contents/_CodeSignature/CodeResources");
    let text = fs::read_to_string(&seal).unwrap();
    let start = text.find("<key>Helpers/tool</key>").unwrap();
    let end = start + text[start..].find("</dict>").unwrap() + "</dict>".len();
    let entry = |requirement: &str| {
        format!("<key>Helpers/tool</key><dict><key>requirement</key><string>{requirement}</string></dict>")
    };
    let resign = |parent: &mut Parent, requirement: &str| {
        let text = text.replace(&text[start..end], &entry(requirement));
        write(&seal, text.as_bytes());
        let info = fs::read(child.join("Contents/Info.plist")).unwrap();
        let bound = Bound {
            info: Some(&info),
            resources: Some(text.as_bytes()),
        };
        let slices = [x86_64(b"child"), arm64(b"child")];
        let (bytes, hashes) = adhoc("org.example.child").sign_all(&slices, bound);
        write_executable(&child.join("Contents/MacOS/Child"), &bytes);
        parent.nested.insert("PlugIns/Child.app".into(), hashes);
    };
    resign(&mut parent, "always");
    let mut parent = parent.seal();
    assert_eq!(parent.verify(&["-v"]).status, 0);
    write_executable(&tool, &arm64(b"tool").build(None));
    assert_eq!(
        parent.verify(&["-v"]),
        Said::new(
            1,
            &[],
            &[
                "Parent.app: code object is not signed at all",
                "In subcomponent: $D/Parent.app/Contents/PlugIns/Child.app/Contents/Helpers/tool",
                "In architecture: arm64"
            ]
        )
    );
    // Without --deep nobody looks that far.
    assert_eq!(parent.verify(&["--no-deep"]).status, 0);
    write_executable(&tool, &adhoc("tool").sign(&arm64(b"tool"), Bound::default()).0);
    resign(&mut parent, "never");
    let parent = parent.seal();
    assert_eq!(
        parent.verify(&["-v"]),
        Said::new(
            1,
            &["file modified: $D/Parent.app/Contents/PlugIns/Child.app/Contents/Helpers/tool"],
            &[
                "Parent.app: nested code is modified or invalid",
                "In subcomponent: $D/Parent.app/Contents/PlugIns/Child.app"
            ]
        )
    );
}

/// 2.1: one change after signing, and what is printed with -v.
#[test]
fn resources() {
    const SUCCESS: [&str; 2] = [
        "Parent.app: valid on disk",
        "Parent.app: satisfies its Designated Requirement",
    ];
    type Change = fn(&Parent);
    let remove = |parent: &Parent, name: &str| fs::remove_file(parent.resource(name)).unwrap();
    let cases: &[(&str, Change, &[&str])] = &[
        ("written", |p| write(&p.resource("new"), b"n"), &["added: new"]),
        ("changed", |p| write(&p.resource("a"), b"x"), &["modified: a"]),
        (
            "removed",
            |p| fs::remove_file(p.resource("a")).unwrap(),
            &["missing: a"],
        ),
        (
            "all three",
            |p| {
                write(&p.resource("new"), b"n");
                write(&p.resource("a"), b"x");
                fs::remove_file(p.resource("b")).unwrap();
            },
            &["added: new", "modified: a", "missing: b"],
        ),
        (
            "lproj removed",
            |p| fs::remove_file(p.resource("fr.lproj/a")).unwrap(),
            &[],
        ),
        (
            "lproj changed",
            |p| write(&p.resource("fr.lproj/a"), b"x"),
            &["modified: fr.lproj/a"],
        ),
        (
            "link added",
            |p| symlink("b", p.resource("new-link")).unwrap(),
            &["added: new-link"],
        ),
        (
            "link retargeted",
            |p| {
                fs::remove_file(p.resource("link")).unwrap();
                symlink("b", p.resource("link")).unwrap();
            },
            &["modified: link"],
        ),
        (
            "link removed",
            |p| fs::remove_file(p.resource("link")).unwrap(),
            &["missing: link"],
        ),
        (
            "file replaced by link",
            |p| {
                fs::remove_file(p.resource("a")).unwrap();
                symlink("b", p.resource("a")).unwrap();
            },
            &["modified: a"],
        ),
        (
            "target removed",
            |p| fs::remove_file(p.resource("target")).unwrap(),
            &["missing: target"],
        ),
        (
            "link to nowhere",
            |p| {
                fs::remove_file(p.resource("link")).unwrap();
                symlink("absent", p.resource("link")).unwrap();
            },
            &["modified: link"],
        ),
    ];
    for (what, change, expected) in cases {
        let parent = Parent::new().with_tool().seal();
        change(&parent);
        let output: Vec<_> = expected
            .iter()
            .map(|line| {
                let (group, name) = line.split_once(": ").unwrap();
                format!("file {group}: $D/Parent.app/Contents/Resources/{name}")
            })
            .collect();
        let output: Vec<_> = output.iter().map(String::as_str).collect();
        let message = format!("Parent.app: {BROKEN}");
        let said = if expected.is_empty() {
            Said::new(0, &[], &SUCCESS)
        } else {
            Said::new(1, &output, &[&message])
        };
        // As observed: without --deep, and with strict rules that leave links alone.
        assert_eq!(parent.verify(&["-v", "--no-deep", "--strict=0"]), said, "{what}");
        let quiet = Said {
            output: vec![],
            error: if expected.is_empty() {
                vec![]
            } else {
                said.error.clone()
            },
            ..said
        };
        assert_eq!(parent.verify(&["--no-deep", "--strict=0"]), quiet, "{what}");
    }
    let parent = Parent::new().with_tool().seal();
    fs::remove_file(parent.path("Contents/Helpers/tool")).unwrap();
    let missing = "file missing: $D/Parent.app/Contents/Helpers/tool";
    let message = format!("Parent.app: {BROKEN}");
    assert_eq!(parent.verify(&["-v"]), Said::new(1, &[missing], &[&message]));
    let mut parent = Parent::new().with_tool();
    let hashes = parent.nested.get_mut("Helpers/tool").unwrap();
    hashes[0][0] ^= 1;
    let parent = parent.seal();
    assert_eq!(
        parent.verify(&["-v"]),
        Said::new(
            1,
            &["file modified: $D/Parent.app/Contents/Helpers/tool"],
            &["Parent.app: nested code is modified or invalid"]
        )
    );
    // A link to a localisation that is gone: compared as text only.
    let parent = Parent::new();
    remove(&parent, "link");
    symlink("fr.lproj/a", parent.resource("link")).unwrap();
    let parent = parent.seal();
    remove(&parent, "fr.lproj/a");
    assert_eq!(parent.verify(&["-v", "--strict=0"]), Said::new(0, &[], &SUCCESS));
}

/// 2.2, with the version of a framework spelled as it was selected (2.1).
#[test]
fn resources_of_children_and_frameworks() {
    let mut parent = Parent::new();
    let child = parent.path("Contents/PlugIns/Child.app");
    write(&child.join("Contents/Resources/a"), b"a");
    let hashes = contents_bundle(&child, "Child", "APPL", &adhoc("org.example.child"));
    parent.nested.insert("PlugIns/Child.app".into(), hashes);
    let parent = parent.seal();
    write(&child.join("Contents/Resources/a"), b"x");
    assert_eq!(parent.verify(&["--no-deep"]), Said::new(0, &[], &[]));
    let message = format!("Parent.app: {BROKEN}");
    assert_eq!(
        parent.verify(&["-v"]),
        Said::new(
            1,
            &["file modified: $D/Parent.app/Contents/PlugIns/Child.app/Contents/Resources/a"],
            &[
                &message,
                "In subcomponent: $D/Parent.app/Contents/PlugIns/Child.app"
            ]
        )
    );
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Fixture.framework");
    framework(&root, "Fixture", "code ", &adhoc("org.example.layout"));
    write(&root.join("Versions/A/Resources/new"), b"n");
    for (arguments, place) in [
        (&["-v", "Fixture.framework"][..], "Current"),
        (
            &["-v", "--bundle-version=Current", "Fixture.framework"],
            "Current",
        ),
        (&["-v", "--bundle-version=A", "Fixture.framework"], "A"),
        (&["-v", "Fixture.framework/Versions/A"], "A"),
    ] {
        let said = codesign(folder.path(), "verify", arguments);
        let line = format!("file added: $D/Fixture.framework/Versions/{place}/Resources/new");
        let message = format!("{}: {BROKEN}", arguments.last().unwrap());
        assert_eq!(said, Said::new(1, &[&line], &[&message]));
    }
    let said = codesign(
        folder.path(),
        "verify",
        &["--bundle-version=missing", "Fixture.framework"],
    );
    assert_eq!(said.status, 1);
}

/// 2.4.
#[test]
fn what_the_seal_leaves_out() {
    let parent = Parent::new();
    for (name, text) in [
        ("PkgInfo", "APPL????"),
        ("version.plist", "<plist><dict/></plist>"),
    ] {
        write(&parent.path("Contents").join(name), text.as_bytes());
    }
    let parent = parent.seal();
    write(&parent.path("Contents/PkgInfo"), b"BNDL????");
    write(&parent.resource(".DS_Store"), b"x");
    write(&parent.resource("fr.lproj/locversion.plist"), b"x");
    assert_eq!(parent.verify(&[]).status, 0);
    write(
        &parent.path("Contents/version.plist"),
        b"<plist><dict></dict></plist>",
    );
    let said = parent.verify(&["-v"]);
    assert_eq!(
        said.output,
        ["file modified: $D/Parent.app/Contents/version.plist"]
    );
    let parent = Parent::new().seal();
    let extra = parent.path("Contents/Helpers/Extra.app/Contents/MacOS/Extra");
    write_executable(&extra, &arm64(b"extra").build(None));
    assert_eq!(parent.verify(&[]).status, 1);
}

/// 4.1 and 4.3.
#[test]
fn designated_and_explicit_requirements() {
    const VALID: &str = "X: valid on disk";
    const SATISFIES: &str = "X: satisfies its Designated Requirement";
    const NOT: &str = "X: does not satisfy its designated Requirement";
    const EXPLICIT: &str = "X: explicit requirement satisfied";
    const FAILED: &str = "test-requirement: code failed to satisfy specified code requirement(s)";
    let files = Files::new();
    let with = |text: &str, arguments: &[&str], status: i32, error: &[&str]| {
        files.add("X", &designated("x", text).sign(&arm64(b"x"), Bound::default()).0);
        let mut all = arguments.to_vec();
        all.push("X");
        assert_eq!(
            files.verify(&all),
            Said::new(status, &[], error),
            "{text} {arguments:?}"
        );
    };
    with("never", &[], 0, &[]);
    with("always", &["-v"], 0, &[VALID, SATISFIES]);
    with("never", &["-v"], 3, &[VALID, NOT]);
    with("identifier \"wrong\"", &["-v"], 3, &[VALID, NOT]);
    with("always", &["-R=never"], 3, &[FAILED]);
    with("never", &["-R=always"], 0, &[]);
    with("always", &["-v", "-R=always"], 0, &[VALID, SATISFIES, EXPLICIT]);
    with("never", &["-v", "-R=always"], 3, &[VALID, NOT, EXPLICIT]);
    with("never", &["-v", "-R=never"], 3, &[VALID, NOT, FAILED]);
    // Other types of requirements change nothing.
    let mut signer = adhoc("x");
    signer.special.insert(
        2,
        requirements("host => never guest => never library => never plugin => never"),
    );
    files.add("X", &signer.sign(&arm64(b"x"), Bound::default()).0);
    assert_eq!(files.verify(&["-v", "X"]), Said::new(0, &[], &[VALID, SATISFIES]));
    // 4.3: never in the arm64 slice only.
    let pairs = both();
    let (never, always) = (designated("x", "never"), designated("x", "always"));
    let slices = [
        (&pairs[0], always.sign(&pairs[0], Bound::default())),
        (&pairs[1], never.sign(&pairs[1], Bound::default())),
    ];
    let hash = crate::support::bundle::hex(&slices[1].1.1);
    let built: Vec<_> = slices
        .iter()
        .map(|(thin, (bytes, _))| (*thin, bytes.clone()))
        .collect();
    files.add("X", &universal(&built));
    assert_eq!(files.verify(&["-vvvv", "X"]).status, 3);
    assert_eq!(files.verify(&["-vvvv", "-a", "x86_64", "X"]).status, 0);
    let only = format!("-R=cdhash H\"{hash}\"");
    assert_eq!(files.verify(&[&only, "X"]).status, 3);
    assert_eq!(files.verify(&[&only, "-a", "arm64", "X"]).status, 0);
}

/// 4.2.
#[test]
fn several_operands() {
    let files = Files::new();
    files.add(
        "good",
        &designated("x", "always").sign(&arm64(b"x"), Bound::default()).0,
    );
    files.add(
        "bad",
        &designated("x", "never").sign(&arm64(b"x"), Bound::default()).0,
    );
    files.add("unsigned", &arm64(b"x").build(None));
    assert_eq!(
        files.verify(&["-vv", "good", "bad", "unsigned"]),
        Said::new(
            3,
            &[],
            &[
                "good: valid on disk",
                "good: satisfies its Designated Requirement",
                "bad: valid on disk",
                "bad: does not satisfy its designated Requirement",
                "unsigned: code object is not signed at all",
                "In architecture: arm64"
            ]
        )
    );
    assert_eq!(files.verify(&["-vv", "unsigned", "bad"]).status, 1);
}

/// 4.4.
#[test]
fn the_seal_fixes_the_requirement_of_nested_code() {
    let judge = |requirement: &str, identifier: &str, own: &str| {
        let parent = Parent::new().with_tool().seal();
        let seal = parent.path("Contents/_CodeSignature/CodeResources");
        let text = fs::read_to_string(&seal).unwrap();
        let start = text.find("<key>requirement</key>").unwrap();
        let end = start + text[start..].find("</string>").unwrap();
        let text = format!(
            "{}<key>requirement</key><string>{requirement}{}",
            &text[..start],
            &text[end..]
        );
        parent.seal_with(&text);
        let (bytes, _) = designated(identifier, own).sign(&arm64(b"another"), Bound::default());
        write_executable(&parent.path("Contents/Helpers/tool"), &bytes);
        parent
    };
    let child = "identifier \"org.example.child\"";
    assert_eq!(
        judge("always", "org.example.child", "never").verify(&[]).status,
        0
    );
    assert_eq!(judge(child, "org.example.child", "never").verify(&[]).status, 0);
    let said = judge(child, "org.example.other", "always").verify(&[]);
    assert_eq!(
        said,
        Said::new(1, &[], &["Parent.app: nested code is modified or invalid"])
    );
    // A page of the child counts with --deep only; its slots always.
    let parent = judge("always", "org.example.child", "always");
    let tool = parent.path("Contents/Helpers/tool");
    flip(&tool, 64);
    assert_eq!(
        (parent.verify(&["--no-deep"]).status, parent.verify(&[]).status),
        (0, 1)
    );
    let parent = judge("always", "org.example.child", "always");
    let bytes = fs::read(parent.path("Contents/Helpers/tool")).unwrap();
    let at = bytes
        .windows(4)
        .position(|found| found == [0xfa, 0xde, 0x0c, 0x01])
        .unwrap();
    flip(&parent.path("Contents/Helpers/tool"), at + 20);
    assert_eq!(parent.verify(&["--no-deep"]).status, 1);
}

/// 4.5.
#[test]
fn a_malformed_set_is_noticed_only_when_it_is_asked_for() {
    let files = Files::new();
    let mut signer = adhoc("x");
    let mut set = requirements("designated => always");
    set[19] = 1;
    signer.special.insert(2, set);
    files.add("X", &signer.sign(&arm64(b"x"), Bound::default()).0);
    assert_eq!(files.verify(&["X"]), Said::new(0, &[], &[]));
    assert_eq!(files.verify(&["-v", "X"]).status, 1);
}

/// 5.2.
#[test]
fn the_layout_of_universal_files() {
    const A: &str = "fixture: main executable failed strict validation";
    const B: &str = "fixture: An internal error has occurred.";
    let files = Files::new();
    let (thin, _) = adhoc("x").sign(&arm64(&[2; 9000]), Bound::default());
    let (good, _) = adhoc("x").sign_all(&both(), Bound::default());
    let fails = |line: &str| Said::new(1, &[], &[line]);
    let fine = || Said::new(0, &[], &[]);
    for bytes in [&thin, &good] {
        files.add("fixture", &[&bytes[..], &[0; 4]].concat());
        for arguments in [
            &["fixture"][..],
            &["--strict=0", "fixture"],
            &["--strict=symlinks", "fixture"],
        ] {
            assert_eq!(files.verify(arguments), fails(A));
        }
        for arguments in [&["--strict=none", "fixture"][..], &["--no-strict", "fixture"]] {
            assert_eq!(files.verify(arguments), fine());
        }
    }
    assert_eq!(files.verify(&["-a", "arm64", "fixture"]), fine());
    let mut gap = good.clone();
    gap[100] = 1;
    files.add("fixture", &gap);
    for arguments in [
        &["fixture"][..],
        &["--no-strict", "fixture"],
        &["--strict=none", "fixture"],
    ] {
        assert_eq!(files.verify(arguments), fails(B));
    }
    assert_eq!(files.verify(&["-a", "arm64", "fixture"]), fine());
    assert_eq!(files.verify(&["-a", "x86_64", "fixture"]), fine());
    // The second slice moved down by its alignment.
    let second = offsets(&good)[1];
    let align = 1usize << u32::from_be_bytes(good[44..48].try_into().unwrap());
    let mut moved = [&good[..second], &vec![0; align][..], &good[second..]].concat();
    moved[36..40].copy_from_slice(&((second + align) as u32).to_be_bytes());
    files.add("fixture", &moved);
    assert_eq!(files.verify(&["fixture"]), fails(A));
    assert_eq!(files.verify(&["--no-strict", "fixture"]), fine());
}

/// 5.3.
#[test]
fn ignored_resources() {
    let fine = Said::new(
        0,
        &[],
        &[
            "Parent.app: valid on disk (not all contents verified)",
            "Parent.app: satisfies its Designated Requirement",
        ],
    );
    let judge = |change: fn(&Parent)| {
        let parent = Parent::new().with_tool().seal();
        change(&parent);
        let with = |extra: &[&str]| parent.verify(&[&["--ignore-resources", "-v"], extra].concat());
        (with(&[]), with(&["--no-strict"]))
    };
    let changes: [fn(&Parent); 8] = [
        |p| write(&p.resource("new"), b"n"),
        |p| write(&p.resource("a"), b"x"),
        |p| fs::remove_file(p.resource("a")).unwrap(),
        |p| fs::remove_file(p.path("Contents/Helpers/tool")).unwrap(),
        |p| write(&p.path("Contents/Helpers/tool"), b"x"),
        |p| fs::remove_dir_all(p.path("Contents/Resources")).unwrap(),
        |p| write(&p.path("Contents/_CodeSignature/CodeResources"), b""),
        |p| fs::remove_dir_all(p.path("Contents/_CodeSignature")).unwrap(),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        assert_eq!(judge(change).0, fine, "{index}");
    }
    let junk = "Parent.app: unsealed contents present in the bundle root";
    type Guest = (&'static str, fn(&Parent));
    let guests: [Guest; 4] = [
        (junk, |p| {
            let seal = p.path("Contents/_CodeSignature/CodeResources");
            fs::remove_file(&seal).unwrap();
            fs::create_dir(&seal).unwrap();
        }),
        (junk, |p| write(&p.path("Contents/_CodeSignature/rogue"), b"x")),
        ("Parent.app: Not a directory", |p| {
            let meta = p.path("Contents/_CodeSignature");
            fs::remove_dir_all(&meta).unwrap();
            fs::write(&meta, b"x").unwrap();
        }),
        (junk, |p| write(&p.path("rogue"), b"x")),
    ];
    for (message, change) in guests {
        let (strict, lenient) = judge(change);
        assert_eq!(strict, Said::new(1, &[], &[message]));
        assert_eq!(lenient, fine);
    }
    let (tolerated, _) = judge(|p| write(&p.path("Contents/_CodeSignature/CodeSignature"), b""));
    assert_eq!(tolerated, fine);
    let files = Files::new();
    files.add("X", &adhoc("x").sign(&arm64(b"x"), Bound::default()).0);
    let said = files.verify(&["--ignore-resources", "-v", "X"]);
    assert_eq!(said.error[0], "X: valid on disk (not all contents verified)");
}
