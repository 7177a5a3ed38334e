//! Threads that compile while requests are served: few, and with so low a priority that the
//! kernel prefers every other thread. They are started when the first component needs them.

use crate::processors;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::OnceLock;

/// How much a component's compilation may disturb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Nothing is served yet: all processors, on the caller's thread and wasmtime's own.
    Start,
    /// Requests are being served: threads of low priority, half as many as processors.
    Background,
}

/// The jobs of one load, which all have its priority.
#[derive(Debug)]
pub(super) struct Jobs<'a> {
    pool: &'a CompilePool,
    priority: Priority,
}

/// The threads for [`Priority::Background`]. They end when it is dropped.
#[derive(Debug)]
pub(super) struct CompilePool {
    nice: u32,
    pool: OnceLock<Option<ThreadPool>>,
}

impl CompilePool {
    /// No threads yet. `nice` says how far they will step back: nice(2), from 0 to 19.
    pub(super) fn new(nice: u32) -> CompilePool {
        CompilePool {
            nice,
            pool: OnceLock::new(),
        }
    }

    /// For the jobs of one load.
    pub(super) fn at(&self, priority: Priority) -> Jobs<'_> {
        Jobs {
            pool: self,
            priority,
        }
    }
}

impl Jobs<'_> {
    /// Runs a job and waits for it, on a thread of that priority. wasmtime compiles the functions
    /// of a component in the pool that its caller belongs to, and has the caller do other jobs
    /// of that pool meanwhile: so a job must not hold what another might wait for.
    pub(super) fn run<R: Send>(&self, job: impl FnOnce() -> R + Send) -> R {
        match self.priority {
            Priority::Start => job(),
            Priority::Background => {
                let threads = self.pool.pool.get_or_init(|| build(self.pool.nice));
                match threads {
                    Some(threads) => threads.install(job),
                    None => job(),
                }
            }
        }
    }
}

/// None where the system refuses the threads: then the caller compiles by itself.
fn build(nice: u32) -> Option<ThreadPool> {
    let processors = processors::count();
    let threads = ThreadPoolBuilder::new()
        .num_threads((processors / 2).max(1))
        .thread_name(|index| format!("compile-{index}"))
        .start_handler(move |_| step_back(nice));
    threads
        .build()
        .inspect_err(|error| {
            tracing::warn!(
                "components are compiled without threads of low priority, which may slow \
                 requests down: {error}"
            );
        })
        .ok()
}

/// Lowers the priority of this thread. On Linux that is a thread's own, and not its process's.
fn step_back(nice: u32) {
    let nice = i32::try_from(nice).unwrap_or(i32::MAX);
    if let Err(error) = rustix::process::nice(nice) {
        tracing::warn!("a thread that compiles keeps its priority: {error}");
    }
}
