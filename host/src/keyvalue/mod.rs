//! Buckets of keys and values that outlive requests, guests and the host. Who may open which bucket
//! is decided by others; nothing here knows WebAssembly, and nothing here runs on the runtime's
//! threads that could make them wait for a disk.
//!
//! [`Store`] is the seam: a store somewhere on the network can take the place of [`Embedded`],
//! which is one file.

mod changes;
mod embedded;
mod file;
mod place;
mod writer;

#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::pin::Pin;

use sha2::{Digest as _, Sha256};

pub use embedded::{Embedded, OpenError};
pub use place::directory;

/// What a store promises to answer. Dropping it does not take back a change that is on its way.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// A store of buckets. A bucket that nobody wrote to is an empty one.
///
/// A change is answered when nothing can undo it any more: neither the end of the process nor,
/// as far as the system keeps its promises, a loss of power. Whoever reads after that sees it.
pub trait Store: Send + Sync {
    /// The value of a key.
    fn get(&self, bucket: &str, key: String) -> Answer<Option<Vec<u8>>>;

    /// Whether a key has a value.
    fn exists(&self, bucket: &str, key: String) -> Answer<bool>;

    /// Keys with their values, in the order asked for; none for those without.
    fn get_many(&self, bucket: &str, keys: Vec<String>) -> Answer<Vec<Option<Pair>>>;

    /// A page of keys, from a cursor that the page before gave, or from the start.
    fn keys(&self, bucket: &str, cursor: Option<u64>) -> Answer<Page>;

    /// Makes all changes, or none. Of several to one key the last counts.
    fn change(&self, bucket: &str, changes: Vec<Change>) -> Answer<()>;

    /// Adds to a number, 0 if there is none, and gives the sum, which has to be in the `range`.
    /// Numbers are kept as decimal text.
    fn increment(
        &self,
        bucket: &str,
        key: String,
        delta: i128,
        range: RangeInclusive<i128>,
    ) -> Answer<i128>;

    /// Gives a key another value if it still has what was `seen` of it; says whether it had.
    fn swap(&self, bucket: &str, key: String, seen: Seen, value: Vec<u8>) -> Answer<bool>;
}

/// What a key had when somebody looked: enough to tell whether that has changed, however large the
/// value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen(Option<[u8; 32]>);

impl Seen {
    /// That it had this value, or none.
    pub fn of(value: Option<&[u8]>) -> Seen {
        Seen(value.map(|value| Sha256::digest(value).into()))
    }
}

/// A key and its value.
pub type Pair = (String, Vec<u8>);

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Gives it a value in place of any it had.
    Set(String, Vec<u8>),
    /// Takes its value away, if it has one.
    Delete(String),
}

/// Some of a bucket's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In the order of their bytes.
    pub keys: Vec<String>,
    /// Where the next page starts; none after the last one.
    pub cursor: Option<u64>,
}

/// Why a store did not do what it was asked. Safe to tell a guest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The key is longer than `keyvalue.key_max`, or empty.
    #[error("a key has from 1 to {0} bytes")]
    Key(
        /// The longest one allowed.
        usize,
    ),
    /// The value is longer than `keyvalue.value_max`.
    #[error("a value has at most {0} bytes")]
    Value(
        /// The longest one allowed.
        usize,
    ),
    /// The call has, or asks for, more than `keyvalue.batch_max`.
    #[error("one call handles at most {0} bytes of keys and values")]
    Batch(
        /// The most allowed.
        usize,
    ),
    /// The bucket has `keyvalue.keys_max` keys.
    #[error("the bucket has {0} keys, and no room for more")]
    Keys(
        /// The most allowed.
        u64,
    ),
    /// The bucket has `keyvalue.size_max` bytes.
    #[error("the bucket has room for {0} bytes of keys and values")]
    Size(
        /// The most allowed.
        u64,
    ),
    /// What was given for a cursor is none that a page gave.
    #[error("that is not a cursor of this bucket")]
    Cursor,
    /// The value to add to is no number, or the sum would not fit into 64 bits.
    #[error("the value is not a number that can be added to")]
    Number,
    /// The store could not do its work. The details are in the host's log.
    #[error("the store has failed")]
    Failed,
}
