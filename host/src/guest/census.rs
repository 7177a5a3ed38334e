//! How many instances there are: those of an engine, and those made ahead. wasmtime's pool counts
//! parts of instances, of which one has more than another; what is promised is a number of
//! instances.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Counts instances, up to a bound.
#[derive(Debug)]
pub(super) struct Census {
    free: AtomicU32,
}

/// Stands for one instance.
#[derive(Debug)]
pub(super) struct Counted(Arc<Census>);

impl Census {
    /// For `max` instances at once.
    pub(super) fn new(max: u32) -> Arc<Census> {
        let free = AtomicU32::new(max);
        Arc::new(Census { free })
    }

    /// Counts one more; `None` if that would be too many.
    pub(super) fn count(self: &Arc<Self>) -> Option<Counted> {
        let one_less = |free: u32| free.checked_sub(1);
        let counted = self.free.fetch_update(Relaxed, Relaxed, one_less);
        counted.is_ok().then(|| Counted(Arc::clone(self)))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_than_may_be() {
        let census = Census::new(2);
        let (first, second) = (census.count(), census.count());
        assert!(first.is_some() && second.is_some());
        assert!(census.count().is_none());
        drop(first);
        let third = census.count();
        assert!(third.is_some() && census.count().is_none());
    }
}
