//! Statuses of specification 10 that no row of section 12 reaches, and forms of property lists (native observations 2.4
//! and 7.5).

use std::collections::BTreeMap;
use std::fs;

use crate::support::bundle::{framework, info_plist, sign, write, write_executable};
use crate::support::codesign::{Parent, Said, codesign};
use crate::support::judge::judge;
use crate::support::macho::arm64;
use crate::support::plist::{self as lists, entries};
use crate::support::signature::{Bound, Signer, adhoc, blob};

/// errSecDecode: a seal's requirement cannot be held against code whose DER entitlements cannot be decoded.
#[test]
fn entitlements_that_no_requirement_can_be_held_against() {
    let with = |der: &[u8]| {
        let mut parent = Parent::new();
        let mut signer = adhoc("tool");
        signer.special.insert(7, blob(0xfade_7172, der));
        parent.add_tool("Helpers/tool", &signer);
        let parent = parent.seal();
        (judge(&parent.app()), parent)
    };
    let good = lists::der(&entries! { "a" => true });
    with(&good).0.assert_clean();
    let (judged, parent) = with(&[0x70, 2, 9, 9]);
    assert_eq!(
        judged.verdict(),
        (-26275, Some("Contents/Helpers/tool"), Some("arm64"))
    );
    assert!(judged.rules().contains(&"requirement-cannot-be-evaluated"));
    // By itself nobody reads them, unless somebody asks for its requirement.
    let tool = "Parent.app/Contents/Helpers/tool";
    let by_itself = |arguments: &[&str]| codesign(parent.folder.path(), "verify", arguments).status;
    assert_eq!((by_itself(&[tool]), by_itself(&["-v", tool])), (0, 3));
}

/// errSecCSBadDictionaryFormat for the same reason.
#[test]
fn an_info_plist_that_no_requirement_can_be_held_against() {
    let mut parent = Parent::new();
    let child = parent.path("Contents/PlugIns/Child.bundle");
    write(&child.join("Contents/Info.plist"), b"<plist><array/></plist>");
    let hashes = sign(
        &child.join("Contents"),
        "MacOS/Child",
        &parent.slices,
        &adhoc("child"),
        &BTreeMap::new(),
    );
    parent.nested.insert("PlugIns/Child.bundle".into(), hashes);
    let judged = judge(&parent.seal().app());
    assert_eq!(
        judged.verdict(),
        (-67058, Some("Contents/PlugIns/Child.bundle"), Some("arm64"))
    );
}

/// errSecCSStaticCodeNotFound and errSecCSBadObjectFormat, with the words.
#[test]
fn what_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    framework(&folder.path().join("F.framework"), "F", "f ", &adhoc("f"));
    let said = codesign(
        folder.path(),
        "verify",
        &["--bundle-version=missing", "F.framework"],
    );
    let line = "F.framework: cannot find code object on disk";
    assert_eq!(said, Said::new(1, &[], &[line]));
    let said = codesign(folder.path(), "verify", &["-a", "ppc", "F.framework"]);
    let line = "F.framework: object file format unrecognized, invalid, or unsuitable";
    assert_eq!(said, Said::new(1, &[], &[line]));
}

fn xml(entries: &str) -> Vec<u8> {
    format!("<plist version=\"1.0\"><dict>{entries}</dict></plist>").into_bytes()
}

/// 2.4: lists in binary form are as good as XML.
#[test]
fn binary_property_lists() {
    let binary = |bytes: &[u8]| {
        let value = plist::Value::from_reader(std::io::Cursor::new(bytes)).unwrap();
        let mut out = Vec::new();
        value.to_writer_binary(&mut out).unwrap();
        out
    };
    let build = || {
        let parent = Parent::new();
        let info = parent.path("Contents/Info.plist");
        write(&info, &binary(&fs::read(&info).unwrap()));
        let parent = parent.seal();
        let seal = parent.path("Contents/_CodeSignature/CodeResources");
        let resources = binary(&fs::read(&seal).unwrap());
        write(&seal, &resources);
        let info = fs::read(info).unwrap();
        let bound = Bound {
            info: Some(&info),
            resources: Some(&resources),
        };
        let (bytes, _) = parent.signer.sign_all(&parent.slices, bound);
        write_executable(&parent.path("Contents/MacOS/hello"), &bytes);
        parent
    };
    let parent = build();
    judge(&parent.app()).assert_clean();
    write(&parent.resource("a"), b"x");
    assert_eq!(judge(&parent.app()).files()[1], ["Contents/Resources/a"]);
    // The same values in XML, or half of it, are another file.
    let info = "Contents/Info.plist";
    let parent = build();
    write(
        &parent.path(info),
        &info_plist("hello", "org.example.parent", "APPL"),
    );
    assert_eq!(judge(&parent.app()).status(), -67030);
    let parent = build();
    let bytes = fs::read(parent.path(info)).unwrap();
    write(&parent.path(info), &bytes[..bytes.len() / 2]);
    assert_ne!(judge(&parent.app()).status(), 0);
}

/// 7.5: once `Info-macos.plist` is there, it is the one, however little it says.
#[test]
fn a_platform_info_plist_that_says_nothing() {
    let chosen = |platform: Option<&[u8]>, plain: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        let contents = folder.path().join("Thing.app/Contents");
        match platform {
            Some(bytes) => write(&contents.join("Info-macos.plist"), bytes),
            None => fs::create_dir_all(contents.join("Info-macos.plist")).unwrap(),
        }
        write(&contents.join("Info.plist"), plain);
        let (bytes, _) = adhoc("plain").sign(&arm64(b"plain"), Bound::default());
        write_executable(&contents.join("MacOS/plain"), &bytes);
        let judged = judge(&folder.path().join("Thing.app"));
        let object = &judged.evidence.code[0];
        (object.executable.clone().unwrap(), object.format.clone())
    };
    let plain = xml("<key>CFBundleExecutable</key><string>plain</string>");
    let missing = xml("<key>CFBundleExecutable</key><string>absent</string>");
    let itself = ("Contents/Info-macos.plist".to_owned(), "bundle".to_owned());
    for platform in [&b""[..], &xml(""), b"<plist", &missing] {
        assert_eq!(chosen(Some(platform), &plain), itself);
    }
    assert_eq!(chosen(None, &plain).0, "Contents/MacOS/plain");
    // A platform key that is empty or no text leaves no name: the bundle's stem, which is not there.
    for value in ["<string></string>", "<integer>1</integer>"] {
        let both = xml(&format!(
            "<key>CFBundleExecutable</key><string>plain</string><key>CFBundleExecutable-macos</key>{value}"
        ));
        let (main, _) = chosen(None, &both);
        assert_eq!(main, "Contents/Info.plist", "{value}");
    }
    // UTF-16, with its mark.
    let text = String::from_utf8(plain).unwrap();
    let wide: Vec<u8> = [0xfeff]
        .into_iter()
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(chosen(None, &wide).0, "Contents/MacOS/plain");
    // Of a key that is there twice the last counts.
    let twice = xml(
        "<key>CFBundleExecutable</key><string>absent</string><key>CFBundleExecutable</key><string>plain</string>",
    );
    assert_eq!(chosen(None, &twice).0, "Contents/MacOS/plain");
}

/// 4.1: whatever keeps a requirement from being met, the line is one and the status 3.
#[test]
fn requirements_that_cannot_be_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let signer = Signer {
        page_log2: 0,
        ..adhoc("x")
    };
    fs::write(
        folder.path().join("X"),
        signer.sign(&arm64(b"x"), Bound::default()).0,
    )
    .unwrap();
    let with = |words: [u32; 2]| {
        let words: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        fs::write(folder.path().join("requirement"), blob(0xfade_0c00, &words)).unwrap();
        codesign(folder.path(), "verify", &["-R", "requirement", "X"])
    };
    // Operation 99 is unknown.
    let line = "test-requirement: code failed to satisfy specified code requirement(s)";
    assert_eq!(with([1, 99]), Said::new(3, &[], &[line]));
    // A requirement of kind 2 cannot even be read here: in the style of codesign, that is no wrong usage.
    assert_eq!(with([2, 1]).status, 1);
}
