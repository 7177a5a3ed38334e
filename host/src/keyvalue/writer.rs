//! The thread that writes. Changes that arrive while it waits for the disk are committed together
//! by the next commit: many guests that write at once share the cost of it.

use std::io;
use std::sync::Arc;
use std::thread;

use redb::Database;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::changes::{self, Addend, Failure};
use super::file::{File, Repair};
use super::{Change, Seen, StoreError};
use crate::config::Keyvalue;

/// Jobs that one commit may hold. It keeps those that came first from waiting for all others.
const GROUP_MAX: usize = 256;
/// The unit in which pending bytes are counted: a semaphore counts to 2^29 on small machines.
const UNIT_BYTES: usize = 256;

/// One call of a guest, and where its answer goes.
pub(super) struct Job {
    pub(super) bucket: String,
    pub(super) task: Task,
}

pub(super) enum Task {
    Change(Vec<Change>, oneshot::Sender<Result<(), StoreError>>),
    Increment(String, Addend, oneshot::Sender<Result<i128, StoreError>>),
    /// A change, and what must still be there for it.
    Swap(Change, Seen, oneshot::Sender<Result<bool, StoreError>>),
}

/// The way to the thread, which ends when the last of them is gone and all is written.
pub(super) struct Writer {
    pending: Pending,
}

/// The queue of jobs. Its bound is in bytes: each job takes its share while it is under way.
#[derive(Clone)]
pub(super) struct Pending {
    jobs: UnboundedSender<(Job, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
    units_max: u32,
}

/// The thread is gone.
pub(super) struct Gone;

impl Writer {
    pub(super) fn start(file: Arc<File>, limits: Arc<Keyvalue>) -> io::Result<Writer> {
        let (jobs, receiver) = unbounded_channel();
        let units_max = units(limits.pending_max);
        let pending = Pending {
            jobs,
            room: Arc::new(Semaphore::new(units_max as usize)),
            units_max,
        };
        let thread = thread::Builder::new().name("keyvalue".to_owned());
        thread.spawn(move || run(&file, &limits, receiver))?;
        Ok(Writer { pending })
    }

    pub(super) fn pending(&self) -> Pending {
        self.pending.clone()
    }
}

impl Pending {
    /// Waits until there is room for so many bytes, and hands the job over.
    pub(super) async fn send(&self, job: Job, bytes: usize) -> Result<(), Gone> {
        let units = units(bytes).min(self.units_max);
        let room = Arc::clone(&self.room).acquire_many_owned(units).await;
        let room = room.map_err(|_| Gone)?;
        self.jobs.send((job, room)).map_err(|_| Gone)
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES).max(1)).unwrap_or(u32::MAX)
}

fn run(file: &File, limits: &Keyvalue, mut jobs: UnboundedReceiver<(Job, OwnedSemaphorePermit)>) {
    let mut repair = Repair::default();
    while let Some(first) = jobs.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(job) = jobs.try_recv()
        {
            group.push(job);
        }
        // Their room is given back when they are on the disk.
        let (jobs, _room): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        if let Err(failure) = commit(file, limits, jobs) {
            repair.attempt(file, &failure);
        }
    }
}

/// An answer that is sent when the commit is on the disk.
enum Done {
    Changed(oneshot::Sender<Result<(), StoreError>>),
    Counted(oneshot::Sender<Result<i128, StoreError>>, i128),
    Swapped(oneshot::Sender<Result<bool, StoreError>>, bool),
}

impl Done {
    /// That nobody waits any more is fine: the change stands all the same.
    fn answer(self, committed: Result<(), StoreError>) {
        match self {
            Done::Changed(reply) => drop(reply.send(committed)),
            Done::Counted(reply, sum) => drop(reply.send(committed.map(|()| sum))),
            Done::Swapped(reply, swapped) => drop(reply.send(committed.map(|()| swapped))),
        }
    }
}

/// Commits all jobs and answers them.
///
/// # Errors
/// What broke; all of them have been answered that the store has failed.
fn commit(file: &File, limits: &Keyvalue, jobs: Vec<Job>) -> Result<(), String> {
    let Some(database) = file.database() else {
        return Err("the file is not open".to_owned());
    };
    let mut done = Vec::new();
    let committed = apply(&database, limits, jobs, &mut done);
    let answer = match &committed {
        Ok(()) => Ok(()),
        Err(_) => Err(StoreError::Failed),
    };
    for done in done {
        done.answer(answer.clone());
    }
    committed.map_err(|error| error.to_string())
}

/// Makes the changes of all jobs in one transaction. A job that is refused is answered here, the
/// others are put into `done`; those that are in neither place hear that their sender is gone.
fn apply(
    database: &Database,
    limits: &Keyvalue,
    jobs: Vec<Job>,
    done: &mut Vec<Done>,
) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    for Job { bucket, task } in jobs {
        match task {
            Task::Change(changes, reply) => {
                match changes::change(&transaction, limits, &bucket, &changes) {
                    Ok(()) => done.push(Done::Changed(reply)),
                    Err(Failure::Refused(error)) => drop(reply.send(Err(error))),
                    Err(Failure::Broken(error)) => return Err(error),
                }
            }
            Task::Swap(set, seen, reply) => {
                match changes::swap(&transaction, limits, &bucket, &set, seen) {
                    Ok(swapped) => done.push(Done::Swapped(reply, swapped)),
                    Err(Failure::Refused(error)) => drop(reply.send(Err(error))),
                    Err(Failure::Broken(error)) => return Err(error),
                }
            }
            Task::Increment(key, addend, reply) => {
                match changes::increment(&transaction, limits, &bucket, &key, &addend) {
                    Ok(sum) => done.push(Done::Counted(reply, sum)),
                    Err(Failure::Refused(error)) => drop(reply.send(Err(error))),
                    Err(Failure::Broken(error)) => return Err(error),
                }
            }
        }
    }
    if done.is_empty() {
        return Ok(transaction.abort()?);
    }
    Ok(transaction.commit()?)
}
