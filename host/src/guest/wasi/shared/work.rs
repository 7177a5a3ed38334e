//! What happens inside the store of a shared instance: it is made, takes requests as they come, and
//! answers them side by side until it is told to end.

use super::super::download::Reply;
use super::super::serve::Account;
use super::bell::Bell;
use super::roster::{Entry, Roster};
use super::signal::Signal;
use super::ticket::{Answered, Order, Ticket};
use super::worker::Worker;
use super::workers::Room;
use crate::guest::background;
use crate::guest::error::CallError;
use crate::guest::failure;
use crate::guest::instance::{Export, Instance};
use crate::guest::kit::Kit;
use crate::guest::log::RequestLog;
use crate::guest::state::State;
use crate::guest::turn::Polls;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use wasmtime::AsContextMut;
use wasmtime::component::{
    Access, Accessor, GuestTaskId, Resource, TypedFunc, TypedFuncCallConcurrent,
};
use wasmtime_wasi_http::handler::Proxy;
use wasmtime_wasi_http::p3;
use wasmtime_wasi_http::p3::bindings::http::types::{ErrorCode, Request, Response};
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

/// The export `handle` of `wasi:http/handler`.
type Handle = TypedFunc<Given, Got>;
type Given = (Resource<Request>,);
type Got = (Result<Resource<Response>, ErrorCode>,);

/// A call of it that has begun.
type Call = TypedFuncCallConcurrent<State, Given, Got>;

/// What became of a request's body.
type Io = Pin<Box<dyn Future<Output = Result<(), wasmtime_wasi_http::Error>> + Send>>;

/// For whom an instance is made.
pub(super) struct Start {
    /// Until when it has to be there.
    pub(super) deadline: Instant,
    /// Where it is noted how long that took.
    pub(super) account: Account,
}

/// What a worker's life takes.
pub(super) struct Work {
    pub(super) kit: Arc<Kit>,
    pub(super) worker: Weak<Worker>,
    pub(super) polls: Arc<Polls>,
    pub(super) room: Vacating,
    pub(super) start: Start,
}

/// Gives the room of an instance back when it is dropped.
pub(super) struct Vacating(pub(super) Arc<Mutex<Option<Room>>>);

impl Drop for Vacating {
    fn drop(&mut self) {
        let mut room = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = room.take();
        drop(room);
    }
}

/// The life of a worker, polled by whoever is there. It ends early when the guest fails.
pub(super) async fn work(work: Work) {
    let Work {
        kit,
        worker,
        polls,
        // Not before the instance is gone, wherever it is dropped.
        room: _room,
        start,
    } = work;
    let mut life = pin!(live(&kit, &worker, Arc::clone(&polls), start));
    poll_fn(|context| {
        polls.begin();
        // Only while it runs: an instance that waits for an hour needs no tick.
        let _running = kit.loaded.workshop.ticker.enter();
        life.as_mut().poll(context)
    })
    .await;
}

async fn live(kit: &Kit, worker: &Weak<Worker>, polls: Arc<Polls>, start: Start) {
    let began = Instant::now();
    let turn = kit.turn(Some(polls));
    let made = kit.shared_instance(start.deadline, turn, worker).await;
    start
        .account
        .note(|usage| usage.instantiate = began.elapsed());
    let Some(known) = worker.upgrade() else {
        return;
    };
    let mut instance = match made {
        Ok(instance) => instance,
        Err(error) => return known.fail_first(error),
    };
    let roster = Arc::clone(known.roster());
    let signs = known.signs();
    known.workers.made(&known, instance.calls());
    drop(known);
    // After the instance, so that it is dropped before it.
    let _failing = Failing(&roster);
    match serve(&mut instance, worker, &signs, &roster).await {
        Ok(served) => {
            instance.count_calls(served);
            drop(kit.keep(instance, Instant::now()));
        }
        Err(error) => roster.fail(error),
    }
}

/// Whatever drops the store, a panic too: those that wait hear of it before.
struct Failing<'a>(&'a Roster);

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        self.0.fail(CallError::Host);
    }
}

/// Serves requests until it is told to end, and says how many that were.
async fn serve(
    instance: &mut Instance,
    worker: &Weak<Worker>,
    (signal, bell): &(Arc<Signal>, Arc<Bell>),
    roster: &Arc<Roster>,
) -> Result<u32, CallError> {
    let Instance { store, export, .. } = instance;
    let Export::Wasi(Proxy::P3(service)) = export else {
        // Whoever calls knows the guest's kind.
        return Err(CallError::Host);
    };
    let handle = service.wasi_http_handler().func_handle();
    let copy_max = store.hostcall_fuel();
    let ran = store
        .run_concurrent(async |accessor| {
            let mut desk = Desk {
                accessor,
                handle,
                roster,
                served: 0,
                is_quiet: false,
            };
            let mut answering = FuturesUnordered::new();
            let (mut outer, mut was_moved) = (None, false);
            let waker = Waker::from(Arc::clone(bell));
            poll_fn(|polled| {
                let is_moved = background::is_here();
                if !is_moved {
                    // All that its store waits for is about to be looked at: what has come up so
                    // far, most often in the course of the same poll, needs no other one.
                    signal.begin();
                }
                if !bell.has_rung(&mut outer, polled.waker()) && is_moved == was_moved {
                    return Poll::Pending;
                }
                was_moved = is_moved;
                let Some(worker) = worker.upgrade() else {
                    return Poll::Ready(());
                };
                let context = &mut Context::from_waker(&waker);
                let mut has_begun = false;
                loop {
                    while let Poll::Ready(Some(healthy)) = answering.poll_next_unpin(context) {
                        desk.note_end(&worker, healthy);
                        has_begun = true;
                    }
                    let Some((ticket, order)) = desk.next(&worker, answering.is_empty(), context)
                    else {
                        break;
                    };
                    answering.push(answer(accessor, handle, roster, copy_max, ticket, order));
                    has_begun = true;
                }
                if has_begun && !is_moved {
                    // The store may be about to wait without a look at what that has begun.
                    polled.waker().wake_by_ref();
                }
                worker.set_moved(is_moved);
                desk.rest(&worker, answering.is_empty(), context)
            })
            .await;
            desk.served
        })
        .await;
    ran.map_err(|error| failure::of_call(&error, store))
}

/// What takes requests into a store.
struct Desk<'a> {
    accessor: &'a Accessor<State>,
    handle: Handle,
    roster: &'a Arc<Roster>,
    served: u32,
    is_quiet: bool,
}

impl Desk<'_> {
    /// The next request, if the guest takes one.
    fn next(
        &mut self,
        worker: &Arc<Worker>,
        is_alone: bool,
        context: &mut Context<'_>,
    ) -> Option<(Arc<Ticket>, Box<Order>)> {
        let function = *self.handle.func();
        let accessor = self.accessor;
        // One that does nothing takes any request.
        let does_nothing = is_alone && (self.is_quiet || self.served == 0);
        if !does_nothing
            && accessor
                .poll_ready_for_concurrent_call(function, context)
                .is_pending()
        {
            worker.block();
            return None;
        }
        worker.unblock();
        loop {
            let ticket = worker.next(context)?;
            self.set_quiet(worker, false);
            if let Some(order) = ticket.take() {
                self.served = self.served.saturating_add(1);
                return Some((ticket, order));
            }
        }
    }

    fn note_end(&mut self, worker: &Arc<Worker>, healthy: bool) {
        if !healthy {
            worker.workers.spoil(worker);
        }
    }

    /// Waits for more; completes when the worker is to end.
    fn rest(
        &mut self,
        worker: &Arc<Worker>,
        is_alone: bool,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        if !is_alone
            || self
                .accessor
                .poll_no_interesting_tasks(context)
                .is_pending()
        {
            self.set_quiet(worker, false);
            return Poll::Pending;
        }
        if self.set_quiet(worker, true) || worker.is_ending() {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Returns whether the worker is to end.
    fn set_quiet(&mut self, worker: &Arc<Worker>, is_quiet: bool) -> bool {
        if self.is_quiet == is_quiet {
            return false;
        }
        self.is_quiet = is_quiet;
        if is_quiet {
            self.roster.clear();
        }
        worker.workers.set_quiet(worker, is_quiet)
    }
}

/// Answers one request. Returns false if the instance should serve no others after it.
async fn answer(
    accessor: &Accessor<State>,
    handle: Handle,
    roster: &Arc<Roster>,
    copy_max: usize,
    ticket: Arc<Ticket>,
    order: Box<Order>,
) -> bool {
    let Order {
        request,
        id,
        reply,
        account,
        deadline,
    } = *order;
    let begun = Instant::now();
    let breaking = reply.breaking();
    let (call, io) = match accessor.with(|access| begin(access, handle, request)) {
        Ok(started) => started,
        Err(error) => {
            drop(breaking);
            ticket.end(Err(failure::of_reply(&error, copy_max)));
            return false;
        }
    };
    let task = call.task();
    roster.add(Entry {
        task,
        id,
        deadline,
        waiting: Some((Arc::clone(&ticket), breaking)),
    });
    let answering = async {
        let (result,) = handle.finish_call_concurrent(accessor, call).await?;
        let response = accessor.with(|mut access| {
            let response = access.data_mut().http().table.delete(result?)?;
            response.into_http_with_getter(access.as_context_mut(), io, State::http)
        })?;
        let memory = accessor.with(|mut access| access.data_mut().limits.memory());
        account.note(|usage| {
            usage.run = begun.elapsed();
            usage.memory_peak = memory;
        });
        wasmtime::error::Ok(response)
    };
    match until_left(answering, &ticket).await {
        Some(Ok(response)) => {
            if !hand_over(&ticket, (task, begun), reply, response) {
                roster.leave(task);
            }
            true
        }
        Some(Err(error)) => {
            account.note(|usage| usage.run = begun.elapsed());
            roster.end(task, false);
            let healthy = error.is::<ErrorCode>();
            ticket.end(Err(failure::of_reply(&error, copy_max)));
            healthy
        }
        None => {
            roster.leave(task);
            true
        }
    }
}

/// Gives the client its response. A body that the guest has only passed on needs the store to its
/// end, and the client keeps its place here for as long. Returns whether it is there.
fn hand_over(
    ticket: &Ticket,
    (task, begun): (GuestTaskId, Instant),
    reply: Reply,
    response: http::Response<WasiBody>,
) -> bool {
    let (reply, needed) = reply.split();
    let is_there = ticket.answer(Answered {
        task,
        begun,
        needed,
    });
    if is_there {
        reply.send(response);
    }
    is_there
}

/// Gives the guest a request, of which it sees nothing before the store goes on.
fn begin(
    mut access: Access<'_, State>,
    handle: Handle,
    request: Box<http::Request<WasiBody>>,
) -> wasmtime::Result<(Call, Io)> {
    let state = access.data_mut();
    state.limits.begin_call();
    if let RequestLog::Shared(output) = &state.log {
        output.renew();
    }
    let (request, io) = p3::Request::from_http(state.http().hooks, *request);
    let io: Io = Box::pin(io);
    let request = state.http().table.push(request)?;
    let call = handle.start_call_concurrent(access.as_context_mut(), (request,))?;
    Ok((call, io))
}

/// The output of a future, or `None` when the client has left before.
async fn until_left<T>(future: impl Future<Output = T>, ticket: &Ticket) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => ticket.poll_left(context).map(|()| None),
    })
    .await
}
