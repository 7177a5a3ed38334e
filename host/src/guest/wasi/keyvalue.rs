//! `wasi:keyvalue` over the host's store. A guest opens the buckets it was granted, under the names
//! that its configuration gives them, and no others. This is the draft that the standard's own
//! repository tagged; `draft2` is the one after it.

mod draft2;

use super::refusals::Refusals;
use crate::keyvalue::{Change, Pair, Store, StoreError};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable, ResourceTableError};

#[allow(
    missing_docs,
    unreachable_pub,
    reason = "generated; the interfaces are documented in their WIT"
)]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit/deps/keyvalue",
        world: "wasi:keyvalue/imports",
        imports: { default: async | trappable },
        with: { "wasi:keyvalue/store.bucket": super::Bucket },
        trappable_error_type: { "wasi:keyvalue/store.error" => super::Failure },
    });
}

use bindings::wasi::keyvalue::{atomics, batch, store};

/// The numbers that the interface can tell.
const NUMBERS: RangeInclusive<i128> = 0..=u64::MAX as i128;

/// The buckets of a guest; a store's state holds them.
#[derive(Clone)]
pub(in crate::guest) struct Buckets {
    store: Option<Arc<dyn Store>>,
    names: Arc<BTreeMap<String, String>>,
    refusals: Arc<Refusals>,
}

/// What the interfaces need of a store's state while they are called.
pub(in crate::guest) struct KeyvalueView<'a> {
    pub(in crate::guest) buckets: &'a Buckets,
    pub(in crate::guest) table: &'a mut ResourceTable,
}

/// A bucket that a guest has opened.
#[derive(Clone)]
#[allow(
    unreachable_pub,
    reason = "the bindings export it, and nobody exports them"
)]
pub struct Bucket {
    store: Arc<dyn Store>,
    name: Arc<str>,
}

/// Why a function of the interfaces failed.
#[derive(Debug)]
#[allow(
    unreachable_pub,
    reason = "the bindings export it, and nobody exports them"
)]
pub enum Failure {
    NoStore,
    Denied,
    Store(StoreError),
    Table(ResourceTableError),
}

impl Buckets {
    /// The buckets that a guest may open, by the names it opens them under.
    pub(in crate::guest) fn new(
        store: Option<Arc<dyn Store>>,
        names: &BTreeMap<String, String>,
        refusals: Arc<Refusals>,
    ) -> Buckets {
        Buckets {
            store,
            names: Arc::new(names.clone()),
            refusals,
        }
    }

    fn open(&self, identifier: &str) -> Result<Bucket, Failure> {
        let Some(name) = self.names.get(identifier) else {
            self.refusals.note("buckets not in keyvalue", identifier);
            return Err(Failure::Denied);
        };
        let store = self.store.clone().ok_or(Failure::NoStore)?;
        let name = Arc::from(name.as_str());
        Ok(Bucket { store, name })
    }
}

impl Bucket {
    async fn change(&self, changes: Vec<Change>) -> Result<(), Failure> {
        Ok(self.store.change(&self.name, changes).await?)
    }
}

/// Offers the interfaces `store`, `atomics` and `batch` to the guests of a linker, in both drafts.
///
/// # Errors
/// Only when the linker has one of the names already.
pub(in crate::guest) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> KeyvalueView<'_>,
) -> wasmtime::Result<()> {
    store::add_to_linker::<T, HasKeyvalue>(linker, view)?;
    atomics::add_to_linker::<T, HasKeyvalue>(linker, view)?;
    batch::add_to_linker::<T, HasKeyvalue>(linker, view)?;
    draft2::add_to_linker(linker, view)
}

struct HasKeyvalue;

impl HasData for HasKeyvalue {
    type Data<'a> = KeyvalueView<'a>;
}

type Handle = Resource<Bucket>;

impl KeyvalueView<'_> {
    fn bucket(&self, handle: &Handle) -> Result<Bucket, Failure> {
        Ok(self.table.get(handle)?.clone())
    }

    fn open_bucket(&mut self, identifier: &str) -> Result<Handle, Failure> {
        let bucket = self.buckets.open(identifier)?;
        Ok(self.table.push(bucket)?)
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
            // A handle of another store, or too many of them: the guest cannot go on.
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
        cursor: Option<u64>,
    ) -> Result<store::KeyResponse, Failure> {
        let bucket = self.bucket(&bucket)?;
        let page = bucket.store.keys(&bucket.name, cursor).await?;
        Ok(store::KeyResponse {
            keys: page.keys,
            cursor: page.cursor,
        })
    }

    async fn drop(&mut self, bucket: Handle) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for KeyvalueView<'_> {
    async fn increment(&mut self, bucket: Handle, key: String, delta: u64) -> Result<u64, Failure> {
        let bucket = self.bucket(&bucket)?;
        let delta = i128::from(delta);
        let sum = bucket.store.increment(&bucket.name, key, delta, NUMBERS);
        Ok(u64::try_from(sum.await?).map_err(|_| StoreError::Number)?)
    }
}

impl batch::Host for KeyvalueView<'_> {
    async fn get_many(
        &mut self,
        bucket: Handle,
        keys: Vec<String>,
    ) -> Result<Vec<Option<Pair>>, Failure> {
        let bucket = self.bucket(&bucket)?;
        Ok(bucket.store.get_many(&bucket.name, keys).await?)
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

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Store(error)
    }
}

impl From<ResourceTableError> for Failure {
    fn from(error: ResourceTableError) -> Failure {
        Failure::Table(error)
    }
}

impl fmt::Debug for Buckets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Buckets").field(&self.names).finish()
    }
}

#[cfg(test)]
mod tests;
