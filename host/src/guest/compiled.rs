//! Components that are in use, by their content and what they are compiled for: the same bytes are
//! compiled once, however many guests and generations are made of them. Nothing is kept alive here.

use super::call::Optimize;
use super::error::LoadError;
use super::hash::ContentHash;
use super::load::Loaded;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Knows every component that somebody holds.
#[derive(Default)]
pub(super) struct Compiled {
    entries: Mutex<HashMap<Key, Arc<Entry>>>,
}

/// What makes two components the same.
pub(super) type Key = (ContentHash, Optimize);

/// Locked while its content is compiled, so that others with the same content wait for that.
type Entry = Mutex<Weak<Loaded>>;

impl Compiled {
    /// The component with this content: one that is in use already, or a new one.
    ///
    /// # Errors
    /// What `compile` says. It is asked again the next time.
    pub(super) fn get_or_compile(
        &self,
        key: Key,
        compile: impl FnOnce() -> Result<Loaded, LoadError>,
    ) -> Result<Arc<Loaded>, LoadError> {
        let entry = self.entry(key);
        let mut known = lock(&entry);
        if let Some(loaded) = known.upgrade() {
            return Ok(loaded);
        }
        let loaded = Arc::new(compile()?);
        *known = Arc::downgrade(&loaded);
        Ok(loaded)
    }

    /// The content's entry. Entries of components that are gone are forgotten on the way, so that
    /// there are never more than components in use or being compiled.
    fn entry(&self, key: Key) -> Arc<Entry> {
        let mut entries = lock(&self.entries);
        entries.retain(|_, entry| Arc::strong_count(entry) > 1 || lock(entry).strong_count() > 0);
        Arc::clone(entries.entry(key).or_default())
    }
}

/// A panic of the compiler leaves an entry as it was before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
impl Compiled {
    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        lock(&self.entries).len()
    }
}
