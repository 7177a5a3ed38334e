//! Values that outlive a request, in the buckets the host grants a guest (`keyvalue`). Thin over
//! `wasi:keyvalue`: what a bucket promises is the host's to say.

use std::fmt;

#[cfg(target_family = "wasm")]
#[path = "keyvalue/host.rs"]
mod backend;
#[cfg(not(target_family = "wasm"))]
#[path = "keyvalue/memory.rs"]
mod backend;

/// Opens a bucket by its name in the host's configuration.
///
/// ```
/// use httpd_guest::keyvalue;
///
/// let visits = keyvalue::open("default").unwrap();
/// visits.set("greeting", "hello").unwrap();
/// assert_eq!(visits.get("greeting").unwrap().as_deref(), Some(&b"hello"[..]));
/// assert_eq!(visits.increment("count", 2).unwrap(), 2);
/// assert_eq!(visits.increment("count", 1).unwrap(), 3);
/// ```
///
/// # Errors
/// When there is no such bucket, or this guest has no right to it.
pub fn open(name: &str) -> Result<Bucket, StoreError> {
    backend::Bucket::open(name).map(Bucket)
}

/// A collection of values by their keys.
pub struct Bucket(backend::Bucket);

impl Bucket {
    /// The value of a key.
    ///
    /// # Errors
    /// When the store fails.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key)
    }

    /// Sets the value of a key. When this returns, the value is kept.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> Result<(), StoreError> {
        self.0.set(key, value.as_ref())
    }

    /// Removes a key, if it is there.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.delete(key)
    }

    /// Whether a key has a value.
    ///
    /// # Errors
    /// When the store fails.
    pub fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.0.exists(key)
    }

    /// Adds to a number in one step that no other request can come between, and returns the sum.
    /// A key without a value counts from 0.
    ///
    /// # Errors
    /// When the value is no number, or the store fails.
    pub fn increment(&self, key: &str, delta: u64) -> Result<u64, StoreError> {
        self.0.increment(key, delta)
    }

    /// At most `keys_max` keys, in the store's order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn keys(&self, keys_max: usize) -> Result<Vec<String>, StoreError> {
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let (keys, next) = self.0.keys(cursor)?;
            all.extend(keys.into_iter().take(keys_max - all.len()));
            match next {
                Some(next) if all.len() < keys_max => cursor = Some(next),
                _ => return Ok(all),
            }
        }
    }
}

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// There is no bucket of this name.
    NoSuchBucket,
    /// This guest has no right to it.
    Denied,
    /// What the store says.
    Other(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchBucket => f.write_str("there is no such bucket"),
            Self::Denied => f.write_str("this guest has no right to the bucket"),
            Self::Other(why) => write!(f, "the store failed: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}
