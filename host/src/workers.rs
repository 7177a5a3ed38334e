//! The threads that serve connections. Each has a runtime of its own, so that what a connection
//! needs stays in one processor's caches, and none waits for another one that has the sockets.
//! Whoever has time accepts a connection and serves it; a thread that has too many of them, for
//! what it gets of its processor, gives some to others (`balance.rs`).
//!
//! Nothing is known here of what a connection or a guest is.

mod balance;
mod board;
#[cfg(target_os = "linux")]
mod home;
#[cfg(target_os = "linux")]
mod kernel;
mod pair;
mod schedstat;

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use crate::processors;
use board::Board;
#[cfg(target_os = "linux")]
use home::Homes;

#[cfg(test)]
pub(crate) use balance::give_next_to;
pub(crate) use balance::{elsewhere, served};

/// Where connections are served. A clone means the same threads.
#[derive(Debug, Clone)]
pub struct Workers(Arc<Crew>);

#[derive(Debug)]
struct Crew {
    /// One for each thread, by its number.
    runtimes: Box<[Handle]>,
    board: Board,
}

/// So many threads accept connections, and have some others serve theirs if there are more. All of
/// these are woken when one comes, and one gets it.
const ACCEPTORS_MAX: usize = 4;

/// Threads that serve until this is dropped, which drops what they have not done.
#[derive(Debug)]
pub struct Threads {
    workers: Workers,
    /// Each thread waits for the end of one.
    running: Vec<oneshot::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

/// While a thread has work of its own, each task in so many that it polls is one that another
/// thread has woken: a slow guest's answer, or a request that was given a place. With the runtime's
/// 31 those wait for tens of milliseconds on a busy thread.
const REMOTE_INTERVAL: u32 = 2;

/// How many threads serve for a `server.threads` of this: for 0, one for each processor.
pub(crate) fn count(configured: usize) -> usize {
    match configured {
        0 => processors::count(),
        threads => threads,
    }
}

/// How many of so many threads accept connections.
pub(crate) fn acceptors(threads: usize) -> usize {
    threads.min(ACCEPTORS_MAX)
}

impl Workers {
    fn new(runtimes: impl IntoIterator<Item = Handle>) -> Self {
        let runtimes: Box<[_]> = runtimes.into_iter().collect();
        Self(Arc::new(Crew {
            board: Board::new(runtimes.len()),
            runtimes,
        }))
    }

    /// The runtimes of all threads.
    pub(crate) fn all(&self) -> &[Handle] {
        &self.0.runtimes
    }

    /// The same in groups, of each of which the first accepts connections for all of it, in turns.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Vec<Handle>> {
        let acceptors = acceptors(self.0.runtimes.len());
        let each = move |first| self.0.runtimes.iter().skip(first).step_by(acceptors);
        (0..acceptors).map(move |first| each(first).cloned().collect())
    }

    fn runtime(&self, number: usize) -> &Handle {
        &self.0.runtimes[number]
    }
}

impl Threads {
    /// Starts so many threads, or one for each processor for 0. Each of them calls `begin` when it
    /// has work, and `rest` when it has none left. If they are to be `pinned`, each keeps a
    /// processor of its own while nobody else computes there.
    ///
    /// # Errors
    /// The operating system may refuse a thread, or what a runtime needs.
    pub fn start(
        threads: usize,
        pinned: bool,
        begin: impl Fn() + Send + Sync + 'static,
        rest: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let threads = count(threads);
        let hooks = Arc::new(Hooks {
            begin,
            rest,
            pair: (threads == pair::THREADS).then(pair::Pair::new),
            homes: pinned.then(|| Homes::new(threads)).flatten(),
        });
        let runtimes = (0..threads).map(|_| hooks.runtime());
        let runtimes = runtimes.collect::<io::Result<Vec<_>>>()?;
        let mut started = Self {
            workers: Workers::new(runtimes.iter().map(|runtime| runtime.handle().clone())),
            running: Vec::new(),
            threads: Vec::new(),
        };
        for (number, runtime) in runtimes.into_iter().enumerate() {
            started.run(number, runtime)?;
        }
        Ok(started)
    }

    fn run(&mut self, number: usize, runtime: Runtime) -> io::Result<()> {
        let (running, ended) = oneshot::channel();
        let workers = self.workers.clone();
        let serve = move || {
            balance::enter(workers, number);
            // The sender is dropped, and sends nothing.
            let _ = runtime.block_on(ended);
        };
        let thread = thread::Builder::new().name(format!("worker-{number}"));
        self.threads.push(thread.spawn(serve)?);
        self.running.push(running);
        Ok(())
    }

    /// What finds these threads.
    pub fn workers(&self) -> Workers {
        self.workers.clone()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.running.clear();
        for thread in self.threads.drain(..) {
            // A panic was reported by the hook.
            let _ = thread.join();
        }
    }
}

/// What a thread does besides serving.
struct Hooks<B, R> {
    begin: B,
    rest: R,
    pair: Option<pair::Pair>,
    homes: Option<Homes>,
}

impl<B, R> Hooks<B, R>
where
    B: Fn() + Send + Sync + 'static,
    R: Fn() + Send + Sync + 'static,
{
    /// A runtime for one thread.
    fn runtime(self: &Arc<Self>) -> io::Result<Runtime> {
        let mut builder = Builder::new_current_thread();
        builder.global_queue_interval(REMOTE_INTERVAL);
        let hooks = Arc::clone(self);
        builder.on_thread_unpark(move || {
            hooks.homes.iter().for_each(Homes::begin);
            hooks.pair.iter().for_each(pair::Pair::begin);
            balance::begin();
            (hooks.begin)();
        });
        let hooks = Arc::clone(self);
        builder.on_thread_park(move || {
            (hooks.rest)();
            balance::rest();
            let _gave_way = hooks.pair.as_ref().is_some_and(pair::Pair::rest);
            hooks.homes.iter().for_each(Homes::rest);
        });
        if let Some(homes) = self.homes.clone() {
            // Threads of its pool, for what blocks.
            builder.on_thread_start(move || homes.enter());
        }
        builder.enable_all().build()
    }
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
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
    use std::time::{Duration, Instant};

    #[test]
    fn each_thread_has_a_runtime() {
        for count in [1, 2, 3] {
            let threads = Threads::start(count, true, || (), || ()).unwrap();
            let workers = threads.workers();
            let (told, names) = std::sync::mpsc::channel();
            for runtime in workers.all().iter().chain(workers.all()) {
                let told = told.clone();
                runtime.spawn(async move {
                    let _ = told.send(thread::current().name().map(str::to_owned));
                });
            }
            drop(told);
            let names: Vec<_> = names.iter().map(Option::unwrap).collect();
            assert_eq!(names.len(), 2 * count);
            let distinct: HashSet<_> = names.into_iter().collect();
            assert_eq!(distinct.len(), count, "{distinct:?}");
        }
    }

    #[test]
    fn a_few_accept_for_all() {
        for (threads, sizes) in [
            (1, &[1][..]),
            (2, &[1, 1]),
            (4, &[1; 4]),
            (9, &[3, 2, 2, 2]),
        ] {
            let runtime = Builder::new_current_thread().build().unwrap();
            let workers = Workers::new((0..threads).map(|_| runtime.handle().clone()));
            let groups: Vec<_> = workers.groups().map(|group| group.len()).collect();
            assert_eq!(groups, sizes);
        }
    }

    #[test]
    fn threads_end_with_what_they_have_not_done() {
        let threads = Threads::start(2, true, || (), || ()).unwrap();
        let workers = threads.workers();
        let held = Arc::new(());
        for runtime in workers.all() {
            let held = Arc::clone(&held);
            runtime.spawn(async move {
                std::future::pending::<()>().await;
                drop(held);
            });
        }
        drop(threads);
        assert_eq!(Arc::strong_count(&held), 1);
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
            let started = Threads::start(threads, true, begin, rest).unwrap();
            let workers = started.workers();
            for runtime in workers.all() {
                runtime.spawn(async { tokio::time::sleep(Duration::from_millis(1)).await });
            }
            // Each rests once more than it begins: a new thread has not begun yet.
            let resting = -i64::try_from(threads).unwrap();
            let end = Instant::now() + Duration::from_secs(20);
            while begun.load(SeqCst) == 0 || working.load(SeqCst) != resting {
                assert!(Instant::now() < end, "a thread is at work where none is");
                thread::yield_now();
            }
        }
    }
}
