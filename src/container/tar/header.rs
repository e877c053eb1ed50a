//! One block that begins a member of a tar archive, and the records of a pax header.

use crate::octets::range;

/// Everything comes in blocks of so many bytes.
pub(super) const BLOCK: u64 = 512;
/// Where the checksum stands; it counts as spaces.
const CHECKSUM: std::ops::Range<u64> = 148..156;
/// The magic of POSIX; GNU's has a space where the NUL is, and other fields where the prefix is.
const USTAR: &[u8] = b"ustar\0";

/// What a header block says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// The path, with the prefix.
    pub(super) name: Vec<u8>,
    /// The size of what follows.
    pub(super) size: u64,
    /// The type flag.
    pub(super) kind: u8,
}

impl Header {
    /// Reads a block; `None` where it is no header.
    pub(super) fn parse(block: &[u8]) -> Option<Self> {
        if u64::try_from(block.len()).ok()? < BLOCK || !has_checksum(block) {
            return None;
        }
        let own = text(range(block, 0, 100)?);
        let prefix = match range(block, 257, 6)? {
            USTAR => text(range(block, 345, 155)?),
            _ => &[],
        };
        let name = match prefix {
            [] => own.to_vec(),
            prefix => [prefix, b"/", own].concat(),
        };
        Some(Self {
            name,
            size: number(range(block, 124, 12)?)?,
            kind: *block.get(156)?,
        })
    }
}

/// Whether the sum of all bytes is what the header says; some old tools took the bytes for signed.
fn has_checksum(block: &[u8]) -> bool {
    let Some(stored) = range(block, CHECKSUM.start, 8).and_then(number) else {
        return false;
    };
    let positions = 0_u64..BLOCK;
    let mut sum = 0_u64;
    let mut negative = 0_u64;
    for (at, byte) in positions.zip(block) {
        let byte = if CHECKSUM.contains(&at) { b' ' } else { *byte };
        sum = sum.saturating_add(byte.into());
        negative = negative.saturating_add(if byte > 0x7f { 0x100 } else { 0 });
    }
    stored == sum || sum.checked_sub(negative) == Some(stored)
}

/// What stands before the first NUL.
fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0);
    field.get(..end.unwrap_or(field.len())).unwrap_or(field)
}

/// Octal digits between spaces, up to a NUL; or GNU's binary form behind a set bit. No size is negative.
fn number(field: &[u8]) -> Option<u64> {
    if let Some((0x80, digits)) = field.split_first() {
        return digits.iter().try_fold(0_u64, |value, byte| {
            value.checked_mul(0x100)?.checked_add(u64::from(*byte))
        });
    }
    let digits = text(field).trim_ascii();
    digits.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value.checked_mul(8)?.checked_add(digit.into())
    })
}

/// What the records of pax headers change of a member.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Pax {
    /// Its path.
    pub(super) name: Option<Vec<u8>>,
    /// Its size in the archive.
    pub(super) size: Option<u64>,
    /// Whether holes were left out.
    pub(super) is_sparse: bool,
    /// Whether the name is that of a sparse file, which counts more.
    has_sparse_name: bool,
}

impl Pax {
    /// Reads the records `LENGTH KEY=VALUE\n`; `None` where one is malformed.
    pub(super) fn add(&mut self, mut records: &[u8]) -> Option<()> {
        // Some writers fill up with NULs.
        while records.first().is_some_and(|byte| *byte != 0) {
            let space = records.iter().position(|byte| *byte == b' ')?;
            let (digits, _) = records.split_at_checked(space)?;
            let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
            let (record, rest) = records.split_at_checked(length)?;
            let body = record.get(space.checked_add(1)?..)?.strip_suffix(b"\n")?;
            let equals = body.iter().position(|byte| *byte == b'=')?;
            let (key, value) = body.split_at_checked(equals)?;
            self.set(key, value.get(1..)?)?;
            records = rest;
        }
        Some(())
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"path" if !self.has_sparse_name => self.name = Some(value.to_vec()),
            b"GNU.sparse.name" => {
                self.name = Some(value.to_vec());
                self.has_sparse_name = true;
            }
            b"size" => self.size = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
            _ => {}
        }
        self.is_sparse |= key.starts_with(b"GNU.sparse.");
        Some(())
    }
}

/// Whether a file begins with a header of a tar archive.
#[must_use]
pub fn is_tar(head: &[u8]) -> bool {
    Header::parse(head).is_some()
}

#[cfg(test)]
mod tests {
    use super::{Pax, number};

    #[test]
    fn numbers() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"    17 \0"), Some(0o17));
        assert_eq!(number(b"\0\0\0"), Some(0));
        assert_eq!(number(&[0x80, 0, 0, 1, 2]), Some(0x102));
        assert_eq!(number(&[0xff, 0xff]), None);
        assert_eq!(number(b"80"), None);
        assert_eq!(number(b"7777777777777777777777777"), None);
    }

    #[test]
    fn records() {
        let mut pax = Pax::default();
        assert_eq!(pax.add(b"12 path=a/b\n20 comment=no=thing\n9 size=8\n"), Some(()));
        assert_eq!(
            (pax.name.as_deref(), pax.size),
            (Some(b"a/b".as_slice()), Some(8))
        );
        for bad in [
            b"12 path=a/b".as_slice(),
            b"4 a=\n",
            b"path=a\n",
            b"3 \n",
            b"9 size=x\n",
            b"99999999999999999999 a=b\n",
        ] {
            assert_eq!(Pax::default().add(bad), None, "{bad:?}");
        }
    }
}
