//! One guest's place in the host: the generation that serves, who may call it now, and what to do
//! when a new one fails. It stays while generations come and go.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use smol_str::SmolStr;

use super::admission::{Admitted, Attempt};
use super::breaker::{Breaker, Leave};
use super::bulkhead::{Bounds, Bulkhead, NoPlace};
use super::counters::Counters;
use super::generation::Generation;
use super::held::SlotHandle;
use super::pool::Pool;
use super::probation::{Probation, Verdict};
use crate::config;
use crate::guest::{ContentHash, GuestSettings, Instances, Rooms};
use crate::shards::{Handle, Swap};

/// A guest of the configuration, ready to be called. What each request looks at is together at the
/// beginning: with many guests every line of it comes from memory.
#[derive(Debug)]
#[repr(C)]
pub struct Slot {
    current: Swap<Generation>,
    bulkhead: Arc<Bulkhead>,
    counters: Arc<Counters>,
    name: SmolStr,
    deadline: Duration,
    /// Whether generations may share instances among requests.
    may_share: bool,
    /// Whether `history` holds a probation, so that most requests need not look.
    on_probation: AtomicBool,
    breaker: Breaker,
    settings: GuestSettings,
    config: config::Guest,
    history: Mutex<History>,
}

#[derive(Debug, Default)]
struct History {
    probation: Option<Probation>,
    /// Content that failed and was taken back: the same bytes are not tried again.
    rejected: Option<ContentHash>,
    last_error: Option<String>,
}

/// Why a guest is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// `concurrency_max` and `queue_max` are reached.
    #[error("the guest is at its concurrency_max, and its queue_max wait already")]
    QueueFull,
    /// No place became free within `queue_time` and the deadline.
    #[error("the guest is at its concurrency_max, and no place became free in time")]
    QueueTime,
    /// `sandbox.instances_max` is reached over all guests, this guest's part of it too, and nobody
    /// gave an instance back in time.
    #[error("sandbox.instances_max is reached")]
    Exhausted,
    /// It failed too often in a row and is left alone for so long.
    #[error("the guest failed too often in a row and is left alone for {0:?}")]
    Resting(Duration),
}

impl Slot {
    /// A slot in which `generation` serves. It goes on with `counters`, and
    /// with the places of an `old` slot.
    pub(super) fn new(
        config: &config::Guest,
        settings: GuestSettings,
        generation: &Arc<Generation>,
        pool: &Arc<Pool>,
        counters: Arc<Counters>,
        old: Option<&Slot>,
    ) -> Self {
        let bounds = Bounds {
            running_max: config.concurrency_max,
            queue_max: config.queue_max,
            queue_time: config.queue_time,
        };
        let bulkhead = match old {
            Some(old) => Bulkhead::succeed(&old.bulkhead, bounds, pool),
            None => Arc::new(Bulkhead::new(bounds, Arc::clone(pool))),
        };
        let concurrent = match settings.instances {
            Instances::Reuse { concurrent, .. } => concurrent,
            Instances::Fresh => 1,
        };
        Self {
            deadline: config.deadline,
            config: config.clone(),
            may_share: concurrent > 1,
            settings,
            name: SmolStr::new(&config.name),
            current: Swap::new(generation),
            bulkhead,
            breaker: Breaker::new(config.breaker.clone()),
            counters,
            on_probation: AtomicBool::new(false),
            history: Mutex::default(),
        }
    }

    /// The guest's name.
    pub fn name(&self) -> &SmolStr {
        &self.name
    }

    /// How long one of its requests may take.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// What the configuration says of it.
    pub fn config(&self) -> &config::Guest {
        &self.config
    }

    /// What its generations are told.
    pub(super) fn settings(&self) -> &GuestSettings {
        &self.settings
    }

    /// The generation that serves.
    pub fn current(&self) -> Arc<Generation> {
        Arc::clone(Handle::shared(&self.current.take()))
    }

    /// The generation that serves, for a request: see [`SlotHandle::admit`].
    pub fn serving(&self) -> Handle<Generation> {
        self.current.take_after(|generation, near| {
            // The longest way first.
            near.touch();
            generation.touch();
            self.touch();
        })
    }

    /// Reads a little of everything that a call of the guest needs: with many guests each of these
    /// comes from memory, and all at once they take less time than one after the other. For before
    /// anything is counted, which the processor does not do out of order.
    fn touch(&self) {
        self.bulkhead.touch();
        self.counters.requests.touch();
        black_box(self.deadline);
        black_box((self.breaker.is_open(), self.may_share));
    }

    /// What became of its requests.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Requests that run at this moment.
    pub fn running(&self) -> u32 {
        self.bulkhead.running()
    }

    /// Its places.
    pub(super) fn bulkhead(&self) -> &Bulkhead {
        &self.bulkhead
    }

    /// Room for more instances.
    pub(super) fn rooms(&self) -> Arc<dyn Rooms> {
        Arc::clone(&self.bulkhead) as Arc<dyn Rooms>
    }

    /// Requests that wait for a place at this moment.
    pub fn queued(&self) -> u32 {
        self.bulkhead.queued()
    }

    /// Whether it is left alone after too many failures.
    pub fn is_resting(&self) -> bool {
        self.breaker.is_open()
    }

    /// The generation that would be put back, while the current one is on probation.
    pub fn previous(&self) -> Option<Arc<Generation>> {
        let history = self.history();
        history
            .probation
            .as_ref()
            .map(|probation| Arc::clone(probation.previous()))
    }

    /// What last went wrong with a new generation; none once a later one serves.
    pub fn last_error(&self) -> Option<String> {
        self.history().last_error.clone()
    }

    /// Notes why a new generation does not serve.
    pub fn set_last_error(&self, error: Option<String>) {
        self.history().last_error = error;
    }

    /// Whether these bytes were taken back before.
    pub(super) fn has_rejected(&self, hash: ContentHash) -> bool {
        self.history().rejected == Some(hash)
    }

    /// For how long the guest is still left alone, before a request is received for it.
    pub fn would_refuse(&self) -> Option<Refused> {
        let pause = self.breaker.would_refuse(Instant::now)?;
        self.counters.requests.add();
        self.counters.resting.add();
        Some(Refused::Resting(pause))
    }

    /// Puts another generation in place of the current one, which is kept ready for a while if the
    /// configuration wants that. Requests that run are not disturbed. Content that was taken back
    /// while it was loaded is not let in.
    pub(super) fn replace(&self, next: &Arc<Generation>) {
        let mut history = self.history();
        if history.rejected == Some(next.hash()) {
            return;
        }
        let now = Instant::now();
        let last_good = match history.probation.take() {
            Some(probation) if !probation.is_proven() && !probation.is_over(now) => {
                Arc::clone(probation.previous())
            }
            _ => self.current(),
        };
        self.begin_probation(&mut history, last_good, next, now);
        history.rejected = None;
        history.last_error = None;
        self.current.put(next);
        self.breaker.reset();
    }

    /// Takes over from the slot that this one replaces. Other content than was served there is on
    /// probation here as well, and what was taken back there does not serve here.
    pub(super) fn succeed(&self, old: &Slot) {
        let (mut history, now) = (self.history(), Instant::now());
        let (before, next) = (old.current(), self.current());
        if old.has_rejected(next.hash()) {
            history.rejected = Some(next.hash());
            history.last_error = old.last_error();
            self.current.put(&before);
        } else if before.hash() != next.hash() {
            self.begin_probation(&mut history, before, &next, now);
        }
    }

    fn begin_probation(
        &self,
        history: &mut History,
        previous: Arc<Generation>,
        next: &Generation,
        now: Instant,
    ) {
        // The routes use it for something else now, which the one before could not do.
        let same_role = previous.guest().is_middleware() == next.guest().is_middleware();
        let settings = self.config.rollback.clone().filter(|_| same_role);
        history.probation =
            settings.map(|settings| Probation::new(previous, settings, self.config.deadline, now));
        self.on_probation
            .store(history.probation.is_some(), Ordering::Release);
    }

    /// Lets the previous generation go if the time of the current one's probation is over.
    pub fn settle(&self) {
        let over = |probation: &Probation| probation.is_over(Instant::now());
        let mut history = self.history();
        if history.probation.as_ref().is_some_and(over) {
            let ended = self.end_probation(&mut history);
            // Letting a generation go can take a while.
            drop(history);
            drop(ended);
        }
    }

    fn end_probation(&self, history: &mut History) -> Option<Probation> {
        self.on_probation.store(false, Ordering::Release);
        history.probation.take()
    }

    /// Takes a leave back with which nothing was learnt.
    pub(super) fn give_back(&self, leave: Leave) {
        self.breaker.unknown(leave);
    }

    /// Takes what a request came to into account.
    pub(super) fn record(&self, generation: &Generation, leave: Leave, failed: bool) {
        let mut opened = false;
        if failed {
            opened = self.breaker.failed(leave, Instant::now());
        } else {
            self.breaker.succeeded(leave);
        }
        if opened {
            let failures = self.config.breaker.as_ref().map(|breaker| breaker.failures);
            tracing::error!(guest = %self.name, generation = generation.number(), failures,
                "the guest failed so often in a row that it is left alone for a while");
        }
        if self.on_probation.load(Ordering::Acquire) {
            self.judge(generation, failed, opened);
        }
    }

    /// Takes the generation back if it is on probation and has failed too often: of its first
    /// requests, or in a row.
    fn judge(&self, generation: &Generation, failed: bool, opened: bool) {
        let mut history = self.history();
        // A generation on its way out says nothing about the one that serves.
        if generation.number() != self.current.with(Generation::number) {
            return;
        }
        let Some(probation) = &mut history.probation else {
            return;
        };
        let verdict = probation.count(failed, Instant::now());
        if verdict == Verdict::Failed || opened {
            self.roll_back(&mut history, generation);
        }
    }

    fn roll_back(&self, history: &mut History, failed: &Generation) {
        let Some(probation) = self.end_probation(history) else {
            return;
        };
        let (failures, requests) = probation.tally();
        let previous = probation.previous();
        self.current.put(previous);
        self.breaker.reset();
        self.counters.rollbacks.add();
        let error = format!(
            "generation {} ({}) failed in {failures} of its first {requests} requests; \
             generation {} ({}) serves again",
            failed.number(),
            failed.short_hash(),
            previous.number(),
            previous.short_hash(),
        );
        tracing::error!(guest = %self.name, "{error}");
        history.rejected = Some(failed.hash());
        history.last_error = Some(error);
    }

    fn history(&self) -> MutexGuard<'_, History> {
        // Every statement under the lock leaves it whole.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SlotHandle {
    /// Waits for a place, at most for `queue_time` and never past `deadline`. It is `asked` for
    /// now; the generation was taken from [`Slot::serving`] before. Which one is to be called is
    /// what serves by then, or has room for one more request in an instance of several.
    ///
    /// # Errors
    /// Why the guest is not to be called now.
    pub async fn admit(
        self,
        serving: Handle<Generation>,
        deadline: Instant,
        asked: Instant,
    ) -> Result<Admitted, Refused> {
        self.counters.requests.add();
        let leave = self.breaker.ask(Instant::now).map_err(|pause| {
            self.counters.resting.add();
            Refused::Resting(pause)
        })?;
        let mut attempt = Attempt::new(self, leave);
        let slot = &**attempt.slot();
        let seat = |even_busy| {
            if !slot.may_share {
                return None;
            }
            let current = slot.current.take();
            let seat = current.guest().seat(even_busy)?;
            Some((current, seat))
        };
        match slot.bulkhead.enter(deadline, seat).await {
            Ok((place, Some((generation, seat)))) => {
                Ok(Admitted::new(attempt, place, generation, Some(seat), asked))
            }
            Ok((place, None)) => {
                let current = slot.current.renew(serving);
                Ok(Admitted::new(attempt, place, current, None, asked))
            }
            Err(no_place) => {
                attempt.found_no_room();
                Err(no_place.into())
            }
        }
    }
}

impl From<NoPlace> for Refused {
    fn from(no_place: NoPlace) -> Self {
        match no_place {
            NoPlace::QueueFull => Self::QueueFull,
            NoPlace::QueueTime => Self::QueueTime,
            NoPlace::Exhausted => Self::Exhausted,
        }
    }
}
