//! Every way to compute digests gives the same digests, and every verdict is the same for all of them and for any
//! number of threads.

use std::path::Path;

use proptest::prelude::*;
use sealcheck::hash::{HashType, Kernel, KernelName};
use sha2::Digest as _;

use crate::support::bundle::acme;
use crate::support::program::program;
use crate::support::{flip, notice, real_app};

/// The kernels that this processor can run.
fn kernels() -> Vec<Kernel> {
    let names = [KernelName::Portable, KernelName::ShaNi, KernelName::Avx512];
    let found: Vec<_> = names.into_iter().filter_map(Kernel::new).collect();
    if found.len() < names.len() {
        notice(&format!(
            "this processor runs only {found:?}; the other kernels are not tested"
        ));
    }
    found
}

/// The digest by the crates alone.
fn reference(hash_type: HashType, message: &[u8]) -> Vec<u8> {
    match hash_type {
        HashType::Sha1 => sha1::Sha1::digest(message).to_vec(),
        HashType::Sha256 => sha2::Sha256::digest(message).to_vec(),
        HashType::Sha256Truncated => sha2::Sha256::digest(message)[..20].to_vec(),
        HashType::Sha384 => sha2::Sha384::digest(message).to_vec(),
        other => panic!("no reference for {other:?}"),
    }
}

fn compare(messages: &[&[u8]]) {
    use HashType::{Sha1, Sha256, Sha256Truncated, Sha384};
    for hash_type in [Sha1, Sha256Truncated, Sha256, Sha384] {
        let expected: Vec<_> = messages
            .iter()
            .map(|message| reference(hash_type, message))
            .collect();
        for kernel in kernels() {
            let found = kernel.digests(hash_type, messages);
            assert_eq!(found.len(), expected.len());
            for (lane, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_eq!(
                    found.as_bytes(),
                    &expected[..],
                    "{hash_type} of message {lane} of {} with {} bytes, {kernel:?}",
                    messages.len(),
                    messages[lane].len()
                );
            }
        }
    }
}

/// Bytes without a pattern that a lane could share with its neighbour.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

#[test]
fn every_length_up_to_three_blocks_in_every_lane() {
    let bytes = noise(1000);
    let lengths: Vec<usize> = (0..=200).collect();
    // Each rotation puts every length into another lane.
    for turn in 0..16 {
        let mut messages: Vec<&[u8]> = lengths.iter().map(|length| &bytes[*length..2 * length]).collect();
        messages.rotate_left(turn);
        compare(&messages);
    }
}

#[test]
fn every_number_of_equal_pages_with_a_short_last_one() {
    let bytes = noise(40 * 4096);
    for count in 0..=36 {
        for last in [0, 1, 55, 56, 63, 64, 4095] {
            compare(&bytes[..count * 4096 + last].chunks(4096).collect::<Vec<_>>());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn unequal_messages(ranges in prop::collection::vec((0usize..60_000, 0usize..20_000), 0..70)) {
        let bytes = noise(80_000);
        let messages: Vec<&[u8]> = ranges.iter().map(|(start, length)| &bytes[*start..start + length]).collect();
        compare(&messages);
    }
}

#[test]
fn a_kernel_has_the_name_that_it_was_asked_by() {
    for kernel in kernels() {
        assert_eq!(Kernel::new(kernel.name()), Some(kernel));
        assert!(kernel.width() >= 1);
    }
    assert_eq!(Kernel::new(KernelName::Auto), Some(Kernel::default()));
    assert_ne!(Kernel::default().name(), KernelName::Auto);
}

/// Exit status and report of one run.
fn report(path: &Path, kernel: &str, jobs: &str) -> (Option<i32>, String) {
    let output = program()
        .args(["--format", "json", "--hash-kernel", kernel, "--jobs", jobs])
        .args(["--at", "2026-11-24"])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.len() > 100, "{}", String::from_utf8_lossy(&output.stderr));
    // Only the time that it took may differ.
    let lines = text.lines().filter(|line| !line.contains("\"seconds\""));
    (output.status.code(), lines.collect::<Vec<_>>().join("\n"))
}

fn word(kernel: Kernel) -> &'static str {
    match kernel.name() {
        KernelName::Portable => "portable",
        KernelName::ShaNi => "sha-ni",
        KernelName::Avx512 => "avx512",
        KernelName::Auto => unreachable!(),
    }
}

fn same_for_all(path: &Path, jobs: &[&str]) {
    let expected = report(path, "portable", "1");
    for kernel in kernels().into_iter().map(word) {
        for jobs in jobs {
            let found = report(path, kernel, jobs);
            assert_eq!(found, expected, "{}: {kernel}, {jobs} jobs", path.display());
        }
    }
}

#[test]
fn reports_are_the_same_for_every_kernel_and_number_of_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    same_for_all(&app, &["1", "2", "7"]);
    same_for_all(&real_app(), &["1", "2", "7"]);
    flip(&app.join("Contents/MacOS/Acme"), 20_000);
    flip(&app.join("Contents/Resources/sub/deep.txt"), 0);
    flip(&app.join("Contents/Frameworks/libextra.dylib"), 300);
    std::fs::write(app.join("Contents/Resources/new.txt"), b"x").unwrap();
    let broken = report(&app, "auto", "2");
    assert_eq!(broken.0, Some(1));
    same_for_all(&app, &["1", "2", "7"]);
}

#[test]
fn reports_of_the_corpus_are_the_same_for_every_kernel_and_number_of_jobs() {
    let Some(folder) = crate::corpus::unpacked() else {
        return;
    };
    for item in crate::corpus::items() {
        same_for_all(&folder.path().join(item), &["2"]);
    }
}
