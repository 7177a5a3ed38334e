//! The requests that one instance has: whose deadline counts while the guest runs, and who is to
//! hear of it when the instance fails.

use super::super::download::Breaking;
use super::ticket::Ticket;
use crate::guest::background::Moving;
use crate::guest::error::CallError;
use crate::guest::state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use wasmtime::StoreContextMut;
use wasmtime::component::GuestTaskId;

/// The request that the guest works for at this moment, if it is known.
pub(in crate::guest) fn running_request(
    store: &mut StoreContextMut<'_, State>,
) -> Option<GuestTaskId> {
    store.async_call_stack().ok()?.last()
}

/// The requests of one instance.
pub(in crate::guest) struct Roster {
    inner: Mutex<Inner>,
    /// The earliest deadline of all.
    due: Arc<Moving>,
}

struct Inner {
    entries: Vec<Entry>,
    /// The latest deadline so far: that of work of which nobody knows for whom it is.
    until: Instant,
    /// The request that ran past its deadline.
    culprit: Option<GuestTaskId>,
}

/// A request that the guest has.
pub(super) struct Entry {
    pub(super) task: GuestTaskId,
    pub(super) id: String,
    pub(super) deadline: Instant,
    /// Nothing when its client is gone: the guest may still run for it.
    pub(super) waiting: Option<(Arc<Ticket>, Breaking)>,
}

impl Roster {
    /// Nobody yet, in an instance that is being made until `deadline`.
    pub(super) fn new(deadline: Instant) -> Roster {
        Roster {
            inner: Mutex::new(Inner {
                entries: Vec::new(),
                until: deadline,
                culprit: None,
            }),
            due: Arc::default(),
        }
    }

    /// The deadline that comes first, now and later.
    pub(super) fn due(&self) -> Arc<Moving> {
        Arc::clone(&self.due)
    }

    /// When the last of its work has to be over.
    pub(super) fn until(&self) -> Instant {
        self.lock().until
    }

    /// The guest has one more.
    pub(super) fn add(&self, entry: Entry) {
        let mut inner = self.lock();
        inner.until = inner.until.max(entry.deadline);
        inner.entries.push(entry);
        self.note_due(&inner);
    }

    /// The guest is done with one.
    pub(super) fn end(&self, task: GuestTaskId, is_complete: bool) {
        let mut inner = self.lock();
        let Some(at) = inner.entries.iter().position(|entry| entry.task == task) else {
            return;
        };
        let entry = inner.entries.swap_remove(at);
        self.note_due(&inner);
        drop(inner);
        if let (true, Some((_, breaking))) = (is_complete, entry.waiting) {
            breaking.disarm();
        }
    }

    /// The client of one is gone.
    pub(super) fn leave(&self, task: GuestTaskId) {
        let mut inner = self.lock();
        let mut entries = inner.entries.iter_mut();
        let left = entries.find(|entry| entry.task == task);
        let left = left.and_then(|entry| entry.waiting.take());
        drop(inner);
        drop(left);
    }

    /// The guest has ended all that it was doing. Those whose clients take their responses still
    /// end with these.
    pub(super) fn clear(&self) {
        let mut inner = self.lock();
        inner.entries.retain(|entry| entry.waiting.is_some());
        self.note_due(&inner);
    }

    /// Whether the guest is to be stopped, which runs for this request: its deadline has passed.
    pub(in crate::guest) fn has_overrun(&self, task: Option<GuestTaskId>, now: Instant) -> bool {
        let mut inner = self.lock();
        let mut entries = inner.entries.iter();
        let known = entries.find(|entry| Some(entry.task) == task);
        let overran = now >= known.map_or(inner.until, |entry| entry.deadline);
        if overran {
            inner.culprit = task;
        }
        overran
    }

    /// The id of a request.
    pub(in crate::guest) fn id_of(&self, task: GuestTaskId) -> Option<String> {
        let inner = self.lock();
        let mut entries = inner.entries.iter();
        let entry = entries.find(|entry| entry.task == task);
        entry.map(|entry| entry.id.clone())
    }

    /// The instance has failed. To be called before it is dropped. The request that is to blame, if
    /// that is known, is told of the error itself, the others that they shared its fate.
    pub(super) fn fail(&self, error: CallError) {
        let mut inner = self.lock();
        let (entries, culprit) = (std::mem::take(&mut inner.entries), inner.culprit);
        drop(inner);
        let mut waiting = Vec::with_capacity(entries.len());
        for entry in entries {
            if let Some((ticket, breaking)) = entry.waiting {
                // Its client looks here when the body ends, which the end of the store will do.
                drop(breaking);
                waiting.push((entry.task, ticket));
            }
        }
        let is_alone = waiting.len() == 1 && culprit.is_none();
        let reason = error.to_string();
        let mut error = Some(error);
        for (task, ticket) in waiting {
            let to_blame = is_alone || Some(task) == culprit;
            let own = error.take_if(|_| to_blame);
            let reason = reason.clone();
            ticket.end(Err(own.unwrap_or(CallError::Stopped { reason })));
        }
    }

    fn note_due(&self, inner: &Inner) {
        let deadlines = inner.entries.iter().map(|entry| entry.deadline);
        self.due.set(deadlines.min());
    }

    /// Every statement under the lock leaves it whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
