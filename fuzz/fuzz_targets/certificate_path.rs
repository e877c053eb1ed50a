//! See `sealcheck_fuzz::targets::certificate_path`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::certificate_path(data));
