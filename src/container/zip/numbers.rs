//! Numbers of archives in ZIP form, which are little-endian, and lengths of bytes.

use crate::octets::Endian;

pub(super) fn u16_at(data: &[u8], offset: u64) -> Option<u16> {
    Endian::Little.u16(data, offset)
}

pub(super) fn u32_at(data: &[u8], offset: u64) -> Option<u32> {
    Endian::Little.u32(data, offset)
}

pub(super) fn u64_at(data: &[u8], offset: u64) -> Option<u64> {
    Endian::Little.u64(data, offset)
}

pub(super) fn length(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}
