//! The library over named bytes: files, folders and archives in memory. Nothing here needs a disk of any kind but to read the sample, nor
//! a feature of the crate, so that these tests also run for Windows.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used
)]

use std::fs;
use std::path::{Path, PathBuf};

use sealcheck::{Checker, NamedBytes, ObjectionKind, Outcome, RequirementAnswer, SourceError, UnixTime};

const APP: &str = "Mitmproxy Redirector.app";
/// Bytes of the stack that the crate needs where it has no threads of its own.
const STACK: usize = 16 << 20;

/// The path of a file in the sample, its contents and its mode.
type Files = Vec<(String, Vec<u8>, u32)>;

/// The real app, with the modes that it has on a Mac.
fn real_app() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/bundles");
    let mut files = Vec::new();
    add(&root, PathBuf::from(APP), &mut files);
    files.sort();
    assert!(files.len() > 5);
    files
}

fn add(root: &Path, inner: PathBuf, files: &mut Files) {
    let place = root.join(&inner);
    if place.is_dir() {
        for entry in fs::read_dir(&place).unwrap() {
            add(root, inner.join(entry.unwrap().file_name()), files);
        }
        return;
    }
    let name = inner.to_str().unwrap().replace('\\', "/");
    let mode = if name.contains("/MacOS/") { 0o755 } else { 0o644 };
    files.push((name, fs::read(place).unwrap(), mode));
}

/// An archive in ZIP form (APPNOTE 4.3) whose members are stored, as macOS writes their modes.
fn zip(files: &Files) -> Vec<u8> {
    let (mut data, mut directory) = (Vec::new(), Vec::new());
    for (name, contents, mode) in files {
        let offset = data.len() as u32;
        let size = (contents.len() as u32).to_le_bytes();
        let mut common = Vec::new();
        // Version 2.0, names in UTF-8, stored, 1980-01-01.
        common.extend([20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0]);
        common.extend(crc32(contents).to_le_bytes());
        common.extend(size);
        common.extend(size);
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        data.extend(*b"PK\x03\x04");
        data.extend(&common);
        data.extend(name.as_bytes());
        data.extend(contents);
        // Made by Unix.
        directory.extend(*b"PK\x01\x02\x14\x03");
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend(((0o100_000 | mode) << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = data.len() as u32;
    data.extend(&directory);
    data.extend(*b"PK\x05\x06\0\0\0\0");
    let count = (files.len() as u16).to_le_bytes();
    data.extend([count, count].concat());
    data.extend((directory.len() as u32).to_le_bytes());
    data.extend(start.to_le_bytes());
    data.extend([0, 0]);
    data
}

/// CRC-32 (APPNOTE 4.4.7), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let mixed = crc ^ u32::from(*byte);
        (0..8).fold(mixed, |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// Checks everything as of 2026-11-24, on a thread with the stack that is promised to be enough.
fn checked(files: NamedBytes) -> Result<Vec<Result<Outcome, SourceError>>, SourceError> {
    let check = move || Checker::new(UnixTime(1_795_478_400)).unwrap().check_bytes(files);
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(check);
    thread.unwrap().join().unwrap()
}

/// The only item.
fn only(files: NamedBytes) -> Outcome {
    let mut found = checked(files).unwrap();
    assert_eq!(found.len(), 1);
    found.pop().unwrap().unwrap()
}

/// The files as a folder in memory.
fn folder(files: &Files, has_modes: bool) -> NamedBytes {
    let mut folder = NamedBytes::folder(APP);
    for (name, contents, mode) in files {
        let inner = name.strip_prefix(&format!("{APP}/")).unwrap();
        folder.add(inner, contents.clone(), has_modes.then_some(*mode));
    }
    folder
}

/// Changes one byte of a sealed file.
fn broken(mut files: Files) -> Files {
    let changed = files
        .iter_mut()
        .find(|(name, ..)| name.contains("/Resources/") && !name.ends_with('/'));
    changed.unwrap().1[0] ^= 1;
    files
}

#[test]
fn a_real_app_is_good_in_a_folder_and_in_an_archive() {
    let files = real_app();
    for named in [folder(&files, true), NamedBytes::file("app.zip", zip(&files))] {
        let outcome = only(named);
        assert_eq!(outcome.objections(), []);
        assert_eq!(outcome.exit_status(), 0);
        let designated = outcome.evidence.codesign.designated_requirement();
        assert_eq!(designated, RequirementAnswer::Met);
        assert_eq!(outcome.gatekeeper.as_ref().unwrap().accepted(), Some(true));
    }
}

#[test]
fn a_broken_app_is_refused() {
    let files = broken(real_app());
    for named in [folder(&files, true), NamedBytes::file("app.zip", zip(&files))] {
        let outcome = only(named);
        assert_eq!(outcome.evidence.codesign.valid(), Some(false));
        assert_eq!(outcome.exit_status(), 1);
        let objections = outcome.objections();
        let rule = ObjectionKind::Rule("sealed-resource-broken");
        assert!(
            objections.iter().any(|found| found.kind == rule),
            "{objections:?}"
        );
    }
}

/// Bytes without modes, as from a disk of Windows: it is not known whether the programs may be executed.
#[test]
fn without_modes_one_question_remains() {
    let outcome = only(folder(&real_app(), false));
    assert_eq!(outcome.evidence.codesign.valid(), Some(true));
    let objections = outcome.objections();
    assert_eq!(objections.len(), 1, "{objections:?}");
    assert_eq!(objections[0].kind, ObjectionKind::Rule("executable-bit-lost"));
    assert!(!objections[0].is_proven);
}

/// Archives that are cut short at every sixteenth of their length are never good, and nothing panics.
#[test]
fn an_archive_that_is_cut_short_is_never_good() {
    let whole = zip(&real_app());
    for part in 0..16 {
        let cut = whole[..whole.len() * part / 16].to_vec();
        let is_good = match checked(NamedBytes::file("app.zip", cut)) {
            Ok(found) => found.iter().all(|item| {
                let outcome = item.as_ref().ok();
                outcome.is_some_and(|outcome| outcome.objections().is_empty())
            }),
            Err(_) => false,
        };
        assert!(!is_good, "{part}/16");
    }
}

#[test]
fn names_that_lead_out_of_the_folder_are_no_files_in_it() {
    let mut files = folder(&real_app(), true);
    files.add("../outside", *b"outside", Some(0o644));
    let found = checked(files).unwrap();
    assert!(found.iter().any(Result::is_err));
}
