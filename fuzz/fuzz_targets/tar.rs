//! See `sealcheck_fuzz::targets::tar`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::tar(data));
