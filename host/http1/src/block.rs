//! Looks at sixteen bytes at once.
//!
//! Sixteen is the width of a vector on every processor this is likely to run on. What the bytes
//! mean is known in `class` alone.

use wide::u8x16;

/// Bytes in a block.
pub(crate) const LEN: usize = 16;

/// A question about the bytes of a block: the answer has 0xff for those it holds for, else 0.
pub(crate) trait Wanted: Fn(u8x16) -> u8x16 {}
impl<F: Fn(u8x16) -> u8x16> Wanted for F {}

/// Where at or after `start` the first byte is that is `wanted`; `None` if there is none before
/// the last bytes, which are no whole block. Most are in the first block: what a loop needs is not
/// made ready for it.
#[inline(always)]
pub(crate) fn seek(bytes: &[u8], start: usize, wanted: impl Wanted) -> Option<usize> {
    let found = marks(*bytes.get(start..)?.first_chunk()?, &wanted);
    if found != 0 {
        return Some(start + first(found));
    }
    seek_on(bytes, start + LEN, wanted)
}

/// Which the first byte in `block` is that is `wanted`; the length of the block if none is.
#[inline(always)]
pub(crate) fn first_place(block: &[u8; LEN], wanted: impl Wanted) -> usize {
    first(marks(*block, wanted) | 1 << LEN)
}

/// As [`seek`], as long as it takes.
#[inline(never)]
fn seek_on(bytes: &[u8], start: usize, wanted: impl Wanted) -> Option<usize> {
    let mut at = start;
    loop {
        let found = marks(*bytes.get(at..)?.first_chunk()?, &wanted);
        if found != 0 {
            return Some(at + first(found));
        }
        at += LEN;
    }
}

/// As [`seek`], for runs that may be long: it takes two blocks at a time.
#[inline(always)]
pub(crate) fn seek_far(bytes: &[u8], start: usize, wanted: impl Wanted) -> Option<usize> {
    let mut at = start;
    while let Some(blocks) = bytes.get(at..)?.first_chunk::<{ 2 * LEN }>() {
        let ([low, high], _) = blocks.as_chunks() else {
            break;
        };
        let found = marks(*low, &wanted) | marks(*high, &wanted) << LEN;
        if found != 0 {
            return Some(at + first(found));
        }
        at += 2 * LEN;
    }
    seek_on(bytes, at, wanted)
}

/// The places of the bytes that are wanted, in order.
///
/// Four blocks are looked at before anything is made of what they hold: where one place is does not
/// have to be known to look for the next.
pub(crate) struct Places<'a, W> {
    bytes: &'a [u8],
    /// Where the blocks begin that come next.
    next: usize,
    /// The places in the blocks before that are left, one bit for each byte.
    left: u64,
    wanted: W,
}

/// Bytes that [`Places`] looks at together.
pub(crate) const PLACES_LEN: usize = 4 * LEN;

impl<'a, W> Places<'a, W> {
    /// The places at or after `start`.
    #[inline(always)]
    pub(crate) fn new(bytes: &'a [u8], start: usize, wanted: W) -> Self {
        Self {
            bytes,
            next: start,
            left: 0,
            wanted,
        }
    }
}

/// Ends where the last bytes begin that are not four blocks.
impl<W: Wanted> Iterator for Places<'_, W> {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        while self.left == 0 {
            let blocks: &[u8; PLACES_LEN] = self.bytes.get(self.next..)?.first_chunk()?;
            let ([first, second, third, fourth], _) = blocks.as_chunks() else {
                return None;
            };
            let marks = |block: &[u8; LEN]| u64::from(marks(*block, &self.wanted));
            let low = marks(first) | marks(second) << LEN;
            let high = marks(third) | marks(fourth) << LEN;
            self.left = low | high << (2 * LEN);
            self.next += PLACES_LEN;
        }
        let place = self.next - PLACES_LEN + self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        Some(place)
    }
}

/// Where at or after `start` the first byte is that is `wanted`, else the length of `bytes`.
#[inline(always)]
pub(crate) fn find(bytes: &[u8], start: usize, wanted: impl Wanted) -> usize {
    match seek_far(bytes, start, &wanted) {
        Some(found) => found,
        None => find_in_rest(bytes, bytes.len().saturating_sub(start) % LEN, wanted),
    }
}

/// As [`find`] in the last `rest` bytes, which are fewer than a block: the last block begins with
/// bytes that do not count any more.
#[cold]
fn find_in_rest(bytes: &[u8], rest: usize, wanted: impl Wanted) -> usize {
    let found = match bytes.last_chunk() {
        Some(block) => marks(*block, wanted) >> (LEN - rest),
        None => marks(padded(bytes), wanted) >> (bytes.len() - rest),
    };
    bytes.len() - rest + rest.min(first(found))
}

/// Whether any byte is `wanted`; `None` if `bytes` are fewer than a block has.
#[inline(always)]
pub(crate) fn any(bytes: &[u8], wanted: impl Wanted) -> Option<bool> {
    let last = bytes.last_chunk()?;
    let (blocks, _) = bytes.as_chunks();
    let found = blocks.iter().any(|block| marks(*block, &wanted) != 0);
    // Begins with bytes that were looked at, unless the blocks before leave none.
    Some(found || marks(*last, &wanted) != 0)
}

/// The place of the lowest mark.
#[inline(always)]
fn first(marks: u32) -> usize {
    marks.trailing_zeros() as usize
}

/// `bytes`, fewer than a block has, and zeros after them.
#[cold]
fn padded(bytes: &[u8]) -> [u8; LEN] {
    let mut block = [0; LEN];
    for (byte, given) in block.iter_mut().zip(bytes) {
        *byte = *given;
    }
    block
}

/// One bit for each byte, set where it is wanted; the lowest stands for the first byte.
#[inline(always)]
fn marks(block: [u8; LEN], wanted: impl Wanted) -> u32 {
    wanted(u8x16::new(block)).to_bitmask()
}

/// The bytes of a block with the upper-case letters among the first `len` made lower case.
#[inline(always)]
pub(crate) fn lower(bytes: &[u8; LEN], len: usize) -> [u8; LEN] {
    const CASE: u8 = b'a' - b'A';
    const CASES: [u8; 2 * LEN] = {
        let mut cases = [0; 2 * LEN];
        let (first, _) = cases.split_at_mut(LEN);
        first.copy_from_slice(&[CASE; LEN]);
        cases
    };
    let window = CASES
        .get(LEN - len.min(LEN)..)
        .and_then(<[u8]>::first_chunk);
    let cases = u8x16::new(*window.unwrap_or(&[0; LEN]));
    let block = u8x16::new(*bytes);
    (block | between(block, b'A', b'Z') & cases).to_array()
}

/// The bytes from `first` to `last`.
#[inline(always)]
pub(crate) fn between(block: u8x16, first: u8, last: u8) -> u8x16 {
    let distance = block - u8x16::splat(first);
    at_most(distance, last - first)
}

/// The bytes up to `last`.
#[inline(always)]
pub(crate) fn at_most(block: u8x16, last: u8) -> u8x16 {
    block.min(u8x16::splat(last)).simd_eq(block)
}

/// The bytes equal to `byte`.
#[inline(always)]
pub(crate) fn equal(block: u8x16, byte: u8) -> u8x16 {
    block.simd_eq(u8x16::splat(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At every place of slices of many lengths, from every start.
    #[test]
    fn the_first_wanted_byte_is_found() {
        for len in 0..70 {
            for place in 0..=len {
                let mut bytes = vec![b'a'; len];
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = b'x';
                }
                let is_x = |block| equal(block, b'x');
                let any = (len >= LEN).then_some(place < len);
                assert_eq!(super::any(&bytes, is_x), any, "{place} of {len}");
                for start in 0..=len {
                    let expected = if place < start { len } else { place };
                    assert_eq!(find(&bytes, start, is_x), expected, "{len} {place} {start}");
                    for found in [seek(&bytes, start, is_x), seek_far(&bytes, start, is_x)] {
                        assert!(found.is_none_or(|found| found == expected && found < len));
                        assert!(found.is_some() || expected + LEN > len);
                    }
                }
            }
        }
    }

    /// Of slices of many lengths, from many starts: all of them but for those in the last bytes.
    #[test]
    fn places_come_in_order() {
        for (len, step) in (0..200).flat_map(|len| [1, 2, 7, 63, 64, 90].map(|step| (len, step))) {
            let is_wanted = |at: &usize| at.is_multiple_of(step);
            let bytes: Vec<u8> = (0..len).map(|at| u8::from(is_wanted(&at))).collect();
            for start in 0..=len {
                let places = Places::new(&bytes, start, |block| equal(block, 1));
                let end = start + (len - start) / PLACES_LEN * PLACES_LEN;
                let expected = (start..end).filter(is_wanted);
                assert!(places.eq(expected), "{len} {step} {start}");
            }
        }
    }

    #[test]
    fn classes_are_exact() {
        for byte in 0..=u8::MAX {
            let block = u8x16::splat(byte);
            let is = |answer: u8x16| answer.to_array()[0] == 0xff;
            assert_eq!(is(between(block, b'a', b'z')), byte.is_ascii_lowercase());
            assert_eq!(is(at_most(block, 0x1f)), byte < b' ');
            assert_eq!(is(equal(block, b':')), byte == b':');
            for len in 0..=LEN {
                let lowered = lower(&[byte; LEN], len);
                assert!(
                    lowered[..len]
                        .iter()
                        .all(|low| *low == byte.to_ascii_lowercase())
                );
                assert!(lowered[len..].iter().all(|rest| *rest == byte));
            }
        }
    }
}
