//! Judges a file in a page of a browser, or in Node: a module without imports, so that nothing leaves the page.
//!
//! The page writes the bytes where [`input`] says, and their name where [`name`] says; [`check`] judges them for a time and returns the
//! length of the report in JSON, which is where [`output`] says.
//!
//! ```sh
//! CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-C link-arg=-zstack-size=16777216" \
//!     cargo build --manifest-path examples/wasm/Cargo.toml --release --locked --target wasm32-unknown-unknown --target-dir target/wasm
//! node examples/wasm/judge.mjs target/wasm/wasm32-unknown-unknown/release/sealcheck_wasm.wasm Acme.zip 1795478400
//! ```
#![allow(unsafe_code, reason = "functions for others have to keep their names")]

use std::cell::RefCell;

use sealcheck::report::{Json, Report, Run, Settings, Summary, Unreadable};
use sealcheck::{Checker, NamedBytes, Skipped, UnixTime};

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static NAME: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Makes room for so many bytes of the file, and returns where.
#[unsafe(no_mangle)]
pub extern "C" fn input(length: usize) -> *mut u8 {
    INPUT.with_borrow_mut(|bytes| {
        *bytes = vec![0; length];
        bytes.as_mut_ptr()
    })
}

/// Makes room for so many bytes of the name, and returns where.
#[unsafe(no_mangle)]
pub extern "C" fn name(length: usize) -> *mut u8 {
    NAME.with_borrow_mut(|bytes| {
        *bytes = vec![0; length];
        bytes.as_mut_ptr()
    })
}

/// Judges the file for a time in seconds since 1970, and returns the length of the report.
#[unsafe(no_mangle)]
pub extern "C" fn check(seconds: i64) -> usize {
    let bytes = INPUT.take();
    let name = String::from_utf8_lossy(&NAME.take()).into_owned();
    let report = report(&name, bytes, UnixTime(seconds));
    let report = report.unwrap_or_else(|error| error.to_string().into_bytes());
    let length = report.len();
    OUTPUT.replace(report);
    length
}

/// Where the report is.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    OUTPUT.with_borrow(|bytes| bytes.as_ptr())
}

/// The report in JSON that the program prints for the same file.
fn report(name: &str, bytes: Vec<u8>, at: UnixTime) -> std::io::Result<Vec<u8>> {
    let checker = Checker::new(at)?;
    let settings = Settings {
        host_architecture: checker.options.host_architecture,
        at,
        requirement: None,
        expected: &[],
        config: None,
        config_place: None,
        has_apple_anchor: false,
        deep: true,
        strict: true,
        target: None,
        has_findings: true,
        is_assessment: false,
    };
    let (mut out, mut json) = (Vec::new(), Json::new(settings));
    let (mut summary, mut unreadable, mut worst) = (Summary::default(), Vec::new(), 0);
    let mut unread = |error: sealcheck::SourceError| {
        unreadable.push(Unreadable {
            path: error.path().unwrap_or(name).to_owned(),
            reason: error.reason(),
            place: name.to_owned(),
        });
        4
    };
    match checker.check_bytes(NamedBytes::file(name, bytes)) {
        Ok(found) => {
            for item in found {
                let status = match item {
                    Ok(outcome) => {
                        summary.add(&outcome, settings);
                        json.add(&outcome, &mut out)?;
                        outcome.exit_status()
                    }
                    Err(error) => unread(error),
                };
                // 1 takes precedence over 3, and 3 over 4.
                let rank = |status: u8| [0, 4, 3, 1].iter().position(|known| *known == status);
                if rank(status) > rank(worst) {
                    worst = status;
                }
            }
        }
        Err(error) => worst = unread(error),
    }
    let run = Run {
        settings,
        unreadable: &unreadable,
        skipped: &Skipped::default(),
        left_out: &[],
        summary,
        exit_status: worst,
    };
    json.end(run, &mut out)?;
    Ok(out)
}
