//! A second reader of pages and resources, as naive as can be, must agree on real and on generated code.
//!
//! It shares nothing with sealcheck: offsets by hand, every page hashed by itself, the seal by the `plist` crate, each
//! rule tried by the `regex` crate as it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use regex::bytes::Regex;
use sealcheck::verify::{CodeObject, FaultKind, Options, verify_at};
use sha2::Digest as _;

use crate::corpus;
use crate::support::bundle::{acme, write};
use crate::support::macho::{arm64, x86_64};
use crate::support::real_app;
use crate::support::signature::{Bound, SHA1, SHA256, SHA256_TRUNCATED, SHA384, Signer, adhoc, digest};

fn be(bytes: &[u8], at: usize) -> usize {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn le(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// The slices of a file: all that begin with a little-endian Mach-O magic.
fn slices(file: &[u8]) -> Vec<&[u8]> {
    if be(file, 0) != 0xcafe_babe {
        return vec![file];
    }
    (0..be(file, 4))
        .map(|index| &file[be(file, 16 + 20 * index)..][..be(file, 20 + 20 * index)])
        .collect()
}

/// Pages that differ from any CodeDirectory's digest; `None` for a slice without a signature that this reader knows.
fn bad_pages(slice: &[u8]) -> Option<usize> {
    let mut at = match le(slice, 0) {
        0xfeed_facf => 32,
        0xfeed_face => 28,
        _ => return None,
    };
    let mut signature = None;
    for _ in 0..le(slice, 16) {
        if le(slice, at) == 0x1d {
            signature = Some(&slice[le(slice, at + 8)..]);
            break;
        }
        at += le(slice, at + 4);
    }
    let signature = signature?;
    let mut bad = BTreeSet::new();
    for index in 0..be(signature, 8) {
        let slot = be(signature, 12 + 8 * index);
        if slot != 0 && !(0x1000..0x1005).contains(&slot) {
            continue;
        }
        let directory = &signature[be(signature, 16 + 8 * index)..];
        let (hashes, count, limit) = (be(directory, 16), be(directory, 28), be(directory, 32));
        let (size, kind, log2) = (usize::from(directory[36]), directory[37], directory[39]);
        let page = if log2 == 0 { limit.max(1) } else { 1 << log2 };
        for (number, page) in slice[..limit].chunks(page).enumerate().take(count) {
            if digest(kind, page)[..size] != directory[hashes + number * size..][..size] {
                bad.insert(number);
            }
        }
    }
    Some(bad.len())
}

/// Compares the bad pages of every slice of an executable.
fn compare_pages(root: &Path, object: &CodeObject) -> usize {
    let Some(executable) = &object.executable else {
        return 0;
    };
    let path = match executable.as_str() {
        "" => root.to_owned(),
        executable => root.join(executable),
    };
    let file = fs::read(path).unwrap();
    if file.len() < 4096 || object.slices.iter().any(|slice| slice.hash_type.is_none()) {
        return 0;
    }
    let mut theirs: Vec<usize> = slices(&file).into_iter().filter_map(bad_pages).collect();
    let mut ours: Vec<usize> = object
        .slices
        .iter()
        .map(|slice| slice.pages_bad as usize)
        .collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours, theirs, "{} {executable}", root.display());
    ours.len()
}

/// A rule of a seal, in the order of the file.
struct Rule {
    pattern: Regex,
    weight: f64,
    omit: bool,
    nested: bool,
}

fn rules(seal: &plist::Dictionary) -> Vec<Rule> {
    seal["rules2"]
        .as_dictionary()
        .unwrap()
        .iter()
        .map(|(pattern, value)| {
            let flag = |name: &str| {
                let entry = value.as_dictionary().and_then(|entry| entry.get(name));
                entry.and_then(plist::Value::as_boolean) == Some(true)
            };
            let weight = value.as_dictionary().and_then(|entry| entry.get("weight"));
            Rule {
                pattern: Regex::new(pattern).unwrap(),
                weight: weight
                    .and_then(|weight| weight.as_real().or(weight.as_signed_integer().map(|n| n as f64)))
                    .unwrap_or(1.0),
                omit: flag("omit") || value.as_boolean() == Some(false),
                nested: flag("nested"),
            }
        })
        .collect()
}

/// Relative paths, sorted.
type Paths = BTreeSet<String>;

/// What is added, modified and missing, of plain files and links only.
fn resources(support: &Path, executable: &str) -> [Paths; 3] {
    let seal = plist::Value::from_file(support.join("_CodeSignature/CodeResources")).unwrap();
    let seal = seal.into_dictionary().unwrap();
    let rules = rules(&seal);
    let sealed: BTreeMap<String, plist::Dictionary> = seal["files2"]
        .as_dictionary()
        .unwrap()
        .iter()
        .map(|(path, entry)| {
            let entry = match entry {
                plist::Value::Dictionary(entry) => entry.clone(),
                other => plist::Dictionary::from_iter([("hash".to_owned(), other.clone())]),
            };
            (path.clone(), entry)
        })
        .collect();
    let best = |path: &str| {
        let matching = rules.iter().filter(|rule| rule.pattern.is_match(path.as_bytes()));
        // Of equal weights `omit` wins.
        matching.max_by(|one, other| {
            (one.weight, one.omit)
                .partial_cmp(&(other.weight, other.omit))
                .unwrap()
        })
    };
    let (mut added, mut modified) = (Paths::new(), Paths::new());
    let mut met = Paths::new();
    let mut pending = vec![String::new()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(support.join(&folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = if folder.is_empty() {
                name.clone()
            } else {
                format!("{folder}/{name}")
            };
            if ["_CodeSignature", "CodeResources", "_MASReceipt"].contains(&path.as_str())
                || path == executable
            {
                continue;
            }
            let place = support.join(&path);
            let kind = fs::symlink_metadata(&place).unwrap().file_type();
            let rule = best(&path);
            let is_nested = rule.is_some_and(|rule| rule.nested);
            if kind.is_dir() {
                if is_nested && name.contains('.') {
                    met.insert(path);
                } else {
                    pending.push(path);
                }
                continue;
            }
            if rule.is_none_or(|rule| rule.omit) {
                continue;
            }
            met.insert(path.clone());
            let Some(entry) = sealed.get(&path) else {
                added.insert(path);
                continue;
            };
            let is_right = if let Some(target) = entry.get("symlink") {
                kind.is_symlink() && fs::read_link(&place).unwrap().to_str() == target.as_string()
            } else if entry.contains_key("requirement") {
                // Nested code: not a matter of digests.
                true
            } else if kind.is_symlink() {
                false
            } else {
                let bytes = fs::read(&place).unwrap();
                match (entry.get("hash2"), entry.get("hash")) {
                    (Some(hash), _) => hash.as_data() == Some(&sha2::Sha256::digest(&bytes)),
                    (None, Some(hash)) => hash.as_data() == Some(&digest(SHA1, &bytes)),
                    (None, None) => false,
                }
            };
            if !is_right {
                modified.insert(path);
            }
        }
    }
    let missing = sealed
        .iter()
        .filter(|(path, entry)| {
            let is_optional = entry.get("optional").and_then(plist::Value::as_boolean) == Some(true);
            !met.contains(*path) && !is_optional
        })
        .map(|(path, _)| path.clone())
        .collect();
    [added, modified, missing]
}

/// Compares the lists of an item with a `Contents` folder.
fn compare_resources(root: &Path, object: &CodeObject) {
    let support = root.join("Contents");
    let prefix = |path: &String| path.strip_prefix("Contents/").unwrap().to_owned();
    let executable = object.executable.as_ref().map(prefix).unwrap_or_default();
    let theirs = resources(&support, &executable);
    let mut ours = [Paths::new(), Paths::new(), Paths::new()];
    for fault in &object.faults {
        if let FaultKind::Resources {
            added,
            modified,
            missing,
            nested,
        } = &fault.kind
        {
            ours[0].extend(added.iter().map(prefix));
            ours[1].extend(modified.iter().filter(|path| !nested.contains(path)).map(prefix));
            ours[2].extend(missing.iter().map(prefix));
        }
    }
    assert_eq!(ours, theirs, "{}", root.display());
}

/// Compares everything below a folder; gives the numbers of slices and seals.
fn compare_all(folder: &Path, counts: &mut (usize, usize)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        let name = path.file_name().unwrap().to_str().unwrap();
        if kind.is_dir() {
            let seal = path.join("Contents/_CodeSignature/CodeResources");
            let has_rules = fs::read(&seal).is_ok_and(|seal| seal.windows(6).any(|word| word == b"rules2"));
            if name.contains('.') && has_rules {
                let evidence = verify_at(&path, &Options::default()).unwrap();
                compare_resources(&path, &evidence.code[0]);
                counts.1 += 1;
            }
            compare_all(&path, counts);
        } else if kind.is_file() {
            let head = fs::read(&path).unwrap_or_default();
            let is_code = head.len() > 4096
                && matches!(be(&head, 0), 0xcffa_edfe | 0xcefa_edfe | 0xcafe_babe)
                && (be(&head, 0) != 0xcafe_babe || be(&head, 4) < 10);
            if is_code {
                // By a copy, so that the bundle around it does not count.
                let copy = tempfile::tempdir().unwrap();
                let file = copy.path().join("file");
                fs::copy(&path, &file).unwrap();
                let evidence = verify_at(&file, &Options::default()).unwrap();
                counts.0 += compare_pages(&file, &evidence.code[0]);
            }
        }
    }
}

#[test]
fn real_code() {
    let mut counts = (0, 0);
    compare_all(real_app().parent().unwrap(), &mut counts);
    assert!(counts.0 >= 4 && counts.1 >= 2, "{counts:?}");
    if let Some(folder) = corpus::unpacked() {
        compare_all(folder.path(), &mut counts);
        assert!(counts.0 >= 60 && counts.1 >= 8, "{counts:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Pages of every size by every hash, with any bytes changed.
    #[test]
    fn generated_code(
        text in proptest::collection::vec(any::<u8>(), 64..20_000),
        log2 in prop_oneof![Just(0u8), Just(12), Just(14)],
        kinds in proptest::sample::subsequence(vec![SHA1, SHA256, SHA256_TRUNCATED, SHA384], 1..=2),
        changes in proptest::collection::vec((any::<usize>(), 1..=255u8), 0..6),
    ) {
        let signer = Signer { hash_types: kinds, page_log2: log2, ..adhoc("x") };
        let slices = [x86_64(&text), arm64(&text)];
        let (mut file, _) = signer.sign_all(&slices, Bound::default());
        let start = file.windows(text.len()).position(|window| window == text).unwrap();
        for (at, change) in changes {
            file[start + at % text.len()] ^= change;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, &file).unwrap();
        let evidence = verify_at(&path, &Options::default()).unwrap();
        prop_assert!(compare_pages(&path, &evidence.code[0]) > 0);
    }

    /// Files of an app changed, added, removed.
    #[test]
    fn generated_changes(changes in proptest::collection::vec((0..5u8, 0..6usize), 0..6)) {
        let folder = tempfile::tempdir().unwrap();
        let app = acme(folder.path());
        let names = ["config.json", "sub/deep.txt", "de.lproj/Main.strings", "link.json", "new/file", ".DS_Store"];
        for (change, index) in changes {
            let path = app.join("Contents/Resources").join(names[index]);
            match change {
                0 => drop(fs::remove_file(&path)),
                1 if !path.is_symlink() => write(&path, b"other"),
                2 => write(&path.with_extension("more"), b"more"),
                3 if !path.exists() => write(&path, b"new"),
                _ => {}
            }
        }
        let evidence = verify_at(&app, &Options::default()).unwrap();
        compare_resources(&app, &evidence.code[0]);
    }
}
