//! How macOS reads Mach-O files: what makes a file Mach-O at all (`Universal::typeOf`), and which load commands it needs
//! (`MachO::validateStructure`, `MachOBase::findCodeSignature`). The brackets around the API turn ENOEXEC into errSecCSBadObjectFormat
//! (`END_CSAPI_ERRORS`).

use std::collections::BTreeMap;
use std::fs;

use sealcheck::finding::Party;
use sealcheck::verify::{CodesignFlags, NotJudged, Options};

use crate::support::bundle::{Seal, info_plist, write};
use crate::support::codesign::Parent;
use crate::support::judge::{Judged, judge, judge_bytes, judge_bytes_with, lenient};
use crate::support::macho::{DYLIB, Thin, arm64, i386, universal, x86_64};
use crate::support::signature::{Bound, SHA256, adhoc};

const UNSIGNED: i32 = -67062;
const FAILED: i32 = -67061;
const OBJECT_FORMAT: i32 = -67049;
const OBJECT: u32 = 1;
const KEXT_BUNDLE: u32 = 11;

fn sign(thin: &Thin) -> Vec<u8> {
    adhoc("tool").sign(thin, Bound::default()).0
}

/// Signed slices of these files in one.
fn join(thins: &[&Thin]) -> Vec<u8> {
    let slices: Vec<_> = thins.iter().map(|thin| (*thin, sign(thin))).collect();
    universal(&slices)
}

fn only(architecture: &str) -> Options {
    Options {
        flags: CodesignFlags {
            architecture: Some(architecture.to_owned()),
            ..CodesignFlags::default()
        },
        ..Options::default()
    }
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

/// The magic number may have its bytes swapped: `Universal::Universal` reads the table with `ntohl` and `n2hi` all the same.
/// The kernel does not run such a file.
#[test]
fn a_swapped_magic_before_a_table_in_network_order() {
    let (one, other) = (x86_64(&[1; 9000]), arm64(&[2; 9000]));
    for thins in [vec![&one, &other], vec![&other]] {
        let mut bytes = join(&thins);
        judge_bytes(&bytes).assert_clean();
        bytes[..4].reverse();
        let judged = judge_bytes(&bytes);
        assert_eq!(judged.verdict(), (0, None, None));
        assert_eq!(judged.evidence.code[0].slices.len(), thins.len());
        assert_eq!(judged.rules(), ["macho-malformed"]);
        assert_eq!(judged.findings[0].rejected_by, [Party::Dyld]);
        assert_eq!(judged.findings[0].status, None);
        let page = bytes.len() - 9000;
        bytes[page] ^= 1;
        assert_eq!(judge_bytes(&bytes).verdict(), (FAILED, None, Some("arm64")));
    }
    // As the main executable of an app.
    let mut parent = Parent::new();
    parent.slices = vec![one.clone(), other.clone()];
    let parent = parent.with_tool().seal();
    let mut bytes = fs::read(parent.path("Contents/MacOS/hello")).unwrap();
    bytes[..4].reverse();
    write(&parent.path("Contents/MacOS/hello"), &bytes);
    assert_eq!(judge(&parent.app()).verdict(), (0, None, None));
    // With the table swapped as well, the numbers lead nowhere: the file is not Mach-O.
    let mut bytes = join(&[&one, &other]);
    for at in (0..48).step_by(4) {
        bytes[at..at + 4].reverse();
    }
    let judged = judge_bytes(&bytes);
    assert_eq!(judged.verdict(), (UNSIGNED, None, None));
}

fn objects_first() -> Vec<u8> {
    let object = Thin {
        file_type: OBJECT,
        ..i386(&[1; 9000])
    };
    let kext = Thin {
        file_type: KEXT_BUNDLE,
        ..x86_64(&[2; 9000])
    };
    universal(&[(&object, object.build(None)), (&kext, kext.build(None))])
}

/// `Universal::typeOf` goes by the first slice. Where that is an object file, as in kernel extensions of 2010, the file is a
/// generic one, whose signature is elsewhere.
#[test]
fn an_object_file_as_the_first_slice() {
    let code = objects_first();
    let judged = judge_bytes(&code);
    assert_eq!(judged.verdict(), (UNSIGNED, None, None));
    assert_eq!(judged.evidence.code[0].format, "generic");
    let signer = adhoc("kext");
    let detached = Options {
        detached: Some(signer.signature(&code, Bound::default()).into()),
        ..Options::default()
    };
    assert_eq!(judge_bytes_with(&code, &detached).status(), 0);
    let mut other = code.clone();
    other[0x5000] ^= 1;
    assert_eq!(
        judge_bytes_with(&other, &detached).verdict(),
        (FAILED, None, None)
    );
    // A kernel extension with its signature in files.
    let folder = tempfile::tempdir().unwrap();
    let contents = folder.path().join("Old.kext/Contents");
    let info = info_plist("Old", "com.example.old", "KEXT");
    write(&contents.join("Info.plist"), &info);
    write(&contents.join("Resources/a"), b"a");
    write(&contents.join("MacOS/Old"), &code);
    let seal = Seal {
        support: &contents,
        executable: "MacOS/Old",
        nested: &BTreeMap::new(),
        rules: crate::support::bundle::RULES,
        version: 2,
    }
    .build();
    let bound = Bound {
        info: Some(&info),
        resources: Some(&seal),
    };
    let meta = contents.join("_CodeSignature");
    write(&meta.join("CodeResources"), &seal);
    write(
        &meta.join("CodeDirectory"),
        &signer.code_directory(SHA256, &code, bound),
    );
    write(&meta.join("CodeRequirements"), &signer.special[&2]);
    write(&meta.join("CodeSignature"), b"");
    let root = folder.path().join("Old.kext");
    let judged = judge(&root);
    assert_eq!(
        judged.verdict(),
        (0, None, None),
        "{:#?}",
        judged.evidence.code[0].faults
    );
    assert_eq!(judged.evidence.code[0].format, "bundle with generic");
    write(&contents.join("MacOS/Old"), &other);
    assert_eq!(judge(&root).verdict(), (FAILED, None, None));
}

/// Code first makes the file Mach-O. That another slice is of another type is noticed by strict rules only
/// (`Universal::isSuspicious`, `Universal::make`).
#[test]
fn slices_of_different_types() {
    let (one, other) = (x86_64(&[1; 9000]), arm64(&[2; 9000]));
    for file_type in [OBJECT, DYLIB, KEXT_BUNDLE, 10] {
        let odd = Thin {
            file_type,
            ..other.clone()
        };
        let bytes = join(&[&one, &odd]);
        assert_eq!(
            judge_bytes(&bytes).verdict(),
            (OBJECT_FORMAT, None, None),
            "{file_type}"
        );
        assert_eq!(judge_bytes_with(&bytes, &lenient()).status(), 0, "{file_type}");
        assert_eq!(
            judge_bytes_with(&bytes, &only("x86_64")).status(),
            0,
            "{file_type}"
        );
        // Its pages come first.
        let mut broken = bytes.clone();
        let page = bytes.len() - 9000;
        broken[page] ^= 1;
        assert_eq!(judge_bytes(&broken).verdict(), (FAILED, None, Some("arm64")));
    }
    // Slices of one type that is not code are no code.
    let preload = |thin: &Thin, file_type| Thin {
        file_type,
        ..thin.clone()
    };
    for (file_type, status) in [
        (5, 0),
        (DYLIB, 0),
        (OBJECT, UNSIGNED),
        (10, UNSIGNED),
        (4, UNSIGNED),
    ] {
        let bytes = join(&[&preload(&one, file_type), &preload(&other, file_type)]);
        assert_eq!(judge_bytes(&bytes).status(), status, "{file_type}");
    }
}

/// `Universal::typeOf` follows three headers by their places in the file; what is after them is not Mach-O.
#[test]
fn universal_files_in_universal_files() {
    let thin = arm64(&[2; 9000]);
    let once = join(&[&thin]);
    assert_eq!(judge_bytes(&once).status(), 0);
    // In itself, the inner header leads back to itself.
    let inside = universal(&[(&thin, once.clone())]);
    assert_eq!(judge_bytes(&inside).verdict(), (UNSIGNED, None, None));
    // By one more header the type is found, but that header is no slice.
    let around = |mut bytes: Vec<u8>| {
        let place = bytes.len().next_multiple_of(0x4000);
        let header = bytes[..48].to_vec();
        bytes.resize(place, 0);
        bytes.extend(header);
        put(&mut bytes, 16, place as u32);
        bytes
    };
    let twice = around(once.clone());
    assert_eq!(judge_bytes(&twice).verdict(), (OBJECT_FORMAT, None, None));
    assert_eq!(judge_bytes(&around(twice)).verdict(), (UNSIGNED, None, None));
    // The first entry leads out of the file.
    let mut out = once;
    put(&mut out, 16, 0x7fff_0000);
    assert_eq!(judge_bytes(&out).verdict(), (UNSIGNED, None, None));
    // A thin header that is cut off.
    assert_eq!(judge_bytes(&sign(&thin)[..27]).verdict(), (UNSIGNED, None, None));
    assert_eq!(
        judge_bytes(&sign(&thin)[..28]).verdict(),
        (OBJECT_FORMAT, None, None)
    );
}

/// The code of a file with further load commands before or after those that `support::macho` writes.
fn with_commands(thin: &Thin, before: &[u8], after: &[u8], counted: bool) -> Vec<u8> {
    let mut code = thin.build(Some(4096));
    let word = |code: &[u8], at: usize| u32::from_le_bytes(code[at..at + 4].try_into().unwrap());
    let (count, size) = (word(&code, 16), word(&code, 20) as usize);
    let commands = [before, &code[32..32 + size], after].concat();
    let more = u32::from(!before.is_empty()) + u32::from(!after.is_empty());
    if counted {
        code[16..20].copy_from_slice(&(count + more).to_le_bytes());
    }
    code[20..24].copy_from_slice(&(commands.len() as u32).to_le_bytes());
    code[32..32 + commands.len()].copy_from_slice(&commands);
    code
}

fn signed(mut code: Vec<u8>) -> Vec<u8> {
    let mut signature = adhoc("tool").signature(&code, Bound::default());
    signature.resize(4096, 0);
    code.extend(signature);
    code
}

fn command(number: u32, size: u32, bytes: usize) -> Vec<u8> {
    let mut command = [number.to_le_bytes(), size.to_le_bytes()].concat();
    command.resize(bytes, 0);
    command
}

#[track_caller]
fn assert_unneeded(judged: &Judged, what: &str) {
    assert_eq!(judged.status(), 0, "{what}");
    let [finding] = judged.of("macho-malformed")[..] else {
        panic!("{what}: {:?}", judged.findings);
    };
    assert_eq!(
        (finding.rejected_by.clone(), finding.status),
        (vec![Party::Dyld], None),
        "{what}"
    );
}

const SEGMENT: u32 = 1;
const SYMTAB: u32 = 2;
const SEGMENT_64: u32 = 0x19;
const UUID: u32 = 0x1b;

/// Neither the structure nor the signature is found by these commands, so that one of them is too short does not matter to
/// the signature. The dynamic linker refuses the file.
#[test]
fn a_short_command_that_no_verification_needs() {
    let thin = arm64(&[2; 9000]);
    for number in [
        UUID,
        0x24,        // LC_VERSION_MIN_MACOSX
        0x25,        // LC_VERSION_MIN_IPHONEOS
        0x32,        // LC_BUILD_VERSION
        0xc,         // LC_LOAD_DYLIB
        0xd,         // LC_ID_DYLIB
        0xe,         // LC_LOAD_DYLINKER
        0x27,        // LC_DYLD_ENVIRONMENT
        0x2c,        // LC_ENCRYPTION_INFO_64
        0x8000_001c, // LC_RPATH
        0x8000_0018, // LC_LOAD_WEAK_DYLIB
    ] {
        let short = command(number, 8, 8);
        for (before, after) in [(&short[..], &[][..]), (&[][..], &short[..])] {
            let judged = judge_bytes(&signed(with_commands(&thin, before, after, true)));
            assert_unneeded(&judged, &format!("{number:#x}"));
        }
    }
    // Segments and symbol tables after __LINKEDIT are not looked at any more.
    for (number, size) in [(SEGMENT_64, 8), (SEGMENT_64, 64), (SEGMENT, 40), (SYMTAB, 16)] {
        let short = command(number, size, size as usize);
        let judged = judge_bytes(&signed(with_commands(&thin, &[], &short, true)));
        assert_unneeded(&judged, &format!("{number} of {size} bytes"));
    }
    // Nor is anything after the signature's command, even where it ends the list.
    for size in [0, 4, 4096] {
        let judged = judge_bytes(&signed(with_commands(&thin, &[], &command(UUID, size, 8), true)));
        assert_unneeded(&judged, &format!("the last of {size} bytes"));
    }
    let second = command(0x1d, 8, 8);
    let judged = judge_bytes(&signed(with_commands(&thin, &[], &second, true)));
    assert_eq!(judged.status(), 0);
}

/// Until `__LINKEDIT` or a symbol table is found, every segment and symbol table must be whole; until the signature is found,
/// every command must fit.
#[test]
fn a_short_command_that_verification_needs() {
    let thin = arm64(&[2; 9000]);
    for (number, size, bytes) in [
        (SEGMENT_64, 8, 8),
        (SEGMENT_64, 68, 68),
        (SEGMENT, 8, 8),
        (SEGMENT, 52, 52),
        (SYMTAB, 8, 8),
        (SYMTAB, 20, 20),
        (UUID, 0, 8),
        (UUID, 0x10_0000, 8),
    ] {
        let code = with_commands(&thin, &command(number, size, bytes), &[], true);
        // The first command of all may be too long: there is nothing after it, and no signature.
        let expected = match size {
            0x10_0000 => (-67062, None, Some("arm64")),
            _ => (OBJECT_FORMAT, None, None),
        };
        let judged = judge_bytes(&signed(code));
        assert_eq!(judged.verdict(), expected, "{number} of {size} bytes");
        assert_eq!(
            judge_bytes_with(&signed(thin.build(Some(4096))), &lenient()).status(),
            0
        );
    }
    // The command of the signature itself.
    for size in [8, 12] {
        let mut code = thin.build(Some(4096));
        let limit = thin.code_limit() as u32;
        let place = [0x1d_u32, 16, limit].map(u32::to_le_bytes).concat();
        let at = crate::support::position(&code, &place);
        code[at + 4..at + 8].copy_from_slice(&u32::to_le_bytes(size));
        let judged = judge_bytes(&signed(code));
        assert_eq!(judged.verdict(), (OBJECT_FORMAT, None, None));
        assert_eq!(judged.rules(), ["macho-malformed"]);
        let expected = format!("at offset {at} has size {size}");
        assert!(
            judged.findings[0].message.contains(&expected),
            "{}",
            judged.findings[0].message
        );
    }
    // A 32-bit segment in 64-bit code, and a symbol table that ends the search before a segment that is too short.
    let mut segment = command(SEGMENT, 56, 56);
    segment[8..14].copy_from_slice(b"__MORE");
    assert_eq!(
        judge_bytes(&signed(with_commands(&thin, &segment, &[], true))).status(),
        0
    );
    let end = (thin.code_limit() + 4096) as u32;
    let mut symbols = command(SYMTAB, 24, 24);
    symbols[16..20].copy_from_slice(&end.to_le_bytes());
    let short = command(SEGMENT_64, 8, 8);
    let both = [symbols, short].concat();
    let mut code = with_commands(&thin, &both, &[], true);
    code[16] += 1;
    assert_unneeded(&judge_bytes(&signed(code)), "after a symbol table");
}

/// `MachOBase::nextCommand` goes by the length of the commands, never by their number; the kernel goes by both.
#[test]
fn the_number_of_commands_does_not_count() {
    let thin = arm64(&[2; 9000]);
    for count in [0u32, 1, 3, 200] {
        let mut code = thin.build(Some(4096));
        code[16..20].copy_from_slice(&count.to_le_bytes());
        assert_unneeded(&judge_bytes(&signed(code)), &format!("{count} commands"));
    }
    // A command that the header does not count is found, and is needed.
    let short = command(SEGMENT_64, 8, 8);
    let code = with_commands(&thin, &short, &[], false);
    assert_eq!(judge_bytes(&signed(code)).status(), OBJECT_FORMAT);
}

/// Each slice is read when it is its turn, after those before it.
#[test]
fn a_short_command_in_one_slice() {
    let (one, other) = (x86_64(&[1; 9000]), arm64(&[2; 9000]));
    let short = command(SEGMENT_64, 8, 8);
    let broken = signed(with_commands(&one, &short, &[], true));
    let bytes = universal(&[(&one, broken), (&other, sign(&other))]);
    let judged = judge_bytes(&bytes);
    assert_eq!(judged.verdict(), (OBJECT_FORMAT, None, None));
    let message = &judged.of("macho-malformed")[0].message;
    assert!(message.contains("at offset 32 has size 8"), "{message}");
    assert_eq!(judge_bytes_with(&bytes, &only("arm64")).status(), 0);
    assert_eq!(judge_bytes_with(&bytes, &only("x86_64")).status(), OBJECT_FORMAT);
    // A page of the slice that comes first.
    let mut pages = bytes.clone();
    let page = pages.len() - 9000;
    pages[page] ^= 1;
    assert_eq!(judge_bytes(&pages).verdict(), (FAILED, None, Some("arm64")));
    // The header of another slice.
    let mut header = join(&[&one, &other]);
    header[0x4000] ^= 0x80;
    assert_eq!(
        judge_bytes(&header).verdict(),
        (UNSIGNED, None, None),
        "the first slice says what the file is"
    );
    let mut header = join(&[&other, &one]);
    let second = u32::from_be_bytes(header[36..40].try_into().unwrap()) as usize;
    header[second] ^= 0x80;
    assert_eq!(judge_bytes(&header).verdict(), (OBJECT_FORMAT, None, None));
    assert_eq!(judge_bytes_with(&header, &only("arm64")).status(), 0);
    // In nested code, which then is not named: `validateNestedCode` adds its path to errors of Security only.
    let mut parent = Parent::new();
    parent.add_tool("Helpers/tool", &adhoc("org.example.tool"));
    let parent = parent.seal();
    let tool = signed(with_commands(&other, &short, &[], true));
    write(&parent.path("Contents/Helpers/tool"), &tool);
    assert_eq!(judge(&parent.app()).verdict(), (OBJECT_FORMAT, None, None));
}

/// A slice that ends after the file does: strict rules refuse the layout, and everything that is there is read.
#[test]
fn a_slice_that_ends_after_the_file() {
    let (one, other) = (x86_64(&[1; 9000]), arm64(&[2; 9000]));
    let bytes = join(&[&one, &other]);
    let size = u32::from_be_bytes(bytes[40..44].try_into().unwrap());
    let mut longer = bytes.clone();
    put(&mut longer, 40, size + 16);
    assert_eq!(judge_bytes(&longer).verdict(), (-67010, None, None));
    assert_eq!(judge_bytes_with(&longer, &lenient()).status(), 0);
    let mut away = bytes;
    put(&mut away, 36, 0x7fff_0000);
    assert_eq!(judge_bytes(&away).verdict(), (OBJECT_FORMAT, None, None));
    assert_eq!(judge_bytes_with(&away, &only("x86_64")).status(), 0);
}

/// A header that counts no architecture, with and without one after it.
#[test]
fn a_universal_header_that_counts_nothing() {
    let thin = arm64(&[2; 9000]);
    let mut bytes = join(&[&thin]);
    put(&mut bytes, 4, 0);
    assert_eq!(judge_bytes(&bytes).status(), 0);
    let mut bytes = join(&[&x86_64(&[1; 9000])]);
    put(&mut bytes, 4, 0);
    assert_eq!(judge_bytes(&bytes).verdict(), (OBJECT_FORMAT, None, None));
    put(&mut bytes, 4, 101);
    assert_eq!(judge_bytes(&bytes).verdict(), (OBJECT_FORMAT, None, None));
}

/// The budget for load commands: macOS goes by their length alone.
#[test]
fn more_load_commands_than_the_budget() {
    let header = arm64(&[2; 16]).build(Some(64))[..32].to_vec();
    let commands = |count: usize| {
        let mut bytes = header.clone();
        bytes[20..24].copy_from_slice(&(8 * count as u32).to_le_bytes());
        for _ in 0..count {
            bytes.extend(command(UUID, 8, 8));
        }
        bytes
    };
    let verdict = judge_bytes(&commands(65_536)).evidence.codesign;
    assert_eq!(verdict.status().map(|status| status.0), Some(UNSIGNED));
    let judged = judge_bytes(&commands(65_537));
    let verdict = &judged.evidence.codesign;
    assert_eq!(
        (verdict.valid(), verdict.not_judged()),
        (None, Some(NotJudged::Budget))
    );
    assert_eq!(judged.rules(), ["limit-reached"]);
}
