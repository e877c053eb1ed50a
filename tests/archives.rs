//! Code in archives inside of an app: what the notary service finds there, and archives that were made to confuse.

use miniz_oxide::deflate::compress_to_vec;
use sealcheck::container::{Inflater, MemberError, Zip, ZipError};
use sealcheck::finding::{Severity, Target};
use sealcheck::limits::Limits;
use sealcheck::rule::{Advice, Expectations};
use sealcheck::verify::Options;

use crate::support::examined::{advise, examine};
use crate::support::foundry::{Code, app, library, of};
use crate::support::macho::{DYLIB, Thin, arm64};
use crate::support::signature::{Bound, adhoc};
use crate::support::zip::crc32;

pub const UNSIGNED: &str = "unsigned-code-in-archive";
const ENCRYPTED: &str = "encrypted-archive";

/// A member to be written; fields may lie.
#[derive(Clone)]
pub struct Member {
    name: String,
    packed: Vec<u8>,
    size: u32,
    method: u16,
    flags: u16,
    checksum: u32,
    /// Offset of the local header, where another member's is to be named.
    header: Option<u32>,
}

/// A stored member.
pub fn member(name: &str, contents: &[u8]) -> Member {
    Member {
        name: name.to_owned(),
        packed: contents.to_vec(),
        size: contents.len() as u32,
        method: 0,
        flags: 0,
        checksum: crc32(contents),
        header: None,
    }
}

impl Member {
    pub fn deflated(mut self) -> Self {
        self.packed = compress_to_vec(&self.packed, 6);
        self.method = 8;
        self
    }

    fn size(mut self, size: u32) -> Self {
        self.size = size;
        self
    }

    /// Another checksum in the directory.
    fn damaged(mut self) -> Self {
        self.checksum ^= 1;
        self
    }

    pub fn encrypted(mut self) -> Self {
        self.flags |= 1;
        self
    }
}

/// The archive with these members.
pub fn zip(members: &[Member]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut directory = Vec::new();
    for member in members {
        let start = file.len() as u32;
        let mut shared = Vec::new();
        for value in [20, member.flags, member.method, 0, 0] {
            shared.extend(value.to_le_bytes());
        }
        for value in [member.checksum, member.packed.len() as u32, member.size] {
            shared.extend(value.to_le_bytes());
        }
        shared.extend((member.name.len() as u16).to_le_bytes());
        shared.extend([0; 2]);
        if member.header.is_none() {
            file.extend(b"PK\x03\x04");
            file.extend(&shared);
            file.extend(member.name.as_bytes());
            file.extend(&member.packed);
        }
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&shared);
        directory.extend([0; 10]);
        directory.extend(member.header.unwrap_or(start).to_le_bytes());
        directory.extend(member.name.as_bytes());
    }
    let start = file.len() as u32;
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        file.extend((members.len() as u16).to_le_bytes());
    }
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0; 2]);
    file
}

pub fn unsigned() -> Vec<u8> {
    Thin {
        file_type: DYLIB,
        ..arm64(&b"unsigned".repeat(500))
    }
    .build(None)
}

/// A library with a certificate's signature and a timestamp.
pub fn signed() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signed.dylib");
    library("com.example.signed").write(&path);
    std::fs::read(path).unwrap()
}

pub fn with(name: &str, archive: &[u8]) -> Code {
    app("com.example.acme").file(&format!("Resources/{name}"), archive)
}

/// Why the rule cannot be decided, in the item's archives.
pub fn open(advice: &Advice) -> Vec<&str> {
    let open = advice.unknown.iter().filter(|open| open.rule == UNSIGNED);
    open.map(|open| open.reason.as_str()).collect()
}

#[test]
fn unsigned_code_in_a_jar() {
    let stored = member("native/libstored.dylib", &unsigned());
    let deflated = member("native/libdeflated.dylib", &unsigned()).deflated();
    let good = member("native/libgood.dylib", &signed()).deflated();
    let (halfway, _) = adhoc("halfway").sign(&arm64(b"halfway"), Bound::default());
    for (name, bad) in [("stored", stored.clone()), ("deflated", deflated.clone())] {
        let advice = with("a.jar", &zip(&[good.clone(), bad])).advice();
        let found = of(&advice, UNSIGNED);
        assert_eq!(found.len(), 1, "{name}: {:#?}", advice.findings);
        assert_eq!(found[0].severity, Severity::Error);
        assert_eq!(found[0].path, "Contents/Resources/a.jar");
        let message = format!("native/lib{name}.dylib in this archive is not signed");
        assert_eq!(found[0].message, message);
        assert_eq!(open(&advice), Vec::<&str>::new());
    }
    let advice = with("a.JAR", &zip(&[stored, member("tool", &halfway), deflated])).advice();
    let found = of(&advice, UNSIGNED);
    let notes: Vec<_> = found[0]
        .places
        .iter()
        .map(|place| (place.path.as_str(), place.note))
        .collect();
    assert_eq!(
        notes,
        [
            ("Contents/Resources/a.JAR/native/libstored.dylib", "not signed"),
            ("Contents/Resources/a.JAR/tool", "signed without a certificate"),
            ("Contents/Resources/a.JAR/native/libdeflated.dylib", "not signed"),
        ]
    );
    // In a jmod four bytes stand in front; of an egg it is not known whether the service opens it.
    let archive = zip(&[member("a.so", &unsigned()).deflated()]);
    let jmod = [b"JM\x01\x00".as_slice(), &archive].concat();
    assert_eq!(of(&with("a.jmod", &jmod).advice(), UNSIGNED).len(), 1);
    let egg = with("a.egg", &archive).advice();
    assert_eq!(of(&egg, UNSIGNED)[0].severity, Severity::Warning);
}

#[test]
fn archives_with_nothing_to_say() {
    let class = [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0, 1];
    let object = Thin {
        file_type: 1,
        ..arm64(b"object")
    };
    let harmless = zip(&[
        member("META-INF/", b""),
        member("A.class", &class).deflated(),
        member("empty", b"").deflated(),
        member("a.o", &object.build(None)),
        member("libgood.dylib", &signed()).deflated(),
        member("libstored.dylib", &signed()),
    ]);
    let bad = zip(&[member("a.dylib", &unsigned())]);
    for (name, bytes) in [
        ("a.jar", harmless.as_slice()),
        ("empty.zip", &zip(&[])),
        ("text.zip", b"no archive at all"),
        ("a.txt", &bad),
    ] {
        let advice = with(name, bytes).advice();
        assert!(of(&advice, UNSIGNED).is_empty(), "{name}: {:#?}", advice.findings);
        assert!(of(&advice, ENCRYPTED).is_empty(), "{name}");
        assert_eq!(open(&advice), Vec::<&str>::new(), "{name}");
    }
    // What stays where it was made is not notarized.
    let built = with("a.jar", &bad).built();
    let advice = advise(&built.evidence(), Some(Target::Local), &Expectations::default());
    assert!(of(&advice, UNSIGNED).is_empty());
}

#[test]
fn what_cannot_be_read_is_not_passed() {
    let library = unsigned();
    let inner = zip(&[member("a.dylib", &library)]);
    let mut broken = member("a.dylib", &library).deflated();
    let middle = broken.packed.len() / 2;
    broken.packed.truncate(middle);
    let mut garbage = member("a.dylib", &[7; 40]);
    garbage.method = 8;
    let mut lzma = member("a.dylib", &library);
    lzma.method = 14;
    let mut slow = member("a.dylib", &[0, 0, 0, 0xff, 0xff].repeat(2000));
    slow.method = 8;
    let size = library.len() as u32;
    let archives = [
        (
            "a disk image, which is not opened",
            zip(&[member("b/in.dmg", b"a disk image")]),
        ),
        ("deflated data is broken", zip(&[broken])),
        ("deflated data is broken", zip(&[garbage])),
        ("method 14 is not supported", zip(&[lzma])),
        ("blocks that hold nothing", zip(&[slow])),
        ("another size", zip(&[member("a.dylib", &library).size(size - 1)])),
        (
            "another size",
            zip(&[member("a.dylib", &library).deflated().size(size - 1)]),
        ),
        (
            "another size",
            zip(&[member("a.dylib", &library).deflated().size(size + 1)]),
        ),
        // Nobody makes room for what cannot be there.
        (
            "another size",
            zip(&[member("a.dylib", &library).deflated().size(u32::MAX - 1)]),
        ),
        ("its checksum is", zip(&[member("a.dylib", &library).damaged()])),
        (
            "its checksum is",
            zip(&[member("a.dylib", &library).deflated().damaged()]),
        ),
        (
            "members are encrypted",
            zip(&[member("a.dylib", &library).encrypted()]),
        ),
        ("no end of central directory", inner[..inner.len() - 30].to_vec()),
        ("file ends inside its", zip(&[member("a.dylib", &library[..20])])),
    ];
    for (reason, archive) in archives {
        let advice = with("a.jar", &archive).advice();
        let found = open(&advice);
        assert!(
            found.iter().any(|open| open.contains(reason)),
            "{reason}: {found:?}"
        );
        assert!(of(&advice, UNSIGNED).is_empty(), "{reason}");
    }
}

#[test]
fn a_password() {
    let archive = zip(&[
        member("secret.bin", b"secret").encrypted(),
        member("a.dylib", &unsigned()),
    ]);
    let advice = with("a.zip", &archive).advice();
    let found = of(&advice, ENCRYPTED);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, Severity::Warning);
    assert_eq!(found[0].message, "a password protects secret.bin");
    // What has no password was looked at.
    assert_eq!(of(&advice, UNSIGNED).len(), 1);
}

#[test]
fn budgets_of_archives() {
    let library = unsigned();
    let archive = zip(&[
        member("a.dylib", &library),
        member("b.dylib", &library).deflated(),
    ]);
    let built = with("a.jar", &archive).built();
    let judged = |name: &str, value: u64| {
        let mut limits = Limits::default();
        assert!(limits.set(name, value));
        let options = Options {
            limits,
            ..Options::default()
        };
        let evidence = examine(&built.path, &options).unwrap();
        advise(&evidence, Some(Target::DeveloperId), &Expectations::default())
    };
    let length = library.len() as u64;
    // Enough for both, for one, for none.
    for (bytes, found, is_open) in [
        (2 * length, 1, false),
        (2 * length - 1, 1, true),
        (length - 1, 0, true),
    ] {
        let advice = judged("archive-bytes", bytes);
        assert_eq!(of(&advice, UNSIGNED).len(), found, "{bytes}");
        let open = open(&advice);
        assert_eq!(
            open.iter().any(|open| open.contains("(archive-bytes)")),
            is_open,
            "{open:?}"
        );
    }
    assert_eq!(open(&judged("archive-members", 2)), Vec::<&str>::new());
    let advice = judged("archive-members", 1);
    assert_eq!(
        open(&advice),
        ["the archive has more than 1 members (archive-members)"]
    );
    assert!(of(&advice, UNSIGNED).is_empty());
}

/// Many names for the same bytes, and sizes that are not true.
#[test]
fn archives_that_were_made_to_confuse() {
    let bomb = member("a", &vec![0; 10 << 20]).deflated();
    let mut again = bomb.clone();
    again.header = Some(0);
    let overlapping = zip(&[bomb.clone(), again]);
    assert_eq!(
        Zip::parse(&overlapping, 10).unwrap_err(),
        ZipError::Overlap { offset: 0 }
    );

    let archive = zip(&[bomb]);
    let found = Zip::parse(&archive, 10).unwrap();
    let mut inflater = Inflater::default();
    assert_eq!(found.head(&found.members[0], &mut inflater), Ok([0; 8]));
    let size = 10 << 20;
    assert_eq!(
        found.contents(&found.members[0], &mut inflater, size - 1),
        Err(MemberError::TooLarge { size })
    );
    assert_eq!(
        found
            .contents(&found.members[0], &mut inflater, size)
            .map(|found| found.len()),
        Ok(10 << 20)
    );

    // The end record counts one member too many; the directory ends in the middle of an entry.
    let good = zip(&[member("a", b"text"), member("b", b"text")]);
    let mut counts = good.clone();
    let end = counts.len() - 22;
    counts[end + 10] = 3;
    assert_eq!(
        Zip::parse(&counts, 10).unwrap_err(),
        ZipError::Count { counted: 3, found: 2 }
    );
    let mut broken = good.clone();
    broken[end - 40] = b'x';
    broken[end - 47] = b'x';
    assert!(
        matches!(Zip::parse(&broken, 10), Err(ZipError::Entry { .. })),
        "{:?}",
        Zip::parse(&broken, 10)
    );
    // A member that the directory places outside.
    let mut outside = member("a", b"text");
    outside.header = Some(1_000_000);
    let outside = zip(&[outside]);
    let found = Zip::parse(&outside, 10).unwrap();
    assert_eq!(
        found.head(&found.members[0], &mut inflater),
        Err(MemberError::Place)
    );
    // Bytes in front and a comment behind are usual.
    let framed = [b"#!/bin/sh\n".as_slice(), &good[..good.len() - 2], b"\x02\x00hi"].concat();
    let found = Zip::parse(&framed, 10).unwrap();
    assert_eq!(found.head(&found.members[1], &mut inflater), Ok(*b"text\0\0\0\0"));
}

/// Sizes, offsets and counts of 64 bits, with and without bytes in front of the archive.
#[test]
fn archives_with_wide_fields() {
    let plain = zip(&[member("a", b"text")]);
    let start = 30 + 1 + 4;
    let mut file = plain[..start].to_vec();
    let mut entry = plain[start..plain.len() - 22].to_vec();
    for at in [20, 24, 42] {
        entry[at..at + 4].fill(0xff);
    }
    entry[30] = 28;
    entry.extend([1, 0, 24, 0]);
    for value in [4_u64, 4, 0] {
        entry.extend(value.to_le_bytes());
    }
    file.extend(&entry);
    let end = file.len() as u64;
    file.extend(b"PK\x06\x06");
    file.extend(44_u64.to_le_bytes());
    file.extend([0; 12]);
    for value in [1, 1, entry.len() as u64, start as u64] {
        file.extend(value.to_le_bytes());
    }
    file.extend(b"PK\x06\x07\0\0\0\0");
    file.extend(end.to_le_bytes());
    file.extend([1, 0, 0, 0]);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([0xff; 12]);
    file.extend([0; 2]);
    for front in ["", "in front"] {
        let file = [front.as_bytes(), &file].concat();
        let found = Zip::parse(&file, 10).unwrap();
        let member = found.members[0];
        assert_eq!((member.name, member.size), (b"a".as_slice(), 4));
        let contents = found.contents(&member, &mut Inflater::default(), 4);
        assert_eq!(contents.unwrap(), b"text");
    }
}
