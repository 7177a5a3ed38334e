//! The runtime and its threads, and what they do when they begin to work and before they rest.
//!
//! Nothing is known here of connections or guests.

#[cfg(target_os = "linux")]
mod home;
mod pair;

use std::io;
use std::thread;
use tokio::runtime::{Builder, Runtime};

#[cfg(target_os = "linux")]
use home::Homes;

/// The runtime of all connections, with so many threads, or one for each processor for 0. Each of
/// them calls `begin` when it has work, and `rest` when it has none left. If they are to be
/// `pinned`, each keeps a processor of its own while nobody else computes there.
///
/// # Errors
/// The operating system may refuse a thread.
pub(crate) fn runtime(
    threads: usize,
    pinned: bool,
    begin: impl Fn() + Send + Sync + 'static,
    rest: impl Fn() + Send + Sync + 'static,
) -> io::Result<Runtime> {
    let processors = || thread::available_parallelism().map_or(1, usize::from);
    let threads = if threads == 0 { processors() } else { threads };
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(threads);
    let pair = (threads == pair::THREADS).then(pair::Pair::new);
    let homes = pinned.then(|| Homes::new(threads)).flatten();
    let (its_pair, its_homes) = (pair.clone(), homes.clone());
    builder.on_thread_unpark(move || {
        its_homes.iter().for_each(Homes::begin);
        its_pair.iter().for_each(pair::Pair::begin);
        begin();
    });
    let its_homes = homes.clone();
    builder.on_thread_park(move || {
        rest();
        let _gave_way = pair.as_ref().is_some_and(pair::Pair::rest);
        its_homes.iter().for_each(Homes::rest);
    });
    if let Some(homes) = homes {
        builder.on_thread_start(move || homes.enter());
    }
    builder.enable_all().build()
}

/// Elsewhere nothing is known of who waits for a processor.
#[cfg(not(target_os = "linux"))]
#[derive(Clone)]
struct Homes;

#[cfg(not(target_os = "linux"))]
impl Homes {
    fn new(_threads: usize) -> Option<Homes> {
        None
    }
    fn enter(&self) {}
    fn begin(&self) {}
    fn rest(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
    use std::time::{Duration, Instant};

    #[test]
    fn two_threads_are_a_pair_and_others_are_not() {
        for threads in [1, 2, 3] {
            let runtime = runtime(threads, true, || (), || ()).unwrap();
            // A thread is one of a pair once it has woken up.
            let is_pair = (0..1000).any(|_| {
                let task = runtime.spawn(async { pair::Pair::has_this_thread() });
                runtime.block_on(task).unwrap()
            });
            assert_eq!(is_pair, threads == pair::THREADS, "{threads}");
        }
    }

    #[test]
    fn threads_say_when_they_work_and_when_they_rest() {
        for threads in [1, 2, 3] {
            let (begun, working) = (Arc::<AtomicI64>::default(), Arc::<AtomicI64>::default());
            let (its_begun, its_working) = (Arc::clone(&begun), Arc::clone(&working));
            let begin = move || {
                its_begun.fetch_add(1, SeqCst);
                its_working.fetch_add(1, SeqCst);
            };
            let its_working = Arc::clone(&working);
            let rest = move || {
                its_working.fetch_sub(1, SeqCst);
            };
            let runtime = runtime(threads, true, begin, rest).unwrap();
            let task = runtime.spawn(async {
                tokio::time::sleep(Duration::from_millis(1)).await;
            });
            runtime.block_on(task).unwrap();
            // Each rests once more than it begins: a new thread has not begun yet.
            let resting = -i64::try_from(threads).unwrap();
            let end = Instant::now() + Duration::from_secs(20);
            while working.load(SeqCst) != resting {
                assert!(Instant::now() < end, "a thread is at work where none is");
                thread::yield_now();
            }
            assert!(begun.load(SeqCst) > 0);
        }
    }
}
