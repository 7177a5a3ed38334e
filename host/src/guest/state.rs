//! What one store knows: the request's deadline, its log, and the instance's limits. Also how a
//! store is made, so that none can exist without all three.

use super::limits::Limits;
use super::log::GuestLog;
use std::fmt;
use std::time::Instant;
use wasmtime::{Engine, Store, UpdateDeadline};

/// The data of a store.
#[derive(Debug)]
pub(super) struct State {
    pub(super) deadline: Instant,
    pub(super) log: GuestLog,
    pub(super) limits: Limits,
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

/// Makes a store whose guest gives way at every tick, and ends at the first tick past its
/// deadline. `copy_max` bounds the bytes that the host copies out of it in one call.
pub(super) fn new_store(engine: &Engine, state: State, copy_max: usize) -> Store<State> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limits);
    store.set_hostcall_fuel(copy_max);
    store.set_epoch_deadline(1);
    // tokio's own yield lets the runtime look at its sockets and timers before this guest goes
    // on; waking the task at once would keep a busy thread with its guests for dozens of slices.
    store.epoch_deadline_callback(|store| {
        if Instant::now() >= store.data().deadline {
            return Err(wasmtime::Error::new(DeadlinePassed));
        }
        Ok(UpdateDeadline::YieldCustom(
            1,
            Box::pin(tokio::task::yield_now()),
        ))
    });
    store
}
