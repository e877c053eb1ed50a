//! Every fuzz target over its seeds and a fixed number of their mutations, with the stable toolchain.
//!
//! `SEALCHECK_FUZZ=N` sets the number of mutations for each target; `SEALCHECK_SEEDS=DIR` writes the seeds for
//! `cargo fuzz` there. The mutations are the same in every run.

use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::support::archive;
use crate::support::bundle::{acme, info_plist};
use crate::support::cms::{Authority, CmsSigner, Form};
use crate::support::macho::{arm64, i386, powerpc, x86_64};
use crate::support::pki::{self, Key};
use crate::support::plist::{Entries, entries};
use crate::support::signature::{Bound, SHA1, SHA256, SHA384, Signer, adhoc, certified};
use crate::support::ticket::notary;
use crate::support::{notice, real_app};
use crate::targets::{Run, TARGETS};

/// Mutations of each target in an ordinary run.
const MUTATIONS: u64 = 3_000;
/// The slow targets take fewer.
const SLOW: [&str; 4] = ["bundle", "signature", "slice", "work"];
/// No single input may take longer; the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);

/// A generator of numbers that are the same in every run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound.max(1)
    }
}

/// Bytes that parsers stumble over.
const INTERESTING: [u32; 12] = [
    0,
    1,
    7,
    8,
    0x7f,
    0x80,
    0xff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
    0xfade_0c02,
];

fn mutated(seeds: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seeds[numbers.below(seeds.len())].clone();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        let length = numbers.below(64).min(bytes.len() - at.min(bytes.len()));
        match numbers.below(8) {
            0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << numbers.below(8),
            2 if !bytes.is_empty() => bytes[at] = numbers.next() as u8,
            3 => {
                let value = INTERESTING[numbers.below(INTERESTING.len())];
                let value = match numbers.below(2) {
                    0 => value.to_be_bytes(),
                    _ => value.to_le_bytes(),
                };
                for (byte, new) in bytes.iter_mut().skip(at).zip(value) {
                    *byte = new;
                }
            }
            4 => bytes.truncate(at),
            5 => drop(bytes.drain(at..at + length)),
            6 => {
                let copy = bytes[at..at + length].to_vec();
                let to = numbers.below(bytes.len());
                drop(bytes.splice(to..to, copy));
            }
            _ => {
                let other = &seeds[numbers.below(seeds.len())];
                let from = numbers.below(other.len());
                let piece = other[from..(from + length).min(other.len())].to_vec();
                drop(bytes.splice(at..(at + length).min(bytes.len()), piece));
            }
        }
    }
    bytes
}

fn blobs(file: &[u8], magic: u32) -> Vec<Vec<u8>> {
    let starts = file
        .windows(4)
        .enumerate()
        .filter(|(_, window)| *window == magic.to_be_bytes());
    starts
        .filter_map(|(at, _)| {
            let length = u32::from_be_bytes(file.get(at + 4..at + 8)?.try_into().ok()?) as usize;
            Some(file.get(at..at + length)?.to_vec())
        })
        .collect()
}

fn claims() -> Entries {
    entries! {
        "com.apple.security.app-sandbox" => true,
        "keychain-access-groups" => ["ABCDE12345.a", "ABCDE12345.b"],
    }
}

/// Real and built inputs of a target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let root = pki::root().self_signed();
    let leaf = pki::developer_id(Key::P256(3)).issued_by(&pki::developer_id_ca().issued_by(&root));
    let stamps = Authority::new(&pki::timestamp_authority().issued_by(&root));
    let cms = |form| CmsSigner {
        form,
        timestamp: Some(stamps.clone()),
        ..CmsSigner::new(&leaf)
    };
    let built = |form| {
        let signer = Signer {
            hash_types: vec![SHA1, SHA256, SHA384],
            team: Some("ABCDE12345".into()),
            entitlements: Some(claims()),
            ..certified("org.example.tool", cms(form))
        };
        signer
            .sign_all(&[x86_64(b"one"), arm64(b"two")], Bound::default())
            .0
    };
    let files = || {
        vec![
            built(Form::Ber),
            built(Form::Der),
            adhoc("x").sign(&arm64(b"x"), Bound::default()).0,
            i386(b"old").build(None),
            powerpc(b"older").build(None),
        ]
    };
    let in_files = |magic| -> Vec<Vec<u8>> { files().iter().flat_map(|file| blobs(file, magic)).collect() };
    let app = real_app().join("Contents");
    let real = |path: &str| std::fs::read(app.join(path)).unwrap();
    let payloads = || in_files(0xfade_0b01).into_iter().map(|blob| blob[8..].to_vec());
    match target {
        "macho" | "slice" => files(),
        "superblob" => in_files(0xfade_0cc0),
        "code_directory" => in_files(0xfade_0c02),
        "requirement_binary" => in_files(0xfade_0c01)
            .into_iter()
            .chain(TEXTS.iter().filter_map(|text| {
                Some(sealcheck::requirement::Requirement::from_text(text).ok()?.to_blob())
            }))
            .collect(),
        "requirement_text" => TEXTS.iter().map(|text| text.as_bytes().to_vec()).collect(),
        "cms" | "signature" => payloads().filter(|cms| !cms.is_empty()).collect(),
        "certificate_path" => {
            let framed = leaf.chain.iter().flat_map(|der| {
                let length = (der.len() as u16).to_be_bytes();
                length.into_iter().chain(der.iter().copied())
            });
            vec![framed.collect()]
        }
        "plist_xml" => vec![
            real("Info.plist"),
            info_plist("Acme", "com.example.acme", "APPL"),
            b"<plist><dict><key>a</key><array><integer>-1</integer><real>1.5</real><date>2026-01-01T00:00:00Z</date><data>AAEC</data><string>&#x41;&amp;</string></array></dict></plist>".to_vec(),
        ],
        "plist_old_style" => vec![
            b"{ CFBundleExecutable = Acme; Names = (\"a\\n\\U00e9\\341\", 'b', <01 ab>, (), {k;}); /* c */ }".to_vec(),
            b"// strings\n\"key\" = \"value\";\nother;\nlast = (a/b, $c:d);\n".to_vec(),
        ],
        "plist_binary" => {
            let value = plist::Value::from_reader(std::io::Cursor::new(real("Info.plist"))).unwrap();
            let mut bytes = Vec::new();
            value.to_writer_binary(&mut bytes).unwrap();
            vec![bytes]
        }
        "entitlements_der" => vec![
            crate::support::plist::der(&claims()),
            vec![0x70, 5, 2, 1, 1, 0xb0, 0],
        ],
        "code_resources" => {
            let folder = tempfile::tempdir().unwrap();
            let seal = acme(folder.path()).join("Contents/_CodeSignature/CodeResources");
            vec![std::fs::read(seal).unwrap(), real("_CodeSignature/CodeResources")]
        }
        "ticket" => vec![
            real("CodeResources"),
            crate::support::ticket::TicketMaker::new(&notary(), &[vec![7; 20]]).build(),
        ],
        "profile" => vec![
            real("embedded.provisionprofile"),
            real(
                "Library/SystemExtensions/org.mitmproxy.macos-redirector.network-extension.systemextension/Contents/embedded.provisionprofile",
            ),
        ],
        "archive" => vec![
            crate::archives::zip(&[
                crate::archives::member("lib/a.dylib", &built(Form::Der)).deflated(),
                crate::archives::member("a.txt", b"text"),
            ]),
            crate::archives::zip(&[]),
            crate::support::zip::zip(&crate::support::zip::members(
                &crate::support::foundry::app("com.example.acme").built().path,
            )),
        ]
        .into_iter()
        .chain(crate::zip_streams::seeds())
        .collect(),
        "tar" => {
            let plain = archive::tar(&[
                archive::tar_file("a.dylib", &adhoc("x").sign(&arm64(b"x"), Bound::default()).0),
                archive::pax(b'x', &[("path", "long/name"), ("size", "4")]),
                archive::tar_file("name", b"text"),
                archive::tar_file("@LongLink", b"another/long/name").of_kind(b'L'),
                archive::tar_file("name", b"text"),
                archive::pax(b'x', &[("GNU.sparse.name", "holes")]),
                archive::tar_file("name", b"1").of_kind(b'S'),
            ]);
            vec![archive::gzip(&plain), plain]
        }
        "asar" => {
            let link = serde_json::json!({"files": {"a": {"link": "b"}, "c": {"size": 1, "unpacked": true}}});
            vec![
                archive::asar(&[("a/b/c.node", b"code"), ("a/package.json", b"{}")]),
                archive::asar_of(&link, b""),
            ]
        }
        "bundle" => (0..64u8)
            .map(|number| vec![number, number / 7, 0, number, 16, 4, 0xff, 0])
            .collect(),
        "work" => (0..14u8).map(|what| vec![what, 3, 17, 40, what, 1, 90, 7]).collect(),
        other => panic!("no seeds for {other}"),
    }
}

const TEXTS: [&str; 6] = [
    "identifier \"com.example.acme\" and anchor apple generic and certificate 1[field.1.2.840.113635.100.6.2.6] exists",
    "anchor apple or (cdhash H\"0123456789012345678901234567890123456789\" and ! notarized)",
    "info[CFBundleShortVersionString] >= \"1.2\" or entitlement[\"a.b\"] exists /* comment */",
    "certificate leaf[timestamp.1.2.840.113635.100.6.1.33] < timestamp \"20190408000000Z\"",
    "designated => anchor apple host => always library => never",
    "certificate root = H\"0123456789012345678901234567890123456789\" and platform = 7 and legacy",
];

/// Gives the time that the slowest input took.
fn run(name: &str, target: Run, seeds: &[Vec<u8>], mutations: u64) -> Duration {
    let once = |bytes: &[u8]| {
        let start = Instant::now();
        target(bytes);
        let took = start.elapsed();
        assert!(took < PATIENCE, "{name}: {took:?} for {} bytes", bytes.len());
        took
    };
    let first = seeds.iter().map(|seed| once(seed)).max().unwrap_or_default();
    // The bundle lies on disk, where only one may change it.
    let streams = if name == "bundle" { 1 } else { 16 };
    let slowest = (0..streams).into_par_iter().map(|stream| {
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ (stream + 1));
        let mutations = (0..mutations / streams).map(|_| once(&mutated(seeds, &mut numbers)));
        mutations.max().unwrap_or_default()
    });
    slowest.max().unwrap_or_default().max(first)
}

#[test]
fn no_mutation_of_any_input_panics_or_hangs() {
    let asked = std::env::var("SEALCHECK_FUZZ")
        .ok()
        .and_then(|text| text.parse().ok());
    let mut total = 0;
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        if let Some(folder) = std::env::var_os("SEALCHECK_SEEDS") {
            let folder = std::path::Path::new(&folder).join(name);
            std::fs::create_dir_all(&folder).unwrap();
            for (number, seed) in seeds.iter().enumerate() {
                std::fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
            }
        }
        let usual = if SLOW.contains(&name) {
            MUTATIONS / 10
        } else {
            MUTATIONS
        };
        let mutations = match asked {
            Some(number) if SLOW.contains(&name) => number / 10,
            Some(number) => number,
            None => usual,
        };
        let slowest = run(name, target, &seeds, mutations);
        if asked.is_some() {
            notice(&format!(
                "{name}: {mutations} mutations, at most {slowest:.1?} for one"
            ));
        }
        total += mutations;
    }
    crate::targets::tidy();
    if asked.is_some() {
        notice(&format!("{total} mutations of {} targets", TARGETS.len()));
    }
}

/// Small input, much work: programs that make apps are changed for more steps to each byte, as long as that goes on. Whatever comes
/// of it, what is charged stays within the budget, and what is over it is not judged ([`crate::work::worked`]). The search finds what
/// multiplies work, and never more than the budget lets through. `SEALCHECK_WORK=N` tries so many.
#[test]
fn a_search_for_much_work_from_small_input_ends_at_the_budget() {
    use crate::work::{INSTRUCTION, RETAINED, STEPS, Worked, worked};
    let asked = std::env::var("SEALCHECK_WORK").ok();
    let count: u64 = asked.as_deref().and_then(|text| text.parse().ok()).unwrap_or(300);
    let per_byte = |found: &Worked| found.cost.steps / found.bytes;
    let mut numbers = Numbers(0xb0_07);
    let mut pool: Vec<(Vec<u8>, Worked)> = seeds("work")
        .into_iter()
        .map(|program| (program.clone(), worked(&program)))
        .collect();
    let first = pool.iter().map(|(_, found)| per_byte(found)).max().unwrap();
    let (mut over, mut slowest) = (0, 0.0_f64);
    for _ in 0..count {
        let parent = &pool[numbers.below(pool.len())].0;
        let mut program = parent.clone();
        match numbers.below(3) {
            // Another instruction behind it, one less, or another number in one.
            0 if program.len() < 16 * INSTRUCTION => program.extend(numbers.next().to_be_bytes()),
            1 if program.len() > INSTRUCTION => program.truncate(program.len() - INSTRUCTION),
            _ => {
                let at = numbers.below(program.len());
                program[at] = numbers.next() as u8;
            }
        }
        let start = Instant::now();
        let found = worked(&program);
        let took = start.elapsed();
        assert!(took < PATIENCE, "{took:?} for {program:?}");
        over += u64::from(found.is_over);
        slowest = slowest.max(took.as_secs_f64() / found.cost.steps as f64);
        pool.push((program, found));
        pool.sort_by_key(|(program, found)| (std::cmp::Reverse(per_byte(found)), program.len()));
        pool.dedup_by(|one, other| one.0 == other.0);
        pool.truncate(24);
    }
    let (program, best) = &pool[0];
    assert!(per_byte(best) >= first, "{best:?}");
    assert!(best.cost.steps <= STEPS + 4 * best.bytes && best.cost.retained <= RETAINED + best.bytes);
    if asked.is_some() {
        notice(&format!(
            "{} steps for each byte, at most {:.0} ns for a step, {over} of {count} over the budget: {program:?}",
            per_byte(best),
            slowest * 1e9
        ));
    }
}

/// Real programs, changed at random: a verdict or a reason, of the statuses that Apple documents, whatever the number of
/// jobs. `SEALCHECK_REAL=10000` makes so many changes.
#[test]
fn mutations_of_real_programs_have_a_documented_status() {
    let asked = std::env::var("SEALCHECK_REAL").ok();
    let count: u64 = asked.as_deref().and_then(|text| text.parse().ok()).unwrap_or(150);
    let original = std::fs::read(real_app().join("Contents/MacOS/Mitmproxy Redirector")).unwrap();
    let pools = [1, 8].map(|jobs| rayon::ThreadPoolBuilder::new().num_threads(jobs).build().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program");
    let options = sealcheck::verify::Options {
        at: crate::targets::NOW,
        ..Default::default()
    };
    let mut numbers = Numbers(0x5eed);
    let mut statuses = std::collections::BTreeMap::new();
    for _ in 0..count {
        let mut bytes = original.clone();
        for _ in 0..=numbers.below(3) {
            // Headers and signatures matter more than the code between them.
            let at = match numbers.below(4) {
                0 => numbers.below(8192),
                1 | 2 => bytes.len() - 1 - numbers.below(60_000),
                _ => numbers.below(bytes.len()),
            };
            match numbers.below(12) {
                0 => bytes.truncate(at.max(1)),
                1 => drop(bytes.splice(at..at, [0; 7])),
                _ => bytes[at] ^= 1 << numbers.below(8),
            }
            if bytes.len() < 70_000 {
                break;
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        let verdicts = pools.each_ref().map(|pool| {
            let evidence = pool
                .install(|| crate::support::examined::examine(&path, &options))
                .unwrap();
            let findings =
                crate::support::examined::advise(&evidence, None, &sealcheck::rule::Expectations::default())
                    .findings;
            (evidence.evidence.codesign, findings)
        });
        assert_eq!(verdicts[0], verdicts[1], "1 and 8 jobs");
        let verdict = &verdicts[0].0;
        let name = match (verdict.valid(), verdict.status()) {
            (Some(false), Some(status)) => status.name(),
            (Some(true), None) => "valid",
            (None, None) => "not judged",
            other => panic!("{other:?}"),
        };
        assert_ne!(name, "unknown status", "{:?}", verdict.status());
        *statuses.entry(name).or_insert(0_u64) += 1;
    }
    if asked.is_some() {
        notice(&format!("{count} changes of a real program: {statuses:?}"));
    }
}
