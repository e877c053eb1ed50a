//! See `sealcheck_fuzz::targets::asar`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::asar(data));
