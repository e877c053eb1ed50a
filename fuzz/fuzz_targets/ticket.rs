//! See `sealcheck_fuzz::targets::ticket`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::ticket(data));
