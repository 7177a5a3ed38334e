//! What a component's bytes are called: their SHA-256, the same on every machine. Nothing is read
//! here.

use sha2::{Digest, Sha256};
use std::fmt;

/// Hexadecimal digits of [`ContentHash::short`].
const SHORT_DIGITS: usize = 12;

/// The SHA-256 of a component's bytes. It is shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> ContentHash {
        ContentHash(Sha256::digest(bytes).into())
    }

    /// The hash of these bytes, one after the other.
    pub(super) fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> ContentHash {
        let hash = parts.into_iter().fold(Sha256::new(), Sha256::chain_update);
        ContentHash(hash.finalize().into())
    }

    /// Its first 12 digits, enough to tell the versions of one guest apart.
    pub fn short(&self) -> String {
        let mut digits = self.to_string();
        digits.truncate(SHORT_DIGITS);
        digits
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(formatter, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::ContentHash;

    /// The one-block message of FIPS 180-2, appendix B.1.
    #[test]
    fn is_the_sha_256_that_other_tools_show() {
        let hash = ContentHash::of(b"abc");
        let digits = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.to_string(), digits);
        assert_eq!(hash.short(), "ba7816bf8f01");
        assert_eq!(hash, ContentHash::of_parts([&b"a"[..], b"", b"bc"]));
        assert_ne!(hash, ContentHash::of(b"abd"));
    }
}
