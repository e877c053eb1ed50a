//! Specification 12.E, second part: the resource seal, what it lists and what it must not say.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use sealcheck::finding::Severity;
use sealcheck::verify::{CodesignFlags, NotJudged, Options};

use crate::support::bundle::{RULES, framework, write, write_executable};
use crate::support::cms::CmsSigner;
use crate::support::codesign::Parent;
use crate::support::judge::{Judged, judge, judge_with, lenient};
use crate::support::macho::arm64;
use crate::support::pki::{self, Key};
use crate::support::signature::{Bound, SHA1, SHA256, Signer, adhoc, certified};

const RESOURCE: i32 = -67054;

/// The app after it was sealed, with another seal, which is signed again.
fn resealed(parent: &Parent, text: &str) {
    write(
        &parent.path("Contents/_CodeSignature/CodeResources"),
        text.as_bytes(),
    );
    let info = fs::read(parent.path("Contents/Info.plist")).unwrap();
    let bound = Bound {
        info: Some(&info),
        resources: Some(text.as_bytes()),
    };
    let (bytes, _) = parent.signer.sign_all(&parent.slices, bound);
    write_executable(&parent.path("Contents/MacOS/hello"), &bytes);
}

fn seal_of(parent: &Parent) -> String {
    fs::read_to_string(parent.path("Contents/_CodeSignature/CodeResources")).unwrap()
}

/// The verdict about an app whose seal was edited before it was signed.
fn edited(edit: impl Fn(&str) -> String) -> Judged {
    let parent = Parent::new().seal();
    let text = edit(&seal_of(&parent));
    resealed(&parent, &text);
    judge(&parent.app())
}

/// Another entry in `files2`.
fn with_entry(entry: &str) -> Judged {
    edited(|text| {
        text.replace(
            "<key>files2</key><dict>",
            &format!("<key>files2</key><dict>{entry}"),
        )
    })
}

fn changed(change: impl Fn(&Parent)) -> (Judged, Parent) {
    let parent = Parent::new().with_tool().seal();
    change(&parent);
    (judge(&parent.app()), parent)
}

#[test]
fn nothing_odd_about_a_seal_that_was_edited_into_itself() {
    edited(str::to_owned).assert_clean();
}

/// Rows 65, 70 and 71.
#[test]
fn files_added_and_localisations_removed() {
    for place in [
        "Contents/new",
        "Contents/Resources/new",
        "Contents/Resources/de.lproj/a",
    ] {
        let (judged, _parent) = changed(|p| write(&p.path(place), b"x"));
        assert_eq!(judged.verdict(), (RESOURCE, None, None), "{place}");
        assert_eq!(judged.message(), "a sealed resource is missing or invalid");
        assert_eq!(judged.files(), [&[place.to_owned()][..], &[], &[]]);
        assert_eq!(judged.rules(), ["sealed-resource-broken"]);
    }
    changed(|p| fs::remove_dir_all(p.resource("fr.lproj")).unwrap())
        .0
        .assert_clean();
    let (judged, _parent) = changed(|p| fs::remove_file(p.resource("Base.lproj/a")).unwrap());
    assert_eq!(judged.files()[2], ["Contents/Resources/Base.lproj/a"]);
}

/// Row 69.
#[test]
fn versions_of_localisations() {
    changed(|p| write(&p.resource("fr.lproj/locversion.plist"), b"x"))
        .0
        .assert_clean();
    let (judged, _parent) = changed(|p| write(&p.resource("locversion.plist"), b"x"));
    assert_eq!(judged.status(), RESOURCE);
}

/// Rows 72 and 73, and which of the two comes first (specification 6.7).
#[test]
fn weak_and_obsolete_seals() {
    let with = |rules: &str, version: u32| {
        let mut parent = Parent::new();
        parent.rules = rules.to_owned();
        parent.version = version;
        let parent = parent.seal();
        (judge(&parent.app()), parent)
    };
    let omitting = RULES.replace(
        "<key>^.*</key><true/>",
        "<key>^.*</key><true/><key>^Resources/cache/</key><dict><key>omit</key><true/><key>weight</key><real>3000</real></dict>",
    );
    let (judged, parent) = with(&omitting, 2);
    assert_eq!(judged.verdict(), (-67013, None, None));
    assert_eq!(
        judged.message(),
        "resource envelope is obsolete (custom omit rules)"
    );
    assert_eq!(judged.rules(), ["resource-envelope-obsolete"]);
    write(&parent.resource("cache/hidden"), b"x");
    assert_eq!(judge_with(&parent.app(), &lenient()).status(), 0);
    // A plain `false` leaves files out as well, and a dictionary is not the rule for everything.
    let omitting = RULES.replace(
        "<key>^.*</key><true/>",
        "<key>^.*</key><true/><key>^x$</key><false/>",
    );
    assert_eq!(with(&omitting, 2).0.status(), -67013);
    let narrow = RULES.replace(
        "<key>^.*</key><true/>",
        "<key>^.*</key><dict><key>weight</key><real>1</real></dict>",
    );
    assert_eq!(with(&narrow, 2).0.status(), -67013);
    with(RULES, 2).0.assert_clean();
    let (judged, parent) = with(RULES, 1);
    assert_eq!(judged.verdict(), (-67007, None, None));
    assert_eq!(
        judged.message(),
        "resource envelope is obsolete (version 1 signature)"
    );
    assert_eq!(judge_with(&parent.app(), &lenient()).status(), 0);
    // It covers nothing but Resources.
    write(&parent.path("Contents/MacOS/evil"), b"x");
    assert_eq!(judge_with(&parent.app(), &lenient()).status(), 0);
    write(&parent.resource("a"), b"x");
    assert_eq!(judge_with(&parent.app(), &lenient()).status(), RESOURCE);
    // Weak rules are noticed before the version.
    let text = seal_of(&parent).replace("<key>^Resources/</key>", "<key>^.*</key>");
    resealed(&parent, &text);
    assert_eq!(judge(&parent.app()).status(), -67013);
}

/// Rows 74 and 75.
#[test]
fn nested_code_exchanged() {
    let requirement = "identifier org.example.tool and certificate leaf = H\"LEAF\"";
    let ours = pki::self_signed(Key::P256(3)).self_signed();
    let theirs = pki::self_signed(Key::P256(4)).self_signed();
    let leaf: String = {
        use sha1::Digest as _;
        crate::support::bundle::hex(&sha1::Sha1::digest(&ours.der))
    };
    let place = "Contents/Helpers/tool";
    let with = |signer: &Signer, text: &[u8]| {
        let mut parent = Parent::new();
        parent.add_tool(
            "Helpers/tool",
            &certified("org.example.tool", CmsSigner::new(&ours)),
        );
        let parent = parent.seal();
        let seal = seal_of(&parent);
        let start =
            seal.find("<key>requirement</key><string>").unwrap() + "<key>requirement</key><string>".len();
        let end = start + seal[start..].find("</string>").unwrap();
        let text_of_seal = format!(
            "{}{}{}",
            &seal[..start],
            requirement.replace("LEAF", &leaf),
            &seal[end..]
        );
        resealed(&parent, &text_of_seal);
        let (bytes, _) = signer.sign(&arm64(text), Bound::default());
        write_executable(&parent.path(place), &bytes);
        judge(&parent.app())
    };
    let judged = with(&certified("org.example.tool", CmsSigner::new(&theirs)), b"other");
    assert_eq!(judged.verdict(), (-67021, None, None));
    assert_eq!(judged.message(), "nested code is modified or invalid");
    assert_eq!(judged.files()[1], [place]);
    assert_eq!(judged.rules(), ["nested-code-replaced"]);
    // Another version of the same signer satisfies it.
    let judged = with(&certified("org.example.tool", CmsSigner::new(&ours)), b"newer");
    judged.assert_tolerated("nested-code-resigned", Severity::Note);
}

/// Row 76.
#[test]
fn pages_of_nested_code() {
    let shallow = Options {
        flags: CodesignFlags {
            deep: false,
            ..CodesignFlags::default()
        },
        ..Options::default()
    };
    let (judged, parent) = changed(|p| crate::support::flip(&p.path("Contents/Helpers/tool"), 4096));
    assert_eq!(
        judged.verdict(),
        (-67061, Some("Contents/Helpers/tool"), Some("arm64"))
    );
    assert_eq!(judge_with(&parent.app(), &shallow).status(), 0);
}

/// Rows 81, 82 and 83.
#[test]
fn links() {
    let relink = |p: &Parent, target: &str| {
        fs::remove_file(p.resource("link")).unwrap();
        symlink(target, p.resource("link")).unwrap();
    };
    let (judged, _parent) = changed(|p| relink(p, "b"));
    assert_eq!(judged.verdict(), (RESOURCE, None, None));
    assert_eq!(judged.files()[1], ["Contents/Resources/link"]);
    let escaping = Parent::new();
    relink(&escaping, "../../../outside");
    let escaping = escaping.seal();
    let judged = judge(&escaping.app());
    assert_eq!(judged.verdict(), (-67003, None, None));
    assert_eq!(
        judged.message(),
        "invalid destination for symbolic link in bundle"
    );
    assert_eq!(judged.files()[1], ["Contents/Resources/link"]);
    assert_eq!(judged.rules(), ["symlink-escapes-bundle"]);
    let plain = Options {
        flags: CodesignFlags {
            restrict_symlinks: false,
            restrict_sideband: false,
            ..CodesignFlags::default()
        },
        ..Options::default()
    };
    assert_eq!(judge_with(&escaping.app(), &plain).status(), 0);
    let (judged, parent) = changed(|p| symlink("a", p.resource(".DS_Store")).unwrap());
    assert_eq!(judged.verdict(), (-67012, None, None));
    assert_eq!(judged.message(), ".DS_Store files cannot be a symlink");
    assert_eq!(judge_with(&parent.app(), &lenient()).status(), -67012);
    changed(|p| write(&p.resource(".DS_Store"), b"x"))
        .0
        .assert_clean();
}

/// Row 85.
#[test]
fn pipes() {
    let (judged, parent) = changed(|p| {
        let made = std::process::Command::new("mkfifo")
            .arg(p.resource("pipe"))
            .status();
        assert!(made.unwrap().success());
    });
    assert_eq!(judged.verdict(), (-67016, None, None));
    assert_eq!(
        judged.message(),
        "unsupported resource found (something not a directory, file or symlink)"
    );
    assert_eq!(judged.rules(), ["unsupported-file-in-bundle"]);
    assert_eq!(judge_with(&parent.app(), &lenient()).status(), 0);
}

/// Row 87: on volumes that know attributes, a companion file is a file.
#[test]
fn companion_files() {
    let (judged, _parent) = changed(|p| write(&p.resource("._a"), b"\0\x05\x16\x07"));
    assert_eq!(judged.verdict(), (RESOURCE, None, None));
    assert_eq!(judged.files()[0], ["Contents/Resources/._a"]);
}

/// Row 99, and the other seals that cannot be read (specification 6.6 and 6.9).
#[test]
fn seals_that_cannot_be_used() {
    let without = |what: &'static str| edited(move |text| text.replace(what, "<key>x</key>"));
    let judged = without("<key>files</key>");
    assert_eq!(judged.verdict(), (-67056, None, None));
    assert_eq!(without("<key>rules</key>").status(), -67056);
    let judged = without("<key>rules2</key>");
    assert_eq!(judged.verdict(), (-67055, None, None));
    assert_eq!(judged.message(), "the sealed resource directory is invalid");
    let judged = edited(|_| "<plist><array/></plist>".to_owned());
    assert_eq!(judged.verdict(), (-67058, None, None));
    assert_eq!(judged.message(), "a required plist file or resource is malformed");
    assert_eq!(edited(|_| "no list".to_owned()).status(), -67058);
    // An entry that makes no sense, where a file lies.
    let judged = edited(|text| {
        text.replace("<key>hash2</key>", "<key>hush</key>")
            .replace("<key>hash</key>", "<key>hush</key>")
    });
    assert_eq!(judged.verdict(), (-67055, None, None));
    let rule = |value: &'static str| {
        edited(move |text| {
            text.replace(
                "<key>^.*</key><true/>",
                &format!("<key>^.*</key><true/><key>{value}"),
            )
        })
    };
    for value in [
        "(</key><true/>",
        "^x$</key><integer>1</integer>",
        "^x$</key><string>omit</string>",
    ] {
        let judged = rule(value);
        assert_eq!(judged.verdict(), (-67053, None, None), "{value}");
        assert_eq!(judged.message(), "invalid resource specification rule(s)");
        assert_eq!(judged.rules(), ["seal-invalid"]);
    }
    // Row 101: patterns that explode are not judged, and cost nothing.
    let start = std::time::Instant::now();
    let explosive = rule("((((((a{90}){90}){90}){90}){90}){90})</key><true/>");
    assert_eq!(explosive.evidence.codesign.not_judged(), Some(NotJudged::Budget));
    assert_eq!(rule("(a*)*(a*)*(a*)*(a*)*b$</key><true/>").status(), 0);
    assert!(start.elapsed().as_secs() < 20);
}

/// Rows 105 and 106.
#[test]
fn sealed_paths_that_lead_elsewhere() {
    let hash = "<dict><key>hash</key><data>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</data><key>hash2</key><data>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</data></dict>";
    for path in ["../Info.plist", "Resources/../a", "/etc/passwd", "Resources/a/.."] {
        let judged = with_entry(&format!("<key>{path}</key>{hash}"));
        assert_eq!(judged.verdict(), (RESOURCE, None, None), "{path}");
        assert_eq!(judged.files()[2], [format!("Contents/{path}")]);
        assert_eq!(
            judged.severity("seal-path-escapes"),
            Some(Severity::Error),
            "{path}"
        );
    }
    // Dots in a name lead nowhere.
    let judged = with_entry(&format!("<key>Resources/a..b</key>{hash}"));
    assert!(judged.of("seal-path-escapes").is_empty());
    let optional = "<key>Resources/gone</key><dict><key>symlink</key><string>a</string><key>optional</key><true/></dict>";
    with_entry(optional).assert_clean();
}

/// Specification 6.8 (8): a folder that looks like a bundle, where the seal has a file.
#[test]
fn a_bundle_where_a_file_is_sealed() {
    let parent = Parent::new();
    write(&parent.path("Contents/Helpers/script.sh"), b"#!/bin/sh\n");
    let parent = parent.seal();
    judge(&parent.app()).assert_tolerated("data-in-code-location", Severity::Warning);
    fs::remove_file(parent.path("Contents/Helpers/script.sh")).unwrap();
    write(&parent.path("Contents/Helpers/script.sh/a"), b"x");
    let judged = judge(&parent.app());
    assert_eq!(judged.verdict(), (100_021, None, None));
    assert_eq!(judged.message(), "Is a directory");
    assert_eq!(judged.rules(), ["sealed-resource-broken"]);
}

/// Specification 6.8, hashes: every hash type of the code needs its own digest, or the plain one of its length.
#[test]
fn digests_of_every_hash_type() {
    let only_plain = |hash_types: Vec<u8>| {
        let mut parent = Parent::new();
        parent.signer = Signer {
            hash_types,
            ..adhoc("org.example.parent")
        };
        let parent = parent.seal();
        // Without the digests of SHA-256.
        let mut text = seal_of(&parent);
        while let Some(start) = text.find("<key>hash2</key><data>") {
            let end = start + text[start..].find("</data>").unwrap() + "</data>".len();
            text.replace_range(start..end, "");
        }
        resealed(&parent, &text);
        judge(&parent.app())
    };
    assert_eq!(only_plain(vec![1]).status(), 0);
    let judged = only_plain(vec![1, 2]);
    assert_eq!(judged.status(), RESOURCE);
    assert_eq!(judged.files()[1].len(), 6);
    assert_eq!(only_plain(vec![2]).status(), RESOURCE);
}

/// Specification 6.10: a requirement that is none, and code that fails it for another reason than its bytes.
#[test]
fn requirements_in_seals() {
    let with = |requirement: &str| {
        let parent = Parent::new().with_tool().seal();
        let text = seal_of(&parent);
        let start =
            text.find("<key>requirement</key><string>").unwrap() + "<key>requirement</key><string>".len();
        let end = start + text[start..].find("</string>").unwrap();
        resealed(
            &parent,
            &format!("{}{requirement}{}", &text[..start], &text[end..]),
        );
        judge(&parent.app())
    };
    with("always").assert_clean();
    let judged = with("never");
    assert_eq!(judged.verdict(), (-67021, None, None));
    let judged = with("certificate is");
    assert_eq!(judged.verdict(), (-67055, None, None));
    assert_eq!(judged.rules(), ["seal-invalid"]);
    // Only a Mac knows.
    let judged = with("notarized");
    assert_eq!(judged.evidence.codesign.valid(), None);
}

/// Native observation 1.5 and specification 11.2: which failing code is named, and in which order.
#[test]
fn the_first_in_the_walk_is_named() {
    let mut parent = Parent::new();
    for place in ["Helpers/a", "MacOS/b", "XPCServices/c"] {
        parent.add_tool(place, &adhoc(place));
    }
    let hashes = framework(
        &parent.path("Contents/Frameworks/F.framework"),
        "F",
        "f ",
        &adhoc("f"),
    );
    parent.nested = BTreeMap::from_iter(
        parent
            .nested
            .clone()
            .into_iter()
            .chain([("Frameworks/F.framework".to_owned(), hashes)]),
    );
    let parent = parent.seal();
    let broken = |places: &[&str]| {
        for place in places {
            crate::support::flip(&parent.path("Contents").join(place), 0x1040);
        }
        let judged = judge(&parent.app());
        for place in places {
            crate::support::flip(&parent.path("Contents").join(place), 0x1040);
        }
        judged.evidence.codesign.subcomponent().map(str::to_owned)
    };
    assert_eq!(
        broken(&["XPCServices/c", "Helpers/a", "MacOS/b"]).as_deref(),
        Some("Contents/Helpers/a")
    );
    assert_eq!(
        broken(&["XPCServices/c", "MacOS/b"]).as_deref(),
        Some("Contents/MacOS/b")
    );
    // A link called .DS_Store in front of it or behind it ends the walk where it lies.
    let link = parent.resource(".DS_Store");
    symlink("a", &link).unwrap();
    assert_eq!(broken(&["MacOS/b"]).as_deref(), Some("Contents/MacOS/b"));
    assert_eq!(broken(&["XPCServices/c"]), None);
}

/// `ResourceSeal` and `ResourceBuilder::addRule` read every value with its type, and throw where it is another one.
#[test]
fn values_of_other_types_in_seals() {
    let a = "<key>optional</key><string>true</string>";
    let malformed = edited(|text| {
        text.replacen(
            "</data><key>hash2</key>",
            &format!("</data>{a}<key>hash2</key>"),
            1,
        )
    });
    assert_eq!(malformed.status(), -67055);
    // Also where nothing is at that path, and whether it may be missing or not.
    for entry in [
        "<string>x</string>",
        "<dict><key>optional</key><true/><key>symlink</key><true/></dict>",
    ] {
        let judged = with_entry(&format!("<key>Resources/gone</key>{entry}"));
        assert_eq!(judged.status(), -67055, "{entry}");
    }
    // Without digests an entry says nothing; nobody notices where nothing is.
    with_entry("<key>Resources/gone</key><dict><key>optional</key><true/></dict>").assert_clean();
    assert_eq!(with_entry("<key>Resources/gone</key><dict/>").status(), RESOURCE);
    // What is no data does not fall back to the older digest.
    let fallback = edited(|text| {
        let at = text.find("<key>files2</key>").unwrap();
        let (before, files2) = text.split_at(at);
        let digest = files2.split("<key>hash2</key>").nth(1).unwrap();
        let digest = &digest[..digest.find("</data>").unwrap() + 7];
        let old = files2.find("<key>hash</key>").unwrap();
        let end = old + files2[old..].find(digest).unwrap() + digest.len();
        let entry = format!("<key>hash</key>{digest}<key>hash2</key><string/>");
        format!("{before}{}{entry}{}", &files2[..old], &files2[end..])
    });
    assert_eq!(fallback.status(), -67055);
    for (from, to) in [
        (
            "<key>files2</key><dict>",
            "<key>files2</key><string/><key>other</key><dict>",
        ),
        (
            "<key>rules2</key><dict>",
            "<key>rules2</key><true/><key>other</key><dict>",
        ),
    ] {
        assert_eq!(edited(|text| text.replace(from, to)).status(), -67055, "{from}");
    }
    for value in [
        "<key>omit</key><integer>0</integer>",
        "<key>weight</key><real>1.5</real>",
    ] {
        let rule = format!("<key>rules2</key><dict><key>^x$</key><dict>{value}</dict>");
        let judged = edited(|text| text.replace("<key>rules2</key><dict>", &rule));
        assert_eq!(judged.status(), -67053, "{value}");
    }
}

/// `ResourceSeal::hash` throws where the digest that it is asked for is not there, or is not data: for the chosen hash type
/// whatever is at the path, for each other hash type of the signature once the file is read.
#[test]
fn digests_that_are_missing_or_not_data() {
    // The entry of one resource, without its digests or with another value for one of them.
    let entry = |text: &str, change: &dyn Fn(&str) -> String| {
        let at = text.find("<key>Resources/a</key>").unwrap();
        let end = at + text[at..].find("</dict>").unwrap();
        format!("{}{}{}", &text[..at], change(&text[at..end]), &text[end..])
    };
    let without = |key: &'static str| {
        move |entry: &str| {
            let at = entry.find(&format!("<key>{key}</key>")).unwrap();
            let end = at + entry[at..].find("</data>").unwrap() + 7;
            format!("{}{}", &entry[..at], &entry[end..])
        }
    };
    let other = |key: &'static str, value: &'static str| {
        move |entry: &str| {
            let at = entry.find(&format!("<key>{key}</key>")).unwrap() + key.len() + 11;
            let end = at + entry[at..].find("</data>").unwrap() + 7;
            format!("{}{value}{}", &entry[..at], &entry[end..])
        }
    };
    let judged = |hash_types: &[u8], change: &dyn Fn(&str) -> String, after: &dyn Fn(&Parent)| {
        let mut parent = Parent::new();
        parent.signer.hash_types = hash_types.to_vec();
        let parent = parent.seal();
        let text = entry(&seal_of(&parent), change);
        resealed(&parent, &text);
        after(&parent);
        judge(&parent.app())
    };
    let as_it_was = |_: &Parent| ();
    let both = [SHA1, SHA256];
    let old = &without("hash");
    let new = &without("hash2");
    let (old_text, new_text) = (&other("hash", "<string>x</string>"), &other("hash2", "<true/>"));
    let (old_empty, new_number) = (
        &other("hash", "<array/>"),
        &other("hash2", "<integer>1</integer>"),
    );
    // Without the old digest SHA-256 still has its own, SHA-1 has none.
    judged(&[SHA256], old, &as_it_was).assert_clean();
    type Change<'c> = &'c dyn Fn(&str) -> String;
    let cases: [(&str, &[u8], Change<'_>); 9] = [
        ("only hash2 for SHA-1 and SHA-256", &both, old),
        ("only hash2 for SHA-256 and SHA-1", &[SHA256, SHA1], old),
        ("hash is text", &both, old_text),
        ("hash is an array", &both, old_empty),
        ("hash2 is a boolean", &both, new_text),
        ("hash2 is a number, SHA-256 alone", &[SHA256], new_number),
        ("hash2 is a boolean, SHA-256 alone", &[SHA256], new_text),
        ("only hash2 for SHA-1", &[SHA1], old),
        ("hash is text, SHA-1 alone", &[SHA1], old_text),
    ];
    for (what, hash_types, change) in cases {
        let judged = judged(hash_types, change, &as_it_was);
        assert_eq!(judged.verdict(), (-67055, None, None), "{what}");
        assert_eq!(judged.message(), "the sealed resource directory is invalid");
        assert!(!judged.rules().is_empty(), "{what}");
    }
    // The older digest takes the place of one that is missing, and has to fit then.
    assert_eq!(judged(&[SHA256], new, &as_it_was).status(), RESOURCE);
    assert_eq!(judged(&[SHA1], new, &as_it_was).status(), 0);
    assert_eq!(judged(&[SHA1], new_text, &as_it_was).status(), 0);
    // A link or a folder at the path: the chosen digest is read before the kind of the thing is.
    let link = |parent: &Parent| {
        fs::remove_file(parent.resource("a")).unwrap();
        symlink("b", parent.resource("a")).unwrap();
    };
    assert_eq!(judged(&both, new_text, &link).status(), -67055);
    assert_eq!(judged(&both, old, &link).status(), RESOURCE, "changed its type");
    // Nothing at the path: nothing reads its digests.
    let remove = |parent: &Parent| fs::remove_file(parent.resource("a")).unwrap();
    for change in [old as &dyn Fn(&str) -> String, new_text] {
        let judged = judged(&both, change, &remove);
        assert_eq!(judged.status(), RESOURCE);
        assert_eq!(judged.files()[2], ["Contents/Resources/a"]);
    }
}

/// A list that CoreFoundation does not read is no seal, however a looser reader would take it.
#[test]
fn seals_that_only_a_looser_reader_reads() {
    for (from, to) in [
        ("<key>files2</key>", "<key>files<!-- c -->2</key>"),
        ("</dict></plist>", "</dict>"),
        ("</dict></plist>", "</dict a=\"b\"></plist>"),
        ("<true/>", "<true>yes</true>"),
    ] {
        let judged = edited(|text| {
            assert!(text.contains(from), "{from}");
            let at = text.rfind(from).unwrap();
            format!("{}{to}{}", &text[..at], &text[at + from.len()..])
        });
        assert_eq!(judged.verdict(), (-67058, None, None), "{from}");
    }
    let judged = edited(|text| text.replace("UTF-8", "UTF-7"));
    assert_eq!(judged.evidence.codesign.not_judged(), Some(NotJudged::Budget));
    // Without padding the last bytes of a digest are lost (`parseDataTag`).
    let unpadded = edited(|text| text.replace("=</data>", "</data>"));
    assert_eq!(unpadded.status(), RESOURCE);
    edited(|text| text.replace("=</data>", "\n=\t</data\n>")).assert_clean();
}

/// Old seals do not list links, so that a link in place of a file is what they notice.
#[test]
fn links_under_old_seals() {
    let mut parent = Parent::new();
    parent.version = 1;
    let parent = parent.seal();
    let text = seal_of(&parent);
    let link = "<key>Resources/link</key><dict><key>symlink</key><string>target</string></dict>\n";
    assert!(text.contains(link));
    resealed(&parent, &text.replace(link, ""));
    assert_eq!(judge_with(&parent.app(), &lenient()).status(), 0);
    fs::remove_file(parent.resource("fr.lproj/a")).unwrap();
    symlink("../a", parent.resource("fr.lproj/a")).unwrap();
    let judged = judge_with(&parent.app(), &lenient());
    assert_eq!(
        judged.files(),
        [&[][..], &["Contents/Resources/fr.lproj/a".to_owned()], &[]]
    );
}
