//! AppleDouble: the companion file `._NAME` in which archives keep the extended attributes of a file.
//!
//! RFC 1740 (header and entries) and the `ATTR` area that Apple's kernel keeps in the Finder information entry
//! (`vfs_xattr.c`). Only single attributes are looked up, and the two that are entries of their own.

use crate::octets::{range, u16_be, u32_be};

const MAGIC: u32 = 0x0005_1607;
const RESOURCE_FORK: u32 = 2;
const FINDER_INFO: u32 = 9;
/// What the Finder information is without the attributes behind it.
const FINDER_INFO_SIZE: u64 = 32;
/// Where the attribute header stands in the Finder information: behind 32 bytes and two of padding.
const ATTRIBUTES: u64 = 34;
const ATTRIBUTE_MAGIC: u32 = 0x4154_5452;
/// Entries that are looked through; Apple's tools demand two.
const MAX_ENTRIES: u16 = 256;

/// Where an entry starts, and its length in bytes.
fn entry(file: &[u8], wanted: u32) -> Option<(u64, u64)> {
    if u32_be(file, 0)? != MAGIC {
        return None;
    }
    let entries = u16_be(file, 24)?.min(MAX_ENTRIES);
    (0..u64::from(entries)).find_map(|index| {
        let at = index.checked_mul(12)?.checked_add(26)?;
        let start = u64::from(u32_be(file, at.checked_add(4)?)?);
        let length = u64::from(u32_be(file, at.checked_add(8)?)?);
        (u32_be(file, at)? == wanted).then_some((start, length))
    })
}

/// The resource fork, where there is any.
pub(crate) fn resource_fork(file: &[u8]) -> Option<&[u8]> {
    let (start, length) = entry(file, RESOURCE_FORK)?;
    range(file, start, length).filter(|fork| !fork.is_empty())
}

/// The Finder information alone.
pub(crate) fn finder_info(file: &[u8]) -> Option<&[u8]> {
    let (start, length) = entry(file, FINDER_INFO)?;
    range(file, start, length.min(FINDER_INFO_SIZE))
}

/// The attribute of this name in a companion file.
pub(crate) fn attribute<'a>(file: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (info, _) = entry(file, FINDER_INFO)?;
    let header = info.checked_add(ATTRIBUTES)?;
    if u32_be(file, header)? != ATTRIBUTE_MAGIC {
        return None;
    }
    // Magic, tag, total size, data start and length, three reserved words, flags.
    // Any number of 16 bits: what is behind the file ends it.
    let count = u16_be(file, header.checked_add(34)?)?;
    let mut at = header.checked_add(36)?;
    for _ in 0..count {
        let (offset, length) = (u32_be(file, at)?, u32_be(file, at.checked_add(4)?)?);
        let name_length = u64::from(*range(file, at.checked_add(10)?, 1)?.first()?);
        let found = range(file, at.checked_add(11)?, name_length)?;
        let found = found.strip_suffix(&[0]).unwrap_or(found);
        if found == name.as_bytes() {
            return range(file, u64::from(offset), u64::from(length));
        }
        at = at
            .checked_add(11)?
            .checked_add(name_length)?
            .checked_next_multiple_of(4)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A companion with one attribute.
    fn companion(name: &str, value: &[u8]) -> Vec<u8> {
        let mut file = MAGIC.to_be_bytes().to_vec();
        file.extend(0x0002_0000u32.to_be_bytes());
        file.extend([0; 16]);
        file.extend(1u16.to_be_bytes());
        for word in [FINDER_INFO, 38, 0] {
            file.extend(word.to_be_bytes());
        }
        file.extend([0; 34]);
        file.extend(ATTRIBUTE_MAGIC.to_be_bytes());
        file.extend([0; 30]);
        file.extend(1u16.to_be_bytes());
        let entry = file.len();
        let start = (entry + 11 + name.len() + 1).next_multiple_of(4);
        file.extend(u32::try_from(start).unwrap().to_be_bytes());
        file.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        file.extend([0, 0, u8::try_from(name.len() + 1).unwrap()]);
        file.extend(name.as_bytes());
        file.resize(start, 0);
        file.extend(value);
        file
    }

    #[test]
    fn entries_of_their_own() {
        let mut file = MAGIC.to_be_bytes().to_vec();
        file.extend([0; 20]);
        file.extend(2u16.to_be_bytes());
        for word in [FINDER_INFO, 50, 40, RESOURCE_FORK, 90, 4] {
            file.extend(word.to_be_bytes());
        }
        file.extend([7; 40]);
        file.extend(b"fork");
        assert_eq!(finder_info(&file), Some(&[7; 32][..]));
        assert_eq!(resource_fork(&file), Some(&b"fork"[..]));
        assert_eq!(resource_fork(&file[..93]), None);
        assert_eq!(resource_fork(&companion("a", b"b")), None);
    }

    #[test]
    fn attributes_are_found_by_name() {
        let file = companion("com.apple.cs.CodeDirectory", b"directory");
        assert_eq!(
            attribute(&file, "com.apple.cs.CodeDirectory"),
            Some(&b"directory"[..])
        );
        assert_eq!(attribute(&file, "com.apple.cs.CodeSignature"), None);
        for end in 0..file.len() {
            assert_eq!(attribute(&file[..end], "com.apple.cs.CodeDirectory"), None);
        }
    }
}
