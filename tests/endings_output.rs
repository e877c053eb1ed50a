//! What happens to the program while it runs: outputs that close or are full, signals, a small stack, no threads. None of it
//! makes a bad exit status a good one.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use crate::endings::Items;
use crate::support::notice;
use crate::support::program::is_emulated;

/// Commands that report something, with the exit status of the contract.
const REPORTS: [(&[&str], &str, i32); 7] = [
    (&["check", "--target", "local", "-v"], "broken", 1),
    (&["verify", "-v"], "broken", 1),
    (&["verify", "-v", "-R", "=never"], "good", 3),
    (&["assess", "--type", "install"], "good", 3),
    (&["verify", "-v"], "good", 0),
    (&["inspect"], "good", 0),
    (&["inspect"], "unsigned", 1),
];

/// The status of a run whose report is lost.
fn lost(status: i32) -> i32 {
    if status == 0 { 4 } else { status }
}

/// Ended with status 0 once: `sealcheck -v broken.app | head -1` with pipefail. A reader that has read enough is no failure,
/// and changes nothing about the status either.
#[test]
fn a_closed_pipe_keeps_the_status() {
    let items = Items::new();
    for (command, item, status) in REPORTS {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut run = items.command(command);
        let run = run.args([item, "missing"]).stdout(writer).stderr(Stdio::null());
        let expected = if status == 0 { 4 } else { status };
        assert_eq!(run.status().unwrap().code(), Some(expected), "{command:?} {item}");
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let output = items.command(command).arg(item).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{command:?} {item}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!error.contains("cannot write"), "{command:?} {item}: {error}");
    }
    let many = vec!["broken"; 40].join(" ");
    let (status, out, error) = items.bash(&format!("$S -vv --target local good {many} | head -1"));
    assert_eq!((status, out.lines().count(), error.as_str()), (1, 1, ""));
    let (status, ..) = items.bash("$S rules | head -1");
    assert_eq!(status, 0);
}

/// Rust's runtime opens `/dev/null` in place of a closed stream, and its `Stdout` drops what a stream for reading refuses: both
/// read as written. A full disk (`/dev/full`) is told.
#[test]
fn a_lost_report_is_not_judged_or_worse() {
    let items = Items::new();
    for output in [">&-", "1</dev/null", ">/dev/full"] {
        for (command, item, status) in REPORTS {
            let command = command.join(" ");
            let (found, _, error) = items.bash(&format!("$S {command} {item} {output}"));
            assert_eq!(found, lost(status), "{command} {item} {output}: {error}");
            assert!(
                error.contains("standard output: cannot write the report: "),
                "{command} {output}: {error}"
            );
        }
        for format in ["json", "jsonl", "sarif", "junit", "github", "gitlab", "markdown"] {
            for (item, status) in [("good", 0), ("broken", 1)] {
                let (found, ..) = items.bash(&format!("$S verify --format {format} {item} {output}"));
                // Nothing to annotate, nothing to lose.
                let expected = if format == "github" { status } else { lost(status) };
                assert_eq!(found, expected, "{format} {item} {output}");
            }
        }
        for answer in [
            "--help",
            "--version",
            "verify --help",
            "rules",
            "explain adhoc-signed",
            "man",
        ] {
            assert_eq!(
                items.bash(&format!("$S {answer} {output}")).0,
                4,
                "{answer} {output}"
            );
        }
    }
    // Output that nobody wants is not lost, however it is thrown away; nor is output that there is none of.
    for output in [">/dev/null", "1<>/dev/null", "| cat >/dev/null"] {
        assert_eq!(
            items.bash(&format!("$S verify -v good {output}")),
            (0, String::new(), String::new())
        );
    }
    for output in [">&-", ">/dev/full"] {
        assert_eq!(
            items.bash(&format!("$S verify -q good {output}")).0,
            0,
            "{output}"
        );
    }
}

/// Complaints go nowhere then, which changes nothing; in the styles of Apple's tools it is the report that goes there.
#[test]
fn a_closed_standard_error_keeps_the_status() {
    let items = Items::new();
    for error in ["2>&-", "2>/dev/full", "2</dev/null", "2>&- >&- <&-"] {
        for (command, item, status) in REPORTS {
            let command = command.join(" ");
            let status = if error.contains(" >") {
                lost(status)
            } else {
                status
            };
            assert_eq!(
                items.bash(&format!("$S {command} {item} {error}")).0,
                status,
                "{command} {error}"
            );
        }
        assert_eq!(
            items.bash(&format!("$S verify -q missing {error}")).0,
            4,
            "{error}"
        );
        assert_eq!(
            items.bash(&format!("$S verify --no-such-option {error}")).0,
            2,
            "{error}"
        );
        let style = "verify --style codesign";
        for (words, status) in [
            ("-v good", 4),
            ("good", 0),
            ("broken", 1),
            ("-v -R=never good", 3),
        ] {
            assert_eq!(
                items.bash(&format!("$S {style} {words} {error}")).0,
                status,
                "{words} {error}"
            );
        }
        let (status, ..) = items.bash(&format!("$S assess --style spctl --type install good {error}"));
        assert_eq!(status, 3, "{error}");
    }
}

#[test]
fn a_report_file_that_cannot_be_written() {
    let items = Items::new();
    fs::create_dir(items.path("folder")).unwrap();
    for file in ["/dev/full", "/no/such/folder/report", "folder"] {
        for (command, item, status) in REPORTS {
            let mut run = items.command(command);
            let output = run.args([item, "--output", file]).output().unwrap();
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(
                output.status.code(),
                Some(lost(status)),
                "{command:?} {file}: {error}"
            );
            assert!(error.contains(": cannot write the report: "), "{error}");
        }
    }
    // A limit of the size stands for a full disk: what is there of the report is removed.
    fs::write(items.path("report"), "the report of yesterday").unwrap();
    let run = "trap '' XFSZ; ulimit -f 1; $S verify --format json --output report";
    for (names, expected) in [("good good good", 4), ("good broken good", 1)] {
        let (status, _, error) = items.bash(&format!("{run} {names}"));
        assert_eq!(status, expected, "{error}");
        assert!(error.contains("report: cannot write the report: "), "{error}");
        assert_eq!(names_in(&items), ["broken", "folder", "good", "unsigned"]);
    }
}

fn names_in(items: &Items) -> Vec<String> {
    let entries = fs::read_dir(items.path("")).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A report that is there is a whole one of this run: it gets its name at the end.
#[test]
fn a_report_file_is_whole_or_not_there() {
    let items = Items::new();
    fs::write(items.path("report"), "the report of yesterday").unwrap();
    let write = "$S verify --format json --output report good";
    assert_eq!(items.bash(write).0, 0);
    let report = fs::read(items.path("report")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["summary"]["exit_status"], 0);
    // Interrupted, by the signal of a file that is too large.
    if is_emulated() {
        notice("an emulator needs larger files itself, a report that is interrupted is not tested");
    } else {
        let (status, ..) = items.bash(&format!("ulimit -f 1; {write} good good"));
        assert_eq!(status, 128 + 25);
        assert!(!items.path("report").exists());
    }
    // What is not a regular file is written in place.
    let (status, out, _) =
        items.bash("mkfifo pipe; cat pipe & $S verify -v --output pipe broken; code=$?; wait; exit $code");
    assert_eq!(status, 1);
    assert!(out.contains("broken: "), "{out}");
    assert_eq!(items.bash("$S verify -v --output /dev/null good").0, 0);
}

#[test]
fn a_baseline_that_cannot_be_written_is_never_good() {
    let items = Items::new();
    fs::write(items.path("old"), "{}").unwrap();
    let check = "check --target local --at 2026-06-15";
    let (good, ..) = items.bash(&format!("$S {check} --write-baseline new broken"));
    assert_eq!(good, 1);
    for file in ["/dev/full", "/no/such/folder/file", "."] {
        for item in ["good", "broken"] {
            let (before, ..) = items.bash(&format!("$S {check} --write-baseline new {item}"));
            let (status, _, error) = items.bash(&format!("$S {check} --write-baseline {file} {item}"));
            assert_eq!(status, lost(before), "{file} {item}: {error}");
            assert!(error.contains("cannot be written"), "{error}");
        }
    }
    // The old one stays where the new one finds no room.
    let (status, _, error) = items.bash(&format!(
        "trap '' XFSZ; ulimit -f 0; $S {check} --write-baseline old broken"
    ));
    assert_eq!(status, 1);
    assert!(error.contains("old: cannot be written"), "{error}");
    assert_eq!(fs::read(items.path("old")).unwrap(), b"{}");
}

/// Returns true if this process ignores the signal, as those do that `nohup` or a shell in the background starts: programs that it
/// starts ignore it, too.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or_default() >> (signal - 1) & 1 == 1
}

/// The system ends the program, so that a shell sees 128 plus the number of the signal, also where everything was good so far.
#[test]
fn a_signal_is_never_good() {
    let items = Items::new();
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("QUIT", 3), ("KILL", 9)] {
        if is_ignored(number) {
            notice(&format!("SIG{name} is ignored here; it is not tested"));
            continue;
        }
        for item in ["good", "broken"] {
            // More than the pipe takes, so that the program waits for its reader.
            let mut run = items.command(&["verify", "--format", "jsonl"]);
            let mut child = run.args(vec![item; 200]).stdout(Stdio::piped()).spawn().unwrap();
            let mut out = child.stdout.take().unwrap();
            out.read_exact(&mut [0; 1000]).unwrap();
            let kill = format!("ulimit -c 0; kill -{name} {}", child.id());
            assert_eq!(items.bash(&kill).0, 0);
            let status = child.wait().unwrap();
            assert_eq!(
                (status.signal(), status.code()),
                (Some(number), None),
                "{name} {item}"
            );
        }
    }
    let (status, ..) = items.bash("ulimit -f 0; $S verify -v --output report broken");
    assert_eq!(status, 128 + 25);
}

/// Everything runs on a thread with a stack of its own: with 64 KiB for the main thread the program was ended by a signal
/// (134) once.
#[test]
fn a_small_stack_changes_nothing() {
    let items = Items::new();
    for (command, item, status) in REPORTS {
        let command = command.join(" ");
        let run = format!("$S {command} {item}");
        let small = items.bash(&format!("ulimit -s 64; {run}"));
        assert_eq!(small.0, status, "{command} {item}: {}", small.2);
    }
    assert_eq!(items.bash("ulimit -s 64; $S --help").0, 0);
    assert_eq!(items.bash("ulimit -s 64; $S --no-such-option").0, 2);
}

/// With less memory than the program or a thread needs: not judged, or ended by the system.
#[test]
fn too_little_memory_is_never_good() {
    let items = Items::new();
    let mut seen = Vec::new();
    for kilobytes in [
        1000, 8000, 20_000, 30_000, 40_000, 60_000, 80_000, 120_000, 200_000,
    ] {
        let (status, out, error) =
            items.bash(&format!("ulimit -v {kilobytes}; exec $S --jobs 8 verify broken"));
        assert!(
            matches!(status, 1 | 4) || status > 100,
            "{kilobytes}: {status} {out} {error}"
        );
        seen.push(status);
    }
    // An emulator needs more for itself.
    let is_emulated = std::env::var_os("SEALCHECK_RUNNER").is_some();
    assert!(is_emulated || seen.contains(&4), "{seen:?}");
}

/// The folder in which the program was started may be removed meanwhile.
#[test]
fn a_working_folder_that_is_gone() {
    let items = Items::new();
    for item in ["good", "."] {
        let (status, ..) = items.bash(&format!("mkdir gone; cd gone; rmdir ../gone; $S verify {item}"));
        assert_eq!(status, 4, "{item}");
    }
}

#[test]
fn manual_pages_that_cannot_be_written() {
    let items = Items::new();
    File::create(items.path("file")).unwrap();
    let (status, _, error) = items.bash("$S man --directory file/pages");
    assert_eq!(status, 4);
    assert!(error.starts_with("sealcheck: "), "{error}");
}
