//! A line on the terminal for runs that take longer than a second: how far, how fast, how long still.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::verify::Progress;

/// Nothing is shown before.
const QUIET: Duration = Duration::from_secs(1);
/// Between two changes of the line.
const PAUSE: Duration = Duration::from_millis(200);

/// What the line tells.
#[derive(Debug, Default)]
struct State {
    /// Items of the run.
    items: usize,
    /// Items that are done.
    done: usize,
    /// Files and bytes of those.
    files: u64,
    bytes: u64,
    /// The item at hand.
    current: Arc<Progress>,
    is_shown: bool,
}

/// Watches a run, and shows on standard error how it goes, if that is a terminal.
pub(super) struct Watch {
    state: Arc<Mutex<State>>,
    watcher: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Watch {
    /// Watches a run over so many items.
    pub(super) fn new(items: usize) -> Self {
        let state = Arc::new(Mutex::new(State {
            items,
            ..State::default()
        }));
        let is_visible = std::io::stderr().is_terminal();
        let watcher = is_visible.then_some(()).and_then(|()| {
            let (end, waiting) = mpsc::channel::<()>();
            let state = Arc::clone(&state);
            let start = Instant::now();
            let watcher = thread::Builder::new().spawn(move || {
                let mut pause = QUIET;
                while waiting.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                    pause = PAUSE;
                    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                    state.show(&state.line(start.elapsed().as_secs_f64()));
                    state.is_shown = true;
                }
            });
            // A run does without it where there is no thread for it.
            watcher.ok().map(|watcher| (end, watcher))
        });
        Self { state, watcher }
    }

    /// Whether anybody can see it.
    pub(super) fn is_visible(&self) -> bool {
        self.watcher.is_some()
    }

    /// The counters of the next item.
    pub(super) fn next(&self) -> Arc<Progress> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.current = Arc::default();
        Arc::clone(&state.current)
    }

    /// The item is done.
    pub(super) fn done(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done = state.done.saturating_add(1);
        state.files = state.files.saturating_add(state.current.files());
        state.bytes = state.bytes.saturating_add(state.current.bytes());
        state.current = Arc::default();
    }

    /// Takes the line away while `work` writes to what may be the same terminal.
    pub(super) fn hidden<R>(&self, work: impl FnOnce() -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_shown {
            state.show("");
            state.is_shown = false;
        }
        work()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((end, watcher)) = self.watcher.take() {
            drop(end);
            // It only writes a line; its end is not waited for with interest.
            let _ = watcher.join();
        }
        self.hidden(|| ());
    }
}

impl State {
    /// Shows this in place of the line: carriage return, and "erase in line" of ECMA-48.
    fn show(&self, line: &str) {
        let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        let line: String = line.chars().take(width.saturating_sub(1)).collect();
        // A line that cannot be written is not worth an error.
        let _ = write!(std::io::stderr(), "\r\u{1b}[K{line}");
    }

    fn line(&self, seconds: f64) -> String {
        let files = self.files.saturating_add(self.current.files());
        let bytes = self.bytes.saturating_add(self.current.bytes());
        let rate = mega(bytes) / seconds;
        let item = match self.items {
            0 | 1 => String::new(),
            items => format!(" item {} of {items},", self.done.saturating_add(1).min(items)),
        };
        let mut line = format!(
            "checking:{item} {files} files, {:.0} MB at {rate:.0} MB/s",
            mega(bytes)
        );
        if let Some(left) = remaining(self.fraction(), seconds) {
            line.push_str(&format!(", {left} left"));
        }
        line
    }

    /// How much of the run is done: its items, and of the one at hand the bytes.
    fn fraction(&self) -> f64 {
        let expected = mega(self.current.expected_bytes());
        let part = if expected > 0.0 {
            // What is signed with two kinds of digest is counted twice.
            (mega(self.current.bytes()) / expected).min(1.0)
        } else {
            0.0
        };
        (count(self.done) + part) / count(self.items.max(1))
    }
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Megabytes, to the kilobyte.
fn mega(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1000).unwrap_or(u32::MAX)) / 1000.0
}

/// How long the rest takes, if it goes on as before; nothing while too little is known.
fn remaining(fraction: f64, seconds: f64) -> Option<String> {
    if !(0.02..1.0).contains(&fraction) {
        return None;
    }
    let left = seconds * (1.0 - fraction) / fraction;
    Some(if left < 90.0 {
        format!("{:.0} s", left.max(1.0))
    } else {
        format!("{:.0} min", left / 60.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_remaining_time() {
        let state = State {
            items: 200,
            done: 50,
            files: 1200,
            bytes: 3_000_000_000,
            ..State::default()
        };
        assert_eq!(
            state.line(10.0),
            "checking: item 51 of 200, 1200 files, 3000 MB at 300 MB/s, 30 s left"
        );
        let state = State {
            items: 1,
            ..State::default()
        };
        assert_eq!(state.line(2.0), "checking: 0 files, 0 MB at 0 MB/s");
        assert_eq!(remaining(0.5, 300.0).as_deref(), Some("5 min"));
        assert_eq!((remaining(1.0, 9.0), remaining(0.001, 9.0)), (None, None));
    }
}
