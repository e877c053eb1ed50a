//! What the first bytes of a file say: whether it is Mach-O, and of which type.

use super::FileType;
use crate::octets::{Endian, u32_be};
use crate::source::View;

/// Magic of a universal file with 64-bit offsets.
pub(super) const FAT_MAGIC_64: u32 = 0xcafe_babf;
/// Apple's `MAX_ARCH_COUNT`.
pub(super) const MAX_ARCHITECTURES: u32 = 100;
/// Headers that are read on the way to the first slice of a universal file.
const MAX_HEADERS: usize = 3;

/// The file type that macOS goes by: that of the first slice, whatever the others are (`Universal::typeOf`). Nothing where the file
/// is not Mach-O to macOS, such as one with 64-bit offsets.
#[must_use]
pub fn type_of<'a>(file: impl Into<View<'a>>) -> Option<FileType> {
    use goblin::mach::fat::{FAT_CIGAM, FAT_MAGIC};
    use goblin::mach::header;
    let file = file.into();
    let mut at = 0u64;
    for _ in 0..MAX_HEADERS {
        // The length of a header, also of the 64-bit one, of which the last field is not read.
        let head = file.range(at, 28)?;
        let endian = match u32_be(head, 0)? {
            header::MH_MAGIC | header::MH_MAGIC_64 => Endian::Big,
            header::MH_CIGAM | header::MH_CIGAM_64 => Endian::Little,
            FAT_MAGIC | FAT_CIGAM => {
                at = u64::from(u32_be(head, 16)?);
                continue;
            }
            _ => return None,
        };
        return endian.u32(head, 12).map(FileType);
    }
    None
}

/// Returns true if macOS looks for a signature in the file itself (`MachORep::candidate`).
#[must_use]
pub fn is_code<'a>(file: impl Into<View<'a>>) -> bool {
    type_of(file).is_some_and(FileType::is_code)
}

/// Bytes at the start of a file that decide whether it is Mach-O: the table of a universal file with all the slices that macOS accepts.
pub const MACHO_HEAD: usize = 8 + 20 * 100;
/// The lowest version of a Java class file (JDK 1.1), which is where a universal file has the number of its slices. Both begin alike.
const LOWEST_CLASS_VERSION: u32 = 45;

/// Returns true if `file`, all of it, is to be read as Mach-O.
#[must_use]
pub fn is_macho<'a>(file: impl Into<View<'a>>) -> bool {
    let file = file.into();
    begins_as_macho(file.head(MACHO_HEAD), file.len())
}

/// Returns true if the file of `size` bytes that begins with `head` is to be read as Mach-O. Eight bytes are enough unless
/// [`needs_macho_head`] says otherwise; then [`MACHO_HEAD`] bytes are.
///
/// Universal files and Java classes have the same magic number. With fewer than 45 slices, the number decides. With more, the file is
/// universal if every slice in its table is in the file, which the kernel requires (`fatfile_validate_fatarches`).
#[must_use]
pub fn begins_as_macho(head: &[u8], size: u64) -> bool {
    use goblin::mach::fat::{FAT_CIGAM, FAT_MAGIC};
    use goblin::mach::header;
    match u32_be(head, 0) {
        Some(header::MH_MAGIC | header::MH_CIGAM | header::MH_MAGIC_64 | header::MH_CIGAM_64) => true,
        Some(FAT_MAGIC) => match u32_be(head, 4) {
            Some(count) if count >= LOWEST_CLASS_VERSION => has_slices(head, count, size),
            count => count.is_some_and(|count| count > 0),
        },
        // No class file begins so.
        Some(FAT_MAGIC_64) => u32_be(head, 4).is_some_and(|count| (1..=MAX_ARCHITECTURES).contains(&count)),
        // With the bytes of its magic number or of its whole header swapped, which no tool writes.
        Some(FAT_CIGAM) => u32_be(head, 4).is_some_and(|count| {
            [count, count.swap_bytes()]
                .iter()
                .any(|count| (1..=MAX_ARCHITECTURES).contains(count))
        }),
        _ => false,
    }
}

/// Returns true if eight bytes do not decide whether the file is Mach-O.
#[must_use]
pub fn needs_macho_head(head: &[u8]) -> bool {
    let count = u32_be(head, 4).filter(|_| u32_be(head, 0) == Some(goblin::mach::fat::FAT_MAGIC));
    count.is_some_and(|count| (LOWEST_CLASS_VERSION..=MAX_ARCHITECTURES).contains(&count))
}

/// Returns true if the table of so many slices is there, and every slice is in the file.
fn has_slices(head: &[u8], count: u32, size: u64) -> bool {
    if count > MAX_ARCHITECTURES {
        return false;
    }
    let end = u64::from(count).saturating_mul(20).saturating_add(8);
    (0..u64::from(count)).all(|index| {
        let at = index.saturating_mul(20).saturating_add(8);
        let field = |offset: u64| u32_be(head, at.saturating_add(offset)).map(u64::from);
        match (field(8), field(12)) {
            (Some(offset), Some(length)) => offset >= end && offset.saturating_add(length) <= size,
            _ => false,
        }
    })
}

/// The file type in the header of the thin file that starts with `head`; `None` for another file.
#[must_use]
pub fn thin_file_type(head: &[u8]) -> Option<FileType> {
    use goblin::mach::header;
    let file_type = match u32_be(head, 0) {
        Some(header::MH_MAGIC | header::MH_MAGIC_64) => u32_be(head, 12),
        Some(header::MH_CIGAM | header::MH_CIGAM_64) => u32_be(head, 12).map(u32::swap_bytes),
        _ => None,
    };
    file_type.map(FileType)
}
