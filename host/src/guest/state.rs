//! What one store knows: the request's deadline, its log and its turn, and the instance's limits.
//! Also how a store is made, so that none can exist without all of them.

use super::background;
use super::limits::Limits;
use super::log::RequestLog;
use super::turn::{Next, Turn};
use super::wasi::Parts;
use std::fmt;
use std::time::Instant;
use wasmtime::{Engine, Store, UpdateDeadline};

/// The data of a store.
#[derive(Debug)]
pub(super) struct State {
    pub(super) deadline: Instant,
    pub(super) log: RequestLog,
    pub(super) limits: Limits,
    pub(super) turn: Turn,
    /// What WASI needs, for components that import it.
    pub(super) wasi: Option<Box<Parts>>,
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

/// Makes a store whose guest gives way when its turn is over, and ends at the first tick past its
/// deadline. `copy_max` bounds the bytes that the host copies out of it in one call.
pub(super) fn new_store(engine: &Engine, state: State, copy_max: usize) -> Store<State> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limits);
    store.set_hostcall_fuel(copy_max);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| {
        let (now, state) = (Instant::now(), store.data_mut());
        if now >= state.deadline {
            return Err(wasmtime::Error::new(DeadlinePassed));
        }
        Ok(match state.turn.tick(now, background::is_here()) {
            Next::GoOn => UpdateDeadline::Continue(1),
            // No tick later but at once when its next turn begins: a call whose deadline passed
            // while it waited is to end, and not to run for a slice.
            Next::GiveWay => UpdateDeadline::Yield(0),
        })
    });
    store
}
