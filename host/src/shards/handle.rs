//! Counted pointers to what all threads share. An `Arc` counts where everybody counts, at each
//! clone and each drop; these count apart for each thread that they were taken on, so that a
//! request may hold what it needs and no other processor hears of it.

use super::{SHARDS, own};
use arc_swap::ArcSwap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// One pointer, counted with those that were taken on the same thread. It may be cloned, used and
/// dropped on any other.
pub struct Handle<T>(Arc<Line<T>>);

/// Where the handles to one thing come from. It is one of its owners itself.
pub struct Handles<T> {
    to: Arc<T>,
    lines: [Arc<Line<T>>; SHARDS],
}

/// The same for a thing that is replaced now and then.
pub(crate) struct Swap<T>([ArcSwap<Line<T>>; SHARDS]);

/// What the handles of a thread count on. With the two counts that `Arc` has in front of it, it
/// fills a cache line.
struct Line<T> {
    to: Arc<T>,
    _filled: [usize; 5],
}

impl<T> Line<T> {
    fn new(to: &Arc<T>) -> Arc<Self> {
        Arc::new(Self {
            to: Arc::clone(to),
            _filled: [0; 5],
        })
    }
}

impl<T> Handle<T> {
    /// What it points to, for as long as that is needed on other terms.
    pub fn shared(handle: &Self) -> &Arc<T> {
        &handle.0.to
    }
}

impl<T> Handles<T> {
    /// The handles to this.
    pub fn new(to: &Arc<T>) -> Self {
        Self {
            to: Arc::clone(to),
            lines: std::array::from_fn(|_| Line::new(to)),
        }
    }

    /// Reads a little of what [`Handles::take`] will write.
    pub(crate) fn touch(handles: &Self) {
        std::hint::black_box(Arc::strong_count(&handles.lines[own()]));
    }

    /// One for this thread.
    pub fn take(handles: &Self) -> Handle<T> {
        Handle(Arc::clone(&handles.lines[own()]))
    }
}

impl<T> Swap<T> {
    /// The handles to this, for now.
    pub(crate) fn new(to: &Arc<T>) -> Self {
        Self(std::array::from_fn(|_| ArcSwap::new(Line::new(to))))
    }

    /// A handle for this thread, to what is there at this moment.
    pub(crate) fn take(&self) -> Handle<T> {
        Handle(self.0[own()].load_full())
    }

    /// Looks at what is there at this moment.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.0[own()].load().to)
    }

    /// Puts this in its place: when it returns, on all threads. They are not told in one moment, so
    /// two that do this at once would leave a mixture.
    pub(crate) fn put(&self, to: &Arc<T>) {
        self.0.iter().for_each(|own| own.store(Line::new(to)));
    }
}

/// The only handle to this, wherever it is used.
#[cfg(test)]
impl<T> From<Arc<T>> for Handle<T> {
    fn from(to: Arc<T>) -> Self {
        Self(Line::new(&to))
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Handle<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.to
    }
}

impl<T> Deref for Handles<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // Not by any line, which some thread writes to.
        &self.to
    }
}

impl<T: fmt::Debug> fmt::Debug for Handle<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

impl<T: fmt::Debug> fmt::Debug for Handles<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

impl<T: fmt::Debug> fmt::Debug for Swap<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|to| to.fmt(formatter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_line_is_one_of_the_caches() {
        let counts = 2 * size_of::<usize>();
        assert_eq!(size_of::<Line<String>>() + counts, 64);
    }

    #[test]
    fn what_is_pointed_to_lives_as_long_as_any_handle() {
        let thing = Arc::new("thing".to_owned());
        let handles = Handles::new(&thing);
        let (here, there) = thread::scope(|scope| {
            let there = scope.spawn(|| Handles::take(&handles));
            (Handles::take(&handles), there.join().unwrap())
        });
        let alive = Arc::downgrade(&thing);
        drop((thing, handles));
        assert_eq!((here.as_str(), there.as_str()), ("thing", "thing"));
        let last = there.clone();
        drop((here, there));
        assert_eq!(last.as_str(), "thing");
        drop(last);
        assert!(alive.upgrade().is_none());
    }

    #[test]
    fn what_is_replaced_is_so_on_all_threads_and_stays_with_who_has_it() {
        let swap = Swap::new(&Arc::new(1));
        let before = swap.take();
        swap.put(&Arc::new(2));
        thread::scope(|scope| {
            for _ in 0..2 * SHARDS {
                let seen = scope.spawn(|| (*swap.take(), swap.with(|now| *now)));
                assert_eq!(seen.join().unwrap(), (2, 2));
            }
        });
        assert_eq!(*before, 1);
    }
}
