//! Small input, much work: a program of a few bytes makes an app in an archive, out of what work was once multiplied by.
//!
//! The cost of the app is the steps and the retained bytes that sealcheck charges. A search for the most steps for each byte is
//! in `tests/fuzzing.rs`; with coverage, `cargo fuzz run work` looks for panics on the same way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use sealcheck::budget::Cost;
use sealcheck::container::{ZipArchive, ZipTree};
use sealcheck::limits::Limits;
use sealcheck::rule::{Expectations, advise};
use sealcheck::source::Bytes;
use sealcheck::survey::examine_tree;
use sealcheck::verify::Options;

use crate::support::bundle::{RULES, base64, info_plist};
use crate::support::macho::{EXECUTE, Thin, arm64};
use crate::support::signature::{Bound, SHA256, adhoc, digest};

/// Bytes of one instruction: what, how many, and two numbers.
pub const INSTRUCTION: usize = 4;
/// Instructions of one program; the rest of its bytes is not read.
const MOST: usize = 24;
/// Steps and retained bytes that an app of no bytes may cost here: little, so that budgets are spent often.
pub const STEPS: u64 = 2_000_000;
/// See [`STEPS`].
pub const RETAINED: u64 = 4 << 20;

const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_755;

/// What an app cost.
#[derive(Debug, Clone, Copy)]
pub struct Worked {
    /// What was charged.
    pub cost: Cost,
    /// Bytes of the archive.
    pub bytes: u64,
    /// Whether the app was not judged, since a budget was spent.
    pub is_over: bool,
}

/// The app that a program makes.
#[derive(Default)]
struct App {
    /// Path in `Contents`, with mode and contents.
    members: BTreeMap<Vec<u8>, (u32, Vec<u8>)>,
    /// Entries of the seal, beside those of the members.
    sealed: String,
    rules: String,
}

impl App {
    fn put(&mut self, path: impl Into<Vec<u8>>, mode: u32, contents: &[u8]) {
        self.members
            .entry(path.into())
            .or_insert_with(|| (mode, contents.to_vec()));
    }

    fn run(&mut self, instruction: &[u8]) {
        let [what, count, one, other] = *instruction else {
            return;
        };
        let (n, m) = (usize::from(one), usize::from(other));
        for number in 0..=usize::from(count % 16) {
            match what % 14 {
                0 => self.put(format!("Resources/{n}/{number}"), FILE, b"x"),
                1 => {
                    let text = "D/../".repeat(m * 3) + &format!("L{}", number + 1);
                    self.put(format!("Resources/L{number}"), LINK, text.as_bytes());
                    self.put("Resources/D/x", FILE, b"");
                }
                2 => self.put(
                    format!("Resources/to{n}-{number}"),
                    LINK,
                    format!("L{}", m % 16).as_bytes(),
                ),
                3 => {
                    let folder = format!("{}{number}/", "d".repeat(1 + m % 200));
                    self.put(format!("Resources/{}f", folder.repeat(1 + n % 64)), FILE, b"");
                }
                4 => {
                    self.put(format!("Resources/{n}-{number}.pkg/Contents/x"), FILE, b"");
                    self.put([b"Resources/\xff", &[one, other][..]].concat(), FILE, b"");
                }
                5 => self.put(format!("Resources/\u{e9}{n}-{number}"), FILE, b""),
                6 => {
                    let value = "<array>".repeat(n % 200) + &"</array>".repeat(n % 200);
                    let list = format!("<plist><dict><key>Label</key>{value}</dict></plist>");
                    let path = format!("Library/LaunchAgents/{m}-{number}.plist");
                    self.put(path, FILE, list.as_bytes());
                }
                7 => {
                    let path = format!("Library/LaunchDaemons/{m}-{number}.plist");
                    self.put(path, FILE, &shared(n % 24));
                }
                8 => {
                    let path = format!("Frameworks/{n}-{number}.framework/Versions/A/x");
                    self.put(path, FILE, b"");
                    self.sealed += &format!(
                        "<key>Frameworks/{n}-{number}.framework</key><dict><key>requirement</key><string>always</string></dict>"
                    );
                }
                9 => {
                    let pattern = format!("([ab/]*a[ab/]{{{}}}c|x){number}", n * 4);
                    self.rules += &format!("<key>{pattern}</key><true/>");
                    let path = format!("Resources/{}", "ab/".repeat(1 + m % 100));
                    self.put(format!("{path}{number}"), FILE, b"");
                }
                10 => {
                    self.sealed +=
                        &format!("<key>{n}-{m}-{number}</key><dict><key>hash2</key><data>AA==</data></dict>");
                }
                11 => {
                    for name in [
                        "._a",
                        "a.py",
                        "a.o",
                        ".env",
                        "a.provisionprofile",
                        "a.sqlite-wal",
                        "a.sqlite",
                    ] {
                        self.put(format!("Resources/{n}/{number}{name}"), FILE, b"");
                    }
                }
                12 => self.put(format!("MacOS/{m}-{number}"), FILE, &arm64(&[one]).build(None)),
                _ => {
                    let base = format!("Resources/{n}-{number}.app/Contents");
                    let info = match m % 2 {
                        0 => shared(m % 24),
                        _ => info_plist("x", "x", "APPL"),
                    };
                    self.put(format!("{base}/Info.plist"), FILE, &info);
                    self.put(format!("{base}/MacOS/x"), FILE, &arm64(&[one]).build(None));
                }
            }
        }
    }

    /// The archive with the sealed app.
    fn archive(mut self) -> Vec<u8> {
        let mut entries = String::new();
        for (path, (mode, contents)) in &self.members {
            let Ok(path) = std::str::from_utf8(path) else {
                continue;
            };
            if *mode == LINK {
                let target = String::from_utf8_lossy(contents);
                entries +=
                    &format!("<key>{path}</key><dict><key>symlink</key><string>{target}</string></dict>");
            } else {
                let digest = base64(&digest(SHA256, contents));
                entries += &format!("<key>{path}</key><dict><key>hash2</key><data>{digest}</data></dict>");
            }
        }
        let rules = RULES.replacen(
            "<key>rules2</key><dict>",
            &format!("<key>rules2</key><dict>{}", self.rules),
            1,
        );
        let seal = format!(
            "<plist><dict><key>files</key><dict/><key>files2</key><dict>{entries}{}</dict>{rules}</dict></plist>",
            self.sealed
        );
        let info = info_plist("x", "com.example.x", "APPL");
        let bound = Bound {
            info: Some(&info),
            resources: Some(seal.as_bytes()),
        };
        let thin = Thin {
            file_type: EXECUTE,
            ..arm64(b"code")
        };
        let (executable, _) = adhoc("com.example.x").sign(&thin, bound);
        self.put("Info.plist", FILE, &info);
        self.put("_CodeSignature/CodeResources", FILE, seal.as_bytes());
        self.put("MacOS/x", 0o100_755, &executable);
        zip(&self.members)
    }
}

/// A property list of `levels` levels, each of which has the next one twice.
pub fn shared(levels: usize) -> Vec<u8> {
    let mut file = b"bplist00".to_vec();
    let mut offsets = Vec::new();
    let mut object = |file: &mut Vec<u8>, bytes: &[u8]| {
        offsets.push(file.len() as u8);
        file.extend(bytes);
    };
    // {"a": [[…], […]]}
    object(&mut file, &[0xd1, 1, 2]);
    object(&mut file, b"\x51a");
    for level in 0..levels as u8 {
        object(&mut file, &[0xa2, level + 3, level + 3]);
    }
    object(&mut file, b"\x51b");
    let table = file.len() as u8;
    file.extend(&offsets);
    file.extend([0, 0, 0, 0, 0, 0, 1, 1]);
    for number in [offsets.len() as u64, 0, u64::from(table)] {
        file.extend(number.to_be_bytes());
    }
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    static TABLE: OnceLock<[u32; 256]> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        std::array::from_fn(|index| {
            (0..8).fold(index as u32, |crc, _| {
                (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
            })
        })
    });
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (crc >> 8) ^ table[((crc ^ u32::from(*byte)) & 0xff) as usize]
    })
}

/// A stored archive with an app.
fn zip(members: &BTreeMap<Vec<u8>, (u32, Vec<u8>)>) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (path, (mode, contents)) in members {
        let name = [b"A.app/Contents/", path.as_slice()].concat();
        let mut shared = Vec::new();
        for value in [20_u16, 1 << 11, 0, 0, 0] {
            shared.extend(value.to_le_bytes());
        }
        for value in [crc32(contents), contents.len() as u32, contents.len() as u32] {
            shared.extend(value.to_le_bytes());
        }
        for value in [name.len() as u16, 0] {
            shared.extend(value.to_le_bytes());
        }
        let at = file.len() as u32;
        file.extend([b"PK\x03\x04", shared.as_slice(), &name, contents].concat());
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(shared);
        directory.extend([0; 6]);
        directory.extend((mode << 16).to_le_bytes());
        directory.extend(at.to_le_bytes());
        directory.extend(name);
    }
    let (count, size, start) = (members.len() as u16, directory.len() as u32, file.len() as u32);
    file.extend(directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    file.extend([size.to_le_bytes(), start.to_le_bytes()].concat());
    file.extend([0, 0]);
    file
}

/// The archive that a program makes.
pub fn built(program: &[u8]) -> Vec<u8> {
    let mut app = App::default();
    for instruction in program.chunks_exact(INSTRUCTION).take(MOST) {
        app.run(instruction);
    }
    app.archive()
}

/// Judges the app that a program makes, with all rules. What it costs is never more than its budget, and an app whose budget is
/// spent is not judged.
pub fn worked(program: &[u8]) -> Worked {
    let limits = Limits {
        steps: STEPS,
        retained_bytes: RETAINED,
        ..Limits::default()
    };
    let archive = built(program);
    let bytes = archive.len() as u64;
    let options = Options {
        limits: limits.clone(),
        ..Options::default()
    };
    let archive = ZipArchive::of(Bytes::from(archive), Path::new("a.zip"), &limits).expect("an archive");
    let tree = ZipTree::new(archive.into(), Path::new("A.app"), &limits).expect("an app");
    let (evidence, survey) = examine_tree(&tree, &options).expect("an executable");
    let advice = advise(&evidence, &survey, None, &Expectations::default());
    let cost = evidence.budget().cost();
    let is_over = evidence.budget().is_spent();
    assert!(cost.steps <= STEPS + limits.steps_per_byte * bytes, "{cost:?}");
    assert!(cost.retained <= RETAINED + bytes, "{cost:?}");
    if is_over {
        assert!(
            advice
                .findings
                .iter()
                .all(|finding| finding.rule == "limit-reached")
        );
        assert_eq!(advice.findings.len(), 1);
    }
    Worked { cost, bytes, is_over }
}

/// The target.
pub fn work(data: &[u8]) {
    let _ = worked(data);
}
