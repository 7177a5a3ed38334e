//! The way of a call through a guest of a wasi lane: instance, request, response, and what the
//! guest still does when it has answered. Dropping its future stops the guest.

use super::download::{Download, Reply, download};
use super::next::{Behind, Next};
use super::shared::{Order, Rooms, Standing};
use crate::guest::call::Guest;
use crate::guest::error::{CallError, Stage};
use crate::guest::failure;
use crate::guest::instance::{Export, Instance};
use crate::guest::run::Run;
use crate::guest::state::State;
use crate::guest::turn::Polls;
use crate::guest::usage::Usage;
use futures_channel::oneshot;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use wasmtime::component::Accessor;
use wasmtime::{AsContextMut, Store};
use wasmtime_wasi_http::handler::{Prepared, Proxy};
use wasmtime_wasi_http::p2::bindings::Proxy as Proxy02;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

/// A request on its way into a guest: what its call needs beside the guest itself.
pub struct Serving {
    /// On the heap: each function that it goes through would have room for it twice.
    request: Box<http::Request<WasiBody>>,
    next: Option<Arc<dyn Next>>,
    id: String,
    reply: Reply,
    polls: Arc<Polls>,
    account: Account,
    standing: Option<Standing>,
    rooms: Option<Arc<dyn Rooms>>,
}

/// What the guest has used, for those who ask before it has ended. A clone is the same account.
#[derive(Clone, Debug, Default)]
pub struct Account(Arc<Mutex<Usage>>);

impl Account {
    /// As much as is known so far.
    pub fn get(&self) -> Usage {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, note: impl FnOnce(&mut Usage)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Serving {
    /// The same with a handler behind the guest, if it is a middleware.
    pub fn with_next(self, next: Arc<dyn Next>) -> Serving {
        Serving {
            next: Some(next),
            ..self
        }
    }

    /// What the guest has used so far.
    pub fn account(&self) -> Account {
        self.account.clone()
    }

    /// Says where it goes, if its guest's requests share instances, and where there is room for
    /// more of those.
    pub fn standing(
        mut self,
        standing: Option<Standing>,
        rooms: Option<Arc<dyn Rooms>>,
    ) -> Serving {
        (self.standing, self.rooms) = (standing, rooms);
        self
    }

    /// The same as an instance takes it that several requests share.
    pub(super) fn into_order(
        self,
        deadline: Instant,
    ) -> (Box<Order>, Option<Standing>, Option<Arc<dyn Rooms>>) {
        let order = Order {
            request: self.request,
            id: self.id,
            reply: self.reply,
            account: self.account,
            deadline,
        };
        (Box::new(order), self.standing, self.rooms)
    }
}

impl Guest {
    /// Prepares a call, of [`Guest::serve`], for the request with this id. The response comes out
    /// of the other half.
    pub fn prepare(&self, request: http::Request<WasiBody>, id: &str) -> (Serving, Download) {
        let is_head = request.method() == http::Method::HEAD;
        let (reply, download) = download(self.kit.answer_limits(), is_head);
        let serving = Serving {
            request: Box::new(request),
            next: None,
            id: id.to_owned(),
            reply,
            polls: Arc::default(),
            account: Account::default(),
            standing: None,
            rooms: None,
        };
        (serving, download)
    }

    /// As [`Guest::run`], for the call of [`Guest::serve`] that `make` makes: it may wait, for its
    /// client or for others. Where requests share instances, it is those that run.
    pub fn run_serving<T, F>(
        &self,
        serving: Serving,
        deadline: Instant,
        make: impl FnOnce(Serving) -> F,
    ) -> Run<'static, T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let polls = Arc::clone(&serving.polls);
        if self.is_shared() {
            return Run::here(Box::pin(make(serving)));
        }
        let run = self.run(deadline, make(serving));
        run.waiting(polls).into_owned()
    }

    /// Answers one request and says what that cost. It ends when the guest does, which may be
    /// long after its response. While the guest runs it is stopped at the first tick past
    /// `deadline`; while it waits that is up to the caller.
    ///
    /// Dropping the future stops the guest, if no others share its instance. Else the guest sees
    /// its bodies close, and the instance takes no requests before it is done with this one.
    ///
    /// # Errors
    /// Every [`CallError`]; the guest and other requests are fine after each of them.
    pub async fn serve(
        &self,
        serving: Serving,
        deadline: Instant,
    ) -> (Result<(), CallError>, Usage) {
        match &self.workers {
            Some(workers) => self.share(workers, serving, deadline).await,
            None => self.serve_alone(serving, deadline).await,
        }
    }

    /// The same by an instance that serves nothing else meanwhile.
    pub(super) async fn serve_alone(
        &self,
        serving: Serving,
        deadline: Instant,
    ) -> (Result<(), CallError>, Usage) {
        let (polls, account) = (Arc::clone(&serving.polls), serving.account());
        let result = {
            let mut answer = pin!(self.give(serving, deadline));
            poll_fn(|context| {
                polls.begin();
                // Only while it runs: a guest that waits for an hour needs no tick.
                let _running = self.kit.loaded.workshop.ticker.enter();
                answer.as_mut().poll(context)
            })
            .await
        };
        (result, account.get())
    }

    async fn give(&self, serving: Serving, deadline: Instant) -> Result<(), CallError> {
        let Serving {
            request,
            next,
            id,
            reply,
            polls,
            account,
            ..
        } = serving;
        let started = Instant::now();
        if started >= deadline {
            return Err(CallError::Deadline {
                stage: Stage::Waiting,
            });
        }
        let instance = self.kit.instance(&id, deadline, Some(polls)).await;
        // As for a lean guest: one that was used before was there at once.
        let called = match &instance {
            Ok(instance) if instance.calls() > 0 => started,
            _ => Instant::now(),
        };
        account.note(|usage| usage.instantiate = called - started);
        let mut instance = instance?;
        let behind = next.map(|next| Behind::new(next, request.uri()));
        instance.store.data_mut().set_behind(behind);
        // After the instance, so that it is dropped before it.
        let breaking = reply.breaking();
        let answered = |memory_peak| {
            account.note(|usage| {
                usage.run = called.elapsed();
                usage.memory_peak = memory_peak;
            });
        };
        let result = instance.serve(request, reply, &answered).await;
        let ended = Instant::now();
        account.note(|usage| {
            usage.run = ended - called;
            instance.end(usage);
        });
        instance.store.data_mut().set_behind(None);
        result?;
        breaking.disarm();
        drop(self.kit.keep(instance, ended));
        Ok(())
    }
}

impl Instance {
    /// Hands one request to the guest and its response to `reply`, and waits for the guest to be
    /// done. `answered` learns, when a response is there, how much memory the instance has. After
    /// an error the instance must not be used again.
    ///
    /// # Errors
    /// Everything that can happen to guest code, and an error in place of a response.
    async fn serve(
        &mut self,
        request: Box<http::Request<WasiBody>>,
        reply: Reply,
        answered: &(dyn Fn(u64) + Sync),
    ) -> Result<(), CallError> {
        self.begin_call();
        let Instance { store, export, .. } = self;
        match export {
            Export::Wasi(Proxy::P2(proxy)) => serve_02(store, proxy, request, reply).await,
            Export::Wasi(proxy @ Proxy::P3(_)) => {
                serve_03(store, proxy, request, reply, answered).await
            }
            // Whoever calls knows the guest's kind.
            Export::Direct(_) | Export::Lean(_) => Err(CallError::Host),
        }
    }
}

/// A handler of WASI 0.2 gives its response while it runs, and often ends soon after it.
async fn serve_02(
    store: &mut Store<State>,
    proxy: &Proxy02,
    request: Box<http::Request<WasiBody>>,
    reply: Reply,
) -> Result<(), CallError> {
    let scheme = match request.uri().scheme_str() {
        Some("https") => Scheme::Https,
        _ => Scheme::Http,
    };
    let outcome = Arc::new(Mutex::new(Outcome::Awaited(reply)));
    let taken = Arc::clone(&outcome);
    let call = async {
        let mut view = store.data_mut().http();
        let request = view.new_incoming_request(scheme, *request)?;
        let out = view.new_response_outparam_from_callback(move |result| {
            let mut outcome = taken.lock().unwrap_or_else(PoisonError::into_inner);
            *outcome = match (std::mem::replace(&mut *outcome, Outcome::Lost), result) {
                (Outcome::Awaited(reply), Ok(response)) => {
                    reply.send(response);
                    Outcome::Sent
                }
                (_, Ok(_)) => Outcome::Lost,
                (_, Err(code)) => Outcome::Refused(failure::code_words(&code)),
            };
        })?;
        let handler = proxy.wasi_http_incoming_handler();
        handler.call_handle(&mut *store, request, out).await
    };
    if let Err(error) = call.await {
        return Err(failure::of_call(&error, store));
    }
    let outcome = std::mem::replace(
        &mut *outcome.lock().unwrap_or_else(PoisonError::into_inner),
        Outcome::Lost,
    );
    match outcome {
        Outcome::Sent => Ok(()),
        Outcome::Refused(code) => Err(CallError::Refused { code }),
        Outcome::Awaited(_) | Outcome::Lost => Err(CallError::NoAnswer),
    }
}

/// What a handler of WASI 0.2 has done with its `response-outparam`.
enum Outcome {
    Awaited(Reply),
    Sent,
    Refused(String),
    Lost,
}

/// A handler of WASI 0.3 returns its response and goes on with its body.
async fn serve_03(
    store: &mut Store<State>,
    proxy: &Proxy,
    request: Box<http::Request<WasiBody>>,
    reply: Reply,
    answered: &(dyn Fn(u64) + Sync),
) -> Result<(), CallError> {
    let ran = store
        .run_concurrent(async |accessor| answer_03(accessor, proxy, request, reply, answered).await)
        .await;
    match ran.and_then(|answered| answered) {
        Ok(()) => Ok(()),
        Err(error) => Err(failure::of_call(&error, store)),
    }
}

async fn answer_03(
    accessor: &Accessor<State>,
    proxy: &Proxy,
    request: Box<http::Request<WasiBody>>,
    reply: Reply,
    answered: &(dyn Fn(u64) + Sync),
) -> wasmtime::Result<()> {
    let (sender, mut response) = oneshot::channel();
    let prepared = accessor.with(|mut store| {
        Prepared::new(store.as_context_mut(), proxy, *request, State::http, sender)
    })?;
    // It ends with the response, which is there by then.
    prepared.run(accessor, pending()).await?;
    let Ok(Some(response)) = response.try_recv() else {
        return Err(wasmtime::Error::new(failure::NoResponse));
    };
    let response = response?;
    answered(accessor.with(|mut store| store.data_mut().limits.memory()));
    let (reply, needed) = reply.split();
    reply.send(response);
    poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
    // A body that the guest has only passed on needs the store to the end.
    needed.await;
    Ok(())
}
