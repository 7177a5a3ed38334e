//! Counted pointers to what all threads share. An `Arc` counts where everybody counts, at each
//! clone and each drop; these count apart for each thread that they were taken on, so that a
//! request may hold what it needs and no other processor hears of it.

use super::{SHARDS, own};
use arc_swap::{ArcSwap, Guard};
use std::fmt;
use std::hint::black_box;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// What handles lead to.
pub trait Pointee {
    /// What each thread's line holds beside the pointer, so that whoever has the line finds it
    /// without looking at the thing first. Four words: a line has room for no more.
    type Beside: Send + Sync;

    /// That for the line of this part of the threads.
    fn beside(&self, part: usize) -> Self::Beside;
}

/// Nothing beside it.
pub struct Alone(#[expect(dead_code, reason = "fills the line")] [usize; BESIDE_WORDS]);

const BESIDE_WORDS: usize = 4;

impl Alone {
    /// In any line.
    pub(crate) fn new() -> Self {
        Self([0; BESIDE_WORDS])
    }
}

/// One pointer, counted with those that were taken on the same thread. It may be cloned, used and
/// dropped on any other.
pub struct Handle<T: Pointee>(Arc<Line<T>>);

/// Where the handles to one thing come from. It is one of its owners itself.
pub struct Handles<T: Pointee> {
    to: Arc<T>,
    lines: [Arc<Line<T>>; SHARDS],
}

/// The same for a thing that is replaced now and then.
#[repr(C)]
pub(crate) struct Swap<T: Pointee> {
    lines: [ArcSwap<Line<T>>; SHARDS],
    /// How often it was replaced.
    version: AtomicUsize,
}

/// What the handles of a thread count on. With the two counts that `Arc` has in front of it, it
/// fills a cache line.
struct Line<T: Pointee> {
    to: Arc<T>,
    beside: T::Beside,
    /// That of the [`Swap`] it is in.
    version: usize,
}

impl<T: Pointee> Line<T> {
    fn new(to: &Arc<T>, part: usize, version: usize) -> Arc<Self> {
        Arc::new(Self {
            to: Arc::clone(to),
            beside: to.beside(part),
            version,
        })
    }
}

impl<T: Pointee> Handle<T> {
    /// What it points to, for as long as that is needed on other terms.
    pub fn shared(handle: &Self) -> &Arc<T> {
        &handle.0.to
    }

    /// Reads a little of what counting it writes.
    pub(crate) fn touch(handle: &Self) {
        black_box(Arc::strong_count(&handle.0));
    }
}

impl<T: Pointee> Handles<T> {
    /// The handles to this.
    pub fn new(to: &Arc<T>) -> Self {
        Self {
            to: Arc::clone(to),
            lines: std::array::from_fn(|part| Line::new(to, part, 0)),
        }
    }

    /// Reads on the way to what [`Handles::take`] will write.
    pub(crate) fn touch(handles: &Self) {
        black_box((Arc::as_ptr(&handles.to), Arc::as_ptr(&handles.lines[own()])));
    }

    /// One for this thread.
    pub fn take(handles: &Self) -> Handle<T> {
        Self::take_for(handles, own())
    }

    /// One for the threads of this part.
    pub(crate) fn take_for(handles: &Self, part: usize) -> Handle<T> {
        Handle(Arc::clone(&handles.lines[part]))
    }
}

impl<T: Pointee> Swap<T> {
    /// The handles to this, for now.
    pub(crate) fn new(to: &Arc<T>) -> Self {
        Self {
            lines: std::array::from_fn(|part| ArcSwap::new(Line::new(to, part, 0))),
            version: AtomicUsize::new(0),
        }
    }

    /// A handle for this thread, to what is there at this moment.
    pub(crate) fn take(&self) -> Handle<T> {
        self.take_after(|_, _| ())
    }

    /// The same after a look at it and at what its line holds beside it. To count the handle, the
    /// processor waits for all that it reads: what is read before comes while the line does.
    pub(crate) fn take_after(&self, look: impl FnOnce(&T, &T::Beside)) -> Handle<T> {
        let line = self.lines[own()].load();
        look(&line.to, &line.beside);
        Handle(Guard::into_inner(line))
    }

    /// The same for who has one that was taken a while ago: most often nothing is there but that.
    pub(crate) fn renew(&self, handle: Handle<T>) -> Handle<T> {
        if handle.0.version == self.version.load(SeqCst) {
            return handle;
        }
        self.take()
    }

    /// Looks at what is there at this moment.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lines[own()].load().to)
    }

    /// Puts this in its place: when it returns, on all threads. They are not told in one moment, so
    /// two that do this at once would leave a mixture.
    pub(crate) fn put(&self, to: &Arc<T>) {
        let version = self.version.load(SeqCst) + 1;
        for (part, line) in self.lines.iter().enumerate() {
            line.store(Line::new(to, part, version));
        }
        self.version.store(version, SeqCst);
    }
}

#[cfg(test)]
impl<T: Pointee> Handle<T> {
    /// What its line holds beside it.
    fn beside(handle: &Self) -> &T::Beside {
        &handle.0.beside
    }
}

/// The only handle to this, wherever it is used.
#[cfg(test)]
impl<T: Pointee> From<Arc<T>> for Handle<T> {
    fn from(to: Arc<T>) -> Self {
        Self(Line::new(&to, own(), 0))
    }
}

impl<T: Pointee> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Pointee> Deref for Handle<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.to
    }
}

impl<T: Pointee> Deref for Handles<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // Not by any line, which some thread writes to.
        &self.to
    }
}

impl<T: Pointee + fmt::Debug> fmt::Debug for Handle<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

impl<T: Pointee + fmt::Debug> fmt::Debug for Handles<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

impl<T: Pointee + fmt::Debug> fmt::Debug for Swap<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|to| to.fmt(formatter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    impl Pointee for String {
        type Beside = Alone;

        fn beside(&self, _: usize) -> Alone {
            Alone::new()
        }
    }

    /// Its part and itself.
    impl Pointee for u32 {
        type Beside = (usize, u32);

        fn beside(&self, part: usize) -> (usize, u32) {
            (part, *self)
        }
    }

    #[test]
    fn a_line_is_one_of_the_caches() {
        let counts = 2 * size_of::<usize>();
        assert_eq!(size_of::<Line<String>>() + counts, 64);
    }

    #[test]
    fn what_stands_beside_it_is_of_the_same_thing_and_the_threads_own() {
        let swap = Swap::new(&Arc::new(7));
        assert_eq!(*Handle::beside(&swap.take()), (own(), 7));
        swap.put(&Arc::new(8));
        let handles = Handles::new(&Arc::new(9));
        let there = || {
            let taken = [swap.take(), Handles::take(&handles)];
            let beside = taken.map(|handle| *Handle::beside(&handle));
            beside == [(own(), 8), (own(), 9)]
        };
        assert!(thread::scope(|scope| scope.spawn(there).join().unwrap()));
        for part in 0..SHARDS {
            let handle = Handles::take_for(&handles, part);
            assert_eq!(*Handle::beside(&handle), (part, 9));
        }
    }

    #[test]
    fn what_is_looked_at_before_a_handle_is_taken_is_what_it_leads_to() {
        let swap = Swap::new(&Arc::new(7));
        let mut seen = Vec::new();
        let taken = swap.take_after(|to, beside| seen.push((*to, *beside)));
        assert_eq!((*taken, &seen[..]), (7, &[(7, (own(), 7))][..]));
    }

    #[test]
    fn a_handle_is_renewed_when_another_thing_is_there() {
        let swap = Swap::new(&Arc::new(1));
        let first = swap.renew(swap.take());
        assert_eq!(*first, 1);
        swap.put(&Arc::new(2));
        let second = swap.renew(first.clone());
        assert_eq!((*first, *second), (1, 2));
        swap.put(&Handle::shared(&first).clone());
        assert_eq!((*swap.renew(first), *swap.renew(second)), (1, 1));
        // One that is as it was comes back as it is, and is not taken here.
        let there = thread::scope(|scope| scope.spawn(|| swap.take()).join().unwrap());
        let line = Arc::as_ptr(&there.0);
        assert_ne!(line, Arc::as_ptr(&swap.take().0));
        assert_eq!(line, Arc::as_ptr(&swap.renew(there).0));
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
