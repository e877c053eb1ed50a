//! Bytes from front to back, as they stand or compressed with gzip, within a budget.

use thiserror::Error;

use super::gzip::{Gunzip, GzipError};
use crate::budget::Budget;

/// Why a stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StreamError {
    /// What is compressed is broken.
    #[error(transparent)]
    Gzip(#[from] GzipError),
    /// Reading on would cost more than may be read.
    #[error("what it holds is more than may be read")]
    TooLarge,
    /// The budget of the item is spent, so that it is not judged.
    #[error("the budget of the item is spent")]
    Spent,
}

/// Where the bytes come from.
#[derive(Debug)]
enum Source<'a> {
    /// They lie in memory; what is passed over costs nothing.
    Plain(&'a [u8]),
    /// They must be inflated, also to be passed over.
    Gzip(Box<Gunzip<'a>>),
}

/// Bytes from front to back.
#[derive(Debug)]
pub struct Stream<'a> {
    source: Source<'a>,
    position: u64,
    budget: u64,
    /// The budget of the item that the archive is in.
    item: Option<&'a Budget>,
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

impl<'a> Stream<'a> {
    /// What lies in memory. `budget` is how many bytes may be copied.
    #[must_use]
    pub fn plain(data: &'a [u8], budget: u64) -> Self {
        Self {
            source: Source::Plain(data),
            position: 0,
            budget,
            item: None,
        }
    }

    /// The same stream, where each byte that is inflated is charged to an item.
    #[must_use]
    pub fn charged(mut self, item: &'a Budget) -> Self {
        self.item = Some(item);
        self
    }

    /// What is compressed in `data`. `budget` is how many bytes may be inflated.
    ///
    /// # Errors
    /// [`GzipError::Header`]
    pub fn gzip(data: &'a [u8], budget: u64) -> Result<Self, GzipError> {
        Ok(Self {
            source: Source::Gzip(Box::new(Gunzip::new(data)?)),
            position: 0,
            budget,
            item: None,
        })
    }

    /// How many bytes were read or passed over.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How much of the budget is left; another reader may use some of it meanwhile.
    pub fn budget(&mut self) -> &mut u64 {
        &mut self.budget
    }

    fn piece(&mut self, count: u64) -> Result<&[u8], StreamError> {
        let most = usize::try_from(count).unwrap_or(usize::MAX);
        let item = self.item.filter(|_| matches!(self.source, Source::Gzip(_)));
        let piece = match &mut self.source {
            Source::Plain(data) => {
                let (piece, rest) = data.split_at_checked(most).unwrap_or((data, &[]));
                *data = rest;
                piece
            }
            Source::Gzip(gzip) => gzip.piece(most)?,
        };
        self.position = self.position.saturating_add(length(piece));
        if let Some(item) = item {
            item.hash(length(piece)).map_err(|_| StreamError::Spent)?;
        }
        Ok(piece)
    }

    /// Adds the next bytes to `out`: so many, or all there are. A length that is not true makes no room.
    ///
    /// # Errors
    /// [`StreamError`]
    pub fn read(&mut self, count: u64, out: &mut Vec<u8>) -> Result<(), StreamError> {
        self.budget = self.budget.checked_sub(count).ok_or(StreamError::TooLarge)?;
        let mut left = count;
        while left > 0 {
            let piece = self.piece(left)?;
            if piece.is_empty() {
                break;
            }
            out.extend_from_slice(piece);
            left = left.saturating_sub(length(piece));
        }
        self.budget = self.budget.saturating_add(left);
        Ok(())
    }

    /// Adds everything up to the end to `out`, if that is no more than `limit` bytes.
    ///
    /// # Errors
    /// [`StreamError`]
    pub fn read_to_end(&mut self, limit: u64, out: &mut Vec<u8>) -> Result<(), StreamError> {
        let mut left = limit.min(self.budget);
        loop {
            // One more than there should be: else nobody would see that it goes on.
            let piece = self.piece(left.saturating_add(1))?;
            if piece.is_empty() {
                return Ok(());
            }
            let read = length(piece);
            left = left.checked_sub(read).ok_or(StreamError::TooLarge)?;
            out.extend_from_slice(piece);
            self.budget = self.budget.saturating_sub(read);
        }
    }

    /// Passes over the next bytes, and says how many there were: `count`, or all there are.
    ///
    /// # Errors
    /// [`StreamError`]
    pub fn skip(&mut self, count: u64) -> Result<u64, StreamError> {
        let mut left = count;
        while left > 0 {
            let costs = matches!(self.source, Source::Gzip(_));
            let most = if costs { left.min(self.budget) } else { left };
            if most == 0 {
                return Err(StreamError::TooLarge);
            }
            let read = length(self.piece(most)?);
            if read == 0 {
                break;
            }
            if costs {
                self.budget = self.budget.saturating_sub(read);
            }
            left = left.saturating_sub(read);
        }
        Ok(count.saturating_sub(left))
    }
}
