//! A store in the memory of a native test's thread: every bucket is there, and empty at first.

use std::collections::BTreeMap;

use super::StoreError;
use crate::testing::with_world;

pub(super) struct Bucket {
    name: String,
}

impl Bucket {
    /// As a result, and never an error, for the host's may be one.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the host's bucket has the same signature"
    )]
    pub(super) fn open(name: &str) -> Result<Self, StoreError> {
        let name = name.to_owned();
        Ok(Self { name })
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|values| Ok(values.get(key).cloned()))
    }

    pub(super) fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.with(|values| {
            values.insert(key.to_owned(), value.to_vec());
            Ok(())
        })
    }

    pub(super) fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.with(|values| {
            values.remove(key);
            Ok(())
        })
    }

    pub(super) fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.with(|values| Ok(values.contains_key(key)))
    }

    /// A number is kept as its decimal digits, so that `get` shows something a person can read.
    pub(super) fn increment(&self, key: &str, delta: u64) -> Result<u64, StoreError> {
        self.with(|values| {
            let current = values.get(key).map_or(Some(0), |value| {
                std::str::from_utf8(value).ok()?.parse::<u64>().ok()
            });
            let sum = current
                .and_then(|current| current.checked_add(delta))
                .ok_or_else(|| StoreError::Other("the value is no number, or too large".into()))?;
            values.insert(key.to_owned(), sum.to_string().into_bytes());
            Ok(sum)
        })
    }

    pub(super) fn keys(&self, _: Option<u64>) -> Result<(Vec<String>, Option<u64>), StoreError> {
        self.with(|values| Ok((values.keys().cloned().collect(), None)))
    }

    fn with<T>(
        &self,
        call: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        with_world(|world| call(world.buckets.entry(self.name.clone()).or_default()))
    }
}
