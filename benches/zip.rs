//! Archives in ZIP form: one executable of 230 MB, against the same file on disk, and an app with 10,000 small files.
//!
//! `cargo bench --bench zip -- --write FOLDER` writes the archives (`large.zip`, `small.zip`) instead, for whoever measures processes.
#![allow(
    missing_docs,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::string_slice,
    unreachable_pub,
    dead_code
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::Criterion;
use sealcheck::verify::{Options, verify_at};

use support::bundle::{info_plist, sign, slices, write, write_executable};
use support::macho::{EXECUTE, arm64};
use support::signature::{Bound, adhoc};
use support::zip::{Member, members, zip};

/// Bytes of the large executable.
const LARGE: usize = 230_000_000;
/// Files of the app with many.
const FILES: usize = 10_000;

/// Numbers that are the same in every run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound
    }
}

/// Something that a compressor makes of what it makes of machine code, a third: sequences of words that occur again, some more often than
/// others, and words between them that do not.
fn code(length: usize) -> Vec<u8> {
    const SEQUENCES: usize = 1000;
    let mut numbers = Numbers(0x5eed);
    let sequences: Vec<Vec<u8>> = (0..SEQUENCES)
        .map(|_| {
            let words = 1 + numbers.below(6);
            (0..words).flat_map(|_| numbers.next().to_le_bytes()).collect()
        })
        .collect();
    let mut code = Vec::with_capacity(length + 32);
    while code.len() < length {
        if numbers.below(16) < 2 {
            code.extend((numbers.next() & 0xffff_00ff).to_le_bytes());
        } else {
            let at = numbers.below(SEQUENCES) * numbers.below(SEQUENCES) / SEQUENCES;
            code.extend(&sequences[at]);
        }
    }
    code.truncate(length);
    code
}

/// An executable by itself, and the archive that holds it.
fn large(folder: &Path) -> [PathBuf; 2] {
    let (signed, _) = adhoc("com.example.large").sign(&arm64(&code(LARGE)), Bound::default());
    let flat = folder.join("large");
    write_executable(&flat, &signed);
    let mut member = Member::file("large", &signed);
    member.packed = Some(miniz_oxide::deflate::compress_to_vec(&signed, 6));
    (member.is_deflated, member.mode) = (true, 0o100_755);
    let archive = folder.join("large.zip");
    fs::write(&archive, zip(&[member])).unwrap();
    [flat, archive]
}

/// An app with many small files, and the archive that holds it.
fn small(folder: &Path) -> [PathBuf; 2] {
    let app = folder.join("Small.app");
    let contents = app.join("Contents");
    write(
        &contents.join("Info.plist"),
        &info_plist("Small", "com.example.small", "APPL"),
    );
    let text = code(1 << 20);
    for index in 0..FILES {
        let start = index * 97 % (text.len() - 8192);
        let path = contents.join(format!("Resources/{}/{index}.dat", index % 50));
        write(&path, &text[start..start + 200 + index * 31 % 7000]);
    }
    let signer = adhoc("com.example.small");
    let slices = slices("small", EXECUTE);
    sign(&contents, "MacOS/Small", &slices, &signer, &BTreeMap::new());
    let archive = folder.join("small.zip");
    fs::write(&archive, zip(&members(&app))).unwrap();
    [app, archive.join("Small.app")]
}

/// Verifies with one and with two threads.
fn judge(criterion: &mut Criterion, name: &str, paths: &[PathBuf; 2]) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for (kind, path) in ["on-disk", "in-zip"].into_iter().zip(paths) {
        let path = match kind == "in-zip" && name == "large" {
            true => path.join("large"),
            false => path.clone(),
        };
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            group.bench_function(format!("{kind}-{threads}-jobs"), |bencher| {
                bencher.iter(|| {
                    let evidence = pool.install(|| verify_at(&path, &Options::default())).unwrap();
                    assert_eq!(evidence.codesign.status(), None);
                });
            });
        }
    }
    group.finish();
}

fn main() {
    // `cargo bench -- --bundle PATH` is for the other benchmark.
    if std::env::args().any(|argument| argument == "--bundle") {
        return;
    }
    let mut arguments = std::env::args().skip_while(|argument| argument != "--write");
    if let Some(folder) = arguments.nth(1) {
        let folder = Path::new(&folder);
        fs::create_dir_all(folder).unwrap();
        drop((large(folder), small(folder)));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut criterion = Criterion::default().configure_from_args();
    judge(&mut criterion, "large", &large(folder.path()));
    judge(&mut criterion, "small", &small(folder.path()));
    criterion.final_summary();
}
