//! Digests of many independent messages with a compression function that takes several blocks at once.
//!
//! FIPS 180-4 sections 5.1.1 (padding) and 5.3 (initial values). Every lane holds one message; when it ends the next
//! one takes the lane, so lengths may differ, though equal ones, like those of code pages, cost least. What the lanes
//! cannot share any more at the end is left to `sha1` and `sha2`.

use super::{Block, Digest};

/// A hash function with blocks of 64 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Algorithm<const WORDS: usize> {
    initial: [u32; WORDS],
    /// The compression function for a single message.
    alone: fn(&mut [u32; WORDS], &[Block]),
}

/// SHA-1.
pub(super) const SHA1: Algorithm<5> = Algorithm {
    initial: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0],
    alone: sha1::block_api::compress,
};

/// SHA-256.
pub(super) const SHA256: Algorithm<8> = Algorithm {
    initial: [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ],
    alone: sha2::block_api::compress256,
};

/// One message at work.
struct Lane<'m> {
    /// Number of the message; `None` when there is none left for this lane.
    message: Option<usize>,
    /// Whole blocks of the message that are still to come.
    body: &'m [Block],
    /// What follows on them: the last bytes, the padding and the length, at the end of two blocks.
    tail: [Block; 2],
    /// Blocks of the tail that are still to come.
    tail_left: usize,
}

impl<'m> Lane<'m> {
    /// A lane without a message.
    const IDLE: Self = Self {
        message: None,
        body: &[],
        tail: [[0; 64]; 2],
        tail_left: 0,
    };

    /// Puts the next message into this lane. It is made in place: what was just written byte by byte is slow to copy.
    fn take(&mut self, message: Option<(usize, &'m [u8])>) {
        let Some((index, bytes)) = message else {
            self.message = None;
            return;
        };
        let (body, last) = bytes.as_chunks::<64>();
        self.message = Some(index);
        self.body = body;
        self.tail = [[0; 64]; 2];
        // The bit behind the message and the length take nine bytes.
        self.tail_left = if last.len() > 64 - 9 { 2 } else { 1 };
        let flat = self.tail.as_flattened_mut();
        let start = if self.tail_left == 2 { 0 } else { 64 };
        let behind = flat.get_mut(start..).unwrap_or_default();
        if let Some((target, rest)) = behind.split_at_mut_checked(last.len()) {
            target.copy_from_slice(last);
            if let Some(bit) = rest.first_mut() {
                *bit = 0x80;
            }
        }
        let bits = u64::try_from(bytes.len()).unwrap_or(u64::MAX).wrapping_mul(8);
        if let Some(target) = flat.last_chunk_mut() {
            *target = bits.to_be_bytes();
        }
    }

    /// The blocks that lie next to each other at its front; none when the message is done.
    fn front(&self) -> &[Block] {
        if self.body.is_empty() {
            let done = self.tail.len().saturating_sub(self.tail_left);
            self.tail.get(done..).unwrap_or_default()
        } else {
            self.body
        }
    }

    /// Leaves the first `count` blocks behind.
    fn advance(&mut self, count: usize) {
        if self.body.is_empty() {
            self.tail_left = self.tail_left.saturating_sub(count);
        } else {
            self.body = self.body.get(count..).unwrap_or_default();
        }
    }
}

/// The digests of `messages`, in their order.
///
/// `together` takes as many blocks into the states of its lanes as the shortest of the slices has. With fewer than
/// `enough` messages left each is finished alone.
pub(super) fn digests<const WORDS: usize, const LANES: usize>(
    algorithm: &Algorithm<WORDS>,
    enough: usize,
    messages: &[&[u8]],
    together: impl Fn(&mut [[u32; LANES]; WORDS], &[&[Block]; LANES]),
) -> Vec<Digest> {
    let mut digests = vec![Digest::new(&[]); messages.len()];
    let mut queue = messages.iter().copied().enumerate();
    let mut lanes: [Lane<'_>; LANES] = [Lane::IDLE; LANES];
    lanes.iter_mut().for_each(|lane| lane.take(queue.next()));
    let mut states = algorithm.initial.map(|word| [word; LANES]);
    let is_busy = |lane: &&Lane<'_>| lane.message.is_some();
    while lanes.iter().filter(is_busy).count() >= enough.max(1) {
        let busy = || lanes.iter().filter(is_busy).map(Lane::front);
        let count = busy().map(<[Block]>::len).min().unwrap_or_default();
        // A lane without a message repeats another one's work.
        let any = busy().next().unwrap_or_default();
        let fronts: [&[Block]; LANES] = std::array::from_fn(|index| {
            let lane = lanes.get(index).filter(is_busy);
            lane.map_or(any, Lane::front).get(..count).unwrap_or_default()
        });
        together(&mut states, &fronts);
        for (index, lane) in lanes.iter_mut().enumerate() {
            let Some(message) = lane.message else { continue };
            lane.advance(count);
            if lane.front().is_empty() {
                if let Some(digest) = digests.get_mut(message) {
                    *digest = finished(state_of(&states, index));
                }
                lane.take(queue.next());
                for (words, initial) in states.iter_mut().zip(algorithm.initial) {
                    if let Some(word) = words.get_mut(index) {
                        *word = initial;
                    }
                }
            }
        }
    }
    for (index, lane) in lanes.iter().enumerate() {
        let Some(message) = lane.message else { continue };
        let mut state = state_of(&states, index);
        (algorithm.alone)(&mut state, lane.body);
        let done = lane.tail.len().saturating_sub(lane.tail_left);
        (algorithm.alone)(&mut state, lane.tail.get(done..).unwrap_or_default());
        if let Some(digest) = digests.get_mut(message) {
            *digest = finished(state);
        }
    }
    digests
}

/// The state of one lane.
fn state_of<const WORDS: usize, const LANES: usize>(
    states: &[[u32; LANES]; WORDS],
    lane: usize,
) -> [u32; WORDS] {
    std::array::from_fn(|word| {
        states
            .get(word)
            .and_then(|words| words.get(lane))
            .copied()
            .unwrap_or_default()
    })
}

/// The digest that is a final state: its words, each with its highest byte first.
fn finished<const WORDS: usize>(state: [u32; WORDS]) -> Digest {
    Digest::new(state.map(u32::to_be_bytes).as_flattened())
}
