//! The code pages of one file or slice (`SecStaticCode::validateExecutable`).

use super::FaultKind;
use super::examination::{Examination, length};
use crate::codedir::CodeDirectory;
use crate::hash::{Digest, HashType, mismatched_digests, mismatched_pages};
use crate::source::prefault;
use crate::timing::Phase;

/// Bytes of a task whose pages are asked for together; for fewer a call of the system costs as much as it saves.
const PREFAULT_FROM: usize = 512 << 10;

impl Examination<'_> {
    /// Pages against every CodeDirectory, cut as the best one says.
    pub(super) fn pages(&mut self, best: &CodeDirectory<'_>, directories: &[CodeDirectory<'_>]) {
        let options = self.options;
        let around = |bytes: &[u8], work: &mut dyn FnMut()| {
            options.measure(Phase::Contents, || {
                if bytes.len() >= PREFAULT_FROM {
                    prefault(bytes);
                }
                options.add_bytes(length(bytes));
                work();
            });
        };
        let geometry = best.geometry();
        let tables: Vec<(HashType, &[u8])> = directories
            .iter()
            .filter_map(|directory| Some((directory.hash_type()?, directory.code_slot_table())))
            .collect();
        if self.options.keeps_page_digests {
            let kept = best.code_slot_table().len().saturating_mul(2);
            if self.options.budget.retain(kept).is_err() {
                return;
            }
            let table = best.code_slot_table();
            self.facts.page_digests = table
                .chunks_exact(usize::from(best.hash_size).max(1))
                .map(Digest::new)
                .collect();
        }
        let data = self.subject.data();
        let hashed = geometry.limit.min(data.len());
        let each = hashed.saturating_add(geometry.count);
        if self
            .options
            .budget
            .hash(each.saturating_mul(count(&tables)))
            .is_err()
        {
            return;
        }
        let bad = match data.whole() {
            Some(bytes) => mismatched_pages(options.kernel, bytes, geometry, &tables, &around),
            None => {
                let digests: Vec<_> = tables
                    .iter()
                    .map(|(hash_type, _)| data.page_digests(geometry, *hash_type))
                    .collect();
                // All are asked for before the first that is missing: then nothing is known.
                let digests: Option<Vec<&[u8]>> = digests.into_iter().collect();
                let Some(digests) = digests else { return };
                options.add_bytes(hashed);
                mismatched_digests(geometry.count, &tables, &digests)
            }
        };
        self.facts.bytes_hashed = hashed;
        self.facts.pages_bad = u64::try_from(bad.len()).unwrap_or(u64::MAX);
        if let Some(first) = bad.first() {
            self.faults.push(FaultKind::Pages {
                bad: self.facts.pages_bad,
                total: geometry.count,
                first: *first,
                offset: first.saturating_mul(geometry.page_size.unwrap_or_default()),
            });
        }
    }
}

fn count<T>(things: &[T]) -> u64 {
    u64::try_from(things.len()).unwrap_or(u64::MAX)
}
