//! See `sealcheck_fuzz::targets::requirement_binary`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::requirement_binary(data));
