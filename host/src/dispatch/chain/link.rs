//! The next link of a chain, as the guest before it sees it: a request in, a response out. The call
//! runs in a task of its own, so that neither guest's turn is the other's.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::answer::{Answering, Held};
use super::{Chain, Ended, Judged, serve};
use crate::dispatch::{Lease, Refusal, TICKS_FIRST, Usage, timed};
use crate::guest::{
    self, CallError, Handling, Next, NextBody, NextError, NextRequest, NotWhole, Response, Run,
    Stage, UploadFailure, Whole,
};
use crate::registry::{Admitted, Generation};
use crate::shards::Handle;

/// Calls of one request that wait for each other; what they hold is the host's memory.
const CALLS_MAX: usize = 16;

/// What stands behind a link: the one with this index.
pub(super) struct Behind {
    chain: Arc<Chain>,
    index: usize,
    /// One: a request holds one place of each guest, whatever its middleware does.
    turns: Arc<Semaphore>,
    /// For those that wait for the turn, too.
    calls: Arc<Semaphore>,
}

type Answered = Result<http::Response<NextBody>, NextError>;

/// The turn of a call. Others wait until its response is over.
pub(super) type Turn = OwnedSemaphorePermit;

impl Behind {
    pub(super) fn new(chain: &Arc<Chain>, index: usize) -> Self {
        Self {
            chain: Arc::clone(chain),
            index,
            turns: Arc::new(Semaphore::new(1)),
            calls: Arc::new(Semaphore::new(CALLS_MAX)),
        }
    }
}

impl Next for Behind {
    fn handle(&self, mut request: NextRequest) -> Handling {
        let (chain, index) = (Arc::clone(&self.chain), self.index);
        let turns = Arc::clone(&self.turns);
        let Ok(call) = Arc::clone(&self.calls).try_acquire_owned() else {
            return Box::pin(async { Err(NextError::Unavailable) });
        };
        Box::pin(async move {
            let _call = call;
            // The semaphore is never closed.
            let turn = turns.acquire_owned().await;
            let turn = turn.map_err(|_| NextError::Unavailable)?;
            chain.begin_again();
            chain.own_fields.put_into(request.headers_mut());
            let serving = chain.target.link(index).serving();
            match serving.guest().kind().is_streamed() {
                true => stream(&chain, index, serving, request, turn).await,
                false => whole(&chain, index, serving, request, turn).await,
            }
        })
    }
}

/// The link before waits for this one.
struct Awaited<'a>(&'a Chain, usize);

impl<'a> Awaited<'a> {
    fn new(chain: &'a Chain, index: usize) -> Self {
        chain.set_awaited(index, true);
        Self(chain, index)
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.0.set_awaited(self.1, false);
    }
}

/// Has a guest answer that streams.
async fn stream(
    chain: &Arc<Chain>,
    index: usize,
    serving: Handle<Generation>,
    request: NextRequest,
    turn: Turn,
) -> Answered {
    let _awaited = Awaited::new(chain, index);
    let mut admitted = admit(chain, index, serving.clone()).await?;
    if !admitted.generation().guest().kind().is_streamed() {
        // What serves by now takes whole bodies only.
        admitted.go_to(serving);
    }
    let generation = admitted.generation().clone();
    let guest = generation.guest();
    let (serving, download) = guest.prepare(request, &chain.id);
    let (standing, rooms) = admitted.standing();
    let mut serving = serving.standing(standing, rooms);
    if let Some(next) = chain.behind(index) {
        serving = serving.with_next(next);
    }
    chain.uses(index, serving.account());
    let judged = Judged::new(admitted, Some((chain, index)));
    let deadline = chain.deadline();
    let call = guest.run_serving(serving, deadline, |serving| {
        serve(judged, serving, deadline)
    });
    let (wanted, unwanted) = oneshot::channel();
    let (told, over) = oneshot::channel();
    tokio::spawn(see_through(call, Arc::clone(chain), index, unwanted, told));
    Answering::new(chain, index, download, over, wanted, turn)
        .begin()
        .await
}

async fn admit(
    chain: &Chain,
    index: usize,
    serving: Handle<Generation>,
) -> Result<Admitted, NextError> {
    let asked = Instant::now();
    let slot = chain.target.hold(index);
    let (admitted, queued) = timed(pin!(slot.admit(serving, chain.deadline(), asked))).await;
    let admitted = admitted.map_err(|refused| chain.refuse(index, Refusal::Busy(refused)))?;
    chain.reached(index, admitted.generation(), queued);
    Ok(admitted)
}

/// Runs a call to its end, or for as long as its time or its response lasts, and notes what it
/// came to before it tells that it is `over`. A response that ended lets its guest work on;
/// one that nobody wants any more gives it a short time to notice.
async fn see_through(
    mut call: Run<'static, Ended>,
    chain: Arc<Chain>,
    index: usize,
    unwanted: oneshot::Receiver<()>,
    over: oneshot::Sender<()>,
) {
    let until = chain.deadline() + TICKS_FIRST;
    let first = tokio::select! {
        biased;
        ended = timeout_at(until.into(), &mut call) => Ok(ended),
        unwanted = unwanted => Err(unwanted),
    };
    let ended = match first {
        Ok(ended) => ended,
        Err(Ok(())) => timeout_at(until.into(), &mut call).await,
        Err(Err(_)) => {
            let soon = until.min(Instant::now() + chain.allowed.farewell);
            match timeout_at(soon.into(), &mut call).await {
                Ok(ended) => Ok(ended),
                Err(_) => return,
            }
        }
    };
    let stage = Stage::Running;
    let late = (Err(CallError::Deadline { stage }), Usage::default());
    let broken = (Err(CallError::Host), Usage::default());
    let (result, _) = ended.unwrap_or(Some(late)).unwrap_or(broken);
    if let Err(error) = result {
        chain.failed(index, Refusal::Guest(error));
    }
    // It fails when nobody waits any more.
    let _ = over.send(());
}

/// Has a guest answer that takes a whole request.
async fn whole(
    chain: &Arc<Chain>,
    index: usize,
    serving: Handle<Generation>,
    request: NextRequest,
    turn: Turn,
) -> Answered {
    let mut lease = chain.allowed.buffered.lease();
    let whole = Whole::collect(request, chain.body_max, |bytes| lease.grow(bytes)).await;
    let whole = whole.map_err(|why| chain.refuse(index, chain.why_not_whole(why)))?;
    let is_head = whole.is_head();
    let _awaited = Awaited::new(chain, index);
    let admitted = admit(chain, index, serving).await?;
    // Dropping the set stops the guest.
    let mut calls = JoinSet::new();
    calls.spawn(call_whole(Arc::clone(chain), index, admitted, whole, lease));
    let answered = calls.join_next().await.and_then(Result::ok);
    let result = answered.unwrap_or(Err(CallError::Host));
    let answer = result.map_err(|error| chain.refuse(index, Refusal::Guest(error)))?;
    let mut lease = chain.allowed.buffered.lease();
    if !lease.grow(answer.body.len()) {
        return Err(chain.refuse(index, Refusal::OutOfBuffers));
    }
    Ok(Held::respond(answer, is_head, lease, turn))
}

async fn call_whole(
    chain: Arc<Chain>,
    index: usize,
    admitted: Admitted,
    whole: Whole,
    lease: Lease,
) -> Result<Response, CallError> {
    let generation = admitted.generation().clone();
    let (guest, deadline) = (generation.guest(), chain.deadline());
    let judged = Judged::new(admitted, Some((&chain, index)));
    let call = give_to(judged, Arc::clone(&chain), generation.clone(), whole, lease);
    let ended = timeout_at((deadline + TICKS_FIRST).into(), guest.run(deadline, call)).await;
    let stage = Stage::Running;
    let late = (Err(CallError::Deadline { stage }), Usage::default());
    let broken = (Err(CallError::Host), Usage::default());
    let (result, usage) = ended.unwrap_or(Some(late)).unwrap_or(broken);
    chain.see(index, |link| link.usage = usage);
    result
}

/// The call as a future that owns all it needs, so that it can go on on another thread.
async fn give_to(
    judged: Judged,
    chain: Arc<Chain>,
    generation: Handle<Generation>,
    whole: Whole,
    _lease: Lease,
) -> (Result<Response, CallError>, Usage) {
    let captures = chain.captures.iter();
    let captures: Vec<_> = captures
        .map(|(name, value)| guest::Capture { name, value })
        .collect();
    let fields = whole.fields();
    let request = whole.request(&chain.id, &chain.client, &fields, &captures);
    let (result, usage) = generation.guest().call(request, chain.deadline()).await;
    judged.ended(&result);
    (result, usage)
}

impl Chain {
    /// Notes that a link failed, and what the one before it gets to know of it.
    pub(super) fn refuse(&self, index: usize, refusal: Refusal) -> NextError {
        let told = told(&refusal);
        self.failed(index, refusal);
        told
    }

    /// What the link before gets to know of the failure that was noted last.
    pub(super) fn told(&self) -> NextError {
        let seen = self.lock();
        seen.failure
            .as_ref()
            .map_or(NextError::Failed, |(_, refusal)| told(refusal))
    }

    fn why_not_whole(&self, why: NotWhole) -> Refusal {
        match why {
            NotWhole::TooLarge => Refusal::BodyTooLarge {
                body_max: self.body_max,
            },
            NotWhole::NoRoom => Refusal::OutOfBuffers,
            NotWhole::Failed(UploadFailure::TooLarge(body_max)) => {
                Refusal::BodyTooLarge { body_max }
            }
            NotWhole::Failed(UploadFailure::Late) => Refusal::SlowBody,
            NotWhole::Failed(UploadFailure::Broken) => {
                Refusal::malformed(400, &"the request's body broke off")
            }
        }
    }
}

fn told(refusal: &Refusal) -> NextError {
    match refusal {
        Refusal::BodyTooLarge { body_max } => NextError::BodyTooLarge(*body_max),
        Refusal::Malformed { .. } | Refusal::SlowBody => NextError::RequestBroken,
        _ if refusal.status() == 503 => NextError::Unavailable,
        _ if refusal.status() == 504 => NextError::Late,
        _ => NextError::Failed,
    }
}
