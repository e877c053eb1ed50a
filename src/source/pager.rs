//! Goes along with a file that passes by: keeps bytes and computes digests of pages, as a [`Planner`] says.
//!
//! A planner sees the beginning of what it plans for: it waits for some bytes ahead, and they pass by when it has looked at them.

use super::capture::Run;
use super::content::{Pieces, for_each_piece};
use super::{Capture, Planner, SourceError, View, Wants};
use crate::hash::{HashType, Hasher, Kernel};
use crate::limits::CAPTURED;

/// Bytes that a planner sees at once: 1 MiB. Load commands of real programs have some kilobytes.
const AHEAD: u64 = 1 << 20;
/// Pages that are hashed together: as many as the widest kernel takes at once.
const TOGETHER: usize = 16;

/// The digests of pages so far.
struct Pages {
    run: Run,
    digests: Vec<u8>,
    /// A page of which a part has passed by, and how many bytes.
    begun: Option<(Hasher, u64)>,
}

/// Goes along with one file.
pub(super) struct Pager<'p> {
    size: u64,
    kernel: Kernel,
    planner: &'p mut dyn Planner,
    /// Where the planner wants to look next.
    wake: Option<u64>,
    /// Bytes that wait for the planner.
    ahead: Vec<u8>,
    /// Where the next bytes are in the file, those that wait left out.
    at: u64,
    kept: Vec<Kept>,
    /// How many more bytes may be kept.
    room: u64,
    pages: Vec<Pages>,
    /// Bytes that may still be hashed for a guess. Whoever knows what is wanted has paid for it.
    guesses: u64,
    hash_types: Vec<HashType>,
    hasher: Hasher,
}

/// Bytes that are kept.
struct Kept {
    start: u64,
    length: u64,
    bytes: Vec<u8>,
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// What `bytes`, which are at `at` in the file, have of the part from `start` to `end`.
fn cut(bytes: &[u8], at: u64, start: u64, end: u64) -> &[u8] {
    let from = start.max(at).saturating_sub(at).min(length(bytes));
    let to = end.saturating_sub(at).min(length(bytes));
    crate::octets::range(bytes, from, to.saturating_sub(from)).unwrap_or_default()
}

impl<'p> Pager<'p> {
    pub(super) fn new(size: u64, planner: &'p mut dyn Planner, wants: &Wants, kernel: Kernel) -> Self {
        let mut pager = Self {
            size,
            kernel,
            planner,
            wake: Some(0),
            ahead: Vec::new(),
            at: 0,
            kept: Vec::new(),
            room: CAPTURED,
            pages: Vec::new(),
            // Slices do not share bytes, and have two types of digests.
            guesses: size.saturating_mul(2),
            hash_types: wants.digests.clone(),
            hasher: Hasher::new(&wants.digests),
        };
        pager.want(wants);
        pager
    }

    /// Keeps this from here on.
    fn want(&mut self, wants: &Wants) {
        for (start, length) in &wants.ranges {
            let end = start.saturating_add(*length);
            let is_there =
                |kept: &Kept| kept.start <= *start && end <= kept.start.saturating_add(kept.length);
            if *start < self.at || end > self.size || self.kept.iter().any(is_there) {
                continue;
            }
            // What is not kept is missed.
            if let Some(room) = self.room.checked_sub(*length) {
                self.room = room;
                self.kept.push(Kept {
                    start: *start,
                    length: *length,
                    bytes: Vec::new(),
                });
            }
        }
        for run in &wants.runs {
            if run.start >= self.at && self.pages.iter().all(|known| known.run != *run) {
                self.pages.push(Pages {
                    run: *run,
                    digests: Vec::new(),
                    begun: None,
                });
            }
        }
    }

    /// The next bytes of the file.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        if self.ahead.is_empty() {
            self.go_on(bytes);
        } else {
            let mut ahead = std::mem::take(&mut self.ahead);
            ahead.extend_from_slice(bytes);
            self.go_on(&ahead);
        }
    }

    /// Lets bytes pass by, up to where the planner has to see more of them first.
    fn go_on(&mut self, mut bytes: &[u8]) {
        while let Some(wake) = self.wake {
            let before = cut(bytes, self.at, self.at, wake);
            bytes = bytes.get(before.len()..).unwrap_or_default();
            self.pass(before);
            if self.at < wake {
                return;
            }
            let needed = AHEAD.min(self.size.saturating_sub(self.at));
            if length(bytes) < needed {
                self.ahead = bytes.to_vec();
                return;
            }
            self.look(bytes);
        }
        self.pass(bytes);
    }

    /// Lets the planner look at the next bytes.
    fn look(&mut self, bytes: &[u8]) {
        let start = self.at;
        let known = Capture::known(self.size, start, bytes.to_vec());
        let (wants, wake) = self.planner.look(View::from(&known), start);
        self.want(&known.missing());
        let mut guess = wants;
        guess.runs.retain(|run| {
            let left = self.guesses.checked_sub(run.end.saturating_sub(run.start));
            self.guesses = left.unwrap_or(self.guesses);
            left.is_some()
        });
        self.want(&guess);
        self.wake = wake.filter(|wake| *wake > start && *wake < self.size);
    }

    /// Keeps and hashes what is wanted of the next bytes.
    fn pass(&mut self, bytes: &[u8]) {
        let at = self.at;
        for kept in &mut self.kept {
            let end = kept.start.saturating_add(kept.length);
            kept.bytes.extend_from_slice(cut(bytes, at, kept.start, end));
        }
        for pages in &mut self.pages {
            pages.push(cut(bytes, at, pages.run.start, pages.run.end), self.kernel);
        }
        self.at = at.saturating_add(length(bytes));
    }

    /// What was kept, when everything has passed by.
    pub(super) fn end(mut self) -> Capture {
        // A file that is shorter than its container says.
        let ahead = std::mem::take(&mut self.ahead);
        self.pass(&ahead);
        let is_whole = |kept: &Kept| length(&kept.bytes) == kept.length;
        let kept = self.kept.into_iter().filter(is_whole);
        let digest = |hash_type: &HashType| Some((*hash_type, self.hasher.digest(*hash_type)?));
        let mut capture = Capture::new(self.size);
        capture.digests = self.hash_types.iter().filter_map(digest).collect();
        capture.kept = kept.map(|kept| (kept.start, kept.bytes)).collect();
        capture.runs = self.pages.into_iter().map(Pages::end).collect();
        capture
    }
}

impl Pages {
    /// The next bytes of the run.
    fn push(&mut self, mut bytes: &[u8], kernel: Kernel) {
        let size = usize::try_from(self.run.page_size).unwrap_or(usize::MAX);
        if let Some((mut hasher, done)) = self.begun.take() {
            let left = self.run.page_size.saturating_sub(done);
            let left = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            let (piece, rest) = bytes.split_at_checked(left).unwrap_or_default();
            hasher.update(piece);
            let done = done.saturating_add(length(piece));
            if done < self.run.page_size {
                self.begun = Some((hasher, done));
                return;
            }
            self.add(&hasher);
            bytes = rest;
        }
        let mut pages = bytes.chunks_exact(size);
        let mut together = Vec::with_capacity(TOGETHER);
        loop {
            together.clear();
            together.extend(pages.by_ref().take(TOGETHER));
            if together.is_empty() {
                break;
            }
            for digest in kernel.digests(self.run.hash_type, &together) {
                self.digests.extend_from_slice(digest.as_bytes());
            }
        }
        let rest = pages.remainder();
        if !rest.is_empty() {
            let mut hasher = Hasher::new(&[self.run.hash_type]);
            hasher.update(rest);
            self.begun = Some((hasher, length(rest)));
        }
    }

    fn add(&mut self, hasher: &Hasher) {
        if let Some(digest) = hasher.digest(self.run.hash_type) {
            self.digests.extend_from_slice(digest.as_bytes());
        }
    }

    /// The digests, with that of the last page, which may be shorter.
    fn end(mut self) -> (Run, Vec<u8>) {
        if let Some((hasher, _)) = self.begun.take() {
            self.add(&hasher);
        }
        (self.run, self.digests)
    }
}

impl Capture {
    /// Reads a file once, and keeps what `wants` and the planner say.
    ///
    /// # Errors
    /// [`SourceError`] where the file cannot be read to its end.
    pub fn of(
        pieces: &mut dyn Pieces,
        planner: &mut dyn Planner,
        wants: &Wants,
        kernel: Kernel,
    ) -> Result<Self, SourceError> {
        let mut pager = Pager::new(pieces.size(), planner, wants, kernel);
        for_each_piece(pieces, &mut |piece| pager.push(piece))?;
        Ok(pager.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at given places, and keeps ten bytes and pages from there on.
    struct Places {
        rest: Vec<u64>,
        runs: Vec<Run>,
        seen: Vec<(u64, u64)>,
    }

    impl Planner for Places {
        fn look(&mut self, known: View<'_>, start: u64) -> (Wants, Option<u64>) {
            let mut wants = Wants::default();
            assert!(known.range(start, 10.min(known.len() - start)).is_some());
            self.seen.push((start, known.len()));
            for run in self.runs.iter().filter(|run| run.start >= start) {
                wants.pages(*run);
            }
            (wants, self.rest.pop())
        }
    }

    fn bytes(length: usize) -> Vec<u8> {
        (0..length as u32)
            .map(|number| (number ^ number >> 9).to_le_bytes()[0])
            .collect()
    }

    fn expected(bytes: &[u8], run: Run) -> Vec<u8> {
        bytes[run.start as usize..run.end as usize]
            .chunks(run.page_size as usize)
            .flat_map(|page| run.hash_type.digest(page).as_bytes().to_vec())
            .collect()
    }

    /// Pages that lie across the pieces in which the file comes, of any size, from any place on, in several runs over the same bytes.
    #[test]
    fn digests_do_not_depend_on_pieces() {
        let file = bytes(3_500_000);
        let end = file.len() as u64;
        let run = |start, end, page_size, hash_type| Run {
            start,
            end,
            page_size,
            hash_type,
        };
        let runs = [
            run(0, end, 4096, HashType::Sha256),
            run(16_384, 3_400_001, 16_384, HashType::Sha256),
            run(1_500_003, end, 4096, HashType::Sha1),
            run(1_500_003, 1_500_004, 4096, HashType::Sha256Truncated),
            // One page of everything.
            run(0, end, end, HashType::Sha384),
        ];
        for piece in [1000, 65_536, 524_288, 4_000_000] {
            let mut planner = Places {
                rest: vec![1_500_003, 16_384],
                runs: runs[..2].to_vec(),
                seen: Vec::new(),
            };
            let mut wants = Wants::default();
            // Only the file twice is hashed for a guess.
            runs[2..].iter().for_each(|run| wants.pages(*run));
            wants.range(3_000_000, 70_000);
            wants.digest(HashType::Sha256);
            let mut pager = Pager::new(end, &mut planner, &wants, Kernel::default());
            for piece in file.chunks(piece) {
                pager.push(piece);
            }
            let capture = pager.end();
            let seen: Vec<u64> = planner.seen.iter().map(|(start, _)| *start).collect();
            assert_eq!(seen, [0, 16_384, 1_500_003], "{piece}");
            for run in runs {
                assert_eq!(capture.pages(run), Some(&expected(&file, run)[..]), "{run:?}");
            }
            assert_eq!(
                capture.range(3_000_000, 70_000),
                Some(&file[3_000_000..3_070_000])
            );
            assert_eq!(capture.range(3_000_500, 7), Some(&file[3_000_500..3_000_507]));
            // What the planner has looked at.
            assert_eq!(capture.range(16_384, 10), Some(&file[16_384..16_394]));
            assert_eq!(
                capture.digest(HashType::Sha256),
                Some(HashType::Sha256.digest(&file))
            );
            assert!(capture.missing().is_empty());
            // What was not kept is missed, and said to be.
            assert_eq!(capture.range(2_000_000, 4), None);
            assert_eq!(capture.pages(run(0, 10, 4, HashType::Sha1)), None);
            assert_eq!(capture.missing().ranges, [(2_000_000, 4)]);
            assert_eq!(capture.missing().runs, [run(0, 10, 4, HashType::Sha1)]);
        }
    }

    /// Slices that share their bytes: a file of some bytes could be hashed a hundred times.
    #[test]
    fn no_more_is_hashed_for_a_guess_than_the_file_twice() {
        let file = bytes(100_000);
        let run = |start| Run {
            start,
            end: 100_000,
            page_size: 4096,
            hash_type: HashType::Sha256,
        };
        let mut planner = Places {
            rest: Vec::new(),
            runs: vec![run(0), run(1), run(2), run(3)],
            seen: Vec::new(),
        };
        let mut wants = Wants::default();
        wants.pages(run(7));
        let mut pager = Pager::new(100_000, &mut planner, &wants, Kernel::default());
        pager.push(&file);
        let capture = pager.end();
        let known = [0, 1, 2, 3, 7].map(|start| capture.pages(run(start)).is_some());
        assert_eq!(known, [true, true, false, false, true]);
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let file = bytes(100_000);
        let mut planner = Places {
            rest: Vec::new(),
            runs: Vec::new(),
            seen: Vec::new(),
        };
        let mut wants = Wants::default();
        // Beyond the end, before the end, and more than may be kept.
        wants.range(99_000, 1001);
        wants.range(99_000, 1000);
        let mut pager = Pager::new(100_000, &mut planner, &wants, Kernel::default());
        pager.room = 500;
        let mut more = Wants::default();
        more.range(50_000, 501);
        more.range(60_000, 500);
        pager.want(&more);
        pager.push(&file);
        let capture = pager.end();
        assert!(capture.range(99_000, 1000).is_some());
        assert!(capture.range(60_000, 500).is_some());
        assert!(capture.range(50_000, 501).is_none());
        assert_eq!(capture.missing().ranges, [(50_000, 501)]);
    }
}
