//! See `sealcheck_fuzz::targets::cms`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::cms(data));
