//! How many instances there are: those of an engine, and those made ahead. wasmtime's pool counts
//! parts of instances, of which one has more than another; what is promised is a number of
//! instances.

use crate::shards::{Alone, Handle, Handles, Pointee, Quota};
use std::sync::Arc;

/// Counts instances, up to a bound.
#[derive(Debug)]
pub(super) struct Census {
    max: usize,
    counted: Quota,
}

/// Stands for one instance.
#[derive(Debug)]
pub(super) struct Counted(Handle<Census>);

impl Pointee for Census {
    type Beside = Alone;

    fn beside(&self, _: usize) -> Alone {
        Alone::new()
    }
}

impl Census {
    /// For `max` instances at once.
    pub(super) fn new(max: u32) -> Handles<Census> {
        Handles::new(&Arc::new(Census {
            max: usize::try_from(max).unwrap_or(usize::MAX),
            counted: Quota::default(),
        }))
    }

    /// Counts one more; `None` if that would be too many.
    pub(super) fn count(census: &Handles<Self>) -> Option<Counted> {
        let counted = census.counted.take(census.max);
        counted.then(|| Counted(Handles::take(census)))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.counted.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_than_may_be() {
        let census = Census::new(2);
        let count = || Census::count(&census);
        let (first, second) = (count(), count());
        assert!(first.is_some() && second.is_some());
        assert!(count().is_none());
        drop(first);
        let third = count();
        assert!(third.is_some() && count().is_none());
    }
}
