//! See `sealcheck_fuzz::targets::plist_xml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::plist_xml(data));
