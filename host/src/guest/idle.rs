//! Instances that wait for their next request. They occupy places of the pool that all guests
//! share, so a guest in need of a place may take one away from here.

use super::instance::Instance;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The waiting instances of one guest.
#[derive(Default)]
pub(super) struct Idle(Mutex<Vec<Instance>>);

/// The waiting instances of all guests.
#[derive(Default)]
pub(super) struct IdleList(Mutex<Vec<Weak<Idle>>>);

impl Idle {
    /// Takes the instance that was used last: its memory is still in the processor's caches.
    pub(super) fn take(&self) -> Option<Instance> {
        lock(&self.0).pop()
    }

    /// Keeps an instance for the next request.
    pub(super) fn put(&self, instance: Instance) {
        lock(&self.0).push(instance);
    }
}

impl IdleList {
    /// Watches one more guest's instances, for as long as they live.
    pub(super) fn add(&self, idle: &Arc<Idle>) {
        let mut list = lock(&self.0);
        list.retain(|known| known.strong_count() > 0);
        list.push(Arc::downgrade(idle));
    }

    /// Drops one waiting instance of any guest. Returns whether there was one.
    pub(super) fn evict_one(&self) -> bool {
        let evicted = lock(&self.0)
            .iter()
            .filter_map(Weak::upgrade)
            .find_map(|idle| idle.take());
        evicted.is_some()
    }
}

/// No code panics while it holds one of these locks, and a list would be whole even then.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
