//! See `sealcheck_fuzz::targets::code_directory`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::code_directory(data));
