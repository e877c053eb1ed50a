//! Code in tar archives, in what is compressed with gzip, in Electron's archives, and in archives in archives.

use sealcheck::finding::{Severity, Target};
use sealcheck::limits::Limits;
use sealcheck::rule::{Advice, Expectations};
use sealcheck::verify::Options;
use serde_json::json;

use crate::archives::{UNSIGNED, member, open, signed, unsigned, with, zip};
use crate::support::archive::{asar, asar_of, gzip, pax, tar, tar_file};
use crate::support::examined::{advise, examine};
use crate::support::foundry::{Built, of};
use crate::support::macho::{Thin, arm64};
use crate::support::signature::{Bound, adhoc};

const ELECTRON: &str = "electron-native-modules";

/// The severity, the message and the places of the only finding of a rule.
#[track_caller]
fn only<'a>(advice: &'a Advice, rule: &str) -> (Severity, &'a str, Vec<&'a str>) {
    let found = of(advice, rule);
    assert_eq!(found.len(), 1, "{rule}: {:#?} {:#?}", found, advice.unknown);
    let places = found[0].places.iter().map(|place| place.path.as_str());
    (found[0].severity, &found[0].message, places.collect())
}

#[track_caller]
fn silent(advice: &Advice, what: &str) {
    for rule in [UNSIGNED, ELECTRON, "encrypted-archive"] {
        assert!(of(advice, rule).is_empty(), "{what}: {:#?}", of(advice, rule));
        let open = advice.unknown.iter().find(|open| open.rule == rule);
        assert!(open.is_none(), "{what}: {open:?}");
    }
}

#[test]
fn unsigned_code_in_tar_and_gzip() {
    let library = unsigned();
    let archive = tar(&[
        tar_file("lib/", b"").of_kind(b'5'),
        tar_file("lib/good.dylib", &signed()),
        tar_file("lib/bad.dylib", &library),
        tar_file("text", b"text"),
    ]);
    for (name, bytes, severity) in [
        ("a.tar.gz", gzip(&archive), Severity::Error),
        ("A.TGZ", gzip(&archive), Severity::Error),
        ("a.tar", archive.clone(), Severity::Warning),
        // By its content.
        ("a.gz", gzip(&archive), Severity::Error),
    ] {
        let advice = with(name, &bytes).advice();
        let place = format!("Contents/Resources/{name}/lib/bad.dylib");
        let message = "lib/bad.dylib in this archive is not signed";
        assert_eq!(only(&advice, UNSIGNED), (severity, message, vec![place.as_str()]));
        assert_eq!(open(&advice), Vec::<&str>::new(), "{name}");
    }
    let advice = with("tool-v1.0.gz", &gzip(&library)).advice();
    let (severity, message, places) = only(&advice, UNSIGNED);
    assert_eq!(severity, Severity::Error);
    assert_eq!(message, "tool-v1.0 in this archive is not signed");
    assert_eq!(places, ["Contents/Resources/tool-v1.0.gz/tool-v1.0"]);
    let (halfway, _) = adhoc("halfway").sign(&arm64(b"halfway"), Bound::default());
    let advice = with("tool.gz", &gzip(&halfway)).advice();
    let message = "tool in this archive is signed without a certificate";
    assert_eq!(only(&advice, UNSIGNED).1, message);
}

#[test]
fn tar_and_gzip_with_nothing_to_say() {
    let library = unsigned();
    let object = Thin {
        file_type: 1,
        ..arm64(b"object")
    };
    let harmless = tar(&[
        tar_file("good.dylib", &signed()),
        tar_file("a.o", &object.build(None)),
        tar_file("empty", b""),
        tar_file("A.class", &[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0, 1]),
        tar_file("to", b"").of_kind(b'2'),
    ]);
    let bad = tar(&[tar_file("bad.dylib", &library)]);
    for (name, bytes) in [
        ("a.tar", harmless.clone()),
        ("a.tar.gz", gzip(&harmless)),
        ("good.gz", gzip(&signed())),
        ("manual.1.gz", gzip(b".TH MANUAL")),
        ("empty.gz", gzip(b"")),
        ("empty.tar", tar(&[])),
        ("text.tar.gz", b"no archive at all".to_vec()),
        ("text.tar", b"no archive at all".repeat(100)),
        ("nothing.tgz", Vec::new()),
        // The service goes by the name as well.
        ("tar", bad.clone()),
        ("a.data", gzip(&bad)),
        // Not a name of a whole archive, and one that is none.
        ("data.xz", b"\xfd7zXZ\0".to_vec()),
        ("a.tar.xz", b"text".to_vec()),
    ] {
        silent(&with(name, &bytes).advice(), name);
    }
    let built = with("a.tar.gz", &gzip(&bad)).built();
    let advice = advise(&built.evidence(), Some(Target::Local), &Expectations::default());
    silent(&advice, "what stays where it was made");
}

#[test]
fn what_cannot_be_read_in_other_archives_is_not_passed() {
    let library = unsigned();
    let archive = tar(&[tar_file("text", &[b'x'; 4000]), tar_file("bad.dylib", &library)]);
    let packed = gzip(&archive);
    let sparse = [("GNU.sparse.major", "1"), ("GNU.sparse.name", "bad.dylib")];
    let damaged = |mut packed: Vec<u8>| {
        let place = packed.len() - 8;
        packed[place] ^= 1;
        packed
    };
    let open_ends: [(&str, &str, Vec<u8>); 14] = [
        (
            "a.tar.xz",
            "it is a tar archive compressed with xz",
            b"\xfd7zXZ\0".to_vec(),
        ),
        (
            "a.tbz",
            "it is a tar archive compressed with bzip2",
            b"BZh9".to_vec(),
        ),
        (
            "a.tar.zst",
            "it is a tar archive compressed with zstd",
            b"\x28\xb5\x2f\xfd".to_vec(),
        ),
        ("a.7z", "it is a 7-Zip archive", b"7z\xbc\xaf\x27\x1c".to_vec()),
        ("a.pkg", "it is an installer package", b"xar!".to_vec()),
        ("a.dmg", "it is a disk image", b"\x78\x01".to_vec()),
        (
            "a.tar.gz",
            "its deflated data is broken",
            packed[..packed.len() / 2].to_vec(),
        ),
        (
            "a.tar",
            "ends in the middle of a member",
            archive[..archive.len() - 3000].to_vec(),
        ),
        ("a.gz", "its gzip header is broken", b"\x1f\x8b\x08\x80".to_vec()),
        ("tool.gz", "another size than its gzip trailer", {
            let mut file = gzip(&library);
            *file.last_mut().unwrap() ^= 1;
            file
        }),
        // What a tar archive holds is known only if all of the stream is what was compressed.
        ("tool.gz", "and its gzip trailer says", damaged(gzip(&library))),
        ("a.tgz", "and its gzip trailer says", damaged(gzip(&archive))),
        (
            "a.tar",
            "bad.dylib: it is stored as a sparse file",
            tar(&[pax(b'x', &sparse), tar_file("x", b"1\n0\n4\n")]),
        ),
        (
            "a.tar",
            "file ends inside its",
            tar(&[tar_file("bad.dylib", &library[..20])]),
        ),
    ];
    for (name, reason, bytes) in open_ends {
        let advice = with(name, &bytes).advice();
        let found = open(&advice);
        assert!(
            found.iter().any(|open| open.contains(reason)),
            "{name} {reason}: {found:?}"
        );
        assert!(of(&advice, UNSIGNED).is_empty(), "{name} {reason}");
    }
}

#[test]
fn archives_in_archives() {
    let library = unsigned();
    let jar = zip(&[
        member("lib/bad.dylib", &library).deflated(),
        member("lib/good.dylib", &signed()),
    ]);
    let tarball = gzip(&tar(&[tar_file("bad.so", &library)]));
    for (name, bytes, place, severity) in [
        (
            "a.zip",
            zip(&[member("in/b.jar", &jar).deflated()]),
            "in/b.jar/lib/bad.dylib",
            Severity::Error,
        ),
        (
            "a.zip",
            zip(&[member("b.whl", &zip(&[member("c.jar", &jar)]))]),
            "b.whl/c.jar/lib/bad.dylib",
            Severity::Error,
        ),
        (
            "a.jar",
            zip(&[member("b.tar.gz", &tarball).deflated()]),
            "b.tar.gz/bad.so",
            Severity::Error,
        ),
        (
            "a.tgz",
            gzip(&tar(&[tar_file("b.zip", &jar)])),
            "b.zip/lib/bad.dylib",
            Severity::Error,
        ),
        ("b.zip.gz", gzip(&jar), "b.zip/lib/bad.dylib", Severity::Error),
        (
            "a.zip",
            zip(&[member("tool.gz", &gzip(&library))]),
            "tool.gz/tool",
            Severity::Error,
        ),
        // Every archive on the way must be one that the service is known to open.
        (
            "a.zip",
            zip(&[member("b.egg", &jar)]),
            "b.egg/lib/bad.dylib",
            Severity::Warning,
        ),
        (
            "a.zip",
            zip(&[member("b.tar", &tar(&[tar_file("c.jar", &jar)])).deflated()]),
            "b.tar/c.jar/lib/bad.dylib",
            Severity::Warning,
        ),
    ] {
        let advice = with(name, &bytes).advice();
        let found = only(&advice, UNSIGNED);
        let message = format!("{place} in this archive is not signed");
        let place = format!("Contents/Resources/{name}/{place}");
        assert_eq!(found, (severity, message.as_str(), vec![place.as_str()]));
        assert_eq!(open(&advice), Vec::<&str>::new(), "{place}");
    }
    let good = zip(&[member("good.dylib", &signed())]);
    for inner in [
        member("a.jar", &good),
        member("a.jar", b"PK, but not really"),
        // Called an archive of one kind, and one of another.
        member("a.tgz", &jar),
        member("a.tar", &[b'x'; 1024]),
        member("a.dat", &jar),
    ] {
        silent(&with("a.zip", &zip(&[inner])).advice(), "archive in an archive");
    }
    let broken = zip(&[member("b.jar", &jar[..jar.len() - 30])]);
    let advice = with("a.zip", &broken).advice();
    let reason = "b.jar: the archive has no end of central directory record";
    assert_eq!(open(&advice), [reason]);
    let advice = with(
        "a.zip",
        &zip(&[member("b.jar", &zip(&[member("c.dylib", &library).encrypted()]))]),
    )
    .advice();
    let found = only(&advice, "encrypted-archive");
    assert_eq!(found.1, "a password protects b.jar/c.dylib");
}

#[test]
fn files_with_names_of_archives() {
    const MISNAMED: &str = "misnamed-archive";
    for (name, bytes, kind) in [
        ("data.gz", b"\x78\x9c".as_slice(), "compressed with gzip"),
        ("data.tgz", b"text", "compressed with gzip"),
        ("text.zip", b"no archive at all", "an archive in ZIP form"),
        ("a.jar", &gzip(b"text"), "an archive in ZIP form"),
        ("a.tar", &zip(&[]), "a tar archive"),
    ] {
        let advice = with(name, bytes).advice();
        let (severity, message, _) = only(&advice, MISNAMED);
        assert_eq!(severity, Severity::Note);
        assert_eq!(message, format!("by its name it is {kind}, and it is none"));
        silent(&advice, name);
    }
    for (name, bytes) in [
        ("empty.zip", zip(&[])),
        ("nothing.jar", Vec::new()),
        ("nothing.gz", Vec::new()),
        ("empty.tar", vec![0; 1024]),
        ("._a.zip", b"\0\x05\x16\x07".to_vec()),
        ("a.xz", b"text".to_vec()),
        ("a.tar.xz", b"text".to_vec()),
        ("app.asar", b"text".to_vec()),
        ("gz", b"text".to_vec()),
    ] {
        let advice = with(name, &bytes).advice();
        assert!(of(&advice, MISNAMED).is_empty(), "{name}");
    }
    // Programs that are archives as well: what is in them counts.
    let archive = zip(&[member("bad.dylib", &unsigned())]);
    let script = [b"#!/bin/sh\nexec java -jar $0\n".as_slice(), &archive].concat();
    let advice = with("a.jar", &script).advice();
    assert!(of(&advice, MISNAMED).is_empty());
    assert_eq!(only(&advice, UNSIGNED).0, Severity::Error);
    let advice = with("a.jar", &script[..script.len() - 30]).advice();
    assert_eq!(of(&advice, MISNAMED).len(), 1);
}

fn judged(built: &Built, limits: &[(&str, u64)]) -> Advice {
    let mut options = Options::default();
    for (name, value) in limits {
        assert!(options.limits.set(name, *value));
    }
    let evidence = examine(&built.path, &options).unwrap();
    advise(&evidence, Some(Target::DeveloperId), &Expectations::default())
}

#[test]
fn budgets_of_archives_in_archives() {
    let library = unsigned();
    // The file is the innermost of so many archives.
    let nested = |depth: usize| {
        let mut bytes = zip(&[member("bad.dylib", &library)]);
        for _ in 1..depth {
            bytes = zip(&[member("in.zip", &bytes)]);
        }
        with("a.zip", &bytes)
    };
    let advice = nested(5).advice();
    let message = "in.zip/in.zip/in.zip/in.zip/bad.dylib in this archive is not signed";
    assert_eq!(only(&advice, UNSIGNED).1, message);
    let advice = nested(6).advice();
    assert!(of(&advice, UNSIGNED).is_empty());
    let reason = "in.zip/in.zip/in.zip/in.zip/in.zip: it is an archive in 5 archives, which is not opened";
    assert_eq!(open(&advice), [reason]);

    // The inner archive and the code in it are in memory at once.
    let inner = zip(&[member("bad.dylib", &library).deflated()]);
    let (outer, code) = (inner.len() as u64, library.len() as u64);
    let built = with("a.zip", &zip(&[member("in.zip", &inner)])).built();
    for (name, limit) in [("archive-memory", outer + code), ("archive-bytes", outer + code)] {
        assert_eq!(of(&judged(&built, &[(name, limit)]), UNSIGNED).len(), 1);
        let advice = judged(&built, &[(name, limit - 1)]);
        assert!(of(&advice, UNSIGNED).is_empty(), "{name}");
        let reason = format!(
            "in.zip/bad.dylib: its {code} bytes are over the limit of {} bytes",
            limit - 1
        );
        let open = open(&advice);
        assert!(open[0].starts_with(&reason), "{open:?}");
        assert!(open[0].ends_with(&format!("({name})")), "{open:?}");
    }
    assert_eq!(of(&judged(&built, &[("archive-members", 2)]), UNSIGNED).len(), 1);
    let advice = judged(&built, &[("archive-members", 1)]);
    let reason = "in.zip: the archive has more than 1 members (archive-members)";
    assert_eq!(open(&advice), [reason]);

    // All that is compressed costs, and nothing is made room for that is not there.
    let bomb = gzip(&tar(&[
        tar_file("zeros", &vec![0; 5 << 20]),
        tar_file("bad.dylib", &library),
    ]));
    assert!(bomb.len() < 20_000);
    let built = with("a.tgz", &bomb).built();
    assert_eq!(of(&judged(&built, &[]), UNSIGNED).len(), 1);
    let advice = judged(&built, &[("archive-bytes", 1 << 20)]);
    assert_eq!(
        open(&advice),
        ["what it holds is more than may be read (archive-bytes)"]
    );
    let advice = judged(&built, &[("archive-members", 1)]);
    assert_eq!(
        open(&advice),
        ["the archive has more than 1 members (archive-members)"]
    );
    let built = with("tool.gz", &gzip(&library)).built();
    let advice = judged(&built, &[("archive-memory", code - 1)]);
    let found = open(&advice);
    assert!(found[0].contains("(archive-memory)"), "{found:?}");
    // Members of an asar may share their bytes, and each counts.
    let node = json!({"size": code, "offset": "0"});
    let twice = asar_of(&json!({"files": {"a.node": node, "b.node": node}}), &library);
    let built = with("app.asar", &twice).built();
    let advice = judged(&built, &[("archive-bytes", 2 * code - 1)]);
    assert_eq!(of(&advice, ELECTRON).len(), 1);
    let unknown = advice.unknown.iter().find(|open| open.rule == ELECTRON).unwrap();
    assert!(
        unknown.reason.contains("b.node") && unknown.reason.contains("(archive-bytes)"),
        "{unknown:?}"
    );
    let advice = judged(&built, &[("archive-bytes", 2 * code)]);
    assert!(advice.unknown.iter().all(|open| open.rule != ELECTRON));
    assert!(Limits::default().archive_memory < Limits::default().archive_bytes);
}

#[test]
fn code_in_an_asar() {
    let library = unsigned();
    let archive = asar(&[
        ("package.json", b"{}"),
        ("node_modules/a/build/good.node", &signed()),
        ("node_modules/a/build/bad.node", &library),
        ("node_modules/b/other.node", b"\x7fELF and so on"),
    ]);
    let advice = with("app.asar", &archive).advice();
    let message = "node_modules/a/build/bad.node lies in this archive without a certificate's signature";
    let place = "Contents/Resources/app.asar/node_modules/a/build/bad.node";
    assert_eq!(only(&advice, ELECTRON), (Severity::Warning, message, vec![place]));
    // The notary service does not look into it.
    assert!(of(&advice, UNSIGNED).is_empty() && open(&advice).is_empty());

    let node = json!({"size": library.len(), "offset": "0"});
    let beside = json!({"size": library.len(), "unpacked": true});
    let link = json!({"link": "a.node", "size": library.len(), "offset": "0"});
    let jar = zip(&[member("bad.dylib", &library)]);
    for (name, bytes) in [
        ("app.asar", asar(&[("good.node", &signed()), ("a.jar", &jar)])),
        (
            "app.asar",
            asar_of(&json!({"files": {"a.node": beside, "b.node": link}}), &library),
        ),
        ("app.asar", asar(&[])),
        ("app.asar", b"text".to_vec()),
        ("app.data", asar_of(&json!({"files": {"a.node": node}}), &library)),
    ] {
        silent(&with(name, &bytes).advice(), name);
    }
    // Contents outside of the archive are said to be unread, by the rule that they concern.
    for offset in ["1", "18446744073709551615"] {
        let advice = with(
            "app.asar",
            &asar_of(&json!({"files": {"a": {"size": 4, "offset": offset}}}), b"text"),
        )
        .advice();
        let unknown: Vec<_> = advice
            .unknown
            .iter()
            .filter(|open| open.rule == ELECTRON)
            .collect();
        assert_eq!(unknown.len(), 1, "{offset}");
        assert_eq!(unknown[0].reason, "a: it is not where the directory says");
        assert_eq!(open(&advice), Vec::<&str>::new());
    }
    // One in an archive in the open is still Electron's.
    let advice = with("a.zip", &zip(&[member("app.asar", &archive)])).advice();
    let place = "Contents/Resources/a.zip/app.asar/node_modules/a/build/bad.node";
    assert_eq!(only(&advice, ELECTRON).2, [place]);
    assert!(of(&advice, UNSIGNED).is_empty());
}
