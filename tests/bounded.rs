//! Small inputs that once cost much work or memory, each at two sizes: what is charged grows with the operand and no faster, or the
//! budget is spent. Nothing here asks a clock.
//!
//! `SEALCHECK_BUDGETS=1 cargo test --release bounded -- --nocapture` also makes each input as large as it was reported, runs the
//! program on it with two jobs, and prints time and peak memory, as in `docs/security.md`.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use sealcheck::budget::{Cost, Resource};
use sealcheck::limits::Limits;
use sealcheck::outcome::Outcome;
use sealcheck::source::{DirectoryTree, Tree};
use sealcheck::verify::NotJudged;

use crate::support::bundle::{RULES, info_plist, write, write_executable};
use crate::support::codesign::Parent;
use crate::support::notice;
use crate::support::program::program;
use crate::support::zip::{Member, zip};
use crate::work::shared;

/// What one input costs: its outcome with everything that `check` asks, and the bytes of the operand.
struct Checked {
    outcome: Outcome,
    bytes: u64,
}

impl Checked {
    fn cost(&self) -> Cost {
        self.outcome.evidence.budget().cost()
    }

    fn spent(&self) -> Option<Resource> {
        let resource = self.outcome.evidence.budget().spent()?.resource;
        let reason = self.outcome.evidence.codesign.not_judged();
        (reason == Some(NotJudged::Limit(resource.name()))).then_some(resource)
    }
}

/// Bytes of an operand: contents without holes, names, and 256 for each file and folder.
fn size(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let facts = fs::symlink_metadata(path).unwrap();
    let own = 256 + path.file_name().map_or(0, |name| name.len() as u64);
    if facts.is_dir() {
        let inner = fs::read_dir(path).unwrap();
        return own + inner.map(|entry| size(&entry.unwrap().path())).sum::<u64>();
    }
    own + facts.len().min(facts.blocks() * 512)
}

fn checked_within(operand: &Path, item: &str, limits: Limits) -> Checked {
    let mut checker =
        sealcheck::Checker::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_781_481_600)).unwrap();
    checker.options.limits = limits;
    Checked {
        outcome: checker.check(&operand.join(item)).unwrap(),
        bytes: size(operand),
    }
}

fn checked(operand: &Path, item: &str) -> Checked {
    checked_within(operand, item, Limits::default())
}

/// Twice as much input costs at most twice as much, and a bit; and neither more than so many steps and bytes for each byte.
#[track_caller]
fn assert_proportional(build: impl Fn(&Path, usize) -> PathBuf, item: &str, count: usize) -> [Checked; 2] {
    let both = [count, 2 * count].map(|count| {
        let folder = tempfile::tempdir().unwrap();
        checked(&build(folder.path(), count), item)
    });
    let [one, two] = [both[0].cost(), both[1].cost()];
    for checked in &both {
        assert_eq!(checked.spent(), None);
        let cost = checked.cost();
        assert!(
            cost.steps < 200_000 + 40 * checked.bytes,
            "{cost:?} of {}",
            checked.bytes
        );
        assert!(
            // A folder in an archive takes 2,400 bytes while its names are put together, and may be 300 bytes of the archive.
            cost.retained < 200_000 + 24 * checked.bytes,
            "{cost:?} of {}",
            checked.bytes
        );
    }
    assert!(two.steps < 2 * one.steps + one.steps / 4, "{one:?} {two:?}");
    assert!(
        two.retained < 2 * one.retained + one.retained / 4,
        "{one:?} {two:?}"
    );
    both
}

/// The app of the native observations, with what is to be sealed.
fn app(folder: &Path, prepare: impl FnOnce(&mut Parent)) -> PathBuf {
    let mut parent = Parent::new();
    prepare(&mut parent);
    let parent = parent.seal();
    let app = folder.join("Parent.app");
    fs::rename(parent.app(), &app).unwrap();
    app
}

/// Binary property lists in which each level has the next one twice, as Info.plist of apps that lie side by side.
fn apps_with_shared_values(folder: &Path, count: usize) -> PathBuf {
    let operand = folder.join("apps");
    for number in 0..count {
        let contents = operand.join(format!("A{number}.app/Contents"));
        write(&contents.join("Info.plist"), &shared(20));
        write_executable(&contents.join(format!("MacOS/A{number}")), b"code");
    }
    operand
}

/// The same as lists for launchd in one app.
fn lists_with_shared_values(folder: &Path, count: usize) -> PathBuf {
    app(folder, |parent| {
        for number in 0..count {
            let path = parent.path(&format!("Contents/Library/LaunchAgents/{number}.plist"));
            write(&path, &shared(20));
        }
    })
}

/// Ten rules that are regular expressions of many states, and ten paths of 900 bytes.
fn ten_rules(folder: &Path, _: usize) -> PathBuf {
    large_rules(folder, 10, 10)
}

/// The same with eighty rules, which with Apple's own are as many as a seal may have, and fifty paths.
fn eighty_rules(folder: &Path, _: usize) -> PathBuf {
    large_rules(folder, 80, 50)
}

fn large_rules(folder: &Path, rules: usize, paths: usize) -> PathBuf {
    app(folder, |parent| {
        let rules: String = (0..rules)
            .map(|number| format!("<key>([ab/]*a[ab/]{{100}}c|[ab/]*a[ab/]{{800}}c){number}</key><true/>"))
            .collect();
        let start = "<key>rules2</key><dict>";
        parent.rules = RULES.replacen(start, &format!("{start}{rules}"), 1);
        for number in 0..paths {
            write(&parent.resource(&format!("{}{number}", "ab/".repeat(300))), b"");
        }
    })
}

/// Links whose texts go into a folder and out of it again, each to the next one, and sealed links to the first.
fn slow_links(folder: &Path, count: usize) -> PathBuf {
    app(folder, |parent| {
        fs::create_dir_all(parent.resource("D")).unwrap();
        write(&parent.resource("D/file"), b"");
        for number in 0..28 {
            write(&parent.resource(&format!("\u{e9}{number}")), b"");
        }
        for number in 0..33 {
            let next = if number == 32 {
                "a".to_owned()
            } else {
                format!("L{}", number + 1)
            };
            symlink(
                "D/../".repeat(790) + &next,
                parent.resource(&format!("L{number}")),
            )
            .unwrap();
        }
        for number in 0..count {
            symlink("L0", parent.resource(&format!("to{number}"))).unwrap();
        }
    })
}

/// An archive with an app in which each of `count` files has 400 folders of its own, with long names.
fn long_paths(folder: &Path, count: usize) -> PathBuf {
    let prefix = "A.app/Contents/";
    let mut members = vec![
        Member::file(&format!("{prefix}Info.plist"), &info_plist("A", "a", "APPL")),
        Member::file(&format!("{prefix}MacOS/A"), b"code"),
    ];
    for number in 0..count {
        let folder = format!("{:03}{}/", number, "d".repeat(147));
        let name = format!("{prefix}Resources/{}file", folder.repeat(400));
        members.push(Member::file(&name, b""));
    }
    let path = folder.join("a.zip");
    write(&path, &zip(&members));
    path
}

/// Names that are not UTF-8, so that names may be hidden, beside folders of which a rule asks whether they are.
fn names_that_are_not_utf8(folder: &Path, count: usize) -> PathBuf {
    let app = app(folder, |_| ());
    let resources = app.join("Contents/Resources");
    for number in 0..count {
        let name = [b"\xff", number.to_string().as_bytes()].concat();
        write(&resources.join(OsStr::from_bytes(&name)), b"");
        fs::create_dir_all(resources.join(format!("{number}.pkg/Contents"))).unwrap();
    }
    app
}

/// Files that the seal does not know.
fn unsealed_files(folder: &Path, count: usize) -> PathBuf {
    let app = app(folder, |_| ());
    for number in 0..count {
        let name = format!("Contents/Resources/{}/{number}", number / 1000);
        write(&app.join(name), b"");
    }
    app
}

/// Frameworks that the seal takes for code, and that are empty folders.
fn empty_frameworks(folder: &Path, count: usize) -> PathBuf {
    app(folder, |parent| {
        for number in 0..count {
            let place = format!("Frameworks/F{number}.framework");
            fs::create_dir_all(parent.path("Contents").join(&place)).unwrap();
            parent.nested.insert(place, vec![vec![7; 20]]);
        }
    })
}

/// A seal of many entries for what is not there.
fn many_entries(folder: &Path, count: usize) -> PathBuf {
    app(folder, |parent| {
        let entries: String = (0..count)
            .map(|number| format!("<key>{number:07}</key><dict><key>optional</key><true/></dict>"))
            .collect();
        // Of a key that occurs twice the last one counts.
        parent.rules += &format!("<key>files2</key><dict>{entries}</dict>");
    })
}

/// A sealed file of so many megabytes that has nothing but a hole.
fn sparse_file(folder: &Path, megabytes: usize) -> PathBuf {
    let app = app(folder, |_| ());
    let file = fs::OpenOptions::new()
        .write(true)
        .open(app.join("Contents/Resources/a"))
        .unwrap();
    file.set_len((megabytes as u64) << 20).unwrap();
    app
}

/// `realpath` and `open` follow 32 links, each of a thousand names, for every sealed link (`SecStaticCode::validateSymlinkResource`).
/// Each name on the way is paid for, and no resolution is free because another one was paid for.
#[test]
fn every_name_on_the_way_of_a_link_is_paid_for() {
    let steps = |count| {
        let folder = tempfile::tempdir().unwrap();
        checked(&slow_links(folder.path(), count), "").cost().steps
    };
    let (one, two) = (steps(4), steps(8));
    // The system and strict validation follow each link, to the same place.
    let names = 2 * 31 * 2 * 790;
    assert!(two - one > 4 * names, "{one} {two}");
    assert!(two - one < 4 * names * 16, "{one} {two}");
    let folder = tempfile::tempdir().unwrap();
    let mut limits = Limits::default();
    assert!(limits.set("steps", 5_000_000));
    let many = checked_within(&slow_links(folder.path(), 100), "", limits);
    assert_eq!(many.spent(), Some(Resource::Steps));
    assert!(many.cost().steps <= 5_000_000);
    assert_eq!(many.outcome.exit_status(), 4);
    assert_eq!(many.outcome.findings()[0].rule, "limit-reached");
}

/// Paths of 60,000 bytes: rules do not build the path of each node again, and what findings keep of them is counted.
#[test]
fn long_paths_are_not_built_again_by_each_rule() {
    let both = assert_proportional(long_paths, "A.app", 5);
    let cost = both[1].cost();
    // All paths together once, in steps of 16 bytes, would be more.
    let all: u64 = (1..=400_u64).map(|depth| depth * 151).sum::<u64>() * 10 / 16;
    assert!(cost.steps < 3 * all, "{cost:?} {all}");
}

/// Every gap was compared with every folder that a rule asks about.
#[test]
fn names_that_may_be_hidden_are_found_by_their_folders() {
    let both = assert_proportional(names_that_are_not_utf8, "", 150);
    let evidence = &both[0].outcome.evidence;
    assert!(evidence.may_hide_names("Contents/Resources"));
    assert!(evidence.may_hide_names("Contents/Resources/\u{fffd}1"));
    assert!(evidence.may_hide_names("Contents") && evidence.may_hide_names(""));
    assert!(!evidence.may_hide_names("Contents/Resources/1.pkg"));
    assert!(!evidence.may_hide_names("Contents/MacOS") && !evidence.may_hide_names("x"));
}

/// A million files that no seal knows, at a small size.
#[test]
fn files_that_no_seal_knows_cost_what_they_are() {
    let both = assert_proportional(unsealed_files, "", 400);
    assert_eq!(
        both[1]
            .outcome
            .evidence
            .codesign
            .failure()
            .unwrap()
            .files_added
            .len(),
        800
    );
}

/// A hundred thousand empty frameworks, at a small size.
#[test]
fn frameworks_without_anything_cost_what_they_are() {
    let both = assert_proportional(empty_frameworks, "", 60);
    assert_eq!(both[1].outcome.evidence.codesign.valid(), Some(false));
}

/// A seal of millions of entries, at a small size.
#[test]
fn a_seal_of_many_entries_costs_what_it_is() {
    let both = assert_proportional(many_entries, "", 2000);
    let seal = both[1].outcome.evidence.code[0].seal.as_ref().unwrap();
    assert_eq!(seal.files, 4000);
}

/// A hole takes no room on a disk, so it allows no work: it is not read at all where there is more of it than the budget lets
/// through. Data of the same length allows its own hashing.
#[test]
fn a_hole_of_twenty_gigabytes_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let hole = checked(&sparse_file(folder.path(), 20 << 10), "");
    assert_eq!(hole.spent(), Some(Resource::Steps));
    assert!(hole.cost().steps < 1_000_000, "{:?}", hole.cost());
    let small = tempfile::tempdir().unwrap();
    assert_eq!(checked(&sparse_file(small.path(), 8), "").spent(), None);
    // Another name of a file is no other data.
    let linked = tempfile::tempdir().unwrap();
    let within = |names: usize| {
        let app = app(linked.path(), |parent| {
            write(&parent.resource("data"), &vec![7; 3 << 20]);
            for number in 0..names {
                fs::hard_link(parent.resource("data"), parent.resource(&format!("n{number}"))).unwrap();
            }
        });
        let limits = Limits {
            steps: 1 << 20,
            ..Limits::default()
        };
        let spent = checked_within(&app, "", limits).spent();
        fs::remove_dir_all(app).unwrap();
        spent
    };
    assert_eq!((within(1), within(40)), (None, Some(Resource::Steps)));
}

/// Whoever changes a file while it is read can set the time of its last change back (`utimensat`), but not the time at which its
/// facts changed last (`st_ctime`).
#[test]
fn a_file_that_changes_and_has_its_time_set_back_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    fs::write(&path, vec![7; 2 << 20]).unwrap();
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let tree = DirectoryTree::open(&path, &Limits::default()).unwrap();
    let bytes = tree.whole(tree.root()).unwrap();
    assert!(bytes.are_unchanged());
    // The clock of a file system may be coarse.
    std::thread::sleep(Duration::from_millis(20));
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all(&[8]).unwrap();
    file.set_modified(time).unwrap();
    drop(file);
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), time);
    assert!(!bytes.are_unchanged());
}

/// Makes an operand of so many parts in a folder.
type Build = fn(&Path, usize) -> PathBuf;

/// The inputs at the sizes that were reported.
const REPORTED: [(&str, Build, usize); 11] = [
    (
        "20 apps whose Info.plist shares values",
        apps_with_shared_values,
        20,
    ),
    ("20 launchd lists that share values", lists_with_shared_values, 20),
    ("10 large rules on 10 paths of 900 bytes", ten_rules, 10),
    ("80 large rules on 50 paths of 900 bytes", eighty_rules, 80),
    ("2,000 links through 33 links of 1,580 names", slow_links, 2000),
    (
        "250 files in 400 folders of 150 characters, in a zip",
        long_paths,
        250,
    ),
    ("16,000 names that are not UTF-8", names_that_are_not_utf8, 16_000),
    ("1,000,000 unsealed files", unsealed_files, 1_000_000),
    ("100,000 sealed empty frameworks", empty_frameworks, 100_000),
    ("a seal of 2,500,000 entries", many_entries, 2_500_000),
    ("a sparse sealed file of 20 GB", sparse_file, 20 << 10),
];

/// Peak memory of a process in MiB, as far as it has come.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes >> 10)
}

/// Time and peak memory of `sealcheck check` on an operand.
fn measured(operand: &Path) -> (i32, Duration, u64) {
    let start = Instant::now();
    let mut child = program()
        .args(["check", "--jobs", "2"])
        .arg(operand)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut most = 0;
    loop {
        most = most.max(peak(child.id()).unwrap_or_default());
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code().unwrap_or(-1), start.elapsed(), most);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Prints a table; without the variable it does nothing, since the inputs are large.
#[test]
fn reported_inputs_measured() {
    let Some(asked) = std::env::var_os("SEALCHECK_BUDGETS") else {
        return;
    };
    let only = asked.to_string_lossy().into_owned();
    for (what, build, count) in REPORTED {
        if only != "1" && !what.contains(&only) {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let operand = build(folder.path(), count);
        // Names and contents that the system has at hand already, as when the reports were made.
        let _ = measured(&operand);
        let (status, took, most) = measured(&operand);
        notice(&format!(
            "| {what} | {status} | {:.1} s | {most} MiB |",
            took.as_secs_f64()
        ));
        std::io::stderr().flush().unwrap();
    }
}
