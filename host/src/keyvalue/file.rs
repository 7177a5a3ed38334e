//! The store's file, which is opened again after a failure: once the system has refused to read or
//! write, as it does when a disk is full, the database refuses everything until then. What was
//! committed before is there again afterwards.

use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use redb::{Database, DatabaseError};

/// Opens the file, and makes it if it is not there.
pub(super) type Open = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// Between two attempts: each may read the whole file.
const PAUSE: Duration = Duration::from_secs(1);
/// How long readers that are under way get to end, in so many looks with so long between them.
const LOOKS: u32 = 100;
const LOOK: Duration = Duration::from_millis(10);

/// The file and, while it is in order, the database in it.
pub(super) struct File {
    open: Open,
    database: RwLock<Option<Arc<Database>>>,
}

impl File {
    pub(super) fn open(open: Open) -> Result<File, DatabaseError> {
        let database = RwLock::new(Some(Arc::new(open()?)));
        Ok(File { open, database })
    }

    /// The database; none while the file cannot be opened.
    pub(super) fn database(&self) -> Option<Arc<Database>> {
        let database = self.database.read();
        database.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, database: Option<Arc<Database>>) -> Option<Arc<Database>> {
        let current = self.database.write();
        let mut current = current.unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, database)
    }

    fn reopen(&self) -> Result<(), DatabaseError> {
        if let Some(before) = self.set(None) {
            for _ in 0..LOOKS {
                if Arc::strong_count(&before) == 1 {
                    break;
                }
                thread::sleep(LOOK);
            }
        }
        self.set(Some(Arc::new((self.open)()?)));
        Ok(())
    }
}

/// Opens the file again when that is due. Its owner is the only one who writes.
#[derive(Default)]
pub(super) struct Repair {
    last: Option<Instant>,
}

impl Repair {
    /// Tells of a failure, and opens the file again, unless that was done just before.
    pub(super) fn attempt(&mut self, file: &File, failure: &str) {
        if self.last.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        tracing::error!("keyvalue: cannot write: {failure}");
        match file.reopen() {
            Ok(()) => tracing::info!("keyvalue: the store was opened again"),
            Err(error) => tracing::error!("keyvalue: the store cannot be opened again: {error}"),
        }
        self.last = Some(Instant::now());
    }
}
