//! `wasi:keyvalue@0.2.0-draft2`, which has text for cursors, signed numbers and compare-and-swap.
//! Everything else is as in the draft before it, over the same buckets.

use super::{Bucket, Failure, HasKeyvalue, KeyvalueView};
use crate::keyvalue::{Change, Pair, Seen, StoreError};
use std::ops::RangeInclusive;
use wasmtime::component::{Linker, Resource};

#[allow(
    missing_docs,
    unreachable_pub,
    reason = "generated; the interfaces are documented in their WIT"
)]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit/deps/keyvalue-draft2",
        world: "wasi:keyvalue/imports",
        imports: { default: async | trappable },
        with: {
            "wasi:keyvalue/store.bucket": super::super::Bucket,
            "wasi:keyvalue/atomics.cas": super::Cas,
        },
        trappable_error_type: {
            "wasi:keyvalue/store.error" => super::super::Failure,
            "wasi:keyvalue/atomics.cas-error" => super::SwapFailure,
        },
    });
}

use bindings::wasi::keyvalue::{atomics, batch, store};

/// The numbers that the interface can tell.
const NUMBERS: RangeInclusive<i128> = i64::MIN as i128..=i64::MAX as i128;

/// A value that a guest has seen, to be replaced if nobody else has replaced it. However large it
/// is, only what tells it from others is kept.
#[allow(
    unreachable_pub,
    reason = "the bindings export it, and nobody exports them"
)]
pub struct Cas {
    bucket: Bucket,
    key: String,
    seen: Seen,
}

/// Why a value was not replaced.
#[derive(Debug)]
#[allow(
    unreachable_pub,
    reason = "the bindings export it, and nobody exports them"
)]
pub enum SwapFailure {
    /// Somebody else has changed it.
    Changed(Resource<Cas>),
    Failed(Failure),
}

/// Offers the interfaces `store`, `atomics` and `batch` to the guests of a linker.
///
/// # Errors
/// Only when the linker has one of the names already.
pub(super) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> KeyvalueView<'_>,
) -> wasmtime::Result<()> {
    store::add_to_linker::<T, HasKeyvalue>(linker, view)?;
    atomics::add_to_linker::<T, HasKeyvalue>(linker, view)?;
    batch::add_to_linker::<T, HasKeyvalue>(linker, view)
}

type Handle = Resource<Bucket>;

impl Cas {
    /// Looks at a key.
    async fn look(bucket: Bucket, key: String) -> Result<(Cas, Option<Vec<u8>>), Failure> {
        let value = bucket.store.get(&bucket.name, key.clone()).await?;
        let seen = Seen::of(value.as_deref());
        Ok((Cas { bucket, key, seen }, value))
    }
}

impl store::Host for KeyvalueView<'_> {
    async fn open(&mut self, identifier: String) -> Result<Handle, Failure> {
        self.open_bucket(&identifier)
    }

    fn convert_error(&mut self, failure: Failure) -> wasmtime::Result<store::Error> {
        Ok(match failure {
            Failure::NoStore => store::Error::NoSuchStore,
            Failure::Denied => store::Error::AccessDenied,
            Failure::Store(error) => store::Error::Other(error.to_string()),
            Failure::Table(error) => return Err(error.into()),
        })
    }
}

impl store::HostBucket for KeyvalueView<'_> {
    async fn get(&mut self, bucket: Handle, key: String) -> Result<Option<Vec<u8>>, Failure> {
        let bucket = self.bucket(&bucket)?;
        Ok(bucket.store.get(&bucket.name, key).await?)
    }

    async fn set(&mut self, bucket: Handle, key: String, value: Vec<u8>) -> Result<(), Failure> {
        self.bucket(&bucket)?
            .change(vec![Change::Set(key, value)])
            .await
    }

    async fn delete(&mut self, bucket: Handle, key: String) -> Result<(), Failure> {
        self.bucket(&bucket)?
            .change(vec![Change::Delete(key)])
            .await
    }

    async fn exists(&mut self, bucket: Handle, key: String) -> Result<bool, Failure> {
        let bucket = self.bucket(&bucket)?;
        Ok(bucket.store.exists(&bucket.name, key).await?)
    }

    async fn list_keys(
        &mut self,
        bucket: Handle,
        cursor: Option<String>,
    ) -> Result<store::KeyResponse, Failure> {
        let cursor = cursor.map(|text| text.parse().map_err(|_| StoreError::Cursor));
        let bucket = self.bucket(&bucket)?;
        let page = bucket.store.keys(&bucket.name, cursor.transpose()?).await?;
        Ok(store::KeyResponse {
            keys: page.keys,
            cursor: page.cursor.map(|cursor| cursor.to_string()),
        })
    }

    async fn drop(&mut self, bucket: Handle) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for KeyvalueView<'_> {
    async fn increment(&mut self, bucket: Handle, key: String, delta: i64) -> Result<i64, Failure> {
        let bucket = self.bucket(&bucket)?;
        let delta = i128::from(delta);
        let sum = bucket.store.increment(&bucket.name, key, delta, NUMBERS);
        Ok(i64::try_from(sum.await?).map_err(|_| StoreError::Number)?)
    }

    async fn swap(&mut self, cas: Resource<Cas>, value: Vec<u8>) -> Result<(), SwapFailure> {
        let Cas { bucket, key, seen } = self.table.delete(cas).map_err(Failure::from)?;
        let swapped = bucket.store.swap(&bucket.name, key.clone(), seen, value);
        if swapped.await.map_err(Failure::from)? {
            return Ok(());
        }
        let (cas, _) = Cas::look(bucket, key).await?;
        let cas = self.table.push(cas).map_err(Failure::from)?;
        Err(SwapFailure::Changed(cas))
    }

    fn convert_cas_error(&mut self, failure: SwapFailure) -> wasmtime::Result<atomics::CasError> {
        Ok(match failure {
            SwapFailure::Changed(cas) => atomics::CasError::CasFailed(cas),
            SwapFailure::Failed(failure) => {
                let error = store::Host::convert_error(self, failure)?;
                atomics::CasError::StoreError(error)
            }
        })
    }
}

impl atomics::HostCas for KeyvalueView<'_> {
    async fn new(&mut self, bucket: Handle, key: String) -> Result<Resource<Cas>, Failure> {
        let bucket = self.bucket(&bucket)?;
        let (cas, _) = Cas::look(bucket, key).await?;
        Ok(self.table.push(cas)?)
    }

    async fn current(&mut self, cas: Resource<Cas>) -> Result<Option<Vec<u8>>, Failure> {
        let Cas { bucket, key, .. } = self.table.get(&cas)?;
        let (again, value) = Cas::look(bucket.clone(), key.clone()).await?;
        *self.table.get_mut(&cas)? = again;
        Ok(value)
    }

    async fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}

impl batch::Host for KeyvalueView<'_> {
    async fn get_many(
        &mut self,
        bucket: Handle,
        keys: Vec<String>,
    ) -> Result<Vec<(String, Option<Vec<u8>>)>, Failure> {
        let bucket = self.bucket(&bucket)?;
        let found = bucket.store.get_many(&bucket.name, keys.clone()).await?;
        // A key that is asked for twice has its value twice.
        let values = found.into_iter().map(|pair| pair.map(|(_, value)| value));
        Ok(keys.into_iter().zip(values).collect())
    }

    async fn set_many(&mut self, bucket: Handle, pairs: Vec<Pair>) -> Result<(), Failure> {
        let set = |(key, value)| Change::Set(key, value);
        self.bucket(&bucket)?
            .change(pairs.into_iter().map(set).collect())
            .await
    }

    async fn delete_many(&mut self, bucket: Handle, keys: Vec<String>) -> Result<(), Failure> {
        self.bucket(&bucket)?
            .change(keys.into_iter().map(Change::Delete).collect())
            .await
    }
}

impl From<Failure> for SwapFailure {
    fn from(failure: Failure) -> SwapFailure {
        SwapFailure::Failed(failure)
    }
}

#[cfg(test)]
mod tests;
