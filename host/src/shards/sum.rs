//! Numbers that many threads add to and few read. Those of one thread lie side by side: what is
//! counted for each of a thousand guests fills the processor's cache no more than it must.

use super::{SHARDS, own};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Numbers that are made at once.
const BLOCK: usize = 512;
/// Blocks that there can be; numbers beyond those lie each by itself.
const BLOCKS_MAX: usize = 256;

/// A count that only grows, by one for each request.
#[derive(Debug)]
pub struct Sum(Place);

#[derive(Debug)]
enum Place {
    /// Here in the parts of all threads.
    Shared(usize),
    Alone(Box<AtomicU64>),
}

/// What some of the threads have added.
struct Part([OnceLock<Box<[AtomicU64; BLOCK]>>; BLOCKS_MAX]);

static PARTS: [Part; SHARDS] = [const { Part([const { OnceLock::new() }; BLOCKS_MAX]) }; SHARDS];

/// The places that no number has.
static FREE: Mutex<Free> = Mutex::new(Free {
    next: 0,
    left: Vec::new(),
});

struct Free {
    /// No number has had this place, or one behind it.
    next: usize,
    /// Places of numbers that are gone. They are 0 again.
    left: Vec<usize>,
}

impl Part {
    fn at(&self, place: usize) -> &AtomicU64 {
        let zeros = || Box::new([const { AtomicU64::new(0) }; BLOCK]);
        &self.0[place / BLOCK].get_or_init(zeros)[place % BLOCK]
    }
}

impl Sum {
    /// One more.
    pub(crate) fn add(&self) {
        self.own().fetch_add(1, Relaxed);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        match &self.0 {
            Place::Shared(place) => PARTS.iter().map(|it| it.at(*place).load(Relaxed)).sum(),
            Place::Alone(number) => number.load(Relaxed),
        }
    }

    /// Reads what [`Sum::add`] will write.
    pub(crate) fn touch(&self) {
        std::hint::black_box(self.own().load(Relaxed));
    }

    fn own(&self) -> &AtomicU64 {
        match &self.0 {
            Place::Shared(place) => PARTS[own()].at(*place),
            Place::Alone(number) => number,
        }
    }
}

impl Default for Sum {
    fn default() -> Self {
        let mut free = free();
        if let Some(place) = free.left.pop() {
            return Self(Place::Shared(place));
        }
        if free.next == BLOCK * BLOCKS_MAX {
            return Self(Place::Alone(Box::default()));
        }
        free.next += 1;
        Self(Place::Shared(free.next - 1))
    }
}

impl Drop for Sum {
    fn drop(&mut self) {
        if let Place::Shared(place) = self.0 {
            PARTS.iter().for_each(|it| it.at(place).store(0, Relaxed));
            free().left.push(place);
        }
    }
}

fn free() -> MutexGuard<'static, Free> {
    // Every statement under the lock leaves it whole.
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn what_threads_add_is_in_the_sum() {
        let sums = [Sum::default(), Sum::default()];
        let add = || (0..100).for_each(|_| sums[0].add());
        thread::scope(|scope| (0..2 * SHARDS).for_each(|_| drop(scope.spawn(add))));
        assert_eq!(sums[0].get(), 100 * 2 * SHARDS as u64);
        assert_eq!(sums[1].get(), 0);
    }

    #[test]
    fn more_numbers_than_there_are_places_count_as_well() {
        let sums: Vec<_> = (0..BLOCK * BLOCKS_MAX + 2)
            .map(|_| Sum::default())
            .collect();
        let last = sums.last().unwrap();
        last.add();
        sums[BLOCK].add();
        assert!(matches!(last.0, Place::Alone(_)));
        assert_eq!(sums.iter().map(Sum::get).sum::<u64>(), 2);
        drop(sums);
        assert_eq!(Sum::default().get(), 0, "who comes next begins at 0");
    }
}
