//! See `sealcheck_fuzz::targets::entitlements_der`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealcheck_fuzz::targets::entitlements_der(data));
