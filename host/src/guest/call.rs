//! A guest and the way of a call through it: instance, answer. Dropping the future of a
//! call at any point stops the guest and gives everything back.

use super::answer::{self, Response};
use super::background;
use super::error::{CallError, Stage};
use super::hash::ContentHash;
use super::instance::Instance;
use super::interface::{Answer, Request};
use super::kit::Kit;
use super::load::Kind;
use super::near::Near;
use super::run::Run;
use super::usage::Usage;
use super::wasi::{Grants, Workers};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What one guest may use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
    /// Instances of [`Instances::Fresh`] that may be made ahead of the requests that use them.
    /// Guests of the same code with the same settings share them.
    pub ready_max: u32,
    /// What its code is made for.
    pub optimize: Optimize,
    /// What it may reach outside its memory.
    pub grants: Grants,
}

/// How long an instance of a guest lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instances {
    /// For one request: each gets an instance nobody used before.
    Fresh,
    /// For several requests. What one request leaves in the guest's memory, the next can see.
    Reuse {
        /// The requests that one instance serves.
        uses: u32,
        /// How many of them at the same time, if it is of WASI 0.3. Others serve one by one.
        concurrent: u32,
        /// How long it is kept while nobody uses it.
        idle: Duration,
    },
}

/// What is made cheap for a guest, at the other's expense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Optimize {
    /// A fresh instance: its code checks every access to memory.
    #[default]
    Latency,
    /// Running code: pages around each memory make the checks needless, and cost an instance whose
    /// memory has grown a change of their protection.
    Compute,
}

/// The instance that a call has used and nobody will use again, if there is one. Dropping it gives
/// its place back to the pool, which takes as long as the call of a quick guest.
#[must_use = "dropping it takes a while"]
pub struct Remains(Option<Instance>);

/// A loaded guest. Share it in an `Arc`; dropping the last one drops its instances, but for unused
/// ones that guests of the same code could use.
pub struct Guest {
    pub(super) kit: Arc<Kit>,
    /// Where several requests share an instance.
    pub(super) workers: Option<Arc<Workers>>,
}

impl Guest {
    /// A guest whose instances `kit` makes.
    pub(super) fn new(kit: Kit) -> Guest {
        let kit = Arc::new(kit);
        let workers = kit.concurrent().map(|bounds| Workers::new(&kit, bounds));
        Guest { kit, workers }
    }

    /// The name it was loaded under.
    pub fn name(&self) -> &str {
        self.kit.name()
    }

    /// Where its parts are, for the threads of this part.
    pub fn near(&self, part: usize) -> Near {
        Near::new(&self.kit, part)
    }

    /// The hash of the component's bytes.
    pub fn hash(&self) -> ContentHash {
        self.kit.loaded.hash
    }

    /// How it is called.
    pub fn kind(&self) -> Kind {
        self.kit.loaded.kind()
    }

    /// Whether it is made to hand requests on to a handler behind it, and so of use only where
    /// there is one.
    pub fn is_middleware(&self) -> bool {
        self.kit.loaded.is_middleware
    }

    /// Whether its calls may wait, for a clock or for others, and so may need to be stopped while
    /// they do not run: those of a component that imports nothing of WASI cannot.
    pub fn may_wait(&self) -> bool {
        self.kit.loaded.needs_wasi
    }

    /// How many instances wait for a request, of this guest or of any that shares them, and how
    /// many serve several at once.
    pub fn instances(&self) -> (usize, usize) {
        let (idle, busy) = self
            .workers
            .as_ref()
            .map_or((0, 0), |workers| workers.count());
        (self.kit.reserve.idle.count() + idle, busy)
    }

    /// Runs a call of this guest, most often [`Guest::call`] with what it borrows: polled first
    /// where the returned future is, and in the background, in turns with other guests, when that
    /// overruns its slices or calls of this guest did lately. In the background it gets its
    /// turn at once when `deadline` has passed, so give it the one that `call` has.
    ///
    /// In a tokio runtime, `call` can use the runtime's sockets and timers in either place.
    pub fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Run<'_, T> {
        Run::new(&self.kit.course, deadline.into(), Box::pin(call))
    }

    /// Answers one request whose body is here, and says what that cost. How many may run at once is
    /// up to the caller.
    /// The guest is stopped at the first tick past `deadline`. When its turn is over the future is
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
        let began = Instant::now();
        let (result, usage, _) = self.call_and_leave(request, began, deadline).await;
        (result, usage)
    }

    /// The same, and leaves to the caller when the instance is cleared away: best when the answer
    /// is on its way. It is called in the moment when the call `began`, or else in the background,
    /// where the clock is read again.
    pub async fn call_and_leave(
        &self,
        request: Request<'_>,
        began: Instant,
        deadline: Instant,
    ) -> (Result<Response, CallError>, Usage, Remains) {
        let mut remains = Remains(None);
        if self.kind() != Kind::Lean {
            // On the heap: calls of the lean lane need not have room for it.
            let (result, usage) = Box::pin(self.call_buffered(request, deadline)).await;
            return (result, usage, remains);
        }
        let mut usage = Usage::default();
        let _running = self.kit.loaded.workshop.ticker.enter();
        let result = self.answer(&request, (began, deadline), &mut usage, &mut remains);
        let result = result.await;
        (result, usage, remains)
    }

    /// Makes an instance ready ahead of the next request, if the guest has been in need of one: for
    /// the time when an answer is on its way. Takes as long as it takes to make one.
    pub fn restock(&self) {
        self.kit.restock();
    }

    async fn answer(
        &self,
        request: &Request<'_>,
        (began, deadline): (Instant, Instant),
        usage: &mut Usage,
        remains: &mut Remains,
    ) -> Result<Response, CallError> {
        let started = match background::is_here() {
            true => Instant::now(),
            false => began,
        };
        if started >= deadline {
            return Err(CallError::Deadline {
                stage: Stage::Waiting,
            });
        }
        let kit = &self.kit;
        let instance = kit.instance(request.id, deadline, None).await;
        // One that was used before was there at once, and the clock need not be read.
        let called = match &instance {
            Ok(instance) if instance.calls() > 0 => started,
            _ => Instant::now(),
        };
        usage.instantiate = called - started;
        let mut instance = instance?;
        let answered = instance.call(request).await;
        let ended = Instant::now();
        usage.run = ended - called;
        instance.end(usage);
        let response = self.check(answered?, request.method == "HEAD")?;
        // In the background nobody is to be answered from here.
        remains.0 = kit.keep(instance, ended).filter(|_| !background::is_here());
        Ok(response)
    }

    fn check(&self, answer: Answer, is_head: bool) -> Result<Response, CallError> {
        Ok(answer::check(answer, is_head, &self.kit.answer_limits())?)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(workers) = &self.workers {
            workers.retire();
        }
    }
}

#[cfg(test)]
impl Guest {
    /// Whether its calls go past the component model.
    pub(crate) fn is_direct(&self) -> bool {
        matches!(self.kit.loaded.entry, super::load::Entry::Direct(_))
    }

    /// Where the code of its direct calls is: the same for guests that share it.
    pub(crate) fn code(&self) -> Option<usize> {
        match &self.kit.loaded.entry {
            super::load::Entry::Direct(direct) => Some(direct.code_address()),
            _ => None,
        }
    }

    /// The calls that run in its sandbox at this moment.
    pub(crate) fn running(&self) -> u64 {
        self.kit.loaded.workshop.ticker.running()
    }
}

impl Remains {
    /// Whether there is no such instance.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Debug for Remains {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut remains = formatter.debug_tuple("Remains");
        remains.field(&self.0.is_some()).finish()
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut guest = formatter.debug_struct("Guest");
        guest
            .field("name", &self.kit.name())
            .finish_non_exhaustive()
    }
}
