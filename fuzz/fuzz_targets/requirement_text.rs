//! See `sealcheck_fuzz::targets::requirement_text`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::requirement_text(data));
