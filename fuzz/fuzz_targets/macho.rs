//! See `sealcheck_fuzz::targets::macho`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::macho(data));
