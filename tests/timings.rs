//! `--timings`, and phases by a clock of the caller: what is measured, and how it is shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sealcheck::{Checker, NamedBytes, Outcome, Phase, Timings, UnixTime};
use serde_json::Value;

use crate::command_line::{sealcheck, stdout};
use crate::support::zip::{members, zip};
use crate::support::{copied_app, real_app};

const AT: UnixTime = UnixTime(1_795_478_400);

/// A clock that goes on by a millisecond whenever it is read.
fn counting() -> Timings {
    let reads = AtomicU64::new(0);
    Timings::new(move || Duration::from_millis(reads.fetch_add(1, Ordering::Relaxed)))
}

fn checker() -> Checker {
    let mut checker = Checker::new(AT).unwrap();
    checker.options.timings = Some(Arc::new(counting()));
    checker
}

/// Every phase but the last has taken time; the real app has code and sealed files, which are read.
fn assert_measured(outcome: &Outcome) {
    let evidence = &outcome.evidence;
    for phase in Phase::ALL {
        let found = evidence.time(phase).unwrap();
        assert!(found.time > Duration::ZERO, "{phase:?}");
        assert_eq!(found.bytes > 0, phase.has_bytes(), "{phase:?}");
    }
    let bytes = evidence.time(Phase::Contents).unwrap().bytes;
    assert!(bytes > evidence.statistics.bytes_hashed, "{bytes}");
}

#[test]
fn a_clock_of_the_caller_measures_every_phase() {
    let checker = checker();
    let outcome = checker.check(&real_app()).unwrap();
    assert_measured(&outcome);
    // The search for the item is part of the work on it, and every item is measured by itself.
    let again = checker.check(&real_app()).unwrap();
    let bytes = |outcome: &Outcome| outcome.evidence.time(Phase::Contents).unwrap().bytes;
    assert_eq!(bytes(&again), bytes(&outcome));
    let own = checker.options.timings.as_ref().unwrap();
    assert!(
        Phase::ALL
            .iter()
            .all(|phase| own.of(*phase) == Default::default())
    );
}

#[test]
fn each_item_of_an_archive_in_memory_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["One.app", "Two.app"] {
        copied_app(folder.path(), name);
    }
    let mut packed = members(&folder.path().join("One.app"));
    packed.extend(members(&folder.path().join("Two.app")));
    let files = NamedBytes::file("both.zip", zip(&packed));
    let outcomes = checker().check_bytes(files).unwrap();
    assert_eq!(outcomes.len(), 2);
    for outcome in &outcomes {
        assert_measured(outcome.as_ref().unwrap());
    }
}

#[test]
fn without_a_clock_nothing_is_measured() {
    let outcome = Checker::new(AT).unwrap().check(&real_app()).unwrap();
    assert!(
        Phase::ALL
            .iter()
            .all(|phase| outcome.evidence.time(*phase).is_none())
    );
}

#[test]
fn the_program_shows_a_table_for_each_item() {
    let folder = tempfile::tempdir().unwrap();
    let apps = ["One.app", "Two.app"].map(|name| copied_app(folder.path(), name));
    for command in ["check", "verify", "assess"] {
        let plain = sealcheck(&[command.as_ref(), apps[0].as_os_str()]);
        let timed = sealcheck(&[command.as_ref(), "--timings".as_ref(), apps[0].as_os_str()]);
        let cut = |text: &str| text.split(" of code in ").next().unwrap().to_owned();
        assert_eq!(cut(&stdout(&plain)), cut(&stdout(&timed)), "{command}");
        assert_eq!(plain.status, timed.status, "{command}");
        let table = String::from_utf8(timed.stderr).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 8, "{table}");
        assert_eq!(lines[0], format!("timings: {}", apps[0].display()));
        let titles = Phase::ALL.iter().map(|phase| phase.title());
        for (line, title) in lines[1..].iter().zip(titles.chain(["all threads", "elapsed"])) {
            assert!(line.starts_with(&format!("  {title} ")), "{table}");
            assert!(line.contains(" s ") && line.chars().count() <= 80, "{table}");
        }
        // One thread does everything, one thing after the other.
        let alone = sealcheck(&[
            command.as_ref(),
            "--timings".as_ref(),
            "--jobs=1".as_ref(),
            apps[0].as_os_str(),
        ]);
        let alone = String::from_utf8(alone.stderr).unwrap();
        let seconds = |title: &str| -> f64 {
            let line = alone.lines().find_map(|line| line.strip_prefix(title));
            line.unwrap().split_whitespace().next().unwrap().parse().unwrap()
        };
        let (sum, elapsed) = (seconds("  all threads"), seconds("  elapsed"));
        assert!(sum <= elapsed && sum > 0.5 * elapsed, "{alone}");
        assert!(lines[2].ends_with("B/s"), "{table}");
    }
    let both = sealcheck(&["--timings".as_ref(), folder.path().as_os_str()]);
    let tables = String::from_utf8(both.stderr).unwrap();
    assert_eq!(tables.matches("timings: ").count(), 3, "{tables}");
    assert!(tables.contains("timings: all items (2)\n"), "{tables}");
}

#[test]
fn json_has_the_phases_if_they_are_asked_for() {
    let report = |arguments: &[&str]| -> Value {
        let app = real_app();
        let mut all = vec!["--format", "json"];
        all.extend(arguments);
        all.push(app.to_str().unwrap());
        serde_json::from_slice(&sealcheck(&all).stdout).unwrap()
    };
    let timed = report(&["--timings"]);
    let phases = timed["items"][0]["stats"]["phases"].as_object().unwrap();
    assert_eq!(phases.len(), Phase::ALL.len());
    for phase in Phase::ALL {
        let found = &phases[phase.name()];
        assert!(found["seconds"].as_f64().unwrap() > 0.0, "{phase:?}");
        assert_eq!(found["bytes"].is_u64(), phase.has_bytes(), "{phase:?}");
    }
    let plain = report(&[]);
    assert!(plain["items"][0]["stats"].get("phases").is_none());
}
