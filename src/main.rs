//! The program `sealcheck`; see the library for what it does.
//!
//! Before `main`, Rust's runtime opens `/dev/null` in place of a standard stream that is closed, and then a report that
//! goes nowhere looks like one that was written. A function that the loader calls earlier finds out what is closed. Windows has no such
//! runtime, and a missing stream there cannot be written.
#![allow(unsafe_code)]

use std::process::ExitCode;

/// What is closed before `main`.
#[cfg(unix)]
mod before_main {
    use std::sync::atomic::{AtomicBool, Ordering};

    use sealcheck::cli::Closed;

    static IS_OUTPUT_CLOSED: AtomicBool = AtomicBool::new(false);
    static IS_ERROR_CLOSED: AtomicBool = AtomicBool::new(false);

    /// Called by the loader, before Rust's runtime.
    extern "C" fn look() {
        // SAFETY: `fcntl` with `F_GETFD` reads a flag of a descriptor, or fails where there is none.
        let is_closed = |descriptor| unsafe { libc::fcntl(descriptor, libc::F_GETFD) == -1 };
        IS_OUTPUT_CLOSED.store(is_closed(libc::STDOUT_FILENO), Ordering::Relaxed);
        IS_ERROR_CLOSED.store(is_closed(libc::STDERR_FILENO), Ordering::Relaxed);
    }

    // SAFETY: the section holds functions that the loader calls once while the process has one thread. The arguments that it
    // gives some of them are in registers, where a function without arguments leaves them alone.
    #[used]
    #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
    #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
    static LOOK: extern "C" fn() = look;

    /// What was closed.
    pub(super) fn closed() -> Closed {
        Closed {
            output: IS_OUTPUT_CLOSED.load(Ordering::Relaxed),
            error: IS_ERROR_CLOSED.load(Ordering::Relaxed),
        }
    }
}

fn main() -> ExitCode {
    #[cfg(unix)]
    let closed = before_main::closed();
    #[cfg(not(unix))]
    let closed = sealcheck::cli::Closed::default();
    sealcheck::cli::run(closed)
}
