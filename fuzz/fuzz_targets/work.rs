//! See `sealcheck_fuzz::work::work`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::work::work(data));
