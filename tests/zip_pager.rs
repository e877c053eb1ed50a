//! Executables in archives that are judged while they are unpacked: the answer is the one about the file on disk, whatever it takes, and
//! what is damaged, cut or a lie is not judged.

use std::fs;
use std::path::Path;

use sealcheck::hash::{HashType, Kernel};
use sealcheck::limits::Limits;
use sealcheck::macho::{CodePlan, is_macho};
use sealcheck::source::{
    Capture, Content, Kind as NodeKind, Listing, Node, NodeId, Pieces, ReadAt, SourceError, Tree, Wants,
};
use sealcheck::verify::{CodeObject, Evidence, Options, verify_at, verify_tree};

use crate::corpus;
use crate::support::bundle::write_executable;
use crate::support::foundry::{app, tool};
use crate::support::macho::{Thin, arm64, i386, powerpc, x86_64};
use crate::support::signature::{Bound, Signer, adhoc};
use crate::support::zip::{Member, members};
use crate::zip_operand::{Packed, named, options, packed, written};

/// Options with which every executable in an archive is judged while it is unpacked.
fn while_unpacked() -> Options {
    let mut options = options();
    options.limits.held_whole = 0;
    options
}

/// Everything that is known about code, the places of the operand left out.
fn facts(evidence: &Evidence) -> String {
    let code: Vec<&CodeObject> = evidence.code.iter().collect();
    format!("{:#?}\n{code:#?}\n{:#?}", evidence.codesign, evidence.statistics)
}

/// A file by itself in an archive, deflated and stored, against the same file on disk.
fn assert_same(bytes: &[u8], what: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program");
    write_executable(&path, bytes);
    let flat = verify_at(&path, &options()).unwrap();
    for is_deflated in [true, false] {
        let mut member = Member::file("program", bytes);
        (member.is_deflated, member.mode) = (is_deflated, 0o100_755);
        if is_deflated {
            member.packed = Some(miniz_oxide::deflate::compress_to_vec(bytes, 6));
        }
        let archive = packed(&[member]);
        for options in [options(), while_unpacked()] {
            let evidence = verify_at(&archive.path.join("program"), &options).unwrap();
            assert_eq!(facts(&evidence), facts(&flat), "{what}");
        }
    }
}

/// Text in which no two pages are alike.
fn text(length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 21 ^ index >> 12).to_le_bytes()[0])
        .collect()
}

/// What signers do with hash types and pages, the guess being right or wrong.
#[test]
fn signatures_of_every_kind_are_the_same_while_unpacked() {
    let code = text(400_000);
    let with = |change: &dyn Fn(&mut Signer)| {
        let mut signer = adhoc("com.example.tool");
        change(&mut signer);
        signer
    };
    let signers = [
        ("as it is", with(&|_| ())),
        ("pages of 16 KiB", with(&|signer| signer.page_log2 = 14)),
        ("one page", with(&|signer| signer.page_log2 = 0)),
        ("pages of 1 MiB", with(&|signer| signer.page_log2 = 20)),
        ("SHA-1", with(&|signer| signer.hash_types = vec![1])),
        (
            "SHA-1 and SHA-256",
            with(&|signer| signer.hash_types = vec![1, 2]),
        ),
        (
            "SHA-256, truncated, and SHA-384",
            with(&|signer| signer.hash_types = vec![3, 4]),
        ),
    ];
    for (what, signer) in signers {
        let (bytes, _) = signer.sign(&arm64(&code), Bound::default());
        assert_same(&bytes, what);
        let mut changed = bytes.clone();
        changed[200_000] ^= 1;
        assert_same(&changed, &format!("{what}, changed"));
    }
    let tiny = with(&|signer| signer.page_log2 = 1);
    let (bytes, _) = tiny.sign(&arm64(&code[..5000]), Bound::default());
    assert_same(&bytes, "pages of two bytes");
    for thin in [i386(&code), powerpc(&code)] {
        let (bytes, _) = adhoc("com.example.tool").sign(&thin, Bound::default());
        assert_same(&bytes, "another processor");
    }
}

/// Universal files, with everything that their slices have in themselves.
#[test]
fn universal_files_are_the_same_while_unpacked() {
    let with_lists = |thin: Thin| Thin {
        info_plist: Some(
            b"<plist><dict><key>CFBundleIdentifier</key><string>a</string></dict></plist>".to_vec(),
        ),
        launchd_plist: Some(b"<plist><dict><key>Label</key><string>a</string></dict></plist>".to_vec()),
        ..thin
    };
    let slices = [
        with_lists(x86_64(&text(2_500_000))),
        with_lists(arm64(&text(1_300_000))),
    ];
    let bound = Bound {
        info: slices[0].info_plist.as_deref(),
        ..Bound::default()
    };
    let (bytes, _) = adhoc("com.example.tool").sign_all(&slices, bound);
    assert_same(&bytes, "universal");
    // Something in the gap between the slices, behind the last, and a table that says otherwise.
    let field = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (first, second) = (field(16), field(36));
    assert!(first < second && second < bytes.len());
    for (what, at) in [
        ("gap before", first - 1),
        ("gap between", second - 1),
        ("slice", second + 5000),
    ] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_same(&changed, what);
    }
    assert_same(
        &[bytes.as_slice(), b"more"].concat(),
        "bytes behind the last slice",
    );
    for (what, at, value) in [
        ("slices in each other", 36, first as u32 + 4096),
        ("slices at one place", 36, first as u32),
        ("a slice on the table", 16, 0),
        ("a slice beyond the end", 36, bytes.len() as u32 + 5),
        ("a long slice", 40, u32::MAX),
        ("more slices than there are", 4, 3),
    ] {
        let mut changed = bytes.clone();
        changed[at..at + 4].copy_from_slice(&value.to_be_bytes());
        assert_same(&changed, what);
    }
}

/// A hundred slices of the same bytes, each with a signature: what it costs is charged, as for a file on disk.
#[test]
fn slices_that_share_their_bytes_are_the_same_while_unpacked() {
    let (slice, _) = adhoc("com.example.tool").sign(&arm64(&text(200_000)), Bound::default());
    let count = 60_u32;
    let start = 8 + 20 * (count + 1);
    let mut bytes = [0xcafe_babe_u32, count].map(u32::to_be_bytes).concat();
    for index in 0..count {
        for value in [0x0100_000c, index, start + index, slice.len() as u32, 0] {
            bytes.extend(value.to_be_bytes());
        }
    }
    bytes.extend([0; 20]);
    bytes.extend(&slice);
    bytes.extend([0; 100]);
    assert_same(&bytes, "shared bytes");
}

/// Whatever a header says, and wherever the file ends.
#[test]
fn broken_headers_are_the_same_while_unpacked() {
    let (bytes, _) = adhoc("com.example.tool").sign(&arm64(&text(60_000)), Bound::default());
    for length in [0, 1, 4, 20, 27, 31, 32, 100, 500, 4096, 30_000, bytes.len() - 1] {
        assert_same(&bytes[..length], &format!("{length} bytes"));
    }
    // Numbers of the header and of the first commands.
    for at in (4..600).step_by(4) {
        for value in [0_u32, 7, 0x7fff_ffff, u32::MAX] {
            let mut changed = bytes.clone();
            changed[at..at + 4].copy_from_slice(&value.to_le_bytes());
            if at % 28 == 0 || value == u32::MAX {
                assert_same(&changed, &format!("{value} at {at}"));
            }
        }
    }
    assert_same(b"#!/bin/sh\nexit 0\n", "a script");
}

/// A whole app, with nested code and a main executable that the bundle's files are bound to.
#[test]
fn an_app_is_the_same_while_unpacked() {
    let built = app("com.example.acme")
        .file("Resources/text", &text(700_000))
        .nested("Helpers/helper", tool("com.example.acme.helper"))
        .built();
    let flat = verify_at(&built.path, &options()).unwrap();
    assert_eq!(flat.codesign.valid(), Some(true));
    let archive = packed(&members(&built.path));
    let evidence = verify_at(&archive.path.join("acme.app"), &while_unpacked()).unwrap();
    assert_eq!(facts(&evidence), facts(&flat));
}

/// Programs that nobody here made, each by itself in an archive.
#[test]
fn real_programs_are_the_same_while_unpacked() {
    let Some(folder) = corpus::unpacked() else { return };
    let mut folders = vec![folder.path().to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let bytes = fs::read(&path).unwrap();
                if is_macho(&bytes) {
                    assert_same(&bytes, &path.display().to_string());
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

/// The digests that a report with the digests of files has.
#[test]
fn digests_of_files_are_the_same_while_unpacked() {
    let (bytes, _) = adhoc("com.example.tool").sign(&arm64(&text(60_000)), Bound::default());
    let mut member = Member::file("program", &bytes);
    member.is_deflated = true;
    let archive = packed(&[member]);
    let options = Options {
        keeps_file_digests: true,
        keeps_page_digests: true,
        ..while_unpacked()
    };
    let evidence = verify_at(&archive.path.join("program"), &options).unwrap();
    assert_eq!(
        evidence.code[0].file_digest,
        Some(HashType::Sha256.digest(&bytes))
    );
    assert_eq!(
        evidence.code[0].slices[0].page_digests.len() as u64,
        evidence.code[0].slices[0].pages
    );
}

/// The item in an archive, and why it was not read; never a verdict.
fn not_judged(archive: &Packed, what: &str) -> String {
    let found = ["acme.app", "acme.app/Contents/MacOS/acme"].map(|inner| {
        let path = archive.path.join(inner);
        match verify_at(&path, &while_unpacked()) {
            Ok(evidence) => {
                assert_eq!(evidence.codesign.valid(), None, "{what}: {inner}");
                format!(
                    "{:?} {:?}",
                    evidence.unread,
                    evidence.code.first().map(|code| &code.faults)
                )
            }
            Err(error) => error.to_string(),
        }
    });
    found.concat()
}

/// Sizes and checksums that are not true, of the main executable: containers that lie never give a verdict (`Z 26`).
#[test]
fn executables_that_are_not_what_the_directory_says_are_not_judged() {
    let built = app("com.example.acme")
        .macho(|thin| thin.text = text(300_000))
        .built();
    let good = members(&built.path);
    let main = "acme.app/Contents/MacOS/acme";
    let size = fs::metadata(built.path.join("Contents/MacOS/acme"))
        .unwrap()
        .len();
    // The contents in the directory are those of `contents`, and the data is another.
    let with = |is_deflated: bool, change: &dyn Fn(&mut Member)| {
        let mut all = good.clone();
        let member = named(&mut all, main);
        member.is_deflated = is_deflated;
        if is_deflated {
            member.packed = Some(miniz_oxide::deflate::compress_to_vec(&member.contents, 6));
        } else {
            member.packed = Some(member.contents.clone());
        }
        change(member);
        packed(&all)
    };
    let truth = with(true, &|_| ());
    let evidence = verify_at(&truth.path.join("acme.app"), &while_unpacked()).unwrap();
    assert_eq!(evidence.codesign.valid(), Some(true));
    let longer = format!("it goes on after {} bytes", size - 1);
    let shorter = format!(
        "it has {size} bytes, which is another size than the {} bytes",
        size + 1
    );
    for is_deflated in [true, false] {
        for (words, change) in [
            (
                longer.as_str(),
                &(|member: &mut Member| member.contents.truncate(member.contents.len() - 1))
                    as &dyn Fn(&mut Member),
            ),
            (&shorter, &|member| member.contents.push(0)),
            ("its checksum is", &|member| member.damage = 1),
        ] {
            let found = not_judged(&with(is_deflated, change), words);
            assert!(found.contains(words), "{words}: {found}");
        }
    }
    for (words, change) in [
        (
            "other bytes follow",
            &(|member: &mut Member| member.packed.as_mut().unwrap().push(0)) as &dyn Fn(&mut Member),
        ),
        ("its deflated data is broken", &|member| {
            let packed = member.packed.as_mut().unwrap();
            packed.truncate(packed.len() / 2);
        }),
        ("cannot be unpacked", &|member| {
            let packed = member.packed.as_mut().unwrap();
            let middle = packed.len() / 2;
            packed[middle..].fill(0xff);
        }),
        ("is not supported", &|member| member.method = Some(93)),
        ("it is encrypted", &|member| member.flags = 1),
    ] {
        let found = not_judged(&with(true, change), words);
        assert!(found.contains(words), "{words}: {found}");
    }
}

/// An archive that is cut anywhere is never judged (`111`), and nothing outside of it is touched.
#[test]
fn archives_that_are_cut_are_not_judged() {
    let built = app("com.example.acme")
        .macho(|thin| thin.text = text(100_000))
        .built();
    let bytes = fs::read(packed(&members(&built.path)).path).unwrap();
    for sixteenth in 0..16 {
        let archive = written(&bytes[..bytes.len() * sixteenth / 16]);
        let before = names(archive.path.parent().unwrap());
        for path in [archive.path.clone(), archive.path.join("acme.app")] {
            for options in [options(), while_unpacked()] {
                if let Ok(evidence) = verify_at(&path, &options) {
                    assert_ne!(evidence.codesign.valid(), Some(true), "{sixteenth}");
                }
            }
        }
        assert_eq!(names(archive.path.parent().unwrap()), before);
    }
}

fn names(folder: &Path) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name()).collect()
}

/// A member of zeros, a thousand times its compressed size: as much is unpacked as the budgets allow, and none of it is kept.
#[test]
fn a_bomb_stays_within_the_budgets() {
    let mut bomb = Member::file("program", &[]);
    let (head, _) = adhoc("com.example.tool").sign(&arm64(&[7; 5000]), Bound::default());
    bomb.contents = [head.as_slice(), &vec![0; 40 << 20]].concat();
    (bomb.is_deflated, bomb.mode) = (true, 0o100_755);
    let archive = packed(&[bomb]);
    let path = archive.path.join("program");
    let judged = |name: &str, value: u64| {
        let mut options = while_unpacked();
        assert!(options.limits.set(name, value));
        verify_at(&path, &options)
    };
    // Bytes behind the slice, which the signature does not cover.
    assert_eq!(
        verify_at(&path, &while_unpacked()).unwrap().codesign.valid(),
        Some(false)
    );
    let error = judged("archive-bytes", 1 << 20).unwrap_err();
    assert_eq!(error.budget(), Some("archive-bytes"));
    let evidence = judged("steps", 1 << 20).unwrap();
    assert_eq!(evidence.codesign.valid(), None, "{:?}", evidence.codesign);
}

/// What a tree may give of the only file in it.
#[derive(Debug)]
enum Kind {
    Random(Vec<u8>),
    Captured(Capture),
}

/// A tree with one file, as disk images and streams will give theirs.
#[derive(Debug)]
struct One {
    listing: std::sync::Arc<Listing>,
    limits: Limits,
    node: Node,
    kind: Kind,
}

impl One {
    fn new(size: usize, kind: Kind) -> Self {
        let limits = while_unpacked().limits;
        Self {
            listing: std::sync::Arc::new(Listing::of_file(b"program", &limits)),
            limits,
            node: Node {
                name: (*b"program").into(),
                kind: NodeKind::File,
                mode: Some(0o755),
                size: size as u64,
                parent: None,
            },
            kind,
        }
    }
}

#[derive(Debug)]
struct Parts<'t>(&'t [u8]);

impl ReadAt for Parts<'_> {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, SourceError> {
        let rest = &self.0[offset as usize..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

impl Tree for One {
    fn listing(&self) -> &std::sync::Arc<Listing> {
        &self.listing
    }

    fn full_path(&self, _id: NodeId) -> String {
        "program".to_owned()
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn node(&self, _id: NodeId) -> &Node {
        &self.node
    }

    fn open(&self, _id: NodeId) -> Result<Content<'_>, SourceError> {
        Ok(match &self.kind {
            Kind::Random(bytes) => Content::Random(Box::new(Parts(bytes))),
            Kind::Captured(capture) => Content::Captured(capture),
        })
    }

    fn has_attributes(&self, _id: NodeId) -> bool {
        false
    }
}

/// The file from front to back.
#[derive(Debug)]
struct Once<'t>(&'t [u8], usize);

impl Pieces for Once<'_> {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, SourceError> {
        let count = Parts(self.0).read_at(self.1 as u64, buffer)?;
        self.1 += count;
        Ok(count)
    }
}

/// Trees that give any part of a file, and trees that have only what was kept of it.
#[test]
fn every_kind_of_contents_has_the_same_answer() {
    let code = text(3_000_000);
    for page_log2 in [12, 14] {
        let signer = Signer {
            page_log2,
            ..adhoc("com.example.tool")
        };
        let (good, _) = signer.sign_all(&[x86_64(&code), arm64(&code[7..])], Bound::default());
        let mut changed = good.clone();
        changed[5_000_000] ^= 1;
        for bytes in [good, changed] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("program");
            write_executable(&path, &bytes);
            let flat = verify_at(&path, &options()).unwrap();
            let parts = One::new(bytes.len(), Kind::Random(bytes.clone()));
            assert_eq!(
                facts(&verify_tree(&parts, &while_unpacked()).unwrap()),
                facts(&flat)
            );
            let capture = |wants: &Wants, plan: &mut CodePlan| {
                let capture = Capture::of(&mut Once(&bytes, 0), plan, wants, Kernel::default());
                One::new(bytes.len(), Kind::Captured(capture.unwrap()))
            };
            let kept = capture(&Wants::default(), &mut CodePlan::pages());
            assert_eq!(
                facts(&verify_tree(&kept, &while_unpacked()).unwrap()),
                facts(&flat)
            );
            // Without the digests of its pages, nothing is known.
            let headers = capture(&Wants::default(), &mut CodePlan::headers());
            let error = verify_tree(&headers, &while_unpacked()).unwrap_err();
            assert_eq!(error.to_string(), "program: it was not kept when it was read");
        }
    }
}

/// What others read of a file that passed by: its beginning and its digests, nothing else.
#[test]
fn a_file_that_has_passed_by_is_read_as_far_as_it_was_kept() {
    let bytes = text(100_000);
    let mut wants = Wants::default();
    wants.digest(HashType::Sha256);
    wants.range(0, 5000);
    let capture = Capture::of(
        &mut Once(&bytes, 0),
        &mut CodePlan::pages(),
        &wants,
        Kernel::default(),
    );
    let tree = One::new(bytes.len(), Kind::Captured(capture.unwrap()));
    let root = tree.root();
    assert_eq!(tree.head(root, 4000).unwrap(), &bytes[..4000]);
    let mut seen = Vec::new();
    let digests = tree.digests(root, &[HashType::Sha256], &mut |piece| {
        seen.extend_from_slice(piece)
    });
    assert_eq!(digests.unwrap(), [HashType::Sha256.digest(&bytes)]);
    assert!(!seen.is_empty() && bytes.starts_with(&seen));
    for error in [
        tree.digests(root, &[HashType::Sha1], &mut |_| ()).unwrap_err(),
        tree.head(root, 6000).unwrap_err(),
        tree.whole(root).unwrap_err(),
        tree.small(root, 1 << 20).unwrap_err(),
        tree.tail(root, 10).unwrap_err(),
    ] {
        assert!(error.to_string().contains("not kept"), "{error}");
    }
    let parts = One::new(bytes.len(), Kind::Random(bytes.clone()));
    assert_eq!(parts.tail(root, 10).unwrap(), &bytes[99_990..]);
    assert_eq!(parts.small(root, 100_000).unwrap(), bytes);
    assert!(matches!(
        parts.small(root, 99_999),
        Err(SourceError::TooLarge { .. })
    ));
    let digests = parts.digests(root, &[HashType::Sha1], &mut |_| ());
    assert_eq!(digests.unwrap(), [HashType::Sha1.digest(&bytes)]);
}
