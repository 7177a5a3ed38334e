//! One call in the background: its future, and what may happen to it at any moment. The order of
//! turns is `ready`'s affair, the threads are `background`'s.

use super::ready::{Place, Ticket};
use super::{Due, Shared, Wakes, lock};
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use tokio::runtime::Handle;

/// A future that tells its result by itself.
pub(super) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A call that the threads run in turns.
pub(super) struct Job {
    shared: Arc<Shared>,
    lane: u64,
    deadline: Due,
    /// Where the call came from; what it does with timers and sockets belongs there.
    runtime: Option<Handle>,
    state: Mutex<State>,
}

/// Cancels the call when dropped. A call that waits is dropped at once, by the thread that drops
/// this; one that runs when its turn ends, by the thread that runs it.
pub(in crate::guest) struct Cancel(Arc<Job>);

enum State {
    /// Not to be polled before it is woken.
    Waiting(Task),
    /// In line for a turn.
    Queued(Task, Ticket),
    /// A thread has the task.
    Running { woken: bool, cancelled: bool },
    /// Finished, cancelled, or panicked.
    Ended,
}

/// Which turn a call is queued for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    First,
    /// Of a call that waited for something.
    Woken,
    /// Of one whose turn has just ended: its thread is awake.
    Next,
}

impl Job {
    /// Queues a call for its first turn in the background.
    pub(super) fn start(shared: &Arc<Shared>, lane: u64, deadline: Due, task: Task) -> Cancel {
        let job = Arc::new(Job {
            shared: Arc::clone(shared),
            lane,
            deadline,
            runtime: Handle::try_current().ok(),
            state: Mutex::new(State::Ended),
        });
        let queued = job.queue(&mut lock(&job.state), task, Turn::First);
        drop(job.tell(queued));
        Cancel(job)
    }

    /// Runs the call until it gives way. Nothing happens if it was cancelled in the meantime.
    pub(super) fn take_turn(self: Arc<Job>) {
        let Some(mut task) = self.begin_turn() else {
            return;
        };
        let waker = Waker::from(Arc::clone(&self));
        let polled = {
            let _entered = self.runtime.as_ref().map(Handle::enter);
            let poll = || task.as_mut().poll(&mut Context::from_waker(&waker));
            catch_unwind(AssertUnwindSafe(poll))
        };
        let done = match polled {
            Ok(Poll::Pending) => self.end_turn(task),
            // A panic was reported by the hook; whoever waits learns that no result comes.
            Ok(Poll::Ready(())) | Err(_) => {
                *lock(&self.state) = State::Ended;
                Some(task)
            }
        };
        // A guest's own code cannot panic here, but this thread is also the others'.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(done)));
    }

    /// Drops the task, or leaves that to the thread that has it.
    pub(super) fn cancel(&self) {
        let mut state = lock(&self.state);
        let task = match mem::replace(&mut *state, State::Ended) {
            State::Waiting(task) => Some(task),
            State::Queued(task, ticket) => {
                self.shared.remove(&ticket);
                Some(task)
            }
            State::Running { woken, .. } => {
                *state = State::Running {
                    woken,
                    cancelled: true,
                };
                None
            }
            State::Ended => None,
        };
        drop(state);
        // Without the locks: the task may own the last share of much else.
        drop(task);
    }

    fn begin_turn(&self) -> Option<Task> {
        let mut state = lock(&self.state);
        let running = State::Running {
            woken: false,
            cancelled: false,
        };
        match mem::replace(&mut *state, running) {
            State::Queued(task, _) => Some(task),
            other => {
                *state = other;
                None
            }
        }
    }

    /// Puts a suspended task where it belongs. Returns it if that is nowhere.
    fn end_turn(self: &Arc<Job>, task: Task) -> Option<Task> {
        let mut state = lock(&self.state);
        match *state {
            State::Running {
                cancelled: false,
                woken,
            } => {
                if woken {
                    let queued = self.queue(&mut state, task, Turn::Next);
                    drop(state);
                    return self.tell(queued);
                }
                *state = State::Waiting(task);
                None
            }
            _ => {
                *state = State::Ended;
                Some(task)
            }
        }
    }

    /// Queues a task and says whom to wake, or returns it when the threads have ended. The queue is
    /// locked while the state is, and never the other way round.
    fn queue(self: &Arc<Job>, state: &mut State, task: Task, turn: Turn) -> Result<Wakes, Task> {
        let place = Place {
            lane: self.lane,
            begun: turn != Turn::First,
        };
        let (deadline, job) = (self.deadline.get(), Arc::clone(self));
        match self.shared.push(place, deadline, job, turn == Turn::Next) {
            Some((ticket, wakes)) => {
                *state = State::Queued(task, ticket);
                Ok(wakes)
            }
            None => {
                *state = State::Ended;
                Err(task)
            }
        }
    }

    /// Tells the threads of a task that was queued, or returns one that was not.
    fn tell(&self, queued: Result<Wakes, Task>) -> Option<Task> {
        match queued {
            Ok(wakes) => {
                self.shared.wake(wakes);
                None
            }
            Err(task) => Some(task),
        }
    }
}

impl Wake for Job {
    fn wake(self: Arc<Job>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Job>) {
        let mut state = lock(&self.state);
        let queued = match mem::replace(&mut *state, State::Ended) {
            State::Waiting(task) => self.queue(&mut state, task, Turn::Woken),
            State::Running { cancelled, .. } => {
                *state = State::Running {
                    woken: true,
                    cancelled,
                };
                return;
            }
            other => {
                *state = other;
                return;
            }
        };
        drop(state);
        drop(self.tell(queued));
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
