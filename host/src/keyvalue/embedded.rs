//! The store that is part of the host: one file, which no other process may have open. Reading is
//! done on the runtime's threads for blocking work, writing by a thread of its own.

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase as _, TableDefinition, TableError,
};
use tokio::sync::{Semaphore, oneshot};

use super::changes::{Addend, table_name};
use super::file::{File, Open};
use super::writer::{Job, Pending, Task, Writer};
use super::{Answer, Change, Page, Pair, Seen, Store, StoreError};
use crate::config::Keyvalue;

/// The store's file in its directory.
const FILE: &str = "keyvalue.redb";
/// Threads that may read at once. More would only wait for the same disk.
const READERS: usize = 16;
/// Keys of a page, and their bytes.
const PAGE_KEYS: usize = 1000;
const PAGE_BYTES: usize = 64 << 10;
/// Counted for each key and value beside its bytes, for what it takes in the host's memory.
const ENTRY_BYTES: usize = 64;

/// The store in a file.
pub struct Embedded {
    file: Arc<File>,
    readers: Arc<Semaphore>,
    writer: Writer,
    limits: Arc<Keyvalue>,
}

/// The store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be made, or the thread not started.
    #[error("cannot open the store of keyvalue, {}: {error}", path.display())]
    Io {
        /// The directory or the file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file is no store, is damaged, or belongs to a process that is running.
    #[error("cannot open the store of keyvalue, {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Embedded {
    /// Opens the store in a directory, and makes both if they are not there. After a host that
    /// was killed the whole file is read once.
    ///
    /// # Errors
    /// A directory or file that cannot be used, or is used by another host.
    pub fn open(directory: &Path, limits: Keyvalue) -> Result<Embedded, OpenError> {
        let failed = |error| OpenError::Io {
            path: directory.to_owned(),
            error,
        };
        let mut builder = fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(directory);
        made.map_err(failed)?;
        let (path, memory_max) = (directory.join(FILE), limits.memory_max);
        let open = {
            let path = path.clone();
            move || Database::builder().set_cache_size(memory_max).create(&path)
        };
        Embedded::with(&path, Box::new(open), limits)
    }

    /// The store in a file that is opened in this way.
    pub(super) fn with(path: &Path, open: Open, limits: Keyvalue) -> Result<Embedded, OpenError> {
        let file = File::open(open).map_err(|error| OpenError::File {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let (file, limits) = (Arc::new(file), Arc::new(limits));
        let writer = Writer::start(Arc::clone(&file), Arc::clone(&limits));
        let writer = writer.map_err(|error| OpenError::Io {
            path: path.to_owned(),
            error,
        })?;
        Ok(Embedded {
            file,
            readers: Arc::new(Semaphore::new(READERS)),
            writer,
            limits,
        })
    }

    /// Reads from a bucket on a thread that may wait for the disk. None is an empty bucket.
    fn read<T: Send + 'static>(
        &self,
        bucket: &str,
        read: impl FnOnce(Option<Bucket>) -> Result<T, Broken> + Send + 'static,
    ) -> Answer<T> {
        let (file, readers) = (Arc::clone(&self.file), Arc::clone(&self.readers));
        let bucket = bucket.to_owned();
        Box::pin(async move {
            let place = readers.acquire_owned().await;
            let work = move || {
                let _place = place;
                let database = file.database().ok_or(Broken::Closed)?;
                read(open(&database.begin_read()?, &bucket)?)
            };
            match tokio::task::spawn_blocking(work).await {
                Ok(Ok(result)) => Ok(result),
                Ok(Err(Broken::Refused(error))) => Err(error),
                Ok(Err(Broken::Storage(error))) => {
                    tracing::debug!("keyvalue: cannot read: {error}");
                    Err(StoreError::Failed)
                }
                Ok(Err(Broken::Closed)) | Err(_) => Err(StoreError::Failed),
            }
        })
    }

    /// Hands work to the writer, if it may have so many bytes, and waits for its answer.
    fn write<T: Send + 'static>(
        &self,
        allowed: Result<usize, StoreError>,
        bucket: &str,
        task: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Task,
    ) -> Answer<T> {
        let bytes = match allowed {
            Ok(bytes) => bytes,
            Err(error) => return Box::pin(async { Err(error) }),
        };
        let (sender, receiver) = oneshot::channel();
        let job = Job {
            bucket: bucket.to_owned(),
            task: task(sender),
        };
        let pending = self.writer.pending();
        Box::pin(async move {
            send(&pending, job, bytes).await?;
            receiver.await.unwrap_or(Err(StoreError::Failed))
        })
    }

    fn check_key(&self, key: &str) -> Result<usize, StoreError> {
        if (1..=self.limits.key_max).contains(&key.len()) {
            return Ok(key.len() + ENTRY_BYTES);
        }
        Err(StoreError::Key(self.limits.key_max))
    }

    fn check_keys(&self, keys: &[String]) -> Result<(), StoreError> {
        let mut bytes = 0_usize;
        for key in keys {
            bytes = bytes.saturating_add(self.check_key(key)?);
        }
        self.check_batch(bytes).map(drop)
    }

    fn check_changes(&self, changes: &[Change]) -> Result<usize, StoreError> {
        let mut bytes = 0_usize;
        for change in changes {
            let (key, value) = match change {
                Change::Set(key, value) => (key, value.len()),
                Change::Delete(key) => (key, 0),
            };
            if value > self.limits.value_max {
                return Err(StoreError::Value(self.limits.value_max));
            }
            bytes = bytes.saturating_add(self.check_key(key)?);
            bytes = bytes.saturating_add(value);
        }
        // One value as large as allowed is never too much, whatever is counted beside it.
        if changes.len() > 1 {
            self.check_batch(bytes)?;
        }
        Ok(bytes)
    }

    fn check_batch(&self, bytes: usize) -> Result<usize, StoreError> {
        if bytes <= self.limits.batch_max {
            return Ok(bytes);
        }
        Err(StoreError::Batch(self.limits.batch_max))
    }
}

impl Store for Embedded {
    fn get(&self, bucket: &str, key: String) -> Answer<Option<Vec<u8>>> {
        self.read(bucket, move |bucket| {
            let Some(bucket) = bucket else {
                return Ok(None);
            };
            let value = bucket.get(key.as_str())?;
            Ok(value.map(|value| value.value().to_vec()))
        })
    }

    fn exists(&self, bucket: &str, key: String) -> Answer<bool> {
        self.read(bucket, move |bucket| {
            let Some(bucket) = bucket else {
                return Ok(false);
            };
            Ok(bucket.get(key.as_str())?.is_some())
        })
    }

    fn get_many(&self, bucket: &str, keys: Vec<String>) -> Answer<Vec<Option<Pair>>> {
        if let Err(error) = self.check_keys(&keys) {
            return Box::pin(async { Err(error) });
        }
        let batch_max = self.limits.batch_max;
        self.read(bucket, move |bucket| match bucket {
            Some(bucket) => pairs(&bucket, keys, batch_max),
            None => Ok(keys.iter().map(|_| None).collect()),
        })
    }

    fn keys(&self, bucket: &str, cursor: Option<u64>) -> Answer<Page> {
        self.read(bucket, move |bucket| match bucket {
            Some(bucket) => page(&bucket, cursor.unwrap_or(0)),
            None => Ok(Page {
                keys: Vec::new(),
                cursor: None,
            }),
        })
    }

    fn change(&self, bucket: &str, changes: Vec<Change>) -> Answer<()> {
        let allowed = self.check_changes(&changes);
        self.write(allowed, bucket, |reply| Task::Change(changes, reply))
    }

    fn increment(
        &self,
        bucket: &str,
        key: String,
        delta: i128,
        range: RangeInclusive<i128>,
    ) -> Answer<i128> {
        let allowed = self.check_key(&key);
        let addend = Addend { delta, range };
        self.write(allowed, bucket, |reply| Task::Increment(key, addend, reply))
    }

    fn swap(&self, bucket: &str, key: String, seen: Seen, value: Vec<u8>) -> Answer<bool> {
        let set = Change::Set(key, value);
        let allowed = self.check_changes(std::slice::from_ref(&set));
        self.write(allowed, bucket, |reply| Task::Swap(set, seen, reply))
    }
}

async fn send(pending: &Pending, job: Job, bytes: usize) -> Result<(), StoreError> {
    let sent = pending.send(job, bytes).await;
    sent.map_err(|_| StoreError::Failed)
}

type Bucket = ReadOnlyTable<&'static str, &'static [u8]>;

/// Why nothing was read.
enum Broken {
    Refused(StoreError),
    /// The file could not be opened again after a failure.
    Closed,
    Storage(redb::Error),
}

impl<E: Into<redb::Error>> From<E> for Broken {
    fn from(error: E) -> Broken {
        Broken::Storage(error.into())
    }
}

fn open(transaction: &ReadTransaction, bucket: &str) -> Result<Option<Bucket>, Broken> {
    match transaction.open_table(TableDefinition::new(&table_name(bucket))) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn pairs(
    bucket: &Bucket,
    keys: Vec<String>,
    bytes_max: usize,
) -> Result<Vec<Option<Pair>>, Broken> {
    let mut bytes = 0_usize;
    let mut pairs = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(value) = bucket.get(key.as_str())? else {
            pairs.push(None);
            continue;
        };
        let value = value.value();
        bytes = bytes.saturating_add(key.len() + value.len());
        if bytes > bytes_max {
            return Err(Broken::Refused(StoreError::Batch(bytes_max)));
        }
        pairs.push(Some((key, value.to_vec())));
    }
    Ok(pairs)
}

/// The page that begins behind so many keys. Keys that come or go between two pages shift them:
/// a number is all that the interface has for a cursor.
fn page(bucket: &Bucket, start: u64) -> Result<Page, Broken> {
    let skipped = usize::try_from(start).unwrap_or(usize::MAX);
    let (mut keys, mut bytes) = (Vec::new(), 0);
    for entry in bucket.range::<&str>(..)?.skip(skipped) {
        let (key, _) = entry?;
        if keys.len() == PAGE_KEYS || bytes >= PAGE_BYTES {
            let cursor = start.saturating_add(keys.len() as u64);
            return Ok(Page {
                keys,
                cursor: Some(cursor),
            });
        }
        bytes += key.value().len();
        keys.push(key.value().to_owned());
    }
    Ok(Page { keys, cursor: None })
}
