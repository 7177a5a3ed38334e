//! What one store knows: the request's deadline, its log and its turn, and the instance's limits.
//! Also how a store is made, so that none can exist without all of them.

use super::background;
use super::census::Counted;
use super::direct::Exchange;
use super::limits::Limits;
use super::log::RequestLog;
use super::running;
use super::turn::{Next, Turn};
use super::wasi::{Parts, Worker, running_request};
use std::fmt;
use std::sync::Weak;
use std::time::Instant;
use wasmtime::{Engine, Memory, Store, UpdateDeadline};

/// The data of a store.
#[derive(Debug)]
pub(super) struct State {
    pub(super) deadline: Instant,
    pub(super) log: RequestLog,
    pub(super) limits: Limits,
    pub(super) turn: Turn,
    /// What WASI needs, for components that import it.
    pub(super) wasi: Option<Box<Parts>>,
    /// What runs the store, if several requests share it.
    pub(super) worker: Option<Weak<Worker>>,
    /// What passes between the host and a guest that is called directly, and its memory.
    pub(super) exchange: Exchange,
    pub(super) memory: Option<Memory>,
    /// While it lives, the instance counts.
    pub(super) _counted: Counted,
}

/// The error that ends a guest whose deadline has passed.
#[derive(Debug)]
pub(super) struct DeadlinePassed;

impl fmt::Display for DeadlinePassed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the deadline passed")
    }
}

impl std::error::Error for DeadlinePassed {}

/// Bounds of what a store's guest can have wasmtime hold for it, outside of its memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoreBounds {
    /// Bytes that the host copies out of the guest in one call.
    pub(super) copy_max: usize,
    /// Things of the host's and of the component model's at once.
    pub(super) resources_max: usize,
}

/// Handles that a call takes by itself: its thread, its request, the standard streams.
const HANDLES_SPARE: usize = 64;
/// Entries that wasmtime makes for one handle: a stream has its state, and two ends that a guest
/// has one handle each of; a call that goes on has a task, its thread and what that waits for.
const ENTRIES_PER_HANDLE: usize = 4;

/// Makes a store whose guest gives way when its turn is over, and ends at the first tick past its
/// deadline.
pub(super) fn new_store(engine: &Engine, state: State, bounds: StoreBounds) -> Store<State> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limits);
    store.set_hostcall_fuel(bounds.copy_max);
    let handles_max = bounds.resources_max.saturating_add(HANDLES_SPARE);
    store.set_max_component_handles(handles_max);
    if let Some(table) = store.concurrent_resource_table() {
        // Handles do not count what goes on when nobody waits for it any more.
        table.set_max_capacity(handles_max.saturating_mul(ENTRIES_PER_HANDLE));
    }
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| {
        let now = Instant::now();
        let worker = store.data().worker.as_ref().map(Weak::upgrade);
        let passed = match &worker {
            None => now >= store.data().deadline,
            // Its requests have deadlines of their own.
            Some(Some(worker)) => {
                let request = running_request(&mut store);
                worker.roster().has_overrun(request, now)
            }
            Some(None) => true,
        };
        if passed {
            return Err(wasmtime::Error::new(DeadlinePassed));
        }
        let state = store.data_mut();
        let running = running::now();
        Ok(match state.turn.tick(running, background::is_here()) {
            Next::GoOn => UpdateDeadline::Continue(1),
            // No tick later but at once when its next turn begins: a call whose deadline passed
            // while it waited is to end, and not to run for a slice.
            Next::GiveWay => {
                if let Some(Some(worker)) = worker {
                    worker.block();
                }
                UpdateDeadline::Yield(0)
            }
        })
    });
    store
}
