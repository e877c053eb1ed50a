//! Page hashing, whole bundles, and parsing. Numbers mean something only as ratios inside of one run; the first
//! group contains plain `sha2` over the same pages for that reason.
//!
//! `cargo bench -- --bundle PATH` measures what is at this path instead: a bundle, a program, a folder of them or an archive.
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
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group};
use sealcheck::Checker;
use sealcheck::hash::{HashType, Kernel, KernelName, PageGeometry, mismatched_pages};
use sealcheck::subject::Origin;
use sealcheck::verify::{Options, verify, verify_at};
use sha2::Digest as _;

use support::bundle::{info_plist, sign, slices, write, write_executable};
use support::macho::{DYLIB, EXECUTE, Thin, arm64};
use support::signature::{Bound, adhoc};

const MIB: usize = 1 << 20;

/// 256 MiB in pages of 4 KiB: our page loop with each kernel, one and two threads, and plain sha2 in a loop.
fn pages(criterion: &mut Criterion) {
    let code: Vec<u8> = (0..256 * MIB as u32)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let slots: Vec<u8> = code
        .chunks(4096)
        .flat_map(|page| sha2::Sha256::digest(page).to_vec())
        .collect();
    let geometry = PageGeometry {
        limit: code.len() as u64,
        page_size: Some(4096),
        count: code.len() as u64 / 4096,
    };
    let mut group = criterion.benchmark_group("pages-256MiB");
    group
        .throughput(Throughput::Bytes(code.len() as u64))
        .sample_size(10);
    group.bench_function("plain-sha2", |bencher| {
        bencher.iter(|| {
            let bad = code
                .chunks(4096)
                .zip(slots.chunks(32))
                .filter(|(page, slot)| sha2::Sha256::digest(page).as_slice() != *slot)
                .count();
            assert_eq!(black_box(bad), 0);
        });
    });
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let two = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let kernels = [KernelName::Portable, KernelName::ShaNi, KernelName::Avx512];
    for kernel in kernels.into_iter().filter_map(Kernel::new) {
        for (jobs, pool) in [(1, &one), (2, &two)] {
            group.bench_function(format!("{:?}-{jobs}-jobs", kernel.name()), |bencher| {
                bencher.iter(|| {
                    let tables = [(HashType::Sha256, &slots[..])];
                    let bad = pool
                        .install(|| mismatched_pages(kernel, &code, geometry, &tables, &|_, work| work()));
                    assert!(black_box(bad).is_empty());
                });
            });
        }
    }
    group.finish();
}

/// An app with resource files of 1 to 16 KiB, or of `size` bytes, and sealed libraries of 64 KiB.
fn large_app(folder: &Path, resources: u32, size: Option<usize>, libraries: u32) -> PathBuf {
    let root = folder.join("Large.app");
    let contents = root.join("Contents");
    write(
        &contents.join("Info.plist"),
        &info_plist("Large", "com.example.large", "APPL"),
    );
    for index in 0..resources {
        let size = size.unwrap_or(1024 + index as usize * 31 % 15_000);
        let path = contents.join(format!("Resources/{}/{index}.dat", index % 50));
        write(&path, &vec![index as u8; size]);
    }
    let mut nested = BTreeMap::new();
    for index in 0..libraries {
        let library = Thin {
            file_type: DYLIB,
            ..arm64(&vec![index as u8; 64 << 10])
        };
        let name = format!("Frameworks/lib{index}.dylib");
        let (bytes, cdhash) = adhoc(&name).sign_all(&[library], Bound::default());
        write_executable(&contents.join(&name), &bytes);
        nested.insert(name, cdhash);
    }
    sign(
        &contents,
        "MacOS/Large",
        &slices("large", EXECUTE),
        &adhoc("com.example.large"),
        &nested,
    );
    root
}

/// One program with this much code, signed ad hoc.
fn program(folder: &Path, bytes: usize) -> PathBuf {
    let code: Vec<u8> = (0..bytes as u32)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let (signed, _) = adhoc("com.example.program").sign(&arm64(&code), Bound::default());
    let path = folder.join("program");
    write_executable(&path, &signed);
    path
}

/// Threads of their own.
fn pool(threads: usize) -> rayon::ThreadPool {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.stack_size(16 << 20).build().unwrap()
}

/// What the user names: reading and hashing alone, the codesign verdict with one thread and with all, and everything with all. Whether
/// it is good does not matter.
fn own(path: &Path) {
    let bytes = size(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let mut criterion = Criterion::default();
    // Runs over the same bundle are compared with each other.
    let name = path.file_name().unwrap_or(path.as_os_str());
    let mut group = criterion.benchmark_group(name.to_string_lossy());
    group
        .throughput(Throughput::Bytes(bytes))
        .sample_size(10)
        .measurement_time(Duration::from_secs(10));
    group.bench_function("read-and-hash-only", |bencher| {
        bencher.iter(|| black_box(read_and_hash(path)));
    });
    let mut jobs = vec![1, all];
    jobs.dedup();
    for threads in jobs {
        let pool = pool(threads);
        group.bench_function(format!("verify-{threads}-jobs"), |bencher| {
            bencher.iter(|| {
                // The archives that were opened are no part of the next round.
                let (origin, options) = (Origin::default(), Options::default());
                pool.install(|| {
                    let found = origin.items(path, &options.search()).unwrap().items;
                    let verdicts = found.iter().map(|item| verify(item, &options).is_ok());
                    black_box(verdicts.filter(|is_read| *is_read).count())
                })
            });
        });
    }
    group.bench_function(format!("check-{all}-jobs"), |bencher| {
        bencher.iter(|| {
            let checker = Checker::new(SystemTime::now()).unwrap();
            black_box(checker.check_all(path).unwrap().filter(Result::is_ok).count())
        });
    });
    group.finish();
}

/// Bytes of a file, or of all files in a folder.
fn size(path: &Path) -> std::io::Result<u64> {
    let found = fs::symlink_metadata(path)?;
    if !found.is_dir() {
        return Ok(if found.is_file() { found.len() } else { 0 });
    }
    fs::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
}

/// Verifies with one and with two threads.
fn judge(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, path: &Path, kernel: Kernel) {
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let options = Options {
            kernel,
            ..Options::default()
        };
        group.bench_function(format!("{name}-{threads}-jobs"), |bencher| {
            bencher.iter(|| {
                let evidence = pool.install(|| verify_at(path, &options)).unwrap();
                assert_eq!(evidence.codesign.status(), None);
            });
        });
    }
}

/// A program of 1 GiB with each kernel, and plain `sha2` over the same pages in memory.
fn large_program(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let path = program(folder.path(), 1024 * MIB);
    let mut group = criterion.benchmark_group("program-1GiB");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    let code = fs::read(&path).unwrap();
    group.bench_function("plain-sha2", |bencher| {
        bencher.iter(|| {
            let digests = code.chunks(4096).map(sha2::Sha256::digest);
            black_box(digests.map(|digest| u64::from(digest[0])).sum::<u64>())
        });
    });
    drop(code);
    let kernels = [KernelName::Portable, KernelName::ShaNi, KernelName::Avx512];
    for kernel in kernels.into_iter().filter_map(Kernel::new) {
        judge(&mut group, &format!("{:?}", kernel.name()), &path, kernel);
    }
    group.finish();
}

/// A program that is judged before a second thread could start.
fn small_program(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let path = program(folder.path(), 100_000);
    let mut group = criterion.benchmark_group("program-100kB");
    judge(&mut group, "sealcheck", &path, Kernel::default());
    group.finish();
}

fn bundles(criterion: &mut Criterion) {
    for (name, resources, libraries) in [
        ("bundle-20000-files", 20_000, 0),
        ("bundle-300-machos", 0, 300),
        ("bundle-5000-files-200-machos", 5000, 200),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let app = large_app(folder.path(), resources, None, libraries);
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).measurement_time(Duration::from_secs(10));
        // Every file read and hashed once, by nobody who knows anything about signatures.
        group.bench_function("read-and-hash-only", |bencher| {
            bencher.iter(|| black_box(read_and_hash(&app)));
        });
        judge(&mut group, "sealcheck", &app, Kernel::default());
        group.finish();
    }
}

/// Time against bytes and against files; `docs/scaling.py` draws it.
fn scaling(criterion: &mut Criterion) {
    for mebibytes in [16, 64, 256, 1024] {
        let folder = tempfile::tempdir().unwrap();
        let path = program(folder.path(), mebibytes * MIB);
        let mut group = criterion.benchmark_group("scaling-bytes");
        group.sample_size(10);
        judge(&mut group, &mebibytes.to_string(), &path, Kernel::default());
        group.finish();
    }
    for files in [1000, 10_000, 100_000] {
        let folder = tempfile::tempdir().unwrap();
        let app = large_app(folder.path(), files, Some(1024), 0);
        let mut group = criterion.benchmark_group("scaling-files");
        group.sample_size(10);
        judge(&mut group, &files.to_string(), &app, Kernel::default());
        group.finish();
    }
}

/// Reads and hashes a file, or every file in a folder. Links are not followed.
fn read_and_hash(path: &Path) -> u64 {
    let found = fs::symlink_metadata(path).unwrap();
    if found.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        let sums = entries.map(|entry| read_and_hash(&entry.unwrap().path()));
        return sums.fold(0, u64::wrapping_add);
    }
    if !found.is_file() {
        return 0;
    }
    u64::from(sha2::Sha256::digest(fs::read(path).unwrap())[0])
}

fn parsing(criterion: &mut Criterion) {
    let (macho, _) = adhoc("com.example.tool").sign(&arm64(&[7; 100_000]), Bound::default());
    criterion.bench_function("parse/macho-and-signature", |bencher| {
        bencher.iter(|| {
            let file = sealcheck::macho::MachO::parse(black_box(&macho)).unwrap();
            let space = file.slices[0].signature_space().unwrap();
            let magic = sealcheck::blob::magic::EMBEDDED_SIGNATURE;
            let superblob = sealcheck::blob::SuperBlob::parse(space, magic).unwrap();
            let data = superblob.find(sealcheck::blob::Slot::CODE_DIRECTORY).unwrap();
            sealcheck::codedir::CodeDirectory::parse(data).unwrap().code_slots
        });
    });
    let entry = |index| {
        format!(
            "<key>Resources/{index}.dat</key><dict><key>hash2</key><data>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</data></dict>\n"
        )
    };
    let files: String = (0..100_000).map(entry).collect();
    let seal = format!(
        "<plist version=\"1.0\"><dict><key>files</key><dict/><key>rules</key><dict/>\n\
         <key>files2</key><dict>{files}</dict><key>rules2</key><dict><key>^.*</key><true/></dict></dict></plist>"
    );
    let mut group = criterion.benchmark_group("parse/code-resources-100000");
    group
        .throughput(Throughput::Bytes(seal.len() as u64))
        .sample_size(20);
    group.bench_function("sealcheck", |bencher| {
        bencher.iter(|| {
            sealcheck::bundle::Seal::parse(black_box(seal.as_bytes()), &sealcheck::limits::Limits::default())
                .unwrap()
                .entries
                .len()
        });
    });
    group.bench_function("plist-crate", |bencher| {
        bencher.iter(|| plist::Value::from_reader(std::io::Cursor::new(black_box(seal.as_bytes()))).unwrap());
    });
    group.finish();
}

criterion_group!(
    benches,
    pages,
    large_program,
    small_program,
    bundles,
    parsing,
    scaling
);

fn main() {
    let mut arguments = std::env::args_os().skip_while(|argument| argument != "--bundle");
    if arguments.next().is_some() {
        let path = arguments.next().expect("usage: cargo bench -- --bundle PATH");
        return own(Path::new(&path));
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
