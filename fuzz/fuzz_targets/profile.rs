//! See `sealcheck_fuzz::targets::profile`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::profile(data));
