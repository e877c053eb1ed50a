//! Digests of code pages against the code slots of one or several CodeDirectories, in parallel.
//!
//! Implements the page loop of Apple's `SecStaticCode::validateExecutable` (specification 3.7): the geometry
//! comes from one CodeDirectory, each page is hashed with every hash type and compared with the slot of the
//! same number in every CodeDirectory. A page that the file is too short for is hashed as far as it goes.

use rayon::prelude::*;

use super::HashType;

/// Pages hashed by one task: 256 pages of 4 KiB are 1 MiB, well above the cost of scheduling a task.
const PAGES_PER_TASK: u64 = 256;

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
        let size = self.page_size.unwrap_or(self.limit);
        let start = index.saturating_mul(size).min(self.limit);
        let end = start.saturating_add(size).min(self.limit);
        let length = u64::try_from(code.len()).unwrap_or(u64::MAX);
        let start = start.min(length);
        crate::octets::range(code, start, end.min(length).saturating_sub(start)).unwrap_or_default()
    }
}

/// The numbers of the pages of `code` that differ from their slot, ascending.
///
/// `tables` holds, per CodeDirectory, its hash type and its code slots (consecutive digests of that type).
/// A slot that the table is too short for counts as different. `on_bytes` hears the number of bytes of each task
/// before it is hashed, from any thread.
#[must_use]
pub fn mismatched_pages(
    code: &[u8],
    geometry: PageGeometry,
    tables: &[(HashType, &[u8])],
    on_bytes: &(dyn Fn(u64) + Sync),
) -> Vec<u64> {
    let tasks = geometry.count.div_ceil(PAGES_PER_TASK);
    (0..tasks)
        .into_par_iter()
        .flat_map_iter(|task| {
            let first = task.saturating_mul(PAGES_PER_TASK);
            let end = first.saturating_add(PAGES_PER_TASK).min(geometry.count);
            let size = geometry.page_size.unwrap_or(geometry.limit);
            on_bytes(end.saturating_sub(first).saturating_mul(size).min(geometry.limit));
            (first..end).filter(|index| {
                let page = geometry.page(code, *index);
                tables.iter().any(|(hash_type, slots)| {
                    let length = hash_type.length();
                    let slot = usize::try_from(*index)
                        .ok()
                        .and_then(|index| index.checked_mul(length))
                        .and_then(|start| slots.get(start..start.checked_add(length)?));
                    slot != Some(hash_type.digest(page).as_bytes())
                })
            })
        })
        .collect()
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
            mismatched_pages(&code, geometry, &tables, &|_| ()),
            Vec::<u64>::new()
        );
        code[0] ^= 1;
        code[1_234_566] ^= 1;
        assert_eq!(mismatched_pages(&code, geometry, &tables, &|_| ()), vec![0, 301]);
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
            mismatched_pages(&code[..9000], geometry, &[(HashType::Sha256, &slots)], &|_| ()),
            vec![2]
        );
        assert_eq!(
            mismatched_pages(&code, geometry, &[(HashType::Sha256, &slots[..64])], &|_| ()),
            vec![2]
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
            mismatched_pages(&code, geometry, &[(HashType::Sha256, slot.as_bytes())], &|_| ()).is_empty()
        );
    }
}
