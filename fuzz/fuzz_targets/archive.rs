//! See `sealcheck_fuzz::targets::archive`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::archive(data));
