//! Request ids: unique over restarts, short, and made without a lock.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Eight hexadecimal digits for the process, a hyphen, ten for the request.
const ID_BYTES: usize = 19;

/// Makes the ids of one process.
#[derive(Debug)]
pub struct RequestIds {
    process: u32,
    next: AtomicU64,
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
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = [b'-'; ID_BYTES];
        put_hex(&mut text[..8], u64::from(self.process));
        put_hex(&mut text[9..], number);
        RequestId(text)
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
}
