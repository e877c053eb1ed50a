//! Digests of code pages against the code slots of one or several CodeDirectories, in parallel and in lanes.
//!
//! Implements the page loop of Apple's `SecStaticCode::validateExecutable` (specification 3.7): the geometry
//! comes from one CodeDirectory, each page is hashed with every hash type and compared with the slot of the
//! same number in every CodeDirectory. A page that the file is too short for is hashed as far as it goes.

use std::ops::Range;

use super::{Digest, HashType, Kernel};
use crate::parallel;

/// Bytes hashed by one task, well above the cost of scheduling it.
const BYTES_PER_TASK: u64 = 1 << 20;
/// Pages hashed with one hash type before the next: as many as the widest kernel takes at once. Of 16 KiB they are
/// 256 KiB, which the second cache of every processor in question holds.
const PAGES_PER_GROUP: u64 = 16;

/// What is called for each task, with the bytes of its pages and the work on them.
pub type Around<'a> = dyn Fn(&[u8], &mut dyn FnMut()) + Sync + 'a;

/// How a slice is cut into pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageGeometry {
    /// Bytes covered by code slots, from the start of the slice.
    pub limit: u64,
    /// Bytes in a page, or `None` when all covered bytes are one page.
    pub page_size: Option<u64>,
    /// Number of code slots.
    pub count: u64,
}

impl PageGeometry {
    /// The bytes of page `index` that exist in `code`, which may be shorter than the geometry says.
    fn page<'a>(&self, code: &'a [u8], index: u64) -> &'a [u8] {
        self.pages(code, index..index.saturating_add(1))
    }

    /// The same of neighbouring pages.
    fn pages<'a>(&self, code: &'a [u8], pages: Range<u64>) -> &'a [u8] {
        let size = self.page_size.unwrap_or(self.limit);
        let start = pages.start.saturating_mul(size).min(self.limit);
        let end = pages.end.saturating_mul(size).min(self.limit);
        let length = u64::try_from(code.len()).unwrap_or(u64::MAX);
        let start = start.min(length);
        crate::octets::range(code, start, end.min(length).saturating_sub(start)).unwrap_or_default()
    }
}

/// The numbers of the pages of `code` that differ from their slot, ascending.
///
/// `tables` holds, per CodeDirectory, its hash type and its code slots (consecutive digests of that type).
/// A slot that the table is too short for counts as different. `around` is called for each task with its bytes and the
/// work on them, from any thread; it must do the work.
#[must_use]
pub fn mismatched_pages(
    kernel: Kernel,
    code: &[u8],
    geometry: PageGeometry,
    tables: &[(HashType, &[u8])],
    around: &Around<'_>,
) -> Vec<u64> {
    let size = geometry.page_size.unwrap_or(geometry.limit).max(1);
    let per_task = BYTES_PER_TASK
        .checked_div(size)
        .unwrap_or(1)
        .max(PAGES_PER_GROUP)
        .next_multiple_of(PAGES_PER_GROUP);
    let tasks = geometry.count.div_ceil(per_task);
    let run = |task: usize| {
        let first = u64::try_from(task).unwrap_or(u64::MAX).saturating_mul(per_task);
        let end = first.saturating_add(per_task).min(geometry.count);
        let mut bad = Vec::new();
        around(geometry.pages(code, first..end), &mut || {
            let mut at = first;
            while at < end {
                let next = at.saturating_add(PAGES_PER_GROUP).min(end);
                group(kernel, code, geometry, tables, at..next, &mut bad);
                at = next;
            }
        });
        bad
    };
    parallel::flat_map(usize::try_from(tasks).unwrap_or(usize::MAX), run)
}

/// The numbers of the pages whose digests differ from their slot, ascending, where the pages themselves are gone.
///
/// `tables` is that of [`mismatched_pages`], and `digests` has the digests of the pages for each of its hash types, one after the other.
/// Pages without a digest are beyond the end of the file, and have no bytes.
#[must_use]
pub fn mismatched_digests(count: u64, tables: &[(HashType, &[u8])], digests: &[&[u8]]) -> Vec<u64> {
    let mut bad = vec![false; usize::try_from(count).unwrap_or_default()];
    for ((hash_type, slots), digests) in tables.iter().zip(digests) {
        let length = hash_type.length();
        let empty = hash_type.digest(&[]);
        let digests = digests
            .chunks_exact(length)
            .chain(std::iter::repeat(empty.as_bytes()));
        let slots = slots
            .chunks_exact(length)
            .map(Some)
            .chain(std::iter::repeat(None));
        for ((bad, digest), slot) in bad.iter_mut().zip(digests).zip(slots) {
            *bad |= slot != Some(digest);
        }
    }
    (0..)
        .zip(bad)
        .filter(|(_, bad)| *bad)
        .map(|(index, _)| index)
        .collect()
}

/// Hashes neighbouring pages with every hash type while they are in the cache, and adds the bad ones to `bad`.
fn group(
    kernel: Kernel,
    code: &[u8],
    geometry: PageGeometry,
    tables: &[(HashType, &[u8])],
    pages: Range<u64>,
    bad: &mut Vec<u64>,
) {
    let contents: Vec<&[u8]> = pages.clone().map(|index| geometry.page(code, index)).collect();
    let digests: Vec<Vec<Digest>> = tables
        .iter()
        .map(|(hash_type, _)| kernel.digests(*hash_type, &contents))
        .collect();
    for (nth, index) in pages.enumerate() {
        let is_good = tables.iter().zip(&digests).all(|((hash_type, slots), digests)| {
            let length = hash_type.length();
            let slot = usize::try_from(index)
                .ok()
                .and_then(|index| index.checked_mul(length))
                .and_then(|start| slots.get(start..start.checked_add(length)?));
            slot.is_some() && slot == digests.get(nth).map(Digest::as_bytes)
        });
        if !is_good {
            bad.push(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(code: &[u8], page: usize, hash_type: HashType) -> Vec<u8> {
        code.chunks(page)
            .flat_map(|page| hash_type.digest(page).as_bytes().to_vec())
            .collect()
    }

    #[test]
    fn finds_exactly_the_changed_pages() {
        let mut code: Vec<u8> = (0..1_234_567u32)
            .map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1])
            .collect();
        let sha1 = table(&code, 4096, HashType::Sha1);
        let sha256 = table(&code, 4096, HashType::Sha256);
        let tables = [(HashType::Sha1, &sha1[..]), (HashType::Sha256, &sha256[..])];
        let geometry = PageGeometry {
            limit: 1_234_567,
            page_size: Some(4096),
            count: 1_234_567u64.div_ceil(4096),
        };
        assert_eq!(
            mismatched_pages(Kernel::default(), &code, geometry, &tables, &|_, work| work()),
            Vec::<u64>::new()
        );
        code[0] ^= 1;
        code[1_234_566] ^= 1;
        assert_eq!(
            mismatched_pages(Kernel::default(), &code, geometry, &tables, &|_, work| work()),
            vec![0, 301]
        );
    }

    #[test]
    fn a_short_file_and_a_short_table_are_mismatches() {
        let code = vec![7; 10_000];
        let slots = table(&code, 4096, HashType::Sha256);
        let geometry = PageGeometry {
            limit: 10_000,
            page_size: Some(4096),
            count: 3,
        };
        assert_eq!(
            mismatched_pages(
                Kernel::default(),
                &code[..9000],
                geometry,
                &[(HashType::Sha256, &slots)],
                &|_, work| work()
            ),
            vec![2]
        );
        assert_eq!(
            mismatched_pages(
                Kernel::default(),
                &code,
                geometry,
                &[(HashType::Sha256, &slots[..64])],
                &|_, work| work()
            ),
            vec![2]
        );
    }

    /// Digests that were computed before say the same as the pages themselves.
    #[test]
    fn digests_of_pages_say_the_same() {
        let code: Vec<u8> = (0..40_000u32).map(|i| i.to_le_bytes()[0] ^ 7).collect();
        let mut slots = [HashType::Sha1, HashType::Sha256].map(|hash_type| table(&code, 4096, hash_type));
        let found = slots.clone();
        slots[0][20 * 9] ^= 1;
        slots[1][32 * 3] ^= 1;
        // One slot is missing; there are two more slots than pages, and one page has no bytes.
        slots[1].extend(HashType::Sha256.digest(b"").as_bytes());
        slots[0].extend(HashType::Sha1.digest(b"").as_bytes());
        slots[0].extend([0; 20]);
        let tables = [(HashType::Sha1, &slots[0][..]), (HashType::Sha256, &slots[1][..])];
        let geometry = PageGeometry {
            limit: 40_000,
            page_size: Some(4096),
            count: 12,
        };
        let of_digests = mismatched_digests(12, &tables, &[&found[0], &found[1]]);
        assert_eq!(of_digests, [3, 9, 11]);
        assert_eq!(
            mismatched_pages(Kernel::default(), &code, geometry, &tables, &|_, work| work()),
            of_digests
        );
    }

    #[test]
    fn page_size_zero_is_one_page() {
        let code = vec![7; 10_000];
        let slot = HashType::Sha256.digest(&code);
        let geometry = PageGeometry {
            limit: 10_000,
            page_size: None,
            count: 1,
        };
        assert!(
            mismatched_pages(
                Kernel::default(),
                &code,
                geometry,
                &[(HashType::Sha256, slot.as_bytes())],
                &|_, work| work()
            )
            .is_empty()
        );
    }
}
