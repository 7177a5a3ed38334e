//! A disk that refuses to write for a while.

use std::fs::OpenOptions;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use redb::backends::FileBackend;
use redb::{BackendError, Database, StorageBackend};

use super::*;

/// A file on such a disk.
#[derive(Debug)]
struct Flaky {
    file: FileBackend,
    full: Arc<AtomicBool>,
}

impl Flaky {
    fn check(&self) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl StorageBackend for Flaky {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.check()?;
        self.file.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.check()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }
}

fn store(path: &Path, full: &Arc<AtomicBool>) -> Embedded {
    let (own, full) = (path.to_owned(), Arc::clone(full));
    let open = move || {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let backend = Flaky {
            file: FileBackend::new(options.open(&own)?)?,
            full: Arc::clone(&full),
        };
        Database::builder().create_with_backend(backend)
    };
    Embedded::with(path, Box::new(open), Keyvalue::default()).unwrap()
}

#[tokio::test]
async fn a_store_recovers_from_a_disk_that_was_full() {
    let place = tempfile::tempdir().unwrap();
    let full = Arc::<AtomicBool>::default();
    let store = store(&place.path().join("flaky.redb"), &full);
    assert_eq!(add(&store, "x", "n", 1).await, Ok(1));

    full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let refused = add(&store, "x", "n", 1).await;
        assert_eq!(refused, Err(StoreError::Failed));
    }
    full.store(false, Ordering::SeqCst);
    let since = Instant::now();
    let sum = loop {
        match add(&store, "x", "n", 1).await {
            Ok(sum) => break sum,
            Err(error) => assert_eq!(error, StoreError::Failed),
        }
        assert!(since.elapsed() < Duration::from_secs(60), "it stays broken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    // What failed was never there, and what was acknowledged before is.
    assert_eq!(sum, 2);
    assert_eq!(value(&store, "x", "n").await.unwrap(), b"2");
}
