//! A guest and the way of a call through it: instance, answer. Dropping the future of a
//! call at any point stops the guest and gives everything back.

use super::answer::{self, AnswerLimits, Response};
use super::background::Lane;
use super::error::{CallError, Stage};
use super::hash::ContentHash;
use super::idle::Idle;
use super::instance::Instance;
use super::interface::{Answer, Field, Request};
use super::limits::Limits;
use super::load::{Kind, Loaded};
use super::log::{GuestLog, RequestLog};
use super::pace::Pace;
use super::run::Run;
use super::sandbox::Sandbox;
use super::state::{State, StoreBounds};
use super::turn::Turn;
use super::usage::Usage;
use super::wasi::{Grants, Offer, Output, Parts, PartsLimits};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

/// What one guest may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestSettings {
    /// Bytes of memory of one instance; growth past it is refused to the guest.
    pub memory_max: u64,
    /// Bytes of an answer's body.
    pub response_max: u64,
    /// Bytes of all field lines of an answer together.
    pub response_head_max: usize,
    /// Field lines of an answer.
    pub response_fields_max: usize,
    /// Resources that the host holds for one instance of a component that imports WASI.
    pub resources_max: usize,
    /// How long an instance lives.
    pub instances: Instances,
    /// What it may reach outside its memory.
    pub grants: Grants,
}

/// How long an instance of a guest lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instances {
    /// For one request: each gets an instance nobody used before.
    Fresh,
    /// For several requests, one after the other. What one request leaves in the guest's memory,
    /// the next can see.
    Reuse {
        /// The requests that one instance serves.
        uses: u32,
    },
}

/// A loaded guest. Share it in an `Arc`; dropping the last one drops its instances.
pub struct Guest {
    sandbox: Arc<Sandbox>,
    name: Arc<str>,
    settings: GuestSettings,
    pub(super) loaded: Arc<Loaded>,
    idle: Arc<Idle>,
    lane: Lane,
    pace: Arc<Pace>,
    offer: Offer,
}

/// What the host copies out of a guest beside the answer itself is at least this, so that a log
/// line is cut and not refused under a small `response_max`.
const COPY_BYTES_MIN: usize = 1 << 20;
/// Fields that a guest makes for a message may take so many times the bytes that the head of an
/// answer may have: `wasi:http` counts what they take in the host's memory, too.
const FIELDS_FACTOR: usize = 2;

impl Guest {
    pub(super) fn new(
        sandbox: Arc<Sandbox>,
        name: &str,
        settings: GuestSettings,
        loaded: Arc<Loaded>,
        idle: Arc<Idle>,
        offer: Offer,
    ) -> Guest {
        Guest {
            lane: sandbox.background.lane(),
            pace: Arc::default(),
            sandbox,
            name: Arc::from(name),
            settings,
            loaded,
            idle,
            offer,
        }
    }

    /// The name it was loaded under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hash of the component's bytes.
    pub fn hash(&self) -> ContentHash {
        self.loaded.hash
    }

    /// How it is called.
    pub fn kind(&self) -> Kind {
        self.loaded.kind()
    }

    /// Whether it is made to hand requests on to a handler behind it, and so of use only where
    /// there is one.
    pub fn is_middleware(&self) -> bool {
        self.loaded.is_middleware
    }

    /// Whether its calls may wait, for a clock or for others, and so may need to be stopped while
    /// they do not run: those of a component that imports nothing of WASI cannot.
    pub fn may_wait(&self) -> bool {
        self.loaded.needs_wasi
    }

    /// Runs a call of this guest, most often [`Guest::call`] with what it borrows: polled first
    /// where the returned future is, and in the background, in turns with other guests, when that
    /// takes longer than a slice or calls of this guest did lately. In the background it gets its
    /// turn at once when `deadline` has passed, so give it the one that `call` has.
    ///
    /// In a tokio runtime, `call` can use the runtime's sockets and timers in either place.
    pub fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Run<T> {
        let (lane, pace) = (self.lane.clone(), Arc::clone(&self.pace));
        Run::new(lane, pace, deadline, Box::pin(call))
    }

    /// Answers one request whose body is here, and says what that cost. How many may run at once is
    /// up to the caller.
    /// The guest is stopped at the first slice past `deadline`. When its turn is over the future is
    /// pending and has woken its task already; [`Guest::run`] makes that fair to others.
    ///
    /// Dropping the future stops the guest.
    ///
    /// # Errors
    /// Every [`CallError`]; the guest and other requests are fine after each of them.
    pub async fn call(
        &self,
        request: Request<'_>,
        deadline: Instant,
    ) -> (Result<Response, CallError>, Usage) {
        if self.kind() != Kind::Lean {
            // On the heap: calls of the lean lane need not have room for it.
            return Box::pin(self.call_buffered(request, deadline)).await;
        }
        let mut usage = Usage::default();
        let _running = self.loaded.workshop.ticker.enter();
        let result = self.answer(request, deadline, &mut usage).await;
        (result, usage)
    }

    async fn answer(
        &self,
        request: Request<'_>,
        deadline: Instant,
        usage: &mut Usage,
    ) -> Result<Response, CallError> {
        let started = Instant::now();
        if started >= deadline {
            return Err(CallError::Deadline {
                stage: Stage::Waiting,
            });
        }
        let instance = self.instance(request.id, deadline, self.turn()).await;
        let called = Instant::now();
        usage.instantiate = called - started;
        let mut instance = instance?;
        let answered = instance.call(request).await;
        usage.run = called.elapsed();
        instance.end(usage);
        let response = self.check(answered?, request.method == "HEAD")?;
        self.keep(instance);
        Ok(response)
    }

    /// A waiting instance if the guest reuses them and has one, else a fresh one.
    pub(super) async fn instance(
        &self,
        request_id: &str,
        deadline: Instant,
        turn: Turn,
    ) -> Result<Instance, CallError> {
        if let Some(mut instance) = self.idle.take() {
            instance.begin(deadline, self.log(request_id), turn);
            return Ok(instance);
        }
        loop {
            let (log, wasi) = self.log_and_parts(request_id);
            let state = State {
                deadline,
                log,
                limits: Limits::new(self.settings.memory_max),
                turn: turn.clone(),
                wasi,
            };
            match Instance::new(&self.loaded, state, self.store_bounds()).await {
                Err(CallError::Exhausted) if self.sandbox.idle.evict_one() => {}
                made => return made,
            }
        }
    }

    /// A request's log, and what WASI needs in a store if the component imports it.
    fn log_and_parts(&self, request_id: &str) -> (RequestLog, Option<Box<Parts>>) {
        let log = self.log(request_id);
        if !self.loaded.needs_wasi {
            return (RequestLog::Alone(log), None);
        }
        let output = Output::new(log);
        let limits = PartsLimits {
            fields_bytes_max: self
                .settings
                .response_head_max
                .saturating_mul(FIELDS_FACTOR),
            resources_max: self.settings.resources_max,
        };
        let parts = Parts::new(&self.offer, &output, limits);
        (RequestLog::Shared(output), Some(parts))
    }

    /// The first turn of a call.
    pub(super) fn turn(&self) -> Turn {
        Turn::new(self.sandbox.slice, Arc::clone(&self.pace))
    }

    /// Puts an instance that did well aside for the next request, if it has one left to serve.
    /// There are never more of them than calls at once.
    pub(super) fn keep(&self, instance: Instance) {
        match self.settings.instances {
            Instances::Reuse { uses } if instance.calls() < uses => self.idle.put(instance),
            _ => drop(instance),
        }
    }

    fn log(&self, request_id: &str) -> GuestLog {
        let log = GuestLog::new(self.sandbox.log_limits, Arc::clone(&self.name), request_id);
        log.of_generation(self.offer.generation)
    }

    fn check(&self, answer: Answer, is_head: bool) -> Result<Response, CallError> {
        Ok(answer::check(answer, is_head, &self.answer_limits())?)
    }

    /// The bounds of what it may answer.
    pub(super) fn answer_limits(&self) -> AnswerLimits {
        AnswerLimits {
            body_max: self.settings.response_max,
            head_max: self.settings.response_head_max,
            fields_max: self.settings.response_fields_max,
        }
    }

    fn store_bounds(&self) -> StoreBounds {
        StoreBounds {
            copy_max: self.copy_max(),
            resources_max: self.settings.resources_max,
        }
    }

    /// The bytes that the host may copy out of the guest in one go: the largest answer, with the
    /// records that hold its fields. Without it, lists that overlap in the guest's memory could
    /// make the host copy the same bytes a million times.
    fn copy_max(&self) -> usize {
        let body = usize::try_from(self.settings.response_max).unwrap_or(usize::MAX);
        let records = self
            .settings
            .response_fields_max
            .saturating_mul(size_of::<Field>());
        let head = self.settings.response_head_max.saturating_add(records);
        body.saturating_add(head).max(COPY_BYTES_MIN)
    }
}

#[cfg(test)]
impl Guest {
    /// The calls that run in its sandbox at this moment.
    pub(crate) fn running(&self) -> u64 {
        self.loaded.workshop.ticker.running()
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut guest = formatter.debug_struct("Guest");
        guest.field("name", &self.name).finish_non_exhaustive()
    }
}
