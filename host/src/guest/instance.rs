//! One instance of a guest in a store of its own, and one call of the lean lane into it. Calls of
//! the wasi lanes are in `wasi::serve`.

use super::direct::Entrance;
use super::error::CallError;
use super::failure;
use super::interface::{Answer, Request};
use super::load::{Entry, Loaded};
use super::log::GuestLog;
use super::state::{State, StoreBounds, new_store};
use super::turn::{Polls, Turn};
use super::usage::Usage;
use super::wasi::Worker;
use std::sync::{Arc, Weak};
use std::time::Instant;
use wasmtime::Store;
use wasmtime::component::TypedFunc;
use wasmtime_wasi_http::handler::Proxy;

/// The world's export, as Rust sees it. It takes a reference because what a future is called with
/// is in there several times: once in each of the futures around a call.
pub(super) type Handle = TypedFunc<(&'static Request<'static>,), (Answer,)>;

/// An instance that nothing has gone wrong in. Dropping it gives its place back to the pool.
pub(super) struct Instance {
    pub(super) store: Store<State>,
    pub(super) export: Export,
    calls: u32,
}

/// Where a call enters an instance.
pub(super) enum Export {
    /// The function of our own world, without the component around it.
    Direct(Entrance),
    /// The same within a component.
    Lean(Handle),
    /// The handler of wasi:http.
    Wasi(Proxy),
}

impl Instance {
    /// Makes an instance nobody used before, which is to be adopted by its guest. Its start
    /// function runs here, within the deadline.
    ///
    /// # Errors
    /// [`CallError::Exhausted`] when the pool is, and everything that can happen to guest code.
    pub(super) async fn new(
        loaded: &Loaded,
        state: State,
        bounds: StoreBounds,
    ) -> Result<Instance, CallError> {
        let mut store = new_store(&loaded.workshop.engine, state, bounds);
        match instantiate(loaded, &mut store).await {
            Ok(export) => Ok(Instance {
                store,
                export,
                calls: 0,
            }),
            Err(error) => Err(failure::of_instantiation(&error, &store)),
        }
    }

    /// Makes an instance that nobody used before this guest's own: others have the same code.
    /// Before it is handed a request.
    ///
    /// # Errors
    /// Its memory is none that its code could have left.
    pub(super) fn adopt(&mut self, loaded: &Loaded) -> Result<(), CallError> {
        let Entry::Direct(direct) = &loaded.entry else {
            return Ok(());
        };
        let adopted = direct.adopt(&mut self.store);
        adopted.map_err(|error| failure::of_instantiation(&error, &self.store))
    }

    /// Gets an instance that served before ready for another request, alone.
    pub(super) fn go_on(&mut self, deadline: Instant, request_id: &str, polls: Option<Arc<Polls>>) {
        let state = self.store.data_mut();
        state.deadline = deadline;
        state.log.go_on(request_id);
        state.limits.begin_call();
        state.turn.begin_again(polls);
        state.worker = None;
        self.store.set_epoch_deadline(1);
    }

    /// Gets a waiting instance ready for its first request, or for all those of a worker.
    pub(super) fn begin(
        &mut self,
        deadline: Instant,
        log: GuestLog,
        turn: Turn,
        worker: Option<Weak<Worker>>,
    ) {
        let state = self.store.data_mut();
        state.deadline = deadline;
        state.log.begin(log);
        if self.calls > 0 {
            state.limits.begin_call();
        }
        state.turn = turn;
        state.worker = worker;
        // Ticks went by while it waited; without this its first instruction would give way.
        self.store.set_epoch_deadline(1);
    }

    /// Hands one request to the guest. After an error the instance must not be used again.
    ///
    /// # Errors
    /// Everything that can happen to guest code; a deadline passed, a trap, a broken answer.
    pub(super) async fn call(&mut self, request: &Request<'_>) -> Result<Answer, CallError> {
        self.begin_call();
        let answered = match &self.export {
            Export::Direct(entrance) => entrance.call(&mut self.store, request).await,
            Export::Lean(handle) => {
                // The handle's type has to forget that a request is borrowed.
                let handle: TypedFunc<(&Request<'_>,), (Answer,)> = *handle;
                // On the heap: direct calls need not have room for it.
                let call = Box::pin(handle.call_async(&mut self.store, (request,)));
                call.await.map(|(answer,)| answer)
            }
            // Whoever calls knows the guest's kind.
            Export::Wasi(_) => return Err(CallError::Host),
        };
        answered.map_err(|error| failure::of_call(&error, &self.store))
    }

    /// Counts one more request.
    pub(super) fn begin_call(&mut self) {
        self.calls += 1;
    }

    /// Counts requests that it was given at once.
    pub(super) fn count_calls(&mut self, calls: u32) {
        self.calls = self.calls.saturating_add(calls);
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
        (usage.log_lines, usage.log_lines_dropped) = state.log.end();
        if state.wasi.is_none() {
            // It cannot have waited.
            state.turn.ran(usage.run);
        }
        state.turn.end();
    }
}

async fn instantiate(loaded: &Loaded, store: &mut Store<State>) -> wasmtime::Result<Export> {
    match &loaded.entry {
        Entry::Direct(direct) => direct.instantiate(store).await.map(Export::Direct),
        Entry::Lean { pre, handle } => {
            let instance = pre.instantiate_async(&mut *store).await?;
            let handle = instance.get_typed_func(&mut *store, handle)?;
            Ok(Export::Lean(handle))
        }
        Entry::Wasi(pre) => pre.instantiate_async(store).await.map(Export::Wasi),
    }
}
