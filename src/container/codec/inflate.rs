//! Inflates deflated data into buffers of the caller, never more than they have room for (RFC 1951).
//!
//! This is the only module that uses the library for it. Not checked: lengths and checksums, which the formats around the data have.

use std::borrow::BorrowMut;

use zlib_rs::{Inflate, InflateFlush, Status};

/// The largest window that deflated data may use, as a power of two.
const WINDOW_BITS: u8 = 15;

/// The state of the decompressor; one stream after the other may use it.
pub struct Inflater(Inflate);

impl Default for Inflater {
    fn default() -> Self {
        Self(Inflate::new(false, WINDOW_BITS))
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inflater")
    }
}

/// Where inflating stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::container) enum Stop {
    /// The buffer is full.
    Full,
    /// The deflated data ended.
    End,
    /// The input ended before the deflated data did.
    Cut,
    /// The data is not deflated.
    Broken,
}

/// One stream of deflated data.
#[derive(Debug)]
pub(in crate::container) struct Deflated<'a, I = Inflater> {
    rest: &'a [u8],
    inflater: I,
    is_over: bool,
}

impl<'a, I: BorrowMut<Inflater>> Deflated<'a, I> {
    /// The stream at the start of `data`. Nothing is inflated yet.
    pub(in crate::container) fn new(data: &'a [u8], mut inflater: I) -> Self {
        inflater.borrow_mut().0.reset(false);
        Self {
            rest: data,
            inflater,
            is_over: false,
        }
    }

    /// The input that was not used so far; after the end, what follows the deflated data.
    pub(in crate::container) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Writes the next bytes to `output`: as many as it has room for unless inflating stops before.
    pub(in crate::container) fn fill(&mut self, output: &mut [u8]) -> (usize, Stop) {
        let mut count = 0_usize;
        while !self.is_over {
            let Some(room) = output.get_mut(count..).filter(|room| !room.is_empty()) else {
                return (count, Stop::Full);
            };
            let state = &mut self.inflater.borrow_mut().0;
            let before = (state.total_in(), state.total_out());
            let status = state.decompress(self.rest, room, InflateFlush::NoFlush);
            let read = difference(state.total_in(), before.0);
            let written = difference(state.total_out(), before.1);
            self.rest = self.rest.get(read..).unwrap_or_default();
            count = count.saturating_add(written);
            match status {
                Ok(Status::StreamEnd) => self.is_over = true,
                Ok(_) if read == 0 && written == 0 => return (count, Stop::Cut),
                Ok(_) => {}
                Err(_) => return (count, Stop::Broken),
            }
        }
        (count, Stop::End)
    }
}

/// Bytes that one call read or wrote, which fit into a slice.
fn difference(after: u64, before: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a stream holds, taken out in pieces of `room` bytes, and where that stopped.
    fn inflated(data: &[u8], room: usize) -> (Vec<u8>, Stop, usize) {
        let mut stream = Deflated::new(data, Inflater::default());
        let mut all = Vec::new();
        loop {
            let mut piece = vec![0; room];
            let (count, stop) = stream.fill(&mut piece);
            all.extend_from_slice(&piece[..count]);
            if stop != Stop::Full {
                return (all, stop, stream.rest().len());
            }
            assert_eq!(count, room);
        }
    }

    /// Text that repeats at all distances.
    fn text() -> Vec<u8> {
        (0..200_000_u32)
            .flat_map(|number| (number % 977 * (number / 40_000 + 1)).to_string().into_bytes())
            .collect()
    }

    #[test]
    fn pieces_of_every_size_are_the_whole() {
        let text = text();
        let packed = miniz_oxide::deflate::compress_to_vec(&text, 6);
        let with_more = [packed.as_slice(), b"more"].concat();
        for room in [1, 7, 258, 4096, 32 << 10, 1 << 20] {
            assert!(inflated(&packed, room) == (text.clone(), Stop::End, 0), "{room}");
            assert!(
                inflated(&with_more, room) == (text.clone(), Stop::End, 4),
                "{room}"
            );
        }
    }

    #[test]
    fn a_stream_that_is_cut_or_broken_does_not_end() {
        let text = text();
        let packed = miniz_oxide::deflate::compress_to_vec(&text, 6);
        for sixteenth in 0..16 {
            let (found, stop, rest) = inflated(&packed[..packed.len() * sixteenth / 16], 1000);
            assert_eq!((stop, rest), (Stop::Cut, 0), "{sixteenth}");
            assert!(text.starts_with(&found));
        }
        // A block of the kind that does not exist.
        assert_eq!(inflated(&[7; 40], 10).1, Stop::Broken);
        assert_eq!(inflated(&[], 10).1, Stop::Cut);
    }

    #[test]
    fn one_state_serves_many_streams() {
        let mut inflater = Inflater::default();
        for text in [&b"first text"[..], b"second", b""] {
            let packed = miniz_oxide::deflate::compress_to_vec(text, 6);
            let mut room = [0; 20];
            // One that is given up in the middle leaves nothing.
            Deflated::new(&packed, &mut inflater).fill(&mut room[..1]);
            let (count, stop) = Deflated::new(&packed, &mut inflater).fill(&mut room);
            assert_eq!((&room[..count], stop), (text, Stop::End));
        }
    }
}
