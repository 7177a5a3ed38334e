//! What all threads count, keep or point to, apart for each of them: a cache line that several
//! processors write moves from one to the other each time, which takes longer than what is done
//! with it.

mod handle;
mod kept;
mod numbers;
mod quota;
mod sum;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub(crate) use handle::Swap;
pub use handle::{Alone, Handle, Handles, Pointee};
pub(crate) use kept::Kept;
pub(crate) use numbers::Numbers;
pub(crate) use quota::Quota;
pub use sum::Sum;

/// Parts that such a thing has. With more threads, several share one; so it must be safe to share.
pub(crate) const SHARDS: usize = 8;

/// A thread's part of something, on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Apart<T>(pub(crate) T);

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// This thread's part, below [`SHARDS`].
pub(crate) fn own() -> usize {
    thread_local! {
        static NUMBER: usize = THREADS.fetch_add(1, Relaxed) % SHARDS;
    }
    NUMBER.with(|number| *number)
}

/// Parts below this may be some thread's.
pub(crate) fn used() -> usize {
    THREADS.load(Relaxed).min(SHARDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_thread_keeps_its_part() {
        let twice = || (own(), own());
        let parts: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(twice)).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(parts.iter().all(|(first, second)| first == second));
        assert!(parts.iter().all(|(part, _)| *part < used()));
    }
}
