//! Threads for calls that take long: a small executor of the sandbox's own, whose threads run when
//! nobody else wants the processor, so that slow guests leave the latency of quick ones alone. On a
//! machine that is never idle one more thread sees that no guest starves; and where it is other
//! processes that leave nothing over, one of the process's own priority serves them all, as these
//! can claim no more than their part. It knows futures, guests as numbers, and deadlines; it does
//! not know wasm.

mod due;
mod forsaken;
mod job;
mod portion;
mod ready;
#[cfg(test)]
mod tests;

use crate::processors;
use forsaken::{Standing, Watch};
use job::{Job, Task};
use ready::{Place, Ready, Ticket};
use std::cell::Cell;
use std::io;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

pub(super) use due::{Due, Moving};
pub(super) use job::Cancel;

/// How long a guest may wait for a turn before it gets one at the expense of quick ones.
const STARVED: Duration = Duration::from_millis(50);
/// How long a thread of the idle class sleeps after each turn. The kernel moves a thread that
/// waits to a processor that becomes idle, and one on which a thread of the idle class is ready
/// to go on never does: without this, two quick threads can share a processor for several
/// milliseconds while a slow guest has the other one.
const BREATH: Duration = Duration::from_micros(50);

/// Owns the threads; dropping it ends each of them after its turn.
pub(super) struct Background {
    shared: Arc<Shared>,
}

/// One guest's way into the background.
#[derive(Clone)]
pub(super) struct Lane {
    shared: Arc<Shared>,
    id: u64,
}

/// What the threads share.
struct Shared {
    processors: usize,
    queue: Mutex<Queue>,
    work: Condvar,
    /// Wakes the thread that looks after starved guests, when somebody waits again.
    somebody: Condvar,
    /// Wakes the threads that serve while those of the idle class cannot.
    forsaken: Condvar,
    lanes: AtomicU64,
}

struct Queue {
    ready: Ready<Arc<Job>>,
    /// Since when somebody waits and no thread that serves has come.
    waits: Option<Instant>,
    /// Nobody waited when the thread for starved guests last looked.
    is_helper_asleep: bool,
    standing: Standing,
    stopped: bool,
}

/// Who is to be woken once nothing is locked: whoever wakes takes the lock.
#[derive(Clone, Copy, Debug, Default)]
struct Wakes {
    work: bool,
    helper: bool,
    stand_in: bool,
}

/// What a thread of a [`Background`] does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It takes one call after the other, when nobody else wants the processor.
    Serves,
    /// It takes what would wait for too long otherwise.
    Helps,
}

thread_local! {
    static ROLE: Cell<Option<Role>> = const { Cell::new(None) };
}

/// Whether this thread is one of a [`Background`].
pub(super) fn is_here() -> bool {
    ROLE.get().is_some()
}

impl Background {
    /// Starts so many threads, or as many as there are processors for 0, that run when nobody else
    /// wants to; one for starved guests, whose priority is `nice` steps (0 to 19) below that of the
    /// process; and for each four processors one of the process's priority, for when other
    /// processes take them all.
    ///
    /// # Errors
    /// The operating system may refuse another thread.
    pub(super) fn start(threads: usize, nice: u32) -> io::Result<Background> {
        let processors = processors::count();
        let threads = if threads == 0 { processors } else { threads };
        let background = Background {
            shared: Arc::new(Shared {
                processors,
                queue: Mutex::new(Queue {
                    ready: Ready::default(),
                    waits: None,
                    is_helper_asleep: false,
                    standing: Standing::new(processors),
                    stopped: false,
                }),
                work: Condvar::new(),
                somebody: Condvar::new(),
                forsaken: Condvar::new(),
                lanes: AtomicU64::new(0),
            }),
        };
        for number in 0..threads {
            background.spawn(format!("guest-slow-{number}"), Role::Serves, |shared| {
                run_when_idle();
                shared.work_until_stopped();
            })?;
        }
        background.spawn("guest-starved".to_owned(), Role::Helps, move |shared| {
            lower_priority(nice);
            shared.help_until_stopped();
        })?;
        for number in 0..processors.div_ceil(4) {
            let name = format!("guest-forsaken-{number}");
            background.spawn(name, Role::Helps, Shared::stand_in_until_stopped)?;
        }
        Ok(background)
    }

    fn spawn(
        &self,
        name: String,
        role: Role,
        work: impl FnOnce(&Shared) + Send + 'static,
    ) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name(name);
        thread.spawn(move || {
            ROLE.set(Some(role));
            work(&shared);
        })?;
        Ok(())
    }

    /// A queue of its own for one more guest.
    pub(super) fn lane(&self) -> Lane {
        Lane {
            shared: Arc::clone(&self.shared),
            id: self.shared.lanes.fetch_add(1, Relaxed),
        }
    }
}

impl Lane {
    /// Hands a future over. It runs in turns until it ends or the returned guard is dropped; past
    /// `deadline` it does not wait for its turn any more.
    pub(super) fn start(&self, deadline: Due, task: Task) -> Cancel {
        Job::start(&self.shared, self.id, deadline, task)
    }
}

impl Shared {
    fn work_until_stopped(&self) {
        while let Some(job) = self.next() {
            job.take_turn();
            thread::sleep(BREATH);
        }
    }

    fn help_until_stopped(&self) {
        let mut watch = Watch::default();
        while let Some(job) = self.next_starved(&mut watch) {
            job.take_turn();
        }
    }

    /// Waits for a guest that had no turn for [`STARVED`]. `None` when there will be none any more.
    fn next_starved(&self, watch: &mut Watch) -> Option<Arc<Job>> {
        let mut queue = lock(&self.queue);
        while !queue.stopped {
            let now = Instant::now();
            self.look_for_forsaken(&mut queue, watch, now);
            let starved = now.checked_sub(STARVED);
            if let Some(job) = starved.and_then(|then| queue.ready.pop_starved(then, now)) {
                return Some(job);
            }
            queue.is_helper_asleep = queue.ready.is_empty();
            queue = if queue.is_helper_asleep {
                *watch = Watch::default();
                let woken = self.somebody.wait(queue);
                woken.unwrap_or_else(PoisonError::into_inner)
            } else {
                let woken = self.somebody.wait_timeout(queue, STARVED / 4);
                woken.unwrap_or_else(PoisonError::into_inner).0
            };
        }
        None
    }

    /// Waits for a call whose turn it is. `None` when there will be none any more.
    fn next(&self) -> Option<Arc<Job>> {
        let mut queue = lock(&self.queue);
        while !queue.stopped {
            if queue.standing.is_forsaken() {
                queue = self.stay_away(queue);
                continue;
            }
            let now = Instant::now();
            if let Some(job) = queue.ready.pop(now) {
                queue.waits = (!queue.ready.is_empty()).then_some(now);
                return Some(job);
            }
            let woken = self.work.wait(queue);
            queue = woken.unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// The call whose turn it is, if there is one.
    fn take(&self) -> Option<Arc<Job>> {
        lock(&self.queue).ready.pop(Instant::now())
    }

    /// Queues a call, and says whom to wake for it. A call that has had its turn `just_now` by a
    /// thread that serves needs nobody: that thread is awake. `None` when no thread will come for
    /// it any more.
    fn push(
        &self,
        place: Place,
        deadline: Instant,
        job: Arc<Job>,
        just_now: bool,
    ) -> Option<(Ticket, Wakes)> {
        let mut queue = lock(&self.queue);
        if queue.stopped {
            return None;
        }
        let now = Instant::now();
        if queue.ready.is_empty() {
            queue.waits = Some(now);
        }
        let is_forsaken = queue.standing.is_forsaken();
        let wakes = Wakes {
            work: !is_forsaken && (!just_now || ROLE.get() != Some(Role::Serves)),
            helper: mem::take(&mut queue.is_helper_asleep),
            stand_in: is_forsaken,
        };
        Some((queue.ready.push(place, deadline, job, now), wakes))
    }

    fn wake(&self, wakes: Wakes) {
        let all = [
            (wakes.work, &self.work),
            (wakes.helper, &self.somebody),
            (wakes.stand_in, &self.forsaken),
        ];
        for (_, sleeping) in all.into_iter().filter(|(wakes, _)| *wakes) {
            sleeping.notify_one();
        }
    }

    fn remove(&self, ticket: &Ticket) {
        let removed = lock(&self.queue).ready.remove(ticket);
        drop(removed);
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        lock(&self.shared.queue).stopped = true;
        self.shared.work.notify_all();
        self.shared.somebody.notify_all();
        self.shared.forsaken.notify_all();
        // A call holds its guest, and a guest all of this, so none should be left.
        while let Some(job) = self.shared.take() {
            job.cancel();
        }
    }
}

/// Below every priority: the kernel takes the processor away at once when another thread wakes,
/// where one of low priority would keep it for a millisecond or more. It is never refused.
fn run_when_idle() {
    if cfg!(target_os = "linux") {
        let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let thread = thread_native_id();
        if let Err(error) = set_thread_priority_and_policy(thread, ThreadPriority::Min, policy) {
            tracing::debug!("slow guests run at normal priority: {error:?}");
        }
    }
}

/// On Linux each thread has a priority of its own; elsewhere this would slow the whole process.
/// Lowering it is never refused.
fn lower_priority(nice: u32) {
    if cfg!(target_os = "linux") {
        let _ = rustix::process::nice(i32::try_from(nice).unwrap_or(i32::MAX));
    }
}

/// No code panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
