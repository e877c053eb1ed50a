//! The one reader of members of archives in ZIP form: unpacks them, and compares what it finds with the size and the checksum in the
//! central directory (PKWARE APPNOTE 4.4.7 to 4.4.9).
//!
//! Every way to a member's contents goes through [`Unpacker`]; a caller that reads to the end knows that the contents are whole. What is
//! taken from the start only is not compared with anything.

use std::borrow::BorrowMut;

use super::directory::{DEFLATED, MAX_RATIO, Member, STORED, Zip};
use super::error::MemberError;
use super::numbers::length;
use crate::container::codec::{Deflated, Inflater, Stop};
use crate::limits::ARCHIVE_HEAD_INPUT;

/// What a member's bytes in the archive are.
#[derive(Debug)]
enum Packed<'a, I> {
    Stored(&'a [u8]),
    Deflated(Deflated<'a, I>),
}

/// Unpacks one member from front to back.
#[derive(Debug)]
pub struct Unpacker<'a, I = Inflater> {
    packed: Packed<'a, I>,
    /// The size and the checksum in the directory.
    expected: (u64, u32),
    checksum: crc32fast::Hasher,
    found: u64,
    is_over: bool,
}

impl<I: BorrowMut<Inflater>> Unpacker<'_, I> {
    /// The size that the directory says.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.expected.0
    }

    /// Writes the next bytes to `output`, and returns their number: as many as there is room for, less only at the end, and 0 after it.
    /// At the end, size and checksum are right.
    ///
    /// # Errors
    /// [`MemberError`]
    pub fn fill(&mut self, output: &mut [u8]) -> Result<usize, MemberError> {
        if self.is_over {
            return Ok(0);
        }
        let (count, stop) = match &mut self.packed {
            Packed::Stored(rest) => take(rest, output),
            Packed::Deflated(stream) => stream.fill(output),
        };
        let piece = output.get(..count).unwrap_or_default();
        self.checksum.update(piece);
        self.found = self.found.saturating_add(length(piece));
        let (expected, found) = (self.expected.0, self.found);
        if found > expected {
            return Err(MemberError::TooLong { expected });
        }
        match stop {
            Stop::Full => Ok(count),
            Stop::Cut | Stop::Broken => Err(MemberError::Deflate { expected, found }),
            Stop::End => {
                self.is_over = true;
                self.compare().map(|()| count)
            }
        }
    }

    /// Compares everything that was unpacked with what the directory says.
    fn compare(&self) -> Result<(), MemberError> {
        let ((size, expected), found) = (self.expected, self.found);
        if found != size {
            return Err(MemberError::Size {
                expected: size,
                found,
            });
        }
        let found = self.checksum.clone().finalize();
        if found != expected {
            return Err(MemberError::Checksum { expected, found });
        }
        match &self.packed {
            // Tools that read from front to back take it for the next member.
            Packed::Deflated(stream) if !stream.rest().is_empty() => {
                let count = length(stream.rest());
                Err(MemberError::Rest { count })
            }
            _ => Ok(()),
        }
    }
}

/// Copies the next stored bytes.
fn take(rest: &mut &[u8], output: &mut [u8]) -> (usize, Stop) {
    let count = rest.len().min(output.len());
    let (piece, others) = rest.split_at_checked(count).unwrap_or_default();
    if let Some(room) = output.get_mut(..count) {
        room.copy_from_slice(piece);
    }
    *rest = others;
    let is_over = others.is_empty() && count < output.len();
    (count, if is_over { Stop::End } else { Stop::Full })
}

impl<'a> Zip<'a> {
    /// Begins to unpack a member.
    ///
    /// # Errors
    /// [`MemberError`] where its data is not there or is not stored or deflated.
    pub fn unpacker<I: BorrowMut<Inflater>>(
        &self,
        member: &Member<'_>,
        inflater: I,
    ) -> Result<Unpacker<'a, I>, MemberError> {
        let data = self.packed(member)?;
        let packed = match member.method {
            STORED => Packed::Stored(data),
            DEFLATED => Packed::Deflated(Deflated::new(data, inflater)),
            method => return Err(MemberError::Method { method }),
        };
        Ok(Unpacker {
            packed,
            expected: (member.size, member.checksum),
            checksum: crc32fast::Hasher::new(),
            found: 0,
            is_over: false,
        })
    }

    /// The first eight bytes of a member, fewer if it is shorter; the rest of the array is zeros.
    ///
    /// # Errors
    /// [`MemberError`]
    pub fn head(&self, member: &Member<'_>, inflater: &mut Inflater) -> Result<[u8; 8], MemberError> {
        let data = self.packed(member)?;
        let mut head = [0; 8];
        match member.method {
            STORED => drop(take(&mut { data }, &mut head)),
            DEFLATED => {
                let start = data.get(..ARCHIVE_HEAD_INPUT).unwrap_or(data);
                let (count, stop) = Deflated::new(start, inflater).fill(&mut head);
                match stop {
                    Stop::Full | Stop::End => {}
                    Stop::Cut if start.len() < data.len() => return Err(MemberError::SlowStart),
                    Stop::Cut | Stop::Broken => {
                        return Err(MemberError::Deflate {
                            expected: member.size,
                            found: u64::try_from(count).unwrap_or(u64::MAX),
                        });
                    }
                }
            }
            method => return Err(MemberError::Method { method }),
        }
        Ok(head)
    }

    /// Returns a whole member of at most `limit` bytes.
    ///
    /// # Errors
    /// [`MemberError`]
    pub fn contents(
        &self,
        member: &Member<'_>,
        inflater: &mut Inflater,
        limit: u64,
    ) -> Result<Vec<u8>, MemberError> {
        let mut unpacker = self.unpacker(member, inflater)?;
        let (size, compressed) = (member.size, member.compressed);
        let expected = size;
        match member.method {
            STORED if size != compressed => {
                let found = compressed;
                return Err(MemberError::Size { expected, found });
            }
            // No memory for what cannot be there.
            DEFLATED if size > compressed.saturating_mul(MAX_RATIO) => {
                return Err(MemberError::Impossible { expected, compressed });
            }
            _ if size > limit => return Err(MemberError::TooLarge { size }),
            _ => {}
        }
        let room = usize::try_from(size).map_err(|_| MemberError::TooLarge { size })?;
        let mut contents = vec![0; room];
        unpacker.fill(&mut contents)?;
        // One byte more than there should be: else the end would not be seen.
        unpacker.fill(&mut [0])?;
        Ok(contents)
    }
}
