//! Bounds-checked reads from a byte slice, shared by every binary reader.
//!
//! Offsets are 64-bit bytes from the start of the slice that is passed in. Nothing here panics: a read
//! that does not lie wholly inside the slice is `None`, and the caller turns that into its own error.

/// The `length` bytes at `offset`, or `None` when they do not lie wholly inside `data`.
#[must_use]
pub fn range(data: &[u8], offset: u64, length: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = usize::try_from(offset.checked_add(length)?).ok()?;
    data.get(start..end)
}

fn array<const N: usize>(data: &[u8], offset: u64) -> Option<[u8; N]> {
    let start = usize::try_from(offset).ok()?;
    data.get(start..)?.first_chunk::<N>().copied()
}

/// The byte at `offset`.
#[must_use]
pub fn u8_at(data: &[u8], offset: u64) -> Option<u8> {
    data.get(usize::try_from(offset).ok()?).copied()
}

/// The big-endian 16-bit integer at `offset`.
#[must_use]
pub fn u16_be(data: &[u8], offset: u64) -> Option<u16> {
    array(data, offset).map(u16::from_be_bytes)
}

/// The big-endian 32-bit integer at `offset`.
#[must_use]
pub fn u32_be(data: &[u8], offset: u64) -> Option<u32> {
    array(data, offset).map(u32::from_be_bytes)
}

/// The big-endian 64-bit integer at `offset`.
#[must_use]
pub fn u64_be(data: &[u8], offset: u64) -> Option<u64> {
    array(data, offset).map(u64::from_be_bytes)
}

/// Byte order of a Mach-O file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Endian {
    /// The 16-bit integer at `offset` in this byte order.
    #[must_use]
    pub fn u16(self, data: &[u8], offset: u64) -> Option<u16> {
        let bytes = array(data, offset)?;
        Some(match self {
            Endian::Little => u16::from_le_bytes(bytes),
            Endian::Big => u16::from_be_bytes(bytes),
        })
    }

    /// The 32-bit integer at `offset` in this byte order.
    #[must_use]
    pub fn u32(self, data: &[u8], offset: u64) -> Option<u32> {
        let bytes = array(data, offset)?;
        Some(match self {
            Endian::Little => u32::from_le_bytes(bytes),
            Endian::Big => u32::from_be_bytes(bytes),
        })
    }

    /// The 64-bit integer at `offset` in this byte order.
    #[must_use]
    pub fn u64(self, data: &[u8], offset: u64) -> Option<u64> {
        let bytes = array(data, offset)?;
        Some(match self {
            Endian::Little => u64::from_le_bytes(bytes),
            Endian::Big => u64::from_be_bytes(bytes),
        })
    }
}

/// The bytes before the first NUL at or after `offset`, or `None` when no NUL follows inside `data`.
#[must_use]
pub fn c_string(data: &[u8], offset: u64) -> Option<&[u8]> {
    let rest = data.get(usize::try_from(offset).ok()?..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    rest.get(..end)
}

/// Lower-case hexadecimal text of `bytes`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(
        String::with_capacity(bytes.len().saturating_mul(2)),
        |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        },
    )
}

/// The value of each character of base64; 255 for all others.
const BASE64: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [255; 256];
    let mut value = 0u8;
    let mut rest: &[u8] = alphabet;
    while let [character, others @ ..] = rest {
        #[allow(clippy::as_conversions, clippy::indexing_slicing)]
        {
            table[*character as usize] = value;
        }
        value = value.wrapping_add(1);
        rest = others;
    }
    table
};

/// The value of one character of base64; 255 for all others.
pub(crate) fn base64_value(byte: u8) -> u8 {
    BASE64.get(usize::from(byte)).copied().unwrap_or(255)
}

/// The bytes of base64 text: white space is skipped, `=` ends it, anything else that does not belong makes it `None`.
#[must_use]
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len().saturating_mul(3).checked_div(4)?);
    let (mut buffer, mut bits) = (0u32, 0u32);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let value = match (byte, base64_value(byte)) {
            (b'=', _) => break,
            (_, 255) => return None,
            (_, value) => value,
        };
        buffer = (buffer << 6 | u32::from(value)) & 0x00ff_ffff;
        bits = bits.saturating_add(6);
        if bits >= 8 {
            bits = bits.saturating_sub(8);
            bytes.push((buffer >> bits & 0xff).to_le_bytes()[0]);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stop_at_the_end_of_the_slice() {
        let data = [0, 1, 2, 3, 4, 5, 6, 7];
        assert_eq!(u32_be(&data, 4), Some(0x0405_0607));
        assert_eq!(u32_be(&data, 5), None);
        assert_eq!(u64_be(&data, u64::MAX), None);
        assert_eq!(Endian::Little.u32(&data, 0), Some(0x0302_0100));
        assert_eq!(range(&data, 8, 0), Some(&[][..]));
        assert_eq!(range(&data, 1, u64::MAX), None);
        assert_eq!(c_string(b"ab\0c", 0), Some(&b"ab"[..]));
        assert_eq!(c_string(b"ab\0c", 3), None);
        assert_eq!(hex(&[0, 0xab]), "00ab");
    }

    #[test]
    fn base64_with_and_without_white_space() {
        // RFC 4648 section 10.
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(base64(text).unwrap(), bytes.as_bytes());
            // White space may stand anywhere.
            for at in 0..=text.len() {
                let (before, after) = text.split_at(at);
                let spaced = format!("\n\t{before} \r\n{after}\n");
                assert_eq!(base64(&spaced).unwrap(), bytes.as_bytes(), "{spaced:?}");
            }
        }
        let all: Vec<u8> = (0..=255).collect();
        let text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZH\
                    SElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6P\
                    kJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX\
                    2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/w==";
        assert_eq!(base64(text).unwrap(), all);
        assert_eq!(base64("Zm9v*mFy"), None);
        assert_eq!(base64("Zm9vé"), None);
        assert_eq!(base64("Zm=rubbish").unwrap(), b"f");
    }
}
