//! Request ids: unique over restarts, short, and made without a lock.

use std::cell::Cell;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Eight hexadecimal digits for the process, a hyphen, ten for the request.
const ID_BYTES: usize = 19;

/// Numbers that a thread takes at once, for its next requests: one for each would be one more thing
/// that all threads wait for.
const BLOCK: u64 = 32;

/// Makes the ids of one process. Those of one thread count up.
#[derive(Debug)]
pub struct RequestIds {
    process: u32,
    next: AtomicU64,
}

/// The numbers that a thread has left, and whose they are.
#[derive(Clone, Copy)]
struct Block {
    process: u32,
    next: u64,
    end: u64,
}

thread_local! {
    static LEFT: Cell<Block> = const { Cell::new(Block { process: 0, next: 0, end: 0 }) };
}

/// The id of a request, as guests, clients and the log get it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId([u8; ID_BYTES]);

impl RequestIds {
    /// Ids with a random first part, so that those of another process are others.
    pub fn new() -> Self {
        let process = RandomState::new().hash_one(std::process::id());
        Self {
            process: (process >> 32) as u32,
            next: AtomicU64::new(1),
        }
    }

    /// The next id.
    pub fn next(&self) -> RequestId {
        let number = self.number();
        let mut text = [b'-'; ID_BYTES];
        put_hex(&mut text[..8], u64::from(self.process));
        put_hex(&mut text[9..], number);
        RequestId(text)
    }

    fn number(&self) -> u64 {
        let mut left = LEFT.get();
        if left.process != self.process || left.next == left.end {
            let next = self.next.fetch_add(BLOCK, Ordering::Relaxed);
            left = Block {
                process: self.process,
                next,
                end: next + BLOCK,
            };
        }
        let number = left.next;
        left.next += 1;
        LEFT.set(left);
        number
    }
}

impl Default for RequestIds {
    fn default() -> Self {
        Self::new()
    }
}

/// Fills `text` with the last digits of `value`.
fn put_hex(text: &mut [u8], mut value: u64) {
    for digit in text.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}

impl RequestId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        // Only hexadecimal digits and a hyphen were ever put in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn ids_count_up_behind_one_prefix() {
        let ids = RequestIds::new();
        let (first, second) = (ids.next(), ids.next());
        assert_eq!(first.as_str().len(), ID_BYTES);
        assert_eq!(first.as_str()[..9], second.as_str()[..9]);
        assert!(first.as_str().ends_with("-0000000001"));
        assert!(second.as_str().ends_with("-0000000002"));
        assert!(
            first
                .as_str()
                .bytes()
                .all(|b| b.is_ascii_hexdigit() || b == b'-')
        );
    }

    #[test]
    fn no_id_is_made_twice() {
        const EACH: usize = 100;
        let ids = RequestIds::new();
        let other = RequestIds::new();
        let make = || {
            let made = (0..EACH).map(|_| (ids.next().0, other.next().0).0);
            made.collect::<Vec<_>>()
        };
        let mut all: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
            let made = threads.into_iter().map(|thread| thread.join().unwrap());
            made.flatten().collect()
        });
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 4 * EACH);
    }
}
