//! Inflates the start of a deflated member, or all of it, never more than was asked for (RFC 1951).

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::MemberError;
use crate::limits::ARCHIVE_HEAD_INPUT;

/// Tables that one member after the other uses.
#[derive(Default)]
pub struct Inflater(Box<DecompressorOxide>);

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inflater")
    }
}

impl Inflater {
    /// The first bytes of what `input` holds: as many as `output` has room for, or all there are.
    pub(super) fn head(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize, MemberError> {
        let start = input.get(..ARCHIVE_HEAD_INPUT).unwrap_or(input);
        let more = if start.len() < input.len() {
            TINFL_FLAG_HAS_MORE_INPUT
        } else {
            0
        };
        self.0.init();
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF | more;
        let (status, _, written) = decompress(&mut self.0, start, output, 0, flags);
        match status {
            TINFLStatus::Done | TINFLStatus::HasMoreOutput => Ok(written),
            _ if written == output.len() => Ok(written),
            TINFLStatus::NeedsMoreInput => Err(MemberError::SlowStart),
            _ => Err(MemberError::Deflate),
        }
    }

    /// Everything that `input` holds, which must be `size` bytes.
    pub(super) fn whole(&mut self, input: &[u8], size: usize) -> Result<Vec<u8>, MemberError> {
        // One more than there should be: else nobody would see that the stream goes on.
        let mut output = vec![0; size.saturating_add(1)];
        self.0.init();
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, _, written) = decompress(&mut self.0, input, &mut output, 0, flags);
        match status {
            TINFLStatus::Done | TINFLStatus::HasMoreOutput if written != size => Err(MemberError::Size),
            TINFLStatus::Done => {
                output.truncate(size);
                Ok(output)
            }
            _ => Err(MemberError::Deflate),
        }
    }
}
