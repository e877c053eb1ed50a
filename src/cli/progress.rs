//! A line on the terminal for work that takes longer than a second.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::verify::Progress;

/// Runs `work`; shows `progress` on standard error while it lasts, if that is a terminal.
pub(super) fn watched<R>(progress: &Arc<Progress>, work: impl FnOnce() -> R) -> R {
    if !std::io::stderr().is_terminal() {
        return work();
    }
    let (done, waiting) = mpsc::channel::<()>();
    let watched = Arc::clone(progress);
    let watcher = thread::spawn(move || {
        let mut shown = false;
        let mut pause = Duration::from_secs(1);
        while waiting.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            pause = Duration::from_millis(200);
            shown = true;
            let megabytes = watched.bytes() / 1_000_000;
            let line = format!("\rchecking: {} files, {megabytes} MB hashed", watched.files());
            // A line that cannot be written is not worth an error.
            let _ = write!(std::io::stderr(), "{line}");
        }
        if shown {
            let _ = write!(std::io::stderr(), "\r{:60}\r", "");
        }
    });
    let result = work();
    drop(done);
    // The watcher only writes a line; its end is not waited for with interest.
    let _ = watcher.join();
    result
}
