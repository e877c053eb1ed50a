//! See `sealcheck_fuzz::targets::plist_binary`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::plist_binary(data));
