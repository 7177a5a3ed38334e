//! Bytes that differ from place to place, so that nothing lost, doubled or swapped goes unseen,
//! made faster than a network takes them; and what tells two bodies of them apart.

use sha2::{Digest, Sha256};

/// How many bytes are made at once.
pub(super) const BLOCK: usize = 64 * 1024;

/// What blocks are cut from: random enough, and made once.
const POOL: usize = 1 << 20;
/// How far the cuts of two blocks are apart; no divisor of the pool, so that it takes many blocks
/// to come back to the same one.
const STRIDE: usize = 40_961 * 8;

/// Two constants of SplitMix64, which is a counter that is stirred.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const STIR: u64 = 0xbf58_476d_1ce4_e5b9;

/// A source of noise, the same again from every start. Each block has its number in it, so that no
/// two are alike.
#[derive(Clone, Debug)]
pub(super) struct Noise {
    pool: Vec<u8>,
    blocks: u64,
}

impl Noise {
    /// Noise from the start.
    pub(super) fn new() -> Self {
        let mut counter: u64 = 0;
        let mut word = || {
            counter = counter.wrapping_add(STEP);
            let mixed = (counter ^ (counter >> 30)).wrapping_mul(STIR);
            (mixed ^ (mixed >> 31)).to_le_bytes()
        };
        let words = (POOL + BLOCK) / size_of::<u64>();
        Self {
            pool: (0..words).flat_map(|_| word()).collect(),
            blocks: 0,
        }
    }

    /// Fills a block.
    pub(super) fn fill(&mut self, block: &mut [u8]) {
        let from = (self.blocks as usize).wrapping_mul(STRIDE) % POOL;
        block.copy_from_slice(&self.pool[from..from + block.len()]);
        let number = self.blocks.to_le_bytes();
        block[..number.len()].copy_from_slice(&number);
        self.blocks += 1;
    }
}

/// A body's SHA-256.
pub(super) type Digested = [u8; 32];

/// What so many bytes of noise come to.
pub(super) fn digest(bytes: u64) -> Digested {
    let (mut noise, mut hash) = (Noise::new(), Sha256::new());
    let mut block = vec![0; BLOCK];
    let mut left = bytes;
    while left > 0 {
        noise.fill(&mut block);
        let part = left.min(BLOCK as u64);
        hash.update(&block[..part as usize]);
        left -= part;
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_blocks_are_alike_and_all_come_again() {
        let blocks = || {
            let mut noise = Noise::new();
            let block = move |_| {
                let mut block = vec![0; BLOCK];
                noise.fill(&mut block);
                block
            };
            (0..40).map(block).collect::<Vec<_>>()
        };
        let all = blocks();
        let different: BTreeSet<_> = all.iter().map(|block| &block[8..]).collect();
        assert!(different.len() > 30 && all[0] != all[1]);
        assert_eq!(all, blocks());
    }

    #[test]
    fn a_digest_is_of_so_many_bytes() {
        let mut block = vec![0; BLOCK];
        Noise::new().fill(&mut block);
        let short: Digested = Sha256::digest(&block[..100]).into();
        assert_eq!(digest(100), short);
        assert_ne!(digest(BLOCK as u64 + 1), digest(BLOCK as u64));
    }
}
