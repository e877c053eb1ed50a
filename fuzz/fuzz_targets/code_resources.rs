//! See `sealcheck_fuzz::targets::code_resources`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::code_resources(data));
