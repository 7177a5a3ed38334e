//! What is in use and dear to make, by whatever makes two of them the same: it is made once,
//! however many guests and generations share it. Nothing is kept alive here.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Knows everything of one kind that somebody holds.
pub(super) struct Interned<K, V> {
    entries: Mutex<HashMap<K, Arc<Entry<V>>>>,
}

/// Locked while it is made, so that others who want the same wait for that.
type Entry<V> = Mutex<Weak<V>>;

impl<K, V> Default for Interned<K, V> {
    fn default() -> Interned<K, V> {
        Interned {
            entries: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash, V> Interned<K, V> {
    /// What has this key: one that is in use already, or a new one. Waits where others make it; so
    /// no thread may ask that would work for them meanwhile.
    ///
    /// # Errors
    /// What `make` says. It is asked again the next time.
    pub(super) fn get_or_make<E>(
        &self,
        key: K,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<Arc<V>, E> {
        let entry = self.entry(key);
        let mut known = lock(&entry);
        if let Some(value) = known.upgrade() {
            return Ok(value);
        }
        let value = Arc::new(make()?);
        *known = Arc::downgrade(&value);
        Ok(value)
    }

    /// The key's entry. Entries of what is gone are forgotten on the way, so that there are never
    /// more than are in use or being made.
    fn entry(&self, key: K) -> Arc<Entry<V>> {
        let mut entries = lock(&self.entries);
        entries.retain(|_, entry| Arc::strong_count(entry) > 1 || lock(entry).strong_count() > 0);
        Arc::clone(entries.entry(key).or_default())
    }
}

/// A panic of what is made leaves an entry as it was before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
impl<K, V> Interned<K, V> {
    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        lock(&self.entries).len()
    }
}
