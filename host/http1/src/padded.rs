//! Received bytes with some after them that count for nothing.
//!
//! Scanners look at whole blocks. With padding behind the last byte they find some everywhere;
//! without it what they cannot read so is read another way, which takes longer.

use crate::block;

/// Enough for all blocks that are looked at together, whichever received byte they begin at.
const PADDING: [u8; block::PLACES_LEN] = [0; block::PLACES_LEN];

/// Bytes of which the first `len` were received. The others are 0, which ends every run of bytes
/// that a head may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Padded<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) len: usize,
}

impl<'a> Padded<'a> {
    /// Bytes without padding.
    #[inline]
    pub(crate) fn bare(bytes: &'a [u8]) -> Self {
        let len = bytes.len();
        Self { bytes, len }
    }

    /// The bytes of `buffer` from `start` on, with padding if it has room for some: this never
    /// allocates. The padding is to be cut off again.
    #[inline]
    pub(crate) fn at_end(buffer: &'a mut Vec<u8>, start: usize) -> Self {
        let len = buffer.len().saturating_sub(start);
        if buffer.capacity() - buffer.len() >= PADDING.len() {
            buffer.extend_from_slice(&PADDING);
        }
        let bytes = buffer.get(start..).unwrap_or_default();
        Self { bytes, len }
    }

    /// As if no more than `max` bytes were received.
    #[inline]
    pub(crate) fn at_most(self, max: usize) -> Self {
        let len = self.len.min(max);
        Self { len, ..self }
    }

    /// What was received.
    #[inline]
    pub(crate) fn received(self) -> &'a [u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
