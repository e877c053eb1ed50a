//! Reads the sealed files of a bundle, each once, and holds their digests against the seal.
//!
//! Large files are tasks of their own, the largest first; small ones are read together, in the order of the walk, and
//! hashed in lanes. The same read says which files begin like Mach-O. Each thread takes the next task when it is through with one,
//! and every result goes back to its place, so that nothing depends on the order in which threads finish.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::context::Context;
use crate::bundle::{Item, SealEntry};
use crate::hash::{Digest, HashType};
use crate::parallel;
use crate::source::{SourceError, Tree};
use crate::timing::Phase;

/// Files up to this many bytes are read whole and hashed together.
const SMALL_FILE: u64 = 64 << 10;
/// Bytes of small files that are read before they are hashed: the second cache holds them.
const BATCH_BYTES: u64 = 512 << 10;
/// Small files in one batch, so that empty ones do not make one task of all.
const BATCH_FILES: usize = 256;

/// What is known of a sealed file that was read.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// Whether it has the sealed digest of every hash type that the CodeDirectories use.
    pub(super) intact: Result<bool, Box<SourceError>>,
    /// Whether it may have extended attributes.
    pub(super) may_have_attributes: bool,
}

impl Reading {
    /// Nothing was asked about attributes.
    fn new(intact: Result<bool, SourceError>) -> Self {
        Self {
            intact: intact.map_err(Box::new),
            may_have_attributes: true,
        }
    }
}

/// Reads every file.
pub(super) fn read<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    files: &[&Item<'_>],
    hash_types: &[HashType],
) -> Vec<Reading> {
    let size = |index: &usize| {
        files
            .get(*index)
            .map_or(0, |file| context.tree.node(file.node).size)
    };
    // All at once, before the first is read: what is over the budget costs nothing, holes in large files included.
    let bytes = (0..files.len()).fold(0_u64, |sum, index| sum.saturating_add(size(&index)));
    let budget = context.tree.budget();
    let types = u64::try_from(hash_types.len()).unwrap_or(u64::MAX);
    let kept = files.len().saturating_mul(size_of::<Reading>());
    let charged = budget.hash(bytes.saturating_mul(types));
    if charged.and_then(|()| budget.retain(kept)).is_err() {
        return vec![Reading::new(Ok(false)); files.len()];
    }
    // Small files stay in the order of the walk: the system finds neighbours faster.
    let (mut order, small): (Vec<usize>, Vec<usize>) =
        (0..files.len()).partition(|index| size(index) > SMALL_FILE);
    order.sort_by_key(|index| (std::cmp::Reverse(size(index)), *index));
    order.extend(small);
    let mut tasks: Vec<&[usize]> = Vec::new();
    let mut rest = order.as_slice();
    while let Some(first) = rest.first() {
        let mut bytes = 0u64;
        let fits = |index: &&usize| {
            bytes = bytes.saturating_add(size(index));
            bytes <= BATCH_BYTES
        };
        let count = match size(first) {
            0..=SMALL_FILE => rest.iter().take(BATCH_FILES).take_while(fits).count().max(1),
            _ => 1,
        };
        let (task, others) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        tasks.push(task);
        rest = others;
    }
    let next = AtomicUsize::new(0);
    let work = |_| {
        let mut done = Vec::new();
        // Room for one batch after the other: fresh memory costs as much as a tenth of the reading.
        let mut buffer = Vec::new();
        while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            if budget.is_spent() {
                break;
            }
            let chosen = || {
                task.iter()
                    .filter_map(|index| Some((*index, *files.get(*index)?)))
            };
            context.options.measure(Phase::Contents, || {
                if task.first().is_some_and(|first| size(first) > SMALL_FILE) {
                    let read = |file| Reading::new(streamed(context, file, hash_types));
                    done.extend(chosen().map(|(index, file)| (index, read(file))));
                } else {
                    let chosen: Vec<_> = chosen().collect();
                    buffer.clear();
                    batch(context, &chosen, hash_types, &mut buffer, &mut done);
                }
            });
        }
        done
    };
    // What one thread can do is done before another one has woken up.
    let threads = parallel::threads().min(tasks.len());
    let done = parallel::flat_map(threads, work);
    let mut results = vec![Reading::new(Ok(false)); files.len()];
    for (index, outcome) in done {
        if let Some(place) = results.get_mut(index) {
            *place = outcome;
        }
    }
    results
}

/// Reads small files one after the other into an empty buffer, then hashes them together.
fn batch<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    files: &[(usize, &Item<'_>)],
    hash_types: &[HashType],
    buffer: &mut Vec<u8>,
    done: &mut Vec<(usize, Reading)>,
) {
    let mut ends = Vec::with_capacity(files.len());
    for (_, file) in files {
        let start = buffer.len();
        ends.push(context.tree.append(file.node, buffer).map(|may_have_attributes| {
            let contents = buffer.get(start..).unwrap_or_default();
            context
                .heads
                .remember(file.node, contents, context.tree.node(file.node).size);
            (start..buffer.len(), may_have_attributes)
        }));
    }
    let contents: Vec<&[u8]> = ends
        .iter()
        .map(|range| {
            let range = range.as_ref().map(|(range, _)| range.clone());
            buffer.get(range.unwrap_or_default()).unwrap_or_default()
        })
        .collect();
    let options = context.options;
    options.add_bytes(u64::try_from(buffer.len()).unwrap_or(u64::MAX));
    if let Some(progress) = &options.progress {
        files.iter().for_each(|_| progress.add_file());
    }
    // Messages of like length share the lanes of a kernel best.
    let mut by_length: Vec<(usize, &[u8])> = contents.into_iter().enumerate().collect();
    by_length.sort_by_key(|(_, contents)| std::cmp::Reverse(contents.len()));
    let (places, contents): (Vec<usize>, Vec<&[u8]>) = by_length.into_iter().unzip();
    let mut lane = vec![0; files.len()];
    for (nth, place) in places.into_iter().enumerate() {
        if let Some(lane) = lane.get_mut(place) {
            *lane = nth;
        }
    }
    let digests: Vec<(HashType, Vec<Digest>)> = hash_types
        .iter()
        .map(|hash_type| (*hash_type, context.options.kernel.digests(*hash_type, &contents)))
        .collect();
    let results = files
        .iter()
        .zip(ends)
        .zip(lane)
        .map(|(((index, file), range), nth)| {
            let may_have_attributes = range.as_ref().map_or(true, |(_, may_have)| *may_have);
            let intact = range.map_err(Box::new).map(|_| {
                digests
                    .iter()
                    .all(|(hash_type, digests)| is_sealed(file.entry, *hash_type, digests.get(nth)))
            });
            let reading = Reading {
                intact,
                may_have_attributes,
            };
            (*index, reading)
        });
    done.extend(results);
}

/// Reads and hashes a large file piece by piece.
fn streamed<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    file: &Item<'_>,
    hash_types: &[HashType],
) -> Result<bool, SourceError> {
    let options = context.options;
    let mut is_first = true;
    let digests = context.tree.digests(file.node, hash_types, &mut |chunk| {
        if std::mem::take(&mut is_first) {
            context
                .heads
                .remember(file.node, chunk, context.tree.node(file.node).size);
        }
        options.add_bytes(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
    })?;
    if let Some(progress) = &options.progress {
        progress.add_file();
    }
    let mut found = hash_types.iter().zip(&digests);
    Ok(found.all(|(hash_type, digest)| is_sealed(file.entry, *hash_type, Some(digest))))
}

/// Apple compares as many bytes as the digest has; longer sealed values pass (specification 6.8).
fn is_sealed(entry: &SealEntry, hash_type: HashType, found: Option<&Digest>) -> bool {
    match (entry.digest(hash_type), found) {
        (Some(sealed), Some(found)) => sealed.starts_with(found.as_bytes()),
        _ => false,
    }
}
