//! One instance of a guest in a store of its own, and one call into it.

use super::error::CallError;
use super::failure;
use super::interface::{Answer, Request};
use super::load::Loaded;
use super::log::GuestLog;
use super::state::{State, new_store};
use super::usage::Usage;
use std::time::Instant;
use wasmtime::Store;
use wasmtime::component::TypedFunc;

/// The world's export, as Rust sees it.
pub(super) type Handle = TypedFunc<(Request<'static>,), (Answer,)>;

/// An instance that nothing has gone wrong in. Dropping it gives its place back to the pool.
pub(super) struct Instance {
    store: Store<State>,
    handle: Handle,
    calls: u32,
}

impl Instance {
    /// Makes an instance nobody used before. Its start function runs here, within the deadline.
    ///
    /// # Errors
    /// [`CallError::Exhausted`] when the pool is, and everything that can happen to guest code.
    pub(super) async fn new(
        loaded: &Loaded,
        state: State,
        copy_max: usize,
    ) -> Result<Instance, CallError> {
        let mut store = new_store(loaded.pre.engine(), state, copy_max);
        match instantiate(loaded, &mut store).await {
            Ok(handle) => Ok(Instance {
                store,
                handle,
                calls: 0,
            }),
            Err(error) => Err(failure::of_instantiation(&error, &store)),
        }
    }

    /// Gets a used instance ready for another request.
    pub(super) fn begin(&mut self, deadline: Instant, log: GuestLog) {
        let state = self.store.data_mut();
        state.deadline = deadline;
        state.log = log;
        state.limits.begin_call();
        state.turn.begin();
        // Ticks went by while it waited; without this its first instruction would give way.
        self.store.set_epoch_deadline(1);
    }

    /// Hands one request to the guest. After an error the instance must not be used again.
    ///
    /// # Errors
    /// Everything that can happen to guest code; a deadline passed, a trap, a broken answer.
    pub(super) async fn call(&mut self, request: Request<'_>) -> Result<Answer, CallError> {
        self.calls += 1;
        match call(self.handle, &mut self.store, request).await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(failure::of_call(&error, &self.store)),
        }
    }

    /// The requests it was given so far.
    pub(super) fn calls(&self) -> u32 {
        self.calls
    }

    /// Ends a request: notes in its account what this instance used and in its guest's pace
    /// whether that was quick, and closes its log.
    pub(super) fn end(&mut self, usage: &mut Usage) {
        let state = self.store.data_mut();
        usage.memory_peak = state.limits.memory();
        usage.log_lines = state.log.written();
        usage.log_lines_dropped = state.log.dropped();
        state.log.close();
        state.turn.end();
    }
}

async fn instantiate(loaded: &Loaded, store: &mut Store<State>) -> wasmtime::Result<Handle> {
    let instance = loaded.pre.instantiate_async(&mut *store).await?;
    instance.get_typed_func(&mut *store, loaded.handle)
}

/// A function of its own because the handle's type has to forget that a request is borrowed.
async fn call(
    handle: TypedFunc<(Request<'_>,), (Answer,)>,
    store: &mut Store<State>,
    request: Request<'_>,
) -> wasmtime::Result<Answer> {
    let (answer,) = handle.call_async(store, (request,)).await?;
    Ok(answer)
}
