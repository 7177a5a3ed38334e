//! What it takes to make instances of one guest, and to keep those that wait for a request.
//! A guest shares it with whatever runs one of its instances for longer than a call.

use super::answer::AnswerLimits;
use super::call::{GuestSettings, Instances};
use super::census::Census;
use super::direct::Exchange;
use super::error::CallError;
use super::instance::Instance;
use super::interface::Field;
use super::limits::Limits;
use super::load::{Kind, Loaded};
use super::log::{GuestLog, RequestLog};
use super::reserve::Reserve;
use super::run::Course;
use super::sandbox::Sandbox;
use super::state::{State, StoreBounds};
use super::stock::{Ready, Stock};
use super::turn::{Polls, SLICES_ON_THE_RUNTIME, Turn};
use super::wasi::{Offer, Output, Parts, PartsLimits, SharedBounds, Worker};
use crate::shards::Handles;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// What the host copies out of a guest beside the answer itself is at least this, so that a log
/// line is cut and not refused under a small `response_max`.
const COPY_BYTES_MIN: usize = 1 << 20;
/// Fields that a guest makes for a message may take so many times the bytes that the head of an
/// answer may have: `wasi:http` counts what they take in the host's memory, too.
const FIELDS_FACTOR: usize = 2;
/// What a guest's start may take when an instance is made ahead. Most often its turn is over first.
const MAKING_MAX: Duration = Duration::from_millis(100);

/// The parts of one guest, those first that every call needs.
#[repr(C)]
pub(super) struct Kit {
    pub(super) course: Arc<Course>,
    pub(super) reserve: Arc<Reserve>,
    pub(super) loaded: Arc<Loaded>,
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) settings: GuestSettings,
    pub(super) offer: Offer,
}

impl Kit {
    /// The guest's name.
    pub(super) fn name(&self) -> &str {
        &self.course.subject.name
    }

    /// The bounds under which several requests share an instance, if they do.
    pub(super) fn concurrent(&self) -> Option<SharedBounds> {
        match self.settings.instances {
            Instances::Reuse {
                uses,
                concurrent,
                idle,
            } if concurrent > 1 && self.can_be_shared() => Some(SharedBounds {
                uses,
                concurrent,
                idle,
            }),
            _ => None,
        }
    }

    /// Middleware cannot: a store knows only one handler behind it.
    fn can_be_shared(&self) -> bool {
        self.loaded.kind() == Kind::Wasi03 && !self.loaded.is_middleware
    }

    /// Reads a little of what a call needs, but for the parts that [`super::near`] has, too.
    pub(super) fn touch(&self) {
        self.reserve.touch();
        let GuestSettings {
            memory_max,
            response_max,
            response_fields_max,
            ready_max,
            instances,
            ..
        } = &self.settings;
        black_box((Arc::as_ptr(&self.sandbox), self.offer.generation));
        black_box((*memory_max, *response_max, *response_fields_max, *ready_max));
        black_box(matches!(instances, Instances::Fresh));
    }

    /// A waiting instance if the guest has one, used before only if it reuses them; else a fresh
    /// one. A call that may wait has its `polls`.
    pub(super) async fn instance(
        &self,
        request_id: &str,
        deadline: Instant,
        polls: Option<Arc<Polls>>,
    ) -> Result<Instance, CallError> {
        let log = || self.log(request_id);
        if let Some(mut instance) = self.reserve.idle.take() {
            if instance.calls() > 0 {
                instance.go_on(deadline, request_id, polls);
            } else {
                instance.begin(deadline, log(), self.turn(polls), None);
                instance.adopt(&self.loaded)?;
            }
            return Ok(instance);
        }
        self.reserve.stock.was_missed();
        let turn = self.turn(polls);
        // On the heap: it is by far the largest part of a call, and futures are moved.
        Box::pin(self.fresh(log, deadline, turn, None)).await
    }

    /// The same for an instance that this worker will run for several requests at once.
    pub(super) async fn shared_instance(
        &self,
        deadline: Instant,
        turn: Turn,
        worker: &Weak<Worker>,
    ) -> Result<Instance, CallError> {
        let number = self.sandbox.next_instance();
        let log = || self.log("").of_instance(number);
        if let Some(mut instance) = self.reserve.idle.take() {
            instance.begin(deadline, log(), turn, Some(worker.clone()));
            return Ok(instance);
        }
        self.fresh(log, deadline, turn, Some(worker)).await
    }

    async fn fresh(
        &self,
        log: impl Fn() -> GuestLog,
        deadline: Instant,
        turn: Turn,
        worker: Option<&Weak<Worker>>,
    ) -> Result<Instance, CallError> {
        loop {
            match self.make(log(), deadline, turn.clone(), worker).await {
                Err(CallError::Exhausted) if self.sandbox.idle.make_room() => {}
                made => {
                    let mut instance = made?;
                    instance.adopt(&self.loaded)?;
                    return Ok(instance);
                }
            }
        }
    }

    async fn make(
        &self,
        log: GuestLog,
        deadline: Instant,
        turn: Turn,
        worker: Option<&Weak<Worker>>,
    ) -> Result<Instance, CallError> {
        let counted = Census::count(&self.loaded.workshop.census);
        let counted = counted.ok_or(CallError::Exhausted)?;
        let (log, wasi) = self.log_and_parts(log);
        let is_reused = matches!(self.settings.instances, Instances::Reuse { .. });
        let state = State {
            deadline,
            log,
            limits: Limits::new(self.settings.memory_max),
            turn,
            wasi,
            worker: worker.cloned(),
            exchange: Exchange::new(self.copy_max(), is_reused),
            memory: None,
            _counted: counted,
        };
        Instance::new(&self.loaded, state, self.store_bounds()).await
    }

    /// Makes an instance ready for the next request, if fewer are than have been wanted lately. It
    /// takes no other's place. For the time between requests; one whose start runs for longer than
    /// a turn is not made ahead.
    pub(super) fn restock(&self) {
        let Some(ready) = Stock::wants_one(&self.reserve.stock) else {
            return;
        };
        let _passing = self.sandbox.idle.passing();
        let _running = self.loaded.workshop.ticker.enter();
        let turn = Turn::new(
            self.sandbox.slice,
            Handles::take(&self.reserve.stock.subject),
            None,
        );
        let log = self.log("").of_instance(self.sandbox.next_instance());
        let begun = Instant::now();
        let made = pin!(self.make(log, begun + MAKING_MAX, turn, None));
        match made.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(instance)) => self.put_aside(instance, Some(ready), begun),
            // Somebody else's doing: the next time it may work.
            Poll::Ready(Err(CallError::Exhausted | CallError::Deadline { .. })) => {}
            Poll::Ready(Err(_)) | Poll::Pending => self.reserve.stock.close(),
        }
        self.reserve
            .stock
            .took(begun.elapsed(), self.sandbox.slice * SLICES_ON_THE_RUNTIME);
    }

    /// A request's log, and what WASI needs in a store if the component imports it.
    fn log_and_parts(&self, log: GuestLog) -> (RequestLog, Option<Box<Parts>>) {
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

    /// The first turn of a call; one that may wait has its `polls`.
    pub(super) fn turn(&self, polls: Option<Arc<Polls>>) -> Turn {
        Turn::new(
            self.sandbox.slice,
            Handles::take(&self.course.subject),
            polls,
        )
    }

    /// Puts an instance that did well aside for the next request, as one that rests `since` then,
    /// if it has one left to serve. There are never more of them than calls at once. Returns it if
    /// it has none left.
    pub(super) fn keep(&self, instance: Instance, since: Instant) -> Option<Instance> {
        match self.settings.instances {
            Instances::Reuse { uses, .. } if instance.calls() < uses => {
                self.put_aside(instance, None, since);
                None
            }
            _ => Some(instance),
        }
    }

    fn put_aside(&self, instance: Instance, ready: Option<Ready>, since: Instant) {
        if self.reserve.idle.put(instance, ready, since) {
            self.sandbox.sweeper.wake();
        }
    }

    fn log(&self, request_id: &str) -> GuestLog {
        let subject = Handles::take(&self.course.subject);
        let log = GuestLog::new(self.sandbox.log_limits, subject, request_id);
        log.of_generation(self.offer.generation)
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
