//! How a tree gives the contents of a regular file, and what can be read from each way.

use super::{Bytes, Capture, SourceError};
use crate::parallel;

/// Bytes of a piece: the second cache holds them.
const PIECE: usize = 64 << 10;
/// Pieces of files that are hashed while the next piece is made: large enough that threads seldom wait for each other.
const BLOCK: usize = 512 << 10;
/// Room that is made before it is known how much there is.
const FIRST_ROOM: u64 = 1 << 20;

/// The contents of a regular file.
#[derive(Debug)]
#[non_exhaustive]
pub enum Content<'t> {
    /// All of them: a mapped file, or bytes in memory.
    Bytes(Bytes),
    /// Any part at any time.
    Random(Box<dyn ReadAt + 't>),
    /// From front to back. Whoever opens the file again starts again.
    Pieces(Box<dyn Pieces + 't>),
    /// What was kept when they passed by, and the rest is gone.
    Captured(&'t Capture),
}

/// Contents of which any part can be read at any time.
pub trait ReadAt: Send + Sync + std::fmt::Debug {
    /// Their length in bytes.
    fn size(&self) -> u64;

    /// Reads into `buffer` from `offset` on, and returns the number of bytes: less than there is room for only at the end.
    ///
    /// # Errors
    /// [`SourceError`] where they cannot be read.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, SourceError>;
}

/// Contents that come from front to back.
pub trait Pieces: Send + std::fmt::Debug {
    /// Their length in bytes, as the container says. More never comes.
    fn size(&self) -> u64;

    /// Writes the next bytes to `buffer`, and returns their number: less than there is room for only at the end, and 0 after it. Then
    /// everything that the container says about the contents was compared.
    ///
    /// # Errors
    /// [`SourceError`] where they cannot be read, or are not what the container says.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, SourceError>;
}

/// Parts that are read one after the other.
#[derive(Debug)]
struct InOrder<'t> {
    parts: Box<dyn ReadAt + 't>,
    at: u64,
}

impl Pieces for InOrder<'_> {
    fn size(&self) -> u64 {
        self.parts.size()
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, SourceError> {
        let count = self.parts.read_at(self.at, buffer)?;
        self.at = self.at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

/// The ways to contents that are left where parts are read one after the other.
#[derive(Debug)]
pub(super) enum Way<'t> {
    Bytes(Bytes),
    Pieces(Box<dyn Pieces + 't>),
    Captured(&'t Capture),
}

impl<'t> Content<'t> {
    /// The way to all of the contents.
    pub(super) fn way(self) -> Way<'t> {
        match self {
            Self::Bytes(bytes) => Way::Bytes(bytes),
            Self::Random(parts) => Way::Pieces(Box::new(InOrder { parts, at: 0 })),
            Self::Pieces(pieces) => Way::Pieces(pieces),
            Self::Captured(capture) => Way::Captured(capture),
        }
    }
}

/// Adds everything to `buffer`. A length that is not true makes no room.
pub(super) fn read_to_end(pieces: &mut dyn Pieces, buffer: &mut Vec<u8>) -> Result<(), SourceError> {
    let start = buffer.len();
    let mut read = 0_u64;
    loop {
        // One more than there should be: else the end would not be seen.
        let rest = pieces.size().saturating_sub(read).saturating_add(1);
        let room = usize::try_from(rest.min(read.max(FIRST_ROOM))).unwrap_or(usize::MAX);
        let at = buffer.len();
        buffer.reserve_exact(room);
        buffer.resize(at.saturating_add(room), 0);
        let filled = pieces.fill(buffer.get_mut(at..).unwrap_or_default());
        match filled {
            Ok(0) => {
                buffer.truncate(at);
                return Ok(());
            }
            Ok(count) => {
                buffer.truncate(at.saturating_add(count));
                read = read.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            }
            Err(error) => {
                buffer.truncate(start);
                return Err(error);
            }
        }
    }
}

/// Hands everything over in pieces, and returns the length. Where there is more than one thread, the next piece is made while the last one
/// is visited; the order is that of the file all the same.
pub(super) fn for_each_piece(
    pieces: &mut dyn Pieces,
    visit: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<u64, SourceError> {
    let block = u64::try_from(BLOCK).unwrap_or(u64::MAX);
    let is_alone = parallel::threads() <= 1 || pieces.size() <= block;
    let room = pieces.size().saturating_add(1);
    let most = if is_alone { PIECE } else { BLOCK };
    let room = usize::try_from(room).unwrap_or(usize::MAX).min(most);
    let mut front = vec![0; room];
    let mut total = 0_u64;
    let mut count = pieces.fill(&mut front)?;
    let mut back = vec![0; if is_alone { 0 } else { room }];
    while count > 0 {
        total = total.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        let piece = front.get(..count).unwrap_or_default();
        if is_alone {
            visit(piece);
            count = pieces.fill(&mut front)?;
        } else {
            let (next, ()) = parallel::join(|| pieces.fill(&mut back), || visit(piece));
            count = next?;
            std::mem::swap(&mut front, &mut back);
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contents whose container lies about their length.
    #[derive(Debug)]
    struct Numbers {
        size: u64,
        rest: Vec<u8>,
    }

    impl Pieces for Numbers {
        fn size(&self) -> u64 {
            self.size
        }

        fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, SourceError> {
            let count = buffer.len().min(self.rest.len());
            let rest = self.rest.split_off(count);
            buffer[..count].copy_from_slice(&self.rest);
            self.rest = rest;
            Ok(count)
        }
    }

    fn numbers(length: usize) -> Vec<u8> {
        (0..length).map(|number| (number % 251) as u8).collect()
    }

    #[test]
    fn everything_arrives_in_order() {
        for length in [0, 1, PIECE, BLOCK, BLOCK + 1, 3 * BLOCK + 7] {
            let all = numbers(length);
            let new = || Numbers {
                size: length as u64,
                rest: all.clone(),
            };
            let mut visited = Vec::new();
            let total = for_each_piece(&mut new(), &mut |piece| visited.extend_from_slice(piece));
            assert_eq!(total, Ok(length as u64));
            assert!(visited == all, "{length}");
            let mut read = b"before".to_vec();
            read_to_end(&mut new(), &mut read).unwrap();
            assert!(read == [b"before", all.as_slice()].concat(), "{length}");
        }
    }

    #[test]
    fn a_length_that_is_not_true_makes_no_room() {
        let mut pieces = Numbers {
            size: u64::MAX,
            rest: numbers(10),
        };
        let mut read = Vec::new();
        read_to_end(&mut pieces, &mut read).unwrap();
        assert_eq!(read.len(), 10);
        assert!(read.capacity() < 8 << 20, "{}", read.capacity());
    }
}
