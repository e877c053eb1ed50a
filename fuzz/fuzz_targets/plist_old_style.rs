//! See `sealcheck_fuzz::targets::plist_old_style`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::plist_old_style(data));
